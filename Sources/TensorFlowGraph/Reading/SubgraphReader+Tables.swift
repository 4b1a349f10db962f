import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import ProtobufWire

extension SubgraphReader {
  static func makesTable(_ type: String) -> Bool {
    [
      "HashTable", "HashTableV2", "MutableHashTable", "MutableHashTableV2", "MutableHashTableOfTensors", "MutableHashTableOfTensorsV2",
      "MutableDenseHashTable", "MutableDenseHashTableV2",
    ].contains(type)
  }
  static func fillsTable(_ type: String) -> Bool {
    [
      "InitializeTable", "InitializeTableV2", "InitializeTableFromTextFile", "InitializeTableFromTextFileV2", "LookupTableImport",
      "LookupTableImportV2",
    ].contains(type)
  }

  /// Reads the ops of tables with constant contents; `nil` for any other op.
  func readTable(
    _ node: NodeDef, _ type: String, name: String, _ inputs: [Symbol], in g: inout GraphContext
  ) throws -> [Symbol]? {
    let reader = NodeReader(node, inputs: [], functionAttributes: attributes)
    if Self.makesTable(type) {
      let shared = try reader.string("shared_name")
      let table = library.table(shared.isEmpty ? node.name ?? "" : shared, madeBy: node.name ?? "")
      table.types = try (reader.dataType("key_dtype").dtype, reader.dataType("value_dtype").dtype)
      if reader.attribute("value_shape") != nil { table.valueShape = try reader.shape("value_shape").extents ?? [] }
      if type.hasPrefix("MutableDense") {
        table.blanks = try inputs.compactMap { g.fact(of: try value(of: $0, in: &g)).constant }
      }
      return [.table(table)]
    }
    guard case .table(let table)? = inputs.first else { return nil }
    func input(_ index: Int, in g: inout GraphContext) throws -> ValueID {
      guard index < inputs.count else { throw FormatError(.invalidStructure, "\(type) has \(inputs.count) inputs") }
      return try value(of: inputs[index], in: &g)
    }
    if Self.fillsTable(type) {
      if type.hasPrefix("InitializeTableFromTextFile") {
        let file = g.fact(of: try input(1, in: &g)).constant
        table.content = try file.flatMap { try readTextFile($0, reader, table.types) }
      } else if let keys = g.fact(of: try input(1, in: &g)).constant, let values = g.fact(of: try input(2, in: &g)).constant {
        table.content = (keys, values)
      }
      return []
    }
    switch type {
    case "LookupTableFind", "LookupTableFindV2":
      let keys = try input(1, in: &g), fallback = try input(2, in: &g)
      guard let content = try content(of: table), let fallbackValue = g.fact(of: fallback).constant else { return nil }
      enter(name, in: &g)
      do { return [.value(try find(keys, in: content, fallback: try fallbackValue.array(), &g))] } catch let error as GraphError {
        throw FormatError(.invalidValue, error.description)
      }
    case "LookupTableSize", "LookupTableSizeV2":
      guard let content = try content(of: table) else { return nil }
      return [.value(try g.constant(NDArray(scalar: Int64(content.keys.elementCount))))]
    case "LookupTableExport", "LookupTableExportV2":
      guard let content = try content(of: table) else { return nil }
      return [.value(g.graph.addConstant(content.keys, name: name)), .value(g.graph.addConstant(content.values, name: name + ":1"))]
    default: return nil
    }
  }

  /// What a table holds before the graph runs: what fills it, else what the checkpoint says.
  private func content(of table: LookupTable) throws -> (keys: Tensor, values: Tensor)? {
    try library.fillTables()
    if table.content == nil { table.content = try stored(table) }
    return table.content
  }

  /// A table from the checkpoint. A dense one is stored with all its places, most of them blank.
  private func stored(_ table: LookupTable) throws -> (keys: Tensor, values: Tensor)? {
    guard let (keys, values) = try library.variableSource.table(table.reference) else { return nil }
    let count = keys.extents.first ?? 0
    guard keys.type.shape.elementCount == count, let total = checkedProduct([count] + table.valueShape),
      values.type.shape.elementCount == total
    else {
      throw FormatError(.sizeMismatch, "the table '\(table.name)' holds keys \(keys.type) and values \(values.type)")
    }
    let context = ExecutionContext(primitives: ReferencePrimitives())
    let all = try keys.array().reshaped([count]), contents = try values.array().reshaped([count] + table.valueShape)
    guard !table.blanks.isEmpty else { return (Tensor(all), Tensor(contents)) }
    func places(_ blank: (Int) -> Bool) -> [Int] { (0..<count).filter { !blank($0) } }
    let kept: [Int]
    if all.dtype == .string {
      let words = Set(try table.blanks.flatMap { try $0.array().strings }), own = all.strings
      kept = places { words.contains(own[$0]) }
    } else {
      let numbers = Set(try table.blanks.flatMap { try $0.array().doubles() }), own = all.doubles()
      kept = places { numbers.contains(own[$0]) }
    }
    let picks = NDArray(kept.map { Int64($0) }, [kept.count])
    func picked(_ array: NDArray) throws -> Tensor { Tensor(try GatherOp(axis: 0).evaluate([array, picks], in: context)[0]) }
    return (try picked(all), try picked(contents))
  }

  /// A value for each key. Tables of numbers and words are one op; longer values are rows that the keys' places pick.
  private func find(
    _ keys: ValueID, in content: (keys: Tensor, values: Tensor), fallback: NDArray, _ g: inout GraphContext
  ) throws -> ValueID {
    let known = try content.keys.array().flattened, values = try content.values.array()
    if values.shape.count <= 1 || fallback.count == 1 && values.count == known.count {
      guard fallback.count == 1 else { throw FormatError(.sizeMismatch, "a default of \(fallback.type) for \(values.type)") }
      return try g.apply(LabelEncoderOp(keys: known, values: values.flattened, defaultValue: fallback), keys)
    }
    let row = [1] + values.shape.dropFirst()
    guard fallback.count == checkedProduct(row) else {
      throw FormatError(.sizeMismatch, "a default of \(fallback.type) for \(values.type)")
    }
    let places = LabelEncoderOp(
      keys: known, values: NDArray((0..<known.count).map { Int64($0) }, [known.count]), defaultValue: NDArray(scalar: Int64(known.count)))
    let rows = try g.concat([try g.constant(values), try g.constant(fallback.reshaped(row))], axis: 0)
    return try g.gather(rows, try g.apply(places, keys), axis: 0)
  }

  /// The lines of a text file as keys and values: a whole line (-2), its number (-1), or a column.
  private func readTextFile(
    _ file: Tensor, _ reader: NodeReader, _ types: (key: DType?, value: DType?)
  ) throws -> (keys: Tensor, values: Tensor)? {
    guard let path = try file.array().strings.first.map({ String(decoding: $0, as: UTF8.self) }),
      let bytes = try library.variableSource.file(named: path)
    else { return nil }
    var lines = bytes.split(separator: 10, omittingEmptySubsequences: false).map { line in
      Array(line.last == 13 ? line.dropLast() : line)
    }
    if lines.last?.isEmpty == true { lines.removeLast() }
    lines = Array(lines.dropFirst(max(0, try reader.int("offset"))))
    let size = try reader.int("vocab_size")
    if size >= 0 { lines = Array(lines.prefix(size)) }
    // A tab unless something else is said.
    let delimiter = try reader.attribute("delimiter").flatMap { _ in try reader.bytes("delimiter").first } ?? 9
    let signature = (key: try reader.int("key_index"), value: try reader.int("value_index"))
    func column(_ index: Int, _ dtype: DType?) throws -> Tensor {
      if index == -1 { return Tensor(NDArray((0..<lines.count).map { Int64($0) }, [lines.count])) }
      let fields = try lines.map { line -> [UInt8] in
        if index == -2 { return line }
        let parts = line.split(separator: delimiter, omittingEmptySubsequences: false)
        guard parts.indices.contains(index) else {
          throw FormatError(.invalidValue, "a line of '\(path)' has \(parts.count) columns, expected more than \(index)")
        }
        return Array(parts[index])
      }
      let text = Tensor(TensorType(.string, [lines.count]), source: StringSource(fields))
      guard let dtype, dtype != .string else { return text }
      do {
        return Tensor(try CastOp(to: dtype).evaluate([try text.array()], in: ExecutionContext(primitives: ReferencePrimitives()))[0])
      } catch let error as ExecutionError { throw FormatError(.invalidValue, "column \(index) of '\(path)': \(error.description)") }
    }
    return (try column(signature.key, types.key), try column(signature.value, types.value))
  }
}

extension NDArray {
  fileprivate var flattened: NDArray { reshaped([count]) }
}

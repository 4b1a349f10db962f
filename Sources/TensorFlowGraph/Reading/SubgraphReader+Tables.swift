import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import ProtobufWire

extension SubgraphReader {
  static func makesTable(_ type: String) -> Bool {
    ["HashTable", "HashTableV2", "MutableHashTable", "MutableHashTableV2"].contains(type)
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
      return [.table(library.table(shared.isEmpty ? node.name ?? "" : shared))]
    }
    guard case .table(let table)? = inputs.first else { return nil }
    func input(_ index: Int, in g: inout GraphContext) throws -> ValueID {
      guard index < inputs.count else { throw FormatError(.invalidStructure, "\(type) has \(inputs.count) inputs") }
      return try value(of: inputs[index], in: &g)
    }
    if Self.fillsTable(type) {
      if type.hasPrefix("InitializeTableFromTextFile") {
        let file = g.fact(of: try input(1, in: &g)).constant
        table.content = try file.flatMap { try readTextFile($0, reader) }
      } else if let keys = g.fact(of: try input(1, in: &g)).constant, let values = g.fact(of: try input(2, in: &g)).constant {
        table.content = (keys, values)
      }
      return []
    }
    switch type {
    case "LookupTableFind", "LookupTableFindV2":
      try library.fillTables()
      let keys = try input(1, in: &g), fallback = try input(2, in: &g)
      guard let content = table.content, let fallbackValue = g.fact(of: fallback).constant, fallbackValue.elementCount == 1 else {
        return nil
      }
      let op = LabelEncoderOp(
        keys: try content.keys.array().flattened, values: try content.values.array().flattened,
        defaultValue: try fallbackValue.array())
      enter(name, in: &g)
      do { return [.value(try g.apply(op, keys))] } catch let error as GraphError {
        throw FormatError(.invalidValue, error.description)
      }
    case "LookupTableSize", "LookupTableSizeV2":
      try library.fillTables()
      guard let content = table.content else { return nil }
      return [.value(try g.constant(NDArray(scalar: Int64(content.keys.elementCount))))]
    default: return nil
    }
  }

  /// The lines of a text file as keys and values: a whole line (-2), its number (-1), or a column.
  private func readTextFile(_ file: Tensor, _ reader: NodeReader) throws -> (keys: Tensor, values: Tensor)? {
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
    func column(_ index: Int) throws -> Tensor {
      if index == -1 { return Tensor(NDArray((0..<lines.count).map { Int64($0) }, [lines.count])) }
      let fields = try lines.map { line -> [UInt8] in
        if index == -2 { return line }
        let parts = line.split(separator: delimiter, omittingEmptySubsequences: false)
        guard parts.indices.contains(index) else {
          throw FormatError(.invalidValue, "a line of '\(path)' has \(parts.count) columns, expected more than \(index)")
        }
        return Array(parts[index])
      }
      return Tensor(TensorType(.string, [lines.count]), source: StringSource(fields))
    }
    return (try column(signature.key), try column(signature.value))
  }
}

extension NDArray {
  fileprivate var flattened: NDArray { reshaped([count]) }
}

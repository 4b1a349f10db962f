import ModelSupport
import ModelTensor

/// The columns that are read of a table, with their dtypes.
private struct CSVTable: Sendable {
  let path: String, options: CSVOptions
  let names: [String]
  /// Places in a row of the columns that are wanted.
  let columns: [(name: String, place: Int, dtype: DType)]

  init(_ path: String, _ options: CSVOptions) throws {
    self.path = path
    self.options = options
    var reader = try CSVReader(path, options), rows: [[[UInt8]]] = []
    var names = options.columnNames
    if options.hasHeader {
      guard let header = try reader.next() else { throw reader.error(.truncated, "expected a header, found nothing") }
      names = names ?? header.map { String(decoding: $0, as: UTF8.self) }
    }
    while rows.count < Swift.max(1, options.rowsForInference), let row = try reader.next() {
      names = names ?? row.indices.map { String($0) }
      try Self.check(row, names ?? [], reader)
      rows.append(row)
    }
    let known = names ?? []
    self.names = known
    guard Set(known).count == known.count else {
      throw reader.error(.invalidValue, "a name of a column comes twice: \(known.joined(separator: ", "))")
    }
    for name in (options.selectColumns ?? []) + Array(options.columnTypes.keys) where !known.contains(name) {
      throw TensorError(.invalidArgument, "\(path): there is no column '\(name)'; there are \(known.joined(separator: ", "))")
    }
    columns = known.enumerated().compactMap { place, name in
      guard options.selectColumns?.contains(name) ?? true else { return nil }
      return (name, place, options.columnTypes[name] ?? Self.type(rows.map { $0[place] }, options))
    }
  }

  static func check(_ row: [[UInt8]], _ names: [String], _ reader: CSVReader) throws {
    guard row.count == names.count else {
      throw reader.error(.sizeMismatch, "expected \(names.count) fields, found \(row.count)")
    }
  }

  /// The first dtype that holds all values, in TensorFlow's order.
  private static func type(_ fields: [[UInt8]], _ options: CSVOptions) -> DType {
    let texts = fields.map { String(decoding: $0, as: UTF8.self) }.filter { !$0.isEmpty && $0 != options.naValue }
    let numbers = texts.map(trimmed)
    if numbers.allSatisfy({ Int32($0) != nil }) { return .int32 }
    if numbers.allSatisfy({ Int64($0) != nil }) { return .int64 }
    let values = numbers.map(number)
    guard values.allSatisfy({ $0?.isFinite ?? false }) else { return .string }
    return values.allSatisfy { Float($0 ?? 0).isFinite } ? .float32 : .float64
  }

  /// Numbers may have blanks around them.
  private static func trimmed(_ text: String) -> String {
    String(text.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
  }
  /// A decimal number: Swift's own spelling takes hexadecimal ones too.
  private static func number(_ text: String) -> Double? { text.contains { $0 == "x" || $0 == "X" } ? nil : Double(text) }

  func tensors(_ row: [[UInt8]], _ reader: CSVReader) throws -> [String: Tensor] {
    try Self.check(row, names, reader)
    var result: [String: Tensor] = [:]
    for (name, place, dtype) in columns {
      let field = row[place], text = String(decoding: field, as: UTF8.self)
      if dtype == .string {
        result[name] = Tensor(NDArray(strings: [text == options.naValue ? [] : field], []))
        continue
      }
      let isMissing = text.isEmpty || text == options.naValue
      func wrong() -> FormatError {
        reader.error(.invalidValue, "column '\(name)': expected a number of \(dtype), found '\(String(text.prefix(80)))'")
      }
      if dtype.isInteger {
        guard let value = isMissing ? 0 : Int64(Self.trimmed(text)) else { throw wrong() }
        let tensor = try Tensor(NDArray(scalar: value)).cast(to: dtype)
        guard try tensor.item() == Double(value) else { throw wrong() }
        result[name] = tensor
      } else {
        guard let value = isMissing ? 0 : Self.number(Self.trimmed(text)) else { throw wrong() }
        result[name] = try Tensor(NDArray(scalar: value)).cast(to: dtype)
      }
    }
    return result
  }
}

extension Dataset where Element == [String: Tensor] {
  /// The rows of a table: scalars by the names of the columns. The file is read as it is asked for.
  /// - Throws: `StorageError` when there is nothing to read, `FormatError` naming the line of what is no row of this table.
  public static func csv(_ path: String, options: CSVOptions = CSVOptions()) throws -> Self {
    let table = try CSVTable(path, options)
    return Dataset {
      var reader = try CSVReader(path, options)
      if options.hasHeader { _ = try reader.next() }
      return {
        guard let row = try reader.next() else { return nil }
        return try table.tensors(row, reader)
      }
    }
  }

  /// The rows without one column, and that column.
  public func labeled(_ name: String) -> Dataset<([String: Tensor], Tensor)> {
    map { row in
      var row = row
      guard let label = row.removeValue(forKey: name) else {
        throw TensorError(.invalidArgument, "there is no column '\(name)'; there are \(row.keys.sorted().joined(separator: ", "))")
      }
      return (row, label)
    }
  }

  /// The columns side by side as one vector of a dtype, in the order of `names`.
  public func packed(_ names: [String], dtype: DType = .float32) -> Dataset<Tensor> {
    map { row in
      Tensor(try NDArray.stacking(try row.ordered(names).map { try $0.cast(to: dtype).array() }))
    }
  }
}

extension Dataset {
  /// Batches of the rows of a table, with one column as the label (tf.data's `make_csv_dataset`).
  ///
  /// - Parameters:
  ///   - numEpochs: how often the file is gone through; without end when not given.
  public static func makeCSVDataset(
    _ path: String, batchSize: Int, labelName: String, options: CSVOptions = CSVOptions(), numEpochs: Int? = nil, shuffle: Bool = true,
    shuffleBufferSize: Int = 10_000, shuffleSeed: Int? = nil
  ) throws -> Dataset<([String: Tensor], Tensor)> where Element == ([String: Tensor], Tensor) {
    var rows = try Dataset<[String: Tensor]>.csv(path, options: options)
    if shuffle { rows = try rows.shuffle(shuffleBufferSize, seed: shuffleSeed) }
    if numEpochs != 1 { rows = rows.repeat(numEpochs) }
    return try rows.labeled(labelName).batch(batchSize, dropRemainder: numEpochs == nil).prefetch(1)
  }
}

import FlatBufferWire
import ModelSupport
import ModelTensor

/// A TensorFlow Lite file: its tables, read and checked; its buffers where they are.
/// ```swift
/// let file = try TFLiteFile(path: "model.tflite")
/// for op in file.subgraphs[0].operators ?? [] { print(file.displayName(of: op)) }
/// let weight = try file.tensor(3, subgraph: 0)
/// ```
public struct TFLiteFile: Sendable {
  /// The letters at byte 4.
  public static let identifier = "TFL3"
  /// The version of the schema that `Model.version` has to name.
  public static let schemaVersion: UInt32 = 3

  public let path: String
  /// The whole file.
  public let source: any ByteSource
  public let model: TFLiteModel
  /// Fields of a newer schema, which can't be kept when the tables are written anew.
  public let unknownFieldCount: Int
  /// Where the FlatBuffer, and the buffers behind it, end.
  public let end: Int

  /// Opens and checks a file; no weight is read.
  /// - Throws: `StorageError`; `FormatError` when a table is damaged or an index leads nowhere.
  public init(path: String) throws {
    let file = try MappedFile(path: path)
    try self.init(reading: FileSlice(file, 0..<file.count), path: path)
  }

  /// Reads a file that is all of `source`. External buffers are looked for beside `path`.
  public init(reading source: any ByteSource, path: String = "") throws {
    self.path = path
    self.source = source
    do {
      try Self.checkIdentifier(source)
      let contents = try FlatContents<TFLiteModel>(reading: source)
      (model, unknownFieldCount) = (contents.root, contents.unknownFieldCount)
      end = (contents.root.buffers ?? []).reduce(contents.end) { $1.data == nil ? max($0, Self.end($1.offset, $1.size)) : $0 }
      try check()
    } catch let error as FormatError {
      throw path.isEmpty ? error : error.inFile(path)
    }
  }

  /// A model that was made and is in no file yet: its buffers stay where they are, however large they are together.
  /// - Throws: `FormatError` when an index leads nowhere.
  public init(_ model: TFLiteModel) throws {
    (path, source, self.model, unknownFieldCount, end) = ("", MemorySource([]), model, 0, 0)
    try check()
  }

  /// Whether `bytes` begin as such a file does.
  public static func matches(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.count >= 8 && bytes[4..<8].elementsEqual(identifier.utf8)
  }

  /// Whether a file lacks the identifier and yet reads as a model of this schema.
  public static func isUnmarked(_ file: MappedFile) -> Bool {
    guard file.count >= 8, !matches(file.bytes), let model = try? TFLiteModel(reading: file) else { return false }
    return model.version == schemaVersion && model.subgraphs?.isEmpty == false && model.operatorCodes != nil
  }

  private static func checkIdentifier(_ source: any ByteSource) throws {
    guard source.byteCount >= 8 else {
      throw FormatError(.truncated, "expected a TensorFlow Lite file of 8 bytes or more, found \(source.byteCount)")
    }
    try source.withBytes(in: 4..<8) { bytes in
      guard !bytes.elementsEqual(identifier.utf8) else { return }
      let found = String(decoding: bytes, as: UTF8.self).debugDescription
      throw FormatError(.invalidStructure, "expected the identifier '\(identifier)', found \(found)", at: SourceLocation(offset: 4))
    }
  }

  public var subgraphs: [TFLiteSubGraph] { model.subgraphs ?? [] }

  // MARK: Operators

  /// What an operator is: the builtin, or the name of a custom one, and its version.
  public func opcode(of op: TFLiteOperator) -> (builtin: BuiltinOperator, customName: String?, version: Int32) {
    let codes = model.operatorCodes ?? []
    guard let index = Int(exactly: op.opcodeIndex), codes.indices.contains(index) else { return (.custom, nil, 0) }
    let code = codes[index]
    return (code.builtin, code.builtin == .custom ? code.customCode : nil, code.version)
  }

  /// `CONV_2D`; for a custom operator its own name.
  public func displayName(of op: TFLiteOperator) -> String {
    let (builtin, custom, _) = opcode(of: op)
    return custom ?? builtin.name
  }

  /// The options of a custom operator, wherever they stand.
  public func customOptions(of op: TFLiteOperator) -> FlatBytes? {
    if let options = op.customOptions { return options }
    guard op.largeCustomOptionsOffset > 1, let range = range(op.largeCustomOptionsOffset, op.largeCustomOptionsSize) else { return nil }
    return FlatBytes(source, range)
  }

  // MARK: Buffers

  /// The contents of a buffer, inside the FlatBuffer or behind it; `nil` when it has none.
  public func buffer(_ index: Int) -> FlatBytes? {
    guard let buffers = model.buffers, buffers.indices.contains(index) else { return nil }
    let buffer = buffers[index]
    if let data = buffer.data { return data }
    guard buffer.offset > 1, let range = range(buffer.offset, buffer.size) else { return nil }
    return FlatBytes(source, range)
  }

  /// A range of the file, if it lies within.
  func range(_ offset: UInt64, _ size: UInt64) -> Range<Int>? {
    guard let start = Int(exactly: offset), let count = Int(exactly: size), start <= source.byteCount, count <= source.byteCount - start
    else { return nil }
    return start..<(start + count)
  }

  private static func end(_ offset: UInt64, _ size: UInt64) -> Int {
    offset > 1 ? Int(clamping: offset.addingReportingOverflow(size).partialValue) : 0
  }

  /// What stands behind everything that the tables name: associated files, or bytes of unknown use.
  public var trailer: FlatBytes? {
    guard end < source.byteCount else { return nil }
    let rest = FlatBytes(source, end..<source.byteCount)
    // Padding is no content.
    if rest.count < 64, let bytes = try? rest.bytes(), bytes.allSatisfy({ $0 == 0 }) { return nil }
    return rest
  }

  // MARK: Metadata

  /// The buffers with names, in order.
  public var metadata: [(name: String, content: FlatBytes)] {
    (model.metadata ?? []).map { ($0.name ?? "", buffer(Int($0.buffer)) ?? FlatBytes([UInt8]())) }
  }

  /// The contents of the metadata of that name.
  public func metadata(named name: String) -> FlatBytes? { metadata.first { $0.name == name }?.content }
}

extension OperatorCode {
  /// The builtin: files before schema 3a have it in a byte, later ones in both fields, as far as it fits.
  public var builtin: BuiltinOperator {
    BuiltinOperator(rawValue: max(builtinCode.rawValue, Int32(deprecatedBuiltinCode)))
  }
}

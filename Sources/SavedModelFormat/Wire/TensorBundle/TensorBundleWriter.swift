import ModelSupport
import ModelTensor
import ProtobufWire
import TensorFlowGraph

/// Writes a checkpoint of one data file, tensor by tensor. The bytes pass through once: copied and summed in the same go.
public struct TensorBundleWriter {
  private let prefix: String
  private let data: OutputFile
  private var entries: [String: BundleEntryProto] = [:]

  /// - Throws: `StorageError` when the files can't be made.
  public init(prefix: String) throws {
    self.prefix = prefix
    data = try OutputFile(creating: prefix + ".data-00000-of-00001")
  }

  /// - Throws: `UnsupportedError` for a dtype TensorFlow does not have; what reading or writing throws.
  public mutating func add(_ name: String, _ tensor: Tensor) throws {
    guard let dtype = DataType(tensor.dtype) else { throw UnsupportedError("TensorFlow has no dtype \(tensor.dtype)") }
    guard entries[name] == nil, !name.isEmpty, name.utf8.first != 0 else {
      throw FormatError(.invalidValue, "a checkpoint can't hold the name '\(name)', or not twice")
    }
    try within("tensor \(name)") {
      try tensor.validate()
      var entry = BundleEntryProto(), checksum = Checksum()
      entry.dtype = dtype
      entry.shape = TensorShapeProto(Shape(tensor.extents))
      let start = data.position
      if let strings = tensor.source as? StringSource {
        try append(strings.strings, &checksum)
      } else if let bits = tensor.dtype.bitWidth, bits < 8 {
        // A byte for each element, as arrays hold them.
        let bytes = try tensor.array().withBytes { [UInt8]($0) }
        checksum.add(bytes)
        try data.append(bytes)
      } else {
        try data.append(tensor.source) { checksum.add($0) }
      }
      // Zeros are left out, as proto3 does.
      if start > 0 { entry.offset = Int64(start) }
      if data.position > start { entry.size = Int64(data.position - start) }
      entry.crc32c = checksum.masked
      entries[name] = entry
    }
  }

  private func append(_ strings: [[UInt8]], _ checksum: inout Checksum) throws {
    var head: [UInt8] = []
    for string in strings {
      head.append(varint: string.count)
      checksum.add(UInt32(clamping: string.count))
    }
    let lengths = checksum.masked
    head.append(little: lengths)
    checksum.add(lengths)
    try data.append(head)
    for string in strings {
      checksum.add(string)
      try data.append(string)
    }
  }

  /// Writes the index.
  public func finish() throws {
    try data.finish()
    var header = BundleHeaderProto(), version = VersionDef()
    header.numShards = 1
    version.producer = 1
    header.version = version
    var table: [SortedTable.Entry] = [([], try header.encoded())]
    for (name, entry) in entries.map({ (Array($0.key.utf8), $0.value) }).sorted(by: { $0.0.lexicographicallyPrecedes($1.0) }) {
      table.append((name, try entry.encoded()))
    }
    try SortedTable.write(table, to: prefix + ".index")
  }
}

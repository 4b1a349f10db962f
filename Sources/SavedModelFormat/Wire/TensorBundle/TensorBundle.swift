import ModelSupport
import ModelTensor
import Synchronization
import TensorFlowGraph

/// A checkpoint of TensorFlow: an index, and the bytes of the tensors in one or more files beside it.
///
/// Opening reads the index alone. Tensors are places in the data files, which are mapped when one is first asked for:
/// ```swift
/// let bundle = try TensorBundle(prefix: "model/variables/variables")
/// let kernel = try bundle.tensor("dense/kernel/.ATTRIBUTES/VARIABLE_VALUE")
/// ```
public final class TensorBundle: Sendable {
  /// The path without `.index`.
  public let prefix: String
  public let header: BundleHeaderProto
  /// The names of the tensors, sorted.
  public let names: [String]
  let entries: [String: BundleEntryProto]
  /// Parts of tensors by their encoded keys.
  let parts: [[UInt8]: BundleEntryProto]
  private let shards = Mutex<[Int: MappedFile]>([:])

  /// The most data files: each holds a descriptor open.
  static let shardLimit = 4096

  /// - Throws: `StorageError` when there is no index, `FormatError` for what is in it.
  public init(prefix: String) throws {
    self.prefix = prefix
    let path = prefix + ".index"
    let table = try SortedTable(reading: try MappedFile(path: path))
    do {
      guard let first = table.entries.first, first.key.isEmpty else {
        throw FormatError(.invalidStructure, "expected a header as the first entry of the index")
      }
      let header = try within("header") { try BundleHeaderProto(reading: first.value) }
      guard let count = header.numShards, count > 0, count <= Self.shardLimit else {
        throw FormatError(.invalidValue, "expected from 1 to \(Self.shardLimit) data files, found \(header.numShards ?? 0)")
      }
      if let least = header.version?.minConsumer, least > 1 {
        throw UnsupportedError("\(path): a checkpoint that needs a reader of version \(least); this one is of version 1")
      }
      self.header = header
      var names: [String] = [], entries: [String: BundleEntryProto] = [:], parts: [[UInt8]: BundleEntryProto] = [:]
      for (key, value) in table.entries.dropFirst() {
        let name = String(decoding: key, as: UTF8.self)
        let entry = try within("tensor \(name)") { try BundleEntryProto(reading: value) }
        // Keys of parts begin with a zero, which no name does.
        if key.first == 0 { parts[key] = entry; continue }
        names.append(name)
        entries[name] = entry
      }
      (self.names, self.entries, self.parts) = (names, entries, parts)
    } catch let error as FormatError { throw error.inFile(path) }
  }

  public func contains(_ name: String) -> Bool { entries[name] != nil }

  /// A tensor's type as the index says it: nothing else is opened.
  /// - Throws: `FormatError` for an impossible one, `UnsupportedError` for a dtype without a canonical one.
  public func type(_ name: String) throws -> TensorType { try type(of: try entry(name)) }

  /// Element types as the index names them: the quantised ones by the integers they are stored as.
  static func dtype(_ type: DataType?) throws -> DType {
    let type = type ?? DataType(rawValue: 0)
    if let dtype = type.dtype { return dtype }
    switch type.rawValue {
    case 11: return .int8
    case 12: return .uint8
    case 13: return .int32
    case 15: return .int16
    case 16: return .uint16
    default: throw UnsupportedError("tensors of the type \(type.name) are not supported")
    }
  }

  func type(of entry: BundleEntryProto) throws -> TensorType {
    let extents = (entry.shape?.dim ?? []).map { Int($0.size ?? 0) }
    guard entry.shape?.unknownRank != true, checkedProduct(extents) != nil else {
      throw FormatError(.invalidValue, "a stored tensor has the extents \(extents)")
    }
    return TensorType(try Self.dtype(entry.dtype), extents)
  }

  func entry(_ name: String) throws -> BundleEntryProto {
    guard let entry = entries[name] else {
      throw FormatError(.missingReference, "the checkpoint holds no tensor '\(name)'", at: SourceLocation(file: prefix + ".index"))
    }
    return entry
  }

  /// A data file, checked to be one of those the header counts.
  func shard(_ id: Int) throws -> MappedFile {
    if let known = shards.withLock({ $0[id] }) { return known }
    let count = Int(header.numShards ?? 1)
    guard id >= 0, id < count else { throw FormatError(.missingReference, "data file \(id) of \(count)") }
    let path = "\(prefix).data-\(Self.fiveDigits(id))-of-\(Self.fiveDigits(count))"
    guard FileSystem.kind(path) != nil else {
      throw FormatError(.missingReference, "the data file is missing", at: SourceLocation(file: path))
    }
    let file = try MappedFile(path: path)
    shards.withLock { $0[id] = file }
    return file
  }

  static func fiveDigits(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }
}

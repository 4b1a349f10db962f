import ModelSupport
import ModelTensor
import ZipContainer

/// Writes `.npy` files.
public enum NumPyWriter {
  /// Writes `tensor` at `path`.
  public static func write(_ tensor: Tensor, to path: String) throws {
    let output = try OutputFile(creating: path)
    try output.append(source(tensor))
    try output.finish()
  }

  public static func write(_ array: NDArray, to path: String) throws { try write(Tensor(array), to: path) }

  /// The file that holds `tensor`, as a source.
  static func source(_ tensor: Tensor) throws -> any ByteSource {
    try tensor.validate()
    let (descriptor, data) = try encode(tensor)
    return CompositeSource([MemorySource(NumPyHeader(descriptor: descriptor, shape: tensor.extents).bytes()), data])
  }

  private static func encode(_ tensor: Tensor) throws -> (descriptor: String, data: any ByteSource) {
    switch tensor.dtype {
    case .string: return try encodeStrings(tensor.array().strings)
    case .bool, .int8, .uint8:
      return (tensor.dtype == .bool ? "|b1" : tensor.dtype == .int8 ? "|i1" : "|u1", tensor.source)
    case .int2, .int4: return ("|i1", try unpacked(tensor, .int8))
    case .uint2, .uint4: return ("|u1", try unpacked(tensor, .uint8))
    case .bfloat16: return ("<V2", tensor.source)
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0fnu: return ("|V1", tensor.source)
    case .float4e2m1, .resource, .variant:
      throw FormatError(.invalidValue, "NumPy has no elements of the type \(tensor.dtype)")
    default:
      guard let name = NumPyElement.numbers.first(where: { $0.value == tensor.dtype })?.key else {
        throw FormatError(.invalidValue, "NumPy has no elements of the type \(tensor.dtype)")
      }
      return ("<" + name, tensor.source)
    }
  }

  /// One byte for each element.
  private static func unpacked(_ tensor: Tensor, _ dtype: DType) throws -> any ByteSource {
    try MemorySource(tensor.array().withBytes { [UInt8]($0) })
  }

  /// `U` when all strings are Unicode, else `S`.
  private static func encodeStrings(_ strings: [[UInt8]]) throws -> (String, any ByteSource) {
    let texts = strings.compactMap { String(validating: $0, as: UTF8.self).map { Array($0.unicodeScalars) } }
    if texts.count == strings.count {
      let width = max(1, texts.map(\.count).max() ?? 1)
      var bytes = [UInt8](repeating: 0, count: strings.count * width * 4)
      for (index, scalars) in texts.enumerated() {
        for (position, scalar) in scalars.enumerated() {
          for byte in 0..<4 {
            bytes[(index * width + position) * 4 + byte] = UInt8(truncatingIfNeeded: scalar.value >> (8 * UInt32(byte)))
          }
        }
      }
      return ("<U\(width)", MemorySource(bytes))
    }
    let width = max(1, strings.map(\.count).max() ?? 1)
    return ("|S\(width)", MemorySource(strings.flatMap { $0 + [UInt8](repeating: 0, count: width - $0.count) }))
  }
}

/// Writes an `.npz` archive, array by array.
public final class NumPyArchiveWriter {
  private let writer: ZipWriter
  private let isCompressed: Bool

  /// - Throws: `StorageError.cannotCreate`.
  public init(path: String, isCompressed: Bool = false) throws {
    writer = try ZipWriter(path: path)
    self.isCompressed = isCompressed
  }

  public func add(_ key: String, _ tensor: Tensor) throws {
    try within("array \(key)") {
      try writer.add(key + ".npy", NumPyWriter.source(tensor), method: isCompressed ? .deflated : .stored)
    }
  }

  public func add(_ key: String, _ array: NDArray) throws { try add(key, Tensor(array)) }

  public func finish() throws { try writer.finish() }
}

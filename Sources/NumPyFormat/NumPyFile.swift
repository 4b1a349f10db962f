import ModelSupport
import ModelTensor

/// A `.npy` file: one array.
/// ```swift
/// let image = try NumPyFile(path: "image.npy").tensor.array()
/// ```
public struct NumPyFile: Sendable {
  public let header: NumPyHeader
  /// The array. Numbers stay in the file until asked for; strings are read.
  public let tensor: Tensor

  /// - Throws: `StorageError` when the file can't be opened, `FormatError` when it is damaged.
  public init(path: String) throws {
    let file = try MappedFile(path: path)
    do { try self.init(source: FileSlice(file, 0..<file.count)) } catch let error as FormatError {
      throw error.inFile(path)
    }
  }

  public init(source: any ByteSource) throws {
    header = try NumPyHeader(reading: source)
    tensor = try Self.tensor(header, of: source)
  }

  public static func matches(_ file: MappedFile) -> Bool { file.bytes.prefix(6).elementsEqual(NumPyHeader.magic) }

  private static func tensor(_ header: NumPyHeader, of source: any ByteSource) throws -> Tensor {
    let element = try NumPyElement(header.descriptor)
    guard let count = checkedProduct(header.shape),
      case let (bytes, overflow) = count.multipliedReportingOverflow(by: element.size), !overflow
    else { throw FormatError(.limitExceeded, "an array of the shape \(header.shape)") }
    let present = source.byteCount - header.dataOffset
    guard bytes <= present else {
      throw FormatError(.truncated, "expected \(bytes) bytes of elements, found \(present)")
    }
    // Elements without size would take memory that no byte of the file stands for.
    guard element.size > 0 || count <= 1 << 20 else {
      throw FormatError(.limitExceeded, "\(count) elements without bytes")
    }
    let data = source.slice(header.dataOffset..<(header.dataOffset + bytes))
    let extents = header.isFortranOrder ? header.shape.reversed() : header.shape
    let plain = try element.tensor(data, extents: extents, count: count)
    return header.isFortranOrder ? try reversed(plain) : plain
  }

  /// The tensor with its axes in reverse order.
  private static func reversed(_ tensor: Tensor) throws -> Tensor {
    let rank = tensor.extents.count
    guard rank > 1 else { return tensor }
    guard tensor.dtype == .string else { return tensor.transposed((0..<rank).reversed()) }
    let old = tensor.extents, new = Array(old.reversed())
    let strings = try tensor.array().strings
    let result = (0..<strings.count).map { index in
      var rest = index, source = 0, stride = 1
      // The last axis of the result is the first of the source, which varies slowest.
      var coordinates = [Int](repeating: 0, count: rank)
      for axis in (0..<rank).reversed() {
        coordinates[axis] = rest % new[axis]
        rest /= new[axis]
      }
      for axis in (0..<rank).reversed() {
        source += coordinates[rank - 1 - axis] * stride
        stride *= old[axis]
      }
      return strings[source]
    }
    return Tensor(NDArray(strings: result, new))
  }
}

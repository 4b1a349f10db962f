import CHDF5
import ModelSupport
import ModelTensor

/// Reading of elements through the library, for attributes and for datasets.
enum HDF5Reading {
  /// The type to read `type` as: the same numbers in little-endian order.
  static func memoryType(_ datatype: HDF5Datatype, of type: HDF5Handle) throws -> HDF5Handle {
    let copy = try HDF5Handle("copying a type") { H5Tcopy(type.id) }
    if case .number(let dtype, bigEndian: true) = datatype {
      guard HDF5Library.call({ H5Tget_class(type.id) }) != H5T_ENUM else {
        throw FormatError(.invalidValue, "a big-endian enumeration over \(dtype)")
      }
      try HDF5Library.call { try HDF5Library.check(H5Tset_order(copy.id, H5T_ORDER_LE), "choosing a byte order") }
    }
    return copy
  }

  /// The elements that `read` puts into memory of the given type.
  /// - Parameter stored: how many bytes the file has: fixed-size elements can't take more.
  static func array(
    _ datatype: HDF5Datatype, type: HDF5Handle, extents: [Int], stored: Int,
    _ read: (hid_t, UnsafeMutableRawPointer?) -> herr_t
  ) throws -> NDArray {
    guard let count = checkedProduct(extents) else { throw FormatError(.limitExceeded, "the extents \(extents)") }
    switch datatype {
    case .number(let dtype, _):
      guard let bytes = dtype.byteCount(of: count), bytes <= stored else {
        throw FormatError(.sizeMismatch, "expected \(count) elements of \(dtype), more than the file holds")
      }
      let memory = try memoryType(datatype, of: type)
      let result = NDArray(uninitialized: dtype, extents)
      guard bytes > 0 else { return result }
      try result.withMutableBytes { out in
        _ = try HDF5Library.call { try HDF5Library.check(read(memory.id, out.baseAddress), "reading") }
      }
      return result
    case .string(let length?, _):
      let (bytes, overflow) = count.multipliedReportingOverflow(by: length)
      guard !overflow, bytes <= stored else {
        throw FormatError(.sizeMismatch, "expected \(count) strings of \(length) bytes, more than the file holds")
      }
      return NDArray(strings: try fixedStrings(type, count: count, length: length, read), extents)
    case .string(nil, _):
      // Each is a length, an address and an index in the file: 16 bytes.
      guard count <= stored / 8 else {
        throw FormatError(.sizeMismatch, "expected \(count) strings, more than the file holds")
      }
      return NDArray(strings: try variableStrings(type, extents: extents, count: count, read), extents)
    case .opaque, .other:
      throw FormatError(.invalidValue, "elements of the type \(datatype) are no tensor")
    }
  }

  private static func fixedStrings(
    _ type: HDF5Handle, count: Int, length: Int, _ read: (hid_t, UnsafeMutableRawPointer?) -> herr_t
  ) throws -> [[UInt8]] {
    guard count > 0 else { return [] }
    var bytes = [UInt8](repeating: 0, count: count * length)
    try bytes.withUnsafeMutableBytes { out in
      _ = try HDF5Library.call { try HDF5Library.check(read(type.id, out.baseAddress), "reading strings") }
    }
    let padding = HDF5Library.call { H5Tget_strpad(type.id) }
    return (0..<count).map { index in
      let element = bytes[(index * length)..<((index + 1) * length)]
      if padding == H5T_STR_SPACEPAD {
        var end = element.endIndex
        while end > element.startIndex, element[end - 1] == UInt8(ascii: " ") { end -= 1 }
        return [UInt8](element[..<end])
      }
      if padding == H5T_STR_NULLTERM { return [UInt8](element.prefix { $0 != 0 }) }
      var end = element.endIndex
      while end > element.startIndex, element[end - 1] == 0 { end -= 1 }
      return [UInt8](element[..<end])
    }
  }

  private static func variableStrings(
    _ type: HDF5Handle, extents: [Int], count: Int, _ read: (hid_t, UnsafeMutableRawPointer?) -> herr_t
  ) throws -> [[UInt8]] {
    guard count > 0 else { return [] }
    var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
    return try HDF5Library.call {
      defer {
        for pointer in pointers where pointer != nil { H5free_memory(pointer) }
      }
      try pointers.withUnsafeMutableBytes { out in
        _ = try HDF5Library.check(read(type.id, out.baseAddress), "reading strings")
      }
      return pointers.map { pointer in
        guard let pointer else { return [] }
        return [UInt8](UnsafeRawBufferPointer(start: pointer, count: strlen(pointer)))
      }
    }
  }
}

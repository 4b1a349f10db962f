import CHDF5
import ModelSupport
import ModelTensor

/// A value to be written as an attribute, in the way h5py writes its Python counterpart.
public enum HDF5AttributeValue: Sendable {
  /// `str`: one UTF-8 string of any length.
  case text(String)
  /// `bytes`: one string of any length, marked as ASCII.
  case bytes([UInt8])
  /// A list of `bytes`, or an array of dtype `S`: strings padded to the longest.
  case byteStrings([[UInt8]])
  /// A list of `str`.
  case texts([String])
  /// Numbers.
  case array(NDArray)
  /// `h5py.Empty('f')`.
  case empty
  /// An attribute of another file, of the same type and extents.
  case copy(HDF5Attribute)

  /// The largest value an object header holds.
  static let limit = 64_512

  func write(to object: hid_t, as name: String) throws {
    try within("attribute \(name)") {
      switch self {
      case .text(let text): try strings([Array(text.utf8)], extents: [], isUTF8: true, object, name)
      case .bytes(let bytes): try strings([bytes], extents: [], isUTF8: false, object, name)
      case .texts(let texts): try strings(texts.map { Array($0.utf8) }, extents: [texts.count], isUTF8: true, object, name)
      case .byteStrings(let values): try fixed(values, object, name)
      case .array(let array): try numbers(array, object, name)
      case .empty:
        _ = try make(try HDF5Types.stored(.float32), extents: nil, object, name)
      case .copy(let attribute): try copy(attribute, object, name)
      }
    }
  }

  /// - Throws: `FormatError` for a type that tensors don't have.
  private func copy(_ attribute: HDF5Attribute, _ object: hid_t, _ name: String) throws {
    guard let array = attribute.array else {
      guard attribute.isEmpty else {
        throw FormatError(.invalidValue, "elements of the type \(attribute.datatype) are not written")
      }
      _ = try make(try attribute.datatype.stored(), extents: nil, object, name)
      return
    }
    switch attribute.datatype {
    case .string(nil, let isUTF8): try strings(array.strings, extents: array.shape, isUTF8: isUTF8, object, name)
    case .string(let length?, let isUTF8):
      let padded = array.strings.flatMap { $0.prefix(length) + [UInt8](repeating: 0, count: max(0, length - $0.count)) }
      try refuse(over: padded.count)
      let type = try HDF5Types.fixedString(length: length, isUTF8: isUTF8)
      try padded.withUnsafeBytes { try write($0.baseAddress, type, extents: array.shape, object, name) }
    default: try numbers(array, object, name)
    }
  }

  private func make(_ type: HDF5Handle, extents: [Int]?, _ object: hid_t, _ name: String) throws -> HDF5Handle {
    let space = try HDF5Dataspace.make(extents)
    return try HDF5Handle("making the attribute") {
      H5Acreate2(object, name, type.id, space.id, chdf5_default(), chdf5_default())
    }
  }

  private func write(_ bytes: UnsafeRawPointer?, _ type: HDF5Handle, extents: [Int], _ object: hid_t, _ name: String) throws {
    let attribute = try make(type, extents: extents, object, name)
    guard checkedProduct(extents) != 0 else { return }
    _ = try HDF5Library.call { try HDF5Library.check(H5Awrite(attribute.id, type.id, bytes), "writing") }
  }

  private func strings(_ values: [[UInt8]], extents: [Int], isUTF8: Bool, _ object: hid_t, _ name: String) throws {
    let type = try HDF5Types.variableString(isUTF8: isUTF8)
    try HDF5Types.withPointers(to: values) { try write($0, type, extents: extents, object, name) }
  }

  private func fixed(_ values: [[UInt8]], _ object: hid_t, _ name: String) throws {
    let length = max(1, values.map(\.count).max() ?? 1)
    let padded = values.flatMap { $0 + [UInt8](repeating: 0, count: length - $0.count) }
    try refuse(over: padded.count)
    let type = try HDF5Types.fixedString(length: length)
    try padded.withUnsafeBytes { try write($0.baseAddress, type, extents: [values.count], object, name) }
  }

  private func numbers(_ array: NDArray, _ object: hid_t, _ name: String) throws {
    if array.dtype == .string {
      return try strings(array.strings, extents: array.shape, isUTF8: true, object, name)
    }
    try refuse(over: array.byteCount)
    let type = try HDF5Types.stored(array.dtype)
    try array.withBytes { try write($0.baseAddress, type, extents: array.shape, object, name) }
  }

  private func refuse(over size: Int) throws {
    guard size <= Self.limit else {
      throw FormatError(.limitExceeded, "a value of \(size) bytes; HDF5 holds \(Self.limit) in an attribute")
    }
  }
}

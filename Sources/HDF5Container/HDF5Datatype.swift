import CHDF5
import ModelSupport
import ModelTensor

/// The element type of a dataset or attribute.
public enum HDF5Datatype: Sendable, Hashable {
  /// Numbers and booleans (the two-member enumeration h5py writes for them), stored in either order.
  case number(DType, bigEndian: Bool)
  /// Strings of `length` bytes each, padded, or of any length when `nil`.
  case string(length: Int?, isUTF8: Bool)
  /// `size` bytes without a meaning: how h5py stores bfloat16 and other types HDF5 does not know.
  case opaque(size: Int, tag: String)
  /// Compounds, references, nested arrays.
  case other(String)

  /// The tensor type it corresponds to, if there is one.
  public var dtype: DType? {
    switch self {
    case .number(let dtype, _): dtype
    case .string: .string
    case .opaque, .other: nil
    }
  }

  init(reading type: HDF5Handle) throws {
    let id = type.id
    let size = HDF5Library.call { H5Tget_size(id) }
    guard size > 0, size <= 1 << 30 else {
      throw FormatError(.invalidValue, "an element type of \(size) bytes")
    }
    self = try HDF5Library.call { try Self.classify(id, size: size) }
  }

  private static func classify(_ id: hid_t, size: Int) throws -> HDF5Datatype {
    let bigEndian = H5Tget_order(id) == H5T_ORDER_BE
    switch H5Tget_class(id) {
    case H5T_INTEGER:
      guard H5Tget_precision(id) == size * 8, H5Tget_offset(id) == 0 else { return .other("packed integer") }
      let signed = H5Tget_sign(id) != H5T_SGN_NONE
      switch size {
      case 1: return .number(signed ? .int8 : .uint8, bigEndian: false)
      case 2: return .number(signed ? .int16 : .uint16, bigEndian: bigEndian)
      case 4: return .number(signed ? .int32 : .uint32, bigEndian: bigEndian)
      case 8: return .number(signed ? .int64 : .uint64, bigEndian: bigEndian)
      default: return .other("integer of \(size) bytes")
      }
    case H5T_FLOAT:
      return float(id, size: size, bigEndian: bigEndian)
    case H5T_ENUM:
      let base = try HDF5Handle("base type") { H5Tget_super(id) }
      guard isBoolean(id) else { return try HDF5Datatype(reading: base) }
      return .number(.bool, bigEndian: false)
    case H5T_STRING:
      let isVariable = H5Tis_variable_str(id) > 0
      return .string(length: isVariable ? nil : size, isUTF8: H5Tget_cset(id) == H5T_CSET_UTF8)
    case H5T_OPAQUE:
      var tag = ""
      if let text = H5Tget_tag(id) {
        tag = String(cString: text)
        H5free_memory(text)
      }
      return .opaque(size: size, tag: tag)
    case H5T_COMPOUND: return complex(id, size: size) ?? .other("compound")
    case H5T_ARRAY: return .other("array")
    case H5T_VLEN: return .other("variable-length list")
    case H5T_REFERENCE: return .other("reference")
    case H5T_BITFIELD: return .other("bit field")
    default: return .other("unknown class")
    }
  }

  private static func float(_ id: hid_t, size: Int, bigEndian: Bool) -> HDF5Datatype {
    var sign = 0, exponentAt = 0, exponent = 0, mantissaAt = 0, mantissa = 0
    guard H5Tget_fields(id, &sign, &exponentAt, &exponent, &mantissaAt, &mantissa) >= 0 else {
      return .other("float")
    }
    let bias = H5Tget_ebias(id)
    guard mantissaAt == 0, exponentAt == mantissa, sign == mantissa + exponent, sign == size * 8 - 1 else {
      return .other("float of an unusual layout")
    }
    switch (size, exponent, bias) {
    case (2, 5, 15): return .number(.float16, bigEndian: bigEndian)
    case (2, 8, 127): return .number(.bfloat16, bigEndian: bigEndian)
    case (4, 8, 127): return .number(.float32, bigEndian: bigEndian)
    case (8, 11, 1023): return .number(.float64, bigEndian: bigEndian)
    default: return .other("float of \(size) bytes, \(exponent) of them bits of exponent")
    }
  }

  /// Whether an enumeration is the pair FALSE, TRUE over one byte.
  private static func isBoolean(_ id: hid_t) -> Bool {
    guard H5Tget_size(id) == 1, H5Tget_nmembers(id) == 2 else { return false }
    var names: [String] = []
    for index in 0..<UInt32(2) {
      guard let text = H5Tget_member_name(id, index) else { return false }
      names.append(String(cString: text).uppercased())
      H5free_memory(text)
    }
    var value: UInt8 = 2
    guard H5Tget_member_value(id, 0, &value) >= 0 else { return false }
    return names == ["FALSE", "TRUE"] && value == 0
  }

  /// The pair of floats `r`, `i` that h5py writes for complex numbers.
  private static func complex(_ id: hid_t, size: Int) -> HDF5Datatype? {
    guard H5Tget_nmembers(id) == 2, size == 8 || size == 16 else { return nil }
    var parts: [HDF5Datatype] = []
    for index in 0..<UInt32(2) {
      guard H5Tget_member_offset(id, index) == Int(index) * size / 2,
        let member = try? HDF5Handle("member type", { H5Tget_member_type(id, index) }),
        let part = try? HDF5Datatype(reading: member)
      else { return nil }
      parts.append(part)
    }
    guard parts[0] == parts[1] else { return nil }
    switch parts[0] {
    case .number(.float32, bigEndian: false) where size == 8: return .number(.complex64, bigEndian: false)
    case .number(.float64, bigEndian: false) where size == 16: return .number(.complex128, bigEndian: false)
    default: return nil
    }
  }
}

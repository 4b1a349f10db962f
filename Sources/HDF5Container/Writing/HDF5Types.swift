import CHDF5
import ModelSupport
import ModelTensor

/// The types elements are stored as, just as h5py chooses them.
enum HDF5Types {
  static func stored(_ dtype: DType) throws -> HDF5Handle {
    switch dtype {
    case .bool: return try boolean()
    case .int8: return try copy(chdf5_i8)
    case .uint8: return try copy(chdf5_u8)
    case .int16: return try copy(chdf5_i16)
    case .uint16: return try copy(chdf5_u16)
    case .int32: return try copy(chdf5_i32)
    case .uint32: return try copy(chdf5_u32)
    case .int64: return try copy(chdf5_i64)
    case .uint64: return try copy(chdf5_u64)
    case .float32: return try copy(chdf5_f32)
    case .float64: return try copy(chdf5_f64)
    case .float16: return try half()
    case .complex64: return try complex(chdf5_f32, size: 8)
    case .complex128: return try complex(chdf5_f64, size: 16)
    case .string: return try variableString(isUTF8: true)
    case .bfloat16: return try opaque(size: 2)
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0fnu: return try opaque(size: 1)
    case .int2, .uint2, .int4, .uint4, .float4e2m1, .resource, .variant:
      throw FormatError(.invalidValue, "HDF5 has no elements of the type \(dtype)")
    }
  }

  private static func copy(_ type: () -> hid_t) throws -> HDF5Handle {
    try HDF5Handle("making a type") { H5Tcopy(type()) }
  }

  static func boolean() throws -> HDF5Handle {
    let type = try HDF5Handle("making a type") { H5Tenum_create(chdf5_i8()) }
    try HDF5Library.call {
      for (name, value) in [("FALSE", Int8(0)), ("TRUE", 1)] {
        var value = value
        try HDF5Library.check(H5Tenum_insert(type.id, name, &value), "making a type")
      }
    }
    return type
  }

  /// A float of ten fraction bits and five exponent bits.
  private static func half() throws -> HDF5Handle {
    let type = try copy(chdf5_f32)
    try HDF5Library.call {
      try HDF5Library.check(H5Tset_fields(type.id, 15, 10, 5, 0, 10), "making a type")
      try HDF5Library.check(H5Tset_size(type.id, 2), "making a type")
      try HDF5Library.check(H5Tset_ebias(type.id, 15), "making a type")
    }
    return type
  }

  private static func complex(_ part: () -> hid_t, size: Int) throws -> HDF5Handle {
    let type = try HDF5Handle("making a type") { H5Tcreate(H5T_COMPOUND, size) }
    try HDF5Library.call {
      try HDF5Library.check(H5Tinsert(type.id, "r", 0, part()), "making a type")
      try HDF5Library.check(H5Tinsert(type.id, "i", size / 2, part()), "making a type")
    }
    return type
  }

  private static func opaque(size: Int) throws -> HDF5Handle {
    try HDF5Handle("making a type") { H5Tcreate(H5T_OPAQUE, size) }
  }

  static func variableString(isUTF8: Bool) throws -> HDF5Handle {
    let type = try copy(chdf5_c_string)
    try HDF5Library.call {
      try HDF5Library.check(H5Tset_size(type.id, chdf5_variable()), "making a type")
      if isUTF8 { try HDF5Library.check(H5Tset_cset(type.id, H5T_CSET_UTF8), "making a type") }
    }
    return type
  }

  /// Strings of `length` bytes, padded with zeros: numpy's `S`.
  static func fixedString(length: Int, isUTF8: Bool = false) throws -> HDF5Handle {
    let type = try copy(chdf5_c_string)
    try HDF5Library.call {
      try HDF5Library.check(H5Tset_size(type.id, max(1, length)), "making a type")
      try HDF5Library.check(H5Tset_strpad(type.id, H5T_STR_NULLPAD), "making a type")
      if isUTF8 { try HDF5Library.check(H5Tset_cset(type.id, H5T_CSET_UTF8), "making a type") }
    }
    return type
  }

  /// Calls `body` with an array of pointers to zero-terminated copies of `strings`.
  static func withPointers(to strings: [[UInt8]], _ body: (UnsafeRawPointer?) throws -> Void) throws {
    let all = strings.map { $0 + [0] }
    let block = [UInt8](all.joined())
    try block.withUnsafeBytes { bytes in
      var pointers: [UnsafeRawPointer?] = []
      var position = 0
      for string in all {
        pointers.append(bytes.baseAddress.map { $0 + position })
        position += string.count
      }
      try pointers.withUnsafeBytes { try body($0.baseAddress) }
    }
  }
}

extension HDF5Datatype {
  /// The type that is written for it.
  func stored() throws -> HDF5Handle {
    switch self {
    case .number(let dtype, _): try HDF5Types.stored(dtype)
    case .string(nil, let isUTF8): try HDF5Types.variableString(isUTF8: isUTF8)
    case .string(let length?, let isUTF8): try HDF5Types.fixedString(length: length, isUTF8: isUTF8)
    case .opaque, .other: throw FormatError(.invalidValue, "elements of the type \(self) are not written")
    }
  }
}

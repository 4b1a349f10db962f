import ModelTensor
import ProtobufWire

/// TensorFlow's element types by number; above 100 the reference to a variable of type - 100.
/// `tensorflow/core/framework/types.proto`.
public struct DataType: ProtoEnumeration, Hashable {
  public var rawValue: Int32
  public init(rawValue: Int32) { self.rawValue = rawValue }

  private static let rows: [(name: String, number: Int32, dtype: DType?)] = [
    ("DT_INVALID", 0, nil),
    ("DT_FLOAT", 1, .float32),
    ("DT_DOUBLE", 2, .float64),
    ("DT_INT32", 3, .int32),
    ("DT_UINT8", 4, .uint8),
    ("DT_INT16", 5, .int16),
    ("DT_INT8", 6, .int8),
    ("DT_STRING", 7, .string),
    ("DT_COMPLEX64", 8, .complex64),
    ("DT_INT64", 9, .int64),
    ("DT_BOOL", 10, .bool),
    ("DT_QINT8", 11, .int8),
    ("DT_QUINT8", 12, .uint8),
    ("DT_QINT32", 13, .int32),
    ("DT_BFLOAT16", 14, .bfloat16),
    ("DT_QINT16", 15, .int16),
    ("DT_QUINT16", 16, .uint16),
    ("DT_UINT16", 17, .uint16),
    ("DT_COMPLEX128", 18, .complex128),
    ("DT_HALF", 19, .float16),
    ("DT_RESOURCE", 20, .resource),
    ("DT_VARIANT", 21, .variant),
    ("DT_UINT32", 22, .uint32),
    ("DT_UINT64", 23, .uint64),
    ("DT_FLOAT8_E5M2", 24, .float8e5m2),
    ("DT_FLOAT8_E4M3FN", 25, .float8e4m3fn),
    ("DT_FLOAT8_E4M3FNUZ", 26, .float8e4m3fnuz),
    ("DT_FLOAT8_E4M3B11FNUZ", 27, nil),
    ("DT_FLOAT8_E5M2FNUZ", 28, .float8e5m2fnuz),
    ("DT_INT4", 29, .int4),
    ("DT_UINT4", 30, .uint4),
    ("DT_INT2", 31, .int2),
    ("DT_UINT2", 32, .uint2),
    ("DT_FLOAT4_E2M1FN", 33, .float4e2m1),
  ]
  private static let dtypes: [Int32: DType] = {
    var result: [Int32: DType] = [:]
    for row in rows { result[row.number] = row.dtype }
    return result
  }()
  private static let numbers: [DType: Int32] = {
    var result: [DType: Int32] = [:]
    for row in rows { if let dtype = row.dtype, !row.name.hasPrefix("DT_Q") { result[dtype] = row.number } }
    return result
  }()

  public static let names: [Int32: String] = {
    var result: [Int32: String] = [:]
    for row in rows {
      result[row.number] = row.name
      if row.number > 0 { result[row.number + 100] = row.name + "_REF" }
    }
    return result
  }()

  /// The dtype, of a reference what it refers to, of a quantised type the integers that are stored; `nil` for unknown numbers.
  public var dtype: DType? { Self.dtypes[isReference ? rawValue - 100 : rawValue] }
  public var isReference: Bool { rawValue > 100 }
  /// Whether operators take the integers as numbers in a range that other tensors tell.
  public var isQuantized: Bool { Self.names[isReference ? rawValue - 100 : rawValue]?.hasPrefix("DT_Q") ?? false }
  /// `DT_FLOAT`, or the number.
  public var name: String { Self.names[rawValue] ?? String(rawValue) }

  /// `nil` for a dtype TensorFlow does not have.
  public init?(_ dtype: DType) {
    guard let number = Self.numbers[dtype] else { return nil }
    rawValue = number
  }
}

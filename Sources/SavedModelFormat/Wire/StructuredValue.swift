import ProtobufWire
import TensorFlowGraph

/// A Python value made of lists, tuples, dictionaries and specifications of tensors: one of these.
/// `tensorflow/core/protobuf/struct.proto`.
public struct StructuredValue: ProtoMessage {
  public var noneValue: NoneValue?
  public var float64Value: Double?
  public var int64Value: Int64?
  public var stringValue: String?
  public var boolValue: Bool?
  public var tensorShapeValue: TensorShapeProto?
  public var tensorDtypeValue: DataType?
  public var tensorSpecValue: TensorSpecProto?
  public var typeSpecValue: Indirect<TypeSpecProto>?
  public var boundedTensorSpecValue: Indirect<BoundedTensorSpecProto>?
  public var listValue: List?
  public var tupleValue: Tuple?
  public var dictValue: Dictionary?
  public var namedTupleValue: NamedTuple?
  public var tensorValue: Indirect<TensorProto>?
  public var numpyValue: Indirect<TensorProto>?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "StructuredValue"
  public static let table = FieldTable<Self>([
    .message(1, "none_value", \.noneValue),
    .double(11, "float64_value", \.float64Value),
    .sint64(12, "int64_value", \.int64Value),
    .string(13, "string_value", \.stringValue),
    .bool(14, "bool_value", \.boolValue),
    .message(31, "tensor_shape_value", \.tensorShapeValue),
    .enumeration(32, named: "tensor_dtype_value", "DataType", \.tensorDtypeValue),
    .message(33, "tensor_spec_value", \.tensorSpecValue),
    .message(34, "type_spec_value", \.typeSpecValue),
    .message(35, "bounded_tensor_spec_value", \.boundedTensorSpecValue),
    .message(51, "list_value", \.listValue),
    .message(52, "tuple_value", \.tupleValue),
    .message(53, "dict_value", \.dictValue),
    .message(54, "named_tuple_value", \.namedTupleValue),
    .message(55, "tensor_value", \.tensorValue),
    .message(56, "numpy_value", \.numpyValue),
  ])
}

extension StructuredValue {
  public struct NoneValue: ProtoMessage {
    public var unknownFields = PackedValues()
    public init() {}
    public static let messageName = "NoneValue"
    public static let table = FieldTable<Self>([])
  }

  public struct List: ProtoMessage {
    public var values: [StructuredValue] = []
    public var unknownFields = PackedValues()
    public init() {}
    public static let messageName = "ListValue"
    public static let table = FieldTable<Self>([.messages(1, "values", \.values)])
  }

  public struct Tuple: ProtoMessage {
    public var values: [StructuredValue] = []
    public var unknownFields = PackedValues()
    public init() {}
    public static let messageName = "TupleValue"
    public static let table = FieldTable<Self>([.messages(1, "values", \.values)])
  }

  public struct Dictionary: ProtoMessage {
    public var fields: [FieldEntry] = []
    public var unknownFields = PackedValues()
    public init() {}
    public static let messageName = "DictValue"
    public static let table = FieldTable<Self>([.messages(1, "fields", \.fields)])
  }

  public struct FieldEntry: ProtoMessage {
    public var key: String?
    public var value: StructuredValue?
    public var unknownFields = PackedValues()
    public init() {}
    public static let messageName = "DictValue.FieldsEntry"
    public static let isMapEntry = true
    public static let table = FieldTable<Self>([.string(1, "key", \.key), .message(2, "value", \.value)])
  }

  public struct Pair: ProtoMessage {
    public var key: String?
    public var value: StructuredValue?
    public var unknownFields = PackedValues()
    public init() {}
    public static let messageName = "PairValue"
    public static let table = FieldTable<Self>([.string(1, "key", \.key), .message(2, "value", \.value)])
  }

  public struct NamedTuple: ProtoMessage {
    public var name: String?
    public var values: [Pair] = []
    public var unknownFields = PackedValues()
    public init() {}
    public static let messageName = "NamedTupleValue"
    public static let table = FieldTable<Self>([.string(1, "name", \.name), .messages(2, "values", \.values)])
  }
}

/// `tf.TensorSpec`.
public struct TensorSpecProto: ProtoMessage {
  public var name: String?
  public var shape: TensorShapeProto?
  public var dtype: DataType?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "TensorSpecProto"
  public static let table = FieldTable<Self>([
    .string(1, "name", \.name),
    .message(2, "shape", \.shape),
    .enumeration(3, named: "dtype", "DataType", \.dtype),
  ])
}

/// A `tf.TensorSpec` with bounds.
public struct BoundedTensorSpecProto: ProtoMessage {
  public var name: String?
  public var shape: TensorShapeProto?
  public var dtype: DataType?
  public var minimum: Indirect<TensorProto>?
  public var maximum: Indirect<TensorProto>?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "BoundedTensorSpecProto"
  public static let table = FieldTable<Self>([
    .string(1, "name", \.name),
    .message(2, "shape", \.shape),
    .enumeration(3, named: "dtype", "DataType", \.dtype),
    .message(4, "minimum", \.minimum),
    .message(5, "maximum", \.maximum),
  ])
}

/// The specification of a value that is no plain tensor: ragged, sparse, a data set.
public struct TypeSpecProto: ProtoMessage {
  public var typeSpecClass: Class?
  public var typeState: StructuredValue?
  public var typeSpecClassName: String?
  public var numFlatComponents: Int32?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "TypeSpecProto"
  public static let table = FieldTable<Self>([
    .enumeration(1, named: "type_spec_class", "TypeSpecClass", \.typeSpecClass),
    .message(2, "type_state", \.typeState),
    .string(3, "type_spec_class_name", \.typeSpecClassName),
    .int32(4, "num_flat_components", \.numFlatComponents),
  ])

  public struct Class: ProtoEnumeration, Hashable {
    public var rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }
    public static let names: [Int32: String] = [
      0: "UNKNOWN", 1: "SPARSE_TENSOR_SPEC", 2: "INDEXED_SLICES_SPEC", 3: "RAGGED_TENSOR_SPEC", 4: "TENSOR_ARRAY_SPEC",
      5: "DATA_DATASET_SPEC", 6: "DATA_ITERATOR_SPEC", 7: "OPTIONAL_SPEC", 8: "PER_REPLICA_SPEC", 9: "VARIABLE_SPEC",
      10: "ROW_PARTITION_SPEC", 12: "REGISTERED_TYPE_SPEC", 13: "EXTENSION_TYPE_SPEC",
    ]
  }
}

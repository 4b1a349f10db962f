import ModelTensor
import ProtobufWire
import TensorFlowGraph

/// An entry point: tensors of the main graph by the names callers use.
public struct SignatureDef: ProtoMessage {
  public var inputs: [InputEntry] = []
  public var outputs: [OutputEntry] = []
  /// `tensorflow/serving/predict`, `…/classify`, `…/regress`.
  public var methodName: String?
  /// Values for inputs a caller leaves out.
  public var defaults: [DefaultEntry] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "SignatureDef"
  public static let table = FieldTable<Self>([
    .messages(1, "inputs", \.inputs),
    .messages(2, "outputs", \.outputs),
    .string(3, "method_name", \.methodName),
    .messages(4, "defaults", \.defaults),
  ])
}

extension SignatureDef {
  public struct InputEntry: ProtoMessage {
    public var key: String?
    public var value: TensorInfo?
    public var unknownFields = PackedValues()
    public init() {}
    public init(_ key: String, _ value: TensorInfo) {
      self.key = key
      self.value = value
    }

    public static let messageName = "SignatureDef.InputsEntry"
    public static let isMapEntry = true
    public static let table = FieldTable<Self>([.string(1, "key", \.key), .message(2, "value", \.value)])
  }

  public struct OutputEntry: ProtoMessage {
    public var key: String?
    public var value: TensorInfo?
    public var unknownFields = PackedValues()
    public init() {}
    public init(_ key: String, _ value: TensorInfo) {
      self.key = key
      self.value = value
    }

    public static let messageName = "SignatureDef.OutputsEntry"
    public static let isMapEntry = true
    public static let table = FieldTable<Self>([.string(1, "key", \.key), .message(2, "value", \.value)])
  }

  public struct DefaultEntry: ProtoMessage {
    public var key: String?
    public var value: Indirect<TensorProto>?
    public var unknownFields = PackedValues()
    public init() {}

    public static let messageName = "SignatureDef.DefaultsEntry"
    public static let isMapEntry = true
    public static let table = FieldTable<Self>([.string(1, "key", \.key), .message(2, "value", \.value)])
  }
}

/// A signature under its name.
public struct SignatureEntry: ProtoMessage {
  public var key: String?
  public var value: SignatureDef?
  public var unknownFields = PackedValues()
  public init() {}
  public init(_ key: String, _ value: SignatureDef) {
    self.key = key
    self.value = value
  }

  public static let messageName = "MetaGraphDef.SignatureDefEntry"
  public static let isMapEntry = true
  public static let table = FieldTable<Self>([.string(1, "key", \.key), .message(2, "value", \.value)])
}

/// A tensor of the main graph, with its type: dense by one name, sparse or composite by several.
public struct TensorInfo: ProtoMessage {
  public var name: String?
  public var cooSparse: CooSparse?
  public var compositeTensor: CompositeTensor?
  public var dtype: DataType?
  public var tensorShape: TensorShapeProto?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "TensorInfo"
  public static let table = FieldTable<Self>([
    .string(1, "name", \.name),
    .message(4, "coo_sparse", \.cooSparse),
    .message(5, "composite_tensor", \.compositeTensor),
    .enumeration(2, named: "dtype", "DataType", \.dtype),
    .message(3, "tensor_shape", \.tensorShape),
  ])

  public struct CooSparse: ProtoMessage {
    public var valuesTensorName: String?
    public var indicesTensorName: String?
    public var denseShapeTensorName: String?
    public var unknownFields = PackedValues()
    public init() {}

    public static let messageName = "TensorInfo.CooSparse"
    public static let table = FieldTable<Self>([
      .string(1, "values_tensor_name", \.valuesTensorName),
      .string(2, "indices_tensor_name", \.indicesTensorName),
      .string(3, "dense_shape_tensor_name", \.denseShapeTensorName),
    ])
  }

  public struct CompositeTensor: ProtoMessage {
    public var typeSpec: Indirect<TypeSpecProto>?
    public var components: [TensorInfo] = []
    public var unknownFields = PackedValues()
    public init() {}

    public static let messageName = "TensorInfo.CompositeTensor"
    public static let table = FieldTable<Self>([
      .message(1, "type_spec", \.typeSpec),
      .messages(2, "components", \.components),
    ])
  }
}

extension TensorInfo {
  /// The dense tensors that this one is: itself, the coordinates, elements and extents of a sparse one, or the components of another.
  func components(of key: String) -> [(key: String, info: TensorInfo)] {
    if let sparse = cooSparse {
      let rank = tensorShape?.shape.rank
      return [
        ("\(key)_indices", TensorInfo(sparse.indicesTensorName, DataType(DType.int64), [nil, rank])),
        ("\(key)_values", TensorInfo(sparse.valuesTensorName, dtype, [nil])),
        ("\(key)_dense_shape", TensorInfo(sparse.denseShapeTensorName, DataType(DType.int64), [rank])),
      ]
    }
    guard let composite = compositeTensor else { return [(key, self)] }
    return composite.components.enumerated().map { ("\(key)_component_\($0)", $1) }
  }

  private init(_ name: String?, _ dtype: DataType?, _ extents: [Int?]) {
    self.init()
    self.name = name
    self.dtype = dtype
    tensorShape = TensorShapeProto(.ranked(extents.map { $0.map { .fixed($0) } ?? .unknown }))
  }
}

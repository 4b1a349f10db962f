import ModelSupport
import ModelTensor
import ProtobufWire

/// A sequence, stored as a file of its own beside a model (`onnx-data.proto`): data for a test or a run.
public struct SequenceProto: ProtoMessage {
  public var name: String?
  public var elemType: Int32?
  public var tensorValues: [TensorProto] = []
  public var sparseTensorValues: [SparseTensorProto] = []
  public var sequenceValues: [SequenceProto] = []
  public var optionalValues: [OptionalProto] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "SequenceProto"
  public static let table = FieldTable<Self>([
    .string(1, "name", \.name),
    .int32(2, "elem_type", \.elemType),
    .messages(3, "tensor_values", \.tensorValues),
    .messages(4, "sparse_tensor_values", \.sparseTensorValues),
    .messages(5, "sequence_values", \.sequenceValues),
    .messages(7, "optional_values", \.optionalValues),
  ])

  public func array(_ files: ExternalFiles) throws -> NDArray {
    NDArray(
      .sequence(
        try tensorValues.map { try $0.tensor(files).array() } + sparseTensorValues.map { try $0.tensor(files).array() }
          + sequenceValues.map { try $0.array(files) } + optionalValues.map { try $0.array(files) }))
  }
}

/// A value or none, stored as a file of its own (`onnx-data.proto`).
public struct OptionalProto: ProtoMessage {
  public var name: String?
  public var elemType: Int32?
  public var tensorValue: Indirect<TensorProto>?
  public var sequenceValue: Indirect<SequenceProto>?
  public var optionalValue: Indirect<OptionalProto>?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "OptionalProto"
  public static let table = FieldTable<Self>([
    .string(1, "name", \.name),
    .int32(2, "elem_type", \.elemType),
    .message(3, "tensor_value", \.tensorValue),
    .message(5, "sequence_value", \.sequenceValue),
    .message(7, "optional_value", \.optionalValue),
  ])

  public func array(_ files: ExternalFiles) throws -> NDArray {
    if let tensorValue { return NDArray(.optional(try tensorValue.value.tensor(files).array())) }
    if let sequenceValue { return NDArray(.optional(try sequenceValue.value.array(files))) }
    if let optionalValue { return NDArray(.optional(try optionalValue.value.array(files))) }
    return NDArray(.optional(nil))
  }
}

// Written by formats/tflite/generate_wire.py from formats/tflite/schema.fbs.

import FlatBufferWire

/// The schema's `VariantSubType`.
public struct VariantSubType: FlatTable {
  public var shape: [Int32]? = nil
  public var type: TFLiteTensorType = .float32
  public var hasRank: Bool = false
  public var unknownFields: [Int] = []

  public init() {}
  public init(shape: [Int32]? = nil, type: TFLiteTensorType = .float32, hasRank: Bool = false) {
    self.shape = shape
    self.type = type
    self.hasRank = hasRank
  }

  public static let tableName = "VariantSubType"
  public static let table = FlatFieldTable<VariantSubType>(rows)
  private static let rows: [FlatField<VariantSubType>] = [
    .scalars(0, "shape", \.shape),
    .scalar(1, "type", \.type, .float32),
    .scalar(2, "has_rank", \.hasRank, false),
  ]
}

/// The schema's `Tensor`.
public struct TFLiteTensor: FlatTable {
  public var shape: [Int32]? = nil
  public var type: TFLiteTensorType = .float32
  public var buffer: UInt32 = 0
  public var name: String? = nil
  public var quantization: QuantizationParameters? = nil
  public var isVariable: Bool = false
  public var sparsity: SparsityParameters? = nil
  public var shapeSignature: [Int32]? = nil
  public var hasRank: Bool = false
  public var variantTensors: [VariantSubType]? = nil
  public var externalBuffer: UInt32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    shape: [Int32]? = nil, type: TFLiteTensorType = .float32, buffer: UInt32 = 0, name: String? = nil,
    quantization: QuantizationParameters? = nil, isVariable: Bool = false, sparsity: SparsityParameters? = nil,
    shapeSignature: [Int32]? = nil, hasRank: Bool = false, variantTensors: [VariantSubType]? = nil, externalBuffer: UInt32 = 0
  ) {
    self.shape = shape
    self.type = type
    self.buffer = buffer
    self.name = name
    self.quantization = quantization
    self.isVariable = isVariable
    self.sparsity = sparsity
    self.shapeSignature = shapeSignature
    self.hasRank = hasRank
    self.variantTensors = variantTensors
    self.externalBuffer = externalBuffer
  }

  public static let tableName = "Tensor"
  public static let table = FlatFieldTable<TFLiteTensor>(rows)
  private static let rows: [FlatField<TFLiteTensor>] = [
    .scalars(0, "shape", \.shape),
    .scalar(1, "type", \.type, .float32),
    .scalar(2, "buffer", \.buffer, 0),
    .string(3, "name", \.name),
    .table(4, "quantization", \.quantization),
    .scalar(5, "is_variable", \.isVariable, false),
    .table(6, "sparsity", \.sparsity),
    .scalars(7, "shape_signature", \.shapeSignature),
    .scalar(8, "has_rank", \.hasRank, false),
    .tables(9, "variant_tensors", \.variantTensors),
    .scalar(10, "external_buffer", \.externalBuffer, 0),
  ]
}

/// The schema's `Operator`.
public struct TFLiteOperator: FlatTable {
  public var opcodeIndex: UInt32 = 0
  public var inputs: [Int32]? = nil
  public var outputs: [Int32]? = nil
  public var builtinOptions: BuiltinOptions = .none
  public var customOptions: FlatBytes? = nil
  public var customOptionsFormat: CustomOptionsFormat = .flexbuffers
  public var mutatingVariableInputs: [Bool]? = nil
  public var intermediates: [Int32]? = nil
  public var largeCustomOptionsOffset: UInt64 = 0
  public var largeCustomOptionsSize: UInt64 = 0
  public var builtinOptions2: BuiltinOptions2 = .none
  public var debugMetadataIndex: Int32 = -1
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    opcodeIndex: UInt32 = 0, inputs: [Int32]? = nil, outputs: [Int32]? = nil, builtinOptions: BuiltinOptions = .none,
    customOptions: FlatBytes? = nil, customOptionsFormat: CustomOptionsFormat = .flexbuffers,
    mutatingVariableInputs: [Bool]? = nil, intermediates: [Int32]? = nil, largeCustomOptionsOffset: UInt64 = 0,
    largeCustomOptionsSize: UInt64 = 0, builtinOptions2: BuiltinOptions2 = .none, debugMetadataIndex: Int32 = -1
  ) {
    self.opcodeIndex = opcodeIndex
    self.inputs = inputs
    self.outputs = outputs
    self.builtinOptions = builtinOptions
    self.customOptions = customOptions
    self.customOptionsFormat = customOptionsFormat
    self.mutatingVariableInputs = mutatingVariableInputs
    self.intermediates = intermediates
    self.largeCustomOptionsOffset = largeCustomOptionsOffset
    self.largeCustomOptionsSize = largeCustomOptionsSize
    self.builtinOptions2 = builtinOptions2
    self.debugMetadataIndex = debugMetadataIndex
  }

  public static let tableName = "Operator"
  public static let table = FlatFieldTable<TFLiteOperator>(rows)
  private static let rows: [FlatField<TFLiteOperator>] = [
    .scalar(0, "opcode_index", \.opcodeIndex, 0),
    .scalars(1, "inputs", \.inputs),
    .scalars(2, "outputs", \.outputs),
    .union(4, "builtin_options", \.builtinOptions),
    .bytes(5, "custom_options", \.customOptions),
    .scalar(6, "custom_options_format", \.customOptionsFormat, .flexbuffers),
    .scalars(7, "mutating_variable_inputs", \.mutatingVariableInputs),
    .scalars(8, "intermediates", \.intermediates),
    .scalar(9, "large_custom_options_offset", \.largeCustomOptionsOffset, 0),
    .scalar(10, "large_custom_options_size", \.largeCustomOptionsSize, 0),
    .union(12, "builtin_options_2", \.builtinOptions2),
    .scalar(13, "debug_metadata_index", \.debugMetadataIndex, -1),
  ]
}

/// The schema's `SubGraph`.
public struct TFLiteSubGraph: FlatTable {
  public var tensors: [TFLiteTensor]? = nil
  public var inputs: [Int32]? = nil
  public var outputs: [Int32]? = nil
  public var operators: [TFLiteOperator]? = nil
  public var name: String? = nil
  public var debugMetadataIndex: Int32 = -1
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    tensors: [TFLiteTensor]? = nil, inputs: [Int32]? = nil, outputs: [Int32]? = nil, operators: [TFLiteOperator]? = nil,
    name: String? = nil, debugMetadataIndex: Int32 = -1
  ) {
    self.tensors = tensors
    self.inputs = inputs
    self.outputs = outputs
    self.operators = operators
    self.name = name
    self.debugMetadataIndex = debugMetadataIndex
  }

  public static let tableName = "SubGraph"
  public static let table = FlatFieldTable<TFLiteSubGraph>(rows)
  private static let rows: [FlatField<TFLiteSubGraph>] = [
    .tables(0, "tensors", \.tensors),
    .scalars(1, "inputs", \.inputs),
    .scalars(2, "outputs", \.outputs),
    .tables(3, "operators", \.operators),
    .string(4, "name", \.name),
    .scalar(5, "debug_metadata_index", \.debugMetadataIndex, -1),
  ]
}

// Written by formats/tflite/generate_wire.py from formats/tflite/schema.fbs.

import FlatBufferWire

/// The schema's `OperatorCode`.
public struct OperatorCode: FlatTable {
  public var deprecatedBuiltinCode: Int8 = 0
  public var customCode: String? = nil
  public var version: Int32 = 1
  public var builtinCode: BuiltinOperator = .add
  public var unknownFields: [Int] = []

  public init() {}
  public init(deprecatedBuiltinCode: Int8 = 0, customCode: String? = nil, version: Int32 = 1, builtinCode: BuiltinOperator = .add) {
    self.deprecatedBuiltinCode = deprecatedBuiltinCode
    self.customCode = customCode
    self.version = version
    self.builtinCode = builtinCode
  }

  public static let tableName = "OperatorCode"
  public static let table = FlatFieldTable<OperatorCode>(rows)
  private static let rows: [FlatField<OperatorCode>] = [
    .scalar(0, "deprecated_builtin_code", \.deprecatedBuiltinCode, 0),
    .string(1, "custom_code", \.customCode),
    .scalar(2, "version", \.version, 1),
    .scalar(3, "builtin_code", \.builtinCode, .add),
  ]
}

/// The schema's `Buffer`.
public struct TFLiteBuffer: FlatTable {
  public var data: FlatBytes? = nil
  public var offset: UInt64 = 0
  public var size: UInt64 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(data: FlatBytes? = nil, offset: UInt64 = 0, size: UInt64 = 0) {
    self.data = data
    self.offset = offset
    self.size = size
  }

  public static let tableName = "Buffer"
  public static let table = FlatFieldTable<TFLiteBuffer>(rows)
  private static let rows: [FlatField<TFLiteBuffer>] = [
    .bytes(0, "data", \.data, alignment: 16),
    .scalar(1, "offset", \.offset, 0),
    .scalar(2, "size", \.size, 0),
  ]
}

/// The schema's `ExternalBufferGroup`.
public struct ExternalBufferGroup: FlatTable {
  public var name: String? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(name: String? = nil) {
    self.name = name
  }

  public static let tableName = "ExternalBufferGroup"
  public static let table = FlatFieldTable<ExternalBufferGroup>(rows)
  private static let rows: [FlatField<ExternalBufferGroup>] = [
    .string(0, "name", \.name)
  ]
}

/// The schema's `ExternalBuffer`.
public struct ExternalBuffer: FlatTable {
  public var id: UInt32 = 0
  public var group: UInt32 = 0
  public var offset: UInt64 = 0
  public var length: UInt64 = 0
  public var packing: String? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(id: UInt32 = 0, group: UInt32 = 0, offset: UInt64 = 0, length: UInt64 = 0, packing: String? = nil) {
    self.id = id
    self.group = group
    self.offset = offset
    self.length = length
    self.packing = packing
  }

  public static let tableName = "ExternalBuffer"
  public static let table = FlatFieldTable<ExternalBuffer>(rows)
  private static let rows: [FlatField<ExternalBuffer>] = [
    .scalar(0, "id", \.id, 0),
    .scalar(1, "group", \.group, 0),
    .scalar(2, "offset", \.offset, 0),
    .scalar(3, "length", \.length, 0),
    .string(4, "packing", \.packing),
  ]
}

/// The schema's `Metadata`.
public struct TFLiteMetadata: FlatTable {
  public var name: String? = nil
  public var buffer: UInt32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(name: String? = nil, buffer: UInt32 = 0) {
    self.name = name
    self.buffer = buffer
  }

  public static let tableName = "Metadata"
  public static let table = FlatFieldTable<TFLiteMetadata>(rows)
  private static let rows: [FlatField<TFLiteMetadata>] = [
    .string(0, "name", \.name),
    .scalar(1, "buffer", \.buffer, 0),
  ]
}

/// The schema's `TensorMap`.
public struct TensorMap: FlatTable {
  public var name: String? = nil
  public var tensorIndex: UInt32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(name: String? = nil, tensorIndex: UInt32 = 0) {
    self.name = name
    self.tensorIndex = tensorIndex
  }

  public static let tableName = "TensorMap"
  public static let table = FlatFieldTable<TensorMap>(rows)
  private static let rows: [FlatField<TensorMap>] = [
    .string(0, "name", \.name),
    .scalar(1, "tensor_index", \.tensorIndex, 0),
  ]
}

/// The schema's `SignatureDef`.
public struct SignatureDef: FlatTable {
  public var inputs: [TensorMap]? = nil
  public var outputs: [TensorMap]? = nil
  public var signatureKey: String? = nil
  /// Deprecated in the schema; kept for what older files hold.
  public var deprecatedTag: String? = nil
  public var subgraphIndex: UInt32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    inputs: [TensorMap]? = nil, outputs: [TensorMap]? = nil, signatureKey: String? = nil, deprecatedTag: String? = nil,
    subgraphIndex: UInt32 = 0
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.signatureKey = signatureKey
    self.deprecatedTag = deprecatedTag
    self.subgraphIndex = subgraphIndex
  }

  public static let tableName = "SignatureDef"
  public static let table = FlatFieldTable<SignatureDef>(rows)
  private static let rows: [FlatField<SignatureDef>] = [
    .tables(0, "inputs", \.inputs),
    .tables(1, "outputs", \.outputs),
    .string(2, "signature_key", \.signatureKey),
    .string(3, "deprecated_tag", \.deprecatedTag),
    .scalar(4, "subgraph_index", \.subgraphIndex, 0),
  ]
}

/// The schema's `Model`.
public struct TFLiteModel: FlatTable {
  public var version: UInt32 = 0
  public var operatorCodes: [OperatorCode]? = nil
  public var subgraphs: [TFLiteSubGraph]? = nil
  public var description: String? = nil
  public var buffers: [TFLiteBuffer]? = nil
  public var metadataBuffer: [Int32]? = nil
  public var metadata: [TFLiteMetadata]? = nil
  public var signatureDefs: [SignatureDef]? = nil
  public var externalBufferGroups: [ExternalBufferGroup]? = nil
  public var externalBuffers: [ExternalBuffer]? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    version: UInt32 = 0, operatorCodes: [OperatorCode]? = nil, subgraphs: [TFLiteSubGraph]? = nil, description: String? = nil,
    buffers: [TFLiteBuffer]? = nil, metadataBuffer: [Int32]? = nil, metadata: [TFLiteMetadata]? = nil,
    signatureDefs: [SignatureDef]? = nil, externalBufferGroups: [ExternalBufferGroup]? = nil,
    externalBuffers: [ExternalBuffer]? = nil
  ) {
    self.version = version
    self.operatorCodes = operatorCodes
    self.subgraphs = subgraphs
    self.description = description
    self.buffers = buffers
    self.metadataBuffer = metadataBuffer
    self.metadata = metadata
    self.signatureDefs = signatureDefs
    self.externalBufferGroups = externalBufferGroups
    self.externalBuffers = externalBuffers
  }

  public static let tableName = "Model"
  public static let table = FlatFieldTable<TFLiteModel>(rows)
  private static let rows: [FlatField<TFLiteModel>] = [
    .scalar(0, "version", \.version, 0),
    .tables(1, "operator_codes", \.operatorCodes),
    .tables(2, "subgraphs", \.subgraphs),
    .string(3, "description", \.description),
    .tables(4, "buffers", \.buffers),
    .scalars(5, "metadata_buffer", \.metadataBuffer),
    .tables(6, "metadata", \.metadata),
    .tables(7, "signature_defs", \.signatureDefs),
    .tables(8, "external_buffer_groups", \.externalBufferGroups),
    .tables(9, "external_buffers", \.externalBuffers),
  ]
}

import FlatBufferWire

// The metadata `TFLITE_METADATA` for people and code generators: metadata_schema.fbs, as far as it describes the model, its
// inputs and outputs. What tells how to process them is left alone.

public struct ModelMetadata: FlatTable {
  public var name: String?
  public var description: String?
  public var version: String?
  public var subgraphMetadata: [SubGraphMetadata]?
  public var author: String?
  public var license: String?
  public var associatedFiles: [AssociatedFile]?
  public var minParserVersion: String?
  public var unknownFields: [Int] = []
  public init() {}

  /// The letters at byte 4.
  public static let identifier = "M001"
  public static let tableName = "ModelMetadata"
  public static let table = FlatFieldTable<ModelMetadata>(rows)
  private static let rows: [FlatField<ModelMetadata>] = [
    .string(0, "name", \.name),
    .string(1, "description", \.description),
    .string(2, "version", \.version),
    .tables(3, "subgraph_metadata", \.subgraphMetadata),
    .string(4, "author", \.author),
    .string(5, "license", \.license),
    .tables(6, "associated_files", \.associatedFiles),
    .string(7, "min_parser_version", \.minParserVersion),
  ]
}

public struct SubGraphMetadata: FlatTable {
  public var name: String?
  public var description: String?
  public var inputTensorMetadata: [TensorMetadata]?
  public var outputTensorMetadata: [TensorMetadata]?
  public var associatedFiles: [AssociatedFile]?
  public var unknownFields: [Int] = []
  public init() {}

  public static let tableName = "SubGraphMetadata"
  public static let table = FlatFieldTable<SubGraphMetadata>(rows)
  private static let rows: [FlatField<SubGraphMetadata>] = [
    .string(0, "name", \.name),
    .string(1, "description", \.description),
    .tables(2, "input_tensor_metadata", \.inputTensorMetadata),
    .tables(3, "output_tensor_metadata", \.outputTensorMetadata),
    .tables(4, "associated_files", \.associatedFiles),
  ]
}

public struct TensorMetadata: FlatTable {
  public var name: String?
  public var description: String?
  public var dimensionNames: [String]?
  /// Slots 3 to 5 hold the content, process units and statistics, which are not read.
  public var associatedFiles: [AssociatedFile]?
  public var unknownFields: [Int] = []
  public init() {}

  public static let tableName = "TensorMetadata"
  public static let table = FlatFieldTable<TensorMetadata>(rows)
  private static let rows: [FlatField<TensorMetadata>] = [
    .string(0, "name", \.name),
    .string(1, "description", \.description),
    .strings(2, "dimension_names", \.dimensionNames),
    .tables(6, "associated_files", \.associatedFiles),
  ]
}

public struct AssociatedFile: FlatTable {
  public var name: String?
  public var description: String?
  public var type: Int8 = 0
  public var locale: String?
  public var version: String?
  public var unknownFields: [Int] = []
  public init() {}

  public static let tableName = "AssociatedFile"
  public static let table = FlatFieldTable<AssociatedFile>(rows)
  private static let rows: [FlatField<AssociatedFile>] = [
    .string(0, "name", \.name),
    .string(1, "description", \.description),
    .scalar(2, "type", \.type, 0),
    .string(3, "locale", \.locale),
    .string(4, "version", \.version),
  ]
}

import ProtobufWire
import TensorFlowGraph

/// A graph with what is needed to use it. `tensorflow/core/protobuf/meta_graph.proto`.
public struct MetaGraphDef: ProtoMessage {
  public var metaInfoDef: MetaInfoDef?
  public var graphDef: GraphDef?
  public var saverDef: SaverDef?
  public var collectionDef: [CollectionEntry] = []
  public var signatureDef: [SignatureEntry] = []
  public var assetFileDef: [AssetFileDef] = []
  /// The objects of TensorFlow 2; files of TensorFlow 1 have none.
  public var objectGraphDef: SavedObjectGraph?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "MetaGraphDef"
  public static let table = FieldTable<Self>([
    .message(1, "meta_info_def", \.metaInfoDef),
    .message(2, "graph_def", \.graphDef),
    .message(3, "saver_def", \.saverDef),
    .messages(4, "collection_def", \.collectionDef),
    .messages(5, "signature_def", \.signatureDef),
    .messages(6, "asset_file_def", \.assetFileDef),
    .message(7, "object_graph_def", \.objectGraphDef),
  ])

  public var tags: [String] { metaInfoDef?.tags ?? [] }
}

/// Who wrote a meta graph, for what use, and which ops it needs.
public struct MetaInfoDef: ProtoMessage {
  public var metaGraphVersion: String?
  public var strippedOpList: Indirect<OpList>?
  public var anyInfo: AnyProto?
  /// `serve`, `train`, `gpu`: the set that chooses among meta graphs.
  public var tags: [String] = []
  public var tensorflowVersion: String?
  public var tensorflowGitVersion: String?
  /// Whether attributes that have their default value were left out.
  public var strippedDefaultAttrs: Bool?
  /// From names of concrete functions to what Python calls them.
  public var functionAliases: [FunctionAliasEntry] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "MetaGraphDef.MetaInfoDef"
  public static let table = FieldTable<Self>([
    .string(1, "meta_graph_version", \.metaGraphVersion),
    .message(2, "stripped_op_list", \.strippedOpList),
    .message(3, "any_info", \.anyInfo),
    .strings(4, "tags", \.tags),
    .string(5, "tensorflow_version", \.tensorflowVersion),
    .string(6, "tensorflow_git_version", \.tensorflowGitVersion),
    .bool(7, "stripped_default_attrs", \.strippedDefaultAttrs),
    .messages(8, "function_aliases", \.functionAliases),
  ])
}

/// What Python calls a concrete function.
public struct FunctionAliasEntry: ProtoMessage {
  public var key: String?
  public var value: String?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "MetaGraphDef.MetaInfoDef.FunctionAliasesEntry"
  public static let isMapEntry = true
  public static let table = FieldTable<Self>([.string(1, "key", \.key), .string(2, "value", \.value)])
}

/// The definitions of ops.
public struct OpList: ProtoMessage {
  public var op: [OpDef] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "OpList"
  public static let table = FieldTable<Self>([.messages(1, "op", \.op)])
}

/// A file of the `assets` directory, and the string tensor that is fed with its path.
public struct AssetFileDef: ProtoMessage {
  public var tensorInfo: TensorInfo?
  public var filename: String?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "AssetFileDef"
  public static let table = FieldTable<Self>([
    .message(1, "tensor_info", \.tensorInfo),
    .string(2, "filename", \.filename),
  ])
}

/// A message of any type, by the name of its type.
public struct AnyProto: ProtoMessage {
  public var typeURL: String?
  public var value: WireBytes?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "Any"
  public static let table = FieldTable<Self>([.string(1, "type_url", \.typeURL), .bytes(2, "value", \.value)])
}

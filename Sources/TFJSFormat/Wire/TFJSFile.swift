import ModelSupport
import ModelTensor

/// A TensorFlow.js model as it stands: `model.json` and the shards of weights beside it.
///
/// Opening reads the document and no weights. Usable without the rest of the toolchain:
/// ```swift
/// let file = try TFJSFile(path: "model")
/// print(file.kind, file.topology["class_name"] ?? .null)
/// for weight in try file.weights() { print(weight.entry.name, weight.tensor.type) }
/// ```
public struct TFJSFile: Sendable {
  /// What the topology is.
  public enum Kind: String, Sendable {
    /// A Keras configuration.
    case layersModel = "layers-model"
    /// TensorFlow's `GraphDef`.
    case graphModel = "graph-model"
  }

  /// The path of the document.
  public let path: String
  /// Where the shards are.
  public let directory: String
  public let kind: Kind
  /// The whole document.
  public let document: JSONValue
  /// `modelTopology`.
  public let topology: JSONValue
  public let manifest: WeightsManifest
  /// The bytes of the document.
  public let documentBytes: Int

  /// Larger documents are refused: graphs of ten thousands of nodes take a few megabytes.
  static let sizeLimit = 256 << 20
  public static let documentName = "model.json"

  /// - Parameter path: the document, or the directory with a `model.json`.
  /// - Throws: `StorageError` when it can't be opened, `FormatError` when it is no model of TF.js.
  public init(path: String) throws {
    var path = path
    if FileSystem.kind(path) == .directory {
      while path.count > 1, path.hasSuffix("/") { path.removeLast() }
      path += "/\(Self.documentName)"
    }
    self.path = path
    directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let file = try MappedFile(path: path)
    documentBytes = file.count
    guard file.count <= Self.sizeLimit else {
      throw FormatError(
        .limitExceeded, "expected at most \(Self.sizeLimit) bytes, found \(file.count)", at: SourceLocation(file: path))
    }
    document = try JSONValue(parsing: file.bytes, file: path)
    guard let kind = Self.kind(of: document) else {
      throw FormatError(
        .unrecognized, "expected a model of TensorFlow.js, found neither layers nor a graph as 'modelTopology'",
        at: SourceLocation(file: path))
    }
    self.kind = kind
    do {
      topology = try Self.object("modelTopology", document["modelTopology"])
      manifest = try Self.manifest(document)
    } catch let error as FormatError { throw error.inFile(path) }
  }

  /// What a document is, found in its `format` or, where early converters left that out, in its topology.
  public static func kind(of document: JSONValue) -> Kind? {
    if let kind = document["format"]?.stringValue.flatMap(Kind.init(rawValue:)) { return kind }
    guard let topology = document["modelTopology"] else { return nil }
    if ["model_config", "modelConfig", "class_name", "className"].contains(where: { topology[$0] != nil }) { return .layersModel }
    return topology["node"] != nil ? .graphModel : nil
  }

  /// An object, or the text of one: some converters wrote configurations as strings.
  static func object(_ name: String, _ json: JSONValue?) throws -> JSONValue {
    if let text = json?.stringValue { return try within(name) { try JSONValue(parsing: text) } }
    guard let json, json.objectValue != nil else { throw FormatError(.invalidStructure, "expected an object as '\(name)'") }
    return json
  }

  private static func manifest(_ document: JSONValue) throws -> WeightsManifest {
    if let json = document["weightsManifest"], !json.isNull {
      return try within("weightsManifest") { try WeightsManifest(json) }
    }
    guard let specs = document["weightSpecs"], !specs.isNull else { return WeightsManifest() }
    return try within("weightSpecs") {
      WeightsManifest(groups: [.init(paths: [], weights: try WeightsManifest.weights(specs))])
    }
  }

  /// A weight as the manifest describes it, and its elements, dequantised.
  public struct Weight: Sendable {
    public var entry: ManifestWeight
    public var tensor: Tensor
    public init(_ entry: ManifestWeight, _ tensor: Tensor) {
      self.entry = entry
      self.tensor = tensor
    }
  }

  /// All weights in the order of the manifest; nothing is read but the lengths of strings.
  /// - Throws: `FormatError` naming the shard that is missing, short, long or outside the directory.
  public func weights() throws -> [Weight] {
    let pool = ShardPool()
    var result: [Weight] = []
    do {
      for (index, group) in manifest.groups.enumerated() {
        try within("weightsManifest") {
          try within("group \(index + 1)") {
            let shards = try shards(of: group, pool)
            result += zip(group.weights, try shards.tensors(group.weights)).map { Weight($0, $1) }
          }
        }
      }
    } catch let error as FormatError { throw error.inFile(path) }
    return result
  }

  private func shards(of group: WeightsManifest.Group, _ pool: ShardPool) throws -> WeightShards {
    if group.paths.isEmpty, let text = document["weightData"]?.stringValue {
      return WeightShards(inline: try within("weightData") { try Base64.decode(text.utf8) })
    }
    return try WeightShards(group.paths, in: directory, pool: pool)
  }

  /// The files beside the document, as they are named there.
  public var shardPaths: [String] {
    manifest.groups.flatMap(\.paths).filter { !$0.hasPrefix("data:") }
  }
}

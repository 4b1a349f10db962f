import ModelSupport
import ModelTensor
import TensorFlowGraph

/// What a graph model takes and gives, as its `signature` says; early converters put that below `userDefinedMetadata`.
public struct TFJSSignature: Sendable {
  /// A tensor of the graph under the name that callers know it by.
  public struct Port: Sendable {
    public var name: String
    /// `node:0`.
    public var reference: String
    public var type: TensorType
    /// Whether the signature says the type.
    public var isTyped: Bool
    public var isResource: Bool
    /// Ties the handle of a table to the one that `modelInitializer` makes.
    public var resourceID: String?
  }
  public var inputs: [Port] = []
  public var outputs: [Port] = []

  /// `nil` when the document has none under this key.
  /// - Throws: `FormatError` for one that is not sound.
  public init?(_ document: JSONValue, key: String = "signature") throws {
    guard let json = document[key] ?? document["userDefinedMetadata"]?[key], json.objectValue != nil else { return nil }
    inputs = try within(key) { try Self.ports(json["inputs"], "inputs") }
    outputs = try within(key) { try Self.ports(json["outputs"], "outputs") }
  }

  /// The entry point of the graph. A side that the signature leaves out is read off the graph, as TensorFlow.js does: what is fed are
  /// its placeholders.
  public func entry(_ name: String, of graph: GraphDef) -> GraphSignature {
    func port(_ port: Port) -> GraphSignature.Port {
      GraphSignature.Port(port.name, reference: port.reference, type: port.isTyped ? port.type : nil)
    }
    var result = GraphSignature(name, inputs: inputs.filter { !$0.isResource }.map(port), outputs: outputs.map(port))
    guard inputs.isEmpty || outputs.isEmpty else { return result }
    let inferred = GraphSignature.inferred(from: graph)
    if inputs.isEmpty { result.inputs = inferred.inputs }
    if outputs.isEmpty { result.outputs = inferred.outputs }
    return result
  }

  private static func ports(_ json: JSONValue?, _ key: String) throws -> [Port] {
    try (json?.objectValue ?? [:]).map { name, info in
      try within("\(key) / \(name)") {
        guard let reference = info["name"]?.stringValue, !reference.isEmpty else {
          throw FormatError(.missingReference, "expected the name of a tensor, found \(info["name"]?.text() ?? "none")")
        }
        let number = info["dtype"]?.intValue.flatMap(Int32.init(exactly:))
        let named = info["dtype"]?.stringValue.flatMap { word in DataType.names.first { $0.value == word }?.key }
        let type = DataType(rawValue: named ?? number ?? 1)
        return Port(
          name: name, reference: reference,
          type: TensorType(type.dtype ?? .float32, try shape(info["tensorShape"] ?? info["tensor_shape"])),
          isTyped: info["dtype"] != nil, isResource: type.dtype == .resource,
          resourceID: info["resourceId"].map { $0.stringValue ?? $0.text() })
      }
    }
  }

  private static func shape(_ json: JSONValue?) throws -> Shape {
    guard let json, json["unknownRank"] != true, json["unknown_rank"] != true else { return .unranked }
    return .ranked(
      try (json["dim"]?.arrayValue ?? []).map { dim in
        guard let size = dim["size"]?.intValue ?? dim["size"]?.stringValue.flatMap({ Int($0) }) ?? (dim["size"] == nil ? 0 : nil) else {
          throw FormatError(.invalidValue, "expected an extent, found \(dim.text())")
        }
        return size < 0 ? .unknown : .fixed(size)
      })
  }

  /// One port as a signature spells it.
  static func info(_ reference: String, _ type: TensorType) -> JSONValue {
    var shape: JSONValue = ["unknownRank": true]
    if let dims = type.shape.dims { shape = ["dim": .array(dims.map { ["size": .string(String($0.value ?? -1))] })] }
    return ["name": .string(reference), "dtype": .string(DataType(type.dtype)?.name ?? "DT_INVALID"), "tensorShape": shape]
  }
}

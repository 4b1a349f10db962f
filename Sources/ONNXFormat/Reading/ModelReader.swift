import ModelGraph
import ModelSupport
import ModelTensor
import ProtobufWire

/// Reads one model: what all its graphs share.
final class ModelReader {
  let proto: ModelProto
  let files: ExternalFiles
  let opsets: [String: Int]
  let rules = RuleTable.all
  /// The model's own functions by domain, name and overload.
  private var functions: [FunctionKey: FunctionProto] = [:]
  var records: [GraphID: GraphRecord] = [:]
  /// Nodes made so far by inlining functions: a handful of functions can call each other into billions.
  var inlined = 0
  /// How many outputs of bodies have a type that nobody knows.
  var untypedBodies = 0
  static let inlineLimit = 200_000

  struct FunctionKey: Hashable { var domain: String, name: String, overload: String }

  init(_ proto: ModelProto, files: ExternalFiles) throws {
    self.proto = proto
    self.files = files
    opsets = try Self.versions(proto.opsetImport, irVersion: proto.irVersion ?? 0)
    for (index, function) in proto.functions.enumerated() {
      let key = FunctionKey(
        domain: normalizedDomain(function.domain), name: function.name ?? "", overload: function.overload ?? "")
      guard !key.name.isEmpty else { throw FormatError(.invalidStructure, "functions[\(index)] has no name") }
      guard functions.updateValue(function, forKey: key) == nil else {
        throw FormatError(.invalidStructure, "the function '\(key.name)' is defined twice")
      }
    }
  }

  /// The versions by domain. Without any, the default domain has version 1.
  static func versions(_ imports: [OperatorSetIdProto], irVersion: Int64) throws -> [String: Int] {
    var result: [String: Int] = [:]
    for entry in imports {
      let version = entry.version ?? 0, domain = normalizedDomain(entry.domain)
      guard version >= 1, version < 1 << 31 else {
        throw FormatError(.invalidValue, "the operator set '\(domain)' has the version \(version)")
      }
      result[domain] = max(result[domain] ?? 0, Int(version))
    }
    if result[""] == nil, irVersion < 3 || result.isEmpty { result[""] = 1 }
    return result
  }

  func function(domain: String, type: String, overload: String) -> FunctionProto? {
    functions[FunctionKey(domain: domain, name: type, overload: overload)]
  }

  func read() throws -> Model {
    guard let graph = proto.graph else { throw FormatError(.unrecognized, "expected an ONNX model, found no graph") }
    var model = Model()
    model.format = "onnx"
    model.name = graph.name ?? ""
    model.producer = [proto.producerName, proto.producerVersion].compactMap { $0 }.filter { !$0.isEmpty }
      .joined(separator: " ")
    for entry in proto.metadataProps { model.metadata[entry.key ?? ""] = entry.value ?? "" }
    var context = GraphContext(model, graph: Graph(name: GraphID.main.name))
    context.model.graphs[.main] = Graph()
    try within("graph \(graph.name ?? "")") {
      var reader = GraphReader(self, graph, id: .main, scope: NameScope(opsets: opsets))
      try reader.readMain(in: &context)
    }
    model = context.model
    model.graphs[.main] = context.graph
    var residue = ONNXResidue(model: proto, files: files, opsets: opsets)
    for (id, record) in records {
      var record = record
      record.graph = model.graphs[id] ?? Graph()
      residue.records[id] = record
    }
    model.residue["onnx"] = residue
    return model
  }
}

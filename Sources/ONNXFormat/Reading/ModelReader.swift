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
  /// Nodes that the calls of functions so far come to: a handful of functions can call each other into billions.
  private var foreseen = 0
  private var inlined = 0
  private var expanded: [FunctionKey: Int] = [:]
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

  /// Counts what a call comes to before anything is made of it.
  /// - Throws: `FormatError.limitExceeded`.
  func count(_ function: FunctionProto, isOutermost: Bool) throws {
    if isOutermost { foreseen += expandedCount(function) }
    inlined += function.node.count
    guard foreseen <= Self.inlineLimit, inlined <= Self.inlineLimit else {
      throw FormatError(.limitExceeded, "the calls of functions come to more than \(Self.inlineLimit) nodes")
    }
  }

  /// The nodes a function comes to with all it calls; anything above the limit is the limit and one.
  private func expandedCount(_ function: FunctionProto, depth: Int = 0) -> Int {
    let key = FunctionKey(
      domain: normalizedDomain(function.domain), name: function.name ?? "", overload: function.overload ?? "")
    if let known = expanded[key] { return known }
    // Calls nested deeper are refused when they are read.
    guard depth <= 64 else { return 0 }
    // One that calls itself is found when it is read.
    expanded[key] = 0
    var total = 0, stack = function.node
    while let node = stack.popLast(), total <= Self.inlineLimit {
      total += 1
      for graph in FreeNames.graphs(of: node) { stack.append(contentsOf: graph.node) }
      if let callee = self.function(
        domain: normalizedDomain(node.domain), type: node.opType ?? "", overload: node.overload ?? "")
      {
        total += expandedCount(callee, depth: depth + 1)
      }
    }
    expanded[key] = min(total, Self.inlineLimit + 1)
    return min(total, Self.inlineLimit + 1)
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

import ModelSupport
import ModelTensor
import ONNXFormat

/// Walks the messages of an ONNX file once and gathers what `inspect` shows.
struct ONNXInspection {
  private let file: ONNXFile
  private(set) var result: Inspection
  private var operators = Tally()
  /// Warnings of one kind are counted, so that a large damaged file gives a short list.
  private var problems: [String: Int] = [:]
  private static let problemLimit = 20

  init(_ file: ONNXFile) {
    self.file = file
    result = Inspection(format: .onnx, path: file.path)
    let model = file.model, graph = file.graph
    result.fileBytes = FileSystem.byteCount(file.path)
    result.name = graph.name ?? ""
    result.producer = [model.producerName ?? "", model.producerVersion ?? ""].filter { !$0.isEmpty }.joined(separator: " ")
    result.versions["IR"] = model.irVersion.map(String.init) ?? "?"
    for opset in model.opsetImport {
      let domain = opset.domain ?? ""
      let key = domain.isEmpty || domain == "ai.onnx" ? "opset" : "opset \(domain)"
      result.versions[key] = opset.version.map(String.init) ?? "?"
    }
    if let version = model.modelVersion, version != 0 { result.versions["model"] = String(version) }
    let constants = Set(graph.initializer.compactMap(\.name) + graph.sparseInitializer.compactMap { $0.values?.name })
    result.inputs = graph.input.filter { !constants.contains($0.name ?? "") }.map(\.summary)
    result.outputs = graph.output.map(\.summary)
    collect(graph)
    for function in model.functions { for node in function.node { collect(node) } }
    result.operators = operators.ordered
    addMetadata()
    addWarnings()
    let file = file
    result.weights = { ONNXWeights(file).entries }
    result.graphText = { ONNXGraphText(file).text }
  }

  private mutating func collect(_ graph: GraphProto) {
    for tensor in graph.initializer { count(tensor) }
    for tensor in graph.sparseInitializer { tensor.values.map { count($0) } }
    for node in graph.node { collect(node) }
  }

  private mutating func collect(_ node: NodeProto) {
    operators.add(node.displayName)
    if node.opType == nil { problem("a node without an operator type") }
    for attribute in node.attribute {
      if node.opType == "Constant", let tensor = attribute.t?.value, tensor.isWeight { count(tensor) }
      if let graph = attribute.g?.value { collect(graph) }
      for graph in attribute.graphs { collect(graph) }
    }
  }

  private mutating func count(_ tensor: TensorProto) {
    guard let dtype = tensor.dataType?.dtype, let elements = try? checkedProduct(tensor.extents()) else {
      problem("weight '\(tensor.name ?? "")' has no valid type or shape")
      return
    }
    let sum = result.parameters.addingReportingOverflow(elements)
    let bytes = result.weightBytes.addingReportingOverflow(
      dtype.byteCount(of: elements) ?? tensor.stringData.reduce(0) { $0 + $1.count })
    guard !sum.overflow, !bytes.overflow else {
      problem("weight '\(tensor.name ?? "")' is impossibly large")
      return
    }
    (result.parameters, result.weightBytes) = (sum.partialValue, bytes.partialValue)
    // The check of sizes reads no weights.
    do {
      _ = try tensor.tensor(file.files)
      try tensor.checkExternalData(file.files)
    } catch { problem(String(describing: error)) }
  }

  private mutating func problem(_ text: String) { problems[text, default: 0] += 1 }

  private mutating func addMetadata() {
    let model = file.model
    if let text = model.domain, !text.isEmpty { result.metadata["domain"] = text }
    if let text = model.docString, !text.isEmpty { result.metadata["doc_string"] = text }
    if let text = file.graph.docString, !text.isEmpty { result.metadata["graph doc_string"] = text }
    for entry in model.metadataProps { result.metadata[entry.key ?? ""] = entry.value ?? "" }
  }

  private mutating func addWarnings() {
    if file.model.opsetImport.isEmpty { result.warnings.append("the model names no operator set") }
    if !file.model.trainingInfo.isEmpty { result.warnings.append("the model holds training graphs, which are not counted") }
    for text in file.graph.namingProblems(limit: Self.problemLimit) { problem(text) }
    let sorted = problems.sorted { $0.key < $1.key }
    for (text, count) in sorted.prefix(Self.problemLimit) {
      result.warnings.append(count == 1 ? text : "\(text) (\(count) times)")
    }
    if sorted.count > Self.problemLimit { result.warnings.append("and \(sorted.count - Self.problemLimit) more problems") }
  }
}

/// The weights of an ONNX file by name; those of bodies under the path of their node.
struct ONNXWeights {
  private let file: ONNXFile
  private(set) var entries: [WeightEntry] = []

  init(_ file: ONNXFile) {
    self.file = file
    collect(file.graph, prefix: "")
  }

  private mutating func collect(_ graph: GraphProto, prefix: String) {
    for tensor in graph.initializer { add(tensor.name ?? "", prefix) { try tensor.tensor($0) } }
    for tensor in graph.sparseInitializer { add(tensor.values?.name ?? "", prefix) { try tensor.tensor($0) } }
    for node in graph.node {
      for attribute in node.attribute {
        if node.opType == "Constant", let tensor = attribute.t?.value, tensor.isWeight {
          add(node.output.first ?? "", prefix) { try tensor.tensor($0) }
        }
        let graphs = (attribute.g.map { [$0.value] } ?? []) + attribute.graphs
        for graph in graphs { collect(graph, prefix: "\(prefix)\(node.name ?? "")/\(attribute.name ?? "")/") }
      }
    }
  }

  private mutating func add(_ name: String, _ prefix: String, _ tensor: (ExternalFiles) throws -> Tensor) {
    entries.append(WeightEntry(prefix + name, Result { try tensor(file.files) }))
  }
}

extension TensorProto {
  /// Whether a `Constant` node's tensor counts as a weight: floats, and more than one.
  var isWeight: Bool {
    guard dataType?.dtype?.isFloatingPoint == true, let extents = try? extents() else { return false }
    return (checkedProduct(extents) ?? 0) > 1
  }
}

extension NodeProto {
  var displayName: String {
    let domain = domain ?? "", type = opType ?? "?"
    return domain.isEmpty || domain == "ai.onnx" ? type : "\(domain)::\(type)"
  }
}

import ModelGraph
import ModelPasses
import ModelSupport
import ModelTensor
import TFJSFormat
import TensorFlowGraph

/// A graph model of TensorFlow.js, inspected from its nodes so that unknown ops show as they are.
struct TFJSGraphHandler: FormatHandler {
  let format = ModelFormat.tfjsGraph
  func matches(_ candidate: FormatCandidate) -> Bool { candidate.tfjsKind == .graphModel }

  func inspect(_ path: String) throws -> Inspection {
    let file = try open(file: path)
    var result = Inspection(format: format, path: path)
    result.describe(file)
    let graph: GraphDef
    do { graph = try TFJSGraph(file).graph } catch let error as FormatError {
      // The shards may be missing: the document tells the rest.
      result.warnings.append("the graph can't be read: \(error)")
      graph = (try? GraphDef(json: file.topology)) ?? GraphDef()
    }
    var tally = Tally()
    for node in graph.node + (graph.library?.function ?? []).flatMap(\.nodeDef) { tally.add(node.op ?? "?") }
    result.operators = tally.ordered
    if let version = graph.versions?.producer { result.versions["graph"] = String(version) }
    let signature = (try? TFJSSignature(file.document))?.entry("", of: graph) ?? .inferred(from: graph)
    func summary(_ port: GraphSignature.Port) -> PortSummary {
      PortSummary(name: port.name, dtype: port.type?.dtype.rawValue ?? "?", shape: port.type?.shape ?? .unranked)
    }
    result.inputs = signature.inputs.map(summary)
    result.outputs = signature.outputs.map(summary)
    let unknown = Set(graph.node.compactMap(\.op)).filter { !TensorFlowJSOps.contains($0) }.sorted()
    if !unknown.isEmpty { result.warnings.append("TensorFlow.js has no ops called \(unknown.joined(separator: ", "))") }
    result.weights = { try file.weights().map { WeightEntry($0.entry.name, .success($0.tensor)) } }
    result.countWeights()
    result.graphText = { Self.text(graph) }
    return result
  }

  private static func text(_ graph: GraphDef) -> String {
    graph.node.map { node in "\(node.name ?? "?") = \(node.op ?? "?")(\(node.input.joined(separator: ", ")))\n" }.joined()
  }

  func open(_ path: String) throws -> Model { try TFJSGraphReader.read(try open(file: path)) }

  private func open(file path: String) throws -> TFJSFile {
    let file = try TFJSFile(path: path)
    guard file.kind == .graphModel else {
      throw FormatError(
        .invalidStructure, "expected a graph model, found a layers model (--from tfjs-layers)", at: SourceLocation(file: file.path))
    }
    return file
  }

  func legalize(_ model: Model, _ options: WriteOptions) throws -> (model: Model, losses: [Loss]) {
    try Legalizer(TFJSGraphWriter.profile, ioLayout: options.layout, foldsWeights: true).run(model)
  }

  func write(_ model: Model, to path: String, _ options: WriteOptions) throws -> [Loss] {
    try TFJSGraphWriter.write(model, to: path, options: options.tfjsWeights)
  }

  func rewrite(_ source: String, to path: String, _ options: WriteOptions) throws -> Bool {
    guard options.shardSize == nil, options.tfjsQuantization == nil, options.layout == .keep else { return false }
    try TFJSFile(path: source).copy(to: path)
    return true
  }

  /// The model as it is written, its weights rounded: passes may have folded some of them together before.
  func reference(for model: Model, _ options: WriteOptions) throws -> (model: Model, note: String)? {
    guard let dtype = options.tfjsQuantization else { return nil }
    let (legal, _) = try legalize(model, options)
    return (try legal.rounded(to: dtype), Model.roundingNote(dtype))
  }
}

extension Model {
  /// The model with its weights as TensorFlow.js stores them in fewer bits.
  func rounded(to dtype: DType) throws -> Model {
    var result = self
    for id in parameterIDs where self[id].tensor.dtype == .float32 {
      let quantization = try WeightQuantization(fitting: self[id].tensor, as: dtype, name: self[id].name)
      result[id].tensor = quantization.rounded(self[id].tensor)
    }
    return result
  }

  static func roundingNote(_ dtype: DType) -> String {
    "verified against the source with its weights rounded to \(dtype), which is what --tfjs-quantize asks for"
  }
}

import ModelGraph
import ModelSupport
import ModelTensor
import ProtobufWire
import TensorFlowGraph

/// Reads a graph model of TensorFlow.js as a model of canonical ops. Weights stay in their shards.
public enum TFJSGraphReader {
  public static func read(_ path: String) throws -> Model { try read(try TFJSFile(path: path)) }

  /// - Throws: `FormatError`, naming the file, for what no version of TF.js's converter writes; `UnsupportedError` for a
  ///   graph whose state can't be followed.
  public static func read(_ file: TFJSFile) throws -> Model {
    do {
      let parts = try TFJSGraph(file)
      var graph = parts.graph
      let signature = try TFJSSignature(file.document).map { signature in
        let initializers = try TFJSSignature(file.document, key: "initializerSignature")
        if let initializer = parts.initializer { join(initializer, initializers, signature, into: &graph) }
        return signature.entry(signatureName, of: graph)
      }
      var model = try TensorFlowGraphReader(graph).read([signature ?? .inferred(from: graph)])
      model.format = "tfjs-graph"
      let words = ["generatedBy", "convertedBy"].compactMap { file.document[$0]?.stringValue }
      model.producer = words.isEmpty ? "TensorFlow.js" : words.joined(separator: ", ")
      for (key, value) in file.document["userDefinedMetadata"]?.objectValue ?? [:] where key != "signature" {
        model.metadata[key] = value.stringValue ?? value.text()
      }
      model.residue["tfjs-graph"] = TFJSResidue(document: file.document)
      return model
    } catch let error as FormatError { throw error.inFile(file.path) }
  }

  private static let signatureName = "serving_default"

  /// The nodes that fill tables beside those that look things up in them: handles that the graph is fed become the
  /// handles that the initialiser makes.
  private static func join(
    _ initializer: GraphDef, _ made: TFJSSignature?, _ signature: TFJSSignature, into graph: inout GraphDef
  ) {
    let taken = Set(graph.node.compactMap(\.name))
    let names = Dictionary(
      initializer.node.compactMap(\.name).filter(taken.contains).map { ($0, "initializer/\($0)") }, uniquingKeysWith: { first, _ in first })
    func renamed(_ reference: String) -> String {
      let isControl = reference.hasPrefix("^"), text = isControl ? String(reference.dropFirst()) : reference
      let node = text.split(separator: ":", maxSplits: 1).first.map(String.init) ?? text
      guard let name = names[node] else { return reference }
      return (isControl ? "^" : "") + name + text.dropFirst(node.count)
    }
    for var node in initializer.node {
      node.name = node.name.map { names[$0] ?? $0 }
      node.input = node.input.map(renamed)
      graph.node.append(node)
    }
    var handles: [String: String] = [:]
    for input in signature.inputs where input.isResource {
      let node = input.reference.split(separator: ":").first.map(String.init) ?? input.reference
      handles[node] = made?.outputs.first { $0.resourceID != nil && $0.resourceID == input.resourceID }.map { renamed($0.reference) }
    }
    for index in graph.node.indices {
      guard let handle = graph.node[index].name.flatMap({ handles[$0] }) else { continue }
      graph.node[index].op = "Identity"
      graph.node[index].input = [handle]
      graph.node[index].attr = [AttrEntry("T", .type(DataType(rawValue: 20)))]
    }
  }
}

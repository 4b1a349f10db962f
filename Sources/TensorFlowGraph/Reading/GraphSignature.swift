import ModelTensor
import ProtobufWire

/// An entry point of a graph: which tensors are fed and fetched, and by what names.
public struct GraphSignature: Sendable {
  /// A tensor of the graph under the name callers know it by.
  public struct Port: Sendable {
    public var name: String
    /// `node`, `node:1`.
    public var reference: String
    /// As declared; `nil` when nothing is said.
    public var type: TensorType?
    public init(_ name: String, reference: String, type: TensorType? = nil) {
      self.name = name
      self.reference = reference
      self.type = type
    }
  }
  public var name: String
  public var inputs: [Port]
  public var outputs: [Port]
  public init(_ name: String, inputs: [Port], outputs: [Port]) {
    self.name = name
    self.inputs = inputs
    self.outputs = outputs
  }

  /// What a graph without signatures takes and gives: its placeholders, and the results that no other node uses.
  public static func inferred(from graph: GraphDef) -> GraphSignature {
    var used: Set<Substring> = []
    for node in graph.node { for input in node.input { used.insert(nodeName(input)) } }
    var signature = GraphSignature("serving_default", inputs: [], outputs: []), demand: PlaceholderDemand?
    for node in graph.node {
      guard let name = node.name, let type = node.op else { continue }
      let reader = NodeReader(node, inputs: [])
      // Freezing leaves these behind where loops were.
      if name.hasPrefix("unused_control_flow_input"), !used.contains(Substring(name)) { continue }
      if type == "Placeholder" || type == "_Arg" {
        var kind = reader.placeholderType
        if let known = kind, known.shape == .unranked {
          var asked = demand ?? PlaceholderDemand(graph)
          kind?.shape = asked.shape(of: name)
          demand = asked
        }
        signature.inputs.append(Port(name, reference: name, type: kind))
        continue
      }
      let isUsed = used.contains(Substring(name))
      guard !isUsed, !notResults.contains(type), !name.hasPrefix("save/") else { continue }
      if type == "_Retval", let input = node.input.first {
        signature.outputs.append(Port(name, reference: input))
        continue
      }
      let places = (try? reader.signature?.outputPlaces(reader.allAttributes)) ?? []
      let isReference = reader.signature?.outputs.contains(where: \.isReference) ?? false
      guard !isReference else { continue }
      for index in places.indices {
        let reference = index == 0 ? name : "\(name):\(index)"
        signature.outputs.append(Port(reference, reference: reference))
      }
      if reader.signature == nil { signature.outputs.append(Port(name, reference: name)) }
    }
    return signature
  }

  /// Ops that stand at the end of a graph without being what it is for.
  private static let notResults: Set<String> = [
    "Const", "NoOp", "Assert", "PlaceholderWithDefault", "VarHandleOp", "HashTableV2", "HashTable", "MutableHashTableV2", "Print",
    "VarIsInitializedOp", "IsVariableInitialized", "SaveV2", "MergeV2Checkpoints", "Identity_save",
  ]

  private static func nodeName(_ reference: String) -> Substring {
    let text = reference.hasPrefix("^") ? reference.dropFirst() : Substring(reference)
    return text.firstIndex(of: ":").map { text[..<$0] } ?? text
  }
}

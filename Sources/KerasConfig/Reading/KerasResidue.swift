import ModelGraph
import ModelLayers
import ModelSupport
import ModelTensor

/// What a Keras file said beside the graph: kept in `Model.residue["keras"]`, so that a file of the same
/// generation can be written as it was.
public struct KerasResidue: Sendable {
  /// The model's configuration, as the file spells it.
  public var config: JSONValue
  public var version: String?
  public var generation: KerasGeneration
  /// Which layer has which weights, in the file's order.
  var record: LayerRecord
  /// What the graphs looked like when they were read.
  var fingerprint: Int
  /// Variables of the weights file that belong to no layer's weights: states of random generators.
  public var otherVariables: [(path: String, tensor: Tensor)] = []
  /// The names that a list-like weights file gives to weights.
  var weightNames: [ParameterID: String] = [:]
  /// Where each parameter's elements came from: what is still so has not changed.
  var sources: [ParameterID: any ByteSource] = [:]
  /// The keys of inputs and outputs that are dictionaries.
  public var inputKeys: [String]?
  public var outputKeys: [String]?
}

extension Model {
  /// A number that changes when the graphs do, weights' values apart.
  var structureFingerprint: Int {
    var hasher = Hasher()
    hasher.combine(main)
    for (id, graph) in graphs {
      hasher.combine(id)
      for port in graph.inputs + graph.outputs {
        hasher.combine(port.name)
        hasher.combine(port.value)
      }
      for nodeID in graph.nodeIDs {
        let node = graph[nodeID]
        hasher.combine(node.name)
        hasher.combine(node.op.displayName)
        hasher.combine(node.inputs)
        hasher.combine(node.outputs)
        hasher.combine(node.bodies)
        if let op = node.op as? LayerOp {
          hasher.combine(op.policy)
          hasher.combine(op.roles)
          hasher.combine(op.isTrainable)
          hasher.combine(op.options)
          hasher.combine(try? LayerRules.write(op.layer))
        } else {
          for attribute in node.op.attributes { hasher.combine("\(attribute.name)=\(attribute.value)") }
        }
      }
      for value in graph.valueIDs {
        switch graph[value].definition {
        case .parameter(let parameter): hasher.combine(parameter)
        case .constant(let tensor): hasher.combine(tensor.type)
        default: break
        }
        hasher.combine(graph[value].type)
      }
    }
    for parameter in parameters { hasher.combine(parameter.isTrainable) }
    return hasher.finalize()
  }
}

import GraphWriting
import ModelGraph
import ModelSupport
import ModelTensor

/// What this format knows of one operator: how a node becomes canonical ops, and how a canonical op becomes nodes. Both
/// directions stand side by side so that they can't drift apart.
///
/// - Reading gets the node (its attributes, inputs and the version of its operator set: older spellings are upgraded here) and
///   appends ops; it gives the results in the order of the node's outputs. It throws `UnsupportedError` for what has no canonical
///   counterpart: the node is then carried verbatim.
/// - Writing gets the op, its inputs and a writer that knows the target opset; it emits one or several nodes and gives the
///   results. It throws `UnsupportedError` for what the target can't say.
struct NodeRule: Sendable {
  typealias Read = @Sendable (NodeReader, inout GraphContext) throws -> [ValueID]
  typealias Write = @Sendable (any Op, RuleInputs, inout NodeWriter) throws -> [OutValue]

  /// The operator's type and domain (`""` for the default one); `nil` for an op that only compositions spell.
  var type: String?
  var domain = ""
  var read: Read?
  /// The canonical op that is written, by its Swift type.
  var op: ObjectIdentifier?
  var write: Write?

  /// An operator and its op, both ways.
  static func rule<O: Op>(
    _ type: String, _ op: O.Type, domain: String = "", read: @escaping Read,
    write: @escaping @Sendable (O, RuleInputs, inout NodeWriter) throws -> [OutValue]
  ) -> NodeRule {
    NodeRule(type: type, domain: domain, read: read, op: ObjectIdentifier(op), write: erased(write))
  }

  /// An operator that reads as an op another row writes.
  static func reads(_ type: String, domain: String = "", _ read: @escaping Read) -> NodeRule {
    NodeRule(type: type, domain: domain, read: read)
  }

  /// An op that has no operator of its own, or several.
  static func writes<O: Op>(
    _ op: O.Type, _ write: @escaping @Sendable (O, RuleInputs, inout NodeWriter) throws -> [OutValue]
  ) -> NodeRule {
    NodeRule(op: ObjectIdentifier(op), write: erased(write))
  }

  /// An operator without attributes whose inputs and outputs are just the op's.
  static func same<O: Op>(_ type: String, domain: String = "", _ op: O) -> NodeRule {
    NodeRule(
      type: type, domain: domain, read: { node, graph in try graph.apply(op, to: node.inputs) },
      op: ObjectIdentifier(O.self), write: { op, inputs, writer in [try writer.emit(type, inputs.values, domain: domain)] })
  }
}

typealias RuleInputs = GraphWriting.RuleInputs<OutValue>

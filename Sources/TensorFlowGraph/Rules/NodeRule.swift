import GraphWriting
import ModelGraph
import ModelSupport
import ModelTensor

/// What is known of one TensorFlow op: how a node becomes canonical ops, and how a canonical op becomes nodes. Both directions
/// stand side by side so that they can't drift apart.
///
/// - Reading gets the node (attributes with their defaults, inputs as values) and appends ops; it gives all results, flat, in the
///   order of the op's outputs. It throws `UnsupportedError` for what has no canonical counterpart: the node is then carried verbatim.
/// - Writing gets the op, its inputs and a writer; it emits one or several nodes and gives the results. It throws
///   `UnsupportedError` for what TensorFlow can't say.
struct NodeRule: Sendable {
  typealias Read = @Sendable (NodeReader, inout GraphContext) throws -> [ValueID]
  typealias Write = @Sendable (any Op, RuleInputs, inout NodeWriter) throws -> [OutValue]

  /// The TensorFlow op; `nil` for a canonical op that only compositions spell.
  var type: String?
  var read: Read?
  /// The canonical op that is written, by its Swift type.
  var op: ObjectIdentifier?
  var write: Write?

  /// An op both ways.
  static func rule<O: Op>(
    _ type: String, _ op: O.Type, read: @escaping Read,
    write: @escaping @Sendable (O, RuleInputs, inout NodeWriter) throws -> [OutValue]
  ) -> NodeRule {
    NodeRule(type: type, read: read, op: ObjectIdentifier(op), write: erased(write))
  }

  /// An op that reads as one another row writes.
  static func reads(_ type: String, _ read: @escaping Read) -> NodeRule { NodeRule(type: type, read: read) }

  /// A canonical op that has no op of its own, or several.
  static func writes<O: Op>(
    _ op: O.Type, _ write: @escaping @Sendable (O, RuleInputs, inout NodeWriter) throws -> [OutValue]
  ) -> NodeRule {
    NodeRule(op: ObjectIdentifier(op), write: erased(write))
  }

  /// An op without attributes of its own whose inputs and results are just the canonical op's.
  static func same<O: Op>(_ type: String, _ op: O) -> NodeRule {
    NodeRule(
      type: type, read: { node, graph in try graph.apply(op, to: node.inputs) },
      op: ObjectIdentifier(O.self), write: { op, inputs, writer in [try writer.emit(type, inputs.values)] })
  }
}

typealias RuleInputs = GraphWriting.RuleInputs<OutValue>

import ModelGraph
import ProtobufWire

/// What the names in a graph or a function's body stand for.
final class NameScope {
  /// The values named so far.
  var values: [String: ValueID] = [:]
  /// Versions by normalised domain.
  let opsets: [String: Int]
  /// Inside a function: what its call gives for each attribute. `nil` outside, where nothing may be referred to.
  let attributes: [String: AttributeProto]?
  /// The functions being inlined, outermost first.
  let calls: [RuleTable.Key]
  /// Stands in front of the names inside.
  let prefix: String
  /// Values whose type nobody knows: results of foreign operators, and what is computed from them.
  var untyped: Set<ValueID> = []
  /// The graph whose record the nodes are listed in, with the index of the file's node they belong to when that is fixed.
  var sourceIndex: Int?

  init(
    opsets: [String: Int], attributes: [String: AttributeProto]? = nil, calls: [RuleTable.Key] = [], prefix: String = "",
    sourceIndex: Int? = nil
  ) {
    self.opsets = opsets
    self.attributes = attributes
    self.calls = calls
    self.prefix = prefix
    self.sourceIndex = sourceIndex
  }

  /// A scope for a graph inside a node of this one.
  func nested() -> NameScope { NameScope(opsets: opsets, attributes: attributes, calls: calls, prefix: prefix) }

  /// The attribute itself, or the one it refers to under its own name; `nil` when the call does not give it.
  func resolve(_ attribute: AttributeProto) -> AttributeProto? {
    guard let reference = attribute.refAttrName, !reference.isEmpty, let attributes else { return attribute }
    guard var given = attributes[reference] else { return nil }
    given.name = attribute.name
    return given
  }
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import ProtobufWire

/// One of TensorFlow's nodes within the graph of another format, as the "Flex" operators of TFLite files are: a serialised `NodeDef`
/// whose inputs are the operator's.
public struct EmbeddedNode {
  private let node: NodeDef
  /// Ops that give what they get, which graphs of TensorFlow's own leave out before any rule is asked.
  private static let passing: Set<String> = ["Identity", "GuaranteeConst", "RefIdentity", "DebugIdentity", "DebugIdentityV2"]

  /// TensorFlow's name of the op.
  public var op: String { node.op ?? "" }

  /// - Throws: `FormatError` for bytes that are no node.
  public init(_ bytes: [UInt8]) throws {
    node = try NodeDef(reading: MemorySource(bytes))
    guard node.op?.isEmpty == false else { throw FormatError(.missingReference, "a node of TensorFlow's without an op") }
  }

  /// Appends canonical ops and gives all results, in the order of the op's outputs.
  /// - Throws: `UnsupportedError` for an op without a canonical counterpart: variables, tables and functions have none here.
  public func read(_ inputs: [ValueID], in g: inout GraphContext) throws -> [ValueID] {
    if Self.passing.contains(op) { return try inputs.prefix(1).map { try g.apply(IdentityOp(), $0) } }
    guard let rule = RuleTable.all.reader(op) else { throw UnsupportedError("TensorFlow's op \(op) has no counterpart here") }
    return try rule(NodeReader(node, inputs: inputs), &g)
  }
}

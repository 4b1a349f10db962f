import ModelGraph
import ModelTensor

/// A value that a run has just computed.
public struct ProbedValue {
  /// Where: `graph main / node conv1 (Conv)`, with the enclosing ones in front for a body.
  public var path: String
  public var graph: GraphID
  /// The value's id in that graph of `Executor.model`.
  public var value: ValueID
  public var name: String
  /// The node that made it; `nil` for an input.
  public var node: NodeID?
  public var nodeName: String
  public var opName: String
  public var array: NDArray
}

/// Sees every value of a run in the order in which they are computed, those of bodies included. A run with a
/// probe fuses nothing, so that each node's result is seen.
public typealias Probe = (ProbedValue) throws -> Void

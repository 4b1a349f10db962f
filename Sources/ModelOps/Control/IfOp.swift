import ModelGraph
import ModelTensor

/// Runs body 0 if the condition holds, else body 1.
///
/// Inputs: the condition (one boolean), then the captures: each body takes all of them. The bodies' results have
/// the same dtypes.
public struct IfOp: BodyOp {
  public static let name = "If"
  public static let family = OpFamily.control
  public init() {}
  public func infer(_ inputs: [Fact?], bodies: [Graph]) throws -> [TensorType] {
    try requireBodies(bodies, 2, inputs: inputs.count - 1)
    let then = bodies[0].outputTypes, otherwise = bodies[1].outputTypes
    guard then.count == otherwise.count else {
      throw GraphError(.invalidStructure, "If: the branches give \(then.count) and \(otherwise.count) results")
    }
    return try zip(then, otherwise).map { try merged($0, $1) }
  }
  public func evaluate(_ inputs: [NDArray?], bodies: Int, in context: ExecutionContext) throws -> [NDArray] {
    let captures = try inputs.indices.dropFirst().map { try inputs.required($0, of: self) }
    return try runBody(try truth(try inputs.required(0, of: self)) ? 0 : 1, captures, in: context)
  }
}

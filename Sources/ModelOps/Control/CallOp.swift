import ModelGraph
import ModelTensor

/// Runs body 0 on the inputs: a function, a nested model.
public struct CallOp: BodyOp {
  public static let name = "Call"
  public static let family = OpFamily.control
  public init() {}
  public func infer(_ inputs: [Fact?], bodies: [Graph]) throws -> [TensorType] {
    try requireBodies(bodies, 1, inputs: inputs.count)
    return bodies[0].outputTypes
  }
  public func evaluate(_ inputs: [NDArray?], bodies: Int, in context: ExecutionContext) throws -> [NDArray] {
    try runBody(0, try inputs.indices.map { try inputs.required($0, of: self) }, in: context)
  }
}

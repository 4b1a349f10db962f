import ModelGraph
import ModelTensor

/// TensorFlow's while loop: body 0 tells from the state whether to go on, body 1 makes the next state.
///
/// Inputs: `stateCount` values of state, then captures; both bodies take all of them. Results: the state at the end.
public struct WhileOp: BodyOp {
  public static let name = "While"
  public static let family = OpFamily.control
  public var stateCount: Int
  public init(stateCount: Int) { self.stateCount = stateCount }
  public func infer(_ inputs: [Fact?], bodies: [Graph]) throws -> [TensorType] {
    try requireBodies(bodies, 2, inputs: inputs.count)
    let types = bodies[1].outputTypes
    guard stateCount >= 0, stateCount <= inputs.count, types.count == stateCount, bodies[0].outputs.count == 1 else {
      throw GraphError(.invalidStructure, "While with \(inputs.count) inputs and \(types.count) body outputs")
    }
    return try (0..<stateCount).map { try merged(try inputs.required($0, of: self).type, types[$0]) }
  }
  public func evaluate(_ inputs: [NDArray?], bodies: Int, in context: ExecutionContext) throws -> [NDArray] {
    guard stateCount >= 0, stateCount <= inputs.count else {
      throw ExecutionError(.invalidInput, "While with \(inputs.count) inputs")
    }
    var state = try (0..<stateCount).map { try inputs.required($0, of: self) }
    let captures = try inputs.indices.dropFirst(stateCount).map { try inputs.required($0, of: self) }
    var iteration = 0
    while try truth(try runBody(0, state + captures, in: context).first) {
      guard iteration < iterationLimit else {
        throw ExecutionError(.limitExceeded, "While went on for \(iteration) iterations")
      }
      state = try runBody(1, state + captures, in: context)
      guard state.count == stateCount else {
        throw ExecutionError(.invalidInput, "While: the body gives \(state.count) values for \(stateCount)")
      }
      iteration += 1
    }
    return state
  }
}

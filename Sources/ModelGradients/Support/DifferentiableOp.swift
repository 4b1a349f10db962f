import ModelGraph
import ModelTensor

/// An op with a rule that says how a small change of its inputs changes its results.
///
/// The rule is written in ops against an `OpContext`. So one rule evaluates eagerly, is recorded on a tape (which gives higher
/// orders), and builds the gradient's graph.
public protocol DifferentiableOp: Op {
  /// The gradient of each input: `nil` for one that is no number, or that the results do not depend on.
  ///
  /// A gradient has the type of its input. Inputs that `call.needs` says nobody asks for may be left `nil`.
  func pullback<C: OpContext>(_ call: Pullback<C.Value>, in context: inout C) throws -> [C.Value?]
}

/// An op whose kernel computes it at once, but which is differentiated through simpler ops.
public protocol DecomposedForGradients: Op {
  /// The same results as the op's own.
  func decomposeForGradients<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value]
}

/// One application of an op, on the way back.
public struct Pullback<V> {
  public var inputs: [V?]
  public var outputs: [V]
  /// The gradient of each result; `nil` where it is zero.
  public var gradients: [V?]
  /// Whether the gradient of an input is asked for.
  public var needs: [Bool]

  public init(inputs: [V?], outputs: [V], gradients: [V?], needs: [Bool]) {
    self.inputs = inputs
    self.outputs = outputs
    self.gradients = gradients
    self.needs = needs
  }

  /// Input `index`.
  /// - Throws: `GraphError.wrongInputCount` when it is left out.
  public func x(_ index: Int = 0) throws -> V {
    guard index < inputs.count, let value = inputs[index] else {
      throw GraphError(.wrongInputCount, "a gradient needs input \(index), found \(inputs.count) inputs")
    }
    return value
  }
  /// Result `index`.
  public func y(_ index: Int = 0) throws -> V {
    guard index < outputs.count else { throw GraphError(.invalidStructure, "a gradient needs result \(index)") }
    return outputs[index]
  }
  /// The gradient of the first result.
  public func g() throws -> V {
    guard let first = gradients.first, let value = first else {
      throw GraphError(.invalidStructure, "a gradient without one of the result")
    }
    return value
  }
  public func needs(_ index: Int) -> Bool { index < needs.count && needs[index] }
  /// `nil` for each input.
  public var none: [V?] { Array(repeating: nil, count: inputs.count) }
}

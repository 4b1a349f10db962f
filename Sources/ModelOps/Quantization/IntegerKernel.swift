import ModelGraph
import ModelTensor

/// What the integers around an op stand for.
public struct IntegerTypes: Sendable {
  public var inputs: [QuantizedType?]
  public var outputs: [QuantizedType?]
  public var activation: FusedActivation

  /// The type of an input that the kernel needs quantised.
  /// - Throws: `ExecutionError.noKernel`.
  func input(_ index: Int, of op: any Op) throws -> QuantizedType {
    guard index < inputs.count, let type = inputs[index] else {
      throw ExecutionError(.noKernel, "\(op.displayName) of integers takes a quantised input \(index)")
    }
    return type
  }
  func output(_ index: Int = 0, of op: any Op) throws -> QuantizedType {
    guard index < outputs.count, let type = outputs[index] else {
      throw ExecutionError(.noKernel, "\(op.displayName) of integers has a quantised result \(index)")
    }
    return type
  }
  func optional(_ index: Int) -> QuantizedType? { index < inputs.count ? inputs[index] : nil }
}

/// A float op that has a kernel for integers, too: one that computes with the stored numbers just as LiteRT's reference
/// kernels do, to the last bit.
///
/// Conformances stand in `Integer<Family>.swift`.
public protocol IntegerKernel: Op {
  /// - Throws: `ExecutionError.noKernel` for dtypes that LiteRT refuses as well.
  func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray]
}

/// An op that only moves elements: it does the same to stored integers as to what they stand for.
public protocol MovingKernel: IntegerKernel {}

extension MovingKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    guard types.activation == .none else { throw ExecutionError(.noKernel, "\(displayName) of integers has no activation") }
    var eager = EagerContext(context)
    return try eager.apply(self, to: inputs)
  }
}

/// An op around another one, whose layout and axes are that one's: it is taken apart before channels are moved, where the
/// target doesn't take it as it is.
public protocol WrappingOp: CompositeOp {
  var op: any Op { get }
}

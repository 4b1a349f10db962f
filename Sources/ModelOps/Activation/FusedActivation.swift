import ModelGraph
import ModelTensor

/// An activation that another op applies to its result in passing.
public enum FusedActivation: String, Sendable, Hashable, CaseIterable, AttributeConvertible {
  case none, relu, reluN1To1, relu6, relu0To1, tanh
  /// 1 where negative, 0 elsewhere.
  case signBit
  public var attributeValue: AttributeValue { .string(rawValue) }

  /// The interval results are clamped to, where that is all it does.
  public var bounds: (low: Double?, high: Double?)? {
    switch self {
    case .none: (nil, nil)
    case .relu: (0, nil)
    case .reluN1To1: (-1, 1)
    case .relu6: (0, 6)
    case .relu0To1: (0, 1)
    case .tanh, .signBit: nil
    }
  }

  /// Applies it to a float value, by an op of its own.
  public func apply<C: OpContext>(to x: C.Value, in context: inout C) throws -> C.Value {
    switch self {
    case .none: return x
    case .relu: return try context.apply(ReluOp(), x)
    case .tanh: return try context.apply(TanhOp(), x)
    case .signBit:
      let negative = try context.apply(LessOp(), x, try context.scalar(0, like: x))
      return try context.cast(negative, to: context.type(of: x).dtype)
    case .reluN1To1, .relu6, .relu0To1:
      let (low, high) = bounds ?? (nil, nil)
      return try context.clip(x, min: low, max: high)
    }
  }
}

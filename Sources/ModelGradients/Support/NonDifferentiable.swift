import ModelGraph
import ModelOps

/// The ops without a gradient, on purpose.
public enum NonDifferentiable {
  /// Whether the op's results do not change with small changes of its inputs: a gradient that reaches it ends there, as in TensorFlow.
  public static func isConstant(_ op: any Op) -> Bool { constantNames.contains(type(of: op).name) }

  static let constantNames: Set<String> = [
    // Steps: flat between their jumps.
    "Floor", "Ceil", "Round", "Trunc", "Sign", "FloorDiv",
    // Comparisons and indices.
    "Equal", "NotEqual", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor", "Not", "LogicalAnd", "LogicalOr",
    "LogicalXor", "LogicalNot", "IsNaN", "IsInf", "ArgMax", "ArgMin", "NonZero", "OneHot",
    // Shapes.
    "Shape", "Size", "ConstantOfShape", "EyeLike", "Range",
    // Random numbers do not depend on what only tells their shape.
    "RandomNormal", "RandomUniform", "CounterRandom", "RandomKey", "Bernoulli", "Multinomial",
  ]
}

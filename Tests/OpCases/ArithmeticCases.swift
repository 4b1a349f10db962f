import ModelGraph
import ModelOps
import ModelTensor

/// The ops of `fixtures/ops/Arithmetic.json`.
public enum ArithmeticCases {
  public static let unary: [String: any Op] = [
    "Neg": NegOp(), "Abs": AbsOp(), "Sign": SignOp(), "Exp": ExpOp(), "Sin": SinOp(), "Cos": CosOp(), "Tan": TanOp(),
    "Atan": AtanOp(), "Sinh": SinhOp(), "Cosh": CoshOp(), "Asinh": AsinhOp(), "Erf": ErfOp(), "Floor": FloorOp(),
    "Ceil": CeilOp(), "Round": RoundOp(), "Reciprocal": ReciprocalOp(), "Log": LogOp(), "Sqrt": SqrtOp(),
    "Asin": AsinOp(), "Acos": AcosOp(), "Atanh": AtanhOp(), "Acosh": AcoshOp(), "Expm1": Expm1Op(),
    "Square": SquareOp(), "Trunc": TruncOp(), "Rsqrt": RsqrtOp(), "Log1p": Log1pOp(), "BitwiseNot": BitwiseNotOp(),
    "Det": DetOp(), "Erfinv": ErfinvOp(),
  ]
  public static let binary: [String: any Op] = [
    "Add": AddOp(), "Sub": SubOp(), "Mul": MulOp(), "Div": DivOp(), "Mod": ModOp(), "Mod/fmod": ModOp(fmod: true),
    "Mod/fmod float": ModOp(fmod: true), "FloorDiv": FloorDivOp(), "Pow": PowOp(), "Maximum": MaximumOp(),
    "Minimum": MinimumOp(), "Atan2": Atan2Op(), "BitwiseAnd": BitwiseAndOp(), "BitwiseOr": BitwiseOrOp(),
    "BitwiseXor": BitwiseXorOp(), "BitShift/LEFT": BitShiftOp(left: true), "BitShift/RIGHT": BitShiftOp(left: false),
    "CumSum/00": CumSumOp(), "CumSum/01": CumSumOp(reverse: true), "CumSum/10": CumSumOp(exclusive: true),
    "CumSum/11": CumSumOp(exclusive: true, reverse: true),
  ]
  /// Where ONNX Runtime approximates: tan loses digits by its poles, determinants and powers accumulate.
  public static let tolerances = ["Tan": 1e-5, "Det": 1e-5, "Pow": 1e-5]
  public static func op(_ recorded: RecordedCase) -> (any Op)? { unary.op(recorded.name) ?? binary.op(recorded.name) }
}

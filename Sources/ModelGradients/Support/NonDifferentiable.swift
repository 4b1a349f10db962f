import ModelGraph
import ModelOps

/// The ops without a gradient, on purpose.
public enum NonDifferentiable {
  /// Whether the op's results do not change with small changes of its inputs: a gradient that reaches it ends there, as in TensorFlow.
  public static func isConstant(_ op: any Op) -> Bool { constantNames.contains(type(of: op).name) }

  /// Names of ops, see `isConstant`.
  public static let constantNames: Set<String> = [
    // Steps: flat between their jumps.
    "Floor", "Ceil", "Round", "Trunc", "Sign", "FloorDiv", "Hardmax",
    // Comparisons and indices.
    "Equal", "NotEqual", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "LogicalAnd", "LogicalOr", "LogicalXor", "LogicalNot", "IsNaN",
    "IsInf", "ArgMax", "ArgMin",
    "NonZero", "OneHot", "NonMaxSuppression", "SoftSuppression", "GreedyPath", "OptionalHasElement", "SequenceLength", "SequenceExtents",
    // Shapes, and numbers that follow from them.
    "Shape", "Size", "ConstantOfShape", "EyeLike", "Range", "BlackmanWindow", "HammingWindow", "HannWindow", "MelWeightMatrix",
    // Random numbers do not depend on what only tells their shape; draws from a distribution have no slope.
    "RandomNormal", "RandomUniform", "CounterRandom", "RandomKey", "Bernoulli", "BitGenerator", "DistortedBox", "Multinomial",
    // Integers and bits.
    "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "BitCast",
  ]

  /// Names of ops through which no gradient is taken, with the reason: asking for one throws.
  public static let refused: [String: String] = {
    var result: [String: String] = [:]
    let groups: [(String, [String])] = [
      (
        "computes on stored integers",
        [
          "ConvInteger", "DequantizeLinear", "DynamicQuantizeLinear", "Hybrid", "MatMulInteger", "QLinearConv", "QLinearMatMul",
          "QuantizeLinear",
          "Quantized", "SequenceLSTM", "SequenceRNN", "SVDF",
          "SignalEnergy", "SignalFftAutoScale", "SignalFilterBank", "SignalFilterBankLog", "SignalFilterBankSpectralSubtraction",
          "SignalFilterBankSquareRoot", "SignalFramer", "SignalOverlapAdd", "SignalPCAN", "SignalStacker", "SignalTransform",
          "SignalWindow",
        ]
      ),
      (
        "works on text or keys",
        [
          "CharacterSplit", "DecodeBase64", "DecodeRaw", "EditDistance", "EncodeBase64", "HashCross", "LSHProjection", "LabelEncoder",
          "NumberFormat",
          "ParseExample",
          "RegexFullMatch", "RegexReplace", "SkipGram", "SparseStringSplit", "StringCase", "StringConcat", "StringHash", "StringLength",
          "StringNGrams", "StringNormalizer", "StringReduceJoin",
          "StringSplit", "StringStrip", "Substring", "TfIdfVectorizer", "TreeEnsemble",
          "UnicodeDecode", "UnicodeEncode", "UnicodeTranscode",
        ]
      ),
      ("has results whose number depends on the values", ["Unique", "DetectionPostProcess", "SetOperation"]),
      ("has none in TensorFlow either", ["LU"]),
      (
        "handles sequences and optionals, not tensors",
        [
          "ConcatFromSequence", "OptionalGetElement", "Optional", "SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase",
          "SequenceGet", "SequenceInsert", "SequenceReserve", "SequenceResize", "SequenceScatter", "SequenceSet", "SequenceStack",
          "SplitToSequence",
        ]
      ),
    ]
    for (reason, names) in groups { for name in names { result[name] = reason } }
    return result
  }()
}

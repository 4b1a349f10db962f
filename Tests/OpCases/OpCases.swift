import ModelGraph

/// The cases recorded in `fixtures/ops`, and the op that each of them is about.
public enum OpCases {
  public static let families = [
    "Activation", "Arithmetic", "Array", "Attention", "Comparison", "Convolution", "Image", "Linear", "Normalization", "Pooling",
    "Quantization", "Recurrent", "Reduction", "Text", "Windows",
  ]
  public static var all: [RecordedCase] { families.flatMap { RecordedCase.all($0) } }

  public static func op(_ recorded: RecordedCase) -> (any Op)? {
    switch recorded.family {
    case "Activation": ActivationCases.op(recorded)
    case "Arithmetic": ArithmeticCases.op(recorded)
    case "Array": ArrayCases.op(recorded)
    case "Attention": AttentionCases.op(recorded)
    case "Comparison": ComparisonCases.op(recorded)
    case "Convolution": ConvolutionCases.op(recorded)
    case "Image": ImageCases.op(recorded)
    case "Linear": LinearCases.op(recorded)
    case "Normalization": NormalizationCases.op(recorded)
    case "Pooling": PoolingCases.op(recorded)
    case "Quantization": QuantizationCases.op(recorded)
    case "Recurrent": RecurrentCases.op(recorded)
    case "Reduction": ReductionCases.op(recorded)
    case "Text": TextCases.op(recorded)
    case "Windows": WindowsCases.op(recorded)
    default: nil
    }
  }
}

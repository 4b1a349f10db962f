import ModelGraph
import ModelOps
import ModelTensor

/// What TensorFlow Lite's 8-bit quantisation specification asks of an operator on integers.
///
/// https://ai.google.dev/edge/litert/models/quantization_spec, and what LiteRT's kernels check beyond it.
struct OperatorSpecification {
  /// The operand that is a weight, and the axis of it that may have a scale for each index.
  var weights: (operand: Int, axis: Int?)?
  /// The operand that is added to sums of products.
  var bias: Int?
  /// Whether operands and results stand for numbers alike.
  var sharesQuantization = false
  /// Results that always lie in the same range.
  var fixedResult: (@Sendable (DType) -> QuantizedType?)?
  /// Whether results may be clamped in passing.
  var takesActivation = false
  /// The dtypes that LiteRT has kernels for.
  var dtypes: Set<DType> = [.int8, .uint8, .int16]

  /// - Returns: `nil` for an op without a kernel for integers.
  static func of(_ op: any Op, weightRank: Int? = nil) -> OperatorSpecification? {
    var result = OperatorSpecification()
    if op is SequenceLSTMOp {
      // 8 bits alone; its weights and states are quantised by themselves.
      result.dtypes = [.int8]
      return result
    }
    guard op is any IntegerKernel else { return nil }
    switch op {
    case let op as ConvOp:
      // Three spatial axes have a float kernel only.
      guard weightRank ?? 4 <= 4 else { return nil }
      result.weights = (1, weightRank.map { op.kernelLayout.outputAxis(rank: $0) })
      result.bias = 2
      result.takesActivation = true
    case let op as ConvTransposeOp:
      guard weightRank ?? 4 <= 4, op.groups == 1 else { return nil }
      result.weights = (1, weightRank.map { op.kernelLayout.transposedOutputAxis(rank: $0) })
      result.bias = 2
      result.takesActivation = true
    case is FullyConnectedOp:
      result.weights = (1, 0)
      result.bias = 2
      result.takesActivation = true
    case is MatMulOp: result.dtypes = [.int8, .int16]
    case is AddOp, is SubOp, is MulOp: result.takesActivation = true
    case is DivOp:
      result.takesActivation = true
      result.dtypes = [.uint8]
    case is IdentityOp: result.takesActivation = true
    case is PoolOp:
      result.sharesQuantization = true
      result.takesActivation = true
    case is ReduceOp:
      let kind = (op as? ReduceOp)?.kind
      guard let kind, [.mean, .sum, .max, .min, .prod].contains(kind) else { return nil }
      result.sharesQuantization = kind == .max || kind == .min
      if kind == .prod { result.dtypes = [.int8, .int16] }
    case is MaximumOp, is MinimumOp, is ConcatOp, is PadOp, is SpaceToBatchOp, is ResizeOp: result.sharesQuantization = true
    case is SoftmaxOp, is SigmoidOp:
      result.fixedResult = { dtype in
        switch dtype {
        case .int8: QuantizedType(.int8, scale: 1 / 256, zeroPoint: -128)
        case .uint8: QuantizedType(.uint8, scale: 1 / 256)
        case .int16: QuantizedType(.int16, scale: 1 / 32768)
        default: nil
        }
      }
    case is TanhOp:
      result.fixedResult = { dtype in
        switch dtype {
        case .int8: QuantizedType(.int8, scale: 1 / 128)
        case .uint8: QuantizedType(.uint8, scale: 1 / 128, zeroPoint: 128)
        case .int16: QuantizedType(.int16, scale: 1 / 32768)
        default: nil
        }
      }
    case is LpNormalizationOp:
      result.dtypes = [.int8, .uint8]
      result.fixedResult = { dtype in
        dtype == .int8
          ? QuantizedType(.int8, scale: 1 / 128) : dtype == .uint8 ? QuantizedType(.uint8, scale: 1 / 128, zeroPoint: 128) : nil
      }
    case is LogSoftmaxOp:
      result.dtypes = [.int8, .uint8]
      result.fixedResult = { dtype in
        dtype == .int8
          ? QuantizedType(.int8, scale: 16 / 256, zeroPoint: 127)
          : dtype == .uint8 ? QuantizedType(.uint8, scale: 16 / 256, zeroPoint: 255) : nil
      }
    case is ExpOp, is LogOp, is SqrtOp, is RsqrtOp, is AbsOp: result.dtypes = [.int8, .int16]
    case is EluOp, is SquaredDifferenceOp: result.dtypes = [.int8]
    case is HardSwishOp, is PReluOp: result.dtypes = [.int8, .uint8]
    case is GeluOp: result.dtypes = [.int8, .uint8, .int16]
    // Comparisons of 16 bits take the stored numbers for what they are.
    case is any ComparisonOp: result.dtypes = [.int8, .uint8]
    case is any MovingKernel: result.sharesQuantization = true
    default: break
    }
    return result
  }

  /// Whether an op takes one tensor and gives the same numbers elsewhere: it may change places with a conversion.
  static func isMove(_ op: any Op) -> Bool { op.isMove }
}

extension Op {
  /// Whether an op takes one tensor and gives the same numbers elsewhere: it may change places with a conversion.
  public var isMove: Bool { self is ReshapeOp || self is TransposeOp || self is SqueezeOp || self is UnsqueezeOp || self is FlattenOp }
}

extension KernelLayout {
  /// The axis of the output channels in weights of a transposed convolution.
  func transposedOutputAxis(rank: Int) -> Int {
    switch self {
    case .outputInputSpatial: 1
    case .spatialInputOutput: rank - 1
    case .spatialOutputInput: rank - 2
    }
  }
}

import ModelGraph
import ModelTensor

/// An op on float activations and 8-bit (or narrower) weights: LiteRT's hybrid kernels, which its converter's dynamic-range
/// quantisation asks for.
///
/// Inputs: those of `op`: `x` float32, the integer weights, `bias?` float32. Executed, each row of `x` is quantised by its own
/// range, the products are summed as integers, and the sums scaled: bit for bit what LiteRT's reference kernels sum. Written
/// for a target that has no word for it, the weights are dequantised and `op` computes with floats, which is what the kernel
/// approximates.
public struct HybridOp: PrimitiveOp, WrappingOp {
  public static let name = "Hybrid"
  public static let family = OpFamily.quantization
  /// `FullyConnectedOp`, `ConvOp`, `ConvTransposeOp` or `MatMulOp`.
  public var op: any Op
  public var weights: QuantizedType
  /// Whether a row of `x` gets a zero point, or a range that is symmetric about zero.
  public var asymmetricInputs: Bool
  public var activation: FusedActivation
  public init(_ op: any Op, weights: QuantizedType, asymmetricInputs: Bool, activation: FusedActivation = .none) {
    self.op = op
    self.weights = weights
    self.asymmetricInputs = asymmetricInputs
    self.activation = activation
  }

  public var displayName: String { "Hybrid\(op.displayName)" }
  public var attributes: [(name: String, value: AttributeValue)] {
    op.attributes + [
      ("weights", weights.attributeValue), ("asymmetricInputs", .bool(asymmetricInputs)), ("activation", activation.attributeValue),
    ]
  }

  /// Whether the engine computes `op` with integer weights.
  public static func hasKernel(_ op: any Op) -> Bool {
    op is FullyConnectedOp || op is ConvOp || op is ConvTransposeOp || op is MatMulOp
  }

  public func infer(_ facts: [Fact?]) throws -> [TensorType] {
    let w = try facts.required(1, of: self)
    guard w.type.dtype == weights.dtype else {
      throw GraphError(.wrongDType, "\(displayName): weights \(w.type), their quantisation is of \(weights.dtype)")
    }
    var real = facts
    real[1] = Fact(TensorType(.float32, w.type.shape))
    return try op.infer(real)
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), w = try inputs.required(1, of: self), bias = inputs.optional(2)
    guard x.dtype == .float32, [.int8, .uint8, .int4, .int2].contains(w.dtype), bias == nil || bias?.dtype == .float32 else {
      throw ExecutionError(.noKernel, "\(displayName) of \(x.type) and \(w.type)")
    }
    // Old files call symmetric int8 weights uint8.
    let stored = w.reinterpreted(as: .int8)
    var result: NDArray
    switch op {
    case let op as FullyConnectedOp: result = try fullyConnected(op, x, stored, bias, in: context)
    case let op as MatMulOp: result = try product(op, x, stored, in: context)
    case let op as ConvOp: result = try convolution(op, x, stored, bias, in: context)
    case let op as ConvTransposeOp: result = try transposedConvolution(op, x, stored, bias, in: context)
    default: throw ExecutionError(.noKernel, "the engine has no hybrid kernel for \(op.displayName)")
    }
    if activation != .none {
      var eager = EagerContext(context)
      result = try activation.apply(to: result, in: &eager)
    }
    return [result]
  }

  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard inputs.count >= 2, let w = inputs[1] else { throw GraphError(.wrongInputCount, "\(displayName) has no weights") }
    var real = inputs
    real[1] = try context.dequantize(w, weights)
    var results = try context.apply(op, to: real)
    if let first = results.first { results[0] = try activation.apply(to: first, in: &context) }
    return results
  }
}

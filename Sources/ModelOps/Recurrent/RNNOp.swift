import ModelGraph
import ModelTensor

/// `h = f(x·Wᵀ + h·Rᵀ + b)` (Elman, 1990), laid out as ONNX's `RNN`.
///
/// Inputs: `x`, `w` `[D, H, I]`, `r` `[D, H, H]`, `b?` `[D, 2H]`, `lengths?`, `h0?`, `mask?` (see `LSTMOp`).
/// Results: `[T, D, B, H]`, last `h` `[D, B, H]`.
public struct RNNOp: PrimitiveOp {
  public static let name = "RNN"
  public static let family = OpFamily.recurrent
  public var hiddenSize: Int
  public var direction: RecurrentDirection
  /// One for each direction.
  public var activations: [RecurrentActivation]
  public var clip: Float?
  public var batchFirst: Bool
  public var zeroOutputForMask: Bool
  public init(
    hiddenSize: Int, direction: RecurrentDirection = .forward, activations: [RecurrentActivation] = [], clip: Float? = nil,
    batchFirst: Bool = false, zeroOutputForMask: Bool = false
  ) {
    self.hiddenSize = hiddenSize
    self.direction = direction
    self.activations = activations.isEmpty ? Array(repeating: .init(.tanh), count: direction.count) : activations
    self.clip = clip
    self.batchFirst = batchFirst
    self.zeroOutputForMask = zeroOutputForMask
  }
  private var runner: RecurrentRunner {
    RecurrentRunner(
      hidden: hiddenSize, gates: 1, states: 1, direction: direction, batchFirst: batchFirst, zeroOutputForMask: zeroOutputForMask)
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { try runner.infer(try inputs.required(0, of: self).type) }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let original = try inputs.required(0, of: self).dtype
    let inputs = try inputs.map { $0.map { $0.dtype.isFloatingPoint } == true ? try $0?.cast(to: .float32, in: context) : $0 }
    let x = try inputs.required(0, of: self), w = try inputs.required(1, of: self), r = try inputs.required(2, of: self)
    let h = hiddenSize, d = direction.count
    guard h > 0, h < 1 << 24, r.shape == [d, h, h], r.dtype == .float32, activations.count == d else {
      throw ExecutionError(.shapeMismatch, "RNN of \(h) units with recurrent weights \(r.type)")
    }
    var bias: [Float]?
    if let b = inputs.optional(3) {
      guard b.shape == [d, 2 * h], b.dtype == .float32 else { throw ExecutionError(.shapeMismatch, "RNN: bias \(b.type)") }
      let all = b.values(Float.self)
      bias = (0..<d).flatMap { k in (0..<h).map { all[k * 2 * h + $0] + all[k * 2 * h + h + $0] } }
    }
    let clip = self.clip ?? .infinity
    let result = try r.with(Float.self) { rs in
      try runner.run(
        x, w: w, inputBias: bias, lengths: inputs.optional(4)?.integers(), initial: [inputs.optional(5)],
        mask: inputs.optional(6), op: self, in: context
      ) { k, gates, states, batch in
        guard let rs = rs.baseAddress else { return }
        context.primitives.gemm(
          states[0], rs + k * h * h, gates, m: batch, n: h, k: h, transposeA: false, transposeB: true, alpha: 1, beta: 1)
        for i in 0..<(batch * h) { states[0][i] = activations[k](max(-clip, min(clip, gates[i]))) }
      }
    }
    return try ([result.sequence] + result.states).map { try $0.cast(to: original, in: context) }
  }
}

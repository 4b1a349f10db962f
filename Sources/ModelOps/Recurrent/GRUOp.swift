import ModelGraph
import ModelTensor

/// A gated recurrent unit (Cho et al., 2014), laid out as ONNX's `GRU`.
///
/// Inputs: `x`, `w` `[D, 3H, I]`, `r` `[D, 3H, H]` with gates in the order z, r, h, `b?` `[D, 6H]`, `lengths?`, `h0?`, `mask?` (see `LSTMOp`).
/// With `linearBeforeReset` the reset gate applies after the recurrent product (Keras's `reset_after`).
/// Results: `[T, D, B, H]`, last `h` `[D, B, H]`.
public struct GRUOp: PrimitiveOp {
  public static let name = "GRU"
  public static let family = OpFamily.recurrent
  public var hiddenSize: Int
  public var direction: RecurrentDirection
  /// Two for each direction: gates, candidate.
  public var activations: [RecurrentActivation]
  public var clip: Float?
  public var linearBeforeReset: Bool
  public var batchFirst: Bool
  public var zeroOutputForMask: Bool
  public init(
    hiddenSize: Int, direction: RecurrentDirection = .forward, activations: [RecurrentActivation] = [], clip: Float? = nil,
    linearBeforeReset: Bool = false, batchFirst: Bool = false, zeroOutputForMask: Bool = false
  ) {
    self.hiddenSize = hiddenSize
    self.direction = direction
    let usual: [RecurrentActivation] = [.init(.sigmoid), .init(.tanh)]
    self.activations = activations.isEmpty ? (direction == .bidirectional ? usual + usual : usual) : activations
    self.clip = clip
    self.linearBeforeReset = linearBeforeReset
    self.batchFirst = batchFirst
    self.zeroOutputForMask = zeroOutputForMask
  }
  private var runner: RecurrentRunner {
    RecurrentRunner(
      hidden: hiddenSize, gates: 3, states: 1, direction: direction, batchFirst: batchFirst, zeroOutputForMask: zeroOutputForMask)
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { try runner.infer(try inputs.required(0, of: self).type) }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let original = try inputs.required(0, of: self).dtype
    let inputs = try inputs.map { $0.map { $0.dtype.isFloatingPoint } == true ? try $0?.cast(to: .float32, in: context) : $0 }
    let x = try inputs.required(0, of: self), w = try inputs.required(1, of: self), r = try inputs.required(2, of: self)
    let h = hiddenSize, d = direction.count
    guard h > 0, h < 1 << 24, r.shape == [d, 3 * h, h], r.dtype == .float32, activations.count == 2 * d else {
      throw ExecutionError(.shapeMismatch, "GRU of \(h) units with recurrent weights \(r.type)")
    }
    var inputBias: [Float]?, candidateBias = [Float](repeating: 0, count: d * h)
    if let b = inputs.optional(3) {
      guard b.shape == [d, 6 * h], b.dtype == .float32 else { throw ExecutionError(.shapeMismatch, "GRU: bias \(b.type)") }
      let all = b.values(Float.self)
      // The recurrent bias of the candidate stays apart when the reset gate multiplies it.
      inputBias = (0..<d).flatMap { k in
        (0..<(3 * h)).map { j in all[k * 6 * h + j] + (linearBeforeReset && j >= 2 * h ? 0 : all[k * 6 * h + 3 * h + j]) }
      }
      if linearBeforeReset { candidateBias = (0..<d).flatMap { k in (0..<h).map { all[k * 6 * h + 5 * h + $0] } } }
    }
    let clip = self.clip ?? .infinity
    func clipped(_ v: Float) -> Float { max(-clip, min(clip, v)) }
    let batch = x.rank == 3 ? x.shape[batchFirst ? 0 : 1] : 0
    let recurrent = try context.allocate(.float32, [batch, 3 * h]), reset = try context.allocate(.float32, [batch, h])
    let result = try r.with(Float.self) { rs in
      try runner.run(
        x, w: w, inputBias: inputBias, lengths: inputs.optional(4)?.integers(), initial: [inputs.optional(5)],
        mask: inputs.optional(6), op: self, in: context
      ) { k, gates, states, batch in
        guard let rs = rs.baseAddress, let q = recurrent.withMutable(Float.self, { $0.baseAddress }),
          let rh = reset.withMutable(Float.self, { $0.baseAddress })
        else { return }
        let hs = states[0], weights = rs + k * 3 * h * h
        let f = activations[2 * k], g = activations[2 * k + 1]
        let columns = linearBeforeReset ? 3 * h : 2 * h
        context.primitives.gemm(hs, weights, q, m: batch, n: columns, k: h, transposeA: false, transposeB: true, alpha: 1, beta: 0)
        for b in 0..<batch {
          let z = gates + b * 3 * h, u = q + b * columns
          for j in 0..<h {
            z[j] = f(clipped(z[j] + u[j]))
            z[h + j] = f(clipped(z[h + j] + u[h + j]))
            if linearBeforeReset {
              z[2 * h + j] += z[h + j] * (u[2 * h + j] + candidateBias[k * h + j])
            } else {
              rh[b * h + j] = z[h + j] * hs[b * h + j]
            }
          }
        }
        if !linearBeforeReset {
          context.primitives.gemm(
            rh, weights + 2 * h * h, q, m: batch, n: h, k: h, transposeA: false, transposeB: true, alpha: 1, beta: 0)
          for b in 0..<batch { for j in 0..<h { gates[b * 3 * h + 2 * h + j] += q[b * h + j] } }
        }
        for b in 0..<batch {
          let z = gates + b * 3 * h, hb = hs + b * h
          for j in 0..<h { hb[j] = (1 - z[j]) * g(clipped(z[2 * h + j])) + z[j] * hb[j] }
        }
      }
    }
    return try ([result.sequence] + result.states).map { try $0.cast(to: original, in: context) }
  }
}

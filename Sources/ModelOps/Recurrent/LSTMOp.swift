import ModelGraph
import ModelTensor

/// A long short-term memory (Hochreiter and Schmidhuber, 1997), laid out as ONNX's `LSTM`.
///
/// Inputs: `x` `[T, B, I]` (`[B, T, I]` with `batchFirst`), `w` `[D, 4H, I]` and `r` `[D, 4H, H]` with gates in the order
/// i, o, f, c, `b?` `[D, 8H]`, `lengths?` `[B]`, `h0?`, `c0?` `[D, B, H]`, `peephole?` `[D, 3H]` (i, o, f), `mask?` (bool, Keras's
/// meaning: at a masked step the state and the output stay as they were).
/// Results: `[T, D, B, H]`, last `h`, last `c` `[D, B, H]`.
public struct LSTMOp: PrimitiveOp {
  public static let name = "LSTM"
  public static let family = OpFamily.recurrent
  public var hiddenSize: Int
  public var direction: RecurrentDirection
  /// Three for each direction: gates, cell, output.
  public var activations: [RecurrentActivation]
  public var clip: Float?
  public var inputForget: Bool
  public var batchFirst: Bool
  public var zeroOutputForMask: Bool
  public init(
    hiddenSize: Int, direction: RecurrentDirection = .forward, activations: [RecurrentActivation] = [], clip: Float? = nil,
    inputForget: Bool = false, batchFirst: Bool = false, zeroOutputForMask: Bool = false
  ) {
    self.hiddenSize = hiddenSize
    self.direction = direction
    let usual: [RecurrentActivation] = [.init(.sigmoid), .init(.tanh), .init(.tanh)]
    self.activations = activations.isEmpty ? (direction == .bidirectional ? usual + usual : usual) : activations
    self.clip = clip
    self.inputForget = inputForget
    self.batchFirst = batchFirst
    self.zeroOutputForMask = zeroOutputForMask
  }
  private var runner: RecurrentRunner {
    RecurrentRunner(
      hidden: hiddenSize, gates: 4, states: 2, direction: direction, batchFirst: batchFirst, zeroOutputForMask: zeroOutputForMask)
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { try runner.infer(try inputs.required(0, of: self).type) }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let original = try inputs.required(0, of: self).dtype
    let inputs = try inputs.map { $0.map { $0.dtype.isFloatingPoint } == true ? try $0?.cast(to: .float32, in: context) : $0 }
    let x = try inputs.required(0, of: self), w = try inputs.required(1, of: self), r = try inputs.required(2, of: self)
    let h = hiddenSize, d = direction.count
    guard h > 0, h < 1 << 24, r.shape == [d, 4 * h, h], r.dtype == .float32, activations.count == 3 * d else {
      throw ExecutionError(.shapeMismatch, "LSTM of \(h) units with recurrent weights \(r.type)")
    }
    var bias: [Float]?
    if let b = inputs.optional(3) {
      guard b.shape == [d, 8 * h], b.dtype == .float32 else { throw ExecutionError(.shapeMismatch, "LSTM: bias \(b.type)") }
      let all = b.values(Float.self)
      bias = (0..<d).flatMap { k in (0..<(4 * h)).map { all[k * 8 * h + $0] + all[k * 8 * h + 4 * h + $0] } }
    }
    let weights = inputs.optional(7)
    if let weights, weights.dtype != .float32 { throw ExecutionError(.shapeMismatch, "LSTM: peephole weights \(weights.type)") }
    let peephole = weights?.values(Float.self)
    if let peephole, peephole.count != d * 3 * h { throw ExecutionError(.shapeMismatch, "LSTM: \(peephole.count) peephole weights") }
    let clip = self.clip ?? .infinity
    func clipped(_ v: Float) -> Float { max(-clip, min(clip, v)) }
    let plain =
      activations.allSatisfy { $0.kind == .sigmoid || $0.kind == .tanh } && activations[0].kind == .sigmoid
      && activations[1].kind == .tanh && activations[2].kind == .tanh && peephole == nil && self.clip == nil && !inputForget
    let result = try r.with(Float.self) { rs in
      try runner.run(
        x, w: w, inputBias: bias, lengths: inputs.optional(4)?.integers(), initial: [inputs.optional(5), inputs.optional(6)],
        mask: inputs.optional(8), op: self, in: context
      ) { k, gates, states, batch in
        guard let rs = rs.baseAddress else { return }
        let hs = states[0], cs = states[1]
        context.primitives.gemm(
          hs, rs + k * 4 * h * h, gates, m: batch, n: 4 * h, k: h, transposeA: false, transposeB: true, alpha: 1, beta: 1)
        if plain { return context.primitives.lstmCell(gates, before: cs, cs, hs, rows: batch, units: h) }
        let f = activations[3 * k], g = activations[3 * k + 1], o = activations[3 * k + 2]
        for b in 0..<batch {
          let z = gates + b * 4 * h, hb = hs + b * h, cb = cs + b * h
          for j in 0..<h {
            var zi = z[j], zo = z[h + j], zf = z[2 * h + j]
            if let peephole { zi += peephole[k * 3 * h + j] * cb[j]; zf += peephole[k * 3 * h + 2 * h + j] * cb[j] }
            let i = f(clipped(zi)), forget = inputForget ? 1 - i : f(clipped(zf))
            let c = forget * cb[j] + i * g(clipped(z[3 * h + j]))
            if let peephole { zo += peephole[k * 3 * h + h + j] * c }
            cb[j] = c
            hb[j] = f(clipped(zo)) * o(c)
          }
        }
      }
    }
    return try ([result.sequence] + result.states).map { try $0.cast(to: original, in: context) }
  }
}

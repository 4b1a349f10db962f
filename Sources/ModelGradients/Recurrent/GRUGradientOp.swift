import ModelGraph
import ModelOps
import ModelTensor

/// The gradients of a `GRUTrainingOp`.
///
/// Inputs: `x`, `w`, `r`, `b?`, `h0?`, the gradients of its first two results (each may be left out), and the other two. Results: the
/// gradients of those of the first five inputs that are `wanted`.
public struct GRUGradientOp: PrimitiveOp, DecomposedForGradients {
  public static let name = "GRUGradient"
  public static let family = OpFamily.recurrent
  /// Where these inputs stand among those of `GRUOp`.
  static let places = [0, 1, 2, 3, 5]
  public var gru: GRUOp
  public var wanted: [Bool]
  public init(_ gru: GRUOp, wanted: [Bool]) {
    self.gru = gru
    self.wanted = wanted
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    try wanted.indices.filter { wanted[$0] }.map { try inputs.required($0, of: self).type.plain }
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let s = try RecurrentGeometry(gru, Array(inputs.prefix(4)) + [nil, inputs.optional(4)], of: self)
    let h = s.hidden, batch = s.batch, rows = batch * h, all = s.time * batch
    let x = try inputs.required(0, of: self), w = try inputs.required(1, of: self), r = try inputs.required(2, of: self)
    let gates = try inputs.required(7, of: self), hidden = try inputs.required(8, of: self)
    // The gradients of the update and reset gates, then those of the candidate's two shares, which differ.
    let gated = try context.allocate(.float32, [s.time, batch, 2 * h]), candidate = try context.allocate(.float32, [s.time, batch, h]),
      reset = try context.allocate(.float32, [s.time, batch, h])
    let dh = try context.allocate(.float32, [batch, h])
    dh.withMutable(Float.self) { to in
      guard let to = to.baseAddress else { return }
      guard let given = inputs.optional(6), given.count == rows else { return to.update(repeating: 0, count: rows) }
      given.with(Float.self) { from in if let from = from.baseAddress { to.update(from: from, count: rows) } }
    }
    let above = try inputs.optional(5).map {
      try s.byTime($0.reshaped(gru.batchFirst ? [batch, s.time, h] : [s.time, batch, h]), in: context)
    }
    let gateCache = NodeCache(), candidateCache = NodeCache(), primitives = context.primitives
    try s.pointers([r, gates, hidden, gated, candidate, reset, dh, above ?? dh]) { p in
      let (r, gates, hidden, dGates, dCandidate, dInner, dh) = (p[0], p[1], p[2], p[3], p[4], p[5], p[6])
      for step in 0..<s.time {
        let t = s.backward ? step : s.time - 1 - step, before = hidden + (s.backward ? t + 1 : t) * rows
        if above != nil { primitives.binary(.add, dh, p[7] + t * rows, dh, count: rows, aIsScalar: false, bIsScalar: false) }
        for b in 0..<batch {
          let z = gates + (t * batch + b) * 4 * h, old = before + b * h, slope = dh + b * h
          let row = t * batch + b, both = dGates + row * 2 * h, new = dCandidate + row * h, inner = dInner + row * h
          for j in 0..<h {
            let (update, reset, value, share, g) = (z[j], z[h + j], z[2 * h + j], z[3 * h + j], slope[j])
            let dNew = g * (1 - update) * (1 - value * value)
            both[j] = g * (old[j] - value) * update * (1 - update)
            both[h + j] = dNew * share * reset * (1 - reset)
            new[j] = dNew
            inner[j] = dNew * reset
            slope[j] = g * update
          }
        }
        primitives.gemm(
          dGates + t * 2 * rows, r, dh, m: batch, n: h, k: 2 * h, transposeB: false, Epilogue(residual: UnsafePointer(dh)),
          cache: gateCache)
        primitives.gemm(
          dInner + t * rows, r + 2 * h * h, dh, m: batch, n: h, k: h, transposeB: false, Epilogue(residual: UnsafePointer(dh)),
          cache: candidateCache)
      }
    }
    var results: [NDArray] = []
    /// The gradient of weights `[3H, columns]`: the two gates' rows, then the candidate's.
    func product(_ shape: [Int], _ slopes: NDArray, _ with: NDArray, columns: Int) throws -> NDArray {
      let result = try context.allocate(.float32, shape)
      try s.pointers([gated, slopes, with, result]) {
        primitives.gemm($0[0], $0[2], $0[3], m: 2 * h, n: columns, k: all, transposeA: true, transposeB: false, alpha: 1, beta: 0)
        primitives.gemm(
          $0[1], $0[2], $0[3] + 2 * h * columns, m: h, n: columns, k: all, transposeA: true, transposeB: false, alpha: 1, beta: 0)
      }
      return result
    }
    if wanted[0] {
      let dx = try context.allocate(.float32, [s.time, batch, s.inputs])
      try s.pointers([gated, candidate, w, dx]) {
        primitives.gemm($0[0], $0[2], $0[3], m: all, n: s.inputs, k: 2 * h, transposeB: false, Epilogue(), cache: nil)
        primitives.gemm(
          $0[1], $0[2] + 2 * h * s.inputs, $0[3], m: all, n: s.inputs, k: h, transposeA: false, transposeB: false, alpha: 1, beta: 1)
      }
      results.append(try s.given(dx, in: context))
    }
    if wanted[1] { results.append(try product(w.shape, candidate, try s.byTime(x, in: context), columns: s.inputs)) }
    if wanted[2] {
      results.append(try product(r.shape, reset, s.backward ? hidden.slice(1..<(s.time + 1)) : hidden.slice(0..<s.time), columns: h))
    }
    if wanted[3] {
      let db = try context.allocate(.float32, [1, 6 * h])
      try s.pointers([gated, candidate, reset, db]) {
        primitives.reduce(.sum, $0[0], $0[3], outer: 1, count: all, inner: 2 * h)
        primitives.reduce(.sum, $0[1], $0[3] + 2 * h, outer: 1, count: all, inner: h)
        ($0[3] + 3 * h).update(from: $0[3], count: 2 * h)
        primitives.reduce(.sum, $0[2], $0[3] + 5 * h, outer: 1, count: all, inner: h)
      }
      results.append(db)
    }
    if wanted[4] { results.append(dh.reshaped(gru.batchFirst ? [batch, 1, h] : [1, batch, h])) }
    return results
  }

  /// Step by step.
  public func decomposeForGradients<C: OpContext>(_ inputs: [C.Value?], in c: inout C) throws -> [C.Value] {
    guard inputs.count == 9 else { throw GraphError(.wrongInputCount, "GRUGradient takes 9 inputs, found \(inputs.count)") }
    let given = Array(inputs[0..<5])
    let found = try RecordingContext.gradients(of: given, from: Array(inputs[5..<7]), in: &c) { context, values in
      try UnrolledContext.run(&context) { try gru.stepwise(Array(values[0..<4]) + [nil, values[4]], in: &$0) }
    }
    return try wanted.indices.filter { wanted[$0] }.map { index in
      if let value = found[index] { return value }
      guard let input = given[index] else { throw GraphError(.wrongInputCount, "GRUGradient without input \(index)") }
      return try c.zeros(like: input)
    }
  }
}

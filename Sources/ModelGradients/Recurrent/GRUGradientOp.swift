import ModelGraph
import ModelOps
import ModelTensor

/// The gradients of a `GRUTrainingOp`.
///
/// Inputs: `x`, `w`, `r`, `b?`, `h0?`, the gradients of its first two results (each may be left out), and the other two. Results: the
/// gradients of those of the first five inputs that are `wanted`.
public struct GRUGradientOp: PreparedOp, DecomposedForGradients {
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

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    guard inputs.count == 9 else { throw ExecutionError(.invalidInput, "GRUGradient takes 9 inputs, found \(inputs.count)") }
    let plan = try memo.prepared(inputs) {
      let s = try RecurrentGeometry(gru, Array(inputs.prefix(4)) + [nil, inputs.optional(4)], of: self)
      return try RecurrentPlan(s, scratch: 0, [[s.time, s.batch, 2 * s.hidden], [1, 6 * s.hidden]], in: context)
    }.renewed()
    let s = plan.geometry, h = s.hidden, batch = s.batch, rows = batch * h, all = s.time * batch
    let x = try inputs.required(0, of: self), w = try inputs.required(1, of: self), r = try inputs.required(2, of: self)
    let gates = try inputs.required(7, of: self), hidden = try inputs.required(8, of: self)
    // The gradients of the update and reset gates, then those of the candidate's two shares, which differ.
    let gated = try context.allocate(.float32, plan.shapes[0]), candidate = try context.allocate(.float32, s.hiddenByTime),
      reset = try context.allocate(.float32, s.hiddenByTime)
    let dh = try context.allocate(.float32, s.stateShape)
    try dh.fill(from: inputs.optional(6), count: rows)
    let above = try inputs.optional(5).map { try s.swapped($0.reshaped(s.givenHidden), to: s.hiddenByTime, in: context) }
    let primitives = context.primitives
    try withExtendedLifetime((r, gates, hidden, gated, candidate, reset, dh, above)) {
      let (r, gates, hidden, dGates) = (try r.floats(), try gates.floats(), try hidden.floats(), try gated.floats())
      let (dCandidate, dInner, dh, above) = (try candidate.floats(), try reset.floats(), try dh.floats(), try above?.floats())
      for step in 0..<s.time {
        let t = s.backward ? step : s.time - 1 - step, before = hidden + (s.backward ? t + 1 : t) * rows
        if let above { primitives.binary(.add, dh, above + t * rows, dh, count: rows, aIsScalar: false, bIsScalar: false) }
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
          cache: plan.caches.0)
        primitives.gemm(
          dInner + t * rows, r + 2 * h * h, dh, m: batch, n: h, k: h, transposeB: false, Epilogue(residual: UnsafePointer(dh)),
          cache: plan.caches.1)
      }
    }
    /// The gradient of weights `[3H, columns]`: the two gates' rows, then the candidate's.
    func product(_ shape: [Int], _ slopes: NDArray, _ with: NDArray, columns: Int) throws -> NDArray {
      let result = try context.allocate(.float32, shape)
      try withExtendedLifetime((gated, slopes, with)) {
        let with = try with.floats(), to = try result.floats()
        primitives.gemm(
          try gated.floats(), with, to, m: 2 * h, n: columns, k: all, transposeA: true, transposeB: false, alpha: 1, beta: 0)
        primitives.gemm(
          try slopes.floats(), with, to + 2 * h * columns, m: h, n: columns, k: all, transposeA: true, transposeB: false, alpha: 1, beta: 0)
      }
      return result
    }
    if wanted[0] {
      let dx = try context.allocate(.float32, s.inputsByTime)
      try withExtendedLifetime((gated, candidate, w)) {
        let w = try w.floats(), to = try dx.floats()
        primitives.gemm(try gated.floats(), w, to, m: all, n: s.inputs, k: 2 * h, transposeB: false, Epilogue(), cache: nil)
        primitives.gemm(
          try candidate.floats(), w + 2 * h * s.inputs, to, m: all, n: s.inputs, k: h, transposeA: false, transposeB: false, alpha: 1,
          beta: 1)
      }
      results.append(try s.swapped(dx, to: s.givenInputs, in: context))
    }
    if wanted[1] {
      results.append(try product(w.shape, candidate, try s.swapped(x, to: s.inputsByTime, in: context), columns: s.inputs))
    }
    if wanted[2] { results.append(try product(r.shape, reset, s.before(hidden), columns: h)) }
    if wanted[3] {
      let db = try context.allocate(.float32, plan.shapes[1])
      try withExtendedLifetime((gated, candidate, reset)) {
        let to = try db.floats()
        primitives.reduce(.sum, try gated.floats(), to, outer: 1, count: all, inner: 2 * h)
        primitives.reduce(.sum, try candidate.floats(), to + 2 * h, outer: 1, count: all, inner: h)
        (to + 3 * h).update(from: to, count: 2 * h)
        primitives.reduce(.sum, try reset.floats(), to + 5 * h, outer: 1, count: all, inner: h)
      }
      results.append(db)
    }
    if wanted[4] { results.append(dh.reshaped(s.lastShape)) }
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

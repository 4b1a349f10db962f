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

  /// Steps whose gradients are there at one time: products over them are long enough, and they stay in the cache.
  private static let blockLength = 8

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    guard inputs.count == 9 else { throw ExecutionError(.invalidInput, "GRUGradient takes 9 inputs, found \(inputs.count)") }
    let plan = try memo.prepared(inputs) {
      let s = try RecurrentGeometry(gru, Array(inputs.prefix(4)) + [nil, inputs.optional(4)], of: self)
      let block = min(s.time, Self.blockLength), h = s.hidden
      return try RecurrentPlan(s, scratch: 3 * h, [[block, s.batch, 2 * h], [block, s.batch, h], [1, 6 * h]], in: context)
    }.renewed()
    let s = plan.geometry, h = s.hidden, batch = s.batch, rows = batch * h, length = plan.shapes[0][0]
    let w = try inputs.required(1, of: self), r = try inputs.required(2, of: self)
    let gates = try inputs.required(7, of: self), hidden = try inputs.required(8, of: self)
    let x = try s.swapped(try inputs.required(0, of: self), to: s.inputsByTime, in: context)
    // The gradients of the update and reset gates, then those of the candidate's two shares, which differ.
    let gated = try context.allocate(.float32, plan.shapes[0]), candidate = try context.allocate(.float32, plan.shapes[1]),
      reset = try context.allocate(.float32, plan.shapes[1])
    let dh = try context.allocate(.float32, s.stateShape)
    try dh.fill(from: inputs.optional(6), count: rows)
    let above = try inputs.optional(5).map { try s.swapped($0.reshaped(s.givenHidden), to: s.hiddenByTime, in: context) }
    let dx = wanted[0] ? try context.allocate(.float32, s.inputsByTime) : nil
    let dw = wanted[1] ? try context.allocate(.float32, w.shape) : nil, dr = wanted[2] ? try context.allocate(.float32, r.shape) : nil
    let db = wanted[3] ? try context.allocate(.float32, plan.shapes[2]) : nil
    let primitives = context.primitives
    try withExtendedLifetime((x, w, r, gates, hidden, gated, candidate, reset, dh, above, plan)) {
      let (x, w, r, gates, hidden) = (try x.floats(), try w.floats(), try r.floats(), try gates.floats(), try hidden.floats())
      let (dGates, dCandidate, dInner) = (try gated.floats(), try candidate.floats(), try reset.floats())
      let (dh, above, sums) = (try dh.floats(), try above?.floats(), try plan.scratch.floats())
      let (dx, dw, dr, db) = (try dx?.floats(), try dw?.floats(), try dr?.floats(), try db?.floats())
      var begun = 0
      while begun < s.time {
        let count = min(length, s.time - begun), first = s.backward ? begun : s.time - begun - count
        for place in 0..<count {
          let own = s.backward ? place : count - 1 - place, t = first + own
          let before = hidden + (s.backward ? t + 1 : t) * rows
          if let above { primitives.binary(.add, dh, above + t * rows, dh, count: rows, aIsScalar: false, bIsScalar: false) }
          for b in 0..<batch {
            let z = gates + (t * batch + b) * 4 * h, old = before + b * h, slope = dh + b * h
            let row = own * batch + b, both = dGates + row * 2 * h, new = dCandidate + row * h, inner = dInner + row * h
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
            dGates + own * 2 * rows, r, dh, m: batch, n: h, k: 2 * h, transposeB: false, Epilogue(residual: UnsafePointer(dh)),
            cache: plan.caches.0)
          primitives.gemm(
            dInner + own * rows, r + 2 * h * h, dh, m: batch, n: h, k: h, transposeB: false, Epilogue(residual: UnsafePointer(dh)),
            cache: plan.caches.1)
        }
        let all = count * batch, beta: Float = begun == 0 ? 0 : 1
        /// Adds to the gradient of weights `[3H, columns]`: the two gates' rows, then the candidate's.
        func add(
          _ slopes: UnsafeMutablePointer<Float>, _ with: UnsafeMutablePointer<Float>, to: UnsafeMutablePointer<Float>, _ columns: Int
        ) {
          primitives.gemm(dGates, with, to, m: 2 * h, n: columns, k: all, transposeA: true, transposeB: false, alpha: 1, beta: beta)
          primitives.gemm(
            slopes, with, to + 2 * h * columns, m: h, n: columns, k: all, transposeA: true, transposeB: false, alpha: 1, beta: beta)
        }
        if let dx {
          let to = dx + first * batch * s.inputs
          primitives.gemm(dGates, w, to, m: all, n: s.inputs, k: 2 * h, transposeB: false, Epilogue(), cache: nil)
          primitives.gemm(
            dCandidate, w + 2 * h * s.inputs, to, m: all, n: s.inputs, k: h, transposeA: false, transposeB: false, alpha: 1, beta: 1)
        }
        if let dw { add(dCandidate, x + first * batch * s.inputs, to: dw, s.inputs) }
        if let dr { add(dInner, hidden + (s.backward ? first + 1 : first) * rows, to: dr, h) }
        if let db {
          func add(_ slopes: UnsafeMutablePointer<Float>, to: UnsafeMutablePointer<Float>, _ width: Int) {
            guard begun > 0 else { return primitives.reduce(.sum, slopes, to, outer: 1, count: all, inner: width) }
            primitives.reduce(.sum, slopes, sums, outer: 1, count: all, inner: width)
            primitives.binary(.add, to, sums, to, count: width, aIsScalar: false, bIsScalar: false)
          }
          add(dGates, to: db, 2 * h)
          add(dCandidate, to: db + 2 * h, h)
          add(dInner, to: db + 5 * h, h)
        }
        begun += count
      }
      if let db { (db + 3 * h).update(from: db, count: 2 * h) }
    }
    if let dx { results.append(try s.swapped(dx, to: s.givenInputs, in: context)) }
    if let dw { results.append(dw) }
    if let dr { results.append(dr) }
    if let db { results.append(db) }
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

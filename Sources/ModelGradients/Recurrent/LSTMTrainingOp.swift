import ModelGraph
import ModelOps
import ModelTensor

/// An `LSTMOp` of one direction that keeps what its gradient needs.
///
/// Inputs: those of `LSTMOp` without lengths, peepholes and mask, in float32. Results: those of `LSTMOp`, then by time the activated
/// gates `[T, B, 4H]`, and the cells and outputs `[T + 1, B, H]`: before a step at its own place, after it one further on (the other way
/// round when it runs backwards). No gradient flows through these.
public struct LSTMTrainingOp: PreparedOp, CompositeOp, DifferentiableOp {
  public static let name = "LSTMTraining"
  public static let family = OpFamily.recurrent
  public var lstm: LSTMOp
  public init(_ lstm: LSTMOp) { self.lstm = lstm }

  /// Whether an op with these inputs can be taken so.
  static func takes(_ op: LSTMOp, _ facts: [Fact?]) -> Bool {
    guard op.direction.count == 1, op.clip == nil, !op.inputForget, op.activations == LSTMOp(hiddenSize: 1).activations,
      let x = facts.first ?? nil, x.type.dtype == .float32, let dims = x.type.shape.dims, dims.count == 3
    else { return false }
    return facts.enumerated().allSatisfy { index, fact in fact == nil || index < 4 || index == 5 || index == 6 }
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard let dims = x.shape.dims, dims.count == 3 else { throw GraphError(.shapeMismatch, "LSTMTraining of \(x)") }
    let time = dims[lstm.batchFirst ? 1 : 0], batch = dims[lstm.batchFirst ? 0 : 1], h = lstm.hiddenSize
    let states = TensorType(x.dtype, .ranked([time.value.map { .fixed($0 + 1) } ?? .unknown, batch, .fixed(h)]))
    return try lstm.infer(inputs) + [TensorType(x.dtype, .ranked([time, batch, .fixed(4 * h)])), states, states]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let plan = try memo.prepared(inputs) {
      let s = try RecurrentGeometry(lstm, inputs, of: self)
      return try RecurrentPlan(s, scratch: 4 * s.hidden, [[s.time, s.batch, 4 * s.hidden]], in: context)
    }.renewed()
    let s = plan.geometry, h = s.hidden, rows = s.batch * h
    let x = try s.swapped(try inputs.required(0, of: self), to: s.inputsByTime, in: context)
    let w = try inputs.required(1, of: self), r = try inputs.required(2, of: self)
    let gates = try context.allocate(.float32, plan.shapes[0])
    let cells = try context.allocate(.float32, s.keptShape), hidden = try context.allocate(.float32, s.keptShape)
    let start = (s.backward ? s.time : 0) * rows
    try hidden.fill(from: inputs.optional(5), at: start, count: rows)
    try cells.fill(from: inputs.optional(6), at: start, count: rows)
    let primitives = context.primitives
    try withExtendedLifetime((x, w, r, gates, cells, hidden, plan)) {
      let bias = try plan.scratch.floats(), x = try x.floats(), r = try r.floats()
      let gates = try gates.floats(), cells = try cells.floats(), hidden = try hidden.floats()
      bias.update(repeating: 0, count: 4 * h)
      if let b = inputs.optional(3) { b.with(Float.self) { b in for j in 0..<(4 * h) { bias[j] = b[j] + b[4 * h + j] } } }
      primitives.gemm(
        x, try w.floats(), gates, m: s.time * s.batch, n: 4 * h, k: s.inputs, transposeB: true, Epilogue(shift: UnsafePointer(bias)),
        cache: nil)
      for step in 0..<s.time {
        let t = s.backward ? s.time - 1 - step : step, before = (s.backward ? t + 1 : t) * rows, after = (s.backward ? t : t + 1) * rows
        let z = gates + t * 4 * rows
        primitives.gemm(
          hidden + before, r, z, m: s.batch, n: 4 * h, k: h, transposeB: true, Epilogue(residual: UnsafePointer(z)), cache: plan.caches.0)
        primitives.lstmCell(z, before: cells + before, cells + after, hidden + after, rows: s.batch, units: h)
      }
    }
    results.append(try s.sequence(s.after(hidden), in: context))
    results.append(s.last(hidden))
    results.append(s.last(cells))
    results.append(gates)
    results.append(cells)
    results.append(hidden)
  }

  /// For formats: the results that an `LSTMOp` has, which are all that a model shows.
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in c: inout C) throws -> [C.Value] { try c.apply(lstm, to: inputs) }

  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    guard call.outputs.count == 6, call.gradients.dropFirst(3).allSatisfy({ $0 == nil }) else {
      throw GraphError(.invalidStructure, "LSTMTraining gives no gradient through what it keeps")
    }
    func given(_ list: [C.Value?], _ index: Int) -> C.Value? { index < list.count ? list[index] : nil }
    let wanted = LSTMGradientOp.places.map { call.needs($0) && given(call.inputs, $0) != nil }
    let op = LSTMGradientOp(lstm, wanted: wanted)
    var inputs: [C.Value?] = LSTMGradientOp.places.map { given(call.inputs, $0) }
    for index in 0..<3 { inputs.append(given(call.gradients, index)) }
    for kept in call.outputs[3...] { inputs.append(kept) }
    var found = try c.apply(op, to: inputs).makeIterator()
    var result = call.none
    for (place, isWanted) in zip(LSTMGradientOp.places, wanted) where isWanted { result[place] = found.next() }
    return result
  }
}

/// The gradients of an `LSTMTrainingOp`.
///
/// Inputs: `x`, `w`, `r`, `b?`, `h0?`, `c0?`, the gradients of its first three results (each may be left out), and the other three.
/// Results: the gradients of those of the first six inputs that are `wanted`.
public struct LSTMGradientOp: PreparedOp, DecomposedForGradients {
  public static let name = "LSTMGradient"
  public static let family = OpFamily.recurrent
  /// Where these inputs stand among those of `LSTMOp`.
  static let places = [0, 1, 2, 3, 5, 6]
  public var lstm: LSTMOp
  public var wanted: [Bool]
  public init(_ lstm: LSTMOp, wanted: [Bool]) {
    self.lstm = lstm
    self.wanted = wanted
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    try wanted.indices.filter { wanted[$0] }.map { try inputs.required($0, of: self).type.plain }
  }

  /// Steps whose gradients are there at one time: products over them are long enough, and they stay in the cache.
  private static let blockLength = 8

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    guard inputs.count == 12 else { throw ExecutionError(.invalidInput, "LSTMGradient takes 12 inputs, found \(inputs.count)") }
    let plan = try memo.prepared(inputs) {
      let s = try RecurrentGeometry(lstm, Array(inputs.prefix(4)) + [nil] + inputs[4..<6], of: self), width = 4 * s.hidden
      return try RecurrentPlan(s, scratch: width, [[min(s.time, Self.blockLength), s.batch, width], [1, 2 * width]], in: context)
    }.renewed()
    let s = plan.geometry, h = s.hidden, rows = s.batch * h, length = plan.shapes[0][0]
    let w = try inputs.required(1, of: self), r = try inputs.required(2, of: self)
    let gates = try inputs.required(9, of: self), cells = try inputs.required(10, of: self), hidden = try inputs.required(11, of: self)
    let x = try s.swapped(try inputs.required(0, of: self), to: s.inputsByTime, in: context)
    let slopes = try context.allocate(.float32, plan.shapes[0])
    let dh = try context.allocate(.float32, s.stateShape), dc = try context.allocate(.float32, s.stateShape)
    try dh.fill(from: inputs.optional(7), count: rows)
    try dc.fill(from: inputs.optional(8), count: rows)
    let above = try inputs.optional(6).map { try s.swapped($0.reshaped(s.givenHidden), to: s.hiddenByTime, in: context) }
    let dx = wanted[0] ? try context.allocate(.float32, s.inputsByTime) : nil
    let dw = wanted[1] ? try context.allocate(.float32, w.shape) : nil, dr = wanted[2] ? try context.allocate(.float32, r.shape) : nil
    let db = wanted[3] ? try context.allocate(.float32, plan.shapes[1]) : nil
    let primitives = context.primitives
    try withExtendedLifetime((x, w, r, gates, cells, hidden, slopes, dh, dc, above, plan)) {
      let (x, w, r, gates, cells, hidden) = (
        try x.floats(), try w.floats(), try r.floats(), try gates.floats(), try cells.floats(), try hidden.floats()
      )
      let (slopes, dh, dc, above, sums) = (
        try slopes.floats(), try dh.floats(), try dc.floats(), try above?.floats(), try plan.scratch.floats()
      )
      let (dx, dw, dr, db) = (try dx?.floats(), try dw?.floats(), try dr?.floats(), try db?.floats())
      var begun = 0
      while begun < s.time {
        let count = min(length, s.time - begun), first = s.backward ? begun : s.time - begun - count
        for place in 0..<count {
          let own = s.backward ? place : count - 1 - place, t = first + own
          let before = (s.backward ? t + 1 : t) * rows, after = (s.backward ? t : t + 1) * rows
          if let above { primitives.binary(.add, dh, above + t * rows, dh, count: rows, aIsScalar: false, bIsScalar: false) }
          let dz = slopes + own * 4 * rows
          primitives.lstmCellGradient(
            gates + t * 4 * rows, before: cells + before, cells + after, dh: dh, dc: dc, dz: dz, rows: s.batch, units: h)
          primitives.gemm(dz, r, dh, m: s.batch, n: h, k: 4 * h, transposeB: false, Epilogue(), cache: plan.caches.0)
        }
        let all = count * s.batch, beta: Float = begun == 0 ? 0 : 1
        if let dx {
          primitives.gemm(
            slopes, w, dx + first * s.batch * s.inputs, m: all, n: s.inputs, k: 4 * h, transposeB: false, Epilogue(), cache: nil)
        }
        func add(_ with: UnsafeMutablePointer<Float>, to: UnsafeMutablePointer<Float>, _ columns: Int) {
          primitives.gemm(slopes, with, to, m: 4 * h, n: columns, k: all, transposeA: true, transposeB: false, alpha: 1, beta: beta)
        }
        if let dw { add(x + first * s.batch * s.inputs, to: dw, s.inputs) }
        if let dr { add(hidden + (s.backward ? first + 1 : first) * rows, to: dr, h) }
        if let db {
          primitives.reduce(.sum, slopes, begun == 0 ? db : sums, outer: 1, count: all, inner: 4 * h)
          if begun > 0 { primitives.binary(.add, db, sums, db, count: 4 * h, aIsScalar: false, bIsScalar: false) }
        }
        begun += count
      }
      if let db { (db + 4 * h).update(from: db, count: 4 * h) }
    }
    if let dx { results.append(try s.swapped(dx, to: s.givenInputs, in: context)) }
    if let dw { results.append(dw) }
    if let dr { results.append(dr) }
    if let db { results.append(db) }
    if wanted[4] { results.append(dh.reshaped(s.lastShape)) }
    if wanted[5] { results.append(dc.reshaped(s.lastShape)) }
  }

  /// Step by step.
  public func decomposeForGradients<C: OpContext>(_ inputs: [C.Value?], in c: inout C) throws -> [C.Value] {
    guard inputs.count == 12 else { throw GraphError(.wrongInputCount, "LSTMGradient takes 12 inputs, found \(inputs.count)") }
    let given = Array(inputs[0..<6])
    let found = try RecordingContext.gradients(of: given, from: Array(inputs[6..<9]), in: &c) { context, values in
      try UnrolledContext.run(&context) { try lstm.stepwise(Array(values[0..<4]) + [nil] + values[4..<6], in: &$0) }
    }
    return try wanted.indices.filter { wanted[$0] }.map { index in
      if let value = found[index] { return value }
      guard let input = given[index] else { throw GraphError(.wrongInputCount, "LSTMGradient without input \(index)") }
      return try c.zeros(like: input)
    }
  }
}

import ModelGraph
import ModelOps
import ModelTensor

/// A `GRUOp` of one direction, with the reset gate behind the product, that keeps what its gradient needs.
///
/// Inputs: those of `GRUOp` without lengths and mask, in float32. Results: those of `GRUOp`, then by time the activated update and reset
/// gates, the candidate and the recurrent share of it before it was reset, `[T, B, 4H]`, and the outputs `[T + 1, B, H]` as
/// `LSTMTrainingOp` keeps them. No gradient flows through these.
public struct GRUTrainingOp: PreparedOp, CompositeOp, DifferentiableOp {
  public static let name = "GRUTraining"
  public static let family = OpFamily.recurrent
  public var gru: GRUOp
  public init(_ gru: GRUOp) { self.gru = gru }

  /// Whether an op with these inputs can be taken so.
  static func takes(_ op: GRUOp, _ facts: [Fact?]) -> Bool {
    guard op.direction.count == 1, op.clip == nil, op.linearBeforeReset, op.activations == GRUOp(hiddenSize: 1).activations,
      let x = facts.first ?? nil, x.type.dtype == .float32, let dims = x.type.shape.dims, dims.count == 3
    else { return false }
    return facts.enumerated().allSatisfy { index, fact in fact == nil || index < 4 || index == 5 }
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard let dims = x.shape.dims, dims.count == 3 else { throw GraphError(.shapeMismatch, "GRUTraining of \(x)") }
    let time = dims[gru.batchFirst ? 1 : 0], batch = dims[gru.batchFirst ? 0 : 1], h = gru.hiddenSize
    return try gru.infer(inputs) + [
      TensorType(x.dtype, .ranked([time, batch, .fixed(4 * h)])),
      TensorType(x.dtype, .ranked([time.value.map { .fixed($0 + 1) } ?? .unknown, batch, .fixed(h)])),
    ]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let plan = try memo.prepared(inputs) {
      let s = try RecurrentGeometry(gru, inputs, of: self)
      return try RecurrentPlan(s, scratch: 6 * s.hidden, [[s.batch, 3 * s.hidden], [s.time, s.batch, 4 * s.hidden]], in: context)
    }.renewed()
    let s = plan.geometry, h = s.hidden, batch = s.batch, rows = batch * h
    let x = try s.swapped(try inputs.required(0, of: self), to: s.inputsByTime, in: context)
    let w = try inputs.required(1, of: self), r = try inputs.required(2, of: self)
    // Those of one step: what all steps take is kept for the way back alone.
    let projected = try context.allocate(.float32, plan.shapes[0]), recurrent = try context.allocate(.float32, plan.shapes[0])
    let gates = try context.allocate(.float32, plan.shapes[1]), hidden = try context.allocate(.float32, s.keptShape)
    try hidden.fill(from: inputs.optional(5), at: (s.backward ? s.time : 0) * rows, count: rows)
    try plan.scratch.fill(from: inputs.optional(3), count: 6 * h)
    let primitives = context.primitives
    try withExtendedLifetime((x, w, r, projected, recurrent, gates, hidden, plan)) {
      let (x, w, r, bias) = (try x.floats(), try w.floats(), try r.floats(), UnsafePointer(try plan.scratch.floats()))
      let (projected, q, gates, hidden) = (try projected.floats(), try recurrent.floats(), try gates.floats(), try hidden.floats())
      for step in 0..<s.time {
        let t = s.backward ? s.time - 1 - step : step
        let before = hidden + (s.backward ? t + 1 : t) * rows, after = hidden + (s.backward ? t : t + 1) * rows
        primitives.gemm(
          x + t * batch * s.inputs, w, projected, m: batch, n: 3 * h, k: s.inputs, transposeB: true, Epilogue(shift: bias),
          cache: plan.caches.0)
        primitives.gemm(before, r, q, m: batch, n: 3 * h, k: h, transposeB: true, Epilogue(shift: bias + 3 * h), cache: plan.caches.1)
        for b in 0..<batch {
          let z = gates + (t * batch + b) * 4 * h, given = projected + b * 3 * h, own = q + b * 3 * h
          let old = before + b * h, new = after + b * h
          for j in 0..<(2 * h) { z[j] = given[j] + own[j] }
          primitives.unary(.sigmoid, z, z, count: 2 * h)
          for j in 0..<h {
            z[3 * h + j] = own[2 * h + j]
            z[2 * h + j] = given[2 * h + j] + z[h + j] * own[2 * h + j]
          }
          primitives.unary(.tanh, z + 2 * h, z + 2 * h, count: h)
          for j in 0..<h { new[j] = (1 - z[j]) * z[2 * h + j] + z[j] * old[j] }
        }
      }
    }
    results.append(try s.sequence(s.after(hidden), in: context))
    results.append(s.last(hidden))
    results.append(gates)
    results.append(hidden)
  }

  /// For formats: the results that a `GRUOp` has, which are all that a model shows.
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in c: inout C) throws -> [C.Value] { try c.apply(gru, to: inputs) }

  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    guard call.outputs.count == 4, call.gradients.dropFirst(2).allSatisfy({ $0 == nil }) else {
      throw GraphError(.invalidStructure, "GRUTraining gives no gradient through what it keeps")
    }
    func given(_ list: [C.Value?], _ index: Int) -> C.Value? { index < list.count ? list[index] : nil }
    let wanted = GRUGradientOp.places.map { call.needs($0) && given(call.inputs, $0) != nil }
    var inputs: [C.Value?] = GRUGradientOp.places.map { given(call.inputs, $0) }
    for index in 0..<2 { inputs.append(given(call.gradients, index)) }
    for kept in call.outputs[2...] { inputs.append(kept) }
    var found = try c.apply(GRUGradientOp(gru, wanted: wanted), to: inputs).makeIterator()
    var result = call.none
    for (place, isWanted) in zip(GRUGradientOp.places, wanted) where isWanted { result[place] = found.next() }
    return result
  }
}

import ModelGraph
import ModelOps
import ModelTensor

/// The extents of an LSTM or GRU of one direction, checked, and its layouts.
struct RecurrentGeometry {
  let time: Int, batch: Int, inputs: Int, hidden: Int
  let backward: Bool, batchFirst: Bool
  /// Of arrays by time, which the kernels work with, and laid out as the input is.
  let inputsByTime: [Int], hiddenByTime: [Int], givenInputs: [Int], givenHidden: [Int]
  /// Of the results of an op in its own layout: all outputs, and the last one.
  let sequenceShape: [Int], lastShape: [Int]
  /// `[batch, hidden]`, and states before and after all steps.
  let stateShape: [Int], keptShape: [Int]

  init(_ op: LSTMOp, _ given: [NDArray?], of owner: any Op) throws {
    try self.init(op.hiddenSize, op.direction, op.batchFirst, gates: 4, given, of: owner)
  }
  init(_ op: GRUOp, _ given: [NDArray?], of owner: any Op) throws {
    try self.init(op.hiddenSize, op.direction, op.batchFirst, gates: 3, given, of: owner)
  }
  /// - Parameter given: the inputs of the op, its states from the sixth on.
  /// - Throws: `ExecutionError.shapeMismatch`.
  private init(
    _ units: Int, _ direction: RecurrentDirection, _ isBatchFirst: Bool, gates: Int, _ given: [NDArray?], of owner: any Op
  ) throws {
    let x = try given.required(0, of: owner), w = try given.required(1, of: owner), r = try given.required(2, of: owner)
    hidden = units
    batchFirst = isBatchFirst
    backward = direction == .reverse
    guard x.rank == 3, units > 0, units < 1 << 24, given.allSatisfy({ $0 == nil || $0?.dtype == .float32 }) else {
      throw ExecutionError(.shapeMismatch, "\(owner.displayName) of \(x.type)")
    }
    let (time, batch, inputs) = (x.shape[isBatchFirst ? 1 : 0], x.shape[isBatchFirst ? 0 : 1], x.shape[2])
    let states = given.dropFirst(5).prefix(2).compactMap { $0 }
    guard w.shape == [1, gates * units, inputs], r.shape == [1, gates * units, units],
      given.optional(3).map({ $0.count == 2 * gates * units }) ?? true,
      states.allSatisfy({ $0.count == batch * units }), time > 0, batch > 0, inputs > 0
    else { throw ExecutionError(.shapeMismatch, "\(owner.displayName) of \(x.type) with weights \(w.type) and \(r.type)") }
    (self.time, self.batch, self.inputs) = (time, batch, inputs)
    inputsByTime = [time, batch, inputs]
    hiddenByTime = [time, batch, hidden]
    givenInputs = isBatchFirst ? [batch, time, inputs] : inputsByTime
    givenHidden = isBatchFirst ? [batch, time, hidden] : hiddenByTime
    sequenceShape = isBatchFirst ? [batch, time, 1, hidden] : [time, 1, batch, hidden]
    lastShape = isBatchFirst ? [batch, 1, hidden] : [1, batch, hidden]
    stateShape = [batch, hidden]
    keptShape = [time + 1, batch, hidden]
  }

  /// `x`, laid out as the input, by time; or the other way round.
  /// - Parameter shape: of the result.
  func swapped(_ x: NDArray, to shape: [Int], in context: ExecutionContext) throws -> NDArray {
    guard batchFirst else { return x }
    let result = try context.allocate(.float32, shape)
    let (outer, middle, inner) = (shape[1], shape[0], shape[2])
    x.with(Float.self) { source in
      result.withMutable(Float.self) { y in
        guard let from = source.baseAddress, let to = y.baseAddress else { return }
        for a in 0..<outer {
          for b in 0..<middle { (to + (b * outer + a) * inner).update(from: from + (a * middle + b) * inner, count: inner) }
        }
      }
    }
    return result
  }
  /// The result of outputs `[T, B, H]`.
  func sequence(_ x: NDArray, in context: ExecutionContext) throws -> NDArray {
    try swapped(x, to: givenHidden, in: context).reshaped(sequenceShape)
  }
  /// The output after the last step, of states before and after all of them.
  func last(_ states: NDArray) -> NDArray {
    let end = backward ? 0 : time
    return states.slice(end..<(end + 1), as: lastShape)
  }
  /// The outputs of all steps, and those before each.
  func after(_ states: NDArray) -> NDArray { states.slice(backward ? 0..<time : 1..<(time + 1), as: hiddenByTime) }
  func before(_ states: NDArray) -> NDArray { states.slice(backward ? 1..<(time + 1) : 0..<time, as: hiddenByTime) }
}

/// What the kernel of a recurrent op keeps from run to run.
struct RecurrentPlan {
  let geometry: RecurrentGeometry
  /// For weights that are the same in all steps of a run.
  let caches = (NodeCache(), NodeCache())
  /// Memory to work in, which nobody else sees.
  let scratch: NDArray
  /// Of the other results and what they are computed with.
  let shapes: [[Int]]

  init(_ geometry: RecurrentGeometry, scratch count: Int, _ shapes: [[Int]], in context: ExecutionContext) throws {
    self.geometry = geometry
    self.shapes = shapes
    scratch = try context.allocate(.float32, [count])
  }

  /// For a run with other weights.
  func renewed() -> RecurrentPlan {
    caches.0.renew()
    caches.1.renew()
    return self
  }
}

extension NDArray {
  /// Where its floats stand, while it lives. Only arrays that the kernel made itself are written.
  func floats() throws -> UnsafeMutablePointer<Float> {
    guard let start = with(Float.self, { $0.baseAddress }) else { throw ExecutionError(.outOfMemory, "a recurrent layer without memory") }
    return UnsafeMutablePointer(mutating: start)
  }
  /// The first floats of `given`, or zeros without it.
  func fill(from given: NDArray?, at offset: Int = 0, count: Int) throws {
    let to = try floats() + offset
    guard let given, given.count == count else { return to.update(repeating: 0, count: count) }
    given.with(Float.self) { from in if let from = from.baseAddress { to.update(from: from, count: count) } }
  }
}

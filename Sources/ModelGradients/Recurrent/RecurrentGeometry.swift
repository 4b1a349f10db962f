import ModelGraph
import ModelOps
import ModelTensor

/// The extents of an LSTM or GRU of one direction, checked, and its layouts.
struct RecurrentGeometry {
  let time: Int, batch: Int, inputs: Int, hidden: Int
  let backward: Bool, batchFirst: Bool

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
    guard x.rank == 3, hidden > 0, hidden < 1 << 24, given.allSatisfy({ $0 == nil || $0?.dtype == .float32 }) else {
      throw ExecutionError(.shapeMismatch, "\(owner.displayName) of \(x.type)")
    }
    (time, batch, inputs) = (x.shape[isBatchFirst ? 1 : 0], x.shape[isBatchFirst ? 0 : 1], x.shape[2])
    let states = given.dropFirst(5).prefix(2).compactMap { $0 }
    guard w.shape == [1, gates * hidden, inputs], r.shape == [1, gates * hidden, hidden],
      given.optional(3).map({ $0.count == 2 * gates * hidden }) ?? true,
      states.allSatisfy({ $0.count == batch * hidden }), time > 0, batch > 0, inputs > 0
    else { throw ExecutionError(.shapeMismatch, "\(owner.displayName) of \(x.type) with weights \(w.type) and \(r.type)") }
  }

  /// `[T, B, …]` of what is laid out as the input.
  func byTime(_ x: NDArray, in context: ExecutionContext) throws -> NDArray {
    batchFirst ? try TransposeOp(permutation: [1, 0, 2]).evaluate([x], in: context)[0] : x
  }
  /// Back to the input's layout.
  func given(_ x: NDArray, in context: ExecutionContext) throws -> NDArray { try byTime(x, in: context) }
  /// The result of `[T, B, H]`.
  func sequence(_ x: NDArray, in context: ExecutionContext) throws -> NDArray {
    batchFirst ? try byTime(x, in: context).reshaped([batch, time, 1, hidden]) : x.reshaped([time, 1, batch, hidden])
  }
  /// The elements of arrays, which live as long as the call. Those that are written were made by the caller.
  func pointers(_ arrays: [NDArray], _ body: ([UnsafeMutablePointer<Float>]) -> Void) throws {
    let found = arrays.compactMap { array in
      array.with(Float.self) { $0.baseAddress.map { UnsafeMutablePointer(mutating: $0) } }
    }
    guard found.count == arrays.count else { throw ExecutionError(.outOfMemory, "a recurrent layer without memory") }
    withExtendedLifetime(arrays) { body(found) }
  }
}

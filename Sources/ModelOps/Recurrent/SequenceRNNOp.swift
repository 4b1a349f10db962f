import ModelGraph
import ModelTensor

/// A simple recurrent layer over a sequence, laid out as TensorFlow Lite's `UNIDIRECTIONAL_SEQUENCE_RNN` (and, for one step,
/// its `RNN`): float weights, or 8-bit weights with float activations.
///
/// Inputs: `x` (`[T, B, I]` with `timeMajor`, else `[B, T, I]`, or `[B, I]` for one step), weights `[U, I]`, recurrent weights
/// `[U, U]`, bias `[U]`, the state `[B, U]`, a second input and its weights `[U, A]` (both or none).
/// Results: the outputs of all steps, the next state. Source: LiteRT's `kernel_utils::RnnBatchStep`.
public struct SequenceRNNOp: PrimitiveOp {
  public static let name = "SequenceRNN"
  public static let family = OpFamily.recurrent
  public var activation: RecurrentActivation
  public var timeMajor: Bool
  public var isReversed: Bool
  public var asymmetricInputs: Bool
  /// How the numbers of each input stand for real ones; `nil` for floats.
  public var quantization: [Quantization?]
  public init(
    activation: RecurrentActivation = .init(.tanh), timeMajor: Bool = false, isReversed: Bool = false,
    asymmetricInputs: Bool = false, quantization: [Quantization?] = []
  ) {
    self.activation = activation
    self.timeMajor = timeMajor
    self.isReversed = isReversed
    self.asymmetricInputs = asymmetricInputs
    self.quantization = quantization
  }
  private func scale(_ index: Int) -> Float? { quantization.indices.contains(index) ? quantization[index]?.scales.first : nil }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type, weights = try inputs.required(1, of: self).type
    let state = try inputs.required(4, of: self).type
    var shape = Shape.unranked
    if let dims = x.shape.dims, !dims.isEmpty { shape = .ranked(dims.dropLast() + [weights.shape.dims?.first ?? .unknown]) }
    return [TensorType(x.dtype, shape), TensorType(state.dtype, state.shape)]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), w = try inputs.required(1, of: self), start = try inputs.required(4, of: self)
    guard x.dtype == .float32, start.dtype == .float32 else { throw noKernelFor(self, x.dtype) }
    guard x.rank == 2 || x.rank == 3, w.rank == 2 else {
      throw ExecutionError(.shapeMismatch, "RNN of \(x.type) with weights \(w.type)")
    }
    let units = w.shape[0], steps = x.rank == 2 ? 1 : x.shape[timeMajor ? 0 : 1]
    let batch = x.rank == 2 ? x.shape[0] : x.shape[timeMajor ? 1 : 0], isTimeMajor = timeMajor || x.rank == 2
    guard checkedProduct([batch, units]) == start.count else {
      throw ExecutionError(.shapeMismatch, "RNN: state \(start.type) for a batch of \(batch) and \(units) units")
    }
    let input = try CellMatrix(w, rows: units, columns: x.shape.last ?? 0, scale: scale(1), self)
    let recurrent = try CellMatrix(try inputs.required(2, of: self), rows: units, columns: units, scale: scale(2), self)
    let bias = try inputs.required(3, of: self).cellVector(count: units, scale: nil, self)
    let second = inputs.optional(5)
    var auxiliary: CellMatrix?
    if let second {
      guard second.dtype == .float32, second.shape.dropLast() == x.shape.dropLast() else {
        throw ExecutionError(.shapeMismatch, "RNN: second input \(second.type) beside \(x.type)")
      }
      auxiliary = try CellMatrix(
        try inputs.required(6, of: self), rows: units, columns: second.shape.last ?? 0, scale: scale(6), self)
    }
    func row(_ t: Int, _ b: Int) -> Int { isTimeMajor ? t * batch + b : b * steps + t }
    func rows(_ array: NDArray, _ t: Int) -> CellInput {
      let width = array.shape.last ?? 0
      let values = array.with(Float.self) { all in
        (0..<batch).flatMap { b in all[(row(t, b) * width)..<((row(t, b) + 1) * width)] }
      }
      return CellInput(values, count: batch, width: width, asymmetric: asymmetricInputs)
    }
    var state = start.values(Float.self)
    let output = try context.allocate(.float32, x.shape.dropLast() + [units])
    for step in 0..<steps {
      let t = isReversed ? steps - 1 - step : step
      var sums = [Float](repeating: 0, count: batch * units)
      for k in sums.indices { sums[k] = bias[k % units] }
      input.multiplyAccumulate(rows(x, t), &sums, in: context)
      if let second { auxiliary?.multiplyAccumulate(rows(second, t), &sums, in: context) }
      recurrent.multiplyAccumulate(
        CellInput(state, count: batch, width: units, asymmetric: asymmetricInputs), &sums, in: context)
      for k in sums.indices { sums[k] = activation(sums[k]) }
      state = sums
      output.withMutable(Float.self) { y in
        for b in 0..<batch { for j in 0..<units { y[row(t, b) * units + j] = state[b * units + j] } }
      }
    }
    return [output, NDArray(state, start.shape)]
  }
}

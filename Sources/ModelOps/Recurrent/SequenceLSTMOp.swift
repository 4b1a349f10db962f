import ModelGraph
import ModelTensor

/// A long short-term memory over a sequence, laid out as TensorFlow Lite's `UNIDIRECTIONAL_SEQUENCE_LSTM` (and, for one
/// step, its `LSTM`): float weights, 8-bit weights with float activations, or integers throughout.
///
/// Inputs, by `Input`: `x` `[T, B, I]` with `timeMajor`, else `[B, T, I]`, or `[B, I]` for one step; weights of the input
/// `[C, I]` and of the output `[C, H]` (or their diagonals `[C]`) for the gates i, f, c, o; peepholes i, f, o `[C]`; biases i,
/// f, c, o `[C]`; the projection `[H, C]` and its bias `[H]`; the states `[B, H]` and `[B, C]`; coefficients of the layer
/// normalisation i, f, c, o `[C]`; a second input `[…, A]` and its weights `[C, A]`. Without weights of the input gate, it is
/// one less the forget gate.
/// Results: the outputs of all steps (shaped as `x`), the output state, the cell state.
/// Source: LiteRT's `lstm_eval`.
public struct SequenceLSTMOp: PrimitiveOp {
  public static let name = "SequenceLSTM"
  public static let family = OpFamily.recurrent

  /// The places of the inputs.
  public enum Input {
    public static let x = 0, inputWeights = 1, recurrentWeights = 5, peephole = 9, bias = 12, projection = 16
    public static let projectionBias = 17, outputState = 18, cellState = 19, layerNorm = 20, auxiliary = 24
    public static let auxiliaryWeights = 25, count = 29
  }
  public var activation: RecurrentActivation
  /// The bounds of the cell and of the projection; 0 for none.
  public var cellClip: Float
  public var projectionClip: Float
  public var timeMajor: Bool
  /// Whether the last step comes first.
  public var isReversed: Bool
  /// Whether rows of activations that meet 8-bit weights get a zero point.
  public var asymmetricInputs: Bool
  /// How the numbers of each input stand for real ones; `nil` for floats.
  public var quantization: [Quantization?]
  /// The same for the inner values of the integer kernel: the sums of the gates i, f, c, o, and the hidden values.
  public var intermediates: [Quantization?]
  public var outputQuantization: Quantization?

  public init(
    activation: RecurrentActivation = .init(.tanh), cellClip: Float = 0, projectionClip: Float = 0, timeMajor: Bool = false,
    isReversed: Bool = false, asymmetricInputs: Bool = false, quantization: [Quantization?] = [],
    intermediates: [Quantization?] = [], outputQuantization: Quantization? = nil
  ) {
    self.activation = activation
    self.cellClip = cellClip
    self.projectionClip = projectionClip
    self.timeMajor = timeMajor
    self.isReversed = isReversed
    self.asymmetricInputs = asymmetricInputs
    self.quantization = quantization
    self.intermediates = intermediates
    self.outputQuantization = outputQuantization
  }

  /// The scale of an input's numbers.
  func scale(_ index: Int) -> Float? { quantization.indices.contains(index) ? quantization[index]?.scales.first : nil }
  func zeroPoint(_ index: Int) -> Int32 {
    guard quantization.indices.contains(index), let zero = quantization[index]?.zeroPoints.first else { return 0 }
    return Int32(clamping: zero)
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(Input.x, of: self).type
    let state = try inputs.required(Input.outputState, of: self).type, cell = try inputs.required(Input.cellState, of: self).type
    let recurrent = try inputs.required(Input.recurrentWeights + 3, of: self).type.shape.dims
    var shape = Shape.unranked
    if let dims = x.shape.dims, !dims.isEmpty { shape = .ranked(dims.dropLast() + [recurrent?.last ?? .unknown]) }
    func result(_ dtype: DType, _ shape: Shape, _ stored: Quantization?) -> TensorType {
      TensorType(dtype, shape, quantization: dtype.isInteger ? stored : nil)
    }
    func stored(_ index: Int) -> Quantization? { quantization.indices.contains(index) ? quantization[index] : nil }
    return [
      result(x.dtype, shape, outputQuantization), result(state.dtype, state.shape, stored(Input.outputState)),
      result(cell.dtype, cell.shape, stored(Input.cellState)),
    ]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(Input.x, of: self)
    switch x.dtype {
    case .float32: return try FloatLSTM(self, inputs, context).run()
    case .int8: return try IntegerLSTM(self, inputs, context).run()
    default: throw noKernelFor(self, x.dtype)
    }
  }

  /// The cell states of all steps on floats, the first one among them: what decides on their range.
  public func cellStates(_ inputs: [NDArray?], in context: ExecutionContext) throws -> NDArray {
    let values = try FloatLSTM(self, inputs, context).cellStates()
    return NDArray(values, [values.count])
  }
}

/// The extents of an LSTM, held against its inputs.
struct LSTMExtents {
  let steps: Int, batch: Int, input: Int, cell: Int, output: Int
  private let timeMajor: Bool

  init(_ op: SequenceLSTMOp, _ inputs: [NDArray?]) throws {
    let x = try inputs.required(SequenceLSTMOp.Input.x, of: op)
    let weights = try inputs.required(SequenceLSTMOp.Input.inputWeights + 3, of: op)
    let recurrent = try inputs.required(SequenceLSTMOp.Input.recurrentWeights + 3, of: op)
    guard x.rank == 2 || x.rank == 3, weights.rank == 2, recurrent.rank == 2 || recurrent.rank == 1, let last = x.shape.last,
      let width = recurrent.shape.last
    else { throw ExecutionError(.shapeMismatch, "LSTM of \(x.type) with weights \(weights.type) and \(recurrent.type)") }
    timeMajor = op.timeMajor || x.rank == 2
    steps = x.rank == 2 ? 1 : x.shape[op.timeMajor ? 0 : 1]
    batch = x.rank == 2 ? x.shape[0] : x.shape[op.timeMajor ? 1 : 0]
    input = last
    cell = weights.shape[0]
    output = width
    let state = try inputs.required(SequenceLSTMOp.Input.outputState, of: op)
    let memory = try inputs.required(SequenceLSTMOp.Input.cellState, of: op)
    guard checkedProduct([batch, output]) == state.count, checkedProduct([batch, cell]) == memory.count else {
      throw ExecutionError(
        .shapeMismatch, "LSTM: states \(state.type) and \(memory.type) for a batch of \(batch), \(cell) cells, \(output) outputs")
    }
  }

  /// The place of row `b` of step `t` among all rows of a sequence.
  func row(_ t: Int, _ b: Int) -> Int { timeMajor ? t * batch + b : b * steps + t }
}

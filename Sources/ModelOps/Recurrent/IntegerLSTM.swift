import ModelGraph
import ModelTensor

/// The kernel of `SequenceLSTMOp` for integers: activations and weights of 8 bits, gates and cell state of 16
/// (`LstmStepInteger8x8_16` of LiteRT), bit for bit.
struct IntegerLSTM {
  typealias Input = SequenceLSTMOp.Input
  private let op: SequenceLSTMOp
  private let extents: LSTMExtents
  private let context: ExecutionContext
  private let x: NDArray
  private let gates: [IntegerLSTMGate?]
  /// The logarithm of the cell state's scale.
  private let cellScale: Int
  private let squashesCell: Bool
  private let hidden: FixedPointFactor
  private let hiddenZero: Int32
  private let projection: (sum: IntegerSum, clip: Int8)?
  private let cellClip: Int16
  private let stateShapes: (output: [Int], cell: [Int])
  private var outputState: [Int8]
  private var cellState: [Int16]

  init(_ op: SequenceLSTMOp, _ inputs: [NDArray?], _ context: ExecutionContext) throws {
    self.op = op
    self.context = context
    let extents = try LSTMExtents(op, inputs)
    self.extents = extents
    x = try inputs.required(Input.x, of: op)
    guard op.activation.kind == .tanh, inputs.optional(Input.auxiliary) == nil else {
      throw ExecutionError(.noKernel, "LSTM of integers takes tanh and one input")
    }
    func scale(_ index: Int) throws -> Float {
      guard let scale = op.scale(index), scale > 0 else {
        throw ExecutionError(.invalidInput, "LSTM of integers: input \(index) has no scale")
      }
      return scale
    }
    guard op.intermediates.count == 5, let hiddenType = op.intermediates[4], let hiddenScale = hiddenType.scales.first else {
      throw ExecutionError(.noKernel, "LSTM of integers with \(op.intermediates.count) quantised inner values; 5 are known")
    }
    let inputScale = try scale(Input.x), stateScale = try scale(Input.outputState), cell = try scale(Input.cellState)
    let exponent = cell.logarithm2.rounded()
    // LiteRT has hyperbolic tangents of 0 to 6 integer bits. For other scales it computes none and goes on with what it finds
    // in its place, the values of the input gate.
    squashesCell = (-15)...(-9) ~= exponent
    guard exponent.isFinite, (-30)...1 ~= exponent, squashesCell || inputs.optional(Input.inputWeights) != nil else {
      throw ExecutionError(.noKernel, "LSTM of integers whose cell state has the scale \(cell)")
    }
    cellScale = Int(exponent)
    hiddenZero = Int32(clamping: hiddenType.zeroPoints.first ?? 0)
    hidden = FixedPointFactor(Double(Float(0x1p-15 / Double(hiddenScale) * 0x1p-15)))
    let usesNorm = inputs.optional(Input.layerNorm + 1) != nil
    let cellExponent = cellScale, rank = x.rank
    func gate(_ index: Int) throws -> IntegerLSTMGate? {
      let w = Input.inputWeights + index, r = Input.recurrentWeights + index
      guard let weights = inputs.optional(w) else {
        if index == 0 { return nil }
        throw ExecutionError(.invalidInput, "LSTM without the weights of gate \(index)")
      }
      let inner: Float = usesNorm ? op.intermediates[index]?.scales.first ?? 0 : 0x1p-12
      guard inner > 0 else { throw ExecutionError(.invalidInput, "LSTM: no scale for the sums of gate \(index)") }
      let bias = try inputs.optional(Input.bias + index).map { try integerVector($0, extents.cell, op) }
      let peephole = [Input.peephole, Input.peephole + 1, nil, Input.peephole + 2][index]
      var diagonal: (weights: [Int16], scale: FixedPointFactor)?
      if let peephole, let array = inputs.optional(peephole) {
        let factor = Float(Double.power(of: cellExponent) * Double(try scale(peephole)) / Double(inner))
        diagonal = (try shortVector(array, extents.cell, op), FixedPointFactor(Double(factor)))
      }
      var norm: IntegerLayerNorm?
      if usesNorm {
        let at = Input.layerNorm + index
        norm = IntegerLayerNorm(
          coefficients: try shortVector(try inputs.required(at, of: op), extents.cell, op),
          bias: bias ?? [Int32](repeating: 0, count: extents.cell), scale: try scale(at))
      }
      return IntegerLSTMGate(
        input: try IntegerSum(
          weights, rows: extents.cell, columns: extents.input, bias: usesNorm ? nil : bias, zeroPoint: op.zeroPoint(Input.x),
          scale: try scale(w) * inputScale / inner, op),
        recurrent: try IntegerSum(
          try inputs.required(r, of: op), rows: extents.cell, columns: extents.output, bias: nil,
          zeroPoint: op.zeroPoint(Input.outputState), scale: try scale(r) * stateScale / inner, op),
        peephole: diagonal, norm: norm, isTanh: index == 2,
        peepholeRows: PeepholeRows(width: extents.output, isJoined: op.timeMajor || rank == 2))
    }
    gates = try (0..<4).map(gate)
    func clip(_ bound: Float, _ scale: Float, _ limit: Float) -> Float { bound > 0 ? max(-limit - 1, min(limit, bound / scale)) : 0 }
    cellClip = Int16(clip(op.cellClip, cell, 32767))
    if let weights = inputs.optional(Input.projection) {
      let outputScale = op.outputQuantization?.scales.first ?? stateScale
      projection = (
        try IntegerSum(
          weights, rows: extents.output, columns: extents.cell,
          bias: try inputs.optional(Input.projectionBias).map { try integerVector($0, extents.output, op) },
          zeroPoint: 0 &- hiddenZero, scale: try scale(Input.projection) * hiddenScale / stateScale, op),
        Int8(clip(op.projectionClip, outputScale, 127))
      )
    } else {
      projection = nil
      guard extents.output == extents.cell else {
        throw ExecutionError(.shapeMismatch, "LSTM of \(extents.cell) cells and \(extents.output) outputs without a projection")
      }
    }
    let state = try inputs.required(Input.outputState, of: op), memory = try inputs.required(Input.cellState, of: op)
    guard state.dtype == .int8, memory.dtype == .int16 else { throw noKernelFor(op, memory.dtype) }
    stateShapes = (state.shape, memory.shape)
    outputState = state.values(Int8.self)
    cellState = memory.values(Int16.self)
  }

  func run() throws -> [NDArray] {
    var step = self
    return try step.runSteps()
  }

  private mutating func runSteps() throws -> [NDArray] {
    let output = try context.allocate(.int8, x.shape.dropLast() + [extents.output])
    for t in 0..<extents.steps {
      let time = op.isReversed ? extents.steps - 1 - t : t
      let rows: [Int8] = x.with(Int8.self) { all in
        (0..<extents.batch).flatMap { b in
          let from = extents.row(time, b) * extents.input
          return all[from..<(from + extents.input)]
        }
      }
      advance(rows)
      output.withMutable(Int8.self) { y in
        for b in 0..<extents.batch {
          let to = extents.row(time, b) * extents.output
          for j in 0..<extents.output { y[to + j] = outputState[b * extents.output + j] }
        }
      }
    }
    return [
      output, NDArray(outputState, stateShapes.output), NDArray(cellState, stateShapes.cell),
    ]
  }

  private mutating func advance(_ input: [Int8]) {
    func value(_ gate: IntegerLSTMGate) -> [Int16] {
      gate.evaluate(input, outputState, cellState, batch: extents.batch, cells: extents.cell, in: context)
    }
    guard let forget = gates[1], let modulation = gates[2], let out = gates[3] else { return }
    let i = gates[0].map(value), f = value(forget), c = value(modulation)
    for k in cellState.indices {
      let kept = roundingDivide(Int32(f[k]) * Int32(cellState[k]), byPowerOfTwo: 15)
      let opening = i?[k] ?? (Int16.max &- f[k])
      let added = roundingDivide(Int32(opening) * Int32(c[k]), byPowerOfTwo: 30 + cellScale)
      let sum = Int32(Int16(truncatingIfNeeded: kept)) + Int32(Int16(truncatingIfNeeded: added))
      var next = Int16(clamping: sum)
      if cellClip > 0 { next = max(0 &- cellClip, min(cellClip, next)) }
      cellState[k] = next
    }
    let o = value(out)
    let zero = projection == nil ? hiddenZero : 0 &- hiddenZero
    var squashed = squashesCell ? cellState : i ?? [Int16](repeating: 0, count: cellState.count)
    if squashesCell { context.primitives.gates(&squashed, count: squashed.count, integerBits: 15 + cellScale, tanh: true) }
    let hiddenValues = cellState.indices.map { k in Int8(clamping: hidden.times(Int32(o[k]) * Int32(squashed[k])) &+ zero) }
    guard let projection else {
      outputState = hiddenValues
      return
    }
    let zeroPoint = op.zeroPoint(Input.outputState)
    let sums = projection.sum.rows(hiddenValues, count: extents.batch, in: context)
    for b in 0..<extents.batch {
      for j in 0..<extents.output {
        var value = Int8(clamping: sums[b * extents.output + j] &+ zeroPoint)
        if projection.clip > 0 { value = max(0 &- projection.clip, min(projection.clip, value)) }
        outputState[b * extents.output + j] = value
      }
    }
  }
}

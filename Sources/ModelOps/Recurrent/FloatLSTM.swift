import ModelGraph
import ModelTensor

/// The kernel of `SequenceLSTMOp` for float activations, with float or 8-bit weights.
struct FloatLSTM {
  private struct Gate {
    var input: CellMatrix
    var recurrent: CellMatrix
    var auxiliary: CellMatrix?
    var peephole: [Float]?
    var norm: [Float]?
    var bias: [Float]
    var activation: RecurrentActivation
  }
  private let op: SequenceLSTMOp
  private let extents: LSTMExtents
  private let context: ExecutionContext
  private let x: NDArray
  private let auxiliary: NDArray?
  /// i (`nil` when it is coupled with f), f, c, o.
  private let gates: [Gate?]
  private let projection: (matrix: CellMatrix, bias: [Float])?
  private let stateShapes: (output: [Int], cell: [Int])
  private var outputState: [Float]
  private var cellState: [Float]

  init(_ op: SequenceLSTMOp, _ inputs: [NDArray?], _ context: ExecutionContext) throws {
    typealias Input = SequenceLSTMOp.Input
    self.op = op
    self.context = context
    let extents = try LSTMExtents(op, inputs)
    self.extents = extents
    let x = try inputs.required(Input.x, of: op), auxiliary = inputs.optional(Input.auxiliary)
    self.x = x
    self.auxiliary = auxiliary
    if let auxiliary {
      guard auxiliary.dtype == .float32, auxiliary.shape.dropLast() == x.shape.dropLast() else {
        throw ExecutionError(.shapeMismatch, "LSTM: second input \(auxiliary.type) beside \(x.type)")
      }
    }
    let auxiliaryWidth = auxiliary?.shape.last ?? 0
    let usesNorm = inputs.optional(Input.layerNorm + 1) != nil
    func gate(_ index: Int) throws -> Gate? {
      let w = Input.inputWeights + index, r = Input.recurrentWeights + index
      guard let weights = inputs.optional(w) else {
        if index == 0 { return nil }
        throw ExecutionError(.invalidInput, "LSTM without the weights of gate \(index)")
      }
      let peephole = [Input.peephole, Input.peephole + 1, nil, Input.peephole + 2][index]
      let aux = Input.auxiliaryWeights + index, norm = Input.layerNorm + index
      func vector(_ at: Int) throws -> [Float]? {
        try inputs.optional(at)?.cellVector(count: extents.cell, scale: op.scale(at), op)
      }
      var second: CellMatrix?
      if auxiliary != nil {
        second = try CellMatrix(
          try inputs.required(aux, of: op), rows: extents.cell, columns: auxiliaryWidth, scale: op.scale(aux), op)
      }
      return Gate(
        input: try CellMatrix(weights, rows: extents.cell, columns: extents.input, scale: op.scale(w), op),
        recurrent: try CellMatrix(
          try inputs.required(r, of: op), rows: extents.cell, columns: extents.output, scale: op.scale(r), mayBeDiagonal: true, op),
        auxiliary: second, peephole: try peephole.flatMap(vector), norm: usesNorm ? try vector(norm) : nil,
        bias: try vector(Input.bias + index) ?? [Float](repeating: 0, count: extents.cell),
        activation: index == 2 ? op.activation : .init(.sigmoid))
    }
    gates = try (0..<4).map(gate)
    if let weights = inputs.optional(Input.projection) {
      projection = (
        try CellMatrix(weights, rows: extents.output, columns: extents.cell, scale: op.scale(Input.projection), op),
        try inputs.optional(Input.projectionBias)?.cellVector(count: extents.output, scale: nil, op)
          ?? [Float](repeating: 0, count: extents.output)
      )
    } else {
      projection = nil
      guard extents.output == extents.cell else {
        throw ExecutionError(.shapeMismatch, "LSTM of \(extents.cell) cells and \(extents.output) outputs without a projection")
      }
    }
    stateShapes = (
      try inputs.required(Input.outputState, of: op).shape, try inputs.required(Input.cellState, of: op).shape
    )
    outputState = try inputs.required(Input.outputState, of: op).cellVector(count: extents.batch * extents.output, scale: nil, op)
    cellState = try inputs.required(Input.cellState, of: op).cellVector(count: extents.batch * extents.cell, scale: nil, op)
  }

  func run() throws -> [NDArray] {
    var step = self
    return try step.runSteps()
  }

  /// The cell states after each step, one after the other.
  func cellStates() -> [Float] {
    var step = self, all: [Float] = cellState
    for t in 0..<extents.steps {
      let time = op.isReversed ? extents.steps - 1 - t : t
      step.advance(rows(x, time), auxiliary.map { rows($0, time) })
      all += step.cellState
    }
    return all
  }

  private mutating func runSteps() throws -> [NDArray] {
    let output = try context.allocate(.float32, x.shape.dropLast() + [extents.output])
    for t in 0..<extents.steps {
      let time = op.isReversed ? extents.steps - 1 - t : t
      advance(rows(x, time), auxiliary.map { rows($0, time) })
      output.withMutable(Float.self) { y in
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

  /// The rows of one step.
  private func rows(_ array: NDArray, _ time: Int) -> CellInput {
    let width = array.shape.last ?? 0
    let values = array.with(Float.self) { all in
      (0..<extents.batch).flatMap { b in
        let from = extents.row(time, b) * width
        return all[from..<(from + width)]
      }
    }
    return CellInput(values, count: extents.batch, width: width, asymmetric: op.asymmetricInputs)
  }

  private mutating func advance(_ input: CellInput, _ second: CellInput?) {
    let previous = CellInput(outputState, count: extents.batch, width: extents.output, asymmetric: op.asymmetricInputs)
    let i = gates[0].map { evaluate($0, input, second, previous) }
    guard let forget = gates[1], let cell = gates[2], let out = gates[3] else { return }
    let f = evaluate(forget, input, second, previous), c = evaluate(cell, input, second, previous)
    for k in cellState.indices {
      var value = f[k] * cellState[k] + c[k] * (i?[k] ?? (1 - f[k]))
      if op.cellClip > 0 { value = max(-op.cellClip, min(op.cellClip, value)) }
      cellState[k] = value
    }
    let o = evaluate(out, input, second, previous)
    var hidden = o
    for k in hidden.indices { hidden[k] *= op.activation(cellState[k]) }
    guard let projection else {
      outputState = hidden
      return
    }
    for b in 0..<extents.batch { for j in 0..<extents.output { outputState[b * extents.output + j] = projection.bias[j] } }
    let rows = CellInput(hidden, count: extents.batch, width: extents.cell, asymmetric: op.asymmetricInputs)
    projection.matrix.multiplyAccumulate(rows, &outputState, in: context)
    guard op.projectionClip > 0 else { return }
    for k in outputState.indices { outputState[k] = max(-op.projectionClip, min(op.projectionClip, outputState[k])) }
  }

  private func evaluate(_ gate: Gate, _ input: CellInput, _ second: CellInput?, _ previous: CellInput) -> [Float] {
    let n = extents.cell
    var sums = [Float](repeating: 0, count: extents.batch * n)
    if gate.norm == nil { for k in sums.indices { sums[k] = gate.bias[k % n] } }
    gate.input.multiplyAccumulate(input, &sums, in: context)
    if let second { gate.auxiliary?.multiplyAccumulate(second, &sums, in: context) }
    gate.recurrent.multiplyAccumulate(previous, &sums, in: context)
    if let peephole = gate.peephole { for k in sums.indices { sums[k] += peephole[k % n] * cellState[k] } }
    if let norm = gate.norm { normalize(&sums, norm, gate.bias) }
    for k in sums.indices { sums[k] = gate.activation(sums[k]) }
    return sums
  }

  private func normalize(_ sums: inout [Float], _ coefficients: [Float], _ bias: [Float]) {
    let n = extents.cell
    guard n > 0 else { return }
    for b in 0..<extents.batch {
      let row = (b * n)..<((b + 1) * n)
      let mean = sums[row].reduce(0, +) / Float(n)
      let variance = sums[row].reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(n)
      let inverse = 1 / (variance + 1e-8).squareRoot()
      for k in row { sums[k] = (sums[k] - mean) * inverse * coefficients[k - row.lowerBound] + bias[k - row.lowerBound] }
    }
  }
}

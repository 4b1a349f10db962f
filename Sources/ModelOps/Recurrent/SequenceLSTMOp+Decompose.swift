import ModelGraph
import ModelSupport
import ModelTensor

extension SequenceLSTMOp: WrappingOp {
  /// What it is on floats.
  public var op: any Op { LSTMOp(hiddenSize: 1, activations: [.init(.sigmoid), activation, activation], batchFirst: !timeMajor) }

  /// Why it is no `LSTMOp`; `nil` when it is one. `hasInput` tells which inputs there are.
  public func reasonAgainstLSTM(_ hasInput: (Int) -> Bool) -> String? {
    if hasInput(Input.projection) { return "a projection" }
    if hasInput(Input.layerNorm + 1) { return "layer normalisation" }
    if hasInput(Input.auxiliary) { return "a second input" }
    if !hasInput(Input.inputWeights) { return "coupled gates" }
    // TensorFlow's converter bounds the cell of every layer by 10, which no layer says: only tighter bounds are meant.
    if cellClip > 0, cellClip < 10 { return "a bounded cell" }
    return nil
  }

  /// As an `LSTMOp` on floats, with everything quantised on its way in and out; what that does not say, step by step.
  public func decompose<C: OpContext>(_ values: [C.Value?], in context: inout C) throws -> [C.Value] {
    func has(_ index: Int) -> Bool { index < values.count && values[index] != nil }
    var real: [C.Value?] = []
    for (index, value) in values.enumerated() { real.append(try value.map { try dequantized($0, index, in: &context) }) }
    if let reason = reasonAgainstLSTM(has) {
      let results = try unrolled(real, reason: reason, in: &context)
      return [
        try quantized(results[0], outputQuantization, like: Input.x, values, in: &context),
        try quantized(results[1], stored(Input.outputState), like: Input.outputState, values, in: &context),
        try quantized(results[2], stored(Input.cellState), like: Input.cellState, values, in: &context),
      ]
    }
    func input(_ index: Int) throws -> C.Value {
      guard index < real.count, let value = real[index] else {
        throw GraphError(.wrongInputCount, "\(displayName) needs input \(index)")
      }
      return value
    }
    guard let rank = context.type(of: try input(Input.x)).shape.rank, rank == 2 || rank == 3,
      let cells = context.type(of: try input(Input.recurrentWeights + 3)).shape.dims?.first?.value, cells > 0
    else { throw GraphError(.missingType, "\(displayName) of inputs of unknown shapes") }
    // i, f, c, o here; i, o, f, c there.
    let order = [0, 3, 1, 2]
    func gates(_ first: Int) throws -> C.Value { try context.concat(try order.map { try input(first + $0) }, axis: 0) }
    let w = try context.unsqueeze(try gates(Input.inputWeights), [0])
    let r = try context.unsqueeze(try gates(Input.recurrentWeights), [0])
    let none = try context.constant(NDArray([Float](repeating: 0, count: 4 * cells), [4 * cells]))
    let bias = try context.unsqueeze(try context.concat([try gates(Input.bias), none], axis: 0), [0])
    var peephole: C.Value?
    if has(Input.peephole + 1) {
      let all = try [0, 2, 1].map { try input(Input.peephole + $0) }
      peephole = try context.unsqueeze(try context.concat(all, axis: 0), [0])
    }
    var x = try input(Input.x)
    let isBatchFirst = rank == 3 && !timeMajor
    if rank == 2 { x = try context.unsqueeze(x, [0]) }
    let stateAxis = isBatchFirst ? 1 : 0
    let h = try context.unsqueeze(try input(Input.outputState), [stateAxis])
    let c = try context.unsqueeze(try input(Input.cellState), [stateAxis])
    let op = LSTMOp(
      hiddenSize: cells, direction: isReversed ? .reverse : .forward, activations: [.init(.sigmoid), activation, activation],
      batchFirst: isBatchFirst)
    let results = try context.apply(op, to: [x, w, r, bias, nil, h, c, peephole])
    guard results.count == 3 else { throw GraphError(.invalidStructure, "LSTM has \(results.count) results") }
    var y = try context.squeeze(results[0], [isBatchFirst ? 2 : 1])
    if rank == 2 { y = try context.squeeze(y, [0]) }
    return [
      try quantized(y, outputQuantization, like: Input.x, values, in: &context),
      try quantized(try context.squeeze(results[1], [stateAxis]), stored(Input.outputState), like: Input.outputState, values, in: &context),
      try quantized(try context.squeeze(results[2], [stateAxis]), stored(Input.cellState), like: Input.cellState, values, in: &context),
    ]
  }

  private func stored(_ index: Int) -> Quantization? { quantization.indices.contains(index) ? quantization[index] : nil }

  private func dequantized<C: OpContext>(_ value: C.Value, _ index: Int, in context: inout C) throws -> C.Value {
    let dtype = context.type(of: value).dtype
    guard dtype.isInteger else { return value }
    if (Input.bias..<(Input.bias + 4)).contains(index) {
      // An integer bias is counted in the products of the input and its weights.
      let w = index - Input.bias + Input.inputWeights
      let scale = stored(index)?.scales.first ?? (scale(Input.x) ?? 1) * (self.scale(w) ?? 1)
      return try context.dequantize(value, QuantizedType(dtype, scale: scale))
    }
    guard let quantization = stored(index) else {
      throw GraphError(.invalidAttribute, "\(displayName): input \(index) has no quantisation")
    }
    return try context.dequantize(value, QuantizedType(dtype, quantization))
  }

  /// The value as the integers that the input `index` is, where it is stored so.
  private func quantized<C: OpContext>(
    _ value: C.Value, _ quantization: Quantization?, like index: Int, _ values: [C.Value?], in context: inout C
  ) throws -> C.Value {
    guard let quantization, index < values.count, let input = values[index] else { return value }
    let dtype = context.type(of: input).dtype
    return dtype.isInteger ? try context.quantize(value, to: QuantizedType(dtype, quantization)) : value
  }
}

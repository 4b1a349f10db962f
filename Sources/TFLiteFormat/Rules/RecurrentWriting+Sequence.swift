import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension OperatorWriter {
  /// An LSTM laid out as LiteRT's, with whatever numbers it has: floats, 8-bit weights with float activations, integers.
  ///
  /// Its states are copied into variables in front of it, so that each run starts with what is given.
  /// - Returns: `nil` for what `UNIDIRECTIONAL_SEQUENCE_LSTM` can't compute.
  mutating func sequence(_ op: SequenceLSTMOp, _ x: RuleInputs) throws -> [OutValue]? {
    typealias Input = SequenceLSTMOp.Input
    let given = try x.required(Input.x)
    guard !op.isReversed, given.type.shape.rank == 3, (Input.auxiliary..<Input.count).allSatisfy({ x[$0] == nil }),
      let activation = fusedActivation(op.activation), given.dtype == .float32 || given.dtype == .int8 && op.intermediates.count == 5,
      let width = try x.required(Input.recurrentWeights + 3).type.shape.dims?.last, let dims = given.type.shape.dims
    else { return nil }
    let start = frame.steps.count
    let name = nodeName
    defer { nodeName = name }
    // Many small tensors, whose names would be longer than they are.
    nodeName = "state"
    let zeros = try zeros(frame.localize(given), timeAxis: op.timeMajor ? 0 : 1)
    var inputs: [OutValue?] = []
    for index in 0..<Input.auxiliary {
      guard let value = x[index] else {
        inputs.append(nil)
        continue
      }
      let local = frame.localize(value)
      let quantization = op.quantization.indices.contains(index) ? op.quantization[index] : nil
      guard let stored = typed(local, quantization) else {
        frame.steps.removeSubrange(start...)
        return nil
      }
      let isState = index == Input.outputState || index == Input.cellState
      inputs.append(isState ? try variable(stored, zeros) : stored)
    }
    nodeName = name
    var options = UnidirectionalSequenceLSTMOptions()
    options.fusedActivationFunction = activation
    options.cellClip = op.cellClip
    options.projClip = op.projectionClip
    options.timeMajor = op.timeMajor
    options.asymmetricQuantizeInputs = op.asymmetricInputs
    let type = TensorType(given.dtype, .ranked([dims[0], dims[1], width]), quantization: op.outputQuantization)
    let result = try emit(.unidirectionalSequenceLstm, inputs, .unidirectionalSequenceLSTMOptions(options), as: type)
    if given.dtype == .int8 { describe(op.intermediates) }
    return [result] + (try [Input.outputState, Input.cellState].compactMap { index in try inputs[index].map { try copy($0) } })
  }

  private func fusedActivation(_ activation: RecurrentActivation) -> ActivationFunctionType? {
    switch activation.kind {
    case .tanh: .tanh
    case .linear: ActivationFunctionType.none
    case .relu: .relu
    case .relu6: .relu6
    case .reluN1To1: .reluN1To1
    default: nil
    }
  }

  /// The value as a tensor that says how it is quantised; `nil` where it says otherwise already.
  private func typed(_ value: OutValue, _ quantization: Quantization?) -> OutValue? {
    guard let quantization, value.dtype.isInteger else { return value }
    guard var stored = quantized(value, TensorType(value.dtype, value.type.shape, quantization: quantization)) else { return nil }
    stored.fact.type.quantization = quantization
    return stored
  }

  /// A copy of a state that the operator may overwrite, made in each run.
  ///
  /// LiteRT computes what depends on constants and extents alone once, when it prepares a run: zeros of the input's make it wait.
  private mutating func variable(_ value: OutValue, _ zeros: OutValue) throws -> OutValue {
    let stored = frame.entries[value.index].type
    guard let width = value.type.shape.dims?.last?.value else { throw UnsupportedError("a state of unknown width") }
    let given = try real(value)
    let type = TensorType(.float32, .ranked([zeros.type.shape.dims?.first ?? .unknown, .fixed(width)]))
    var made: OutValue
    if isZeros(given) {
      made = try emit(.tile, [zeros, try int32s([1, width])], .tileOptions(TileOptions()), as: type)
    } else {
      made = try emit(.add, [given, zeros], .addOptions(AddOptions()), as: type)
      if stored.dtype == .float32 { made = try emit(.tile, [made, try int32s([1, 1])], .tileOptions(TileOptions()), as: type) }
    }
    if stored.dtype != .float32 {
      made = try emit(
        .quantize, [made], .quantizeOptions(QuantizeOptions()),
        as: TensorType(stored.dtype, type.shape, quantization: stored.quantization))
    }
    frame.entries[made.index].isVariable = true
    return made
  }

  /// A column of zeros, one for each sequence of the batch.
  private mutating func zeros(_ x: OutValue, timeAxis: Int) throws -> OutValue {
    let x = try real(x), type = TensorType(.float32, .ranked([x.type.shape.dims?[1 - timeAxis] ?? .unknown, 1]))
    var options = StridedSliceOptions()
    options.beginMask = 7
    options.endMask = timeAxis == 0 ? 2 : 1
    let ones = try int32s([1, 1, 1])
    let first = try emit(.stridedSlice, [x, ones, ones, ones], .stridedSliceOptions(options), as: TensorType(.float32, .unranked))
    let column = try emit(.reshape, [first, try int32s([-1, 1])], .reshapeOptions(ReshapeOptions()), as: type)
    return try emit(.zerosLike, [column], .zerosLikeOptions(ZerosLikeOptions()))
  }

  /// The floats that a value is, stands for, or was made of.
  private mutating func real(_ value: OutValue) throws -> OutValue {
    let type = frame.entries[value.index].type
    guard type.dtype.isInteger else { return value }
    if let step = frame.steps.last(where: { $0.outputs.contains(value.index) }), step.builtin == .quantize, let input = step.inputs.first,
      input >= 0, !frame.entries[input].isVariable, frame.entries[input].type.dtype == .float32
    {
      let entry = frame.entries[input]
      return OutValue(frame: frame.id, index: input, fact: Fact(entry.type, constant: entry.constant))
    }
    return try emit(.dequantize, [value], .dequantizeOptions(DequantizeOptions()), as: TensorType(.float32, value.type.shape))
  }

  /// Whether a value is nothing but zeros, by what makes it.
  private func isZeros(_ value: OutValue) -> Bool {
    var place = value.index
    for _ in 0..<8 {
      // An operator behind has changed it.
      guard !frame.entries[place].isVariable else { return false }
      if let constant = frame.entries[place].constant {
        guard constant.elementCount <= 1 << 20, let numbers = try? constant.array().doubles() else { return false }
        return numbers.allSatisfy { $0 == 0 }
      }
      guard let step = frame.steps.last(where: { $0.outputs.contains(place) }) else { return false }
      switch step.builtin {
      case .zerosLike: return true
      case .tile, .reshape, .broadcastTo, .expandDims, .squeeze: place = step.inputs.first ?? -1
      case .fill: place = step.inputs.last ?? -1
      default: return false
      }
      guard place >= 0 else { return false }
    }
    return false
  }

  /// What a variable holds behind the operator.
  private mutating func copy(_ variable: OutValue) throws -> OutValue {
    guard let width = variable.type.shape.dims?.last?.value else { return variable }
    return try emit(.reshape, [variable, try int32s([-1, width])], .reshapeOptions(ReshapeOptions()), as: variable.type)
  }

  /// Tensors without elements beside the last operator, for the scales of what it computes inside.
  private func describe(_ intermediates: [Quantization?]) {
    guard let place = frame.steps.indices.last else { return }
    frame.steps[place].intermediates = intermediates.enumerated().map { index, quantization in
      let dtype: DType = quantization == nil ? .float32 : index == 4 ? .int8 : .int16
      return frame.add(TensorType(dtype, .ranked([.fixed(0)]), quantization: quantization), "intermediate").index
    }
  }
}

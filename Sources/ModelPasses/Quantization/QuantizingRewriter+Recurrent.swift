import ModelGraph
import ModelOps
import ModelTensor

extension QuantizationPlan {
  /// The floats that nothing but initial states of LSTMs is made of: these are quantised when they are set.
  static func initialStates(_ graph: Graph, _ order: [NodeID]) -> Set<ValueID> {
    let uses = graph.uses(), ports = Set(graph.outputs.map(\.value))
    var states: Set<ValueID> = []
    for id in order.reversed() {
      for value in graph[id].outputs where graph[value].type.dtype == .float32 && !ports.contains(value) {
        let users = uses[value, default: []]
        let isState =
          !users.isEmpty
          && users.allSatisfy { user in
            let node = graph[user]
            guard node.op is SequenceLSTMOp else { return node.outputs.allSatisfy { states.contains($0) } }
            return node.inputs.enumerated().allSatisfy { index, input in
              input != value || index == SequenceLSTMOp.Input.outputState || index == SequenceLSTMOp.Input.cellState
            }
          }
        if isState { states.insert(value) }
      }
    }
    // What an LSTM itself, or a layer before it, gives is more than a state.
    return states.filter {
      graph.producer(of: $0).map { graph[$0].op is TileOp || graph[$0].op is ExpandOp || graph[$0].op is ReshapeOp } ?? false
    }
  }

  func makesState(_ node: Node) -> Bool { !node.outputs.isEmpty && node.outputs.allSatisfy { initialStates.contains($0) } }

  /// Why an LSTM has no integers; `nil` when it has.
  func reasonForFloats(_ cell: SequenceLSTMOp, _ node: Node) -> String? {
    typealias Input = SequenceLSTMOp.Input
    func has(_ index: Int) -> Bool { index < node.inputs.count && node.inputs[index] != nil }
    if let reason = cell.reasonAgainstLSTM(has) { return "it has \(reason)" }
    if has(Input.peephole) || has(Input.peephole + 1) || has(Input.peephole + 2) { return "it has peepholes" }
    guard cell.activation.kind == .tanh else { return "its activation has no kernel for integers" }
    for index in Array(Input.inputWeights..<(Input.inputWeights + 8)) + Array(Input.bias..<(Input.bias + 4)) where has(index) {
      guard let tensor = node.inputs[index].flatMap({ constant($0) }), tensor.dtype == .float32 else { return "its weights are computed" }
      guard index >= Input.bias || tensor.extents.count == 2 else { return "its weights are a diagonal" }
    }
    guard node.outputs.count == 3, range(of: node.outputs[2]) != nil else { return "no range was recorded for its cell" }
    return nil
  }
}

extension QuantizingRewriter {
  /// An LSTM with activations and weights of 8 bits, and a cell state of 16.
  ///
  /// As TensorFlow Lite's specification has it: each weight has one scale; a bias has that of the products of the input with its
  /// weights; the output state that of the output, and hidden values too; the cell state a power of two.
  mutating func quantize(_ cell: SequenceLSTMOp, _ entry: QuantizationPlan.Entry, _ node: Node) throws {
    typealias Input = SequenceLSTMOp.Input
    guard let x = node.inputs[Input.x], node.outputs.count == 3, let range = plan.range(of: node.outputs[2]),
      let inputType = plan.types[.init(value: x, dtype: .int8)], let outputType = plan.types[.init(value: node.outputs[0], dtype: .int8)]
    else { throw GraphError(.missingType, "an LSTM without ranges") }
    let cellType = QuantizedType(.int16, scale: Self.cellScale(range))
    var inputs = node.inputs, types = [QuantizedType?](repeating: nil, count: node.inputs.count)
    inputs[Input.x] = try integer(x, inputType)
    types[Input.x] = inputType
    for index in Input.inputWeights..<(Input.inputWeights + 8) {
      guard let value = node.inputs[index], let tensor = plan.constant(value) else { continue }
      let type = try WeightQuantization.symmetric(tensor, axis: nil)
      inputs[index] = context.graph.addConstant(WeightQuantization.stored(tensor, as: type), name: plan.graph[value].name)
      types[index] = type
    }
    for gate in 0..<4 {
      let index = Input.bias + gate
      guard let value = node.inputs[index], let tensor = plan.constant(value), let weights = types[Input.inputWeights + gate] else {
        continue
      }
      let type = QuantizedType.bias(.int32, of: inputType, and: weights)
      inputs[index] = context.graph.addConstant(WeightQuantization.bias(tensor, as: type), name: plan.graph[value].name)
      types[index] = type
    }
    for (index, type) in [(Input.outputState, outputType), (Input.cellState, cellType)] {
      guard let value = node.inputs[index] else { continue }
      inputs[index] = try context.apply(QuantizedOp(IdentityOp(), inputs: [nil], outputs: [type]), try float(value))
      types[index] = type
    }
    var made = cell
    made.quantization = types.map { $0?.quantization }
    made.intermediates = [nil, nil, nil, nil, outputType.quantization]
    made.outputQuantization = outputType.quantization
    let results = try context.apply(made, to: inputs)
    for (value, (result, type)) in zip(node.outputs, zip(results, [outputType, outputType, cellType])) {
      context.graph[result].name = plan.graph[value].name
      let shape = plan.graph[value].type.shape
      context.graph[result].type = context.graph[result].type.refined(by: TensorType(type.dtype, shape, quantization: type.quantization))
      integers[value] = StoredValue(value: result, type: type)
      sources[result] = (value, type)
    }
  }

  /// The power of two with which 16 bits hold the cell states. LiteRT's hyperbolic tangents take up to 2⁶, beyond which they are ±1.
  private static func cellScale(_ range: ValueRange) -> Float {
    let largest = max(abs(range.low), abs(range.high))
    var bound: Float = 1
    while bound < largest, bound < 64 { bound *= 2 }
    return bound / 32768
  }
}

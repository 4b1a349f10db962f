import ModelGraph
import ModelOps
import ModelTensor

/// Builds the quantised graph beside the float one, by a plan.
struct QuantizingRewriter {
  let plan: QuantizationPlan
  let isPerChannel: Bool, isPerChannelInDense: Bool
  var context: GraphContext
  /// What stands for a value of the float graph as integers, where it is computed as such.
  var integers: [ValueID: StoredValue] = [:]
  /// What stands for it as floats, where that is another value than its own.
  var floats: [ValueID: ValueID] = [:]
  private struct Conversion: Hashable {
    var value: ValueID
    var type: QuantizedType
  }
  private var converted: [Conversion: ValueID] = [:]
  private var storedWeights: [Conversion: ValueID] = [:]
  /// See `QuantizationOutcome.sources`.
  var sources: [ValueID: (original: ValueID, type: QuantizedType)] = [:]

  init(_ plan: QuantizationPlan, isPerChannel: Bool, isPerChannelInDense: Bool) {
    self.plan = plan
    self.isPerChannel = isPerChannel
    self.isPerChannelInDense = isPerChannelInDense
    context = GraphContext(plan.model, graph: plan.graph)
  }

  mutating func run(inputType: DType, outputType: DType) throws {
    if inputType != .float32 { try storeInputs(as: inputType) }
    for id in plan.order {
      let node = plan.graph[id]
      context.place(node, pass: IntegerQuantizer.passName)
      do {
        if let entry = plan.entries[id] {
          try quantize(entry, node)
        } else if !plan.touchesFloats(node) {
          context.graph[id].inputs = node.inputs.map { $0.map { integers[$0]?.value ?? floats[$0] ?? $0 } }
        } else {
          context.graph[id].inputs = try node.inputs.map { try $0.map { try float($0) } }
        }
      } catch let error as GraphError { throw error.within("node \(node.name) (\(node.op.displayName))") }
    }
    for index in context.graph.outputs.indices {
      let value = context.graph.outputs[index].value
      context.namePrefix = context.graph.outputs[index].name
      if outputType != .float32, let stored = integers[value] {
        context.graph.outputs[index].value = try border(stored, outputType)
      } else {
        context.graph.outputs[index].value = try float(value)
      }
    }
    context.graph.removeDeadNodes()
  }

  /// Lets the graph take integers where an operator on integers takes an input.
  private mutating func storeInputs(as dtype: DType) throws {
    for port in context.graph.inputs {
      let wide = plan.types[.init(value: port.value, dtype: .int16)], narrow = plan.types[.init(value: port.value, dtype: .int8)]
      guard context.graph[port.value].type.dtype == .float32, let type = dtype == .int16 ? wide ?? narrow : narrow ?? wide else { continue }
      context.namePrefix = port.name
      let shape = context.graph[port.value].type.shape
      let outer = dtype == .uint8 && type.dtype == .int8 ? QuantizedType(.uint8, scale: type.scale, zeroPoint: type.zeroPoint + 128) : type
      guard outer.dtype == dtype else { continue }
      context.graph[port.value].type = TensorType(outer.dtype, shape, quantization: outer.quantization)
      let inner = outer == type ? port.value : try context.apply(QuantizedOp(IdentityOp(), inputs: [outer], outputs: [type]), port.value)
      integers[port.value] = StoredValue(value: inner, type: type)
      sources[inner] = (port.value, type)
    }
  }

  private mutating func border(_ stored: StoredValue, _ dtype: DType) throws -> ValueID {
    let type = stored.type
    guard dtype == .uint8, type.dtype == .int8 else { return dtype == type.dtype ? stored.value : try dequantized(stored) }
    let outer = QuantizedType(.uint8, scale: type.scale, zeroPoint: type.zeroPoint + 128)
    return try context.apply(QuantizedOp(IdentityOp(), inputs: [type], outputs: [outer]), stored.value)
  }

  // MARK: Values

  /// The value as floats.
  mutating func float(_ value: ValueID) throws -> ValueID {
    if let known = floats[value] { return known }
    guard let stored = integers[value] else { return value }
    let result = try dequantized(stored)
    floats[value] = result
    return result
  }

  private mutating func dequantized(_ stored: StoredValue) throws -> ValueID {
    let result = try converted(stored.value, from: stored.type, to: nil, context.graph[stored.value].name)
    context.graph[result].name = context.graph[stored.value].name + "/dequantized"
    return result
  }

  /// The value as integers of just this type.
  mutating func integer(_ value: ValueID, _ type: QuantizedType) throws -> ValueID {
    if let stored = integers[value], stored.type == type { return stored.value }
    let key = Conversion(value: value, type: type)
    if let known = converted[key] { return known }
    let stored = integers[value], name = plan.graph[value].name
    let result = try converted(try stored?.value ?? float(value), from: stored?.type, to: type, name)
    context.graph[result].name = name + "/quantized"
    sources[result] = (value, type)
    converted[key] = result
    return result
  }

  /// A change between floats and integers, or from one scale to another, called after the value.
  private mutating func converted(_ value: ValueID, from: QuantizedType?, to: QuantizedType?, _ name: String) throws -> ValueID {
    let prefix = context.namePrefix
    defer { context.namePrefix = prefix }
    context.namePrefix = name
    let op = QuantizedOp(IdentityOp(), inputs: [from], outputs: [to])
    let results = try context.append(op, [value], name: context.uniqueName(to == nil ? "DEQUANTIZE" : "QUANTIZE"))
    guard let result = results.first else { throw GraphError(.invalidStructure, "a conversion without a result") }
    return result
  }

  // MARK: Operators

  private mutating func quantize(_ entry: QuantizationPlan.Entry, _ node: Node) throws {
    if let cell = entry.op as? SequenceLSTMOp { return try quantize(cell, entry, node) }
    // What is no number may have been made anew, too: conditions.
    var inputs = node.inputs.map { $0.map { floats[$0] ?? $0 } }, types = [QuantizedType?](repeating: nil, count: node.inputs.count)
    let shared = plan.sharedType(entry), weights = entry.specification.weights?.operand, bias = entry.specification.bias
    for place in plan.activations(entry) {
      guard let value = node.inputs[place] else { continue }
      let type: QuantizedType
      if let tensor = plan.constant(value) {
        // Slopes are weights, all of one scale.
        type =
          try entry.op is PReluOp && entry.dtype == .int8
          ? WeightQuantization.symmetric(tensor, axis: nil) : shared ?? WeightQuantization.range(tensor).quantized(as: entry.dtype)
        inputs[place] = context.graph.addConstant(WeightQuantization.activation(tensor, as: type), name: plan.graph[value].name)
      } else {
        guard let known = shared ?? plan.types[.init(value: value, dtype: entry.dtype)] else { continue }
        type = known
        inputs[place] = try integer(value, type)
      }
      types[place] = type
    }
    if let place = weights, let value = node.inputs[place], let tensor = plan.constant(value),
      let main = plan.activations(entry).compactMap({ types[$0] }).first
    {
      let biasTensor = bias.flatMap { $0 < node.inputs.count ? node.inputs[$0] : nil }.flatMap { plan.constant($0) }
      let isSplit = isPerChannel && (isPerChannelInDense || !(entry.op is FullyConnectedOp))
      var type = try WeightQuantization.symmetric(tensor, axis: isSplit ? entry.specification.weights?.axis : nil)
      type = try WeightQuantization.leavingRoom(type, for: biasTensor, input: main)
      let key = Conversion(value: value, type: type)
      let known = storedWeights[key] ?? context.graph.addConstant(WeightQuantization.stored(tensor, as: type), name: plan.graph[value].name)
      storedWeights[key] = known
      inputs[place] = known
      types[place] = type
      if let place = bias, let biasTensor, let value = node.inputs[place] {
        let biasType = QuantizedType.bias(entry.dtype == .int16 ? .int64 : .int32, of: main, and: type)
        inputs[place] = context.graph.addConstant(WeightQuantization.bias(biasTensor, as: biasType), name: plan.graph[value].name)
        types[place] = biasType
      }
    }
    try padding(entry, node, &inputs, &types)
    let outputs = node.outputs.enumerated().map { index, value -> QuantizedType? in
      guard entry.results.contains(index) else { return nil }
      return shared ?? plan.types[.init(value: value, dtype: entry.dtype)]
    }
    // A requantisation to the same numbers.
    if entry.op is IdentityOp, entry.activation == .none, let type = types.first ?? nil, outputs.first == type, let value = inputs[0] {
      integers[node.outputs[0]] = StoredValue(value: value, type: type)
      return
    }
    let op = QuantizedOp(entry.op, activation: entry.activation, inputs: types, outputs: outputs)
    let made = try context.append(op, inputs, name: node.name)
    for (index, value) in node.outputs.enumerated() where index < made.count {
      let result = made[index], declared = plan.graph[value], type = context.graph[result].type
      context.graph[result].name = declared.name
      context.graph[result].type = type.refined(by: TensorType(type.dtype, declared.type.shape, quantization: type.quantization))
      guard let stored = outputs[index] else {
        floats[value] = result
        continue
      }
      integers[value] = StoredValue(value: result, type: stored)
      sources[result] = (value, stored)
      // What others take is of the value's own type.
      if let own = plan.types[.init(value: value, dtype: entry.dtype)], own != stored {
        integers[value] = StoredValue(value: try integer(value, own), type: own)
      }
    }
  }

  /// The number that PAD pads with, as what it pads.
  private mutating func padding(
    _ entry: QuantizationPlan.Entry, _ node: Node, _ inputs: inout [ValueID?], _ types: inout [QuantizedType?]
  ) throws {
    guard entry.op is PadOp, node.inputs.count > 2, let value = node.inputs[2], let tensor = plan.constant(value), tensor.dtype == .float32,
      let type = types.first ?? nil
    else { return }
    inputs[2] = context.graph.addConstant(WeightQuantization.activation(tensor, as: type), name: plan.graph[value].name)
    types[2] = type
  }
}

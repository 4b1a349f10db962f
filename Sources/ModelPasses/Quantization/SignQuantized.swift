import ModelGraph
import ModelOps
import ModelTensor

/// Stores as `int8` what a graph that spells its quantisation out stores as `uint8`: the same real numbers, 128 lower.
///
///     x ── QuantizeLinear(s, z uint8) ── q ── DequantizeLinear(s, z)     becomes     … (s, z − 128 int8) …
///
/// LiteRT multiplies `int8` weights with `int8` activations only; a graph whose weights are all `uint8` is left alone.
/// Inputs and outputs of the graph keep their dtypes: they are converted at the border.
struct SignQuantized: Pass {
  let name = "sign-quantized"

  func run(_ model: inout Model) throws {
    for id in Array(model.graphs.keys) {
      guard let graph = model.graphs[id], Self.isMixed(model, graph) else { continue }
      var context = GraphContext(model, graph: graph)
      try sign(&context)
      model = context.model
      model.graphs[id] = context.graph
    }
    try RemoveDeadCode().run(&model)
  }

  /// Whether signed weights (or weights with a scale for each channel) meet unsigned activations, or the other way round.
  private static func isMixed(_ model: Model, _ graph: Graph) -> Bool {
    var activations: Set<DType> = [], weights: Set<DType> = [], isPerChannel = false
    for case let node? in graph.nodeSlots {
      if let op = node.op as? QuantizeLinearOp { activations.insert(op.dtype) }
      guard node.op is DequantizeLinearOp, let x = node.inputs.first ?? nil else { continue }
      let dtype = graph[x].type.dtype
      if model.tensor(x, in: graph) == nil {
        activations.insert(dtype)
      } else {
        weights.insert(dtype)
        if dtype == .uint8, node.inputs.count > 1, let scale = node.inputs[1], graph[scale].type.shape.elementCount ?? 1 > 1 {
          isPerChannel = true
        }
      }
    }
    if activations.contains(.uint8) { return weights.contains(.int8) || isPerChannel }
    return activations.contains(.int8) && weights.contains(.uint8)
  }

  private func sign(_ context: inout GraphContext) throws {
    let uses = context.graph.uses(), ports = Set(context.graph.outputs.map(\.value))
    var signed: Set<ValueID> = [], constants: [ValueID: ValueID] = [:], replacements: [ValueID: ValueID] = [:]
    var kept: [(node: NodeID, input: ValueID)] = []
    // What is quantised, and taken by dequantisations alone.
    for id in try context.graph.order() {
      let node = context.graph[id]
      if var op = node.op as? QuantizeLinearOp, op.dtype == .uint8, op.blockSize == 0, let y = node.outputs.first,
        let type = try context.quantizedType(.uint8, node, axis: op.axis, of: y), !type.isPerAxis,
        uses[y, default: []].allSatisfy({ context.graph[$0].op is DequantizeLinearOp })
      {
        context.place(node, pass: name)
        let zero = try shifted(type, &context)
        if ports.contains(y) {
          // The border keeps its dtype: the signed numbers are what the others take.
          let inner = try context.apply(QuantizeLinearOp(axis: 0, dtype: .int8), node.inputs[0], node.inputs[1], zero)
          let real = try context.apply(DequantizeLinearOp(axis: 0), inner, node.inputs[1], zero)
          context.graph[id].inputs[0] = real
          for user in uses[y, default: []] { context.graph[user].inputs[0] = inner }
          signed.insert(inner)
          continue
        }
        op.dtype = .int8
        context.graph[id].op = op
        context.graph[id].inputs = [node.inputs[0], node.inputs[1], zero]
        context.graph[y].type.dtype = .int8
        signed.insert(y)
        continue
      }
      guard let op = node.op as? DequantizeLinearOp, op.blockSize == 0, let x = context.graph[id].inputs.first ?? nil,
        let old = node.outputs.first
      else { continue }
      if signed.contains(x) {
        guard let type = try context.quantizedType(.uint8, node, axis: op.axis, of: x) else { continue }
        context.place(node, pass: name)
        context.graph[id].inputs = [x, node.inputs[1], try shifted(type, &context)]
      } else if context.graph[x].type.dtype == .uint8, let type = try context.quantizedType(.uint8, node, axis: op.axis, of: x) {
        context.place(node, pass: name)
        let zero = try shifted(type, &context)
        if let tensor = context.model.tensor(x, in: context.graph) {
          let known = constants[x] ?? context.graph.addConstant(tensor.signed, name: context.graph[x].name)
          constants[x] = known
          context.graph[id].inputs = [known, node.inputs[1], zero]
        } else if !type.isPerAxis {
          // From outside: converted once.
          let inner = try context.apply(QuantizeLinearOp(axis: 0, dtype: .int8), old, node.inputs[1], zero)
          let real = try context.apply(DequantizeLinearOp(axis: 0), inner, node.inputs[1], zero)
          replacements[old] = real
          // The conversion itself takes what came in.
          if let maker = context.graph.producer(of: inner) { kept.append((maker, old)) }
        }
      }
    }
    context.graph.replaceUses(replacements)
    for (maker, old) in kept { context.graph[maker].inputs[0] = old }
  }

  /// The zero points of the same numbers with a sign.
  private func shifted(_ type: QuantizedType, _ context: inout GraphContext) throws -> ValueID {
    let count = type.quantization.scales.count, zeros = type.quantization.zeroPoints
    let values = (0..<count).map { Int8(clamping: (zeros.count == count ? zeros[$0] : 0) - 128) }
    return try context.constant(NDArray(values, count == 1 ? [] : [count]))
  }
}

extension Tensor {
  /// Unsigned bytes 128 lower, made when they are asked for.
  fileprivate var signed: Tensor {
    let shape = type.shape
    return mapped(to: TensorType(.int8, shape)) { array in
      NDArray(array.values(UInt8.self).map { Int8(bitPattern: $0 ^ 0x80) }, array.shape)
    }
  }
}

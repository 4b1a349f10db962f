import ModelGraph
import ModelOps
import ModelTensor

/// Makes a plain float model of a quantised one: what its integers stand for, computed without rounding in between.
///
///     x int8 ── Quantized(Conv, relu6) ── y int8      becomes      x float ── Conv ── Clip ── y float
///               w int8, b int32                                    w, b as floats, made when they are asked for
///
/// 1. Quantised inputs and outputs of entry points become float32; those of bodies of control flow stay as they are.
/// 2. Conversions between quantisations disappear.
/// 3. What `uint8` results of products and sums are cut off at stays: TensorFlow's first converter left activations out that a range implies.
/// 4. Where another op takes the stored integers themselves, they are quantised for it.
public struct Dequantize: Pass {
  public let name = "dequantize"
  public init() {}

  public func run(_ model: inout Model) throws {
    let entries = Set([model.main] + model.signatures.map(\.graph))
    var floats = DequantizedParameters()
    for id in Array(model.graphs.keys) {
      guard let graph = model.graphs[id] else { continue }
      var rewriter = DequantizingRewriter(GraphContext(model, graph: graph), isEntry: entries.contains(id), floats)
      try rewriter.run(stamp: name)
      model = rewriter.context.model
      model.graphs[id] = rewriter.context.graph
      floats = rewriter.parameters
    }
    try RemoveDeadCode().run(&model)
  }
}

/// The float form of each quantised parameter.
private struct DequantizedParameters {
  var known: [ParameterID: ParameterID] = [:]
}

private struct DequantizingRewriter {
  var context: GraphContext
  let isEntry: Bool
  var parameters: DequantizedParameters
  /// The real numbers that a value of integers stands for.
  private var real: [ValueID: ValueID] = [:]

  init(_ context: GraphContext, isEntry: Bool, _ parameters: DequantizedParameters) {
    self.context = context
    self.isEntry = isEntry
    self.parameters = parameters
  }

  mutating func run(stamp: String) throws {
    let order = try context.graph.order()
    var stored: [ValueID: QuantizedType] = [:]
    if isEntry {
      for port in context.graph.inputs {
        let type = context.graph[port.value].type
        guard let quantized = QuantizedType(type) else { continue }
        stored[port.value] = quantized
        context.graph[port.value].type = TensorType(.float32, type.shape)
        real[port.value] = port.value
      }
      for index in context.graph.states.indices {
        let state = context.graph.states[index]
        guard context.graph.inputs.indices.contains(state.input), let type = stored[context.graph.inputs[state.input].value] else {
          continue
        }
        context.graph.states[index].initial = state.initial.dequantized(type)
      }
    }
    var integers: [ValueID: ValueID] = [:]
    for id in order {
      let node = context.graph[id]
      context.namePrefix = node.name
      context.scope = node.scope
      context.origin = node.origin
      context.origin.passes.append(stamp)
      do {
        if let op = node.op as? any WrappingOp {
          try replace(op, node, stored: &stored)
          continue
        }
        // Who takes the integers themselves gets them.
        let inputs = try node.inputs.map { input -> ValueID? in
          guard let input, let type = stored[input], let value = real[input] else { return input }
          if let known = integers[input] { return known }
          let rounded = try context.quantize(value, to: type)
          integers[input] = rounded
          return rounded
        }
        context.graph[id].inputs = inputs
      } catch let error as GraphError { throw error.within("node \(node.name) (\(node.op.displayName))") }
    }
    for index in context.graph.outputs.indices {
      let value = context.graph.outputs[index].value
      guard let type = stored[value], let float = real[value] else { continue }
      context.graph.outputs[index].value = isEntry ? float : try context.quantize(float, to: type)
    }
    context.graph.removeDeadNodes()
  }

  private mutating func replace(_ op: any WrappingOp, _ node: Node, stored: inout [ValueID: QuantizedType]) throws {
    let first = context.graph.nodeSlots.count
    var quantized = op as? QuantizedOp
    if quantized?.activation == FusedActivation.none, let implied = quantized?.impliedActivation { quantized?.activation = implied }
    let inputs = try node.inputs.enumerated().map { index, input -> ValueID? in
      guard let input else { return nil }
      if let known = real[input] { return known }
      guard let type = quantized?.quantization(ofInput: index, dtype: context.graph[input].type.dtype) else { return input }
      return try float(input, type)
    }
    let results: [ValueID]
    if let quantized {
      // What only changes the quantisation is the number itself.
      let isConversion = quantized.op is IdentityOp && quantized.activation == .none
      if isConversion {
        // An entry point's input stands for its integers too: those who take it as floats are told apart from those who take them.
        let isFloat = quantized.outputs.allSatisfy { $0 == nil }
        results = try inputs.compactMap { $0 }.map { isFloat && stored[$0] != nil ? try context.apply(IdentityOp(), $0) : $0 }
      } else {
        results = try quantized.float(inputs, in: &context)
      }
    } else {
      results = try op.decompose(inputs, in: &context)
    }
    for (index, (old, new)) in zip(node.outputs, results).enumerated() {
      let declared = context.graph[old]
      if case .result(let maker, _) = context.graph[new].definition, Int(maker.raw) >= first {
        context.graph[new].name = declared.name
        context.graph[new].type = context.graph[new].type.refined(by: TensorType(context.graph[new].type.dtype, declared.type.shape))
      }
      real[old] = new
      var type = quantized.flatMap { index < $0.outputs.count ? $0.outputs[index] : nil }
      // Other operators on integers say by the types of their results what these stand for.
      if quantized == nil, context.graph[new].type.dtype.isFloatingPoint { type = QuantizedType(declared.type) }
      if let type {
        stored[old] = type
      } else {
        context.graph.replaceUses([old: new])
      }
    }
  }

  /// The float form of a value that was not computed by a quantised op.
  private mutating func float(_ value: ValueID, _ type: QuantizedType) throws -> ValueID {
    let entry = context.graph[value], result: ValueID
    switch entry.definition {
    case .parameter(let id):
      let known = parameters.known[id] ?? context.model.add(context.model[id].dequantized(type))
      parameters.known[id] = known
      result = context.graph.addParameter(known, of: context.model, name: entry.name)
    case .constant(let tensor): result = context.graph.addConstant(tensor.dequantized(type), name: entry.name)
    case .input, .result: result = try context.dequantize(value, type)
    }
    real[value] = result
    return result
  }
}

extension QuantizedOp {
  /// The activation that a result without negative numbers stands for: `relu6` where they end at 6.
  fileprivate var impliedActivation: FusedActivation? {
    guard op is ConvOp || op is ConvTransposeOp || op is FullyConnectedOp || op is AddOp, let type = outputs.first ?? nil,
      type.dtype == .uint8,
      !type.isPerAxis, type.zeroPoint == 0
    else { return nil }
    return abs(255 * type.scale - 6) <= type.scale / 2 ? .relu6 : .relu
  }
}

extension Parameter {
  fileprivate func dequantized(_ type: QuantizedType) -> Parameter {
    Parameter(name: name, tensor: tensor.dequantized(type), isTrainable: isTrainable, scope: scope)
  }
}

extension Tensor {
  /// The numbers that stored integers stand for, made when the bytes are asked for.
  fileprivate func dequantized(_ type: QuantizedType) -> Tensor {
    mapped(to: TensorType(.float32, self.type.shape)) { array in
      var eager = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
      return try eager.dequantize(array, type)
    }
  }
}

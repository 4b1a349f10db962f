import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

extension Lifter {
  /// The activation function that a node is, if it is one.
  func activation(of node: Node) -> Activation? {
    guard let x = node.input(0), valueType(x).dtype.isFloatingPoint else { return nil }
    let rank = dims(x)?.count
    func axis(_ axis: Int) -> Int { rank.map { axis == $0 - 1 ? -1 : axis } ?? axis }
    switch node.op {
    case is ReluOp: return .relu()
    case is SigmoidOp: return .sigmoid
    case is TanhOp: return .tanh
    case is SoftplusOp: return .softplus
    case is SoftsignOp: return .softsign
    case is HardSwishOp: return .hardSilu
    case is MishOp: return .mish
    case is ExpOp: return .exponential
    case let op as SoftmaxOp: return .softmax(axis: axis(op.axis))
    case let op as LogSoftmaxOp: return .logSoftmax(axis: axis(op.axis))
    case let op as EluOp: return .elu(alpha: op.alpha)
    case let op as CeluOp: return .celu(alpha: op.alpha)
    case let op as LeakyReluOp: return .leakyRelu(negativeSlope: op.alpha)
    case let op as SiluOp: return op.alpha == 1 ? .silu : nil
    case let op as SwishOp: return op.alpha == 1 ? .silu : nil
    case let op as GeluOp: return .gelu(approximate: op.approximate)
    case let op as SeluOp:
      let usual = SeluOp()
      return abs(op.alpha - usual.alpha) < 1e-6 && abs(op.gamma - usual.gamma) < 1e-6 ? .selu : nil
    case let op as HardSigmoidOp: return abs(op.alpha - 1 / 6) < 1e-7 && op.beta == 0.5 ? .hardSigmoid() : nil
    case let op as ShrinkOp:
      if op.bias == 0 { return .hardShrink(threshold: op.lambd) }
      return op.bias == op.lambd ? .softShrink(threshold: op.lambd) : nil
    case is ClipOp:
      guard let low = scalar(node.input(1)) else { return nil }
      let high = scalar(node.input(2))
      if low == 0, high == 6 { return .relu6 }
      if low == -1, high == 1 { return .hardTanh }
      if low == 0, let high, high > 0, high.isFinite { return .relu(maxValue: high) }
      return low == 0 && node.input(2) == nil ? .relu() : nil
    case let op as ThresholdedReluOp: return .relu(threshold: op.alpha)
    default: return nil
    }
  }

  mutating func liftActivation(_ node: Node) throws -> Bool {
    guard let x = node.input(0), !isConstant(x), let rank = dims(x)?.count, rank >= 1 else { return false }
    if node.op is PReluOp { return try liftPReLU(node, x, rank) }
    guard let function = activation(of: node) else { return false }
    // Some functions are layers too: the name tells which it was.
    let word = ownerName(node)
    let layer: any Layer
    switch function {
    case .relu(let maxValue, let slope, let threshold) where !function.isPlain || word.hasPrefix("re_lu") || word.hasPrefix("relu"):
      var relu = ReLU()
      (relu.maxValue, relu.negativeSlope, relu.threshold) = (maxValue, slope, threshold)
      layer = relu
    case .relu6:
      var relu = ReLU()
      relu.maxValue = 6
      layer = relu
    case .leakyRelu(let slope):
      var leaky = LeakyReLU()
      leaky.negativeSlope = slope
      layer = leaky
    case .elu(let alpha) where alpha != 1 || word.hasPrefix("elu"):
      var elu = ELU()
      elu.alpha = alpha
      layer = elu
    case .softmax(let axis) where axis != -1 || word.hasPrefix("softmax"): layer = Softmax(axes: [axis])
    default:
      guard function.isPlain else { return false }
      layer = ActivationLayer(function)
    }
    values[node.outputs[0]] = try add(
      layer, named: layerName(node, function.name), [try resolve(x)], [], result: node.outputs[0])
    return true
  }

  private mutating func liftPReLU(_ node: Node, _ x: ValueID, _ rank: Int) throws -> Bool {
    guard rank >= 2, let slopeID = node.input(1), let slope = tensor(slopeID), let dims = dims(x) else { return false }
    // The slope broadcasts from behind: axes it has no extent for are shared.
    let extents = slope.extents.drop { $0 == 1 }
    guard extents.count < rank else { return false }
    let shape = Array(repeating: 1, count: rank - 1 - extents.count) + extents
    guard zip(shape, dims.dropFirst()).allSatisfy({ $0 == 1 || $1 == .fixed($0) }) else { return false }
    var layer = PReLU()
    let shared = (1..<rank).filter { shape[$0 - 1] == 1 && dims[$0] != .fixed(1) }
    layer.sharedAxes = shared.isEmpty ? nil : shared
    values[node.outputs[0]] = try add(
      layer, named: layerName(node, "p_re_lu"), [try resolve(x)], [Weight(slope.reshaped(shape), [slopeID])], result: node.outputs[0])
    return true
  }

  // MARK: Merging

  mutating func liftArithmetic(_ node: Node, _ id: NodeID) throws -> Bool {
    if node.op is ExpOp { return try ownerName(node).hasPrefix("activation") && liftActivation(node) }
    if try liftPreprocessing(node) { return true }
    if try liftLine(node) { return true }
    switch node.op {
    case is AddOp:
      // A sum that only its half is made of may be an average.
      return try liftMerge(Add(), "add", node, chain: AddOp.self, allowsMany: true)
    case is MulOp: return try liftMerge(Multiply(), "multiply", node, chain: MulOp.self, allowsMany: true)
    case is MaximumOp: return try liftMerge(Maximum(), "maximum", node, chain: MaximumOp.self, allowsMany: true)
    case is MinimumOp: return try liftMerge(Minimum(), "minimum", node, chain: MinimumOp.self, allowsMany: true)
    case is SubOp: return try liftMerge(Subtract(), "subtract", node, chain: SubOp.self, allowsMany: false)
    default: return false
    }
  }

  /// `scale · x + offset` and `(x − mean) / deviation` of layers that are named so.
  private mutating func liftPreprocessing(_ node: Node) throws -> Bool {
    guard let x = node.input(0), !isConstant(x), let second = node.input(1), let constant = tensor(second),
      let nextID = soleUser(node.outputs[0])
    else { return false }
    let next = source[nextID], word = ownerName(node), result = next.outputs[0]
    guard sameOwner(node, next), next.input(0) == node.outputs[0], let fourth = next.input(1), let other = tensor(fourth) else {
      return false
    }
    if word.hasPrefix("rescaling"), node.op is MulOp, next.op is AddOp, constant.elementCount == 1, other.elementCount == 1 {
      var layer = Rescaling()
      layer.scale = try constant.array().doubles()
      layer.offset = try other.array().doubles()
      taken.insert(nextID)
      values[result] = try add(layer, named: layerName(node, "rescaling"), [try resolve(x)], [], result: result)
      return true
    }
    guard word.hasPrefix("normalization"), node.op is SubOp, next.op is DivOp, let dims = dims(x), let channels = dims.last?.value,
      [constant, other].allSatisfy({ $0.elementCount == channels && $0.extents.last == channels && $0.dtype == .float32 })
    else { return false }
    taken.insert(nextID)
    let variance = other.reshaped([channels]).mapped(to: TensorType(.float32, [channels])) { array in
      var context = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
      return try context.apply(SquareOp(), array)
    }
    let weights = [
      Weight(constant.reshaped([channels]), [second]), Weight(variance, [fourth]), Weight(Tensor(NDArray(scalar: Int32(0))), []),
    ]
    values[result] = try add(Normalization(), named: layerName(node, "normalization"), [try resolve(x)], weights, result: result)
    return true
  }

  /// A layer that merges tensors of one rank. Longer merges are chains of ops of one owner.
  private mutating func liftMerge<O: Op>(
    _ layer: any Layer, _ className: String, _ node: Node, chain: O.Type, allowsMany: Bool
  ) throws -> Bool {
    guard node.inputs.count == 2, var operands = Optional(node.inputs.compactMap { $0 }), operands.count == 2,
      operands.allSatisfy({ !isConstant($0) && valueType($0).dtype.isFloatingPoint })
    else { return false }
    guard mergeable(operands) else { return false }
    if O.self == AddOp.self, !settleSum(&operands, dims(node.outputs[0])) { return false }
    let isSum = O.self == AddOp.self
    var layer = layer, result = node.outputs[0], links: [NodeID] = []
    while allowsMany, let next = soleUser(result), source[next].op is O, sameOwner(node, source[next]), source[next].input(0) == result,
      let other = source[next].input(1), !isConstant(other), values[other] != nil, mergeable([operands[0], other]),
      !isSum || operands.allSatisfy({ dims($0) == dims(other) })
    {
      operands.append(other)
      links.append(next)
      result = source[next].outputs[0]
    }
    if O.self == AddOp.self, let next = soleUser(result), sameOwner(node, source[next]) {
      // Over their number: an average.
      let factor =
        source[next].op is DivOp
        ? scalar(source[next].input(1)).map { 1 / $0 } : source[next].op is MulOp ? scalar(source[next].input(1)) : nil
      if let factor, abs(factor - 1 / Double(operands.count)) < 1e-6 {
        layer = Average()
        links.append(next)
        result = source[next].outputs[0]
      }
    }
    let inputs = try operands.map { try resolve($0) }
    taken.formUnion(links)
    values[result] = try add(layer, named: layerName(node, className), inputs, [], result: result)
    return true
  }

  /// Puts the operand that has all extents of the sum last. Keras takes what has one extent alone for a bias of the last axis or the
  /// second, whichever it stands on, but only behind another tensor.
  private func settleSum(_ operands: inout [ValueID], _ result: [Dim]?) -> Bool {
    let shapes = operands.map { dims($0) }
    if shapes[0] == shapes[1] { return true }
    if shapes[1] != result {
      guard shapes[0] == result else { return false }
      operands.swapAt(0, 1)
    }
    return true
  }

  /// Keras's merging layers align ranks in a way of their own, and want one batch.
  private func mergeable(_ operands: [ValueID]) -> Bool {
    let shapes = operands.compactMap { dims($0) }
    guard shapes.count == operands.count, let first = shapes.first, first.count >= 2 else { return false }
    return shapes.allSatisfy { $0.count == first.count && $0[0] == first[0] }
  }
}

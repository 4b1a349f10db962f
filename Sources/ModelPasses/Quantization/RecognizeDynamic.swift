import ModelGraph
import ModelOps
import ModelTensor

/// Makes products of float activations and integer weights of a graph that quantises the activations as they come, as ONNX Runtime's
/// dynamic quantisation spells it.
///
///     x ── DynamicQuantizeLinear ── ConvInteger(w) ── Cast ── Mul(s · w's scale)      becomes      x ── Hybrid(Conv) ── …
///
/// LiteRT's kernels quantise each row of the activations by its own range, where the graph takes one range for the whole tensor. Weights
/// that are not symmetric stay as they are, as these kernels know no zero points of weights.
struct RecognizeDynamic: Pass {
  let name = "recognize-dynamic"

  /// Whether a model spells such products.
  static func isNeeded(_ model: Model) -> Bool {
    model.graphs.values.contains { graph in graph.nodeSlots.contains { $0?.op is MatMulIntegerOp || $0?.op is ConvIntegerOp } }
  }

  func run(_ model: inout Model) throws {
    guard Self.isNeeded(model) else { return }
    try model.replaceNodes(stamp: name) { node, context in
      guard node.op is MulOp, let product = try Product(node, in: context) else { return nil }
      return try product.apply(in: &context).map { [$0] }
    }
  }

  /// A product with all that its factors come from.
  private struct Product {
    let op: any Op
    /// The floats that are quantised, and the moves between there and the product.
    let x: ValueID
    let moves: [any Op]
    let weights: ValueID
    let type: QuantizedType

    /// - Returns: `nil` for a multiplication of anything else.
    init?(_ node: Node, in context: GraphContext) throws {
      for (left, right) in [(0, 1), (1, 0)] {
        guard node.inputs.count == 2, let cast = context.producer(of: node.inputs[left], CastOp.self), let sums = cast.inputs.first ?? nil,
          let place = context.graph.producer(of: sums), let scale = node.inputs[right]
        else { continue }
        let product = context.graph[place]
        guard product.op is MatMulIntegerOp || product.op is ConvIntegerOp, product.inputs.count >= 3, let zero = product.inputs[2],
          let quantizer = context.graph.producer(of: zero), context.graph[quantizer].op is DynamicQuantizeLinearOp,
          let x = context.graph[quantizer].inputs.first ?? nil, let w = product.inputs[1],
          let scales = try Self.weightScales(scale, of: quantizer, in: context)
        else { continue }
        var moves: [any Op] = [], value = product.inputs[0]
        while let transpose = context.producer(of: value, TransposeOp.self), moves.count < 4 {
          moves.insert(transpose.op, at: 0)
          value = transpose.inputs.first ?? nil
        }
        guard let first = value, first == context.graph[quantizer].outputs[0],
          let type = try Self.weightType(w, scales, product, in: context)
        else { continue }
        (op, self.x, self.moves, weights, self.type) = (product.op, x, moves, w, type)
        return
      }
      return nil
    }

    /// The weights' own scales: what the range of the activations is multiplied by.
    private static func weightScales(_ scale: ValueID, of quantizer: NodeID, in context: GraphContext) throws -> [Float]? {
      guard let factors = context.producer(of: scale, MulOp.self), factors.inputs.count == 2 else { return nil }
      let own = context.graph[quantizer].outputs
      guard own.count == 3, let place = factors.inputs.firstIndex(of: own[1]), let other = factors.inputs[1 - place],
        context.graph[other].type.shape.rank ?? 2 <= 1, let floats = try context.floats(other), !floats.isEmpty,
        floats.allSatisfy({ $0.isFinite && $0 > 0 })
      else { return nil }
      return floats
    }

    private static func weightType(_ w: ValueID, _ scales: [Float], _ product: Node, in context: GraphContext) throws -> QuantizedType? {
      guard let tensor = context.model.tensor(w, in: context.graph), tensor.dtype == .int8 || tensor.dtype == .uint8 else { return nil }
      let rank = tensor.extents.count
      var zeros = [0]
      if product.inputs.count > 3, let zero = product.inputs[3] {
        guard let known = try context.model.tensor(zero, in: context.graph)?.array().integers(), !known.isEmpty else { return nil }
        zeros = known
      }
      let axis: Int
      switch product.op {
      case let op as ConvIntegerOp: axis = op.kernelLayout.outputAxis(rank: rank)
      case is MatMulIntegerOp where rank == 2: axis = 1
      default: return nil
      }
      // LiteRT's convolutions quantise activations with a zero point where weights have a scale for each channel.
      let count = product.op is ConvIntegerOp ? tensor.extents[axis] : max(scales.count, zeros.count)
      guard count > 0, [scales.count, zeros.count].allSatisfy({ $0 == 1 || $0 == count }), count == 1 || tensor.extents[axis] == count,
        // A vector behind a convolution whose channels come second would run along its last axis.
        scales.count == 1 || !(product.op is ConvIntegerOp)
      else { return nil }
      let all = (0..<count).map { scales[scales.count == 1 ? 0 : $0] }
      let points = (0..<count).map { Int64(zeros[zeros.count == 1 ? 0 : $0]) }
      return QuantizedType(
        tensor.dtype, Quantization(scales: all, zeroPoints: points.allSatisfy { $0 == 0 } ? [] : points, axis: count > 1 ? axis : nil))
    }

    /// - Returns: `nil` where LiteRT has no such kernel.
    func apply(in context: inout GraphContext) throws -> ValueID? {
      guard var (stored, symmetric) = try symmetricWeights(in: &context) else { return nil }
      let float: any Op
      switch op {
      case let op as ConvIntegerOp where context.graph[stored].type.shape.rank == 4:
        float = ConvOp(
          strides: op.strides, dilations: op.dilations, padding: op.padding, groups: op.groups, layout: op.layout,
          kernelLayout: op.kernelLayout)
      case is MatMulIntegerOp:
        guard let rank = context.graph[x].type.shape.rank, rank >= 2, let tensor = context.model.tensor(stored, in: context.graph) else {
          return nil
        }
        float = FullyConnectedOp(keepDims: rank > 2)
        stored = context.graph.addConstant(tensor.transposed([1, 0]), name: context.graph[stored].name)
        symmetric.quantization.axis = symmetric.quantization.axis.map { 1 - $0 }
      default: return nil
      }
      var input = x
      for move in moves { input = try context.apply(move, input) }
      return try context.apply(HybridOp(float, weights: symmetric, asymmetricInputs: true), input, stored)
    }

    /// The weights as `int8` about zero, if that is what they are: those of `uint8` about 128 are shifted.
    private func symmetricWeights(in context: inout GraphContext) throws -> (value: ValueID, type: QuantizedType)? {
      let middle: Int64 = type.dtype == .uint8 ? 128 : 0
      let points = type.quantization.zeroPoints.isEmpty ? [0] : type.quantization.zeroPoints
      guard points.allSatisfy({ $0 == middle }), let tensor = context.model.tensor(weights, in: context.graph) else { return nil }
      let symmetric = QuantizedType(.int8, Quantization(scales: type.quantization.scales, axis: type.quantization.axis))
      let plain = Tensor(tensor.type.unquantized, source: tensor.source)
      guard type.dtype == .uint8 else {
        return (context.graph.addConstant(plain, name: context.graph[weights].name), symmetric)
      }
      let shifted = plain.mapped(to: TensorType(.int8, plain.type.shape)) { array in
        NDArray(array.values(UInt8.self).map { Int8(bitPattern: $0 ^ 0x80) }, array.shape)
      }
      return (context.graph.addConstant(shifted, name: context.graph[weights].name), symmetric)
    }
  }
}

extension GraphContext {
  /// The node that makes a value, when it is of this op.
  fileprivate func producer<T: Op>(of value: ValueID?, _: T.Type) -> Node? {
    guard let value, let id = graph.producer(of: value), graph[id].op is T else { return nil }
    return graph[id]
  }
}

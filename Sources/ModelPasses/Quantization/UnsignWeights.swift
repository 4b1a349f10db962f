import ModelGraph
import ModelOps
import ModelTensor

/// Stores the weights of products as `uint8` about 128 where they are `int8`: the same real numbers.
///
///     w int8 ── DequantizeLinear(s, 0) ── Conv      becomes      w + 128 uint8 ── DequantizeLinear(s, 128) ── Conv
///
/// ONNX Runtime turns such a convolution into one on integers. On x86 without VNNI it adds two products of an activation and an
/// `int8` weight in 16 bits, which saturate: results are off by half of their range. With `uint8` weights it multiplies in 16
/// bits and adds in 32 (its documentation on quantisation, "When and why do I need to try U8U8?").
struct UnsignWeights: Pass {
  let name = "unsign-weights"

  func run(_ model: inout Model) throws {
    for id in Array(model.graphs.keys) {
      guard let graph = model.graphs[id] else { continue }
      var context = GraphContext(model, graph: graph), constants: [ValueID: ValueID] = [:]
      let uses = graph.uses()
      for place in try graph.order() {
        let node = graph[place]
        guard let op = node.op as? DequantizeLinearOp, op.blockSize == 0, let x = node.inputs.first ?? nil, let y = node.outputs.first,
          graph[x].type.dtype == .int8, let tensor = model.tensor(x, in: graph),
          let users = uses[y], !users.isEmpty, users.allSatisfy({ Self.multipliesIntegers(graph[$0], by: y, graph) }),
          let zeros = try zeroPoints(node, context)
        else { continue }
        context.place(node, pass: name)
        let known = constants[x] ?? context.graph.addConstant(tensor.withoutSign, name: graph[x].name)
        constants[x] = known
        let zero = try context.constant(NDArray(zeros.values.map { UInt8(clamping: $0 + 128) }, zeros.shape))
        context.graph[place].inputs = [known, node.inputs[1], zero]
      }
      context.handOver(id, to: &model)
    }
  }

  /// The zero points of weights, one for each scale. Scales may be zero: those of channels that are nothing but zeros.
  private func zeroPoints(_ node: Node, _ context: GraphContext) throws -> (values: [Int], shape: [Int])? {
    guard node.inputs.count >= 2, let scale = node.inputs[1], let shape = context.graph[scale].type.shape.extents, shape.count <= 1,
      let count = checkedProduct(shape), count <= 1 << 20
    else { return nil }
    guard node.inputs.count > 2, let zero = node.inputs[2] else { return (Array(repeating: 0, count: count), shape) }
    guard let values = try context.model.tensor(zero, in: context.graph)?.array().integers(), values.count == count else { return nil }
    return (values, shape)
  }

  /// Whether a node is a product of these weights with dequantised 8-bit numbers.
  private static func multipliesIntegers(_ node: Node, by weights: ValueID, _ graph: Graph) -> Bool {
    guard node.op is ConvOp || node.op is ConvTransposeOp || node.op is MatMulOp || node.op is GemmOp,
      node.inputs.count > 1, node.inputs[1] == weights, var x = node.inputs[0], x != weights
    else { return false }
    // ONNX Runtime moves transposes out of the way.
    for _ in 0..<16 {
      guard let producer = graph.producer(of: x), let input = graph[producer].inputs.first ?? nil else { return false }
      x = input
      if graph[producer].op is DequantizeLinearOp { return [.int8, .uint8].contains(graph[x].type.dtype) }
      guard OperatorSpecification.isMove(graph[producer].op) else { return false }
    }
    return false
  }
}

extension Tensor {
  /// Signed bytes 128 higher, made when they are asked for.
  fileprivate var withoutSign: Tensor {
    mapped(to: TensorType(.uint8, type.shape)) { array in
      NDArray(array.values(Int8.self).map { UInt8(bitPattern: $0) ^ 0x80 }, array.shape)
    }
  }
}

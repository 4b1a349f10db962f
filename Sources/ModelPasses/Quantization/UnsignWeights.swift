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
          let type = try context.quantizedType(.int8, node, axis: op.axis, of: x)
        else { continue }
        context.place(node, pass: name)
        let known = constants[x] ?? context.graph.addConstant(tensor.withoutSign, name: graph[x].name)
        constants[x] = known
        let count = type.quantization.scales.count, zeros = type.quantization.zeroPoints
        let shifted = (0..<count).map { UInt8(clamping: (zeros.count == count ? zeros[$0] : 0) + 128) }
        let zero = try context.constant(NDArray(shifted, type.isPerAxis ? [count] : []))
        context.graph[place].inputs = [known, node.inputs[1], zero]
      }
      model = context.model
      model.graphs[id] = context.graph
    }
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

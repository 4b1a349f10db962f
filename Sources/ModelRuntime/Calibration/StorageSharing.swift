import ModelGraph
import ModelOps

/// Which values LiteRT stores in the place of one another.
///
/// A sum that is the only use of an operand is stored where that stood, and LiteRT's calibrator looks at the operands of an operator when it
/// has run: it finds the sum there, and the operand's range is that of both. TensorFlow's converter asks that calibrator.
struct StorageSharing {
  /// An operand, and the result that takes its place.
  private(set) var replaced: [(operand: ValueID, result: ValueID)] = []

  /// - Parameter graph: one node for each operator of LiteRT.
  init(_ graph: Graph, isConstant: (ValueID) -> Bool) {
    guard let order = try? graph.order() else { return }
    var uses: [ValueID: Int] = [:], stored: [ValueID: ValueID] = [:]
    let outputs = Set(graph.outputs.map(\.value)), inputs = Set(graph.inputs.map(\.value))
    for id in order { for case let input? in graph[id].inputs { uses[input, default: 0] += 1 } }
    for port in graph.outputs { uses[port.value, default: 0] += 1 }
    // A square of a difference that has become one operator was a use of the difference.
    var differences: [[ValueID?]: ValueID] = [:]
    for id in order where ((graph[id].op as? QuantizedOp)?.op ?? graph[id].op) is SubOp {
      differences[graph[id].inputs] = graph[id].outputs.first
    }
    for id in order where ((graph[id].op as? QuantizedOp)?.op ?? graph[id].op) is SquaredDifferenceOp {
      if let difference = differences[graph[id].inputs] { uses[difference, default: 0] += 1 }
    }
    for id in order {
      let node = graph[id], op = (node.op as? QuantizedOp)?.op ?? node.op
      guard let result = node.outputs.first, !outputs.contains(result) else { continue }
      func isFree(_ input: ValueID?) -> Bool { input.map { !isConstant($0) && !inputs.contains($0) } ?? false }
      switch op {
      case is ReshapeOp, is SqueezeOp, is UnsqueezeOp, is FlattenOp:
        if let input = node.inputs.first ?? nil, isFree(input) { stored[result] = stored[input] ?? input }
      case is AddOp, is SubOp, is MulOp, is DivOp, is SoftmaxOp:
        let type = graph[result].type
        let operand = node.inputs.prefix(2).first { input in
          guard let input, isFree(input) else { return false }
          return graph[input].type.shape == type.shape && graph[input].type.dtype == type.dtype && type.shape.elementCount ?? 2 > 1
            && uses[input] == 1
        }
        guard let operand = operand ?? nil else { continue }
        let place = stored[operand] ?? operand
        guard uses[place, default: 0] <= 1 else { continue }
        stored[result] = place
        replaced.append((operand, result))
      default: break
      }
    }
  }
}

import ModelGraph
import ModelOps
import ModelSupport

extension NodeReader {
  /// The two operands, as they broadcast today. Before opset 7 they did only with `broadcast` set, and `axis` told which axis of the
  /// first operand the second one begins at.
  func operands(in graph: inout GraphContext) throws -> [ValueID] {
    let a = try input(0), b = try input(1)
    guard version < 7, try flag("broadcast"), let axis = try int("axis") else { return [a, b] }
    guard let rank = graph.type(of: a).shape.rank, let own = graph.type(of: b).shape.rank else {
      throw UnsupportedError("\(type) broadcasts along axis \(axis) of a tensor of unknown rank")
    }
    let first = axis < 0 ? axis + rank : axis
    guard first >= 0, first <= rank - own else {
      throw FormatError(.invalidValue, "\(type) broadcasts rank \(own) along axis \(axis) of rank \(rank)")
    }
    let trailing = rank - first - own
    if trailing == 0 { return [a, b] }
    return [a, try graph.unsqueeze(b, Array(own..<(own + trailing)))]
  }
}

import ModelGraph
import ModelOps
import ModelTensor

/// Makes constants of the bounds of slices and the amounts of paddings that are computed from extents nobody knows, where these cancel:
/// exporters cut the result of a transposed convolution to the extents that were asked for.
///
///     y [N, 2·h + 1, …] ── Slice(0, 2·h)      becomes      y ── Slice(0, −1)
struct ResolveBounds: Pass {
  let name = "resolve-bounds"

  func run(_ model: inout Model) throws {
    for id in Array(model.graphs.keys) {
      guard var graph = model.graphs[id], graph.nodeSlots.contains(where: { $0.map { isOpen($0, model, graph) } ?? false }) else {
        continue
      }
      var sums = ExtentSums(model, graph)
      for nodeID in try graph.order() where isOpen(graph[nodeID], model, graph) {
        var node = graph[nodeID]
        if node.op is PadOp {
          guard let pads = node.inputs[1], let amounts = known(sums.elements(of: pads)) else { continue }
          node.inputs[1] = graph.addConstant(Tensor(NDArray(amounts, [amounts.count])), name: "\(node.name)/pads")
        } else if let (starts, ends) = bounds(node, model, graph, &sums) {
          node.inputs[1] = graph.addConstant(Tensor(NDArray(starts, [starts.count])), name: "\(node.name)/starts")
          node.inputs[2] = graph.addConstant(Tensor(NDArray(ends, [ends.count])), name: "\(node.name)/ends")
        } else {
          continue
        }
        graph[nodeID] = node
      }
      model.graphs[id] = graph
    }
  }

  private func isOpen(_ node: Node, _ model: Model, _ graph: Graph) -> Bool {
    guard node.op is SliceOp && node.inputs.count >= 3 || node.op is PadOp && node.inputs.count >= 2 else { return false }
    return (1..<(node.op is PadOp ? 2 : 3)).contains { index in
      node.inputs[index].map { model.fact($0, in: graph).integers == nil } ?? false
    }
  }

  private func known(_ sums: [ExtentSum?]?) -> [Int64]? {
    let numbers = sums?.map { $0?.known }
    guard let numbers, !numbers.contains(nil) else { return nil }
    return numbers.compactMap { $0.map(Int64.init) }
  }

  /// Known starts, and ends that are known or as far from the end whatever the extent.
  private func bounds(_ node: Node, _ model: Model, _ graph: Graph, _ sums: inout ExtentSums) -> (starts: [Int64], ends: [Int64])? {
    func integers(_ index: Int) -> [Int]? {
      node.inputs.indices.contains(index) ? node.inputs[index].flatMap { model.fact($0, in: graph).integers } : nil
    }
    guard let x = node.inputs[0], let first = node.inputs[1], let last = node.inputs[2], let starts = known(sums.elements(of: first)),
      let list = sums.elements(of: last), list.count == starts.count, let extents = sums.extents(of: x)
    else { return nil }
    let axes = (integers(3) ?? Array(starts.indices)).map { $0 < 0 ? $0 + extents.count : $0 }
    guard axes.count == starts.count, axes.allSatisfy(extents.indices.contains),
      integers(4)?.allSatisfy({ $0 == 1 }) ?? (node.inputs.count < 5)
    else { return nil }
    var ends: [Int64] = []
    for (end, axis) in zip(list, axes) {
      guard let end else { return nil }
      if let number = end.known {
        ends.append(Int64(number))
      } else {
        guard let behind = end.minus(extents[axis])?.known else { return nil }
        ends.append(behind < 0 ? Int64(behind) : .max)
      }
    }
    return (starts, ends)
  }
}

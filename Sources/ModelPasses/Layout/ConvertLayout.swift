import ModelGraph
import ModelOps
import ModelTensor

/// The layout of a model's own image-like inputs and outputs.
public enum IOLayout: String, Sendable, CaseIterable {
  /// As they are: a transpose stands at the border.
  case keep
  /// `[N, C, H, W]`.
  case nchw
  /// `[N, H, W, C]`.
  case nhwc
}

/// Turns the spatial ops of a graph to channels first or channels last.
///
///     x[NHWC] ── Conv ── BatchNorm(axis 3) ── Relu ── Reduce(1, 2) ── y[NC]
///     becomes
///     x[NHWC] ── Transpose ── Conv[NCHW] ── BatchNorm(axis 1) ── Relu ── Reduce(2, 3) ── y[NC]
///
/// Each value may stand in the new graph for its axes in another order. Spatial ops demand the order they need; ops
/// that say which axes they work on follow the order their input has, their axes renamed; everything else demands the
/// order of the old graph. A transpose is made only where an order is demanded that is not there yet, and the graph's
/// own transposes are nothing but renamings. All of this goes by what ops say of their axes, never by extents.
///
/// Weights are permuted lazily. Where a region ends in a Flatten before a matrix product, the rows of its matrix are
/// permuted instead of the tensor.
public struct ConvertLayout: Pass {
  public let name = "convert-layout"
  public var layout: DataLayout
  public var ioLayout: IOLayout
  public init(to layout: DataLayout, ioLayout: IOLayout = .keep) {
    self.layout = layout
    self.ioLayout = ioLayout
  }

  /// Whether any op has the other layout.
  public func isNeeded(_ model: Model) -> Bool { model.graphs.values.contains(where: isNeeded) }

  private func isNeeded(_ graph: Graph) -> Bool {
    graph.nodeSlots.contains { node in
      guard let node else { return false }
      if let spatial = SpatialForm(node.op) { return spatial.layout != layout || spatial.kernelNeedsChange(to: layout) }
      return channelAxisIsWrong(node, in: graph)
    }
  }

  /// Normalisations whose channels stand where op formats with channels first do not have them.
  func channelAxisIsWrong(_ node: Node, in graph: Graph) -> Bool {
    guard layout == .channelsFirst, let axis = normalizationAxis(node.op), let x = node.inputs.first ?? nil,
      let rank = graph[x].type.shape.rank, rank >= 3
    else { return false }
    return (axis < 0 ? axis + rank : axis) == rank - 1
  }

  public func run(_ model: inout Model) throws {
    for id in model.graphs.keys {
      guard let graph = model.graphs[id] else { continue }
      if isNeeded(graph) {
        var rewriter = LayoutRewriter(model, graph, to: self)
        do { try rewriter.run() } catch let error as GraphError { throw error.within("graph \(id)") }
        rewriter.context.graph.removeDeadNodes()
        rewriter.context.handOver(id, to: &model)
      }
      if id == model.main, ioLayout != .keep { try convertPorts(&model) }
    }
    try RemoveDeadCode().run(&model)
  }
}

/// The axis of channels of a normalisation over images.
func normalizationAxis(_ op: any Op) -> Int? {
  switch op {
  case let op as BatchNormalizationOp: op.axis
  case let op as InstanceNormalizationOp: op.axis
  case let op as GroupNormalizationOp: op.axis
  case let op as LRNOp: op.axis
  default: nil
  }
}

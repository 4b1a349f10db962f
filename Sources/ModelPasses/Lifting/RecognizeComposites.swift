import ModelGraph
import ModelOps
import ModelTensor

/// Finds functions that exporters write in pieces and puts one op in their place: SiLU, GELU, HardSigmoid, HardSwish,
/// Mish, LayerNormalization, RMSNormalization, GroupNormalization.
///
/// The value stays the same up to rounding. Pieces that something else uses stay too.
public struct RecognizeComposites: Pass {
  public let name = "recognize-composites"
  /// Whether normalisations are left as they are.
  public var activationsOnly: Bool
  public init(activationsOnly: Bool = false) { self.activationsOnly = activationsOnly }

  /// Whether there are error functions, which exporters write GELU with.
  static func isNeeded(_ model: Model) -> Bool {
    model.graphs.values.contains { graph in graph.nodeSlots.contains { $0?.op is ErfOp || $0?.op is ErfcOp } }
  }

  public func run(_ model: inout Model) throws {
    // The matcher holds the model: a graph put back while it does would copy the table of all graphs each time.
    var rewritten: [(GraphID, Graph)] = []
    for (id, graph) in model.graphs {
      var matcher = CompositeMatcher(graph: graph, model: model, activationsOnly: activationsOnly)
      for id in try graph.order() {
        guard let found = matcher.composite(id) else { continue }
        var node = matcher.graph[id]
        node.op = found.op
        node.inputs = found.inputs
        node.origin.passes.append(name)
        matcher.graph[id] = node
      }
      matcher.graph.removeDeadNodes()
      rewritten.append((id, matcher.graph))
    }
    for (id, graph) in rewritten { model.graphs[id] = graph }
  }
}

struct CompositeMatcher {
  var graph: Graph
  let model: Model
  let activationsOnly: Bool

  typealias Found = (op: any Op, inputs: [ValueID?])

  mutating func composite(_ id: NodeID) -> Found? {
    let node = graph[id]
    switch node.op {
    case is MulOp where activationsOnly: return hardSwish(node) ?? gelu(node)
    case is DivOp where activationsOnly: return hardSwish(node)
    case is AddOp where activationsOnly, is SubOp: return prelu(node)
    case _ where activationsOnly: return nil
    case is MulOp: return silu(node) ?? hardSwish(node) ?? hardSigmoid(id) ?? gelu(node) ?? mish(node) ?? scaledNorm(node)
    case is DivOp: return hardSwish(node) ?? hardSigmoid(id) ?? norm(node)
    case is AddOp: return prelu(node) ?? shiftedNorm(node) ?? groupNorm(node) ?? centredRows(node)
    case let op as BatchNormalizationOp: return normalizedRows(op, node)
    case is ReshapeOp: return unfoldedRows(node)
    case is ClipOp, is MinimumOp, is MaximumOp: return clippedLine(node)
    default: return nil
    }
  }

  // MARK: Looking

  func node(_ id: ValueID?) -> Node? { id.flatMap { graph.producer(of: $0) }.map { graph[$0] } }
  func tensor(_ id: ValueID?) -> Tensor? { id.flatMap { model.tensor($0, in: graph) } }
  func scalar(_ id: ValueID?) -> Double? {
    guard let tensor = tensor(id), tensor.elementCount == 1 else { return nil }
    return (try? tensor.array())?.doubles().first
  }
  func close(_ a: Double?, _ b: Double) -> Bool { a.map { abs($0 - b) <= 1e-4 * max(1, abs(b)) } ?? false }
  /// Both operands, in either order.
  func pairs(_ node: Node) -> [(ValueID, ValueID)] {
    guard node.inputs.count == 2, let a = node.inputs[0], let b = node.inputs[1] else { return [] }
    return [(a, b), (b, a)]
  }
  /// The other operand of a node that multiplies with (or adds) about this number.
  func operand<O: Op>(_ id: ValueID?, _: O.Type, _ number: Double) -> ValueID? {
    guard let node = node(id), node.op is O else { return nil }
    return pairs(node).first { close(scalar($0.1), number) }?.0
  }
  /// What is divided by about this number, or multiplied with its inverse.
  func quotient(_ id: ValueID?, by number: Double) -> ValueID? {
    if let node = node(id), node.op is DivOp, close(scalar(node.input(1)), number) { return node.input(0) }
    return operand(id, MulOp.self, 1 / number)
  }

  // MARK: Normalisation

  private func mean(_ id: ValueID?) -> (x: ValueID, axes: [Int])? {
    guard let node = node(id), let op = node.op as? ReduceOp, op.kind == .mean, op.keepDims, let x = node.input(0),
      let rank = graph[x].type.shape.rank
    else { return nil }
    let given = (try? tensor(node.input(1))?.array().integers()) ?? op.axes
    guard let axes = try? given?.map({ try normalizeAxis($0, rank: rank) }).sorted(), !axes.isEmpty,
      node.input(1) == nil || tensor(node.input(1)) != nil
    else { return nil }
    return (x, axes)
  }
  private func squareRoot(_ id: ValueID?) -> ValueID? {
    guard let node = node(id) else { return nil }
    if node.op is SqrtOp { return node.input(0) }
    return node.op is PowOp && close(scalar(node.input(1)), 0.5) ? node.input(0) : nil
  }
  func isSquare(_ id: ValueID, of x: ValueID) -> Bool {
    guard let node = node(id) else { return false }
    if node.op is SquareOp { return node.input(0) == x }
    if node.op is MulOp { return node.input(0) == x && node.input(1) == x }
    return node.op is PowOp && node.input(0) == x && close(scalar(node.input(1)), 2)
  }
  /// `√(mean(square of x) + ε)`.
  private func deviation(_ id: ValueID?) -> (x: ValueID, axes: [Int], epsilon: Double)? {
    guard let sum = node(squareRoot(id)), sum.op is AddOp else { return nil }
    for (average, number) in pairs(sum) {
      guard let epsilon = scalar(number), epsilon >= 0, epsilon < 0.1, let (square, axes) = mean(average), let inner = node(square) else {
        continue
      }
      let x = inner.input(0) ?? square
      if isSquare(square, of: x) { return (x, axes, epsilon) }
    }
    return nil
  }
  private func norm(_ node: Node) -> Found? {
    guard let x = node.input(0), let (inner, axes, epsilon) = deviation(node.input(1)), inner == x else { return nil }
    return normal(x, axes, epsilon)
  }
  /// Normalised `x`, which is centred for layer normalisation and is not for RMS.
  private func normal(_ x: ValueID, _ axes: [Int], _ epsilon: Double) -> Found? {
    guard let rank = graph[x].type.shape.rank, axes == Array((rank - axes.count)..<rank) else { return nil }
    if let centred = node(x), centred.op is SubOp, let (origin, meanAxes) = mean(centred.input(1)), origin == centred.input(0),
      meanAxes == axes
    {
      return (LayerNormalizationOp(axes: axes, epsilon: epsilon), [origin, nil, nil])
    }
    return (RMSNormalizationOp(axes: axes, epsilon: epsilon), [x, nil])
  }
  /// A weight of just these axes, which may have axes of extent 1 in front.
  private mutating func weights(_ id: ValueID, axes: [Int], of x: ValueID) -> ValueID? {
    guard let tensor = tensor(id), let dims = graph[x].type.shape.dims,
      let places = try? axes.map({ try normalizeAxis($0, rank: dims.count) })
    else { return nil }
    let extents = places.compactMap { dims[$0].value }
    guard extents.count == places.count, tensor.extents.suffix(extents.count) == extents[...], tensor.extents.count <= dims.count,
      tensor.extents.dropLast(extents.count).allSatisfy({ $0 == 1 })
    else { return nil }
    if tensor.extents == extents { return id }
    guard places == Array((dims.count - places.count)..<dims.count) else { return nil }
    return graph.addConstant(tensor.reshaped(extents), name: graph[id].name)
  }
  /// A scale behind a normalisation that has none yet; also `x · 1/√(…)`.
  private mutating func scaledNorm(_ node: Node) -> Found? {
    for (y, scale) in pairs(node) {
      if let reciprocal = self.node(scale), reciprocal.op is ReciprocalOp, let (x, axes, epsilon) = deviation(reciprocal.input(0)), x == y {
        return normal(x, axes, epsilon)
      }
      guard let inner = self.node(y), inner.input(1) == nil, let x = inner.input(0) else { continue }
      if let op = inner.op as? LayerNormalizationOp, inner.input(2) == nil, op.resultCount == 1,
        let scale = weights(scale, axes: op.axes, of: x)
      {
        return (op, [x, scale, nil])
      }
      if let op = inner.op as? RMSNormalizationOp, let scale = weights(scale, axes: op.axes, of: x) { return (op, [x, scale]) }
    }
    return nil
  }
  private mutating func shiftedNorm(_ node: Node) -> Found? {
    for (y, shift) in pairs(node) {
      guard let inner = self.node(y), let op = inner.op as? LayerNormalizationOp, op.resultCount == 1, inner.input(2) == nil,
        let x = inner.input(0), let shift = weights(shift, axes: op.axes, of: x)
      else { continue }
      return (op, [x, inner.input(1), shift])
    }
    return nil
  }

  /// Groups of channels split off by a reshape, normalised, and put together again, then scale and shift per channel:
  /// `[N, C, …]` as `[N, G, C / G, …]` or `[N, G, rest]`.
  private mutating func groupNorm(_ node: Node) -> Found? {
    for (product, shift) in pairs(node) {
      guard let scaling = self.node(product), scaling.op is MulOp, let bias = tensor(shift) else { continue }
      for (whole, factor) in pairs(scaling) {
        guard let scale = tensor(factor), let merge = self.node(whole), merge.op is ReshapeOp, let inner = self.node(merge.input(0)),
          let split = self.node(inner.input(0)), split.op is ReshapeOp, let x = split.input(0), let dims = graph[x].type.shape.dims,
          let groups = graph[split.outputs[0]].type.shape.dims, dims.count >= 3, groups.count >= 3, let channels = dims[1].value,
          let count = groups[1].value, count > 0, channels % count == 0, graph[whole].type.shape.dims?.count == dims.count,
          dims[0] == groups[0], dims[0] == graph[whole].type.shape.dims?[0], graph[whole].type.shape.dims?[1] == .fixed(channels),
          scale.elementCount == channels, bias.elementCount == channels,
          scale.extents.first == channels || scale.extents.dropFirst().first == channels, scale.extents.count >= dims.count - 1,
          bias.extents == scale.extents, let epsilon = groupEpsilon(inner, rank: groups.count)
        else { continue }
        let gamma = graph.addConstant(scale.reshaped([channels]), name: graph[factor].name)
        let beta = graph.addConstant(bias.reshaped([channels]), name: graph[shift].name)
        return (GroupNormalizationOp(groups: count, epsilon: epsilon, axis: 1), [x, gamma, beta])
      }
    }
    return nil
  }
  /// The ε of a normalisation of all axes behind the second, without weights of its own.
  private func groupEpsilon(_ node: Node, rank: Int) -> Double? {
    func all(_ id: ValueID?, _ number: Double) -> Bool {
      guard let id else { return true }
      guard let tensor = tensor(id), tensor.elementCount <= 1 << 20, let array = try? tensor.array() else { return false }
      return array.doubles().allSatisfy { $0 == number }
    }
    guard all(node.input(1), 1), all(node.input(2), 0) else { return nil }
    switch node.op {
    case let op as LayerNormalizationOp:
      return (try? op.axes.map { try normalizeAxis($0, rank: rank) }.sorted()) == Array(2..<rank) ? op.epsilon : nil
    case let op as InstanceNormalizationOp: return op.axis == 1 ? op.epsilon : nil
    default: return nil
    }
  }
}

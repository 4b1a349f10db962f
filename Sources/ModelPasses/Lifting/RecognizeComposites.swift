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
    case _ where activationsOnly: return nil
    case is MulOp: return silu(node) ?? hardSwish(node) ?? hardSigmoid(id) ?? gelu(node) ?? mish(node) ?? scaledNorm(node)
    case is DivOp: return hardSwish(node) ?? hardSigmoid(id) ?? norm(node)
    case is AddOp: return shiftedNorm(node) ?? groupNorm(node) ?? centredRows(node)
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
  private func close(_ a: Double?, _ b: Double) -> Bool { a.map { abs($0 - b) <= 1e-4 * max(1, abs(b)) } ?? false }
  /// Both operands, in either order.
  func pairs(_ node: Node) -> [(ValueID, ValueID)] {
    guard node.inputs.count == 2, let a = node.inputs[0], let b = node.inputs[1] else { return [] }
    return [(a, b), (b, a)]
  }
  /// The other operand of a node that multiplies with (or adds) about this number.
  private func operand<O: Op>(_ id: ValueID?, _: O.Type, _ number: Double) -> ValueID? {
    guard let node = node(id), node.op is O else { return nil }
    return pairs(node).first { close(scalar($0.1), number) }?.0
  }
  /// What is divided by about this number, or multiplied with its inverse.
  private func quotient(_ id: ValueID?, by number: Double) -> ValueID? {
    if let node = node(id), node.op is DivOp, close(scalar(node.input(1)), number) { return node.input(0) }
    return operand(id, MulOp.self, 1 / number)
  }

  // MARK: Activations

  private func silu(_ node: Node) -> Found? {
    for (x, y) in pairs(node) {
      guard let sigmoid = self.node(y), sigmoid.op is SigmoidOp, sigmoid.input(0) == x else { continue }
      return (SiluOp(), [x])
    }
    return nil
  }
  private func mish(_ node: Node) -> Found? {
    for (x, y) in pairs(node) {
      guard let tanh = self.node(y), tanh.op is TanhOp, let plus = self.node(tanh.input(0)), plus.op is SoftplusOp, plus.input(0) == x
      else { continue }
      return (MishOp(), [x])
    }
    return nil
  }
  /// `min(max(s, 0), 6)`, of which `s`.
  private func clipped(_ id: ValueID?) -> ValueID? {
    guard let clip = node(id), clip.op is ClipOp, close(scalar(clip.input(1)), 0), close(scalar(clip.input(2)), 6) else { return nil }
    return clip.input(0)
  }
  /// `min(max(x + 3, 0), 6)`, of which `x`.
  private func ramp(_ id: ValueID?) -> ValueID? { operand(clipped(id), AddOp.self, 3) }
  /// `ramp(x) / 6`, where TensorFlow's optimiser may have moved the 3 into a sum: `a + (b + 3)`.
  private mutating func hardSigmoid(_ id: NodeID) -> Found? {
    guard let sum = clipped(quotient(graph[id].outputs.first, by: 6)) else { return nil }
    if let x = operand(sum, AddOp.self, 3) { return (HardSigmoidOp(alpha: 1 / 6, beta: 0.5), [x]) }
    guard let outer = node(sum), outer.op is AddOp else { return nil }
    for (a, shifted) in pairs(outer) {
      guard let b = operand(shifted, AddOp.self, 3) else { continue }
      let x = graph.append(AddOp(), [a, b], types: [graph[sum].type], name: outer.name, scope: outer.scope, origin: outer.origin)
      return (HardSigmoidOp(alpha: 1 / 6, beta: 0.5), [graph[x].outputs[0]])
    }
    return nil
  }
  /// `Clip(x / 5 + 0.5, 0, 1)`, Keras 2's, or with 1/6: by one op or two.
  private func clippedLine(_ node: Node) -> Found? {
    var line: ValueID?
    if node.op is ClipOp {
      guard scalar(node.input(1)) == 0, scalar(node.input(2)) == 1 else { return nil }
      line = node.input(0)
    } else {
      let isMaximum = node.op is MaximumOp
      guard let inner = pairs(node).first(where: { scalar($0.1) == (isMaximum ? 0 : 1) })?.0, let other = self.node(inner),
        isMaximum ? other.op is MinimumOp : other.op is MaximumOp
      else { return nil }
      line = pairs(other).first { scalar($0.1) == (isMaximum ? 1 : 0) }?.0
    }
    guard let scaled = operand(line, AddOp.self, 0.5) else { return nil }
    for alpha in [0.2, 1.0 / 6] { if let x = quotient(scaled, by: 1 / alpha) { return (HardSigmoidOp(alpha: alpha, beta: 0.5), [x]) } }
    return nil
  }
  private func hardSwish(_ node: Node) -> Found? {
    if node.op is MulOp {
      for (x, y) in pairs(node) {
        if let inner = self.node(y), let op = inner.op as? HardSigmoidOp, abs(op.alpha - 1.0 / 6) < 1e-6, op.beta == 0.5,
          inner.input(0) == x
        {
          return (HardSwishOp(), [x])
        }
      }
      // (x · ramp) · 1/6
      if let product = pairs(node).first(where: { close(scalar($0.1), 1.0 / 6) })?.0, let x = rampProduct(product) {
        return (HardSwishOp(), [x])
      }
      return nil
    }
    guard close(scalar(node.input(1)), 6), let x = rampProduct(node.input(0)) else { return nil }
    return (HardSwishOp(), [x])
  }
  private func rampProduct(_ id: ValueID?) -> ValueID? {
    guard let product = node(id), product.op is MulOp else { return nil }
    return pairs(product).first { ramp($0.1) == $0.0 }?.0
  }

  /// `x · 0.5 · (1 + erf(x / √2))` with the factors in any order, the same with tanh, and `0.5 · x · erfc(−x / √2)`.
  private func gelu(_ node: Node) -> Found? {
    func gate(_ id: ValueID?) -> (x: ValueID, approximate: Bool)? {
      guard let inner = operand(id, AddOp.self, 1), let function = self.node(inner) else { return nil }
      if function.op is ErfOp, let x = quotient(function.input(0), by: 2.0.squareRoot()) { return (x, false) }
      guard function.op is TanhOp, let cubic = operand(function.input(0), MulOp.self, 0.7978845608028654), let sum = self.node(cubic),
        sum.op is AddOp
      else { return nil }
      for (x, cube) in pairs(sum) {
        guard let power = operand(cube, MulOp.self, 0.044715), isCube(power, of: x) else { continue }
        return (x, true)
      }
      return nil
    }
    for (a, b) in pairs(node) {
      if let x = complementaryGate(b), operand(a, MulOp.self, 0.5) == x { return (GeluOp(approximate: false), [x]) }
      // (0.5 · x) · gate and (x · gate) · 0.5 and x · (0.5 · gate)
      if let (x, approximate) = gate(b), operand(a, MulOp.self, 0.5) == x || quotient(a, by: 2) == x {
        return (GeluOp(approximate: approximate), [x])
      }
      if let half = operand(b, MulOp.self, 0.5), let (x, approximate) = gate(half), x == a {
        return (GeluOp(approximate: approximate), [x])
      }
      if close(scalar(b), 0.5), let product = self.node(a), product.op is MulOp {
        for (x, y) in pairs(product) {
          if let (inner, approximate) = gate(y), inner == x { return (GeluOp(approximate: approximate), [x]) }
        }
      }
    }
    return nil
  }
  /// `x` of `erfc(−x / √2)`, the sign standing wherever it may.
  private func complementaryGate(_ id: ValueID?) -> ValueID? {
    guard let function = node(id), function.op is ErfcOp else { return nil }
    let root = 2.0.squareRoot(), argument = function.input(0)
    func negated(_ id: ValueID?) -> ValueID? { node(id).flatMap { $0.op is NegOp ? $0.input(0) : nil } }
    return negated(quotient(argument, by: root)) ?? quotient(negated(argument), by: root) ?? quotient(argument, by: -root)
  }
  private func isCube(_ id: ValueID, of x: ValueID) -> Bool {
    guard let node = node(id) else { return false }
    if node.op is PowOp { return node.input(0) == x && close(scalar(node.input(1)), 3) }
    guard node.op is MulOp else { return false }
    return pairs(node).contains { a, b in
      guard a == x, let square = self.node(b) else { return false }
      return square.op is SquareOp && square.input(0) == x || square.op is MulOp && square.input(0) == x && square.input(1) == x
        || square.op is PowOp && square.input(0) == x && close(scalar(square.input(1)), 2)
    }
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

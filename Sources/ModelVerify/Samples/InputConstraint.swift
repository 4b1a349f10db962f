import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

/// What a graph does with an input, as far as it limits the values that make sense.
struct InputConstraint: Sendable, Equatable {
  /// The input picks entries of a table of this many: valid are `0 ..< limit`.
  var limit: Int?
  /// The input tells where something is written: a place that comes twice has no defined value.
  var isDistinct = false
  /// Integers that the graph compares the input with: one of them is the likeliest to be meant.
  var choices: [Int] = []
  /// The number that steps of a sequence are filled with to be left out.
  var padding: Double?
  /// The input is text that is read as numbers.
  var isNumericText = false
  /// The input steers an op instead of being computed with: a shape, amounts, a number of turns.
  var steering: Steering?

  /// Both at once.
  func and(_ other: InputConstraint) -> InputConstraint {
    var result = self
    if let limit = other.limit { result.limit = min(self.limit ?? limit, limit) }
    result.isDistinct = isDistinct || other.isDistinct
    result.isNumericText = isNumericText || other.isNumericText
    result.steering = steering ?? other.steering
    result.padding = padding ?? other.padding
    result.choices += other.choices.filter { !choices.contains($0) }
    return result
  }
}

/// Values that make sense for an input that steers an op.
struct Steering: Sendable, Equatable {
  /// The elements in front, where each has its own meaning; `nil` is the batch.
  var elements: [Int?] = []
  /// What the others are drawn from.
  var range = 1..<2
  /// A number between 0 and 1.
  var isFraction = false
  static func drawn(from range: Range<Int>) -> Steering { Steering(range: range) }

  func value(_ place: Int, batch: Int, _ random: inout SplitMix) -> Int {
    place < elements.count ? elements[place] ?? batch : Int.random(in: range, using: &random)
  }
}

extension Model {
  /// The constraint on each input of `entry`, by following it to the ops that index with it.
  func inputConstraints(of entry: GraphID) -> [InputConstraint] {
    guard let graph = graphs[entry] else { return [] }
    var finder = ConstraintFinder(model: self)
    return graph.inputs.map { finder.constraint(of: $0.value, in: entry) }
  }
}

private struct ConstraintFinder {
  let model: Model
  private var uses: [GraphID: [ValueID: [NodeID]]] = [:]

  init(model: Model) { self.model = model }

  mutating func constraint(of value: ValueID, in graph: GraphID) -> InputConstraint {
    var result = InputConstraint()
    let start = Place(graph: graph, value: value, isWhole: true)
    var waiting = [start], seen: Set<Place> = [start]
    while let place = waiting.popLast() {
      guard let graph = model.graphs[place.graph] else { continue }
      for id in usersOf(place, graph) {
        let node = graph[id]
        for (position, input) in node.inputs.enumerated() where input == place.value {
          result = result.and(limit(node, position, graph))
          if result.steering == nil { result.steering = steering(node, position, graph, isWhole: place.isWhole) }
          for var next in continuations(node, position, place.graph) {
            next.isWhole = place.isWhole && (node.op is CastOp || node.op is IdentityOp || node.op is any BodyOp)
            if seen.insert(next).inserted { waiting.append(next) }
          }
        }
      }
    }
    return result
  }

  private mutating func usersOf(_ place: Place, _ graph: Graph) -> [NodeID] {
    if let known = uses[place.graph] { return known[place.value] ?? [] }
    let all = graph.uses()
    uses[place.graph] = all
    return all[place.value] ?? []
  }

  private func limit(_ node: Node, _ position: Int, _ graph: Graph) -> InputConstraint {
    func dim(_ input: Int, _ axis: Int) -> Int? {
      guard input < node.inputs.count, let value = node.inputs[input], let dims = graph[value].type.shape.dims
      else { return nil }
      let place = axis < 0 ? axis + dims.count : axis
      return dims.indices.contains(place) ? dims[place].value : nil
    }
    let smallest = node.inputs.first?.flatMap { $0 }.flatMap { graph[$0].type.shape.dims?.compactMap(\.value).min() }
    switch node.op {
    case let op as GatherOp where position == 1: return InputConstraint(limit: dim(0, op.axis))
    case let op as GatherElementsOp where position == 1: return InputConstraint(limit: dim(0, op.axis))
    case let op as ScatterElementsOp where position == 1:
      return InputConstraint(limit: dim(0, op.axis), isDistinct: op.reduction == .none)
    case is GatherNDOp where position == 1: return InputConstraint(limit: smallest)
    case let op as ScatterNDOp where position == 1: return InputConstraint(limit: smallest, isDistinct: op.reduction == .none)
    case is OneHotOp where position == 0:
      let depth = node.inputs.count > 1 ? node.inputs[1].flatMap { model.fact($0, in: graph).scalar } : nil
      return InputConstraint(limit: depth.flatMap { Int(exactly: $0) })
    case let op as CastOp:
      let isText = node.inputs.first?.flatMap { $0 }.map { graph[$0].type.dtype == .string } ?? false
      return InputConstraint(isNumericText: isText && op.dtype != .string)
    case is EqualOp:
      let other = node.inputs.count == 2 ? node.inputs[1 - position] : nil
      guard let scalar = other.flatMap({ model.fact($0, in: graph).scalar }), let choice = Int(exactly: scalar)
      else { return InputConstraint() }
      return InputConstraint(choices: [choice])
    case is NotEqualOp:
      let other = node.inputs.count == 2 ? node.inputs[1 - position] : nil
      return InputConstraint(padding: other.flatMap { model.fact($0, in: graph).scalar })
    case let op as LayerOp where op.layer is Masking: return InputConstraint(padding: (op.layer as? Masking)?.maskValue)
    case let op as LayerOp where op.layer is Embedding:
      return InputConstraint(limit: (op.layer as? Embedding)?.inputDim)
    default: return InputConstraint()
    }
  }

  /// What an op takes for one of the inputs that steer it.
  ///
  /// - Parameter isWhole: the op gets the input as it is, so that each of its elements has a place.
  private func steering(_ node: Node, _ position: Int, _ graph: Graph, isWhole: Bool) -> Steering? {
    func dims(_ value: ValueID?) -> [Dim]? { value.flatMap { graph[$0].type.shape.dims } }
    let operand = dims(node.inputs.first.flatMap { $0 }), result = dims(node.outputs.first)
    let count = node.inputs.indices.contains(position) ? dims(node.inputs[position])?.first?.value : nil
    // Without a known extent: the batch in front, else 1, which suits most.
    func extents(_ dims: [Dim]) -> [Int?] { dims.enumerated().map { $1.value ?? ($0 == 0 ? nil : 1) } }
    switch (node.op, position) {
    case (is ReshapeOp, 1):
      guard isWhole, let count, (1...64).contains(count) else { return Steering() }
      if let result, result.count == count, result.filter({ $0.value == nil }).count <= 1 {
        return Steering(elements: result.map { $0.value ?? -1 })
      }
      return Steering(elements: [-1])
    case (is ExpandOp, 1):
      guard isWhole, let count, let operand, count <= 64 else { return Steering() }
      let own = extents(operand).suffix(count)
      return Steering(elements: [Int?](repeating: 2, count: count - own.count) + own)
    case (is ResizeOp, 1...3):
      guard isWhole, let operand else { return nil }
      return Steering(
        elements: extents(operand).enumerated().map { axis, extent in
          position == 3 ? (axis < 2 ? extent : (extent ?? 1) * 2) : (axis < 2 ? 1 : 2)
        })
    case (is ConstantOfShapeOp, 0), (is TileOp, 1): return .drawn(from: 1..<4)
    case (is TopKOp, 1): return .drawn(from: 1..<2)
    case (is LoopOp, 0): return .drawn(from: 2..<6)
    case (is LoopOp, 1): return Steering(elements: [1])
    case (is NonMaxSuppressionOp, 2): return .drawn(from: 3..<8)
    case (is NonMaxSuppressionOp, 3), (is NonMaxSuppressionOp, 4): return Steering(isFraction: true)
    case (is SliceOp, 1): return .drawn(from: 0..<1)
    case (is SliceOp, 2): return .drawn(from: 1..<4)
    case (is SliceOp, 3), (is PadOp, 3):
      return isWhole && count ?? 1 <= 64 ? Steering(elements: Array(0..<(count ?? 1))) : nil
    case (is SliceOp, 4), (is RangeOp, 2): return Steering()
    case (is PadOp, 1): return .drawn(from: 0..<3)
    case (is RangeOp, 0): return .drawn(from: 0..<2)
    case (is RangeOp, 1): return .drawn(from: 3..<9)
    case (is SplitOp, 1), (is SplitToSequenceOp, 1):
      guard isWhole, let count, (1...64).contains(count), let operand else { return nil }
      let axis = (node.op as? SplitOp)?.axis ?? (node.op as? SplitToSequenceOp)?.axis ?? 0
      let place = axis < 0 ? axis + operand.count : axis
      guard operand.indices.contains(place) else { return nil }
      let front = [Int?](repeating: 0, count: count - 1)
      guard let extent = operand[place].value else { return place == 0 ? Steering(elements: front + [nil]) : nil }
      return Steering(elements: (0..<count).map { $0 == count - 1 ? extent - extent / count * (count - 1) : extent / count })
    default: return nil
    }
  }

  /// Where the same elements go on: results of ops that only move or convert them, inputs of bodies.
  private func continuations(_ node: Node, _ position: Int, _ graph: GraphID) -> [Place] {
    switch node.op {
    case is CastOp, is IdentityOp, is TransposeOp, is ConcatOp, is ReverseOp:
      return node.outputs.map { Place(graph: graph, value: $0) }
    case is ReshapeOp, is SqueezeOp, is UnsqueezeOp, is FlattenOp, is ExpandOp, is TileOp, is SliceOp, is SplitOp,
      is PadOp, is GatherOp, is GatherElementsOp, is GatherNDOp:
      return position == 0 ? node.outputs.map { Place(graph: graph, value: $0) } : []
    case is CallOp: return enter(node, port: position)
    case is IfOp: return enter(node, port: position - 1)
    case is LoopOp: return position > 1 ? enter(node, port: position) : []
    case is ScanOp: return enter(node, port: position)
    default: return []
    }
  }

  private func enter(_ node: Node, port: Int) -> [Place] {
    node.bodies.compactMap { body in
      guard let ports = model.graphs[body]?.inputs, ports.indices.contains(port) else { return nil }
      return Place(graph: body, value: ports[port].value)
    }
  }
}

private struct Place: Hashable {
  var graph: GraphID
  var value: ValueID
  /// The value is the input itself, in another dtype at most.
  var isWhole = false
}

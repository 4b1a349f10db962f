import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

/// What a graph does with an input, as far as it limits the values that make sense.
struct InputConstraint: Sendable, Equatable {
  /// The input picks entries of a table of this many: valid are `0 ..< limit`.
  var limit: Int?
  /// Integers that the graph compares the input with: one of them is the likeliest to be meant.
  var choices: [Int] = []
  /// The input is text that is read as numbers.
  var isNumericText = false

  /// Both at once.
  func and(_ other: InputConstraint) -> InputConstraint {
    var result = self
    if let limit = other.limit { result.limit = min(self.limit ?? limit, limit) }
    result.isNumericText = isNumericText || other.isNumericText
    result.choices += other.choices.filter { !choices.contains($0) }
    return result
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
    var waiting = [Place(graph: graph, value: value)], seen: Set<Place> = [Place(graph: graph, value: value)]
    while let place = waiting.popLast() {
      guard let graph = model.graphs[place.graph] else { continue }
      for id in usersOf(place, graph) {
        let node = graph[id]
        for (position, input) in node.inputs.enumerated() where input == place.value {
          result = result.and(limit(node, position, graph))
          for next in continuations(node, position, place.graph) where seen.insert(next).inserted { waiting.append(next) }
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
    switch node.op {
    case let op as GatherOp where position == 1: return InputConstraint(limit: dim(0, op.axis))
    case let op as GatherElementsOp where position == 1: return InputConstraint(limit: dim(0, op.axis))
    case let op as ScatterElementsOp where position == 1: return InputConstraint(limit: dim(0, op.axis))
    case is GatherNDOp where position == 1, is ScatterNDOp where position == 1:
      return InputConstraint(limit: node.inputs.first?.flatMap { $0 }.flatMap { graph[$0].type.shape.dims?.compactMap(\.value).min() })
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
    case let op as LayerOp where op.layer is Embedding:
      return InputConstraint(limit: (op.layer as? Embedding)?.inputDim)
    default: return InputConstraint()
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
}

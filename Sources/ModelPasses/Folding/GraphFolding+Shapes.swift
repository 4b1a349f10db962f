import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// What is known of one element of a computed shape.
enum TracedExtent: Equatable {
  case known(Int)
  /// An extent of a value of the graph.
  case axis(ValueID, Int)
  case named(String)
  case unknown
}

extension GraphFolding {
  /// Replaces a computed shape by a constant one where that says the same: 0 for an extent of the tensor reshaped,
  /// −1 for the one that is left, 1 for an extent that a broadcast does not change.
  mutating func simplifyShape(_ id: NodeID) throws {
    let node = context.graph[id]
    guard node.op is ReshapeOp || node.op is ExpandOp, node.inputs.count == 2, let x = node.inputs[0], let shape = node.inputs[1],
      fact(shape).constant == nil, let extents = trace(shape), let dims = context.graph[x].type.shape.dims
    else { return }
    if context.graph[shape].elements == nil {
      context.graph[shape].elements = extents.map { extent in
        switch extent {
        case .known(let value): .fixed(value)
        case .axis(let value, let axis): context.graph[value].type.shape.dims?[axis] ?? .unknown
        case .named(let name): .named(name)
        case .unknown: .unknown
        }
      }
      try sharpen(id)
    }
    var entries: [Int] = [], open: [Int] = []
    for (index, extent) in extents.enumerated() {
      switch extent {
      case .known(let value): entries.append(value)
      default:
        let isReshape = node.op is ReshapeOp
        let axis = isReshape ? index : index - (extents.count - dims.count)
        if dims.indices.contains(axis), isSame(extent, x, axis) {
          entries.append(isReshape ? 0 : 1)
        } else {
          entries.append(-1)
          open.append(index)
        }
      }
    }
    let isReshape = node.op is ReshapeOp
    if isReshape {
      let allowsZero = (node.op as? ReshapeOp)?.allowZero ?? false
      guard open.count <= 1, entries.filter({ $0 == -1 }).count <= 1, !(allowsZero && entries.contains(0)),
        !extents.contains(.known(0))
      else { return }
    } else if !open.isEmpty {
      return
    }
    let constant = context.graph.addConstant(
      Tensor(NDArray(entries.map(Int64.init), [entries.count])), name: context.graph[shape].name + "/known")
    rewrite(id, to: node.op, [x, constant])
    try sharpen(id)
  }

  private func isSame(_ extent: TracedExtent, _ x: ValueID, _ axis: Int) -> Bool {
    if case .named(let name) = extent { return context.graph[x].type.shape.dims?[axis] == .named(name) }
    guard case .axis(let value, let place) = extent else { return false }
    if value == x && place == axis { return true }
    guard let a = context.graph[value].type.shape.dims?[place], let b = context.graph[x].type.shape.dims?[axis] else { return false }
    return a == b && a != .unknown
  }

  /// The elements of an integer vector or scalar, followed back to the tensors whose extents they are.
  func trace(_ value: ValueID, depth: Int = 0) -> [TracedExtent]? {
    let fact = fact(value)
    if let integers = fact.integers { return integers.map(TracedExtent.known) }
    guard depth < 32, let node = producer(value), let x = node.inputs.first ?? nil else { return nil }
    switch node.op {
    case let op as ShapeOp:
      guard let dims = context.graph[x].type.shape.dims else { return nil }
      func clamp(_ axis: Int) -> Int { max(0, min(dims.count, axis < 0 ? axis &+ dims.count : axis)) }
      let first = clamp(op.start), last = op.end.map(clamp) ?? dims.count
      return (first..<max(first, last)).map { dims[$0].value.map(TracedExtent.known) ?? .axis(x, $0) }
    case is ConcatOp:
      var result: [TracedExtent] = []
      for case let part? in node.inputs {
        guard let more = trace(part, depth: depth + 1) else { return nil }
        result += more
      }
      return result
    case is CastOp, is IdentityOp, is SqueezeOp, is UnsqueezeOp, is ReshapeOp:
      return fact.type.shape.rank ?? 2 <= 1 ? trace(x, depth: depth + 1) : nil
    case is GatherOp, is SliceOp:
      return pick(node, x, depth: depth)
    case is WhereOp:
      return choose(node, depth: depth)
    case let op as ReduceOp where op.kind == .prod && fact.type.shape.rank == 0:
      // The rows of a tensor that is flattened: one unknown extent, whatever it is the product of.
      guard let factors = trace(x, depth: depth + 1) else { return [.unknown] }
      let numbers = factors.compactMap { if case .known(let value) = $0 { value } else { nil } }
      if factors.count == 1 { return factors }
      return [numbers.count == factors.count ? checkedProduct(numbers).map(TracedExtent.known) ?? .unknown : .unknown]
    default:
      if let elements = fact.elements {
        return elements.map { element in
          switch element {
          case .fixed(let value): .known(value)
          case .named(let name): .named(name)
          case .unknown: .unknown
          }
        }
      }
      // Computed, but it is known how many they are.
      guard let count = fact.type.shape.rank == 0 ? 1 : fact.type.shape.extents?.first, count <= Fact.elementLimit,
        fact.type.shape.rank ?? 2 <= 1, fact.type.dtype.isInteger
      else { return nil }
      return Array(repeating: .unknown, count: count)
    }
  }

  /// `Where(shape = −1, ones, shape)`, with which exporters say that an expansion leaves some extents alone.
  private func choose(_ node: Node, depth: Int) -> [TracedExtent]? {
    guard node.inputs.count == 3, let condition = node.inputs[0].flatMap({ producer($0) }), condition.op is EqualOp,
      condition.inputs.count == 2,
      let a = condition.inputs[0].flatMap({ trace($0, depth: depth + 1) }),
      let b = condition.inputs[1].flatMap({ trace($0, depth: depth + 1) }),
      let then = node.inputs[1].flatMap({ trace($0, depth: depth + 1) }),
      let otherwise = node.inputs[2].flatMap({ trace($0, depth: depth + 1) }),
      a.count == b.count, then.count == a.count, otherwise.count == a.count
    else { return nil }
    var result: [TracedExtent] = []
    for index in a.indices {
      let isEqual: Bool
      switch (a[index], b[index]) {
      case (.known(let x), .known(let y)): isEqual = x == y
      // An extent is never negative.
      case (.known(let x), .axis), (.axis, .known(let x)), (.known(let x), .named), (.named, .known(let x)):
        guard x < 0 else { return nil }
        isEqual = false
      default: return nil
      }
      result.append(isEqual ? then[index] : otherwise[index])
    }
    return result
  }

  /// What a gather or slice picks: it is applied to the positions.
  private func pick(_ node: Node, _ x: ValueID, depth: Int) -> [TracedExtent]? {
    guard let all = trace(x, depth: depth + 1), context.graph[x].type.shape.rank == 1 else { return nil }
    var inputs: [NDArray?] = [NDArray(all.indices.map(Int64.init), [all.count])]
    for input in node.inputs.dropFirst() {
      guard let input else {
        inputs.append(nil)
        continue
      }
      guard let constant = try? fact(input).constant?.array() else { return nil }
      inputs.append(constant)
    }
    guard let places = (try? Self.compute(node.op, inputs))?.first?.integers(), places.allSatisfy(all.indices.contains) else {
      return nil
    }
    return places.map { all[$0] }
  }
}

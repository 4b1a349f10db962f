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
  /// A number times extents that are not known: the rows of a tensor that is flattened.
  case product(Int, [Place])
  case unknown

  struct Place: Hashable {
    var value: ValueID, axis: Int
  }

  /// The factors of a product of extents.
  private var factors: (number: Int, places: [Place])? {
    switch self {
    case .known(let value): (value, [])
    case .axis(let value, let axis): (1, [Place(value: value, axis: axis)])
    case .product(let number, let places): (number, places)
    case .named, .unknown: nil
    }
  }

  static func product(of extents: [Self]) -> Self {
    if extents.count == 1 { return extents[0] }
    var numbers: [Int] = [], places: [Place] = []
    for extent in extents {
      guard let factors = extent.factors else { return .unknown }
      numbers.append(factors.number)
      places += factors.places
    }
    guard let number = checkedProduct(numbers), number >= 0 else { return .unknown }
    if places.isEmpty { return .known(number) }
    if places.count == 1, number == 1 { return .axis(places[0].value, places[0].axis) }
    return .product(number, places)
  }

  /// What is left of a product when some of its factors are taken away.
  static func quotient(_ whole: Self, by part: Self) -> Int? {
    guard let a = whole.factors, let b = part.factors, b.number > 0, a.number % b.number == 0, a.places.count == b.places.count,
      Set(a.places) == Set(b.places), Set(a.places).count == a.places.count
    else { return nil }
    return a.number / b.number
  }
}

extension GraphFolding {
  /// Replaces a computed shape by a constant one where that says the same: 0 for an extent of the tensor reshaped,
  /// −1 for the one that is left, 1 for an extent that a broadcast does not change.
  mutating func simplifyShape(_ id: NodeID) throws {
    let node = context.graph[id]
    guard node.op is ReshapeOp || node.op is ExpandOp, node.inputs.count == 2, let x = node.inputs[0], let shape = node.inputs[1],
      fact(shape).constant == nil, var extents = trace(shape), let dims = context.graph[x].type.shape.dims
    else { return }
    // What −1 stands for, when the other extents leave a number.
    if node.op is ReshapeOp, extents.filter({ $0 == .known(-1) }).count == 1, let place = extents.firstIndex(of: .known(-1)) {
      let all = TracedExtent.product(of: dims.enumerated().map { axis, dim in dim.value.map(TracedExtent.known) ?? .axis(x, axis) })
      var others = extents
      others.remove(at: place)
      if let rest = TracedExtent.quotient(all, by: .product(of: others)) { extents[place] = .known(rest) }
    }
    if context.graph[shape].elements == nil {
      context.graph[shape].elements = extents.map { extent in
        switch extent {
        case .known(let value): .fixed(value)
        case .axis(let value, let axis): context.graph[value].type.shape.dims?[axis] ?? .unknown
        case .named(let name): .named(name)
        case .product, .unknown: .unknown
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

  func isSame(_ extent: TracedExtent, _ x: ValueID, _ axis: Int) -> Bool {
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
    case let op as ReduceOp where op.kind == .prod && fact.type.shape.elementCount == 1:
      return trace(x, depth: depth + 1).map { [.product(of: $0)] } ?? [.unknown]
    case is MulOp: return pairwise(node, depth: depth) { .product(of: [$0, $1]) }
    case is MaximumOp:
      return pairwise(node, depth: depth) { a, b in
        if case .known(let x) = a, case .known(let y) = b { return .known(max(x, y)) }
        return a == b ? a : .unknown
      }
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

  private func pairwise(_ node: Node, depth: Int, _ combine: (TracedExtent, TracedExtent) -> TracedExtent) -> [TracedExtent]? {
    guard node.inputs.count == 2, let a = node.inputs[0].flatMap({ trace($0, depth: depth + 1) }),
      let b = node.inputs[1].flatMap({ trace($0, depth: depth + 1) }), a.count == b.count || a.count == 1 || b.count == 1
    else { return nil }
    return (0..<max(a.count, b.count)).map { combine(a[a.count == 1 ? 0 : $0], b[b.count == 1 ? 0 : $0]) }
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

import ModelGraph
import ModelTensor

extension TreeEnsembleOp: SpelledOp {
  /// All decisions at once, then products that count which of them lead to a leaf.
  ///
  ///     x ── Gather ── LessOrEqual(thresholds) ── · paths ── Equal(decisions taken) ── · weights ── Sum over the trees ── y
  ///
  /// A leaf is reached when as many decisions hold as must on its way, and none that must not, which count −1.
  public func spelled<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value]? {
    guard let x = inputs.first ?? nil, aggregate == .sum || aggregate == .average,
      (try? infer([context.fact(of: x)])) != nil, let trees = paths()
    else { return nil }
    // Of what trees lead to: the list may hold leaves too, which decide nothing.
    let kinds = Set(trees.flatMap(\.nodes).map { comparisons[$0] }).compactMap(TreeComparison.init).sorted { $0.rawValue < $1.rawValue }
    guard !kinds.contains(.member) else { return nil }
    let dtype = context.type(of: x).dtype, count = trees.count
    let width = max(1, trees.map(\.nodes.count).max() ?? 1), leaves = max(1, trees.map(\.leaves.count).max() ?? 1)
    guard count > 0, let steps = checkedProduct([count, width, leaves]), steps <= 1 << 24,
      let votes = checkedProduct([count, leaves, targetCount]), votes <= 1 << 24
    else { return nil }
    var places = [Int64](repeating: 0, count: count * width), limits = [Double](repeating: 0, count: count * width)
    var missing = limits, chosen = [[Double]](repeating: limits, count: kinds.count), ways = [Double](repeating: 0, count: steps)
    // One that no decisions make up for a leaf that is not there.
    var taken = [Double](repeating: 0.5, count: count * leaves), weights = [Double](repeating: 0, count: votes)
    for (t, tree) in trees.enumerated() {
      for (i, node) in tree.nodes.enumerated() {
        places[t * width + i] = Int64(features[node])
        limits[t * width + i] = thresholds[node]
        if let kind = kinds.firstIndex(where: { $0.rawValue == comparisons[node] }) { chosen[kind][t * width + i] = 1 }
        missing[t * width + i] = missingTracksTrue.isEmpty ? 0 : Double(missingTracksTrue[node])
      }
      for (l, leaf) in tree.leaves.enumerated() {
        taken[t * leaves + l] = Double(leaf.way.filter(\.isTrue).count)
        for step in leaf.way { ways[(t * width + step.node) * leaves + l] = step.isTrue ? 1 : -1 }
        weights[(t * leaves + l) * targetCount + leafTargets[leaf.number]] += leafWeights[leaf.number]
      }
    }
    let environment = ExecutionContext(primitives: ReferencePrimitives())
    func numbers(_ values: [Double], _ shape: [Int]) throws -> C.Value {
      try context.constant(try NDArray(values, shape).cast(to: dtype, in: environment))
    }
    let tested = try context.gather(x, try context.constant(NDArray(places, [places.count])), axis: 1)
    func marks(_ values: [Double]) throws -> C.Value {
      try context.constant(try NDArray(values, [values.count]).cast(to: .bool, in: environment))
    }
    let bounds = try numbers(limits, [limits.count])
    var holds = try context.apply((kinds.first ?? .lessOrEqual).op, tested, bounds)
    for (kind, places) in zip(kinds, chosen).dropFirst() {
      holds = try context.select(try marks(places), try context.apply(kind.op, tested, bounds), holds)
    }
    if missing.contains(where: { $0 != 0 }) {
      let follows = try marks(missing)
      holds = try context.apply(
        LogicalOrOp(), holds, try context.apply(LogicalAndOp(), try context.apply(IsNaNOp(), tested), follows))
    }
    // [trees, N, nodes], so that each tree has matrices of its own.
    let decisions = try context.transpose(try context.reshape(try context.cast(holds, to: dtype), [-1, count, width]), [1, 0, 2])
    let score = try context.matmul(decisions, try numbers(ways, [count, width, leaves]))
    let reached = try context.cast(try context.apply(EqualOp(), score, try numbers(taken, [count, 1, leaves])), to: dtype)
    let each = try context.matmul(reached, try numbers(weights, [count, leaves, targetCount]))
    return [try context.reduce(aggregate == .sum ? .sum : .mean, each, axes: [0])]
  }

  private struct Tree {
    /// Numbers of nodes; a leaf's way tells them by their places here.
    var nodes: [Int] = []
    var leaves: [(number: Int, way: [(node: Int, isTrue: Bool)])] = []
  }

  /// Every tree with the ways to its leaves; `nil` where they are too many, or a circle.
  private func paths() -> [Tree]? {
    var all: [Tree] = [], budget = 1 << 20
    for root in roots {
      var tree = Tree(), places: [Int: Int] = [:]
      var waiting: [(place: Int, way: [(node: Int, isTrue: Bool)])] = [(root, [])]
      while let (place, way) = waiting.popLast() {
        budget -= 1 + way.count
        guard budget > 0, way.count < 128 else { return nil }
        guard place >= 0 else {
          tree.leaves.append((-1 - place, way))
          continue
        }
        let node = places[place] ?? tree.nodes.count
        if node == tree.nodes.count {
          tree.nodes.append(place)
          places[place] = node
        }
        waiting.append((falseChildren[place], way + [(node, false)]))
        waiting.append((trueChildren[place], way + [(node, true)]))
      }
      all.append(tree)
    }
    return all
  }
}

extension TreeComparison {
  /// The op that compares tensors this way.
  fileprivate var op: any Op {
    switch self {
    case .lessOrEqual: LessOrEqualOp()
    case .less: LessOp()
    case .greaterOrEqual: GreaterOrEqualOp()
    case .greater: GreaterOp()
    case .equal, .member: EqualOp()
    case .notEqual: NotEqualOp()
    }
  }
}

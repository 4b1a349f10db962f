import ModelGraph
import ModelOps
import ModelTensor

extension LayoutRewriter {
  /// Ops on several tensors, and ops with an operand that has an entry for each axis.
  mutating func rewriteOperands(_ node: Node) throws -> Bool {
    switch node.op {
    case is any BinaryElementwiseOp, is WhereOp:
      return try broadcast(node)
    case let op as ConcatOp:
      guard let rank = sharedRank(node), let order = vote(node, rank: rank), !order.isIdentity else { return false }
      let axis = order[try normalizeAxis(op.axis, rank: rank)]
      try emit(ConcatOp(axis: axis), node, try node.inputs.map { try $0.map { try form($0, order) } }, [order])
      return true
    default: break
    }
    guard let x = node.inputs.first ?? nil, let rank = rank(x) else { return false }
    let order = order(x)
    guard !order.isIdentity, order.rank == rank else { return false }
    switch node.op {
    case is DynamicQuantizeLinearOp:
      // One range for the whole tensor; the scale and the zero point are numbers.
      try emit(node.op, node, [try form(x, order)], [order])
      return true
    case is PadOp: return try pad(node, x, order)
    case is SliceOp: return try slice(node, x, order)
    case let op as ResizeOp: return try resize(op, node, x, order)
    case is TileOp, is ExpandOp:
      guard node.inputs.count == 2, let counts = integers(node.inputs[1]), counts.count == rank else { return false }
      try emit(node.op, node, [try form(x, order), ints(order.arrange(counts), name: "\(node.name)/counts")], [order])
      return true
    case is CumSumOp:
      guard node.inputs.count == 2, let axis = integers(node.inputs[1])?.first else { return false }
      let place = Int64(order[try normalizeAxis(axis, rank: rank)])
      let constant = context.graph.addConstant(Tensor(NDArray(scalar: place)), name: "\(node.name)/axis")
      try emit(node.op, node, [try form(x, order), constant], [order])
      return true
    default: return false
    }
  }

  private func sharedRank(_ node: Node) -> Int? {
    let ranks = Set(node.inputs.map { $0.flatMap { rank($0) } })
    return ranks.count == 1 ? ranks.first ?? nil : nil
  }

  /// The order that most of the computed operands of full rank have; the image's, when as many have another.
  private func vote(_ node: Node, rank: Int) -> Permutation? {
    let operands = node.inputs.compactMap { $0 }.filter { self.rank($0) == rank && !isLeaf($0) }
    let image = Permutation.image(rank: rank, to: pass.layout)
    var best: (order: Permutation, score: Int)?
    for order in operands.map({ self.order($0) }) + [.identity(rank)] where order.rank == rank {
      let score = 4 * operands.filter { has($0, order) }.count + (order == image ? 2 : order.isIdentity ? 1 : 0)
      if score > best?.score ?? -1 { best = (order, score) }
    }
    return best?.order
  }

  private mutating func broadcast(_ node: Node) throws -> Bool {
    guard node.outputs.count == 1, let rank = node.inputs.map({ $0.flatMap { self.rank($0) } ?? -1 }).max(),
      node.inputs.allSatisfy({ $0.flatMap { self.rank($0) } != nil }), let order = vote(node, rank: rank), !order.isIdentity
    else { return false }
    var inputs: [ValueID?] = []
    for input in node.inputs { inputs.append(try input.map { try operand($0, order) }) }
    try emit(node.op, node, inputs, [order])
    return true
  }

  /// An operand that broadcasts, with its axes in a given order of a tensor of full rank.
  private mutating func operand(_ value: ValueID, _ order: Permutation) throws -> ValueID {
    let own = rank(value) ?? 0
    if own == order.rank { return try form(value, order) }
    if type(value).shape.elementCount == 1 { return try plain(value) }
    if isLeaf(value) { return try leaf(value, order) }
    let name = source[value].name
    let wide = try context.append(
      UnsqueezeOp(axes: Array(0..<(order.rank - own))), [try plain(value)], name: "\(name)/Unsqueeze")[0]
    return try transposed(wide, order.inverse.axes, name: name)
  }

  /// An operand with an entry for each axis, in the order given; it may be computed.
  private mutating func perAxis(_ value: ValueID, _ order: Permutation, groups: Int = 1) throws -> ValueID {
    let places = (0..<groups).flatMap { group in order.inverse.axes.map { group * order.rank + $0 } }
    if let tensor = context.model.tensor(value, in: source) {
      let array = try tensor.array()
      guard array.count == places.count else {
        throw GraphError(.shapeMismatch, "'\(source[value].name)' has \(array.count) entries for \(order.rank) axes")
      }
      return context.graph.addConstant(
        Tensor(try GraphFolding.compute(GatherOp(axis: 0), [array, NDArray(places.map(Int64.init), [places.count])])[0]),
        name: source[value].name)
    }
    let picks = ints(places, name: "\(source[value].name)/axes")
    return try context.append(GatherOp(axis: 0), [try plain(value), picks], name: "\(source[value].name)/Gather")[0]
  }

  /// Entries of a vector of axes, in the new order.
  private mutating func axes(_ value: ValueID, _ order: Permutation) throws -> ValueID? {
    guard let given = integers(value) else { return nil }
    return ints(try given.map { order[try normalizeAxis($0, rank: order.rank)] }, name: source[value].name)
  }

  private mutating func pad(_ node: Node, _ x: ValueID, _ order: Permutation) throws -> Bool {
    guard node.inputs.count >= 2, let pads = node.inputs[1] else { return false }
    var inputs = [try form(x, order)] + (try node.inputs.dropFirst().map { try $0.map { try plain($0) } }) as [ValueID?]
    if node.inputs.count > 3, let given = node.inputs[3] {
      guard let moved = try axes(given, order) else { return false }
      inputs[3] = moved
    } else {
      inputs[1] = try perAxis(pads, order, groups: 2)
    }
    try emit(node.op, node, inputs, [order])
    return true
  }

  private mutating func slice(_ node: Node, _ x: ValueID, _ order: Permutation) throws -> Bool {
    guard node.inputs.count >= 3, let starts = node.inputs[1] else { return false }
    var inputs = [try form(x, order)] + (try node.inputs.dropFirst().map { try $0.map { try plain($0) } }) as [ValueID?]
    if node.inputs.count > 3, let given = node.inputs[3] {
      guard let moved = try axes(given, order) else { return false }
      inputs[3] = moved
    } else {
      guard let count = type(starts).shape.elementCount, count <= order.rank else { return false }
      let moved = ints((0..<count).map { order[$0] }, name: "\(node.name)/axes")
      if inputs.count > 3 { inputs[3] = moved } else { inputs.append(moved) }
    }
    try emit(node.op, node, inputs, [order])
    return true
  }

  private mutating func resize(_ op: ResizeOp, _ node: Node, _ x: ValueID, _ order: Permutation) throws -> Bool {
    var op = op, inputs: [ValueID?] = [try form(x, order)]
    if let given = op.axes {
      op.axes = try given.map { order[try normalizeAxis($0, rank: order.rank)] }
      inputs += try node.inputs.dropFirst().map { try $0.map { try plain($0) } }
    } else {
      for (index, input) in node.inputs.enumerated().dropFirst() {
        guard let input else {
          inputs.append(nil)
          continue
        }
        // An empty vector counts as absent.
        inputs.append(
          type(input).shape.elementCount == 0 ? try plain(input) : try perAxis(input, order, groups: index == 1 ? 2 : 1))
      }
    }
    try emit(op, node, inputs, [order])
    return true
  }
}

import ModelGraph
import ModelOps
import ModelTensor

extension LayoutRewriter {
  /// Axes before and behind a reshape that hold the same elements together.
  struct AxisGroup {
    var from: [Int], to: [Int]
  }

  /// A reshape that splits, joins, adds or drops axes follows the order of its input, as long as the axes it joins
  /// stand side by side there; else these are brought together first.
  mutating func rewriteReshape(_ node: Node) throws -> Bool {
    guard node.op is ReshapeOp || node.op is FlattenOp, let x = node.inputs.first ?? nil, let from = type(x).shape.dims,
      let to = type(node.outputs[0]).shape.dims, !order(x).isIdentity, order(x).rank == from.count,
      let groups = Self.groups(from, to)
    else { return false }
    let native = order(x)
    if try flattenForMatMul(node, x, from, to, native) { return true }
    // Groups in the order in which their axes stand; the axes of each side by side.
    let ordered = groups.filter { !$0.from.isEmpty }.sorted { a, b in
      (a.from.map { native[$0] }.min() ?? 0) < (b.from.map { native[$0] }.min() ?? 0)
    }
    var places = [Int](repeating: 0, count: from.count), next = 0
    for group in ordered {
      for axis in group.from {
        places[axis] = next
        next += 1
      }
    }
    let wanted = Permutation(places)
    // Axes that appear from nowhere stand in front of the group that follows them in the old graph.
    var sequence: [Int] = []
    for group in ordered {
      let index = groups.firstIndex { $0.from == group.from } ?? 0
      var before = index
      while before > 0, groups[before - 1].from.isEmpty { before -= 1 }
      for lone in groups[before..<index] { sequence += lone.to }
      sequence += group.to
    }
    var end = groups.count
    while end > 0, groups[end - 1].from.isEmpty { end -= 1 }
    for lone in groups[end...] { sequence += lone.to }
    guard sequence.count == to.count else { return false }
    var result = [Int](repeating: 0, count: to.count)
    for (place, axis) in sequence.enumerated() { result[axis] = place }
    let base = isSame(wanted, native, from) ? native : wanted
    guard let shape = Self.shape(sequence.map { to[$0] }, like: base.arrange(from)) else { return false }
    try emit(ReshapeOp(), node, [try form(x, base), ints(shape, name: "\(node.name)/shape")], [Permutation(result)])
    return true
  }

  /// Whether two orders differ in nothing but where axes of extent 1 stand.
  private func isSame(_ a: Permutation, _ b: Permutation, _ dims: [Dim]) -> Bool {
    func visible(_ order: Permutation) -> [Int] { order.inverse.axes.filter { dims[$0] != 1 } }
    return visible(a) == visible(b)
  }

  /// The entries of a reshape to `dims`: at most one is left to be inferred, and unknown extents that stay where they
  /// are get copied.
  static func shape(_ dims: [Dim], like from: [Dim]) -> [Int]? {
    var result: [Int] = [], open = 0
    for (index, dim) in dims.enumerated() {
      if case .fixed(let extent) = dim {
        guard extent > 0 else { return nil }
        result.append(extent)
      } else if index < from.count, from[index] == dim, dim != .unknown {
        result.append(0)
      } else {
        result.append(-1)
        open += 1
      }
    }
    return open <= 1 ? result : nil
  }

  /// Which axes hold the same elements, as far as the extents prove it.
  static func groups(_ from: [Dim], _ to: [Dim]) -> [AxisGroup]? {
    var result: [AxisGroup] = [], i = 0, j = 0
    while i < from.count || j < to.count {
      let a = i < from.count ? from[i] : nil, b = j < to.count ? to[j] : nil
      if a == 1, b != 1 {
        result.append(AxisGroup(from: [i], to: []))
        i += 1
        continue
      }
      if b == 1, a != 1 {
        result.append(AxisGroup(from: [], to: [j]))
        j += 1
        continue
      }
      guard let a, let b else { return nil }
      if a == b, a != .unknown || isForced(from, i, to, j) {
        result.append(AxisGroup(from: [i], to: [j]))
        i += 1
        j += 1
        continue
      }
      if a.value == nil || b.value == nil {
        guard a.value == nil, b.value == nil, isForced(from, i, to, j) else { return nil }
        result.append(AxisGroup(from: [i], to: [j]))
        i += 1
        j += 1
        continue
      }
      var group = AxisGroup(from: [i], to: [j])
      guard var above = a.value, var below = b.value, above > 0, below > 0 else { return nil }
      i += 1
      j += 1
      while above != below {
        if above < below {
          guard i < from.count, let extent = from[i].value, extent > 0, let product = checkedProduct([above, extent]) else { return nil }
          group.from.append(i)
          above = product
          i += 1
        } else {
          guard j < to.count, let extent = to[j].value, extent > 0, let product = checkedProduct([below, extent]) else { return nil }
          group.to.append(j)
          below = product
          j += 1
        }
      }
      result.append(group)
    }
    return result
  }

  /// Two unknown extents are equal when all others are known and come to the same.
  private static func isForced(_ from: [Dim], _ i: Int, _ to: [Dim], _ j: Int) -> Bool {
    func rest(_ dims: [Dim], _ axis: Int) -> Int? {
      checkedProduct(dims.indices.filter { $0 != axis }.map { dims[$0].value ?? -1 })
    }
    guard let above = rest(from, i), let below = rest(to, j) else { return false }
    return above == below && above > 0
  }

  // MARK: Flatten before a matrix product

  /// `[N, …]` to `[N, features]` where only matrix products with constant matrices follow: the elements may stand in
  /// another order, if the matrices' rows do.
  private mutating func flattenForMatMul(
    _ node: Node, _ x: ValueID, _ from: [Dim], _ to: [Dim], _ native: Permutation
  ) throws -> Bool {
    let output = node.outputs[0]
    guard to.count == 2, from.count > 2, native[0] == 0, let extents = Shape.ranked(Array(from.dropFirst())).extents,
      checkedProduct(extents) == to[1].value, to[1] != 0, !source.outputs.contains(where: { $0.value == output }),
      let users = uses[output], users.allSatisfy({ isProduct(source[$0], of: output) })
    else { return false }
    let order = Permutation((1..<from.count).map { native[$0] - 1 })
    guard order.arrange(extents).filter({ $0 != 1 }) != extents.filter({ $0 != 1 }) || !order.isIdentity else { return false }
    flattened[output] = (extents, order)
    let shape = ints([0, to[1].value ?? -1], name: "\(node.name)/shape")
    try emit(ReshapeOp(), node, [try form(x, native), shape], [])
    return true
  }

  private func isProduct(_ node: Node, of value: ValueID) -> Bool {
    guard node.inputs.count >= 2, node.inputs[0] == value, let matrix = node.inputs[1], isLeaf(matrix), rank(matrix) == 2,
      type(matrix).dtype.bitWidth ?? 0 >= 8, !node.inputs.dropFirst().contains(value)
    else { return false }
    switch node.op {
    case let op as MatMulOp: return !op.transposeA
    case let op as GemmOp: return !op.transposeA
    default: return false
    }
  }

  /// The product with a flattened tensor in another order: the matrix gets it too.
  mutating func rewriteMatMul(_ node: Node) throws -> Bool {
    guard node.inputs.count >= 2, let x = node.inputs[0], let matrix = node.inputs[1], let (extents, order) = flattened[x],
      let tensor = context.model.tensor(matrix, in: source), tensor.extents.count == 2
    else { return false }
    let isTransposed = (node.op as? MatMulOp)?.transposeB ?? (node.op as? GemmOp)?.transposeB ?? false
    let moved: Tensor
    let rank = extents.count
    if isTransposed {
      moved = tensor.reshaped([tensor.extents[0]] + extents).transposed([0] + order.inverse.axes.map { $0 + 1 })
    } else {
      moved = tensor.reshaped(extents + [tensor.extents[1]]).transposed(order.inverse.axes + [rank])
    }
    var inputs: [ValueID?] = [try plain(x), derived(matrix, moved.reshaped(tensor.extents))]
    inputs += try node.inputs.dropFirst(2).map { try $0.map { try plain($0) } }
    try emit(node.op, node, inputs, [])
    return true
  }
}

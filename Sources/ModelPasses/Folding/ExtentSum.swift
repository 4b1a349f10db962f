import ModelGraph
import ModelOps
import ModelTensor

/// A whole number, and whole multiples of extents that nobody knows.
struct ExtentSum: Equatable {
  /// An extent by its name, or as that of an axis of a value.
  enum Unknown: Hashable { case name(String), axis(ValueID, Int) }

  var number: Int
  var terms: [Unknown: Int] = [:]

  init(_ number: Int) { self.number = number }
  init(_ unknown: Unknown) { (number, terms) = (0, [unknown: 1]) }

  /// The number, if that is all.
  var known: Int? { terms.isEmpty ? number : nil }

  func times(_ factor: Int) -> ExtentSum? {
    var result = ExtentSum(0)
    guard let product = checkedMultiple(number, factor) else { return nil }
    result.number = product
    for (unknown, count) in terms where factor != 0 {
      guard let product = checkedMultiple(count, factor) else { return nil }
      result.terms[unknown] = product
    }
    return result
  }

  func plus(_ other: ExtentSum) -> ExtentSum? {
    var result = self
    let (sum, overflow) = number.addingReportingOverflow(other.number)
    guard !overflow else { return nil }
    result.number = sum
    for (unknown, count) in other.terms {
      let (sum, overflow) = result.terms[unknown, default: 0].addingReportingOverflow(count)
      guard !overflow else { return nil }
      result.terms[unknown] = sum == 0 ? nil : sum
    }
    return result
  }

  func minus(_ other: ExtentSum) -> ExtentSum? { other.times(-1).flatMap { plus($0) } }

  /// What it is at least: extents are never negative. `nil` where nothing bounds it.
  var atLeast: Int? { terms.values.allSatisfy { $0 > 0 } ? number : nil }
  /// What it is at most.
  var atMost: Int? { terms.values.allSatisfy { $0 < 0 } ? number : nil }

  /// Whether it is below another, where that holds, or fails, whatever the extents.
  func isLess(than other: ExtentSum) -> Bool? {
    guard let difference = minus(other) else { return nil }
    if let most = difference.atMost, most < 0 { return true }
    if let least = difference.atLeast, least >= 0 { return false }
    return nil
  }

  func isEqual(to other: ExtentSum) -> Bool? {
    guard let difference = minus(other) else { return nil }
    if let known = difference.known { return known == 0 }
    if let most = difference.atMost, most < 0 { return false }
    if let least = difference.atLeast, least > 0 { return false }
    return nil
  }

  private func checkedMultiple(_ a: Int, _ b: Int) -> Int? {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? nil : product
  }
}

/// What is known, as sums, of the extents of values and of the elements of integers computed from them.
struct ExtentSums {
  private let model: Model, graph: Graph
  private var extents: [ValueID: [ExtentSum]] = [:], elements: [ValueID: [ExtentSum?]] = [:]
  private static let elementLimit = 64, depthLimit = 128

  init(_ model: Model, _ graph: Graph) { (self.model, self.graph) = (model, graph) }

  private func input(_ node: Node, _ index: Int) -> ValueID? { node.inputs.indices.contains(index) ? node.inputs[index] : nil }

  private func integers(_ node: Node, _ index: Int) -> [Int]? { input(node, index).flatMap { model.fact($0, in: graph).integers } }

  /// `nil` for a tensor of unknown rank.
  mutating func extents(of value: ValueID, depth: Int = 0) -> [ExtentSum]? {
    if let known = extents[value] { return known }
    guard let dims = graph[value].type.shape.dims else { return nil }
    let below = depth < Self.depthLimit && dims.contains { $0.value == nil } ? inner(value, depth: depth + 1) : nil
    let result = dims.indices.map { axis -> ExtentSum in
      if let known = dims[axis].value { return ExtentSum(known) }
      if let below, below.count == dims.count, let sum = below[axis] { return sum }
      if case .named(let name) = dims[axis] { return ExtentSum(.name(name)) }
      return ExtentSum(.axis(value, axis))
    }
    extents[value] = result
    return result
  }

  /// What the maker of a value says of its extents.
  private mutating func inner(_ value: ValueID, depth: Int) -> [ExtentSum?]? {
    guard let id = graph.producer(of: value), let source = input(graph[id], 0), let from = extents(of: source, depth: depth) else {
      return nil
    }
    let node = graph[id]
    switch node.op {
    case is CastOp, is IdentityOp: return from
    case let op as TransposeOp:
      return op.permutation.count == from.count && op.permutation.allSatisfy(from.indices.contains) ? op.permutation.map { from[$0] } : nil
    case let op as UnsqueezeOp:
      let rank = from.count + op.axes.count, axes = Set(op.axes.map { $0 < 0 ? $0 + rank : $0 })
      var rest = from[...]
      return (0..<rank).map { axes.contains($0) ? ExtentSum(1) : rest.popFirst() }
    case let op as SqueezeOp:
      guard let axes = op.axes.map({ Set($0.map { $0 < 0 ? $0 + from.count : $0 }) }) else { return nil }
      return from.indices.filter { !axes.contains($0) }.map { from[$0] }
    case let op as ConvTransposeOp: return spread(op, node, from)
    default: return nil
    }
  }

  /// `(in − 1)·stride + (kernel − 1)·dilation + 1 + outputPadding − before − after` along the axes in space.
  private func spread(_ op: ConvTransposeOp, _ node: Node, _ from: [ExtentSum]) -> [ExtentSum?]? {
    guard op.outputShape == nil, from.count >= 3, let w = input(node, 1), let kernel = graph[w].type.shape.extents,
      kernel.count == from.count
    else { return nil }
    let count = from.count - 2, first = op.layout == .channelsFirst ? 2 : 1
    let windows = op.kernelLayout == .outputInputSpatial ? Array(kernel.dropFirst(2)) : Array(kernel.dropLast(2))
    var result: [ExtentSum?] = [ExtentSum?](repeating: nil, count: from.count)
    result[0] = from[0]
    for axis in 0..<count {
      let stride = axis < op.strides.count ? op.strides[axis] : 1, dilation = axis < op.dilations.count ? op.dilations[axis] : 1
      guard (1..<1 << 20).contains(stride), (1..<1 << 20).contains(dilation), (1..<1 << 20).contains(windows[axis]) else { return nil }
      switch op.padding {
      case .same, .sameLower: result[first + axis] = from[first + axis].times(stride)
      case .valid, .explicit:
        var extra = (windows[axis] - 1) * dilation + 1 - stride + (axis < op.outputPadding.count ? op.outputPadding[axis] : 0)
        if case .explicit(let before, let after) = op.padding {
          guard axis < before.count, axis < after.count else { return nil }
          extra -= before[axis] + after[axis]
        }
        result[first + axis] = from[first + axis].times(stride)?.plus(ExtentSum(extra))
      }
    }
    return result
  }

  /// The elements of a vector or a scalar of integers, or of truth values as 0 and 1; `nil` where their number is unknown or large.
  mutating func elements(of value: ValueID, depth: Int = 0) -> [ExtentSum?]? {
    if let known = elements[value] { return known }
    let fact = model.fact(value, in: graph)
    guard fact.type.dtype.isInteger || fact.type.dtype == .bool, let count = fact.type.shape.elementCount, count <= Self.elementLimit
    else { return nil }
    if let numbers = fact.integers { return numbers.map { ExtentSum($0) } }
    var result = [ExtentSum?](repeating: nil, count: count)
    if depth < Self.depthLimit, let id = graph.producer(of: value), let sums = computed(graph[id], value, depth: depth + 1),
      sums.count == count
    {
      result = sums
    }
    if let dims = fact.elements, dims.count == count {
      for (index, dim) in dims.enumerated() where result[index] == nil {
        if let known = dim.value {
          result[index] = ExtentSum(known)
        } else if case .named(let name) = dim {
          result[index] = ExtentSum(.name(name))
        }
      }
    }
    elements[value] = result
    return result
  }

  private mutating func computed(_ node: Node, _ value: ValueID, depth: Int) -> [ExtentSum?]? {
    guard let x = input(node, 0) else { return nil }
    if let op = node.op as? ShapeOp {
      guard let all = extents(of: x, depth: depth) else { return nil }
      func bound(_ place: Int) -> Int { max(0, min(all.count, place < 0 ? place + all.count : place)) }
      let start = bound(op.start), end = bound(op.end ?? all.count)
      return start <= end ? Array(all[start..<end]) : []
    }
    guard let first = elements(of: x, depth: depth) else { return nil }
    func binary(_ combine: (ExtentSum, ExtentSum) -> ExtentSum?) -> [ExtentSum?]? {
      guard let y = input(node, 1), let second = elements(of: y, depth: depth) else { return nil }
      guard first.count == second.count || first.count == 1 || second.count == 1 else { return nil }
      return (0..<max(first.count, second.count)).map { place in
        guard let a = first[first.count == 1 ? 0 : place], let b = second[second.count == 1 ? 0 : place] else { return nil }
        return combine(a, b)
      }
    }
    switch node.op {
    case is CastOp, is IdentityOp, is ReshapeOp, is SqueezeOp, is UnsqueezeOp: return first
    case let op as ConcatOp where op.axis == 0 || op.axis == -1 && graph[value].type.shape.rank == 1:
      var result: [ExtentSum?] = []
      for part in node.inputs {
        guard let part, let sums = elements(of: part, depth: depth) else { return nil }
        result += sums
      }
      return result
    case let op as GatherOp where op.axis == 0 && graph[x].type.shape.rank == 1:
      return integers(node, 1)?.map { index in
        let place = index < 0 ? index + first.count : index
        return first.indices.contains(place) ? first[place] : nil
      }
    case is SplitOp where graph[x].type.shape.rank == 1:
      var start = 0
      for output in node.outputs {
        guard let size = graph[output].type.shape.elementCount, start + size <= first.count else { return nil }
        if output == value { return Array(first[start..<(start + size)]) }
        start += size
      }
      return nil
    case is SliceOp where graph[x].type.shape.rank == 1:
      guard let start = integers(node, 1)?.first, let end = integers(node, 2)?.first, integers(node, 4)?.first ?? 1 == 1,
        input(node, 4) == nil || integers(node, 4) != nil
      else { return nil }
      func bound(_ place: Int) -> Int { max(0, min(first.count, place < 0 ? place + first.count : place)) }
      return bound(start) <= bound(end) ? Array(first[bound(start)..<bound(end)]) : []
    case is EqualOp: return binary { a, b in a.isEqual(to: b).map { ExtentSum($0 ? 1 : 0) } }
    case is NotEqualOp: return binary { a, b in a.isEqual(to: b).map { ExtentSum($0 ? 0 : 1) } }
    case is LessOp: return binary { a, b in a.isLess(than: b).map { ExtentSum($0 ? 1 : 0) } }
    case is GreaterOrEqualOp: return binary { a, b in a.isLess(than: b).map { ExtentSum($0 ? 0 : 1) } }
    case is GreaterOp: return binary { a, b in b.isLess(than: a).map { ExtentSum($0 ? 1 : 0) } }
    case is LessOrEqualOp: return binary { a, b in b.isLess(than: a).map { ExtentSum($0 ? 0 : 1) } }
    case is WhereOp:
      guard let yes = input(node, 1), let no = input(node, 2), let taken = elements(of: yes, depth: depth),
        let other = elements(of: no, depth: depth)
      else { return nil }
      let count = max(first.count, taken.count, other.count)
      guard [first, taken, other].allSatisfy({ $0.count == count || $0.count == 1 }) else { return nil }
      return (0..<count).map { place in
        guard let condition = first[first.count == 1 ? 0 : place]?.known else { return nil }
        let side = condition != 0 ? taken : other
        return side[side.count == 1 ? 0 : place]
      }
    case is NegOp: return first.map { $0?.times(-1) }
    case is AddOp: return binary { $0.plus($1) }
    case is SubOp: return binary { $0.minus($1) }
    case is MulOp: return binary { a, b in b.known.flatMap { a.times($0) } ?? a.known.flatMap { b.times($0) } }
    case is DivOp, is FloorDivOp:
      let floors = node.op is FloorDivOp
      return binary { a, b in
        guard let n = a.known, let d = b.known, d > 0, n >= 0 || !floors else { return nil }
        return ExtentSum(n / d)
      }
    case is MaximumOp: return binary { a, b in a.minus(b)?.known.map { $0 >= 0 ? a : b } }
    case is MinimumOp: return binary { a, b in a.minus(b)?.known.map { $0 <= 0 ? a : b } }
    default: return nil
    }
  }
}

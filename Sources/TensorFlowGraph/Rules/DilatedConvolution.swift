import ModelGraph
import ModelOps
import ModelTensor

extension GraphContext {
  /// A dilated convolution that is spelled as a plain one on dealt-out places, `[N, T, C]` ones with an axis of 1 put in meanwhile:
  ///
  ///     SpaceToBatchND ── ExpandDims ── Conv2D ── Squeeze ── BatchToSpaceND (the rule that asks)
  ///
  /// - Returns: `nil` when `x` is something else.
  public mutating func dilated(_ x: ValueID, block: [Int], crops: ValueID) throws -> ValueID? {
    guard let last = producer(of: x), let result = last.inputs.first ?? nil else { return nil }
    var flat: Int?
    if let squeeze = last.op as? SqueezeOp, block.count == 1, type(of: result).shape.rank == 4 {
      guard let axes = try squeeze.axes?.map({ try normalizeAxis($0, rank: 4) }), axes == [1] || axes == [2] else { return nil }
      flat = axes[0]
    }
    guard let conv = flat == nil ? last : producer(of: result), var op = conv.op as? ConvOp, op.layout == .channelsLast,
      op.padding == .valid, op.strides.allSatisfy({ $0 == 1 }), op.dilations.allSatisfy({ $0 == 1 }), conv.inputs.count >= 2,
      var dealt = conv.inputs[0], let kernel = conv.inputs[1], var extents = type(of: kernel).shape.extents
    else { return nil }
    if let flat {
      guard extents.count == 4, extents.remove(at: flat - 1) == 1, let wide = producer(of: dealt),
        try (wide.op as? UnsqueezeOp)?.axes.map({ try normalizeAxis($0, rank: 4) }) == [flat], let narrow = wide.inputs.first ?? nil
      else { return nil }
      dealt = narrow
    }
    guard let deal = producer(of: dealt), (deal.op as? SpaceToBatchOp)?.block == block, deal.inputs.count == 2,
      let source = deal.inputs[0], let pads = deal.inputs[1], extents.count == block.count + 2,
      let around = try netPadding(pads, crops, count: 2 * block.count)
    else { return nil }
    var before = block.indices.map { around[2 * $0] }, after = block.indices.map { around[2 * $0 + 1] }
    guard (before + after).allSatisfy({ $0 >= 0 }) else { return nil }
    let same = block.indices.allSatisfy { axis in
      let (total, overflow) = (extents[axis] - 1).multipliedReportingOverflow(by: block[axis])
      return !overflow && before[axis] == total / 2 && after[axis] == total - total / 2
    }
    op.dilations = block
    if let flat {
      op.dilations.insert(1, at: flat - 1)
      before.insert(0, at: flat - 1)
      after.insert(0, at: flat - 1)
    }
    op.padding = (before + after).allSatisfy { $0 == 0 } ? .valid : same ? .same : .explicit(before: before, after: after)
    guard let whole = try apply(op, to: [try flat.map { try unsqueeze(source, [$0]) } ?? source, kernel] + conv.inputs.dropFirst(2)).first
    else { return nil }
    // Its name tells whose it is.
    if case .result(let id, _) = graph[whole].definition { graph[id].name = conv.name }
    return try flat.map { try squeeze(whole, [$0]) } ?? whole
  }

  /// What stands around each axis, in front and behind, once `crops` of BatchToSpaceND have taken from `pads` of SpaceToBatchND: flat,
  /// as both are. Where an extent is unknown TensorFlow computes them (`required_space_to_batch_paddings`): what fills up the last
  /// block is added to the one and is the other.
  /// - Returns: `nil` where the differences are not known.
  private func netPadding(_ pads: ValueID, _ crops: ValueID, count: Int) throws -> [Int]? {
    var result: [Int] = []
    for place in 0..<count {
      guard let pad = try amount(pads, place), let crop = try amount(crops, place), pad.computed == crop.computed else { return nil }
      let (difference, overflow) = pad.number.subtractingReportingOverflow(crop.number)
      guard !overflow else { return nil }
      result.append(difference)
    }
    return result
  }

  /// An element of integers as a number and, where it is more than that, an element of computed ones to add.
  private func amount(_ value: ValueID, _ place: Int, depth: Int = 0) throws -> (number: Int, computed: Element?)? {
    let fact = fact(of: value)
    if let known = try fact.constant?.array().integers() ?? fact.integers {
      return known.indices.contains(place) ? (known[place], nil) : nil
    }
    if let elements = fact.elements, elements.indices.contains(place), let known = elements[place].value { return (known, nil) }
    let itself = (number: 0, computed: Element(value: value, place: place))
    guard depth < 32, let node = producer(of: value), let input = node.inputs.first ?? nil else { return itself }
    switch node.op {
    case is CastOp, is IdentityOp, is ReshapeOp, is UnsqueezeOp, is SqueezeOp: return try amount(input, place, depth: depth + 1)
    case let op as ConcatOp where op.axis == 0:
      var start = 0
      for case let part? in node.inputs {
        guard let size = type(of: part).shape.elementCount else { return itself }
        if place - start < size { return try amount(part, place - start, depth: depth + 1) }
        start += size
      }
      return nil
    case is SliceOp:
      guard let source = origin(place, of: value, in: node, input) else { return itself }
      return try amount(input, source, depth: depth + 1)
    case is AddOp:
      guard node.inputs.count == 2, let other = node.inputs[1], type(of: input).shape == type(of: other).shape,
        let a = try amount(input, place, depth: depth + 1), let b = try amount(other, place, depth: depth + 1),
        a.computed == nil || b.computed == nil
      else { return itself }
      let (sum, overflow) = a.number.addingReportingOverflow(b.number)
      return overflow ? itself : (sum, a.computed ?? b.computed)
    default: return itself
    }
  }

  /// Where an element of a slice by steps of 1 stands in what is sliced, both counted flat.
  private func origin(_ place: Int, of value: ValueID, in node: Node, _ input: ValueID) -> Int? {
    let steps = node.inputs.count < 5 ? [1] : constant(node, 4)
    guard let from = type(of: input).shape.extents, let to = type(of: value).shape.extents, from.count == to.count,
      checkedProduct(from) != nil, let starts = constant(node, 1), let axes = constant(node, 3), starts.count == axes.count,
      steps?.allSatisfy({ $0 == 1 }) ?? false
    else { return nil }
    var rest = place, result = 0, size = 1
    for axis in from.indices.reversed() {
      let start = axes.firstIndex(of: axis).map { starts[$0] } ?? 0
      guard to[axis] > 0, start >= 0, start <= from[axis] - to[axis] else { return nil }
      result += (rest % to[axis] + start) * size
      rest /= to[axis]
      size *= from[axis]
    }
    return result
  }

  private func constant(_ node: Node, _ input: Int) -> [Int]? {
    guard node.inputs.indices.contains(input), let value = node.inputs[input] else { return nil }
    return fact(of: value).integers
  }

  private func producer(of value: ValueID) -> Node? {
    guard case .result(let id, _) = graph[value].definition else { return nil }
    return graph[id]
  }
}

private struct Element: Equatable {
  let value: ValueID
  let place: Int
}

import ModelTensor

/// The dimension that two of them broadcast to, or `nil` when they can't (NumPy's rule).
public func broadcast(_ a: Dim, _ b: Dim) -> Dim? {
  switch (a, b) {
  case (.fixed(1), _): b
  case (_, .fixed(1)): a
  case (.fixed(let x), .fixed(let y)): x == y ? a : nil
  case (.fixed, _): a
  case (_, .fixed): b
  // What an axis was cut to at most is the same or smaller, and a smaller one would not broadcast.
  default: a == b || b.isCut(of: a) ? a : a.isCut(of: b) ? b : .unknown
  }
}

/// The shape that all of `shapes` broadcast to.
/// - Throws: `GraphError.shapeMismatch`.
public func broadcast(_ shapes: [Shape]) throws -> Shape {
  var result: [Dim] = []
  for shape in shapes {
    guard case .ranked(let dims) = shape else { return .unranked }
    let rank = max(result.count, dims.count)
    var merged: [Dim] = []
    for i in 0..<rank {
      let a = i - (rank - result.count), b = i - (rank - dims.count)
      let x = a >= 0 ? result[a] : .fixed(1), y = b >= 0 ? dims[b] : .fixed(1)
      guard let dim = broadcast(x, y) else {
        throw GraphError(
          .shapeMismatch,
          "shapes " + shapes.map(\.description).joined(separator: " and ") + " do not broadcast together")
      }
      merged.append(dim)
    }
    result = merged
  }
  return .ranked(result)
}

/// `axis` counted from the front, checked against `rank`.
public func normalizeAxis(_ axis: Int, rank: Int) throws -> Int {
  let result = axis < 0 ? axis + rank : axis
  guard result >= 0, result < max(rank, 1) else {
    throw GraphError(.invalidAttribute, "axis \(axis) is outside rank \(rank)")
  }
  return result
}

/// `axis` as `normalizeAxis` gives it, for ops that have nothing to do with a scalar: the result is an index.
public func indexedAxis(_ axis: Int, rank: Int) throws -> Int {
  guard rank > 0 else { throw GraphError(.invalidAttribute, "axis \(axis) of a scalar") }
  return try normalizeAxis(axis, rank: rank)
}

extension Dim {
  /// What is left of more than one element that are cut to a named extent: the smaller of the two.
  public func cut(to limit: Int) -> Dim? {
    guard case .named(let name) = self, limit > 1 else { return nil }
    return .named("\(name)≤\(limit)")
  }

  /// Whether this is `whole`, or fewer than that (and more than one) because there were no more.
  func isCut(of whole: Dim) -> Bool {
    guard case .named(let name) = self, case .named(let longer) = whole, name.hasPrefix(longer + "≤") else { return false }
    return Int(name.dropFirst(longer.count + 1)) != nil
  }
}

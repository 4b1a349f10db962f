import ModelGraph
import ModelTensor

/// Einstein's summation as NumPy spells it: `bij,bjk->bik`, `...` for broadcasting axes, repeated letters for
/// diagonals.
public struct EinsumOp: CompositeOp {
  public static let name = "Einsum"
  public static let family = OpFamily.linear
  public var equation: String
  public init(equation: String) { self.equation = equation }

  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    let text = equation.filter { !$0.isWhitespace }
    let sides = text.pieces(between: "->")
    let terms = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard sides.count <= 2, terms.count == inputs.count else {
      throw GraphError(.invalidAttribute, "Einsum '\(equation)' with \(inputs.count) operands")
    }
    var operands: [(value: C.Value, axes: [Character])] = []
    var ellipsisRank = 0
    var split: [(before: [Character], after: [Character], hasDots: Bool)] = []
    for (term, input) in zip(terms, inputs) {
      guard let input else { throw GraphError(.wrongInputCount, "Einsum needs every operand") }
      let rank = try context.rank(of: input)
      let parts = term.pieces(between: "...")
      guard parts.count <= 2 else { throw GraphError(.invalidAttribute, "Einsum '\(equation)'") }
      let before = Array(parts[0]), after = parts.count == 2 ? Array(parts[1]) : []
      let named = before.count + after.count
      guard parts.count == 2 ? named <= rank : named == rank else {
        throw GraphError(.shapeMismatch, "Einsum term '\(term)' for an operand of rank \(rank)")
      }
      if parts.count == 2 { ellipsisRank = max(ellipsisRank, rank - named) }
      split.append((before, after, parts.count == 2))
    }
    // The ellipsis gets letters of its own, aligned at the right.
    let dots = (0..<ellipsisRank).map { Character(UnicodeScalar(0x2460 + UInt8(0).asUInt32 + UInt32($0)) ?? "?") }
    for (index, input) in inputs.enumerated() {
      guard let input else { continue }
      let part = split[index]
      let rank = try context.rank(of: input)
      let count = part.hasDots ? rank - part.before.count - part.after.count : 0
      operands.append(try diagonal(input, part.before + dots.suffix(count) + part.after, in: &context))
    }
    let output: [Character]
    if sides.count == 2 {
      output = sides[1].pieces(between: "...").enumerated().flatMap { $0 == 0 ? Array($1) : dots + Array($1) }
    } else {
      var counts: [Character: Int] = [:]
      for term in terms { for letter in term where letter != "." { counts[letter, default: 0] += 1 } }
      output = dots + counts.filter { $0.value == 1 }.keys.sorted()
    }
    while operands.count > 1 {
      let right = operands.removeLast(), left = operands.removeLast()
      let rest = Set(operands.flatMap(\.axes)).union(output)
      let swaps = operands.isEmpty && Self.comesFirst(right.axes, left.axes, in: output)
      operands.append(try contract(swaps ? right : left, swaps ? left : right, keeping: rest, in: &context))
    }
    guard var result = operands.first else { throw GraphError(.wrongInputCount, "Einsum of nothing") }
    let summed = result.axes.indices.filter { !output.contains(result.axes[$0]) }
    if !summed.isEmpty {
      result.value = try context.reduce(.sum, result.value, axes: summed)
      result.axes = result.axes.filter { output.contains($0) }
    }
    guard Set(result.axes) == Set(output), result.axes.count == output.count else {
      throw GraphError(.invalidAttribute, "Einsum '\(equation)' names an axis that no operand has")
    }
    let order = output.map { result.axes.firstIndex(of: $0) ?? 0 }
    if order != Array(0..<order.count) { result.value = try context.transpose(result.value, order) }
    return [result.value]
  }

  /// A repeated letter takes the diagonal: multiply by an identity and sum.
  private func diagonal<C: OpContext>(
    _ value: C.Value, _ axes: [Character], in context: inout C
  ) throws -> (value: C.Value, axes: [Character]) {
    guard Set(axes).count != axes.count else { return (value, axes) }
    for (index, letter) in axes.enumerated() {
      guard let second = axes[(index + 1)...].firstIndex(of: letter) else { continue }
      guard let extent = context.type(of: value).shape.dims?[index].value, extent <= 1 << 14 else {
        throw GraphError(.missingType, "Einsum '\(equation)' takes a diagonal of unknown extent")
      }
      var identity = [Double](repeating: 0, count: extent * extent)
      for i in 0..<extent { identity[i * extent + i] = 1 }
      var shape = [Int](repeating: 1, count: axes.count)
      shape[index] = extent
      shape[second] = extent
      let dtype = context.type(of: value).dtype
      let mask = try context.constant(
        try NDArray(identity, shape).cast(to: dtype, in: ExecutionContext(primitives: ReferencePrimitives())))
      let summed = try context.reduce(.sum, try context.mul(value, mask), axes: [second])
      var left = axes
      left.remove(at: second)
      return try diagonal(summed, left, in: &context)
    }
    return (value, axes)
  }

  /// Whether what only the second operand has comes before what only the first has: the other way round, the product needs no transpose.
  private static func comesFirst(_ second: [Character], _ first: [Character], in output: [Character]) -> Bool {
    let own = output.indices.filter { !second.contains(output[$0]) }, other = output.indices.filter { !first.contains(output[$0]) }
    guard let start = own.min(), let end = other.max() else { return false }
    return end < start
  }

  /// One pairwise contraction, as a batched matrix product.
  private func contract<C: OpContext>(
    _ a: (value: C.Value, axes: [Character]), _ b: (value: C.Value, axes: [Character]), keeping rest: Set<Character>,
    in context: inout C
  ) throws -> (value: C.Value, axes: [Character]) {
    var a = a, b = b
    // An axis that only one side has and nobody keeps is summed right away.
    func presum(_ x: inout (value: C.Value, axes: [Character]), other: [Character]) throws {
      let gone = x.axes.indices.filter { !rest.contains(x.axes[$0]) && !other.contains(x.axes[$0]) }
      guard !gone.isEmpty else { return }
      x.value = try context.reduce(.sum, x.value, axes: gone)
      x.axes = x.axes.enumerated().filter { !gone.contains($0.offset) }.map(\.element)
    }
    try presum(&a, other: b.axes)
    try presum(&b, other: a.axes)
    let shared = a.axes.filter { b.axes.contains($0) }
    let batch = shared.filter { rest.contains($0) }, summed = shared.filter { !rest.contains($0) }
    let onlyA = a.axes.filter { !shared.contains($0) }, onlyB = b.axes.filter { !shared.contains($0) }
    let x = try context.transpose(a.value, (batch + onlyA + summed).map { a.axes.firstIndex(of: $0) ?? 0 })
    let y = try context.transpose(b.value, (batch + summed + onlyB).map { b.axes.firstIndex(of: $0) ?? 0 })
    let xShape = try context.shape(of: x), yShape = try context.shape(of: y)
    func part<C2: OpContext>(_ shape: C2.Value, _ from: Int, _ count: Int, _ context: inout C2) throws -> C2.Value {
      try context.slice(shape, axis: 0, start: from, end: from + count)
    }
    let minus = try context.ints([-1])
    let lead = batch.count
    // [batch…, A, K] · [batch…, K, B], the groups of axes flattened to one each.
    let kShape = try context.apply(ReduceOp(.prod, axes: [0], keepDims: true), try part(yShape, lead, summed.count, &context))
    let xBatch = try part(xShape, 0, lead, &context)
    let yBatch = try part(yShape, 0, lead, &context)
    let aSize = try context.apply(ReduceOp(.prod, axes: [0], keepDims: true), try part(xShape, lead, onlyA.count, &context))
    let bSize = try context.apply(ReduceOp(.prod, axes: [0], keepDims: true), try part(yShape, lead + summed.count, onlyB.count, &context))
    _ = minus
    let flatX =
      onlyA.count == 1 && summed.count == 1
      ? x : try context.reshape(x, to: try context.concat([xBatch, aSize, kShape], axis: 0))
    let flatY =
      onlyB.count == 1 && summed.count == 1
      ? y : try context.reshape(y, to: try context.concat([yBatch, kShape, bSize], axis: 0))
    let product = try context.matmul(flatX, flatY)
    let axes = batch + onlyA + onlyB
    if onlyA.count == 1, onlyB.count == 1 { return (product, axes) }
    let aPart = try part(xShape, lead, onlyA.count, &context)
    let bPart = try part(yShape, lead + summed.count, onlyB.count, &context)
    let batchPart = try context.slice(try context.shape(of: product), axis: 0, start: 0, end: lead)
    return (try context.reshape(product, to: try context.concat([batchPart, aPart, bPart], axis: 0)), axes)
  }
}

extension UInt8 { fileprivate var asUInt32: UInt32 { UInt32(self) } }

extension String {
  /// The text between the occurrences of `separator`, empty pieces included.
  fileprivate func pieces(between separator: String) -> [String] {
    split(separator: separator, omittingEmptySubsequences: false).map(String.init)
  }
}

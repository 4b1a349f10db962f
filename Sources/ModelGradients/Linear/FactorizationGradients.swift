import ModelGraph
import ModelOps
import ModelTensor

// Gradients of factorisations, as TensorFlow's `linalg_grad` has them. Where factors are not unique (equal singular values or
// eigenvalues), their gradients are meaningless there and here.

extension LogDeterminantOp: DifferentiableOp {
  /// The sign is constant; `log |det a|` has the gradient `a⁻ᵀ`.
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    guard call.gradients.count > 1, let g = call.gradients[1] else { return call.none }
    let x = try call.x(), rank = try c.rank(of: x)
    let inverse = try c.transposedMatrix(try c.apply(MatrixInverseOp(), x))
    return [try c.mul(inverse, try c.unsqueeze(g, [rank - 2, rank - 1]))]
  }
}

extension SymmetricEigenOp: DifferentiableOp {
  /// `v · (diag(ge) + f ∘ vᵀ·gv) · vᵀ`, `f[i, j] = 1 / (e[j] − e[i])`; the lower triangle stands for both (Giles, 2008).
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let e = try call.y(0), v = try call.y(1)
    var middle: C.Value?
    if let ge = call.gradients[0] { middle = try c.diagonal(ge) }
    if let gv = call.gradients[1] {
      let part = try c.mul(try c.inverseDifferences(e), try c.matmul(v, gv, transposeA: true))
      middle = try middle.map { try c.add($0, part) } ?? part
    }
    guard let middle else { return call.none }
    let whole = try c.matmul(try c.matmul(v, middle), v, transposeB: true)
    let both = try c.apply(TriluOp(upper: false), try c.add(whole, try c.transposedMatrix(whole)))
    let diagonal = try c.mul(both, try c.identity(like: both))
    return [try c.sub(both, try c.scaled(diagonal, by: 0.5))]
  }
}

extension SVDOp: DifferentiableOp {
  /// Giles (2008); for vectors of the larger side, Townsend (2016).
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let extents = try c.extents(of: try call.x()), rank = extents.count
    let m = extents[rank - 2], n = extents[rank - 1], k = min(m, n), last = rank - 1
    let hasVectors = call.gradients[1] != nil || call.gradients[2] != nil
    if isWhole, hasVectors, max(m, n) - k > 1 {
      throw GraphError(.invalidStructure, "whole bases of a \(m) × \(n) matrix are not unique and have no gradient; take isWhole: false")
    }
    let s = try call.y(0)
    /// The vectors that belong to values, and the one that does not.
    func split(_ x: C.Value, _ extent: Int, in c: inout C) throws -> (C.Value, rest: C.Value?) {
      guard isWhole, extent > k else { return (x, nil) }
      return (try c.slice(x, axis: last, start: 0, end: k), try c.slice(x, axis: last, start: k, end: extent))
    }
    let (u, restU) = try split(try call.y(1), m, in: &c), (v, restV) = try split(try call.y(2), n, in: &c)
    var middle = try call.gradients[0].map { try c.diagonal($0) }
    var outer: [C.Value] = []
    if hasVectors {
      let f = try c.inverseDifferences(try c.square(s))
      let row = try c.unsqueeze(s, [last - 1]), column = try c.unsqueeze(s, [last])
      for (isLeft, x, rest) in [(true, u, restU), (false, v, restV)] {
        guard let all = call.gradients[isLeft ? 1 : 2] else { continue }
        let (g, restG) = try split(all, isLeft ? m : n, in: &c)
        let turned = try c.mul(f, try c.matmul(x, g, transposeA: true))
        let both = try c.add(turned, try c.transposedMatrix(turned)), part = try isLeft ? c.mul(both, row) : c.mul(column, both)
        middle = try middle.map { try c.add($0, part) } ?? part
        guard (isLeft ? m : n) > k else { continue }
        // What leaves the space of the vectors.
        var away = try c.sub(g, try c.matmul(x, try c.matmul(x, g, transposeA: true)))
        if let rest, let restG { away = try c.sub(away, try c.matmul(rest, try c.matmul(restG, x, transposeA: true))) }
        let divided = try c.mul(away, try c.safeReciprocal(row))
        outer.append(try isLeft ? c.matmul(divided, v, transposeB: true) : c.matmul(u, divided, transposeB: true))
      }
    }
    guard let middle else { return call.none }
    var result = try c.matmul(try c.matmul(u, middle), v, transposeB: true)
    for part in outer { result = try c.add(result, part) }
    return [result]
  }
}

extension QROp: DifferentiableOp {
  /// Roberts and Roberts (2020).
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let x = try call.x(), extents = try c.extents(of: x), last = extents.count - 1
    let m = extents[last - 1], n = extents[last]
    guard m <= n || !isWhole else {
      throw GraphError(.invalidStructure, "the whole basis of a \(m) × \(n) matrix is not unique and has no gradient; take isWhole: false")
    }
    let q = try call.y(0), r = try call.y(1)
    var dq = try call.gradients[0] ?? c.zeros(like: q)
    let dr = try call.gradients[1] ?? c.zeros(like: r)
    if m >= n { return [try Self.square(q, r, dq, dr, in: &c)] }
    // The first columns are the square case, the others are `q` times their part of `r`.
    let rest = try c.slice(dr, axis: last, start: m, end: n)
    dq = try c.add(dq, try c.matmul(try c.slice(x, axis: last, start: m, end: n), rest, transposeB: true))
    let front = try Self.square(
      q, try c.slice(r, axis: last, start: 0, end: m), dq, try c.slice(dr, axis: last, start: 0, end: m), in: &c)
    return [try c.concat([front, try c.matmul(q, rest)], axis: last)]
  }
  private static func square<C: OpContext>(
    _ q: C.Value, _ r: C.Value, _ dq: C.Value, _ dr: C.Value, in c: inout C
  ) throws -> C.Value {
    /// `x · r⁻ᵀ`.
    func solved(_ x: C.Value, in c: inout C) throws -> C.Value {
      try c.transposedMatrix(try c.apply(TriangularSolveOp(lower: false), r, try c.transposedMatrix(x)))
    }
    func skew(_ x: C.Value, in c: inout C) throws -> C.Value { try c.sub(x, try c.transposedMatrix(x)) }
    let qdq = try c.matmul(q, dq, transposeA: true), rdr = try c.matmul(r, dr, transposeB: true)
    let lower = try c.apply(TriluOp(upper: false), try c.add(try skew(qdq, in: &c), try skew(rdr, in: &c)))
    let inside = try c.matmul(q, try c.add(dr, try solved(lower, in: &c)))
    return try c.add(inside, try solved(try c.sub(dq, try c.matmul(q, qdq)), in: &c))
  }
}

extension OpContext {
  /// The identity, to be broadcast against matrices like `x`.
  fileprivate mutating func identity(like x: Value) throws -> Value {
    let extents = try extents(of: x)
    return try apply(EyeLikeOp(), try zeros(Array(extents.suffix(2)), dtype: type(of: x).dtype))
  }
  /// Square matrices with `x` on the diagonal.
  fileprivate mutating func diagonal(_ x: Value) throws -> Value {
    let extents = try extents(of: x), n = extents.last ?? 0
    let eye = try apply(EyeLikeOp(), try zeros([n, n], dtype: type(of: x).dtype))
    return try mul(try unsqueeze(x, [extents.count]), eye)
  }
  /// `x / (x² + ε)`: zero for zero.
  fileprivate mutating func safeReciprocal(_ x: Value) throws -> Value { try div(x, try shifted(try square(x), by: 1e-20)) }
  /// `1 / (x[j] − x[i])`, zero on the diagonal.
  fileprivate mutating func inverseDifferences(_ x: Value) throws -> Value {
    let rank = try rank(of: x), difference = try sub(try unsqueeze(x, [rank - 1]), try unsqueeze(x, [rank]))
    // Ones on the diagonal, so that second gradients do not divide by zero there.
    let eye = try identity(like: difference), inverse = try safeReciprocal(try add(difference, eye))
    return try mul(inverse, try shifted(try neg(eye), by: 1))
  }
}

import ModelGraph
import ModelOps
import ModelTensor

extension MatMulOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let a = try call.x(0), b = try call.x(1)
    var x = a, y = b, g = try call.g()
    var shape = try c.extents(of: g)
    // A vector is a row on the left and a column on the right.
    if try c.rank(of: b) == 1 {
      y = try c.unsqueeze(b, [1])
      shape.append(1)
    }
    if try c.rank(of: a) == 1 {
      x = try c.unsqueeze(a, [0])
      shape.insert(1, at: shape.count - 1)
    }
    g = try c.reshaped(g, shape)
    let (ta, tb) = (try c.rank(of: a) > 1 && transposeA, try c.rank(of: b) > 1 && transposeB)
    var result = call.none
    if call.needs(0) {
      let da = ta ? try c.matmul(y, g, transposeA: tb, transposeB: true) : try c.matmul(g, y, transposeB: !tb)
      result[0] = try c.reshaped(try c.unbroadcast(da, to: x), like: a)
    }
    if call.needs(1) {
      // Rows of one matrix against a batch: one product instead of many and a sum.
      if !ta, try c.rank(of: y) == 2, try c.rank(of: x) > 2 {
        let xs = try c.extents(of: x), gs = try c.extents(of: g)
        let rows = xs.dropLast().reduce(1, *)
        let flatX = try c.reshaped(x, [rows, xs[xs.count - 1]]), flatG = try c.reshaped(g, [rows, gs[gs.count - 1]])
        let db = tb ? try c.matmul(flatG, flatX, transposeA: true) : try c.matmul(flatX, flatG, transposeA: true)
        result[1] = try c.reshaped(db, like: b)
      } else {
        let db = tb ? try c.matmul(g, x, transposeA: true, transposeB: ta) : try c.matmul(x, g, transposeA: !ta)
        result[1] = try c.reshaped(try c.unbroadcast(db, to: y), like: b)
      }
    }
    return result
  }
}

extension DetOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let x = try call.x(), rank = try c.rank(of: x)
    let inverse = try c.transposedMatrix(try c.apply(MatrixInverseOp(), x))
    let factor = try c.mul(try call.g(), try call.y())
    return [try c.mul(inverse, try c.unsqueeze(factor, [rank - 2, rank - 1]))]
  }
}
extension MatrixInverseOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let y = try call.y()
    return [try c.neg(try c.matmul(try c.matmul(y, try call.g(), transposeA: true), y, transposeB: true))]
  }
}
extension MatrixSolveOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let db = try c.apply(MatrixSolveOp(), try c.transposedMatrix(try call.x(0)), try call.g())
    let da = try c.neg(try c.matmul(db, try call.y(), transposeB: true))
    return [try c.unbroadcast(da, to: try call.x(0)), try c.unbroadcast(db, to: try call.x(1))]
  }
}
extension TriangularSolveOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let db = try c.apply(TriangularSolveOp(lower: !lower), try c.transposedMatrix(try call.x(0)), try call.g())
    let full = try c.neg(try c.matmul(db, try call.y(), transposeB: true))
    let da = try c.apply(TriluOp(upper: !lower), full)
    return [try c.unbroadcast(da, to: try call.x(0)), try c.unbroadcast(db, to: try call.x(1))]
  }
}
extension CholeskyOp: DifferentiableOp {
  /// `l⁻ᵀ · Φ(lᵀ·g) · l⁻¹`, made symmetric; Φ keeps the lower triangle with half the diagonal (Murray, 2016).
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let l = try call.y(), transposed = try c.transposedMatrix(l)
    let product = try c.matmul(l, try call.g(), transposeA: true)
    let lower = try c.apply(TriluOp(upper: false), product)
    let strict = try c.apply(TriluOp(upper: false), product, try c.scalar(-1, dtype: .int64))
    let phi = try c.scaled(try c.add(lower, strict), by: 0.5)
    let left = try c.apply(TriangularSolveOp(lower: false), transposed, phi)
    let whole = try c.transposedMatrix(try c.apply(TriangularSolveOp(lower: false), transposed, try c.transposedMatrix(left)))
    return [try c.scaled(try c.add(whole, try c.transposedMatrix(whole)), by: 0.5)]
  }
}

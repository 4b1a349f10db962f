import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let linearRules: [NodeRule] =
  diagonalRules + [
    .rule(
      "MatMul", MatMulOp.self,
      read: { n, g in
        [
          try g.matmul(
            try n.input(0), try n.input(1), transposeA: try n.flag("transpose_a"), transposeB: try n.flag("transpose_b"))
        ]
      },
      write: { op, x, w in [try writeMatMul(op, x, &w)] }),
    .reads("BatchMatMul") { n, g in [try readBatchMatMul(n, &g)] },
    .reads("BatchMatMulV2") { n, g in [try readBatchMatMul(n, &g)] },
    .reads("BatchMatMulV3") { n, g in
      let dtype = try n.dtype("Tout")
      let a = try g.cast(try n.input(0), to: dtype), b = try g.cast(try n.input(1), to: dtype)
      return [try g.matmul(a, b, transposeA: try n.flag("adj_x"), transposeB: try n.flag("adj_y"))]
    },
    .reads("SparseMatMul") { n, g in
      // Sparse in what its matrices hold, not in how they are stored.
      let a = try g.cast(try n.input(0), to: .float32), b = try g.cast(try n.input(1), to: .float32)
      return [try g.matmul(a, b, transposeA: try n.flag("transpose_a"), transposeB: try n.flag("transpose_b"))]
    },
    .rule(
      "Einsum", EinsumOp.self,
      read: { n, g in try g.apply(EinsumOp(equation: try n.string("equation")), to: n.inputs) },
      write: { op, x, w in
        let equation = op.equation.filter { $0 != " " }
        guard equation.contains("->"), x.count <= 2, w.dialect == .tensorFlow || !equation.contains(".") else {
          return try op.decompose(x.values, in: &w)
        }
        return [try w.emit("Einsum", x.values, ["equation": .string(equation)])]
      }),
    .reads("MatrixBandPart") { n, g in
      var x = try n.input(0)
      // A negative number keeps the whole triangle.
      for (index, upper) in [(1, true), (2, false)] {
        let count = try n.input(index)
        if let known = g.fact(of: count).integers?.first ?? g.fact(of: count).scalar.flatMap({ Int(exactly: $0) }) {
          if known < 0 { continue }
          x = try g.apply(TriluOp(upper: upper), x, try g.constant(NDArray(scalar: Int64(upper ? -known : known))))
        } else {
          let wide = try g.cast(count, to: .int64), zero = try g.scalar(0, dtype: .int64)
          let all = try g.scalar(1e15, dtype: .int64)
          let kept = try g.select(try g.apply(LessOp(), wide, zero), all, wide)
          x = try g.apply(TriluOp(upper: upper), x, upper ? try g.apply(NegOp(), kept) : kept)
        }
      }
      return [x]
    },
    .writes(TriluOp.self) { op, inputs, w in
      let x = try inputs.required(0)
      let k = inputs[1].map { value -> Int? in value.fact.integers?.first ?? value.fact.scalar.flatMap { Int(exactly: $0) } } ?? 0
      if let k, op.upper ? k <= 0 : k >= 0 {
        let near = try w.constant(NDArray(scalar: Int64(abs(k)))), all = try w.constant(NDArray(scalar: Int64(-1)))
        return [try w.emit("MatrixBandPart", [x, op.upper ? near : all, op.upper ? all : near])]
      }
      let offset = try w.diagonalOffsets(of: x)
      let bound = try inputs[1].map { try w.cast(try w.asScalar($0), to: .int64) } ?? w.constant(NDArray(scalar: Int64(0)))
      let isKept = try w.apply(op.upper ? GreaterOrEqualOp() : LessOrEqualOp(), offset, bound)
      return [try w.select(isKept, x, try w.scalar(0, like: x))]
    },
    .same("MatrixDeterminant", DetOp()), .same("Cholesky", CholeskyOp()),
    .rule(
      "Qr", QROp.self, read: { n, g in try g.apply(QROp(isWhole: try n.flag("full_matrices")), to: [try n.input(0)]) },
      write: { op, x, w in try w.emit("Qr", x.values, ["full_matrices": .bool(op.isWhole)], types: try w.types(op, x)) }),
    .rule(
      "SelfAdjointEigV2", SymmetricEigenOp.self,
      read: { n, g in
        let results = try g.apply(SymmetricEigenOp(), to: [try n.input(0)])
        if try n.flag("compute_v") { return results }
        return [results[0], try g.constant(NDArray(zeros: g.type(of: results[1]).dtype, [0]))]
      },
      write: { op, x, w in try w.emit("SelfAdjointEigV2", x.values, ["compute_v": .bool(true)], types: try w.types(op, x)) }),
    .rule(
      "Svd", SVDOp.self,
      read: { n, g in
        let results = try g.apply(SVDOp(isWhole: try n.flag("full_matrices")), to: [try n.input(0)])
        if try n.flag("compute_uv") { return results }
        let none = try g.constant(NDArray(zeros: g.type(of: results[0]).dtype, [0]))
        return [results[0], none, none]
      },
      write: { op, x, w in
        try w.emit("Svd", x.values, ["compute_uv": .bool(true), "full_matrices": .bool(op.isWhole)], types: try w.types(op, x))
      }),
    .rule(
      "Lu", LUOp.self,
      read: { n, g in
        let results = try g.apply(LUOp(), to: [try n.input(0)])
        return [results[0], try g.cast(results[1], to: try n.dtype("output_idx_type"))]
      },
      write: { op, x, w in try w.emit("Lu", x.values, ["output_idx_type": try .dtype(.int64)], types: try w.types(op, x)) }),
    .rule(
      "LogMatrixDeterminant", LogDeterminantOp.self,
      read: { n, g in try g.apply(LogDeterminantOp(), to: [try n.input(0)]) },
      write: { op, x, w in try w.emit("LogMatrixDeterminant", x.values, types: try w.types(op, x)) }),
    .rule(
      "MatrixInverse", MatrixInverseOp.self,
      read: { n, g in [try g.swapped(try g.apply(MatrixInverseOp(), try n.input(0)), if: try n.flag("adjoint"))] },
      write: { _, x, w in [try w.emit("MatrixInverse", x.values)] }),
    .rule(
      "MatrixSolve", MatrixSolveOp.self,
      read: { n, g in
        [try g.apply(MatrixSolveOp(), try g.swapped(try n.input(0), if: try n.flag("adjoint")), try n.input(1))]
      },
      write: { _, x, w in [try w.emit("MatrixSolve", x.values, as: try x.required(1).type)] }),
    .rule(
      "MatrixTriangularSolve", TriangularSolveOp.self,
      read: { n, g in
        // The transpose's other triangle is what is read.
        let adjoint = try n.flag("adjoint"), lower = try n.flag("lower")
        return [try g.apply(TriangularSolveOp(lower: lower != adjoint), try g.swapped(try n.input(0), if: adjoint), try n.input(1))]
      },
      write: { op, x, w in [try w.emit("MatrixTriangularSolve", x.values, ["lower": .bool(op.lower)], as: try x.required(1).type)] }),
  ]

private func readBatchMatMul(_ n: NodeReader, _ g: inout GraphContext) throws -> ValueID {
  var a = try n.input(0), b = try n.input(1)
  let dtype = g.type(of: a).dtype, isShort = dtype.isInteger && dtype != .int32 && dtype != .int64
  if isShort { (a, b) = (try g.cast(a, to: .int64), try g.cast(b, to: .int64)) }
  return try g.cast(try g.matmul(a, b, transposeA: try n.flag("adj_x"), transposeB: try n.flag("adj_y")), to: dtype)
}

private func writeMatMul(_ op: MatMulOp, _ inputs: RuleInputs, _ w: inout NodeWriter) throws -> OutValue {
  var a = try inputs.required(0), b = try inputs.required(1)
  let dtype = a.type.dtype, own: Set<DType> = [.float16, .bfloat16, .float32, .float64, .int32, .int64, .complex64, .complex128]
  let isVectorA = a.type.shape.rank == 1, isVectorB = b.type.shape.rank == 1
  if isVectorA { a = try w.unsqueeze(a, [0]) }
  if isVectorB { b = try w.unsqueeze(b, [1]) }
  if !own.contains(dtype) { (a, b) = (try w.cast(a, to: .int64), try w.cast(b, to: .int64)) }
  var direct = op
  if isVectorA { direct.transposeA = false }
  if isVectorB { direct.transposeB = false }
  let type = try direct.infer([a.fact, b.fact])[0]
  var y: OutValue
  if a.type.shape.rank == 2, b.type.shape.rank == 2 {
    y = try w.emit("MatMul", [a, b], ["transpose_a": .bool(direct.transposeA), "transpose_b": .bool(direct.transposeB)], as: type)
  } else {
    y = try w.emit("BatchMatMulV2", [a, b], ["adj_x": .bool(direct.transposeA), "adj_y": .bool(direct.transposeB)], as: type)
  }
  if isVectorB { y = try w.squeeze(y, [-1]) }
  if isVectorA { y = try w.squeeze(y, [isVectorB ? -1 : -2]) }
  return try w.cast(y, to: dtype)
}

extension OpContext {
  fileprivate mutating func swapped(_ x: Value, if wanted: Bool) throws -> Value {
    guard wanted else { return x }
    let rank = try rank(of: x)
    guard rank >= 2 else { throw GraphError(.shapeMismatch, "a matrix of rank \(rank)") }
    return try transpose(x, Array(0..<(rank - 2)) + [rank - 1, rank - 2])
  }

  /// For each place of the last two axes: its column less its row, int64.
  mutating func diagonalOffsets(of x: Value) throws -> Value {
    let rank = try rank(of: x)
    guard rank >= 2 else { throw GraphError(.shapeMismatch, "a matrix of rank \(rank)") }
    let zero = try scalar(0, dtype: .int64), one = try scalar(1, dtype: .int64)
    let rows = try apply(RangeOp(), zero, try squeeze(try dim(of: x, rank - 2), [0]), one)
    let columns = try apply(RangeOp(), zero, try squeeze(try dim(of: x, rank - 1), [0]), one)
    return try sub(try unsqueeze(columns, [0]), try unsqueeze(rows, [1]))
  }
}

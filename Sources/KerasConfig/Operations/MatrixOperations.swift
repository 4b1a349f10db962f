import ModelGraph
import ModelOps
import ModelTensor

/// Factors, inverses and solutions of matrices.
extension OperationRules {
  static let matrices = OperationFamily(rules: matrixRules, writers: matrixWriters)

  private static let matrixRules: [OperationRule] = [
    OperationRule(.linalg, "Inv") { try $1.apply(MatrixInverseOp(), try $0.floating("x", in: &$1)) },
    OperationRule(.linalg, "Cholesky") { call, context in
      let y = try context.apply(CholeskyOp(), try call.floating("x", in: &context))
      guard try call.bool("upper") else { return y }
      var order = Array(0..<(try context.rank(of: y)))
      order.swapAt(order.count - 1, order.count - 2)
      return try context.transpose(y, order)
    },
    OperationRule(.linalg, "Solve", ["a", "b"]) { call, context in
      try solved(MatrixSolveOp(), call, in: &context)
    },
    OperationRule(.linalg, "SolveTriangular", ["a", "b"]) { call, context in
      try solved(TriangularSolveOp(lower: try call.bool("lower")), call, in: &context)
    },
    OperationRule(
      .linalg, "Qr",
      many: { call, context in
        try context.apply(QROp(isWhole: try call.string("mode") == "complete"), to: [try call.floating("x", in: &context)])
      }),
    OperationRule(
      .linalg, "Eigh",
      many: { call, context in
        try context.apply(SymmetricEigenOp(), to: [try call.floating("x", in: &context)])
      }),
    OperationRule(
      .linalg, "SVD",
      many: { call, context in
        let parts = try context.apply(
          SVDOp(isWhole: try call.bool("full_matrices", default: true)), to: [try call.floating("x", in: &context)])
        guard try call.bool("compute_uv", default: true) else { return [try parts.at(0)] }
        let v = try parts.at(2)
        var order = Array(0..<(try context.rank(of: v)))
        order.swapAt(order.count - 1, order.count - 2)
        return [try parts.at(1), try parts.at(0), try context.transpose(v, order)]
      }),
    OperationRule(.math, "Logdet") { call, context in
      let x = try call.floating("x", in: &context), extent = x.fact.type.shape.dims?.last?.value
      if let extent, extent <= 8 { return try context.apply(LogOp(), try context.apply(DetOp(), x)) }
      // As TensorFlow computes it, where the determinant itself might not be finite.
      let factor = try context.apply(CholeskyOp(), x), rank = try context.rank(of: x)
      guard rank >= 2, rank <= 20 else { throw call.unsupported("of tensors of such rank") }
      let lead = String("abcdefghijklmnopqrstuvw".prefix(rank - 2))
      let diagonal = try context.apply(EinsumOp(equation: "\(lead)zz->\(lead)z"), factor)
      let sum = try context.reduce(.sum, try context.apply(LogOp(), diagonal), axes: [rank - 2])
      return try context.mul(sum, try context.scalar(2, like: sum))
    },
    OperationRule(.math, "CDist", ["x", "y"]) { call, context in
      let x = try call.floating("x", in: &context), y = try call.floating("y", in: &context)
      let p = try context.rank(of: x), q = try context.rank(of: y)
      let difference = try context.sub(try context.unsqueeze(x, [p - 1]), try context.unsqueeze(y, [q - 2]))
      let square = try context.apply(SquareOp(), difference)
      return try context.apply(SqrtOp(), try context.reduce(.sum, square, axes: [try context.rank(of: square) - 1]))
    },
  ]

  /// A right side of one axis less is a vector for each matrix.
  private static func solved(_ op: any Op, _ call: OperationCall, in context: inout RecordingContext) throws -> RecordingContext.Value {
    let operands = try call.promoted(["a", "b"], float: true, in: &context)
    let rank = try context.rank(of: operands[0]), isVector = try context.rank(of: operands[1]) == rank - 1
    guard isVector else { return try context.apply(op, operands[0], operands[1]) }
    return try context.squeeze(try context.apply(op, operands[0], try context.unsqueeze(operands[1], [rank - 1])), [rank - 1])
  }

  private static let matrixWriters: [OperationWriteRule] = [
    OperationWriteRule(MatrixInverseOp.self) { _, inputs, writer in try writer.unary("Inv", try inputs.at(0), module: .linalg) },
    OperationWriteRule(CholeskyOp.self) { _, inputs, writer in
      try writer.call(.linalg, "Cholesky", [.tensor(try inputs.at(0))], ["upper": false])
    },
    OperationWriteRule(MatrixSolveOp.self) { _, inputs, writer in
      try writer.call(.linalg, "Solve", [.tensor(try inputs.at(0)), .tensor(try inputs.at(1))])
    },
    OperationWriteRule(TriangularSolveOp.self) { op, inputs, writer in
      try writer.call(.linalg, "SolveTriangular", [.tensor(try inputs.at(0)), .tensor(try inputs.at(1))], ["lower": .bool(op.lower)])
    },
    OperationWriteRule(
      QROp.self,
      many: { op, inputs, writer in
        let x = try inputs.compactMap { $0 }.at(0)
        return try writer.calls(.linalg, "Qr", [.tensor(x)], ["mode": op.isWhole ? "complete" : "reduced"])
      }),
    OperationWriteRule(
      SymmetricEigenOp.self,
      many: { _, inputs, writer in try writer.calls(.linalg, "Eigh", [.tensor(try inputs.compactMap { $0 }.at(0))]) }),
    OperationWriteRule(
      SVDOp.self,
      many: { op, inputs, writer in
        let x = try inputs.compactMap { $0 }.at(0)
        let parts = try writer.calls(
          .linalg, "SVD", [.tensor(x)], ["full_matrices": .bool(op.isWhole), "compute_uv": true])
        var order = Array(0..<(try x.rank()))
        order.swapAt(order.count - 1, order.count - 2)
        return [try parts.at(1), try parts.at(0), try writer.transpose(try parts.at(2), order)]
      }),
  ]
}

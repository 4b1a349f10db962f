import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let linearRules: [NodeRule] = [
  .rule(
    "MatMul", MatMulOp.self, read: { n, g in [try g.apply(MatMulOp(), try n.input(0), try n.input(1))] },
    write: { op, x, w in
      let a = try w.swapLastAxes(try x.required(0), if: op.transposeA)
      let b = try w.swapLastAxes(try x.required(1), if: op.transposeB)
      let type = try? MatMulOp().infer([a.fact, b.fact])[0]
      return [try w.emit("MatMul", [a, b], as: type)]
    }),
  .rule(
    "Gemm", GemmOp.self,
    read: { n, g in
      let op = GemmOp(
        alpha: try n.float("alpha") ?? 1, beta: try n.float("beta") ?? 1, transposeA: try n.flag("transA"),
        transposeB: try n.flag("transB"))
      return [try g.apply(op, try n.input(0), try n.input(1), n[2])]
    },
    write: { op, x, w in
      let a = try x.required(0), b = try x.required(1)
      guard a.type.shape.rank == 2, b.type.shape.rank == 2 else { return try op.decompose(x.values, in: &w) }
      let type = try? op.infer(x.values.map { $0?.fact })[0]
      return [
        try w.emit(
          "Gemm", [a, b, x[2]],
          [
            "alpha": .float(op.alpha), "beta": .float(op.beta), "transA": .flag(op.transposeA),
            "transB": .flag(op.transposeB),
          ], as: type)
      ]
    }),
  .rule(
    "Einsum", EinsumOp.self,
    read: { n, g in try g.apply(EinsumOp(equation: try n.required(try n.string("equation"), "equation")), to: n.inputs) },
    write: { op, x, w in [try w.emit("Einsum", x.values, ["equation": .string(op.equation)])] }),
  .rule(
    "DFT", DFTOp.self,
    read: { n, g in
      let old = n.version < 20
      let op = DFTOp(
        axis: old ? try n.int("axis") ?? 1 : -2, inverse: try n.flag("inverse"), onesided: try n.flag("onesided"))
      return [try g.apply(op, try n.input(0), n[1], old ? nil : n[2])]
    },
    write: { op, x, w in
      guard w.opset >= 17 else { throw UnsupportedError("needs opset 17") }
      // ONNX Runtime takes it, ONNX's own inference of shapes calls it invalid: a product where it can be one.
      if op.inverse, op.onesided, op.isSpelled(x.values.map { $0?.fact }) {
        throw UnsupportedError("a transform back takes whole spectra")
      }
      if w.opset >= 20 {
        let axis = try x[2] ?? w.constant(NDArray(scalar: Int64(op.axis)))
        return [
          try w.emit(
            "DFT", [try x.required(0), x[1], axis], ["inverse": .flag(op.inverse), "onesided": .flag(op.onesided)])
        ]
      }
      var axis = op.axis
      if let given = x[2] {
        guard let known = given.fact.integers?.first else { throw UnsupportedError("a computed axis needs opset 20") }
        axis = known
      }
      if axis < 0 { axis += try w.rank(of: try x.required(0)) }
      return [
        try w.emit(
          "DFT", [try x.required(0), x[1]],
          ["axis": .int(axis), "inverse": .flag(op.inverse), "onesided": .flag(op.onesided)])
      ]
    }),
  .rule(
    "STFT", STFTOp.self,
    read: { n, g in
      [try g.apply(STFTOp(onesided: try n.flag("onesided", true)), try n.input(0), try n.input(1), n[2], n[3])]
    },
    write: { op, x, w in
      guard w.opset >= 17 else { throw UnsupportedError("needs opset 17") }
      return [try w.emit("STFT", x.values, ["onesided": .flag(op.onesided)])]
    }),
]

extension NodeWriter {
  /// The value with its last two axes swapped; a constant is written swapped.
  mutating func swapLastAxes(_ value: OutValue, if wanted: Bool) throws -> OutValue {
    guard wanted, value.type.shape.rank != 1 else { return value }
    let rank = try rank(of: value)
    var order = Array(0..<rank)
    order.swapAt(rank - 1, rank - 2)
    return try permuted(value, order)
  }

  /// The value with its axes permuted; a constant is written permuted, its bytes being gathered on the way.
  mutating func permuted(_ value: OutValue, _ order: [Int]) throws -> OutValue {
    if order == Array(0..<order.count) { return value }
    if let tensor = value.fact.constant, tensor.extents.count == order.count, tensor.dtype.bitWidth ?? 0 >= 8 {
      return try constant(tensor.transposed(order))
    }
    return try transpose(value, order)
  }
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Sets and sequences along the last axis, and how far these are from each other.
let setRules: [NodeRule] = [
  .reads("DenseToDenseSetOperation") { n, g in try n.setOperation([false, false], &g) },
  .reads("DenseToSparseSetOperation") { n, g in try n.setOperation([false, true], &g) },
  .reads("SparseToSparseSetOperation") { n, g in try n.setOperation([true, true], &g) },
  .writes(SetOperationOp.self) { op, x, w in
    guard w.dialect == .tensorFlow else { throw UnsupportedError("TensorFlow.js has no operations on sets") }
    let type = op.isSparse == [true, true] ? "SparseToSparse" : op.isSparse == [false, true] ? "DenseToSparse" : "DenseToDense"
    return try w.emit(
      "\(type)SetOperation", x.values, ["set_operation": .string(op.operation.rawValue)], types: try w.types(op, x))
  },
  .rule(
    "EditDistance", EditDistanceOp.self,
    read: { n, g in try g.apply(EditDistanceOp(isNormalized: try n.flag("normalize")), to: n.inputs) },
    write: { op, x, w in
      guard w.dialect == .tensorFlow else { throw UnsupportedError("TensorFlow.js has no EditDistance") }
      return [try w.emit("EditDistance", x.values, ["normalize": .bool(op.isNormalized)], as: try w.types(op, x)[0])]
    }),
]

extension NodeReader {
  fileprivate func setOperation(_ isSparse: [Bool], _ g: inout GraphContext) throws -> [ValueID] {
    guard let operation = SetOperation(rawValue: try string("set_operation").lowercased()) else {
      throw FormatError(.invalidValue, "\(type): '\(try string("set_operation"))'")
    }
    return try g.apply(SetOperationOp(operation, isSparse: isSparse), to: inputs)
  }
}

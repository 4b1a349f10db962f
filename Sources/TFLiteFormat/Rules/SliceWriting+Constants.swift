import GraphWriting
import ModelGraph
import ModelOps
import ModelTensor

/// Parts of weights that a loop would cut out of them in each turn: constants of their own, which products take as weights.
extension OperatorWriter {
  /// The result of an op whose inputs are all known and small, computed beforehand.
  mutating func known(_ op: any PrimitiveOp, _ x: RuleInputs) throws -> OutValue? {
    let constants = x.values.map { $0?.fact.constant }
    guard zip(x.values, constants).allSatisfy({ $0 == nil || $1 != nil }), constants.contains(where: { $0 != nil }),
      constants.allSatisfy({ $0.map { $0.dtype != .string && $0.type.quantization == nil && $0.source.byteCount <= 1 << 16 } ?? true }),
      let count = try types(op, x)[0].shape.elementCount, count <= 1 << 14
    else { return nil }
    let context = ExecutionContext(primitives: ReferencePrimitives())
    return try op.evaluate(try constants.map { try $0?.array() }, in: context).first.map { try constant($0) }
  }

  /// Rows of a constant, where they stand.
  mutating func rows(_ op: SliceOp, _ x: RuleInputs) throws -> OutValue? {
    guard let tensor = x[0]?.fact.constant, tensor.dtype.bitWidth ?? 0 >= 8, tensor.dtype != .string, tensor.type.quantization == nil,
      let extent = tensor.extents.first, let start = x[1]?.fact.integers, let end = x[2]?.fact.integers, start.count == 1, end.count == 1,
      x[3] == nil || x[3]?.fact.integers == [0], x[4] == nil || x[4]?.fact.integers == [1], start[0] >= 0, end[0] > start[0],
      end[0] <= extent, tensor.elementCount > 0
    else { return nil }
    return try constant(tensor.rows(start[0]..<end[0]))
  }
}

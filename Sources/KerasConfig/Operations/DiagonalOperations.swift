import ModelGraph
import ModelLayers
import ModelOps
import ModelSupport
import ModelTensor

extension OperationRules {
  /// Pooling to fixed extents, matrices of one diagonal, and what is known of real numbers.
  static let diagonals = OperationFamily(
    rules: [
      adaptive("AdaptiveAveragePool", AverageKind.self), adaptive("AdaptiveMaxPool", MaxKind.self),
      OperationRule(.numpy, "Diag") { call, context in
        let x = try call.tensor("x", in: &context)
        guard try context.rank(of: x) == 1 else { throw call.unsupported("of a matrix") }
        return try matrix(x, call, in: &context)
      },
      OperationRule(.numpy, "Diagflat") { call, context in
        try matrix(try context.reshape(try call.tensor("x", in: &context), [-1]), call, in: &context)
      },
      // Real numbers are all that there is here.
      OperationRule(.numpy, "Isreal") { call, context in
        let x = try call.tensor("x", in: &context)
        return try context.expand(try context.constant(NDArray([true], [])), to: try context.shape(of: x))
      },
      OperationRule(.numpy, "Imag") { call, context in
        let x = try call.tensor("x", in: &context)
        return try context.expand(try context.scalar(0, like: x), to: try context.shape(of: x))
      },
    ])

  private static func adaptive<K: PoolingKind>(_ className: String, _: K.Type) -> OperationRule {
    OperationRule(.nn, className, ["inputs"]) { call, context in
      let x = try call.tensor("inputs", in: &context), rank = try context.rank(of: x) - 2
      guard let size = try call.perAxis("output_size", count: max(rank, 0), default: nil), size.allSatisfy({ $0 > 0 }) else {
        throw call.mismatch("output_size", "an extent for each axis")
      }
      let layout = try call.layout()
      func pooled<R: SpatialRank>(_: R.Type) throws -> RecordingContext.Value {
        var layer = AdaptivePooling<K, R>()
        layer.outputSize = size
        layer.layout = layout
        return try layer.call(LayerCall(inputs: [x]), in: &context).at(0)
      }
      switch rank {
      case 1: return try pooled(Rank1.self)
      case 2: return try pooled(Rank2.self)
      case 3: return try pooled(Rank3.self)
      default: throw call.unsupported("over \(rank) axes")
      }
    }
  }

  /// A vector as the `k`-th diagonal of a square matrix of zeros.
  private static func matrix(
    _ x: RecordingContext.Value, _ call: OperationCall, in context: inout RecordingContext
  ) throws -> RecordingContext.Value {
    let k = try call.int("k", default: 0)
    guard (-65535...65535).contains(k) else { throw call.mismatch("k", "a diagonal nearby") }
    let away = abs(k)
    let padded = try context.pad(x, before: [0], after: [away])
    let zero = try context.scalar(0, dtype: .int64), one = try context.scalar(1, dtype: .int64)
    let count = try context.reshape(try context.dim(of: padded, 0), [])
    let places = try context.apply(RangeOp(), zero, count, one)
    let moved = try context.add(places, try context.scalar(Double(away), dtype: .int64))
    // Element i stands in row i, k columns on; or in column i, −k rows down.
    let own = try context.unsqueeze(padded, [k < 0 ? 0 : 1]), first = try context.unsqueeze(moved, [k < 0 ? 0 : 1])
    let isHere = try context.apply(EqualOp(), first, try context.unsqueeze(places, [k < 0 ? 1 : 0]))
    return try context.select(isHere, own, try context.scalar(0, like: x))
  }
}

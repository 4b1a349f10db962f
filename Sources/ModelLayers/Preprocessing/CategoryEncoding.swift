import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// How categories become numbers.
public enum CategoryMode: String, Sendable, Hashable, CaseIterable, AttributeConvertible {
  case int, oneHot = "one_hot", multiHot = "multi_hot", count
  public var attributeValue: AttributeValue { .string(rawValue) }
}

/// Indices of categories as one-hot, multi-hot or count vectors of `tokens` elements.
public struct CategoryEncoding: ConfigurableLayer {
  public static let className = "CategoryEncoding"
  public var tokens = 1
  public var mode = CategoryMode.multiHot
  public init() {}

  public var castsInputs: Bool { false }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let weights = call.named["count_weights"] ?? (call.inputs.count > 1 ? call.inputs[1] : nil)
    return [try context.encoded(try call.input(), mode, depth: tokens, dtype: .float32, weights: weights)]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}

/// Numbers as the indices of the bins they fall in, or those encoded.
public struct Discretization: ConfigurableLayer {
  public static let className = "Discretization"
  /// Ascending; a number equal to a boundary belongs to the bin above.
  public var boundaries: [Double] = []
  public var mode = CategoryMode.int
  /// Of indices: `int64` in Keras 2.
  public var indexType = DType.int32
  public init() {}

  /// A policy of integers is for the result.
  public var castsInputs: Bool { false }

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    var x = try call.input()
    if !context.dtype(of: x).isFloatingPoint { x = try context.cast(x, to: .float32) }
    let rank = try context.rank(of: x)
    let limits = try context.numbers(boundaries, isScalar: false, like: x)
    let above = try context.apply(GreaterOrEqualOp(), try context.unsqueeze(x, [rank]), limits)
    let bins = try context.reduce(.sum, try context.cast(above, to: .int32), axes: [rank])
    return [
      try context.encoded(bins, mode, depth: boundaries.count + 1, dtype: mode == .int ? indexType : .float32, weights: nil)
    ]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}

extension OpContext {
  /// Keras's `encode_categorical_inputs`.
  mutating func encoded(_ indices: Value, _ mode: CategoryMode, depth: Int, dtype: DType, weights: Value?) throws -> Value {
    if mode == .int { return try cast(indices, to: dtype) }
    var indices = try cast(indices, to: .int32)
    if try rank(of: indices) == 0 { indices = try unsqueeze(indices, [0]) }
    let rank = try rank(of: indices)
    if mode == .oneHot, rank > 1, try dims(of: indices)[rank - 1].value == 1 { indices = try squeeze(indices, [rank - 1]) }
    // Indices outside have no category.
    let range = try apply(RangeOp(), try scalar(0, dtype: .int32), try scalar(Double(depth), dtype: .int32), try scalar(1, dtype: .int32))
    let axis = try self.rank(of: indices)
    var hot = try cast(try apply(EqualOp(), try unsqueeze(indices, [axis]), range), to: dtype)
    if mode == .oneHot { return hot }
    if let weights, mode == .count { hot = try mul(hot, try cast(try unsqueeze(weights, [axis]), to: dtype)) }
    return try reduce(mode == .count ? .sum : .max, hot, axes: [rank > 1 ? 1 : 0])
  }
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension OpContext {
  /// `[1, T, S]`: row `t` may see columns up to `t`.
  mutating func causalMask(rows: Value, columns: Value) throws -> Value {
    let (row, column) = try positions(rows, columns)
    return try apply(GreaterOrEqualOp(), row, column)
  }
  /// `[1, T, S]`: row `t` may see columns less than `window` away.
  mutating func windowMask(rows: Value, columns: Value, window: Int) throws -> Value {
    let (row, column) = try positions(rows, columns)
    let distance = try apply(AbsOp(), try sub(row, column))
    return try apply(LessOp(), distance, try scalar(Double(window), dtype: .int64))
  }
  /// `[1, T, 1]` and `[1, 1, S]` positions; the counts are int64 vectors of one element.
  private mutating func positions(_ rows: Value, _ columns: Value) throws -> (Value, Value) {
    let zero = try scalar(0, dtype: .int64), one = try scalar(1, dtype: .int64)
    let row = try apply(RangeOp(), zero, try squeeze(rows, [0]), one)
    let column = try apply(RangeOp(), zero, try squeeze(columns, [0]), one)
    return (try unsqueeze(row, [0, 2]), try unsqueeze(column, [0, 1]))
  }
  mutating func both(_ a: Value?, _ b: Value?) throws -> Value? {
    guard let a else { return b }
    guard let b else { return a }
    return try apply(LogicalAndOp(), a, b)
  }

  /// All masks of a multi-head attention as one, broadcasting to `[B, T, S]`: those of query, value and
  /// key, a causal one, a window, and one given.
  mutating func attentionMask(
    _ call: LayerCall<Value>, query: Value, value: Value, causal: Bool, window: Int?
  ) throws -> Value? {
    var result: Value?
    func flag(_ keyword: String, _ index: Int) -> Value? { call.named[keyword] ?? call.mask(index) }
    if let mask = flag("query_mask", 0) { result = try unsqueeze(try cast(mask, to: .bool), [try rank(of: mask)]) }
    if let mask = flag("value_mask", 1) {
      result = try both(result, try unsqueeze(try cast(mask, to: .bool), [(try rank(of: mask)) - 1]))
    }
    // Given by itself, a key's mask counts though the key is left out.
    if let mask = flag("key_mask", 2) {
      result = try both(result, try unsqueeze(try cast(mask, to: .bool), [(try rank(of: mask)) - 1]))
    }
    if causal {
      result = try both(result, try causalMask(rows: try dim(of: query, 1), columns: try dim(of: value, 1)))
    }
    if let window {
      result = try both(result, try windowMask(rows: try dim(of: query, 1), columns: try dim(of: value, 1), window: window))
    }
    let given = try call.named["attention_mask"].map { try cast($0, to: .bool) }
    return try both(given, result)
  }
}

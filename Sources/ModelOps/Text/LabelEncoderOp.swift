import ModelGraph
import ModelTensor

/// Replaces each element by the value of its key, or by the default when it is no key (ONNX-ML LabelEncoder).
///
/// `keys` and `values` are vectors of one length, of the dtypes of the input and the result; a NaN key matches NaN.
public struct LabelEncoderOp: PrimitiveOp, CompositeOp {
  public static let name = "LabelEncoder"
  public static let family = OpFamily.text
  public var keys: NDArray
  public var values: NDArray
  public var defaultValue: NDArray
  public init(keys: NDArray, values: NDArray, defaultValue: NDArray) {
    self.keys = keys
    self.values = values
    self.defaultValue = defaultValue
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard x.dtype == keys.dtype, keys.count == values.count, defaultValue.count == 1, defaultValue.dtype == values.dtype else {
      throw GraphError(.invalidAttribute, "LabelEncoder of \(x) with keys \(keys.type) and values \(values.type)")
    }
    return [TensorType(values.dtype, x.shape)]
  }
  /// For targets without tables: the first of all keys that equals the element, and one more place that always fits.
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard let given = inputs.first, let x = given else { throw GraphError(.wrongInputCount, "LabelEncoder needs an input") }
    let count = keys.count
    // A longer table would take too much memory for each element.
    guard count >= 1, count == values.count, count <= 1 << 14, defaultValue.count == 1 else {
      throw GraphError(.invalidAttribute, "LabelEncoder with \(count) keys and \(values.count) values")
    }
    let candidates = keys.followed(by: keys, 0), results = values.followed(by: defaultValue, 0)
    let rank = try context.rank(of: x)
    let isKey = try context.apply(EqualOp(), try context.unsqueeze(x, [rank]), try context.constant(candidates))
    let last = try context.constant(NDArray(Array(repeating: Int32(0), count: count) + [1], [count + 1]))
    let hits = try context.maximum(try context.cast(isKey, to: .int32), last)
    let place = try context.apply(ArgMaxOp(axis: rank, keepDims: false), hits)
    return [try context.gather(try context.constant(results), place, axis: 0)]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == keys.dtype, keys.count == values.count, defaultValue.count == 1, defaultValue.dtype == values.dtype else {
      throw ExecutionError(.invalidInput, "LabelEncoder of \(x.type) with keys \(keys.type) and values \(values.type)")
    }
    // The default stands behind the values, and the result picks places.
    let table = try ConcatOp(axis: 0).evaluate([values.reshaped([values.count]), defaultValue.reshaped([1])], in: context)[0]
    func places<K: Hashable>(_ keys: [K], _ elements: [K]) -> [Int] {
      var index: [K: Int] = [:]
      for (i, key) in keys.enumerated() where index[key] == nil { index[key] = i }
      return elements.map { index[$0] ?? values.count }
    }
    let found: [Int]
    if x.dtype == .string {
      found = places(keys.strings, x.strings)
    } else if let whole = keys.integers(), let elements = x.integers() {
      found = places(whole, elements)
    } else {
      // Bit patterns, so that NaN equals itself; adding zero makes −0 equal 0.
      let bits: (Double) -> UInt64 = { ($0.isNaN ? .nan : $0 + 0).bitPattern }
      found = places(keys.doubles().map(bits), x.doubles().map(bits))
    }
    return [try table.picking(found, shape: x.shape, in: context)]
  }
}

extension NDArray {
  /// The elements as a vector, and one element of an array of the same dtype behind them.
  fileprivate func followed(by other: NDArray, _ place: Int) -> NDArray {
    if dtype == .string { return NDArray(strings: strings + [other.strings[place]], [count + 1]) }
    let result = NDArray(uninitialized: dtype, [count + 1])
    let stride = dtype.arrayStride ?? 0
    result.withMutableBytes { out in
      withBytes { for index in $0.indices { out[index] = $0[index] } }
      other.withBytes { bytes in for index in 0..<stride { out[count * stride + index] = bytes[place * stride + index] } }
    }
    return result
  }
}

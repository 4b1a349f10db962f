import ModelGraph
import ModelTensor

/// Replaces each element by the value of its key, or by the default when it is no key (ONNX-ML LabelEncoder).
///
/// `keys` and `values` are vectors of one length, of the dtypes of the input and the result; a NaN key matches NaN.
public struct LabelEncoderOp: PrimitiveOp {
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

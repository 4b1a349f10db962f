import ModelGraph
import ModelTensor

/// `(x − zeroPoint) · scale`, as `dtype`, or in the scale's dtype when that is `nil`.
///
/// Inputs: `x` (integer or narrow float), `scale`, `zeroPoint?` (of `x`'s dtype). See ONNX's operator of this
/// name for `axis` and `blockSize`.
public struct DequantizeLinearOp: PrimitiveOp {
  public static let name = "DequantizeLinear"
  public static let family = OpFamily.quantization
  public var axis: Int
  public var blockSize: Int
  public var dtype: DType?
  public init(axis: Int = 1, blockSize: Int = 0, dtype: DType? = nil) {
    self.axis = axis
    self.blockSize = blockSize
    self.dtype = dtype
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type, scale = try inputs.required(1, of: self).type
    if let zero = inputs.optional(2), zero.type.dtype != x.dtype {
      throw GraphError(.wrongDType, "DequantizeLinear of \(x) with a zero point of \(zero.type)")
    }
    return [TensorType(dtype ?? scale.dtype, x.shape)]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), scale = try inputs.required(1, of: self)
    guard scale.dtype.isFloatingPoint, x.dtype.isFloatingPoint || x.dtype.isInteger else { throw noKernel(x.dtype) }
    let grid = try QuantizationGrid(x, scale: scale, axis: axis, blockSize: blockSize, op: self)
    let zero = inputs.optional(2)
    guard zero == nil || zero?.count == scale.count else {
      throw ExecutionError(.shapeMismatch, "DequantizeLinear: \(zero?.count ?? 0) zero points for \(scale.count) scales")
    }
    let scales = scale.doubles().map(Float.init), zeros = zero?.doubles() ?? []
    let result = try context.allocate(.float32, x.shape)
    func fill<T>(_: T.Type, _ decode: (T) -> Double) {
      x.with(T.self) { source in
        result.withMutable(Float.self) { y in
          grid.forEachRun { elements, entry in
            let scale = scales[entry], zero = zeros.isEmpty ? 0 : zeros[entry]
            for i in elements { y[i] = Float(decode(source[i]) - zero) * scale }
          }
        }
      }
    }
    switch x.dtype {
    case .int8, .int4, .int2: fill(Int8.self) { Double($0) }
    case .uint8, .uint4, .uint2: fill(UInt8.self) { Double($0) }
    case .int16: fill(Int16.self) { Double($0) }
    case .uint16: fill(UInt16.self) { Double($0) }
    case .int32: fill(Int32.self) { Double($0) }
    case .uint32: fill(UInt32.self) { Double($0) }
    case .float16: fill(Float16.self) { Double($0) }
    case .bfloat16: fill(BFloat16.self) { Double(Float($0)) }
    case .float32: fill(Float.self) { Double($0) }
    case .float4e2m1, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0fnu:
      let dtype = x.dtype
      fill(UInt8.self) { Double(MiniFloat.decode($0, as: dtype)) }
    default: throw noKernel(x.dtype)
    }
    return [try result.cast(to: dtype ?? scale.dtype, in: context)]
  }
}

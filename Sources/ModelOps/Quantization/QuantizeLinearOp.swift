import ModelGraph
import ModelTensor

/// `saturate(round(x / scale) + zeroPoint)`, ties to even, as `dtype`; for the narrow floats `x / scale` is
/// encoded as it is.
///
/// Inputs: `x` (float, or int32), `scale`, `zeroPoint?` (of `dtype`, shaped as the scale). See ONNX's operator
/// of this name for `axis` and `blockSize`.
public struct QuantizeLinearOp: PrimitiveOp {
  public static let name = "QuantizeLinear"
  public static let family = OpFamily.quantization
  public var axis: Int
  public var blockSize: Int
  public var saturate: Bool
  public var dtype: DType
  public init(axis: Int = 1, blockSize: Int = 0, saturate: Bool = true, dtype: DType = .uint8) {
    self.axis = axis
    self.blockSize = blockSize
    self.saturate = saturate
    self.dtype = dtype
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    _ = try inputs.required(1, of: self)
    if let zero = inputs.optional(2), zero.type.dtype != dtype {
      throw GraphError(.wrongDType, "QuantizeLinear to \(dtype) with a zero point of \(zero.type)")
    }
    guard dtype.integerRange != nil || dtype.isFloatingPoint else {
      throw GraphError(.wrongDType, "QuantizeLinear to \(dtype)")
    }
    return [TensorType(dtype, x.shape)]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), scale = try inputs.required(1, of: self)
    guard x.dtype.isFloatingPoint || x.dtype == .int32 else { throw noKernel(x.dtype) }
    let grid = try QuantizationGrid(x, scale: scale, axis: axis, blockSize: blockSize, op: self)
    let zero = inputs.optional(2)
    guard zero == nil || zero?.count == scale.count else {
      throw ExecutionError(.shapeMismatch, "QuantizeLinear: \(zero?.count ?? 0) zero points for \(scale.count) scales")
    }
    let scales = scale.doubles().map(Float.init), zeros = zero?.doubles() ?? []
    let wide = try x.cast(to: .float32, in: context)
    // The division is a float one, as everywhere; what comes after is exact in double precision.
    let result = try context.allocate(dtype, x.shape)
    let range = dtype.integerRange
    guard range != nil || dtype.isFloatingPoint else { throw noKernel(dtype) }
    func fill<T>(_: T.Type, _ encode: (Float, Double) -> T) {
      wide.with(Float.self) { source in
        result.withMutable(T.self) { y in
          grid.forEachRun { elements, entry in
            let scale = scales[entry], zero = zeros.isEmpty ? 0 : zeros[entry]
            for i in elements { y[i] = encode(source[i] / scale, zero) }
          }
        }
      }
    }
    func integer(_ quotient: Float, _ zero: Double) -> Double {
      guard let range, !quotient.isNaN else { return 0 }
      let value = Double(quotient).rounded(.toNearestOrEven) + zero
      return max(range.lowerBound, min(range.upperBound, value))
    }
    switch dtype {
    case .int8, .int4, .int2: fill(Int8.self) { Int8(integer($0, $1)) }
    case .uint8, .uint4, .uint2: fill(UInt8.self) { UInt8(integer($0, $1)) }
    case .int16: fill(Int16.self) { Int16(integer($0, $1)) }
    case .uint16: fill(UInt16.self) { UInt16(integer($0, $1)) }
    case .int32: fill(Int32.self) { Int32(integer($0, $1)) }
    case .uint32: fill(UInt32.self) { UInt32(integer($0, $1)) }
    case .float16: fill(Float16.self) { Float16($0) + Float16($1) }
    case .bfloat16: fill(BFloat16.self) { BFloat16($0 + Float($1)) }
    case .float32: fill(Float.self) { $0 + Float($1) }
    case .float64: fill(Double.self) { Double($0) + $1 }
    default:
      let (target, saturate) = (dtype, saturate)
      fill(UInt8.self) { MiniFloat.encode($0 + Float($1), as: target, saturate: saturate) }
    }
    return [result]
  }
}

import ModelGraph
import ModelTensor

/// Quantises a float tensor to uint8 with the scale and zero point that its own range asks for.
///
/// Results: `y` (uint8), `scale` (float32 scalar), `zeroPoint` (uint8 scalar). The range always holds zero. A
/// tensor of zeros has the scale 1, as in ONNX Runtime (the specification divides by zero there).
public struct DynamicQuantizeLinearOp: PrimitiveOp {
  public static let name = "DynamicQuantizeLinear"
  public static let family = OpFamily.quantization
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    return [TensorType(.uint8, x.shape), TensorType(.float32, []), TensorType(.uint8, [])]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .float32 else { throw noKernel(x.dtype) }
    var low: Float = 0, high: Float = 0
    x.with(Float.self) { for value in $0 { low = min(low, value); high = max(high, value) } }
    let scale = high == low ? 1 : (high - low) / 255
    let offset = (0 - low / scale).rounded(.toNearestOrEven)
    let zero = UInt8(offset.isNaN ? 0 : max(0, min(255, offset)))
    let scaleArray = NDArray(scalar: scale), zeroArray = NDArray(scalar: zero)
    let y = try QuantizeLinearOp(dtype: .uint8).evaluate([x, scaleArray, zeroArray], in: context)
    return [y[0], scaleArray, zeroArray]
  }
}

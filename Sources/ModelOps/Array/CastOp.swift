import ModelGraph
import ModelTensor

/// Converts each element to another dtype.
///
/// Inputs: `x` of any dtype. Result: the same shape in `dtype`. Floats become integers by
/// truncation; narrow floats round to nearest, ties to even, and saturate unless `saturate` is false
/// (ONNX Cast, opset 19).
public struct CastOp: Op {
  public static let name = "Cast"
  public static let family = OpFamily.array
  public var dtype: DType
  public var saturate: Bool
  public init(to dtype: DType, saturate: Bool = true) {
    self.dtype = dtype
    self.saturate = saturate
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    [TensorType(dtype, try inputs.required(0, of: self).type.shape)]
  }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] {
    [dtype.isInteger ? inputs.first??.elements : nil]
  }
}

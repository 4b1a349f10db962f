import ModelGraph
import ModelTensor

/// The same bits under another dtype of the same width.
public struct BitCastOp: PrimitiveOp {
  public static let name = "BitCast"
  public static let family = OpFamily.array
  public var dtype: DType
  public init(to dtype: DType) { self.dtype = dtype }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard let width = x.dtype.bitWidth, width == dtype.bitWidth, width >= 8 else {
      throw GraphError(.wrongDType, "BitCast of \(x) to \(dtype)")
    }
    return [TensorType(dtype, x.shape)]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard let width = x.dtype.bitWidth, width == dtype.bitWidth, width >= 8 else {
      throw ExecutionError(.invalidInput, "BitCast of \(x.type) to \(dtype)")
    }
    return [x.reinterpreted(as: dtype)]
  }
}

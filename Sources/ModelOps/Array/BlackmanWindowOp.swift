import ModelGraph
import ModelTensor

/// `0.42 − 0.5 cos(2πn / N) + 0.08 cos(4πn / N)`. Input: the size (integer scalar).
public struct BlackmanWindowOp: PrimitiveOp {
  public static let name = "BlackmanWindow"
  public static let family = OpFamily.array
  public var periodic: Bool
  public var dtype: DType
  public init(periodic: Bool = true, dtype: DType = .float32) {
    self.periodic = periodic
    self.dtype = dtype
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { try inferWindow(inputs, dtype: dtype, op: self) }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    try cosineWindow(inputs, [0.42, 0.5, 0.08], periodic: periodic, dtype: dtype, op: self, in: context)
  }
}

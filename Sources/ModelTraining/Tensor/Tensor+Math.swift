import ModelGraph
import ModelOps
import ModelTensor

// Functions of each element.
extension TensorValue {
  public func abs() throws -> Tensor { try Dispatch.one(AbsOp(), tensor) }
  public func sign() throws -> Tensor { try Dispatch.one(SignOp(), tensor) }
  public func square() throws -> Tensor { try Dispatch.one(SquareOp(), tensor) }
  public func sqrt() throws -> Tensor { try Dispatch.one(SqrtOp(), tensor) }
  public func rsqrt() throws -> Tensor { try Dispatch.one(RsqrtOp(), tensor) }
  public func reciprocal() throws -> Tensor { try Dispatch.one(ReciprocalOp(), tensor) }
  public func exp() throws -> Tensor { try Dispatch.one(ExpOp(), tensor) }
  public func expm1() throws -> Tensor { try Dispatch.one(Expm1Op(), tensor) }
  public func log() throws -> Tensor { try Dispatch.one(LogOp(), tensor) }
  public func log1p() throws -> Tensor { try Dispatch.one(Log1pOp(), tensor) }
  public func sin() throws -> Tensor { try Dispatch.one(SinOp(), tensor) }
  public func cos() throws -> Tensor { try Dispatch.one(CosOp(), tensor) }
  public func tan() throws -> Tensor { try Dispatch.one(TanOp(), tensor) }
  public func asin() throws -> Tensor { try Dispatch.one(AsinOp(), tensor) }
  public func acos() throws -> Tensor { try Dispatch.one(AcosOp(), tensor) }
  public func atan() throws -> Tensor { try Dispatch.one(AtanOp(), tensor) }
  public func sinh() throws -> Tensor { try Dispatch.one(SinhOp(), tensor) }
  public func cosh() throws -> Tensor { try Dispatch.one(CoshOp(), tensor) }
  public func tanh() throws -> Tensor { try Dispatch.one(TanhOp(), tensor) }
  public func erf() throws -> Tensor { try Dispatch.one(ErfOp(), tensor) }
  public func lgamma() throws -> Tensor { try Dispatch.one(LgammaOp(), tensor) }
  public func digamma() throws -> Tensor { try Dispatch.one(DigammaOp(), tensor) }
  public func floor() throws -> Tensor { try Dispatch.one(FloorOp(), tensor) }
  public func ceil() throws -> Tensor { try Dispatch.one(CeilOp(), tensor) }
  /// To the nearest integer, halves to the even one.
  public func round() throws -> Tensor { try Dispatch.one(RoundOp(), tensor) }
  public func isNaN() throws -> Tensor { try Dispatch.one(IsNaNOp(), tensor) }
  public func isInf() throws -> Tensor { try Dispatch.one(IsInfOp(), tensor) }
  public func isFinite() throws -> Tensor { try isNaN().logicalOr(try isInf()).logicalNot() }

  public func relu() throws -> Tensor { try Dispatch.one(ReluOp(), tensor) }
  public func sigmoid() throws -> Tensor { try Dispatch.one(SigmoidOp(), tensor) }
  public func softplus() throws -> Tensor { try Dispatch.one(SoftplusOp(), tensor) }
  public func softsign() throws -> Tensor { try Dispatch.one(SoftsignOp(), tensor) }
  public func softmax(axis: Int = -1) throws -> Tensor { try Dispatch.one(SoftmaxOp(axis: axis), tensor) }
  public func logSoftmax(axis: Int = -1) throws -> Tensor { try Dispatch.one(LogSoftmaxOp(axis: axis), tensor) }

  /// Each element held between the bounds.
  public func clip(min low: Double? = nil, max high: Double? = nil) throws -> Tensor {
    try Dispatch.one(ClipOp(), tensor, try low.map { try number($0) }, try high.map { try number($0) })
  }
  /// The same numbers as another dtype; floats become integers towards zero.
  public func cast(to dtype: DType) throws -> Tensor {
    let tensor = tensor
    return tensor.dtype == dtype ? tensor : try Dispatch.one(CastOp(to: dtype), tensor)
  }
  /// The same value, through which no gradient flows.
  public func stopGradient() throws -> Tensor { try Dispatch.one(IdentityOp(stopsGradient: true), tensor) }
}

import ModelGraph
import ModelOps
import ModelTensor

extension NDArray {
  /// The numbers that stored ones of `type` stand for; others as they are.
  func real(_ type: TensorType) throws -> NDArray {
    guard let stored = QuantizedType(type), stored.dtype == dtype else { return self }
    var eager = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
    return try eager.dequantize(self, stored)
  }

  /// The same numbers as `type` stores them.
  func stored(_ type: QuantizedType) throws -> NDArray {
    let context = ExecutionContext(primitives: ReferencePrimitives())
    var eager = EagerContext(context)
    return try eager.quantize(dtype == .float32 ? self : cast(to: .float32, in: context), to: type)
  }

  /// The array as the other model takes it: real numbers are quantised and stored ones dequantised where just one side stores them,
  /// or both in different ways; dtypes are converted otherwise.
  func bridged(from source: TensorType?, to target: TensorType) throws -> NDArray {
    let context = ExecutionContext(primitives: ReferencePrimitives())
    let own = source.flatMap { QuantizedType($0) }, other = QuantizedType(target)
    if own != other {
      if let other, own != nil || dtype.isFloatingPoint { return try real(source ?? type).stored(other) }
      if own != nil, other == nil, target.dtype.isFloatingPoint {
        let numbers = try real(source ?? type)
        return numbers.dtype == target.dtype ? numbers : try numbers.cast(to: target.dtype, in: context)
      }
    }
    return dtype == target.dtype ? self : try cast(to: target.dtype, in: context)
  }
}

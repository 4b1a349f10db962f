import ModelGraph
import ModelTensor

/// Real and imaginary parts of complex numbers as a last axis of 2: complex64 gives float32, complex128 float64.
public struct ComplexPartsOp: PrimitiveOp {
  public static let name = "ComplexParts"
  public static let family = OpFamily.array
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard let part = x.dtype.complexPart else { throw GraphError(.wrongDType, "ComplexParts of \(x)") }
    return [TensorType(part, x.shape.dims.map { .ranked($0 + [2]) } ?? .unranked)]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard let part = x.dtype.complexPart else { throw noKernel(x.dtype) }
    return [try x.copied(as: part, x.shape + [2], in: context)]
  }
}

/// Complex numbers of their parts: the inverse of `ComplexPartsOp`.
public struct ComplexFromPartsOp: PrimitiveOp {
  public static let name = "ComplexFromParts"
  public static let family = OpFamily.array
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard let whole = x.dtype.complexWhole else { throw GraphError(.wrongDType, "ComplexFromParts of \(x)") }
    guard let dims = x.shape.dims else { return [TensorType(whole, .unranked)] }
    guard let last = dims.last, last.value ?? 2 == 2 else { throw GraphError(.shapeMismatch, "ComplexFromParts of \(x)") }
    return [TensorType(whole, .ranked(dims.dropLast()))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard let whole = x.dtype.complexWhole else { throw noKernel(x.dtype) }
    guard x.shape.last == 2 else { throw ExecutionError(.shapeMismatch, "ComplexFromParts of \(x.type)") }
    return [try x.copied(as: whole, Array(x.shape.dropLast()), in: context)]
  }
}

extension DType {
  /// The dtype of a complex dtype's parts.
  var complexPart: DType? { self == .complex64 ? .float32 : self == .complex128 ? .float64 : nil }
  /// The complex dtype whose parts have this one.
  var complexWhole: DType? { self == .float32 ? .complex64 : self == .float64 ? .complex128 : nil }
}

extension NDArray {
  /// The same bytes as other elements.
  fileprivate func copied(as dtype: DType, _ shape: [Int], in context: ExecutionContext) throws -> NDArray {
    let result = try context.allocate(dtype, shape)
    withBytes { from in
      result.withMutableBytes { to in
        if let from = from.baseAddress, let to = to.baseAddress { to.copyMemory(from: from, byteCount: min(byteCount, result.byteCount)) }
      }
    }
    return result
  }
}

import ModelGraph
import ModelTensor

/// The bytes of strings of one length as numbers, along a new last axis (TensorFlow `DecodeRaw`).
public struct DecodeRawOp: PrimitiveOp {
  public static let name = "DecodeRaw"
  public static let family = OpFamily.text
  public var dtype: DType
  public var isLittleEndian: Bool
  public init(to dtype: DType, isLittleEndian: Bool = true) {
    self.dtype = dtype
    self.isLittleEndian = isLittleEndian
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let dims = try inputs.required(0, of: self).type.shape.dims
    return [TensorType(dtype, dims.map { .ranked($0 + [.unknown]) } ?? .unranked)]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .string, let width = dtype.arrayStride, width > 0, (dtype.bitWidth ?? 0) == 8 * width else { throw noKernel(dtype) }
    let texts = x.strings, length = texts.first?.count ?? 0
    guard texts.allSatisfy({ $0.count == length }), length % width == 0 else {
      throw ExecutionError(.invalidValue, "DecodeRaw of strings that are not all as long, or no whole number of \(dtype)")
    }
    let result = try context.allocate(dtype, x.shape + [length / width])
    result.withMutableBytes { out in
      var at = 0
      for text in texts {
        for i in 0..<length {
          let inside = i % width
          out[at + (isLittleEndian ? inside : width - 1 - inside) + i - inside] = text[i]
        }
        at += length
      }
    }
    return [result]
  }
}

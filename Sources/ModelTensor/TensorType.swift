/// How stored numbers stand for real ones. Part of a tensor's type, not of its dtype.
public struct Quantization: Sendable, Hashable {
  /// `real = scale * (stored - zeroPoint)`. One entry for the tensor, or one per index of `axis`
  /// (per group of `block` indices of it, when blockwise).
  public var scales: [Float]
  /// As many as `scales`, or empty for all zero.
  public var zeroPoints: [Int64]
  public var axis: Int?
  public var block: Int?
  public init(scales: [Float], zeroPoints: [Int64] = [], axis: Int? = nil, block: Int? = nil) {
    self.scales = scales
    self.zeroPoints = zeroPoints
    self.axis = axis
    self.block = block
  }
}

/// A dtype, a shape, and how the numbers are quantised.
public struct TensorType: Sendable, Hashable, CustomStringConvertible {
  public var dtype: DType
  public var shape: Shape
  public var quantization: Quantization?
  /// For the dtype `variant`: what the value holds, if that is known.
  public var variant: VariantType?
  public init(_ dtype: DType, _ shape: Shape, quantization: Quantization? = nil, variant: VariantType? = nil) {
    self.dtype = dtype
    self.shape = shape
    self.quantization = quantization
    self.variant = variant
  }
  public init(_ dtype: DType, _ extents: [Int]) { self.init(dtype, Shape(extents)) }
  public var description: String { variant?.description ?? "\(dtype)\(shape)" }
}

import ModelGraph
import ModelTensor

/// How a tensor of integers stands for real numbers: the stored dtype, scales and zero points.
public struct QuantizedType: Sendable, Hashable {
  public var dtype: DType
  public var quantization: Quantization
  public init(_ dtype: DType, _ quantization: Quantization) {
    self.dtype = dtype
    self.quantization = quantization
  }
  /// One scale and zero point for the whole tensor.
  public init(_ dtype: DType, scale: Float, zeroPoint: Int64 = 0) {
    self.init(dtype, Quantization(scales: [scale], zeroPoints: zeroPoint == 0 ? [] : [zeroPoint]))
  }
  /// The quantised type of a tensor, if it is one: integers with scales.
  public init?(_ type: TensorType) {
    guard type.dtype.isInteger, let quantization = type.quantization, !quantization.scales.isEmpty else { return nil }
    self.init(type.dtype, quantization)
  }

  /// A bias: it is added to sums of products of `input` and `weights`, so its scale is the product of theirs, for each
  /// channel.
  public static func bias(_ dtype: DType, of input: QuantizedType, and weights: QuantizedType) -> QuantizedType {
    let scales = weights.quantization.scales.map { $0 * input.scale }
    return QuantizedType(dtype, Quantization(scales: scales, axis: scales.count > 1 ? 0 : nil))
  }

  /// The first scale, which is the only one of a tensor that is quantised as a whole.
  public var scale: Float { quantization.scales.first ?? 0 }
  public var zeroPoint: Int64 { quantization.zeroPoints.first ?? 0 }
  public var isPerAxis: Bool { quantization.scales.count > 1 }
  var hasZeroPoints: Bool { quantization.zeroPoints.contains { $0 != 0 } }
}

extension QuantizedType: AttributeConvertible, CustomStringConvertible {
  public var description: String {
    guard isPerAxis else { return zeroPoint == 0 ? "\(dtype) × \(scale)" : "(\(dtype) − \(zeroPoint)) × \(scale)" }
    let place = quantization.axis.map { " along axis \($0)" } ?? "", block = quantization.block.map { " in blocks of \($0)" } ?? ""
    return "\(dtype) × \(quantization.scales.count) scales\(place)\(block)"
  }
  public var attributeValue: AttributeValue { .string(description) }
}

import ModelSupport
import ModelTensor

extension WeightQuantization {
  /// The scale and minimum for elements of `float32`, as tensorflowjs's `quantization.py` finds them: the range from the
  /// least to the greatest element in equal steps, moved so that zero falls on a step if it lies within.
  ///
  /// Reads the elements once, a chunk at a time.
  /// - Throws: `UnsupportedError` for elements that are no numbers, infinite, or beyond `float16`.
  public init(fitting tensor: Tensor, as dtype: DType, name: String) throws {
    var least = Float.infinity, greatest = -Float.infinity, isFinite = true
    try tensor.source.forEachChunk { chunk in
      for index in 0..<(chunk.count / 4) {
        let value = chunk.loadUnaligned(fromByteOffset: index * 4, as: Float.self)
        isFinite = isFinite && value.isFinite
        least = Swift.min(least, value)
        greatest = Swift.max(greatest, value)
      }
    }
    guard isFinite || dtype == .float16 else {
      throw UnsupportedError("a weight can't be quantised", items: [.init(name, reason: "it holds infinities or what is no number")])
    }
    if dtype == .float16 {
      let limit = Float(65520)
      guard least > -limit && greatest < limit || !isFinite || tensor.elementCount == 0 else {
        throw UnsupportedError("a weight can't be quantised", items: [.init(name, reason: "it holds values beyond float16")])
      }
      self.init(dtype: .float16)
      return
    }
    guard tensor.elementCount > 0 else {
      self.init(dtype: dtype)
      return
    }
    let low = Double(least), high = Double(greatest)
    guard low != high else {
      self.init(dtype: dtype, scale: 1, min: low)
      return
    }
    let step = (high - low) / (dtype == .uint8 ? 255 : 65535)
    let isCovered = low <= 0 && 0 <= high
    self.init(dtype: dtype, scale: step, min: isCovered ? -((0 - low) / step).rounded(.toNearestOrEven) * step : low)
  }

  /// The weight as it is stored.
  func quantized(_ tensor: Tensor) -> any ByteSource { QuantizedSource(tensor.source, self) }

  /// The weight as it is read again.
  public func rounded(_ tensor: Tensor) -> Tensor {
    Tensor(tensor.type, source: DequantizedSource(quantized(tensor), self, to: .float32))
  }
}

/// Elements of `float32` as a quantised weight stores them, a chunk at a time.
final class QuantizedSource: ByteSource {
  private let base: any ByteSource
  private let quantization: WeightQuantization
  private let width: Int
  private let limit: Double

  init(_ base: any ByteSource, _ quantization: WeightQuantization) {
    self.base = base
    self.quantization = quantization
    width = quantization.dtype == .uint8 ? 1 : 2
    limit = quantization.dtype == .uint8 ? 255 : 65535
  }

  var byteCount: Int { base.byteCount / 4 * width }

  func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(range)
    let elements = (range.lowerBound / width)..<((range.upperBound + width - 1) / width)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: elements.count * width, alignment: 16)
    defer { buffer.deallocate() }
    try base.withBytes(in: (elements.lowerBound * 4)..<(elements.upperBound * 4)) { bytes in
      switch quantization.dtype {
      case .float16:
        let result = buffer.bindMemory(to: UInt16.self)
        for index in result.indices { result[index] = Float16(bytes.loadUnaligned(fromByteOffset: index * 4, as: Float.self)).bitPattern }
      case .uint8:
        for index in 0..<elements.count { buffer[index] = UInt8(step(bytes, index)) }
      default:
        let result = buffer.bindMemory(to: UInt16.self)
        for index in result.indices { result[index] = UInt16(step(bytes, index)) }
      }
    }
    let start = range.lowerBound - elements.lowerBound * width
    try body(UnsafeRawBufferPointer(rebasing: buffer[start..<(start + range.count)]))
  }

  /// The number of the step next to an element.
  @inline(__always) private func step(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> Double {
    let value = Double(bytes.loadUnaligned(fromByteOffset: index * 4, as: Float.self))
    let step = ((value - quantization.min) / quantization.scale).rounded(.toNearestOrEven)
    return step > 0 ? Swift.min(step, limit) : 0
  }

  func release(_ range: Range<Int>) { base.release((range.lowerBound / width * 4)..<(range.upperBound / width * 4)) }
}

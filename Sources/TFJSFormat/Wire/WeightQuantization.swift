import ModelSupport
import ModelTensor

/// How a quantised weight is stored: as `float16`, or as whole numbers `q` that mean `q * scale + min`.
public struct WeightQuantization: Sendable, Hashable {
  /// `uint8`, `uint16` or `float16`.
  public var dtype: DType
  public var scale: Double
  public var min: Double

  public init(dtype: DType, scale: Double = 1, min: Double = 0) {
    self.dtype = dtype
    self.scale = scale
    self.min = min
  }

  /// - Parameter original: the type of the weight's elements once they are dequantised.
  init(_ json: JSONValue, of original: DType) throws {
    guard let dtype = json["dtype"]?.stringValue.flatMap(DType.init(rawValue:)), [.uint8, .uint16, .float16].contains(dtype) else {
      throw FormatError(.invalidValue, "expected as dtype uint8, uint16 or float16, found \(json["dtype"]?.text() ?? "none")")
    }
    guard original == .float32 || original == .int32 && dtype != .float16 else {
      throw FormatError(.invalidValue, "\(dtype) does not stand for elements of \(original)")
    }
    self.dtype = dtype
    (scale, min) = (1, 0)
    guard dtype != .float16 else { return }
    guard let scale = json["scale"]?.doubleValue, let min = json["min"]?.doubleValue, scale.isFinite, min.isFinite else {
      throw FormatError(.invalidValue, "expected finite numbers as 'scale' and 'min', found \(json.text())")
    }
    self.scale = scale
    self.min = min
  }

  var json: JSONValue {
    guard dtype != .float16 else { return ["dtype": "float16", "original_dtype": "float32"] }
    return ["dtype": .string(dtype.rawValue), "min": .double(min), "scale": .double(scale), "original_dtype": "float32"]
  }

  /// What a stored number means. TF.js and its Python package both compute in double precision and round once.
  @inline(__always) func value(_ stored: Double) -> Float { Float(stored * scale + min) }
}

/// The elements that a quantised weight stands for, a chunk at a time.
final class DequantizedSource: ByteSource {
  let base: any ByteSource
  let quantization: WeightQuantization
  /// `float32`, or `int32`: then values are rounded to the nearest whole number.
  private let isInteger: Bool
  private let width: Int

  init(_ base: any ByteSource, _ quantization: WeightQuantization, to dtype: DType) {
    self.base = base
    self.quantization = quantization
    isInteger = dtype == .int32
    width = quantization.dtype == .uint8 ? 1 : 2
  }

  var byteCount: Int { base.byteCount / width * 4 }

  func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(range)
    let elements = (range.lowerBound / 4)..<((range.upperBound + 3) / 4)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: elements.count * 4, alignment: 16)
    defer { buffer.deallocate() }
    try base.withBytes(in: (elements.lowerBound * width)..<(elements.upperBound * width)) { expand($0, into: buffer) }
    let start = range.lowerBound - elements.lowerBound * 4
    try body(UnsafeRawBufferPointer(rebasing: buffer[start..<(start + range.count)]))
  }

  func release(_ range: Range<Int>) {
    base.release((range.lowerBound / 4 * width)..<(range.upperBound / 4 * width))
  }

  private func expand(_ bytes: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer) {
    if isInteger {
      let result = buffer.bindMemory(to: Int32.self)
      for index in result.indices {
        let stored = width == 1 ? Double(bytes[index]) : Double(bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
        // JavaScript's `Math.round` takes halves up.
        let value = (stored * quantization.scale + quantization.min + 0.5).rounded(.down)
        result[index] = Int32(exactly: value) ?? (value < 0 ? .min : .max)
      }
      return
    }
    let result = buffer.bindMemory(to: Float.self)
    switch quantization.dtype {
    case .uint8: for index in result.indices { result[index] = quantization.value(Double(bytes[index])) }
    case .uint16:
      for index in result.indices {
        result[index] = quantization.value(Double(bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)))
      }
    default:
      for index in result.indices {
        result[index] = Float(Float16(bitPattern: bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)))
      }
    }
  }
}

import ModelGraph
import RealModule

/// Functions of 8- and 16-bit numbers as tables, made as LiteRT makes them.
struct LookupTable {
  /// 256 results by stored number for 8 bits; 513 points to interpolate between for 16.
  private let entries: [Int32]
  private let low: Int32
  private let isInterpolated: Bool

  private init(entries: [Int32], low: Int32, isInterpolated: Bool) {
    self.entries = entries
    self.low = low
    self.isInterpolated = isInterpolated
  }

  /// `function` in float32, from one 8-bit quantisation to another.
  init(_ input: QuantizedType, _ output: QuantizedType, of op: any Op, _ function: (Float) -> Float) throws {
    if input.dtype == .int16, output.dtype == .int16 {
      self.init(
        inputScale: input.scale, inputZero: input.offset, outputScale: output.scale, outputZero: output.offset, function)
      return
    }
    guard input.dtype == output.dtype, input.dtype == .int8 || input.dtype == .uint8 else { throw op.noKernel(input.dtype) }
    let range = try input.range(of: op), inverse = 1 / output.scale
    let results = range.map { stored in
      let real = input.scale * Float(stored &- input.offset)
      let steps = (function(real) * inverse).rounded(.toNearestOrAwayFromZero)
      return range.clamp(convert(steps + Float(output.offset)))
    }
    self.init(entries: results, low: range.lowerBound, isInterpolated: false)
  }

  /// 16 bits to 16 bits, the points shifted by half the error in the middle between them.
  init<T: Real & BinaryFloatingPoint>(
    inputScale: T, inputZero: Int32, outputScale: T, outputZero: Int32, _ function: (T) -> T
  ) {
    let first = inputScale * T(-32768 &- inputZero), last = inputScale * T(32767 &- inputZero)
    let outputFirst = outputScale * T(-32768 &- outputZero), outputLast = outputScale * T(32767 &- outputZero)
    let steps = 512, step = (last - first) / T(steps), halfStep = step / 2
    let inverse = T(65536) / (outputLast - outputFirst)
    func clamped(_ x: T) -> Int32 { convert(min(max(x, -32768), 32767)) }
    func round(_ x: T) -> T { x.rounded(.toNearestOrAwayFromZero) }
    var points = (0..<steps).map { i in
      let at = first + T(i) * step
      let value = function(at), middle = function(at + halfStep), next = function(first + T(i + 1) * step)
      let between = round((next * inverse + round(value * inverse)) / 2)
      return clamped(round(value * inverse) - round((between - round(middle * inverse)) / 2))
    }
    points.append(clamped(round(function(last) * inverse)))
    self.init(entries: points, low: -32768, isInterpolated: true)
  }

  @inline(__always)
  subscript(_ x: Int32) -> Int32 {
    guard isInterpolated else { return entries[Int(x &- low)] }
    let index = Int(256 + (x >> 7)), base = entries[index]
    let slope = Int32(Int16(truncatingIfNeeded: entries[index + 1] &- base))
    return Int32(Int16(truncatingIfNeeded: base + (slope * (x & 0x7F) + 64) >> 7))
  }

  /// `sigmoid(i / 24)` as fractions of 16 bits, shifted by half of what a straight line between them leaves out.
  static let sigmoid: [UInt32] = (0..<256).map { i in
    func sigmoid(_ x: Double) -> Double { 1 / (1 + Double.exp(-x)) }
    let step = 1.0 / 24, x = Double(i) * step
    func sag(_ h: Double) -> Double { sigmoid(x + h / 2) - (sigmoid(x) + sigmoid(x + h)) / 2 }
    let lift = (sag(step) + (i == 0 ? sag(step) : sag(-step))) / 4
    return i == 255 ? 65535 : UInt32((65536 * (sigmoid(x) + lift)).rounded(.toNearestOrAwayFromZero))
  }
}

/// The integer part, saturating; NaN as 0. (C leaves those cases undefined.)
@inline(__always)
func convert<T: BinaryFloatingPoint>(_ x: T) -> Int32 {
  x.isNaN ? 0 : x >= 2_147_483_647 ? .max : x <= -2_147_483_648 ? .min : Int32(x)
}

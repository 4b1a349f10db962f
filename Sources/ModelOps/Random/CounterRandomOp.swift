import ModelGraph
import ModelTensor
import RealModule

public enum RandomDistribution: String, Sendable, AttributeConvertible {
  /// On `0 ..< 1`.
  case uniform
  case normal
  /// Normal, drawn again beyond two standard deviations.
  case truncatedNormal
  /// Integers from `low` on and below `high`.
  case integers
  /// All bits of an integer.
  case bits
  public var attributeValue: AttributeValue { .string(rawValue) }
}

/// Numbers that depend on nothing but a key and a counter: those TensorFlow draws with Philox, in its order
/// (`tensorflow/core/lib/random/random_distributions.h`, `core/kernels/random_op_cpu.h`).
///
/// Inputs: the shape, the key (uint64 `[1]`), the counter (uint64 `[2]`), and for `integers` the bounds `low` and `high`.
public struct CounterRandomOp: PrimitiveOp {
  public static let name = "CounterRandom"
  public static let family = OpFamily.random
  public var distribution: RandomDistribution
  public var dtype: DType
  public init(_ distribution: RandomDistribution, dtype: DType) {
    self.distribution = distribution
    self.dtype = dtype
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { try inferRequestedShape(inputs, dtype: dtype, of: self) }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let shape = try requestedShape(inputs, of: self)
    guard let key = try inputs.required(1, of: self).integers()?.first, let counter = try inputs.required(2, of: self).integers(),
      counter.count == 2
    else { throw ExecutionError(.invalidInput, "CounterRandom takes a key and a counter") }
    let start = (UInt64(bitPattern: Int64(key)), UInt64(bitPattern: Int64(counter[0])), UInt64(bitPattern: Int64(counter[1])))
    var philox = Philox(key: start.0, counter: start.1, start.2)
    try context.demand(.float64, shape)
    let count = shape.reduce(1, *)
    if distribution == .uniform, dtype == .float32 { return [try uniform(start, shape, in: context)] }
    switch distribution {
    case .uniform: return [try NDArray((0..<count).map { _ in unit(&philox) }, shape).cast(to: dtype, in: context)]
    case .normal:
      var values: [Double] = []
      values.reserveCapacity(count + 1)
      while values.count < count {
        let (first, second) = pair(&philox)
        values.append(first)
        values.append(second)
      }
      return [try NDArray(Array(values.prefix(count)), shape).cast(to: dtype, in: context)]
    case .truncatedNormal:
      // Each group of results has a stretch of the stream of its own, 256 numbers a result.
      let size = dtype == .float64 ? 2 : 4
      var values: [Double] = []
      for group in 0..<((count + size - 1) / size) {
        var stream = Philox(key: start.0, counter: start.1, start.2, skipping: UInt64(group * size * 64))
        var kept = 0
        func keep(_ value: Double) {
          guard abs(value) < 2, kept < size else { return }
          values.append(value)
          kept += 1
        }
        while kept < size {
          let (first, second) = pair(&stream)
          keep(first)
          keep(second)
        }
      }
      return [try NDArray(Array(values.prefix(count)), shape).cast(to: dtype, in: context)]
    case .integers, .bits: return [try drawnIntegers(inputs, count, shape, &philox, in: context)]
    }
  }

  /// The usual case, for dropout in each step: in place, all blocks at once.
  private func uniform(_ start: (UInt64, UInt64, UInt64), _ shape: [Int], in context: ExecutionContext) throws -> NDArray {
    let count = shape.reduce(1, *), blocks = (count + 3) / 4
    // Blocks are written whole.
    let result = try context.allocate(.float32, [blocks * 4])
    result.withMutable(UInt32.self) { bits in
      guard let y = bits.baseAddress, count > 0 else { return }
      context.primitives.philox(key: start.0, counter: (start.1, start.2), y, blocks: blocks)
      for i in 0..<count { y[i] = (Float(y[i] & 0x7F_FFFF) / 8_388_608).bitPattern }
    }
    return result.slice(0..<count).reshaped(shape)
  }

  private func drawnIntegers(
    _ inputs: [NDArray?], _ count: Int, _ shape: [Int], _ philox: inout Philox, in context: ExecutionContext
  ) throws -> NDArray {
    let isWide = dtype == .int64 || dtype == .uint64
    guard isWide || dtype == .int32 || dtype == .uint32 else { throw noKernel(dtype) }
    var low = 0, range: UInt64?
    if distribution == .integers {
      guard let from = try inputs.required(3, of: self).integers()?.first, let to = try inputs.required(4, of: self).integers()?.first,
        from < to || dtype == .uint64
      else { throw ExecutionError(.invalidValue, "CounterRandom needs bounds of which the first is the lower") }
      low = from
      range = UInt64(bitPattern: Int64(to)) &- UInt64(bitPattern: Int64(from))
      guard range != 0 else { throw ExecutionError(.invalidValue, "CounterRandom between equal bounds") }
    }
    let values = (0..<count).map { _ -> UInt64 in
      var bits = UInt64(philox.next())
      if isWide { bits |= UInt64(philox.next()) << 32 }
      return range.map { UInt64(bitPattern: Int64(low)) &+ bits % $0 } ?? bits
    }
    switch dtype {
    case .int64: return NDArray(values.map { Int64(bitPattern: $0) }, shape)
    case .uint64: return NDArray(values, shape)
    case .int32: return NDArray(values.map { Int32(truncatingIfNeeded: $0) }, shape)
    default: return NDArray(values.map { UInt32(truncatingIfNeeded: $0) }, shape)
    }
  }

  /// As many random bits as the mantissa holds.
  private func unit(_ philox: inout Philox) -> Double {
    switch dtype {
    case .float64: return double(&philox)
    case .float16: return Double(philox.next() & 0x3FF) / 1024
    case .bfloat16: return Double(philox.next() & 0x7F) / 128
    default: return Double(philox.next() & 0x7F_FFFF) / 8_388_608
    }
  }

  private func double(_ philox: inout Philox) -> Double {
    let high = UInt64(philox.next() & 0xF_FFFF), low = UInt64(philox.next())
    return Double(high << 32 | low) / 4_503_599_627_370_496
  }

  /// Two normal numbers from two uniform ones (Box and Muller, 1958).
  private func pair(_ philox: inout Philox) -> (Double, Double) {
    if dtype == .float64 {
      let radius = (-2 * Double.log(max(double(&philox), 1e-7))).squareRoot(), angle = 2 * Double.pi * double(&philox)
      return (Double.sin(angle) * radius, Double.cos(angle) * radius)
    }
    let first = Float(philox.next() & 0x7F_FFFF) / 8_388_608, second = Float(philox.next() & 0x7F_FFFF) / 8_388_608
    let radius = (-2 * Float.log(max(first, 1e-7))).squareRoot(), angle = 2 * Float.pi * second
    return (Double(Float.sin(angle) * radius), Double(Float.cos(angle) * radius))
  }
}

import ModelGraph
import ModelSupport
import ModelTensor

/// Makes up inputs: seeded, not constant, not symmetric, the same on every machine.
///
/// Floats are close to normally distributed around 0.1; integers lie within the limits the graph implies
/// for them; `uint8` and `int8` take their whole range.
struct SampleGenerator: Sendable {
  var seed: UInt64
  /// Floats from 0 to 1 instead: for models that take logarithms or roots of their inputs.
  var isPositive = false

  func array(
    _ name: String, _ type: TensorType, extents: [Int], constraint: InputConstraint, integers: Range<Int>, batch: Int, sample: Int
  ) throws -> NDArray {
    // Texts and the doubles that numbers are drawn as take more room than what comes of them.
    guard let count = checkedProduct(extents), count <= (type.dtype == .string ? 1 << 18 : 1 << 25) else {
      throw ExecutionError(.limitExceeded, "input '\(name)' of the extents \(extents) is too large to be made up")
    }
    var random = SplitMix.stream(seed: seed, name: name, sample: sample)
    let dtype = type.dtype
    if dtype == .string {
      return NDArray(strings: (0..<count).map { _ in constraint.isNumericText ? number(&random) : word(&random) }, extents)
    }
    if let steering = constraint.steering {
      if dtype.isInteger || dtype == .bool { return try NDArray(integers: steering.values(count, batch: batch, &random), dtype, extents) }
      if dtype.isFloatingPoint {
        let numbers =
          steering.isFraction ? (0..<count).map { _ in random.uniform() } : steering.values(count, batch: batch, &random).map(Double.init)
        return try NDArray(doubles: numbers, dtype, extents)
      }
    }
    if dtype == .bool { return NDArray((0..<count).map { _ in random.next() & 1 == 1 }, extents) }
    if constraint.limit != nil || dtype.isInteger {
      let values = integerValues(dtype, count, constraint, integers, sample, &random)
      return try NDArray(integers: values, dtype, extents)
    }
    guard dtype.isFloatingPoint else {
      throw UnsupportedError("inputs of dtype \(dtype) can't be made up (input '\(name)'); give them with --inputs")
    }
    return try NDArray(doubles: (0..<count).map { _ in isPositive ? random.uniform() : random.normal() + 0.1 }, dtype, extents)
  }

  private func integerValues(
    _ dtype: DType, _ count: Int, _ constraint: InputConstraint, _ integers: Range<Int>, _ sample: Int, _ random: inout SplitMix
  ) -> [Int] {
    if let limit = constraint.limit, limit > 0 { return (0..<count).map { _ in Int.random(in: 0..<limit, using: &random) } }
    if !constraint.choices.isEmpty {
      return (0..<count).map { constraint.choices[(sample + $0) % constraint.choices.count] }
    }
    switch dtype {
    case .uint8: return (0..<count).map { _ in Int.random(in: 0..<256, using: &random) }
    case .int8: return (0..<count).map { _ in Int.random(in: -128..<128, using: &random) }
    default: return (0..<count).map { _ in Int.random(in: integers, using: &random) }
    }
  }

  private func number(_ random: inout SplitMix) -> [UInt8] { Array(String(Int.random(in: -99...99, using: &random)).utf8) }

  private func word(_ random: inout SplitMix) -> [UInt8] {
    let length = Int.random(in: 1...8, using: &random)
    return (0..<length).map { _ in UInt8.random(in: UInt8(ascii: "a")...UInt8(ascii: "z"), using: &random) }
  }
}

extension NDArray {
  /// Integers in another dtype; those that do not fit wrap.
  init(integers: [Int], _ dtype: DType, _ extents: [Int]) throws {
    switch dtype {
    case .int8, .int4, .int2: self = NDArray(integers.map { Int8(truncatingIfNeeded: $0) }, extents).reinterpreted(as: dtype)
    case .uint8, .uint4, .uint2: self = NDArray(integers.map { UInt8(truncatingIfNeeded: $0) }, extents).reinterpreted(as: dtype)
    case .int16: self = NDArray(integers.map { Int16(truncatingIfNeeded: $0) }, extents)
    case .uint16: self = NDArray(integers.map { UInt16(truncatingIfNeeded: $0) }, extents)
    case .int32: self = NDArray(integers.map { Int32(truncatingIfNeeded: $0) }, extents)
    case .uint32: self = NDArray(integers.map { UInt32(truncatingIfNeeded: $0) }, extents)
    case .int64: self = NDArray(integers.map { Int64($0) }, extents)
    case .uint64: self = NDArray(integers.map { UInt64(bitPattern: Int64($0)) }, extents)
    case .bool: self = NDArray(integers.map { $0 != 0 }, extents)
    default: self = try NDArray(doubles: integers.map(Double.init), dtype, extents)
    }
  }

  /// Numbers in a float dtype.
  init(doubles: [Double], _ dtype: DType, _ extents: [Int]) throws {
    switch dtype {
    case .float64: self = NDArray(doubles, extents)
    case .float32: self = NDArray(doubles.map { Float($0) }, extents)
    case .float16: self = NDArray(doubles.map { Float16($0) }, extents)
    case .bfloat16: self = NDArray(doubles.map { BFloat16(Float($0)) }, extents)
    default: throw UnsupportedError("inputs of dtype \(dtype) can't be made up; give them with --inputs")
    }
  }
}

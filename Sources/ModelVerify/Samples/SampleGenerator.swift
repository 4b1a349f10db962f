import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Makes up inputs: seeded, not constant, not symmetric, the same on every machine.
///
/// Floats are close to normally distributed around 0.1; integers lie within the limits the graph implies
/// for them; `uint8` and `int8` take their whole range. Where a graph leaves out padded steps, some are.
struct SampleGenerator: Sendable {
  var seed: UInt64
  var range = InputRange.usual

  /// - Parameter grid: how the numbers are stored, in this model or in one they are made for too: floats are such as can be stored.
  func array(
    _ name: String, _ type: TensorType, grid: QuantizedType? = nil, extents: [Int], constraint: InputConstraint, integers: Range<Int>,
    batch: Int, sample: Int
  ) throws -> NDArray {
    // A damaged extent must not take gigabytes; texts take more room than numbers.
    guard let count = checkedProduct(extents), count <= (type.dtype == .string ? 1 << 18 : 1 << 25) else {
      throw ExecutionError(.limitExceeded, "input '\(name)' of the extents \(extents) is too large to be made up")
    }
    var random = SplitMix.stream(seed: seed, name: name, sample: sample)
    let dtype = type.dtype
    if dtype == .string {
      return NDArray(strings: (0..<count).map { _ in constraint.isNumericText ? number(&random) : word(&random) }, extents)
    }
    if let steering = constraint.steering {
      if dtype.isInteger || dtype == .bool {
        return try NDArray(dtype, extents, count, integers: { steering.value($0, batch: batch, &random) })
      }
      if dtype.isFloatingPoint {
        return try NDArray(dtype, extents, count) {
          steering.isFraction ? random.uniform() : Double(steering.value($0, batch: batch, &random))
        }
      }
    }
    if constraint.limit == nil, constraint.choices.isEmpty, let grid, let stored = range.stored(grid) {
      if dtype == grid.dtype { return try NDArray(dtype, extents, count, integers: { _ in Int.random(in: stored, using: &random) }) }
      if dtype.isFloatingPoint {
        let zero = Int(grid.zeroPoint)
        return try NDArray(dtype, extents, count) { _ in Double(Float(Int.random(in: stored, using: &random) - zero) * grid.scale) }
      }
    }
    if dtype == .bool { return NDArray((0..<count).map { _ in random.next() & 1 == 1 }, extents) }
    if constraint.isDistinct, let limit = constraint.limit, (1...(1 << 20)).contains(limit) {
      // A shuffled round, turned by one place each time it starts again: rows of several indices differ too.
      let places = Array(0..<limit).shuffled(using: &random)
      return try NDArray(dtype, extents, count, integers: { places[($0 + $0 / limit) % limit] })
    }
    if constraint.limit != nil || dtype.isInteger {
      return try NDArray(dtype, extents, count, integers: { integer(dtype, $0, constraint, integers, sample, &random) })
    }
    guard dtype.isFloatingPoint else {
      throw UnsupportedError("inputs of dtype \(dtype) can't be made up (input '\(name)'); give them with --inputs")
    }
    if let padding = constraint.padding, extents.count >= 3, count > 0 { return try padded(dtype, extents, count, padding, &random) }
    return try NDArray(dtype, extents, count) { _ in range.draw(&random) }
  }

  /// Sequences `[batch, steps, …]` some of whose steps are padding, in front, between and at the end, but never all.
  private func padded(_ dtype: DType, _ extents: [Int], _ count: Int, _ padding: Double, _ random: inout SplitMix) throws -> NDArray {
    let steps = extents[1], width = count / (extents[0] * steps)
    var isPadding = false
    return try NDArray(dtype, extents, count) { place in
      if place % width == 0 {
        let step = place / width % steps, sequence = place / width / steps
        isPadding = random.uniform() < 0.3 && step != (sequence % 2 == 0 ? 0 : steps - 1)
      }
      let number = range.draw(&random)
      return isPadding ? padding : number
    }
  }

  /// The integer at a place.
  private func integer(
    _ dtype: DType, _ place: Int, _ constraint: InputConstraint, _ integers: Range<Int>, _ sample: Int, _ random: inout SplitMix
  ) -> Int {
    if let limit = constraint.limit, limit > 0 { return Int.random(in: 0..<limit, using: &random) }
    if !constraint.choices.isEmpty { return constraint.choices[(sample + place) % constraint.choices.count] }
    switch dtype {
    case .uint8: return Int.random(in: 0..<256, using: &random)
    case .int8: return Int.random(in: -128..<128, using: &random)
    default: return Int.random(in: integers, using: &random)
    }
  }

  private func number(_ random: inout SplitMix) -> [UInt8] { Array(String(Int.random(in: -99...99, using: &random)).utf8) }

  private func word(_ random: inout SplitMix) -> [UInt8] {
    let length = Int.random(in: 1...8, using: &random)
    return (0..<length).map { _ in UInt8.random(in: UInt8(ascii: "a")...UInt8(ascii: "z"), using: &random) }
  }
}

extension NDArray {
  /// Integers in another dtype, drawn one after the other; those that do not fit wrap.
  fileprivate init(_ dtype: DType, _ extents: [Int], _ count: Int, integers draw: (Int) -> Int) throws {
    switch dtype {
    case .int8, .int4, .int2: self = NDArray((0..<count).map { Int8(truncatingIfNeeded: draw($0)) }, extents).reinterpreted(as: dtype)
    case .uint8, .uint4, .uint2: self = NDArray((0..<count).map { UInt8(truncatingIfNeeded: draw($0)) }, extents).reinterpreted(as: dtype)
    case .int16: self = NDArray((0..<count).map { Int16(truncatingIfNeeded: draw($0)) }, extents)
    case .uint16: self = NDArray((0..<count).map { UInt16(truncatingIfNeeded: draw($0)) }, extents)
    case .int32: self = NDArray((0..<count).map { Int32(truncatingIfNeeded: draw($0)) }, extents)
    case .uint32: self = NDArray((0..<count).map { UInt32(truncatingIfNeeded: draw($0)) }, extents)
    case .int64: self = NDArray((0..<count).map { Int64(draw($0)) }, extents)
    case .uint64: self = NDArray((0..<count).map { UInt64(bitPattern: Int64(draw($0))) }, extents)
    case .bool: self = NDArray((0..<count).map { draw($0) != 0 }, extents)
    default: try self.init(dtype, extents, count) { Double(draw($0)) }
    }
  }

  /// Numbers in a float dtype, drawn one after the other.
  fileprivate init(_ dtype: DType, _ extents: [Int], _ count: Int, draw: (Int) -> Double) throws {
    switch dtype {
    case .float64: self = NDArray((0..<count).map(draw), extents)
    case .float32: self = NDArray((0..<count).map { Float(draw($0)) }, extents)
    case .float16: self = NDArray((0..<count).map { Float16(draw($0)) }, extents)
    case .bfloat16: self = NDArray((0..<count).map { BFloat16(Float(draw($0))) }, extents)
    default: throw UnsupportedError("inputs of dtype \(dtype) can't be made up; give them with --inputs")
    }
  }
}

import ModelGraph
import ModelTensor

extension NDArray {
  /// The stored integers of at most 32 bits.
  /// - Throws: `ExecutionError.noKernel` for other dtypes.
  func stored(for op: any Op) throws -> [Int32] {
    switch dtype {
    case .int8, .int4, .int2: with(Int8.self) { $0.map(Int32.init) }
    case .uint8, .uint4, .uint2: with(UInt8.self) { $0.map(Int32.init) }
    case .int16: with(Int16.self) { $0.map(Int32.init) }
    case .uint16: with(UInt16.self) { $0.map(Int32.init) }
    case .int32: with(Int32.self) { Array($0) }
    default: throw op.noKernel(dtype)
    }
  }

  /// An array of integers that fit `dtype`; others wrap.
  static func storing(_ values: [Int32], as dtype: DType, _ shape: [Int], for op: any Op, in context: ExecutionContext) throws -> NDArray {
    let result = try context.allocate(dtype, shape)
    try result.store(values, for: op)
    return result
  }

  /// Integers that fit the dtype; others wrap.
  func store(_ values: [Int32], for op: any Op) throws {
    guard values.count == count else {
      throw ExecutionError(.shapeMismatch, "\(op.displayName) of integers: \(values.count) results for the shape \(shape)")
    }
    func fill<T: FixedWidthInteger>(_: T.Type) {
      values.withUnsafeBufferPointer { x in
        withMutable(T.self) { y in
          guard let x = x.baseAddress, let y = y.baseAddress else { return }
          for i in 0..<values.count { y[i] = T(truncatingIfNeeded: x[i]) }
        }
      }
    }
    switch dtype {
    case .int8, .int4, .int2: fill(Int8.self)
    case .uint8, .uint4, .uint2: fill(UInt8.self)
    case .int16: fill(Int16.self)
    case .uint16: fill(UInt16.self)
    case .int32: fill(Int32.self)
    default: throw op.noKernel(dtype)
    }
  }
}

extension QuantizedType {
  /// Whether the zero point is a number that the dtype holds.
  var isWithinRange: Bool { dtype.integerRange.map { $0.contains(Double(zeroPoint)) } ?? false }
  /// Whether stored integers less the zero point fit 16 bits, as loops over narrow integers rely on.
  var fitsSixteenBits: Bool { dtype.bitWidth ?? 64 <= 8 ? (-32512...32512).contains(zeroPoint) : zeroPoint == 0 }
  var offset: Int32 { Int32(truncatingIfNeeded: zeroPoint) }

  /// The stored numbers that results may have: those of the dtype, within what the activation allows.
  func range(_ activation: FusedActivation = .none, of op: any Op) throws -> ClosedRange<Int32> {
    guard let all = dtype.integerRange, dtype.bitWidth ?? 64 <= 16 else { throw op.noKernel(dtype) }
    guard let bounds = activation.bounds else {
      throw ExecutionError(.noKernel, "\(op.displayName) of integers has no kernel with the activation \(activation.rawValue)")
    }
    func quantized(_ value: Double) throws -> Int32 {
      let steps = (Float(value) / scale).rounded(.toNearestOrAwayFromZero)
      guard let whole = Int32(exactly: steps) else {
        throw ExecutionError(.invalidValue, "\(op.displayName): \(value) is no number of steps of \(scale)")
      }
      return offset &+ whole
    }
    var low = Int32(all.lowerBound), high = Int32(all.upperBound)
    if let bound = bounds.low { low = max(low, try quantized(bound)) }
    if let bound = bounds.high { high = min(high, try quantized(bound)) }
    // As `min(max(x, low), high)` has it when they cross.
    return low <= high ? low...high : high...high
  }
}

extension ClosedRange where Bound == Int32 {
  @inline(__always)
  func clamp(_ x: Int32) -> Int32 { Swift.min(Swift.max(x, lowerBound), upperBound) }
}

/// `function` of each stored integer; tables for 8 bits.
func mapStored(
  _ x: NDArray, as dtype: DType, for op: any Op, in context: ExecutionContext, _ function: (Int32) throws -> Int32
) throws -> NDArray {
  guard let range = x.dtype.integerRange, x.dtype.bitWidth ?? 64 <= 8, x.count > 512 else {
    var values = try x.stored(for: op)
    for i in values.indices { values[i] = try function(values[i]) }
    return try .storing(values, as: dtype, x.shape, for: op, in: context)
  }
  // One entry for each byte; only what occurs is computed.
  var table = [Int32](repeating: 0, count: 256)
  let isSigned = range.lowerBound < 0
  try x.withBytes { bytes in
    var occurs = [Bool](repeating: false, count: 256)
    occurs.withUnsafeMutableBufferPointer { occurs in for byte in bytes { occurs[Int(byte)] = true } }
    for byte in 0..<256 where occurs[byte] {
      table[byte] = try function(isSigned ? Int32(Int8(truncatingIfNeeded: byte)) : Int32(byte))
    }
  }
  let result = try context.allocate(dtype, x.shape)
  func fill<T: FixedWidthInteger>(_: T.Type) {
    let entries = table.map { T(truncatingIfNeeded: $0) }
    x.withBytes { bytes in
      entries.withUnsafeBufferPointer { entries in
        result.withMutable(T.self) { y in
          guard let y = y.baseAddress, let from = bytes.baseAddress, let entries = entries.baseAddress else { return }
          nonisolated(unsafe) let (target, source, table) = (y, from.assumingMemoryBound(to: UInt8.self), entries)
          context.primitives.parallel(result.count, grain: 1 << 16) { part in
            for i in part { target[i] = table[Int(source[i])] }
          }
        }
      }
    }
  }
  switch dtype {
  case .int8, .int4, .int2: fill(Int8.self)
  case .uint8, .uint4, .uint2: fill(UInt8.self)
  case .int16: fill(Int16.self)
  case .uint16: fill(UInt16.self)
  case .int32: fill(Int32.self)
  default: throw op.noKernel(dtype)
  }
  return result
}

/// `function` of pairs of stored integers, broadcast.
@inline(__always)
func mapStored(
  _ a: NDArray, _ b: NDArray, as dtype: DType, for op: any Op, in context: ExecutionContext, _ function: (Int32, Int32) -> Int32
) throws -> NDArray {
  let walk = try BroadcastWalk([a.shape, b.shape])
  try context.demand(.int32, walk.shape)
  let x = try a.stored(for: op), y = try b.stored(for: op)
  let stepA = walk.steps[0].last ?? 0, stepB = walk.steps[1].last ?? 0
  var out = [Int32](repeating: 0, count: walk.shape.reduce(1, *))
  x.withUnsafeBufferPointer { x in
    y.withUnsafeBufferPointer { y in
      out.withUnsafeMutableBufferPointer { out in
        guard let x = x.baseAddress, let y = y.baseAddress, let out = out.baseAddress else { return }
        walk.forEachRun { place, offsets, length in
          for i in 0..<length { out[place + i] = function(x[offsets[0] + i * stepA], y[offsets[1] + i * stepB]) }
        }
      }
    }
  }
  return try .storing(out, as: dtype, walk.shape, for: op, in: context)
}

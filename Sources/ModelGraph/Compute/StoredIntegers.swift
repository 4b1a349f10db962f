import ModelTensor

/// The integers that stand for real numbers in most quantised tensors.
public enum IntegerKind: Sendable, Hashable, CaseIterable {
  case int8, uint8, int16
  /// How elements of a dtype are kept; `nil` for wider ones.
  public init?(_ dtype: DType) {
    switch dtype {
    case .int8, .int4, .int2: self = .int8
    case .uint8, .uint4: self = .uint8
    case .int16: self = .int16
    default: return nil
    }
  }
}

/// Stored integers, each of which counts as itself less `zero`. The differences fit 16 bits.
public struct StoredIntegers {
  public var pointer: UnsafeRawPointer
  public var kind: IntegerKind
  public var zero: Int32
  public init(_ pointer: UnsafeRawPointer, _ kind: IntegerKind, zero: Int32) {
    self.pointer = pointer
    self.kind = kind
    self.zero = zero
  }
  subscript(_ index: Int) -> Int32 {
    switch kind {
    case .int8: Int32(pointer.load(fromByteOffset: index, as: Int8.self)) &- zero
    case .uint8: Int32(pointer.load(fromByteOffset: index, as: UInt8.self)) &- zero
    case .int16: Int32(pointer.load(fromByteOffset: 2 * index, as: Int16.self)) &- zero
    }
  }
}

/// Where results are stored, as integers of a kind.
public struct StoredResults {
  public var pointer: UnsafeMutableRawPointer
  public var kind: IntegerKind
  public init(_ pointer: UnsafeMutableRawPointer, _ kind: IntegerKind) {
    self.pointer = pointer
    self.kind = kind
  }
  func store(_ value: Int32, at index: Int) {
    switch kind {
    case .int8: pointer.storeBytes(of: Int8(truncatingIfNeeded: value), toByteOffset: index, as: Int8.self)
    case .uint8: pointer.storeBytes(of: UInt8(truncatingIfNeeded: value), toByteOffset: index, as: UInt8.self)
    case .int16: pointer.storeBytes(of: Int16(truncatingIfNeeded: value), toByteOffset: 2 * index, as: Int16.self)
    }
  }
}

/// A factor of 31 bits and a shift to the right behind it, from 0 to 31.
public struct IntegerFactor: Sendable, Hashable {
  public var value: Int32, right: Int32
  public init(_ value: Int32, right: Int32) {
    self.value = value
    self.right = right
  }
  /// Rounded as the high half of the product is taken, halves upwards, and as it is shifted, halves away from zero.
  func times(_ x: Int32) -> Int32 {
    let high = Int32(truncatingIfNeeded: (Int64(x) * Int64(value) + (1 << 30)) >> 31)
    let mask = Int32(truncatingIfNeeded: (Int64(1) << Int64(right)) - 1), threshold = (mask >> 1) + (high < 0 ? 1 : 0)
    return (high >> right) &+ (high & mask > threshold ? 1 : 0)
  }
}

/// How two stored integers become one: `clamp(factor · ((a ∘ b) · 2^left) + zero)`, where the operands of a sum or difference are
/// first shifted left and brought to one scale by factors of their own.
public struct IntegerCombination: Sendable, Hashable {
  public enum Function: Sendable, Hashable { case add, sub, mul }
  public var function: Function
  public var first: Int32 = 0
  public var a = IntegerFactor(0, right: 0), b = IntegerFactor(0, right: 0)
  public var left: Int32
  public var result: IntegerFactor
  public var zero: Int32
  public var range: ClosedRange<Int32>
  public init(_ function: Function, left: Int32, result: IntegerFactor, zero: Int32, range: ClosedRange<Int32>) {
    self.function = function
    self.left = left
    self.result = result
    self.zero = zero
    self.range = range
  }
  func callAsFunction(_ x: Int32, _ y: Int32) -> Int32 {
    let sum =
      switch function {
      case .mul: x &* y
      case .add: a.times(x &<< first) &+ b.times(y &<< first)
      case .sub: a.times(x &<< first) &- b.times(y &<< first)
      }
    return min(max(result.times(sum &<< left) &+ zero, range.lowerBound), range.upperBound)
  }
}

import ModelGraph
import ModelTensor

/// Philox4x32-10, a counter-based generator (Salmon et al., 2011): the same seed gives the same numbers on every
/// machine, at any position.
public struct Philox: Sendable {
  private var counter: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
  private let key: (UInt32, UInt32)
  private var block: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
  private var used = 4

  init(seed: UInt64) { key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)) }

  /// At a counter of 128 bits, moved on by so many blocks of four numbers.
  public init(key: UInt64, counter low: UInt64, _ high: UInt64, skipping blocks: UInt64 = 0) {
    self.init(seed: key)
    let (sum, overflow) = low.addingReportingOverflow(blocks)
    let top = overflow ? high &+ 1 : high
    counter = (
      UInt32(truncatingIfNeeded: sum), UInt32(truncatingIfNeeded: sum >> 32), UInt32(truncatingIfNeeded: top),
      UInt32(truncatingIfNeeded: top >> 32)
    )
  }

  /// The next 32 random bits.
  public mutating func next() -> UInt32 {
    if used == 4 {
      block = Self.rounds(counter, key)
      used = 0
      counter.0 &+= 1
      if counter.0 == 0 {
        counter.1 &+= 1
        if counter.1 == 0 {
          counter.2 &+= 1
          if counter.2 == 0 { counter.3 &+= 1 }
        }
      }
    }
    used += 1
    switch used {
    case 1: return block.0
    case 2: return block.1
    case 3: return block.2
    default: return block.3
    }
  }

  /// Uniform on `0 ..< 1`, with 53 random bits.
  mutating func uniform() -> Double {
    let high = UInt64(next() >> 5), low = UInt64(next() >> 6)
    return Double(high << 26 | low) / Double(1 << 53 as UInt64)
  }

  static func rounds(
    _ start: (UInt32, UInt32, UInt32, UInt32), _ key: (UInt32, UInt32)
  ) -> (UInt32, UInt32, UInt32, UInt32) {
    var c = start, k = key
    for _ in 0..<10 {
      let a = UInt64(0xD251_1F53) * UInt64(c.0), b = UInt64(0xCD9E_8D57) * UInt64(c.2)
      c = (
        UInt32(truncatingIfNeeded: b >> 32) ^ c.1 ^ k.0, UInt32(truncatingIfNeeded: b),
        UInt32(truncatingIfNeeded: a >> 32) ^ c.3 ^ k.1, UInt32(truncatingIfNeeded: a)
      )
      k.0 &+= 0x9E37_79B9
      k.1 &+= 0xBB67_AE85
    }
    return c
  }
}

extension ExecutionContext {
  /// A generator for an op: from its own seed, or from the run's, which moves on.
  func generator(seed: Int?) -> Philox {
    if let seed { return Philox(seed: UInt64(bitPattern: Int64(seed))) }
    self.seed &+= 0x9E37_79B9_7F4A_7C15
    return Philox(seed: self.seed)
  }
}

/// The shape that an op's first input, an integer vector, asks for.
func requestedShape(_ inputs: [NDArray?], of op: any Op) throws -> [Int] {
  guard let shape = try inputs.required(0, of: op).integers(), shape.allSatisfy({ $0 >= 0 }), checkedProduct(shape) != nil
  else { throw ExecutionError(.invalidValue, "\(op.displayName): not a shape") }
  return shape
}

/// The type a shape vector asks for, as far as it is known.
func inferRequestedShape(_ inputs: [Fact?], dtype: DType, of op: any Op) throws -> [TensorType] {
  let shape = try inputs.required(0, of: op)
  if let elements = shape.elements { return [TensorType(dtype, .ranked(elements))] }
  guard let rank = shape.type.shape.dims?.first?.value, rank >= 0, rank <= 64 else { return [TensorType(dtype, .unranked)] }
  return [TensorType(dtype, .ranked(Array(repeating: .unknown, count: rank)))]
}

import ModelGraph
import ModelTensor

/// Random bits by a counter, as XLA's `RngBitGenerator`.
///
/// Input: the state, `uint64[2]` or, with Philox, `uint64[3]`: the key, then the counter. Results: the next state, and bits of
/// the given type (int32, uint32, int64 or uint64). Source: LiteRT's `rng_util.cc` and `rng_bit_generator.cc`, which moves the
/// counter's low 64 bits on by one for each block.
public struct BitGeneratorOp: PrimitiveOp {
  public static let name = "BitGenerator"
  public static let family = OpFamily.random
  /// Threefry2x32 with 20 rounds; else Philox4x32-10.
  public var isThreefry: Bool
  public var result: TensorType
  public init(isThreefry: Bool, result: TensorType) {
    self.isThreefry = isThreefry
    self.result = result
  }
  public var attributes: [(name: String, value: AttributeValue)] {
    [("isThreefry", .bool(isThreefry)), ("result", .string(result.description))]
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let state = try inputs.required(0, of: self).type
    guard state.dtype == .uint64 else { throw GraphError(.wrongDType, "\(displayName) with a state \(state)") }
    return [state, result]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let state = try inputs.required(0, of: self)
    guard state.dtype == .uint64, state.rank == 1, state.count == 2 || state.count == 3 && !isThreefry,
      let extents = result.shape.extents, [.int32, .uint32, .int64, .uint64].contains(result.dtype)
    else { throw ExecutionError(.invalidInput, "\(displayName) of \(result) with a state \(state.type)") }
    var words = state.values(UInt64.self).flatMap { [UInt32(truncatingIfNeeded: $0), UInt32(truncatingIfNeeded: $0 >> 32)] }
    let isWide = result.dtype == .int64 || result.dtype == .uint64
    let bits = try context.allocate(isWide ? .uint64 : .uint32, extents)
    let key = (words[0], words[1])
    var counter = [words[2], words[3]]
    if !isThreefry { counter += words.count == 6 ? [words[4], words[5]] : [words[0], words[1]] }
    var block: [UInt32] = [], used = 0
    func next() -> UInt32 {
      if used == block.count {
        block = isThreefry ? Self.threefry(key, counter) : Self.philox(key, counter)
        used = 0
        counter[0] &+= 1
        if counter[0] == 0 { counter[1] &+= 1 }
      }
      used += 1
      return block[used - 1]
    }
    if isWide {
      bits.withMutable(UInt64.self) { y in
        for index in y.indices {
          let low = UInt64(next())
          y[index] = low | UInt64(next()) << 32
        }
      }
    } else {
      bits.withMutable(UInt32.self) { y in for index in y.indices { y[index] = next() } }
    }
    (words[2], words[3]) = (counter[0], counter[1])
    let after = stride(from: 0, to: words.count, by: 2).map { UInt64(words[$0]) | UInt64(words[$0 + 1]) << 32 }
    return [NDArray(after, state.shape), bits.reinterpreted(as: result.dtype)]
  }

  private static func philox(_ key: (UInt32, UInt32), _ counter: [UInt32]) -> [UInt32] {
    let c = Philox.rounds((counter[0], counter[1], counter[2], counter[3]), key)
    return [c.0, c.1, c.2, c.3]
  }

  private static func threefry(_ key: (UInt32, UInt32), _ counter: [UInt32]) -> [UInt32] {
    let keys = [key.0, key.1, key.0 ^ key.1 ^ 0x1BD1_1BDA]
    let rotations: [[UInt32]] = [[13, 15, 26, 6], [17, 29, 16, 24]]
    var a = counter[0] &+ keys[0], b = counter[1] &+ keys[1]
    for round in 0..<5 {
      for turn in rotations[round % 2] {
        a &+= b
        b = b << turn | b >> (32 - turn)
        b ^= a
      }
      a &+= keys[(round + 1) % 3]
      b &+= keys[(round + 2) % 3] &+ UInt32(round + 1)
    }
    return [a, b]
  }
}

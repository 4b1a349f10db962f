/// Steele, Lea and Flood's SplitMix64: small, fast, the same numbers everywhere. Enough for made-up inputs.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Uniform on `0 ..< 1`.
  mutating func uniform() -> Double { Double(next() >> 11) / Double(1 << 53 as UInt64) }

  /// Close to a standard normal number and never further than 6 from 0: the sum of twelve uniform ones.
  mutating func normal() -> Double {
    var sum = -6.0
    for _ in 0..<12 { sum += uniform() }
    return sum
  }

  /// A stream of its own for each name, so that one input's numbers do not depend on the others.
  static func stream(seed: UInt64, name: String, sample: Int) -> SplitMix {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    var mixer = SplitMix(seed: seed &+ hash)
    for _ in 0..<4 { _ = mixer.next() }
    return SplitMix(seed: mixer.next() &+ UInt64(sample) &* 0xD134_2543_DE82_EF95)
  }
}

/// The generator behind Python's `random` (Matsumoto and Nishimura, 1998): Keras takes from it the seeds that it is not given.
struct MersenneTwister {
  private var state = [UInt32](repeating: 0, count: 624)
  private var index = 624

  /// As `random.seed(seed)`.
  init(seed: Int) {
    var key: [UInt32] = [], rest = UInt64(seed.magnitude)
    repeat {
      key.append(UInt32(truncatingIfNeeded: rest))
      rest >>= 32
    } while rest != 0
    state[0] = 19_650_218
    for i in 1..<624 { state[i] = 1_812_433_253 &* (state[i - 1] ^ (state[i - 1] >> 30)) &+ UInt32(i) }
    var i = 1, j = 0
    for _ in 0..<max(624, key.count) {
      state[i] = (state[i] ^ ((state[i - 1] ^ (state[i - 1] >> 30)) &* 1_664_525)) &+ key[j] &+ UInt32(j)
      i += 1
      j = (j + 1) % key.count
      if i >= 624 {
        state[0] = state[623]
        i = 1
      }
    }
    for _ in 0..<623 {
      state[i] = (state[i] ^ ((state[i - 1] ^ (state[i - 1] >> 30)) &* 1_566_083_941)) &- UInt32(i)
      i += 1
      if i >= 624 {
        state[0] = state[623]
        i = 1
      }
    }
    state[0] = 0x8000_0000
  }

  mutating func next() -> UInt32 {
    if index == 624 {
      for i in 0..<624 {
        let y = (state[i] & 0x8000_0000) | (state[(i + 1) % 624] & 0x7FFF_FFFF)
        state[i] = state[(i + 397) % 624] ^ (y >> 1) ^ (y & 1 == 0 ? 0 : 0x9908_B0DF)
      }
      index = 0
    }
    var y = state[index]
    index += 1
    y ^= y >> 11
    y ^= (y << 7) & 0x9D2C_5680
    y ^= (y << 15) & 0xEFC6_0000
    return y ^ (y >> 18)
  }

  /// As `random.randint(1, 1_000_000_000)`.
  mutating func nextSeed() -> Int {
    while true {
      let bits = Int(next() >> 2)
      if bits < 1_000_000_000 { return bits + 1 }
    }
  }
}

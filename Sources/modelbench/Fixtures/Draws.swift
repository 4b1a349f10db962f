import ModelOps

/// Numbers drawn one after the other from a seed, the same on every machine.
struct Draws {
  private var generator: Philox
  init(seed: UInt64) { generator = Philox(key: seed, counter: 0, 0) }

  /// On `0 ..< count`.
  mutating func int(_ count: Int) -> Int { Int(generator.next()) % count }
  /// On `low ..< high`.
  mutating func uniform(_ low: Double, _ high: Double) -> Double { low + (high - low) * Double(generator.next()) / 4_294_967_296 }
  /// Mean 0, deviation 1: the sum of twelve uniform numbers, which needs no logarithm that machines round differently.
  mutating func normal() -> Double { (0..<12).reduce(-6) { sum, _ in sum + uniform(0, 1) } }
}

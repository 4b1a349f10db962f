import CKernels
import ComputeBackend
import ModelGraph
import Testing

/// Repeatable numbers between −2 and 2.
struct Numbers {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
  mutating func next() -> Float {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Float(state >> 40) / Float(1 << 22) - 2
  }
  mutating func floats(_ count: Int) -> [Float] { (0..<count).map { _ in next() } }
}

/// Holds whole results together: within `relative` of the largest magnitude around, NaN where NaN is.
func expectClose(
  _ found: [Float], _ expected: [Float], relative: Float = 2e-6, absolute: Float = 2e-6, _ comment: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  for i in expected.indices {
    let a = found[i], b = expected[i]
    if a == b || a.isNaN && b.isNaN { continue }
    if abs(a - b) <= absolute + relative * abs(b) { continue }
    Issue.record("\(comment) element \(i): expected \(b), found \(a)", sourceLocation: sourceLocation)
    return
  }
}

/// Runs `body` with each instruction set that this processor has, on one thread and on three.
func withEveryBackend(_ body: (FastPrimitives, _ name: String) -> Void) {
  // The choice holds for this thread and the loops it shares, not for other tests.
  let usual = FastPrimitives.instructionSet
  for name in ["portable", "avx2", "avx512", "avx512vnni"] where ck_use_instruction_set(name) {
    for threads in [1, 3] { body(FastPrimitives(threads: threads), "\(name), \(threads) threads:") }
  }
  _ = ck_use_instruction_set(usual)
}

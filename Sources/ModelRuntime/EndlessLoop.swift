import ModelGraph
import ModelOps
import ModelTensor

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Watches a loop that nothing but its condition ends, and stops it where it would never end.
///
/// Two things prove that: a condition that is true whatever the body does, and a turn that starts from the very values an
/// earlier one started from, when the bodies draw no random numbers. What is left has a limit of time.
final class EndlessLoop {
  private let start = ContinuousClock.now
  private let time: Duration
  private let findsRepetition: Bool
  /// Where the values of the state begin among what the first body takes: a Loop's iteration, which its body does not read, is left out.
  private let first: Int
  private var turn = 0
  /// What an earlier turn started from; taken anew at every power of two, so that any cycle is found.
  private var earlier: (turn: Int, values: ArraySlice<NDArray>)?

  /// - Returns: `nil` for what ends by itself.
  /// - Throws: `ExecutionError.limitExceeded` for a loop whose condition is true for good.
  init?(_ step: Program.Step, _ inputs: [NDArray?], plan: Plan, options: ExecutionOptions) throws {
    time = options.loopTime * 10
    var first = 0, readsTurn = false
    guard let body = step.bodies.first.flatMap({ plan.programs[$0] }) else { return nil }
    switch step.op {
    case is LoopOp:
      let count = inputs.first??.integers()?.first
      if let count, count <= options.bodyLimit { return nil }
      guard inputs.count > 1, inputs[1]?.integers()?.first != 0 else { return nil }
      if body.isAlwaysTrue(0, given: 1) {
        throw ExecutionError(
          .limitExceeded,
          count.map { "the loop takes \($0) turns, of which at most \(options.bodyLimit) are taken: its condition is true in all of them" }
            ?? "the loop never ends: its condition is always true, and it has no trip count")
      }
      first = 1
      readsTurn =
        body.inputs.first.map { slot in
          body.outputs.contains(slot) || body.steps.contains { $0.inputs.contains(slot) }
        } ?? true
    case is WhileOp:
      if body.isAlwaysTrue(0, given: nil) {
        throw ExecutionError(.limitExceeded, "the loop never ends: its condition is always true")
      }
    default: return nil
    }
    self.first = first
    findsRepetition = !readsTurn && !plan.drawsRandom(step.bodies)
  }

  /// Before a turn.
  /// - Parameter values: what its first body takes.
  /// - Throws: `ExecutionError.limitExceeded`.
  func begin(_ values: [NDArray]) throws {
    turn += 1
    guard ContinuousClock.now - start <= time else {
      throw ExecutionError(.limitExceeded, "the loop went on for \(turn - 1) turns and longer than \(time), with no end in sight")
    }
    guard findsRepetition else { return }
    let state = values.dropFirst(first)
    if let earlier, earlier.values.count == state.count, zip(earlier.values, state).allSatisfy({ $0.isSame(as: $1) }) {
      throw ExecutionError(
        .limitExceeded, "the loop never ends: turn \(turn) starts from the values that turn \(earlier.turn) started from")
    }
    if turn & (turn - 1) == 0 { earlier = (turn, state) }
  }
}

extension Program {
  /// Whether an output is true in any case: a constant, or the input `given` passed on, which was true to begin with.
  fileprivate func isAlwaysTrue(_ output: Int, given: Int?) -> Bool {
    guard outputs.indices.contains(output) else { return false }
    var slot = outputs[output]
    for _ in 0...steps.count {
      if let given, inputs.indices.contains(given), inputs[given] == slot { return true }
      if let constant = constants.first(where: { $0.slot == slot }) {
        return (try? constant.tensor.array()).flatMap { $0.count == 1 ? $0.integers()?.first : nil }.map { $0 != 0 } ?? false
      }
      guard let maker = steps.first(where: { $0.outputs.contains(slot) }), maker.op is IdentityOp, let source = maker.inputs.first ?? nil
      else { return false }
      slot = source
    }
    return false
  }
}

extension Plan {
  /// Whether these graphs or what they reach draw random numbers.
  fileprivate func drawsRandom(_ graphs: [GraphID]) -> Bool {
    var seen: Set<GraphID> = [], waiting = graphs
    while let id = waiting.popLast() {
      guard seen.insert(id).inserted, let program = programs[id] else { continue }
      for step in program.steps {
        if type(of: step.op).family == .random { return true }
        waiting += step.bodies
      }
    }
    return false
  }
}

extension NDArray {
  /// The same dtype, shape and bits. What holds other arrays is never the same.
  fileprivate func isSame(as other: NDArray) -> Bool {
    guard dtype == other.dtype, shape == other.shape, dtype != .variant else { return false }
    if dtype == .string { return strings == other.strings }
    return withBytes { a in
      other.withBytes { b in
        guard a.count == b.count, let first = a.baseAddress, let second = b.baseAddress else { return a.count == b.count }
        return first == second || memcmp(first, second, a.count) == 0
      }
    }
  }
}

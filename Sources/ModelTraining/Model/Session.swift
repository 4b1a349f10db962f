import Synchronization

/// What Keras keeps for the whole program: automatic names, and where seeds come from.
final class Session: Sendable {
  private struct State {
    var names: [String: Int] = [:]
    var seeds: MersenneTwister?
    var generator: SeedGenerator?
  }
  private let state = Mutex(State())
  @TaskLocal static var scoped: Session?
  private static let shared = Session()
  static var current: Session { scoped ?? shared }

  func count(_ name: String) -> Int {
    state.withLock { state in
      defer { state.names[name, default: 0] += 1 }
      return state.names[name, default: 0]
    }
  }
  func resetNames() { state.withLock { $0.names = [:] } }

  func seed(_ seed: Int) {
    state.withLock { state in
      state.seeds = MersenneTwister(seed: seed)
      state.generator = nil
    }
  }
  /// The next seed for what is given none.
  func nextSeed() -> Int {
    state.withLock { state in
      if state.seeds == nil {
        var system = SystemRandomNumberGenerator()
        state.seeds = MersenneTwister(seed: Int(truncatingIfNeeded: system.next() as UInt32))
      }
      return state.seeds?.nextSeed() ?? 0
    }
  }
  /// The generator of draws that are given no seed.
  func generator() throws -> SeedGenerator {
    if let known = state.withLock({ $0.generator }) { return known }
    let made = try SeedGenerator(seed: nextSeed())
    return state.withLock { state in
      if let known = state.generator { return known }
      state.generator = made
      return made
    }
  }
}

/// Starts automatic names anew (Keras's `clear_session`).
public func clearSession() { Session.current.resetNames() }

/// Makes what follows reproducible: draws and layers that are given no seed of their own take the seeds that Keras takes after
/// `keras.utils.set_random_seed`.
public func setRandomSeed(_ seed: Int) { Session.current.seed(seed) }

/// Runs `body` in a session of its own: automatic names start anew, and with a seed everything that is drawn follows from it, whatever other
/// tasks do.
public func withSession<R>(seed: Int? = nil, _ body: () throws -> R) rethrows -> R {
  let session = Session()
  if let seed { session.seed(seed) }
  return try Session.$scoped.withValue(session) { try body() }
}

/// Seeds for initialisers and layers without one.
func makeSeed() -> Int { Session.current.nextSeed() }

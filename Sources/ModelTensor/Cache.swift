import Synchronization

/// A value computed once and kept until it is cleared.
final class Cache: Sendable {
  private let value = Mutex<ArraySource?>(nil)
  func get(_ make: () throws -> ArraySource) rethrows -> ArraySource {
    if let kept = value.withLock({ $0 }) { return kept }
    let made = try make()
    value.withLock { $0 = made }
    return made
  }
  func clear() { value.withLock { $0 = nil } }
}

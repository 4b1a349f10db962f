import Synchronization

/// The files and folders that stand beside destinations while these are written: what has to go when the process is ended from outside.
public enum TemporaryPaths {
  private static let paths = Mutex<Set<String>>([])
  private static let moving = Mutex<Void>(())

  static func add(_ path: String) { paths.withLock { _ = $0.insert(path) } }
  static func forget(_ path: String) { paths.withLock { _ = $0.remove(path) } }

  /// Runs `body`, which puts finished results in their place; a removal waits until it is done.
  static func withoutRemoval<R>(_ body: () throws -> R) rethrows -> R { try moving.withLock { _ in try body() } }

  /// Removes everything that is not finished, and lets nothing be put in its place any more. For a process that is about to end.
  ///
  /// - Parameter body: what ends it.
  public static func removeAll(then body: () -> Void) {
    moving.withLock { _ in
      let all = paths.withLock { $0 }
      // Somebody may still be writing: what appears in a folder while it is emptied goes in the next round.
      for _ in 0..<8 {
        for path in all { FileSystem.remove(path) }
        guard all.contains(where: { FileSystem.kind($0) != nil }) else { break }
      }
      body()
    }
  }
}

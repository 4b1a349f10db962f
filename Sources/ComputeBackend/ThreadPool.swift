import CKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Threads that wait for loops to share. They sleep while there is nothing to do.
final class ThreadPool: @unchecked Sendable {
  let count: Int
  private let threads: OpaquePointer?

  init(count: Int) {
    self.count = max(1, count)
    threads = count > 1 ? ck_threads_create(Int32(clamping: count)) : nil
  }
  deinit { ck_threads_destroy(threads) }

  /// Calls `body` on ranges of at most `grain` that together are `0..<count`.
  func run(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    guard count > 0 else { return }
    guard threads != nil, count > grain else { body(0..<count); return }
    share(count, grain, body)
  }

  // Not inlined: a caller that saw what happens to `body` would keep what it captures on the heap.
  @inline(never)
  private func share(_ count: Int, _ grain: Int, _ body: (Range<Int>) -> Void) {
    withoutActuallyEscaping(body) { body in
      withUnsafePointer(to: body) { pointer in
        ck_threads_run(
          threads, count, grain,
          { context, first, last in
            context?.assumingMemoryBound(to: ((Range<Int>) -> Void).self).pointee(first..<last)
          }, UnsafeMutableRawPointer(mutating: pointer))
      }
    }
  }

  /// The processors that this process may use.
  static var processors: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}

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
    share(threads, count, grain) { body($0..<$1) }
  }

  /// The processors that this process may use.
  static var processors: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}

/// `ck_threads_run`: a closure that does not escape goes to C as it is, in two words. What Swift offers for it, `withoutActuallyEscaping`, puts it
/// on the heap for each loop.
@_silgen_name("ck_threads_run")
private func share(_ threads: OpaquePointer?, _ count: Int, _ grain: Int, _ body: (_ first: Int, _ last: Int) -> Void)

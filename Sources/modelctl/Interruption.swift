import ModelSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Ends the process on SIGINT, SIGTERM and SIGHUP as it would end without, but for removing what is half written.
///
/// The signals are blocked in all threads, and one thread waits for them: unlike a handler it may allocate and take locks.
enum Interruption {
  /// To be called before any other thread is there.
  static func watch() {
    let signals = UnsafeMutablePointer<sigset_t>.allocate(capacity: 1)
    sigemptyset(signals)
    for number in [SIGINT, SIGTERM, SIGHUP] where !isIgnored(number) { sigaddset(signals, number) }
    guard pthread_sigmask(SIG_BLOCK, signals, nil) == 0 else { return }
    var thread = pthread_t()
    let failure = pthread_create(
      &thread, nil,
      { argument in
        guard let signals = argument?.assumingMemoryBound(to: sigset_t.self) else { return nil }
        var number: Int32 = 0
        guard sigwait(signals, &number) == 0 else { return nil }
        TemporaryPaths.removeAll {
          signal(number, SIG_DFL)
          pthread_sigmask(SIG_UNBLOCK, signals, nil)
          raise(number)
          _exit(128 + number)
        }
        return nil
      }, signals)
    if failure != 0 { pthread_sigmask(SIG_UNBLOCK, signals, nil) }
  }

  /// Whether the caller wants the process to take no notice: `nohup` does.
  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(number, nil, &action) == 0 else { return false }
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}

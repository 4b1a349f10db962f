import CHDF5
import ModelSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The one door to libhdf5: its calls are serialised by one lock, its error printing is off, and
/// what it reports is thrown.
enum HDF5Library {
  /// Recursive, because a handle may be let go of while a call is under way.
  private static let lock = RecursiveLock()
  private static let ready: Void = chdf5_prepare()
  /// The thread that called last: every thread has an error stack that prints until it is told not to.
  private nonisolated(unsafe) static var lastThread: pthread_t?

  @discardableResult
  static func call<R>(_ body: () throws -> R) rethrows -> R {
    lock.lock()
    defer { lock.unlock() }
    _ = ready
    let thread = pthread_self()
    if thread != lastThread {
      H5Eset_auto2(0, nil, nil)
      lastThread = thread
    }
    return try body()
  }

  /// The innermost message of the library's error stack, which is cleared.
  static func lastMessage() -> String {
    call {
      var text = [CChar](repeating: 0, count: 256)
      text.withUnsafeMutableBufferPointer { chdf5_last_error($0.baseAddress) }
      return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }

  /// Throws what the library says unless `status` is a success.
  @discardableResult
  static func check(_ status: Int32, _ what: @autoclosure () -> String) throws -> Int32 {
    guard status >= 0 else { throw failure(what()) }
    return status
  }

  static func failure(_ what: String) -> FormatError {
    let reason = lastMessage()
    let code: FormatError.Code = reason.contains("truncated") ? .truncated : .invalidStructure
    return FormatError(code, reason.isEmpty ? "\(what) failed" : "\(what): \(reason)")
  }
}

/// An open identifier of the library, closed with the last reference.
final class HDF5Handle: Sendable {
  let id: hid_t

  /// Takes over what `open` returns.
  /// - Throws: `FormatError` saying that `what` failed, with the library's reason.
  init(_ what: @autoclosure () -> String, _ open: () -> hid_t) throws {
    let result = HDF5Library.call(open)
    guard result >= 0 else { throw HDF5Library.failure(what()) }
    id = result
  }

  deinit {
    let id = id
    _ = HDF5Library.call { H5Idec_ref(id) }
  }
}

/// A lock that its own thread may take again.
private final class RecursiveLock: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

  init() {
    var attributes = pthread_mutexattr_t()
    pthread_mutexattr_init(&attributes)
    pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_RECURSIVE))
    pthread_mutex_init(mutex, &attributes)
    pthread_mutexattr_destroy(&attributes)
  }
  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }
  func lock() { pthread_mutex_lock(mutex) }
  func unlock() { pthread_mutex_unlock(mutex) }
}

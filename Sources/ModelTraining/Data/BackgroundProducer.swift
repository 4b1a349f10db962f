/// A thread that makes elements ahead of who takes them, no more than `capacity` at a time. It ends when nobody is left to take any.
final class BackgroundProducer<Element: Sendable> {
  private final class State: @unchecked Sendable {
    let monitor = Monitor()
    var waiting: [Element] = []
    var error: (any Error)?
    var isDone = false
    var isAbandoned = false
  }
  private let state = State()

  /// - Parameter produce: hands its elements to the function that it is given, until that says that no more are wanted.
  init(capacity: Int, _ produce: @escaping @Sendable ((Element) -> Bool) throws -> Void) {
    let state = state
    let isStarted = Monitor.startThread {
      var failure: (any Error)?
      do {
        try produce { element in
          state.monitor.withLock {
            state.monitor.wait { state.isAbandoned || state.waiting.count < capacity }
            guard !state.isAbandoned else { return false }
            state.waiting.append(element)
            state.monitor.notify()
            return true
          }
        }
      } catch { failure = error }
      state.monitor.withLock {
        state.error = failure
        state.isDone = true
        state.monitor.notify()
      }
    }
    if !isStarted {
      state.error = TensorError(.notSupported, "prefetch: the system gives no further thread")
      state.isDone = true
    }
  }
  deinit {
    state.monitor.withLock {
      state.isAbandoned = true
      state.waiting = []
      state.monitor.notify()
    }
  }

  /// The next element; waits for it. An error comes where its element would have come.
  func next() throws -> Element? {
    try state.monitor.withLock {
      state.monitor.wait { !state.waiting.isEmpty || state.isDone }
      if !state.waiting.isEmpty {
        defer { state.monitor.notify() }
        return state.waiting.removeFirst()
      }
      if let error = state.error {
        state.error = nil
        throw error
      }
      return nil
    }
  }
}

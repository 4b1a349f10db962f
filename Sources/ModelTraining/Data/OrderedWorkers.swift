/// Threads that apply a function to elements, and give the results in the order of the elements.
final class OrderedWorkers<Input: Sendable, Output: Sendable> {
  private final class State: @unchecked Sendable {
    let monitor = Monitor()
    /// Elements that no thread has taken yet, with their places.
    var waiting: [(place: Int, input: Input)] = []
    var results: [Int: Result<Output, any Error>] = [:]
    var isAbandoned = false
  }
  private let state = State()
  private let capacity: Int
  private var submitted = 0
  private var delivered = 0

  init(count: Int, _ body: @escaping @Sendable (Input) throws -> Output) {
    capacity = 2 * count
    let state = state
    var started = 0
    for _ in 0..<count {
      let isStarted = Monitor.startThread {
        while true {
          let task: (place: Int, input: Input)? = state.monitor.withLock {
            state.monitor.wait { state.isAbandoned || !state.waiting.isEmpty }
            return state.isAbandoned ? nil : state.waiting.removeFirst()
          }
          guard let task else { return }
          let result = Result { try body(task.input) }
          state.monitor.withLock {
            state.results[task.place] = result
            state.monitor.notify()
          }
        }
      }
      if isStarted { started += 1 }
    }
    if started == 0 { submit(failure: TensorError(.notSupported, "map: the system gives no further thread")) }
  }
  deinit {
    state.monitor.withLock {
      state.isAbandoned = true
      state.waiting = []
      state.monitor.notify()
    }
  }

  /// Whether another element may be submitted.
  var hasRoom: Bool { submitted - delivered < capacity }
  func submit(_ input: Input) {
    state.monitor.withLock {
      state.waiting.append((submitted, input))
      state.monitor.notify()
    }
    submitted += 1
  }
  /// An error in the place of an element.
  func submit(failure: any Error) {
    state.monitor.withLock { state.results[submitted] = .failure(failure) }
    submitted += 1
  }
  /// The next result; `nil` when there is nothing that was submitted.
  func next() throws -> Output? {
    guard delivered < submitted else { return nil }
    let result: Result<Output, any Error>? = state.monitor.withLock {
      state.monitor.wait { state.results[delivered] != nil }
      return state.results.removeValue(forKey: delivered)
    }
    delivered += 1
    return try result?.get()
  }
}

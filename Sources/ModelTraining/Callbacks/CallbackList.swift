/// The callbacks of one run, told together.
final class CallbackList {
  let all: [any Callback]
  let wantsBatchLogs: Bool

  /// Backups come last: they keep what the others remember.
  init(_ callbacks: [any Callback], model: Model, _ parameters: FitParameters) {
    all = callbacks.filter { !($0 is BackupAndRestore) } + callbacks.filter { $0 is BackupAndRestore }
    wantsBatchLogs = callbacks.contains(where: \.wantsBatchLogs)
    for callback in all {
      callback.setModel(model)
      callback.setParameters(parameters)
    }
  }
  func each(_ body: (any Callback) throws -> Void) rethrows { for callback in all { try body(callback) } }

  /// What those that can be resumed remember.
  func savedState() throws -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    for (key, callback) in resumable {
      for (name, tensor) in try callback.savedState() { result["\(key)/\(name)"] = tensor }
    }
    return result
  }
  func restoreState(_ state: [String: Tensor]) throws {
    for (key, callback) in resumable {
      var own: [String: Tensor] = [:]
      for (name, tensor) in state where name.hasPrefix(key + "/") { own[String(name.dropFirst(key.count + 1))] = tensor }
      try callback.restoreState(own)
    }
  }
  /// By place and class: another list of callbacks takes nothing that is not its own.
  private var resumable: [(key: String, callback: any ResumableCallback)] {
    all.enumerated().compactMap { index, callback in
      (callback as? any ResumableCallback).map { ("callbacks/\(index)-\(String(describing: type(of: callback)))", $0) }
    }
  }
}

import Foundation

/// A line on standard error that says what is going on; only on a terminal, and gone at the end.
struct Progress: Sendable {
  let isShown: Bool
  init(quiet: Bool = false) { isShown = !quiet && isatty(2) == 1 }

  func show(_ text: String) {
    guard isShown else { return }
    FileHandle.standardError.write(Data("\r\u{1B}[K\(text)…".utf8))
  }
  func show(_ text: String, _ part: Double) { show("\(text) \(Int((min(1, max(0, part)) * 100).rounded())) %") }
  func clear() {
    if isShown { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
  }
}

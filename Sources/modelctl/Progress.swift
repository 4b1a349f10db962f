#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A line on standard error that says what is going on; only on a terminal, and gone at the end.
struct Progress: Sendable {
  let isShown: Bool
  init(quiet: Bool = false) { isShown = !quiet && isatty(2) == 1 }

  func show(_ text: String) {
    guard isShown else { return }
    writeError("\r\u{1B}[K\(text)…", terminator: "")
  }
  func show(_ text: String, _ part: Double) { show("\(text) \(Int((min(1, max(0, part)) * 100).rounded())) %") }
  func clear() {
    if isShown { writeError("\r\u{1B}[K", terminator: "") }
  }
}

/// Writes to standard error, past all buffers.
func writeError(_ text: String, terminator: String = "\n") {
  var text = text + terminator
  text.withUTF8 { bytes in
    var rest = UnsafeRawBufferPointer(bytes)
    while !rest.isEmpty {
      let count = write(2, rest.baseAddress, rest.count)
      guard count > 0 else { return }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }
}

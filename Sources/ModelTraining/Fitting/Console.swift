#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Where training speaks: figures on standard output, doubts on standard error.
enum Console {
  static var isTerminal: Bool { isatty(1) == 1 }
  static func print(_ text: String) { put(text, 1) }
  static func warn(_ text: String) { put("warning: \(text)\n", 2) }
  private static func put(_ text: String, _ descriptor: Int32) {
    // A progress bar that nobody can see is no reason to stop.
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count <= 0 { return }
      rest = rest.dropFirst(count)
    }
  }

  /// A number in C's spelling: `%.4f`.
  static func format(_ format: String, _ value: Double) -> String { formatted(format, [value]) }
  static func format(_ format: String, _ value: Int) -> String { formatted(format, [value]) }
  private static func formatted(_ format: String, _ values: [any CVarArg]) -> String {
    var buffer = [CChar](repeating: 0, count: 512)
    let count = withVaList(values) { vsnprintf(&buffer, buffer.count, format, $0) }
    return String(
      decoding: buffer.prefix(Swift.max(0, Swift.min(Int(count), buffer.count - 1))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// How much training shows.
public enum Verbosity: Sendable, Equatable, ExpressibleByIntegerLiteral {
  /// A bar on a terminal, nothing elsewhere.
  case auto
  case silent
  /// A bar that moves (1).
  case bar
  /// One line an epoch (2).
  case lines
  public init(integerLiteral value: Int) { self = value <= 0 ? .silent : value == 1 ? .bar : .lines }
  /// What `auto` stands for here.
  var resolved: Verbosity { self == .auto ? (Console.isTerminal ? .bar : .silent) : self }
}

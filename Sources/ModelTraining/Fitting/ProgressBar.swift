/// The text of a progress bar as Keras draws it.
struct ProgressBar {
  /// How many steps there will be, when that is known.
  var target: Int?
  private static let width = 20, interval = 0.05
  private let start: ContinuousClock.Instant
  private var afterFirst: ContinuousClock.Instant?
  private var lastShown: ContinuousClock.Instant?
  private var lastWidth = 0
  private var now: ContinuousClock.Instant

  init(target: Int?) {
    self.target = target
    start = .now
    now = start
  }
  /// A step is done.
  mutating func note(_ current: Int) {
    now = .now
    if current == 1, afterFirst == nil { afterFirst = now }
  }
  /// Whether it is time to draw again.
  var isDue: Bool { lastShown.map { $0.duration(to: now).seconds >= Self.interval } ?? true }

  /// The line, over the one before it.
  mutating func line(_ current: Int, _ figures: [(String, Double)], isLast: Bool) -> String {
    now = .now
    lastShown = now
    let elapsed = start.duration(to: now).seconds, perStep = secondsPerStep(current)
    var plain = "", shown = ""
    func add(_ text: String, _ style: String = "") {
      plain += text
      shown += style.isEmpty || text.isEmpty ? text : "\u{1b}[\(style)m\(text)\u{1b}[0m"
    }
    if let target, target > 0 {
      let digits = "\(target)".count, count = "\(current)"
      add(String(repeating: " ", count: Swift.max(0, digits - count.count)) + "\(count)/\(target)", "1")
      add(" ")
      let done = Swift.min(Self.width, Self.width * current / target)
      add(String(repeating: "━", count: done), "32")
      add(String(repeating: "━", count: Self.width - done), "37")
    } else {
      add(Console.format("%7d", current) + "/Unknown")
    }
    add(" ")
    if let target, !isLast {
      add(Self.time(perStep * Double(target - current)), "1")
    } else {
      add(Console.format("%.0fs", elapsed), "1")
    }
    add(Self.rate(perStep) + Self.text(figures))
    let padding = String(repeating: " ", count: Swift.max(0, lastWidth - plain.count))
    lastWidth = plain.count
    return "\r" + shown + padding + (isLast ? "\n" : "")
  }

  /// One line for a whole epoch.
  func summary(_ current: Int, _ figures: [(String, Double)]) -> String {
    let elapsed = start.duration(to: .now).seconds
    let count = target.map { "\(current)/\($0)" } ?? "\(current)"
    return "\(count) - \(Console.format("%.0fs", elapsed)) -\(Self.rate(secondsPerStep(current)))\(Self.text(figures))\n"
  }

  /// The first step, which traces, is no measure of the others.
  private func secondsPerStep(_ current: Int) -> Double {
    guard current > 0 else { return 0 }
    if let afterFirst, current > 1 { return afterFirst.duration(to: now).seconds / Double(current - 1) }
    return start.duration(to: now).seconds / Double(current)
  }
  private static func time(_ seconds: Double) -> String {
    let whole = Int(exactly: Swift.max(0, seconds).rounded(.down)) ?? 0
    if whole > 3600 {
      return "\(whole / 3600):\(Console.format("%02d", whole % 3600 / 60)):\(Console.format("%02d", whole % 60))"
    }
    return whole > 60 ? "\(whole / 60):\(Console.format("%02d", whole % 60))" : "\(whole)s"
  }
  private static func rate(_ seconds: Double) -> String {
    if seconds >= 1 || seconds == 0 { return Console.format(" %.0fs/step", seconds) }
    return seconds >= 1e-3 ? Console.format(" %.0fms/step", seconds * 1e3) : Console.format(" %.0fus/step", seconds * 1e6)
  }
  private static func text(_ figures: [(String, Double)]) -> String {
    figures.map { " - \($0.0): " + Console.format(abs($0.1) > 1e-3 ? "%.4f" : "%.4e", $0.1) }.joined()
  }
}

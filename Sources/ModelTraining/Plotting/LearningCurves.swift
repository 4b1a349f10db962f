import ModelSupport

/// Learning curves as a picture: a panel for the loss and for each metric, with validation beside training.
public struct LearningCurves {
  public var history: History
  /// Names of the panels, in order; the figures without `val_`.
  public var panels: [String]
  public var title: String

  /// - Parameter panels: which figures; by default the loss, then the others by name.
  public init(_ history: History, panels: [String]? = nil, title: String = "") {
    self.history = history
    let names = history.history.keys.filter { !$0.hasPrefix("val_") }
    self.panels = panels ?? names.sorted { ($0 == "loss" ? 0 : 1, $0) < ($1 == "loss" ? 0 : 1, $1) }
    self.title = title
  }

  private enum Layout {
    static let width = 420.0, height = 300.0, gap = 20.0, top = 40.0
    static let left = 64.0, right = 16.0, above = 44.0, below = 44.0
  }
  private static let colours = (train: "#1f6fb4", validation: "#d9641c")

  /// The picture as an SVG document.
  public func svg() -> String {
    let columns = Swift.min(2, Swift.max(1, panels.count)), rows = (panels.count + columns - 1) / columns
    let top = title.isEmpty ? Layout.gap : Layout.top
    let width = Double(columns) * (Layout.width + Layout.gap) + Layout.gap
    let height = top + Double(rows) * (Layout.height + Layout.gap)
    var out = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(number(width))\" height=\"\(number(height))\" "
    out +=
      "viewBox=\"0 0 \(number(width)) \(number(height))\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"#333\">\n"
    out += "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    if !title.isEmpty { out += text(width / 2, 26, title, anchor: "middle", extra: " font-size=\"16\" font-weight=\"bold\"") }
    for (index, name) in panels.enumerated() {
      let x = Layout.gap + Double(index % columns) * (Layout.width + Layout.gap)
      let y = top + Double(index / columns) * (Layout.height + Layout.gap)
      out += "<g transform=\"translate(\(number(x)),\(number(y)))\">\n" + panel(name) + "</g>\n"
    }
    return out + "</svg>\n"
  }

  private func panel(_ name: String) -> String {
    let train = history[name], validation = history["val_" + name]
    let finite = (train + validation).filter(\.isFinite)
    let plotWidth = Layout.width - Layout.left - Layout.right, plotHeight = Layout.height - Layout.above - Layout.below
    let y = AxisTicks(finite.min() ?? 0, finite.max() ?? 1, logarithmic: name == "loss")
    let last = Swift.max(history.epoch.last ?? 0, train.count - 1), first = history.epoch.first ?? 0
    func px(_ epoch: Int) -> Double {
      last == first ? Layout.left + plotWidth / 2 : Layout.left + Double(epoch - first) / Double(last - first) * plotWidth
    }
    func py(_ place: Double) -> Double { Layout.above + (1 - place) * plotHeight }

    var out = text(Layout.left + plotWidth / 2, 16, name, anchor: "middle", extra: " font-size=\"14\" font-weight=\"bold\"")
    for tick in y.values {
      let place = y.tickPlace(tick)
      guard place >= -1e-9, place <= 1 + 1e-9 else { continue }
      out += line(Layout.left, py(place), Layout.left + plotWidth, py(place), "#e3e3e3")
      out += text(Layout.left - 8, py(place) + 4, y.tickText(tick), anchor: "end")
    }
    let step = Self.epochStep(last - first + 1)
    for epoch in first...last where (epoch + 1) % step == 0 || last - first + 1 <= step {
      out += line(px(epoch), Layout.above + plotHeight, px(epoch), Layout.above + plotHeight + 4, "#888")
      out += text(px(epoch), Layout.above + plotHeight + 18, String(epoch + 1), anchor: "middle")
    }
    out += text(Layout.left + plotWidth / 2, Layout.height - 8, "epoch", anchor: "middle")
    out +=
      "<rect x=\"\(number(Layout.left))\" y=\"\(number(Layout.above))\" width=\"\(number(plotWidth))\" height=\"\(number(plotHeight))\" "
      + "fill=\"none\" stroke=\"#888\"/>\n"
    var legend = Layout.left
    for (label, values, colour, dash) in [
      ("training", train, Self.colours.train, ""), ("validation", validation, Self.colours.validation, " stroke-dasharray=\"6 3\""),
    ] where !values.isEmpty {
      // Validation that is not run every epoch belongs to the last of each group.
      let every = Swift.max(1, train.count / Swift.max(1, values.count))
      let points = values.enumerated().filter(\.element.isFinite).map { index, value in
        (px(Swift.min(last, first + (index + 1) * every - 1)), py(Swift.min(1, Swift.max(0, y.place(value)))))
      }
      out += "<polyline fill=\"none\" stroke=\"\(colour)\" stroke-width=\"2\" stroke-linejoin=\"round\"\(dash) points=\""
      out += points.map { "\(number($0.0)),\(number($0.1))" }.joined(separator: " ") + "\"/>\n"
      if points.count <= 30 {
        for point in points { out += "<circle cx=\"\(number(point.0))\" cy=\"\(number(point.1))\" r=\"2.5\" fill=\"\(colour)\"/>\n" }
      }
      out +=
        "<line x1=\"\(number(legend))\" y1=\"32\" x2=\"\(number(legend + 22))\" y2=\"32\" stroke=\"\(colour)\" stroke-width=\"2\"\(dash)/>\n"
      out += text(legend + 28, 36, label)
      legend += 100
    }
    return out
  }

  /// Every how many epochs one is named: 1, 2, 5, 10, …
  private static func epochStep(_ count: Int) -> Int {
    var step = 1
    while true {
      for factor in [1, 2, 5] where count / (step * factor) <= 10 { return step * factor }
      step *= 10
    }
  }

  private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ colour: String) -> String {
    "<line x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\" stroke=\"\(colour)\"/>\n"
  }
  private func text(_ x: Double, _ y: Double, _ content: String, anchor: String = "start", extra: String = "") -> String {
    var escaped = ""
    for character in content.unicodeScalars {
      switch character {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\u{0}"..<" ": escaped += " "
      default: escaped.unicodeScalars.append(character)
      }
    }
    return "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\"\(extra)>\(escaped)</text>\n"
  }
  /// With a tenth of a pixel.
  private func number(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0 ? String(tenths / 10) : "\(tenths < 0 && tenths > -10 ? "-" : "")\(tenths / 10).\(abs(tenths % 10))"
  }

  /// Writes the picture beside `path` and renames it; what was there is replaced.
  public func save(_ path: String) throws {
    let output = try AtomicOutput(destination: path, replaceExisting: true)
    let file = try OutputFile(creating: output.temporaryPath)
    try file.append(Array(svg().utf8))
    try file.finish()
    try output.commit()
  }
}

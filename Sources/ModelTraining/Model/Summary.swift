import ModelTensor

extension Model {
  /// The table that Keras prints.
  public func printSummary() { print(summary()) }

  /// - Parameter lineLength: the width of the table; Keras takes that of the terminal, 80 columns in a pipe.
  public func summary(lineLength: Int? = nil) -> String {
    let isChain = isChain
    let width = lineLength ?? 76
    let positions = isChain ? [0.45, 0.80, 1.0] : [0.3, 0.56, 0.74, 1.0]
    var columns: [Int] = [], current = 0
    for position in positions {
      columns.append(Int(position * Double(width)) - current)
      current += columns[columns.count - 1]
    }
    // A cell has a space on each side; borders stand between.
    let inner = Self.collapsed(columns, total: width - 3 * columns.count - 1)
    var header = ["Layer (type)", "Output Shape", "Param #"]
    if !isChain { header.append("Connected to") }
    func rule(_ left: String, _ middle: String, _ right: String, _ line: String) -> String {
      left + inner.map { String(repeating: line, count: $0 + 2) }.joined(separator: middle) + right
    }
    func row(_ cells: [String], _ bar: String) -> [String] {
      let wrapped = zip(cells, inner).map { Self.wrapped($0, width: $1) }
      let height = wrapped.map(\.count).max() ?? 0
      return (0..<height).map { line in
        bar
          + zip(wrapped, inner).enumerated().map { index, column in
            let text = line < column.0.count ? column.0[line] : ""
            let space = String(repeating: " ", count: Swift.max(0, column.1 - text.count))
            return index == 2 ? " \(space)\(text) " : " \(text)\(space) "
          }.joined(separator: bar) + bar
      }
    }
    var lines = ["Model: \"\(name)\"", rule("┏", "┳", "┓", "━")] + row(header, "┃") + [rule("┡", "╇", "┩", "━")]
    let rows = summaryRows(isChain: isChain)
    for (index, cells) in rows.enumerated() {
      lines += row(cells, "│")
      lines.append(index + 1 < rows.count ? rule("├", "┼", "┤", "─") : rule("└", "┴", "┘", "─"))
    }
    if rows.isEmpty { lines.append(rule("└", "┴", "┘", "─")) }
    func total(_ title: String, _ variables: [Variable]) -> String {
      let count = variables.reduce(0) { $0 + $1.size }, bits = variables.reduce(0) { $0 + $1.size * ($1.dtype.bitWidth ?? 0) }
      return " \(title): \(Self.grouped(count)) (\(Self.readable(bits / 8)))"
    }
    let optimizer = training.isBuilt ? training.optimizer?.variables ?? [] : []
    lines.append(total("Total params", weights + optimizer))
    lines.append(total("Trainable params", trainableWeights))
    lines.append(total("Non-trainable params", nonTrainableWeights))
    if training.isBuilt, training.optimizer != nil { lines.append(total("Optimizer params", optimizer)) }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Whether one layer follows the other, none of them called twice.
  private var isChain: Bool {
    guard let network else { return true }
    let perDepth = Dictionary(grouping: network.nodes) { network.depths[ObjectIdentifier($0)] ?? 0 }
    return network.inputs.count == 1 && perDepth.values.allSatisfy { $0.count == 1 && $0[0].inputs.count == 1 }
      && network.layers.count == network.nodes.count
  }

  private func summaryRows(isChain: Bool) -> [[String]] {
    var rows: [[String]] = []
    for input in network?.inputs ?? [] {
      guard let output = input.layerOutput else { continue }
      let cells = ["\(output.name) (InputLayer)", Self.shape(input.shape), "0"]
      rows.append(isChain ? cells : cells + ["-"])
    }
    for layer in layers {
      let shapes = layer.outputShapes.map(Self.shape)
      let shown = shapes.isEmpty ? "?" : shapes.count == 1 ? shapes[0] : "[\(shapes.joined(separator: ", "))]"
      let cells = ["\(layer.name) (\(layer.className))", shown, layer.isBuilt ? Self.grouped(layer.countParams()) : "0 (unbuilt)"]
      rows.append(isChain ? cells : cells + [connections(layer)])
    }
    return rows
  }

  private func connections(_ layer: Layer) -> String {
    let calls = (network?.nodes ?? []).filter { if case .layer(let other, _, _) = $0.operation { other === layer } else { false } }
    return calls.flatMap { $0.inputs.compactMap { $0?.layerOutput } }.map { output in
      let earlier = (network?.nodes ?? []).filter { node in
        if case .layer(let other, _, _) = node.operation { other.name == output.name } else { false }
      }
      let place = earlier.firstIndex { $0 === output.node } ?? 0
      return "\(output.name)[\(place)][\(output.index)]"
    }.joined(separator: ", ")
  }

  private static func shape(_ extents: [Int]) -> String { "(\(extents.map { $0 < 0 ? "None" : String($0) }.joined(separator: ", ")))" }
  static func grouped(_ number: Int) -> String {
    var digits = String(number.magnitude), result = ""
    while digits.count > 3 {
      result = "," + digits.suffix(3) + result
      digits.removeLast(3)
    }
    return (number < 0 ? "-" : "") + digits + result
  }
  static func readable(_ bytes: Int) -> String {
    let units = ["B", "KB", "MB", "GB", "TB", "PB"]
    var value = Double(bytes), unit = 0
    while value >= 1024, unit + 1 < units.count {
      value /= 1024
      unit += 1
    }
    let hundredths = Int((value * 100).rounded(.toNearestOrEven))
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) \(units[unit])"
  }

  /// The widths of the cells when the columns together are too wide: each gives up as much, the later ones what rounding leaves.
  private static func collapsed(_ columns: [Int], total: Int) -> [Int] {
    var excess = columns.reduce(0, +) - total
    guard excess > 0 else { return columns }
    return columns.enumerated().map { index, column in
      let share = Swift.min(column, Int((Double(excess) / Double(columns.count - index)).rounded(.toNearestOrEven)))
      excess -= share
      return column - share
    }
  }

  /// Words over lines of a width; a word that is too long ends in dots.
  private static func wrapped(_ text: String, width: Int) -> [String] {
    guard text.count > width, width > 0 else { return [text] }
    var lines: [String] = [], line = ""
    for word in text.split(separator: " ", omittingEmptySubsequences: false) {
      var word = String(word)
      if !line.isEmpty, line.count + 1 + word.count <= width {
        line += " " + word
        continue
      }
      if !line.isEmpty { lines.append(line) }
      if word.count > width { word = String(word.prefix(width - 1)) + "…" }
      line = word
    }
    if !line.isEmpty { lines.append(line) }
    return lines
  }
}

extension QuantizationReport {
  /// How many layers a printed report names.
  private static let listed = 12

  /// What `convert --quantize` prints.
  public var text: String {
    let share = bytesBefore > 0 ? 100 * Double(bytesAfter) / Double(bytesBefore) : 0
    var out =
      "\nQuantised to \(mode.rawValue): \(grouped(bytesBefore)) bytes as float TFLite, \(grouped(bytesAfter)) now (\(numberText(share, digits: 3)) %)\n"
    guard samples > 0 else { return out }
    var ends = TextTable(["output", ">relative error", ">SNR dB", ">max abs", ">mean abs", ">cosine"])
    for output in outputs {
      let s = output.statistics
      ends.add(
        output.name, numberText(s.relative, digits: 3), numberText(s.signalToNoise, digits: 4), numberText(s.maxAbsolute, digits: 3),
        numberText(s.meanAbsolute, digits: 3), numberText(s.cosine, digits: 7))
    }
    out += "Against the float model, on \(samples) representative sample\(samples == 1 ? "" : "s")\n" + ends.text()
    if let agreement { out += "  the largest element is in the same place in \(agreement.same) of \(agreement.count) rows\n" }
    let measured = layers.filter { $0.own != nil || $0.error != nil }
    if !measured.isEmpty {
      var table = TextTable(["layer", "operator", "scheme", ">own SNR dB", ">SNR dB", ">max abs"])
      for layer in measured.prefix(Self.listed) {
        table.add(
          layer.name, layer.op, layer.scheme, numberText(layer.own?.signalToNoise, digits: 4),
          numberText(layer.error?.signalToNoise, digits: 4), numberText(layer.error?.maxAbsolute, digits: 3))
      }
      let rest = measured.count - Self.listed
      out += "Layers, worst first\(rest > 0 ? " (\(rest) more in --json)" : "")\n" + table.text()
    }
    return out + trailText
  }

  private var trailText: String {
    guard let target else { return "" }
    guard !trail.isEmpty else { return "The error is within \(numberText(target, digits: 3)): no layer was moved\n" }
    var table = TextTable(["layer", "operator", "moved to", ">relative error", ""])
    for step in trail {
      table.add(step.layer, step.op, step.scheme.rawValue, numberText(step.error, digits: 3), step.isUndone ? "taken back" : "")
    }
    return "Repair, until the relative error is within \(numberText(target, digits: 3))\n" + table.text()
  }
}

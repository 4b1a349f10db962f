import ModelVerify

extension VerificationReport {
  /// What `verify` prints.
  public var text: String {
    var out = "\(verdict)\n" + figures
    if lookedForDivergence { out += "\n" + divergenceText }
    for other in signatures {
      out += "\nsignature \(other.name.printable): \(other.report.verdict)\n" + other.report.figures
      if other.report.lookedForDivergence { out += "\n" + other.report.divergenceText }
      out += other.report.notes.map { "note: \($0.printable)\n" }.joined()
    }
    if !notes.isEmpty { out += "\n" + notes.map { "note: \($0.printable)\n" }.joined() }
    return out
  }

  /// The outputs of the main entry point in a table.
  private var figures: String {
    var out = ""
    // Without a comparison there are no figures.
    if method != .structure, failure == nil || outputs.contains(where: { $0.elements > 0 }) {
      let kind = method == .weights ? "weight" : "output"
      var table = TextTable([kind, ">elements", ">max abs", ">max rel", ">mean abs", ">cosine", ">mismatched"])
      for output in outputs {
        table.add(
          output.name, grouped(output.elements), numberText(output.maxAbsolute, digits: 3),
          numberText(output.maxRelative, digits: 3), numberText(output.meanAbsolute, digits: 3),
          numberText(output.cosine, digits: 9), grouped(output.mismatched))
      }
      if !table.isEmpty { out += "\n" + table.text() }
    }
    for output in outputs { if let problem = output.problem { out += "  \(output.name.printable): \(problem.printable)\n" } }
    return out
  }

  public var verdict: String {
    if let failure { return "not equivalent: \(failure.printable)" }
    if isMainEquivalent, let other = signatures.first(where: { !$0.report.isEquivalent }) {
      return "not equivalent: signature '\(other.name.printable)' differs"
    }
    if method == .structure { return "equivalent: same structure, bit-equal weights" }
    if method == .weights {
      let what = "\(outputs.count) weights, atol \(numberText(atol)), rtol \(numberText(rtol))"
      return isEquivalent ? "equivalent: the same weights (\(what))" : "not equivalent: weights differ (\(what))"
    }
    let what = "\(samples) sample\(samples == 1 ? "" : "s"), seed \(seed), atol \(numberText(atol)), rtol \(numberText(rtol))"
    guard isEquivalent else { return "not equivalent (\(what))" }
    if outputs.contains(where: { $0.mismatched > 0 }) {
      return "equivalent within quantisation (\(samples) sample\(samples == 1 ? "" : "s"), seed \(seed))"
    }
    return weakOutputs.count == outputs.count && !outputs.isEmpty
      ? "equivalent as far as saturated or constant outputs tell (\(what))" : "equivalent (\(what))"
  }

  private var divergenceText: String {
    guard let first = firstDivergence else { return "No value inside differs.\n" }
    var table = TextTable(["", ""])
    table.add("value", first.value)
    table.add("made by", "\(first.node)")
    table.add("in candidate", "\(first.candidateValue), made by \(first.candidateNode)")
    table.add(
      "difference",
      "max abs \(numberText(first.statistics.maxAbsolute, digits: 3)), \(grouped(first.statistics.mismatched)) of \(grouped(first.statistics.elements)) elements, sample \(first.sample)"
    )
    table.add("last that agrees", first.lastAgreeing ?? "none")
    return "First value that differs (of \(first.compared) compared)\n" + table.text()
  }
}

extension VerificationReport {
  /// A self-contained page; `more` adds to it.
  public func html(reference: String, candidate: String, more: (inout HTMLPage) -> Void = { _ in }) -> String {
    var page = HTMLPage(title: "\(reference) and \(candidate)")
    page.paragraph(verdict, emphasis: isEquivalent)
    page.facts([
      ("Reference", reference), ("Candidate", candidate), ("Samples", String(samples)), ("Seed", String(seed)),
      ("Tolerance", "\(numberText(atol)) + \(numberText(rtol)) · |reference|"),
    ])
    addOutputs(to: &page, title: "Outputs")
    for other in signatures {
      page.paragraph("signature \(other.name): \(other.report.verdict)", emphasis: other.report.isEquivalent)
      other.report.addOutputs(to: &page, title: "Outputs of \(other.name)")
    }
    if lookedForDivergence { page.section("First difference", listing: divergenceText) }
    if !notes.isEmpty { page.section("Notes", list: notes) }
    more(&page)
    return page.text
  }

  private func addOutputs(to page: inout HTMLPage, title: String) {
    page.section(
      title,
      columns: ["Output", "In candidate", ">Elements", ">Max abs", ">Max rel", ">Mean abs", ">Cosine", ">Mismatched", "Problem"],
      rows: outputs.map {
        [
          $0.name, $0.candidateName, grouped($0.elements), numberText($0.maxAbsolute, digits: 3),
          numberText($0.maxRelative, digits: 3), numberText($0.meanAbsolute, digits: 3), numberText($0.cosine, digits: 9),
          grouped($0.mismatched), $0.problem ?? "",
        ]
      })
  }
}

extension ConversionReport {
  /// What `convert` prints.
  public var text: String {
    var out = "\(source.printable) (\(sourceFormat.rawValue)) → \(destination.printable) (\(format.rawValue)), "
    out += "\(byteText(bytes)) in \(numberText(seconds, digits: 3)) s\n"
    out += verification?.text ?? "not verified\n"
    if let quantization { out += quantization.text }
    for note in notes { out += "note: \(note.split(separator: "\n").map { String($0).printable }.joined(separator: "\n"))\n" }
    return out
  }
}

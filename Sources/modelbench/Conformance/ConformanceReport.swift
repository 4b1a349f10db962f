import ONNXFormat

/// The results as a table by operator.
struct ConformanceReport {
  let results: [ConformanceResult]
  /// The operator that each case is about.
  private let operators: [String]

  init(_ results: [ConformanceResult], directory: String) {
    self.results = results
    let names = Set(results.map(\.name))
    operators = results.map { result in
      // A case with an expanded function is filed under the operator that it expands.
      var name = result.name
      if let range = name.range(of: "_expanded") {
        let base = String(name[..<range.lowerBound])
        if names.contains(base) { name = base }
      }
      guard let file = try? ONNXFile(path: "\(directory)/\(name)/model.onnx") else { return "(unreadable)" }
      guard let node = file.graph.node.first(where: { $0.opType != "Constant" }) ?? file.graph.node.first else { return "(none)" }
      let domain = node.domain ?? ""
      return (domain.isEmpty || domain == "ai.onnx" ? "" : "\(domain)::") + (node.opType ?? "")
    }
  }

  func count(_ status: ConformanceResult.Status) -> Int { results.count { $0.status == status } }

  var totals: String {
    let crashed = count(.crashed)
    return "\(results.count) cases: \(count(.passed)) passed, \(count(.failed)) failed, \(count(.unsupported)) not supported"
      + (crashed > 0 ? ", \(crashed) crashed" : "")
  }

  var markdown: String {
    var lines = [
      "# ONNX conformance", "",
      "The backend node tests of the wheel `onnx==1.17.0`, run by `make conformance`, which wrote this page. A case passes when every",
      "result has the expected dtype and shape and each number is within `1e-7 + 1e-3 · |expected|` (the tolerances of ONNX's own",
      "runner), on the engine's default kernels.", "", "**\(totals).**", "",
      "A case whose model is the expanded function body of an operator counts for that operator.", "",
      "| operator | cases | passed | failed | not supported |", "| --- | ---: | ---: | ---: | ---: |",
    ]
    for (name, rows) in byOperator() {
      func count(_ status: ConformanceResult.Status) -> Int { rows.count { $0.status == status } }
      let failed = count(.failed) + count(.crashed)
      lines.append("| \(name) | \(rows.count) | \(count(.passed)) | \(failed) | \(count(.unsupported)) |")
    }
    let rest = results.filter { $0.status != .passed }
    if !rest.isEmpty {
      lines += ["", "## Cases that do not pass", "", "| case | result | why |", "| --- | --- | --- |"]
      for result in rest {
        let message = result.message.replacing("|", with: "\\|")
        let status = result.status == .unsupported ? "not supported" : result.status.rawValue
        lines.append("| \(result.name.replacing("test_", with: "", maxReplacements: 1)) | \(status) | \(message.prefix(200)) |")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func byOperator() -> [(String, [ConformanceResult])] {
    Dictionary(grouping: zip(operators, results)) { $0.0 }.map { ($0.key, $0.value.map(\.1)) }.sorted { $0.0 < $1.0 }
  }
}

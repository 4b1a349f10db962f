import ModelTensor

extension Inspection {
  /// A self-contained page: no scripts, no other files.
  public func html(weights: [WeightStatistics]?, graph: String) -> String {
    var page = HTMLPage(title: path.split(separator: "/").last.map(String.init) ?? path)
    page.facts(
      [
        ("Format", format.title + (versionText.isEmpty ? "" : " (\(versionText))")), ("Name", name),
        ("Producer", producer), ("Size", "\(byteText(fileBytes)) (\(grouped(fileBytes)) bytes)"),
        ("Parameters", parameterText),
      ].filter { !$0.1.isEmpty })
    if !warnings.isEmpty { page.section("Warnings", list: warnings) }
    page.section("Inputs", ports: inputs)
    page.section("Outputs", ports: outputs)
    for signature in signatures {
      page.section("Signature \(signature.name): inputs", ports: signature.inputs)
      page.section("Signature \(signature.name): outputs", ports: signature.outputs)
    }
    if let layers {
      page.section(
        "Layers", columns: ["Layer", "Type", "Output shape", ">Parameters", "Connected to"],
        rows: layers.map {
          [
            String(repeating: "\u{2003}", count: $0.depth) + $0.name, $0.type,
            $0.outputShapes.map(\.description).joined(separator: ", "), grouped($0.parameters),
            $0.connectedTo.joined(separator: ", "),
          ]
        })
    }
    page.section(
      layers == nil ? "Operators" : "Layer classes", columns: ["Name", ">Count"],
      rows: operators.map { [$0.key, grouped($0.value)] })
    if !metadata.isEmpty {
      page.section("Metadata", columns: ["Key", "Value"], rows: metadata.map { [$0.key, $0.value] })
    }
    if let weights {
      page.section(
        "Weights", columns: ["Name", "Dtype", "Shape", ">Min", ">Max", ">Mean", ">NaN"],
        rows: weights.map {
          [
            $0.name, $0.type?.dtype.rawValue ?? "?", $0.type?.shape.description ?? "?", numberText($0.minimum),
            numberText($0.maximum), numberText($0.mean), $0.problem ?? String($0.nanCount),
          ]
        })
    }
    if !graph.isEmpty { page.section("Graph", listing: graph) }
    return page.text
  }
}

extension HTMLPage {
  fileprivate mutating func section(_ title: String, ports: [PortSummary]) {
    section(
      title, columns: ["Name", "Dtype", "Shape"], rows: ports.map { [$0.name, $0.dtype, $0.shape.description] })
  }
}

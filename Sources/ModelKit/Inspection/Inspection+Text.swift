import ModelTensor

extension Inspection {
  /// The summary `inspect` prints.
  public var text: String {
    var out = "\(path.printable)\n"
    var facts = TextTable(["", ""])
    facts.add("format", format.title + (versionText.isEmpty ? "" : " (\(versionText))"))
    if !name.isEmpty { facts.add("name", name) }
    if !producer.isEmpty { facts.add("producer", producer) }
    facts.add("size", "\(byteText(fileBytes)) (\(grouped(fileBytes)) bytes)")
    facts.add("parameters", parameterText)
    out += facts.text()
    out += section("Inputs", table(of: inputs))
    out += section("Outputs", table(of: outputs))
    for signature in signatures {
      out += section(
        "Signature \(signature.name)", table(of: signature.inputs) + "  →\n" + table(of: signature.outputs))
    }
    if let layers { out += section("Layers (\(layers.filter { $0.depth == 0 }.count))", layerTable(layers)) }
    let count = operators.values.reduce(0, +)
    if layers == nil {
      out += section("Operators (\(operators.count) kinds, \(grouped(count)) nodes)", operatorTable)
    }
    var entries = TextTable(["", ""])
    for (key, value) in metadata { entries.add(key, value.abbreviated(to: 100)) }
    if !entries.isEmpty { out += section("Metadata", entries.text()) }
    if !warnings.isEmpty {
      out += section("Warnings", warnings.map { "  \($0.printable)\n" }.joined())
    }
    return out
  }

  var versionText: String { versions.map { "\($0.key) \($0.value)" }.joined(separator: ", ") }

  var parameterText: String {
    var text = "\(grouped(parameters)) (\(byteText(weightBytes)))"
    if let trainableParameters {
      text += ", \(grouped(trainableParameters)) trainable, \(grouped(parameters - trainableParameters)) not"
    }
    return text
  }

  private func section(_ title: String, _ body: String) -> String { "\n\(title.printable)\n\(body.isEmpty ? "  none\n" : body)" }

  private func table(of ports: [PortSummary]) -> String {
    var table = TextTable(["name", "dtype", "shape"])
    for port in ports { table.add(port.name, port.dtype, port.shape.description) }
    return table.isEmpty ? "" : table.text()
  }

  private func layerTable(_ layers: [LayerSummary]) -> String {
    var table = TextTable(["layer (type)", "output shape", ">parameters", "connected to"])
    for layer in layers {
      let indent = String(repeating: "  ", count: layer.depth)
      table.add(
        "\(indent)\(layer.name) (\(layer.type))", layer.outputShapes.map(\.description).joined(separator: ", "),
        grouped(layer.parameters), layer.connectedTo.joined(separator: ", "))
    }
    return table.text()
  }

  private var operatorTable: String {
    var table = TextTable(["", ">"])
    for (name, count) in operators { table.add(name, String(count)) }
    return table.isEmpty ? "" : table.text()
  }

  /// The table `inspect --weights` prints.
  public static func weightTable(_ weights: [WeightStatistics]) -> String {
    var table = TextTable(["name", "dtype", "shape", ">min", ">max", ">mean", ">NaN"])
    for weight in weights {
      table.add(
        weight.name, weight.type?.dtype.rawValue ?? "?", weight.type?.shape.description ?? "?",
        numberText(weight.minimum), numberText(weight.maximum), numberText(weight.mean),
        weight.problem.map { "\(weight.nanCount) (\($0))" } ?? String(weight.nanCount))
    }
    return table.isEmpty ? "  none\n" : table.text()
  }
}

extension String {
  /// The first `count` characters on one line, with an ellipsis behind when there are more.
  func abbreviated(to count: Int) -> String {
    let line = split(whereSeparator: \.isNewline).joined(separator: " ")
    return line.count > count ? line.prefix(count) + "…" : line
  }
}

import KerasConfig
import ModelGraph
import ModelLayers
import ModelSupport

extension Inspection {
  /// What a Keras configuration tells when no model can be made of it.
  mutating func describe(config: JSONValue, problem: any Error) {
    warnings.append("no model can be made of the configuration: \(problem)")
    name = config["config"]?["name"]?.stringValue ?? ""
    var rows: [LayerSummary] = []
    Self.collect(config, depth: 0, into: &rows)
    layers = rows
    var tally = Tally()
    for row in rows { tally.add(row.type) }
    operators = tally.ordered
    let text = config.text(.indented)
    graphText = { text + "\n" }
  }

  private static func collect(_ object: JSONValue, depth: Int, into rows: inout [LayerSummary]) {
    // Keras 1 kept the list of a Sequential where others keep a dictionary.
    let list = object["config"]?["layers"]?.arrayValue ?? object["config"]?.arrayValue ?? []
    for layer in list where depth < 16 {
      let name = layer["name"]?.stringValue ?? layer["config"]?["name"]?.stringValue ?? "?"
      rows.append(
        LayerSummary(
          name: name, type: layer["class_name"]?.stringValue ?? "?", outputShapes: [], parameters: 0,
          trainable: layer["config"]?["trainable"]?.boolValue ?? true, depth: depth))
      collect(layer, depth: depth + 1, into: &rows)
    }
  }

  /// Counts what `weights` lists.
  mutating func countWeights() {
    do {
      for entry in try weights() {
        let tensor = try entry.tensor.get()
        parameters += tensor.elementCount
        weightBytes += tensor.source.byteCount
      }
    } catch { warnings.append("the weights can't be listed: \(error)") }
  }
}

extension Error {
  /// Whether a file is readable although no model can be made of it.
  var isAboutModel: Bool { self is FormatError || self is GraphError || self is UnsupportedError }
}

extension Model {
  /// Whether it comes from a layer format: its nodes are layers, nested models, and operations between them.
  var isMadeOfLayers: Bool {
    // A SavedModel has been read as layers where its Keras metadata was.
    ["keras", "h5", "tfjs-layers"].contains(format) || format == "savedmodel" && residue["keras"] is KerasResidue
  }
}

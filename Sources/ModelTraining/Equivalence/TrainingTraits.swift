import ModelGraph
import ModelSupport

/// What the layers of a network say of its training, and what a comparison as in inference does not see: rates of dropout, momentums of moving
/// statistics, penalties, constraints, and what it was compiled with.
struct TrainingTraits {
  struct Trait: Hashable {
    var key: String
    var value: String
  }
  private(set) var traits: [(layer: String, trait: Trait)] = []
  /// Whether the model is made of layers, which could say so.
  private(set) var hasLayers = false
  private var compiled: [Trait] = []

  init(_ model: ModelGraph.Model) {
    for id in model.scopeIDs {
      let scope = model[id]
      guard let config = scope.config?["config"], config.objectValue?["layers"] == nil else { continue }
      hasLayers = true
      collect(config, scope.kind, layer: scope.name, depth: 0)
    }
    guard let compile = model.training?.compileConfig else { return }
    for key in ["optimizer", "loss"] {
      if let value = compile[key], !value.isNull { compiled.append(Trait(key: key, value: Self.text(value))) }
    }
  }

  private mutating func collect(_ config: JSONValue, _ kind: String, layer: String, depth: Int) {
    guard depth < 8 else { return }
    for (key, value) in config.objectValue ?? [:] where !value.isNull {
      switch key {
      case "rate", "dropout", "recurrent_dropout", "stddev", "dropout_rate":
        if value.doubleValue ?? 0 != 0 { traits.append((layer, Trait(key: key, value: Self.text(value)))) }
      case "momentum" where kind == "BatchNormalization": traits.append((layer, Trait(key: key, value: Self.text(value))))
      case "layer", "backward_layer", "cell":
        if let inner = value["config"] { collect(inner, value["class_name"]?.stringValue ?? "", layer: layer, depth: depth + 1) }
      case _ where key.hasSuffix("_regularizer"):
        // One penalty has several spellings: L2, or L1L2 of nothing and something.
        let parts = value["config"]?.objectValue?.filter { $0.value.doubleValue ?? 1 != 0 && $0.key != "name" } ?? [:]
        let text = parts.isEmpty ? Self.text(value) : parts.map { "\($0.key) \(Self.text($0.value))" }.sorted().joined(separator: ", ")
        traits.append((layer, Trait(key: key, value: text)))
      case _ where key.hasSuffix("_constraint"): traits.append((layer, Trait(key: key, value: Self.text(value))))
      default: break
      }
    }
  }

  /// The same words for what generations of Keras and numbers of single precision spell in several ways.
  private static func text(_ value: JSONValue) -> String {
    if let number = value.doubleValue { return Console.format("%.6g", number) }
    if let list = value.arrayValue { return "[\(list.map(text).joined(separator: ", "))]" }
    guard let object = value.objectValue else { return value.stringValue ?? value.text() }
    if let name = object["class_name"]?.stringValue { return name + (object["config"].map { $0.isNull ? "" : text($0) } ?? "") }
    let parts = object.filter { !$0.value.isNull && !["name", "dtype", "module", "registered_name"].contains($0.key) }
    return parts.isEmpty ? "" : "(\(parts.map { "\($0.key) \(text($0.value))" }.sorted().joined(separator: ", ")))"
  }

  /// What is to be said of a comparison of two models as in inference.
  static func notes(reference: ModelGraph.Model, candidate: ModelGraph.Model) -> [String] {
    let first = TrainingTraits(reference), second = TrainingTraits(candidate)
    var notes: [String] = []
    if first.hasLayers, second.hasLayers {
      notes += first.beyond(second).map { "'\($0.layer)' has \($0.trait.key) \($0.trait.value), the candidate has not: not compared" }
      notes += second.beyond(first).map { "the candidate's '\($0.layer)' has \($0.trait.key) \($0.trait.value): not compared" }
    }
    let kinds = Set((first.traits + second.traits).map(\.trait.key)).sorted()
    if !kinds.isEmpty { notes.append("both computed as in inference: \(kinds.joined(separator: ", ")) took no part") }
    for trait in first.compiled {
      guard let other = second.compiled.first(where: { $0.key == trait.key }), other.value != trait.value else { continue }
      notes.append("compiled with the \(trait.key) \(trait.value), the candidate with \(other.value): not compared")
    }
    return notes
  }
  /// Of each kind and value, those that the other has not as often.
  private func beyond(_ other: TrainingTraits) -> [(layer: String, trait: Trait)] {
    var left: [Trait: Int] = [:]
    for (_, trait) in other.traits { left[trait, default: 0] += 1 }
    return traits.filter { _, trait in
      guard let count = left[trait], count > 0 else { return true }
      left[trait] = count - 1
      return false
    }
  }
}

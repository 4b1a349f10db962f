import Foundation
import KerasConfig
import ModelSupport
import Testing

@testable import ModelTraining

/// Layers in training mode, held against Keras (`fixtures/layer-gradients/generate_training.py`): outputs, gradients, and the weights that
/// they move; draws are those of their seeds.
@Suite struct LayerTrainingTests {
  static let folder = URL(filePath: #filePath).appending(path: "../../../../fixtures/layer-gradients").standardized
  static let record = try? Tensor.load(npz: folder.appending(path: "training.npz").path())
  static let layers: [String: JSONValue] = {
    guard let text = try? String(contentsOf: folder.appending(path: "training.json"), encoding: .utf8),
      let list = try? JSONValue(parsing: text).arrayValue
    else { return [:] }
    return Dictionary(
      list.compactMap { entry in entry["name"]?.stringValue.flatMap { name in entry["layer"].map { (name, $0) } } },
      uniquingKeysWith: { $1 })
  }()

  @Test func casesAreThere() { #expect(Self.layers.count >= 66) }

  @Test(arguments: layers.keys.sorted()) func agreesWithKeras(_ name: String) throws {
    let record = try #require(Self.record), object = try #require(Self.layers[name])
    let rule = try #require(LayerRules.rule(className: object["class_name"]?.stringValue ?? "", module: "keras.layers"))
    let layer = StandardLayer(try rule.read(object["config"] ?? .null), name: "layer")
    func list(_ key: String) -> [Tensor] {
      var found: [Tensor] = []
      while let next = record["\(name)/\(key)\(found.count)"] { found.append(next) }
      return found
    }
    let inputs = list("i"), weights = list("w")
    let specs = try layer.definition.weights(for: inputs.map(\.type))
    try #require(specs.count == weights.count, "\(specs.map(\.name))")
    for (spec, weight) in zip(specs, weights) {
      layer.adopt(try Variable(weight, name: spec.name, trainable: spec.isTrainable), trainable: spec.isTrainable)
    }
    layer.isBuilt = true
    LayerConfiguration.apply(object, to: layer)
    let tape = GradientTape()
    inputs.forEach(tape.watch)
    var outputs: [Tensor] = []
    let total = try tape.record { () -> Tensor? in
      let marked = inputs.map { input in
        var input = input
        input.mask = record["\(name)/m"]
        return input
      }
      outputs = try layer(marked, training: true)
      var sum: Tensor?
      for y in outputs {
        let part = try (y * Tensor((0..<y.size).map { Float(cos(Double($0))) }, shape: y.shape)).reduceSum()
        sum = try sum.map { try $0 + part } ?? part
      }
      return sum
    }
    for (index, expected) in list("y").enumerated() { try check(outputs[index], expected, "output \(index)") }
    for (index, weight) in layer.ownWeights.enumerated() {
      if let expected = record["\(name)/s\(index)"] { try check(weight.tensor, expected, "weight \(index) afterwards") }
    }
    let gradients = try tape.gradient(of: try #require(total), with: inputs.map { $0 as any GradientSource } + layer.ownWeights)
    let keys = inputs.indices.map { "di\($0)" } + layer.ownWeights.indices.map { "dw\($0)" }
    for (key, gradient) in zip(keys, gradients) {
      guard let expected = record["\(name)/\(key)"] else { continue }
      try check(try gradient ?? Tensor.zeros(like: expected), expected, key)
    }
  }

  private func check(_ found: Tensor, _ expected: Tensor, _ what: String) throws {
    #expect(found.shape == expected.shape, "\(what)")
    let a = try found.doubles(), b = try expected.doubles(), scale = max(1, b.map(abs).max() ?? 0)
    let worst = zip(a, b).map { abs($0 - $1) }.max() ?? 0
    #expect(worst <= 1e-5 * scale, "\(what): \(worst) of \(scale)")
  }
}

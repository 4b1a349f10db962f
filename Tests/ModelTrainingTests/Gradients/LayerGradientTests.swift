import Foundation
import KerasConfig
import TestSupport
import Testing

@testable import ModelTraining

/// The gradients of every recorded layer case with respect to its inputs and weights, held against TensorFlow's
/// (`fixtures/layer-gradients/generate.py`).
@Suite struct LayerGradientTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var key: String
    var item: LayerCase
    var testDescription: String { "\(key) \(item.name)" }
  }
  static let record = try? Tensor.load(
    npz: URL(filePath: #filePath).appending(path: "../../../../fixtures/layer-gradients/gradients.npz").standardized.path())
  static let cases: [Case] = [
    "core", "activation", "convolution", "pooling", "normalization", "merging", "reshaping", "regularization", "recurrent", "attention",
    "preprocessing",
  ].flatMap { family in
    ((try? LayerCase.load(family)) ?? []).enumerated().map { Case(key: "\(family)/\($0.offset)", item: $0.element) }
  }.filter { entry in record?.keys.contains { $0.hasPrefix(entry.key + "/") } ?? false }

  @Test func casesAreThere() { #expect(Self.cases.count > 300) }

  @Test(arguments: cases) func agreesWithTensorFlow(_ entry: Case) throws {
    let item = entry.item, record = try #require(Self.record)
    let className = item.json["class_name"]?.stringValue ?? ""
    let rule = try #require(LayerRules.rule(className: className, module: "keras.layers"))
    let layer = StandardLayer(try rule.read(item.json["config"] ?? .null), name: "layer")
    for array in try item.arrays("weights") {
      layer.adopt(try Variable(Tensor(array), trainable: array.dtype.isFloatingPoint), trainable: true)
    }
    layer.isBuilt = true
    let masks = try item.optionalArrays("masks")
    let inputs = try item.arrays("inputs").map { Tensor($0) }
    let named = try item.named().mapValues { Tensor($0) }
    let tape = GradientTape()
    inputs.forEach(tape.watch)
    named.values.forEach(tape.watch)
    let total = try tape.record { () -> Tensor? in
      let marked = inputs.enumerated().map { index, input in
        var input = input
        if index < masks.count, let mask = masks[index] { input.mask = Tensor(mask) }
        return input
      }
      var sum: Tensor?
      for y in try layer(marked, named: named, options: item.options, training: false) where y.dtype.isFloatingPoint {
        let waves = try Tensor((0..<y.size).map { Float(cos(Double($0))) }, shape: y.shape)
        let part = try (y.cast(to: .float32) * waves).reduceSum()
        sum = try sum.map { try $0 + part } ?? part
      }
      return sum
    }
    let names = inputs.indices.map { "i\($0)" } + named.keys.sorted().map { "n\($0)" } + layer.ownWeights.indices.map { "w\($0)" }
    let sources: [any GradientSource] = inputs + named.keys.sorted().compactMap { named[$0] } + layer.ownWeights
    let gradients = try total.map { try tape.gradient(of: $0, with: sources) } ?? sources.map { _ in nil }
    for (name, gradient) in zip(names, gradients) {
      guard let expected = record["\(entry.key)/\(name)"] else { continue }
      // TensorFlow gives none where everything is zero, or the other way round.
      let b = try expected.doubles(), a = try gradient?.doubles() ?? b.map { _ in 0 }
      #expect(a.count == b.count)
      let scale = max(1, b.map(abs).max() ?? 0)
      let worst = zip(a, b).map { abs($0 - $1) }.max() ?? 0
      #expect(worst <= 1e-5 * scale, "\(name): \(worst) of \(scale)")
    }
  }
}

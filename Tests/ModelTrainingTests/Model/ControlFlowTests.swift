import Testing

import class ModelRuntime.Executor
import class ModelTraining.GradientTape
import class ModelTraining.Model
import struct ModelTraining.Tensor

/// Gradients through branches and loops of a graph.
@Suite struct ControlFlowTests {
  @Test func scansAreUnrolled() throws {
    // h ← h · w + x over time.
    let model = try Model.from(try ControlFlowModels.scan(weight: 0.5))
    let x = try Tensor([Float(1), 2, 3], shape: [3, 1])
    let tape = GradientTape()
    tape.watch(x)
    let y = try tape.record { try model([x])[0].reduceSum() }
    #expect(try y.item() == 0.25 + 1 + 3)
    let gradients = try tape.gradient(of: y, with: [x, model.trainableWeights[0]])
    #expect(try gradients[0]?.doubles() == [0.25, 0.5, 1])
    // d/dw (w²·1 + w·2 + 3) = 2w + 2.
    #expect(try gradients[1]?.item() == 3)
  }

  /// What is made of weights is made anew by each call: its weights train, also by an optimiser's traced steps.
  @Test func weightsBehindWeightsTrain() throws {
    let model = try Model.from(try ControlFlowModels.madeOfWeights())
    let x = try Tensor([Float(1), -1], shape: [1, 2])
    let tape = GradientTape()
    let y = try tape.record { try Tensor.concat(try model([x]), axis: 0).reduceSum() }
    // y = g(w₀ − w₁), z = y + g.
    #expect(try y.item() == -3 - 3 + 3)
    let weights = model.trainableWeights.map(\.name)
    let gradients = try tape.gradient(of: y, with: model.trainableWeights)
    let w = try #require(weights.firstIndex(of: "w")), g = try #require(weights.firstIndex(of: "g"))
    #expect(try gradients[w]?.doubles() == [6, -6])
    #expect(try gradients[g]?.doubles() == [-1])
    try model.trainableWeights[g].assign(try Tensor([Float(1)], shape: [1, 1]))
    #expect(try model([x])[0].item() == -1)
    #expect(try Executor(try model.canonical()).run([try x.array()])[1].doubles() == [0])
  }

  @Test(arguments: [(2.0, 3.0), (-2.0, -1.0)]) func branchesTakeOneSide(_ value: Double, _ slope: Double) throws {
    let model = try Model.from(try ControlFlowModels.branch())
    let x = try Tensor([Float(value)], shape: [1])
    let tape = GradientTape()
    tape.watch(x)
    let y = try tape.record { try model([x])[0].reduceSum() }
    #expect(try tape.gradient(of: y, with: x)?.doubles() == [slope])
  }
}

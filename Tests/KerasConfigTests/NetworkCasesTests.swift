import KerasConfig
import ModelGraph
import ModelSupport
import ModelTensor
import Testing

/// Whole models: what the configuration and the weights come to computes what Keras computed.
@Suite struct NetworkCasesTests {
  @Test func casesAreThere() { #expect(NetworkCase.all.count >= 50) }

  @Test(arguments: NetworkCase.all) func computesAsKeras(_ item: NetworkCase) throws {
    let model = try item.read()
    try Self.check(model, item)
  }

  static func check(_ model: Model, _ item: NetworkCase) throws {
    let inputs = try item.arrays("inputs")
    var evaluator = NetworkEvaluator(model)
    let results = try evaluator.run(inputs), expected = try item.arrays("outputs")
    try #require(results.count == expected.count)
    for (index, (result, expected)) in zip(results, expected).enumerated() {
      try #require(result.shape == expected.shape)
      let type = model.mainGraph[model.mainGraph.outputs[index].value].type
      #expect(type.dtype == result.dtype)
      #expect(type.shape.rank == result.rank)
      let worst = zip(result.doubles(), expected.doubles()).map { abs($0 - $1) - 1e-4 * abs($1) }.max() ?? 0
      #expect(worst <= item.tolerance, "output \(index) off by \(worst)")
    }
  }
}

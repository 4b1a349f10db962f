import KerasConfig
import ModelGraph
import ModelSupport
import ModelTensor
import TestSupport
import Testing

/// Whole models: what the configuration and the weights come to computes what Keras computed.
@Suite struct NetworkCasesTests {
  @Test func casesAreThere() { #expect(NetworkCase.all.count >= 50) }

  @Test(arguments: NetworkCase.all) func computesAsKeras(_ item: NetworkCase) throws {
    let model = try item.read()
    try Self.check(model, item)
  }

  /// What was read is written as it came. H5 files with operations are not: Keras itself can't read what
  /// it writes there.
  @Test(arguments: NetworkCase.all.filter { $0.usesTree || !$0.name.contains("operations") }) func rewritesAsItWas(_ item: NetworkCase)
    throws
  {
    let model = try item.read()
    let document = try KerasModelConfig.write(model, generation: item.usesTree ? .keras3 : .keras2)
    #expect(document.config == item.config)
    if item.usesTree {
      let tree = item.json["tree"]?.objectValue ?? [:]
      let own = Set(tree.keys.filter { !$0.hasPrefix("optimizer/") })
      #expect(Set(document.variables.map(\.path)) == own)
      #expect(document.variables.count == own.count)
    } else {
      let lists = item.json["lists"]?.arrayValue ?? []
      #expect(document.layers.map(\.name) == lists.map { $0[0]?.stringValue ?? "" })
      #expect(document.layers.map { $0.weights.map(\.name) } == lists.map { ($0[1]?.arrayValue ?? []).map { $0[0]?.stringValue ?? "" } })
    }
  }

  /// Written in either generation from the graph alone, and read again, it computes the same.
  @Test(arguments: NetworkCase.all, [KerasGeneration.keras3, .keras2])
  func convertsBetweenGenerations(_ item: NetworkCase, _ generation: KerasGeneration) throws {
    var model = try item.read()
    model.residue = [:]
    let document = try KerasModelConfig.write(model, generation: generation)
    let store =
      generation == .keras3
      ? MemoryWeightStore(tree: Dictionary(uniqueKeysWithValues: document.variables.map { ($0.path, $0.tensor) }))
      : MemoryWeightStore(lists: document.layers.map { ($0.name, $0.weights) })
    let again = try KerasModelConfig.read(document.config, weights: store, version: document.version)
    #expect(again.mainGraph.inputs.map(\.name) == model.mainGraph.inputs.map(\.name))
    #expect(again.mainGraph.outputs.map(\.name) == model.mainGraph.outputs.map(\.name))
    #expect(Set(again.parameters.map(\.name)) == Set(model.parameters.map(\.name)))
    try Self.check(again, item)
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
      let worst = worstExcess(result, expected, absolute: item.tolerance, relative: 1e-4)
      #expect(worst <= 0, "output \(index) off by \(worst)")
    }
  }
}

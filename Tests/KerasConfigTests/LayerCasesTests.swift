import KerasConfig
import ModelGraph
import ModelLayers
import ModelSupport
import ModelTensor
import TestSupport
import Testing

/// Every layer against what Keras computed, within 1e-5 absolute + 1e-4 relative.
@Suite struct LayerCasesTests {
  @Test func casesAreThere() { #expect(LayerCase.all.count > 200) }

  private func rule(_ item: LayerCase) throws -> LayerRule {
    let name = item.json["class_name"]?.stringValue ?? ""
    return try #require(LayerRules.rule(className: name, module: "keras.layers"), "no rule for \(name)")
  }
  private func config(_ item: LayerCase) -> JSONValue { item.json["config"] ?? .null }

  @Test(arguments: LayerCase.all) func weightsAreKeras(_ item: LayerCase) throws {
    let layer = try rule(item).read(config(item))
    let specs = try layer.weights(for: try item.arrays("inputs").map(\.type))
    #expect(specs.map(\.shape) == (try item.arrays("weights").map(\.shape)))
    let paths = item.json["paths"]?.arrayValue?.map { $0.stringValue ?? "" } ?? []
    #expect(specs.map(\.path) == paths)
  }

  @Test(arguments: LayerCase.all) func computesAsKeras(_ item: LayerCase) throws {
    let layer = try rule(item).read(config(item))
    var context = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
    let call = LayerCall(
      inputs: try item.arrays("inputs"), named: try item.named(), options: item.options,
      weights: try item.arrays("weights"), masks: try item.optionalArrays("masks"))
    let results = try layer.call(call, in: &context)
    let expected = try item.arrays("outputs")
    try #require(results.count == expected.count)
    for (result, expected) in zip(results, expected) { try compare(result, expected) }
    let masks = try layer.mask(call, in: &context)
    let expectedMasks = try item.optionalArrays("output_masks")
    try #require(masks.count == expectedMasks.count)
    for (mask, expected) in zip(masks, expectedMasks) {
      if let expected, let mask { try compare(mask, expected) } else { #expect((mask == nil) == (expected == nil)) }
    }
  }

  /// With an unknown batch the inferred types still agree with what was computed.
  @Test(arguments: LayerCase.all) func infersUnknownBatch(_ item: LayerCase) throws {
    let layer = try rule(item).read(config(item))
    var context = FactContext()
    func open(_ array: NDArray) -> Fact {
      Fact(TensorType(array.dtype, .ranked([.named("batch")] + array.shape.dropFirst().map(Dim.fixed))))
    }
    let call = LayerCall<Fact>(
      inputs: try item.arrays("inputs").map(open), named: try item.named().mapValues(open), options: item.options,
      weights: try item.arrays("weights").map { Fact($0.type, constant: Tensor($0)) },
      masks: try item.optionalArrays("masks").map { $0.map(open) })
    let results = try layer.call(call, in: &context)
    for (result, expected) in zip(results, try item.arrays("outputs")) {
      let dims = try #require(result.type.shape.dims)
      #expect(result.type.dtype == expected.dtype)
      #expect(dims.count == expected.rank)
      for (dim, extent) in zip(dims, expected.shape).dropFirst() { #expect(dim == .fixed(extent)) }
      #expect(dims.first?.value ?? expected.shape.first == expected.shape.first)
    }
  }

  /// What a rule writes, it reads as the same layer; and every key is one Keras wrote with the same value.
  @Test(arguments: LayerCase.all) func configRoundTrips(_ item: LayerCase) throws {
    let rule = try rule(item)
    let written = try rule.write(try rule.read(config(item)))
    #expect(try rule.write(try rule.read(written)) == written)
    for (key, value) in written.objectValue ?? [:] {
      guard let original = config(item)[key], !["cell", "layer", "backward_layer"].contains(key) else {
        #expect(config(item)[key] != nil, "Keras does not write '\(key)'")
        continue
      }
      #expect(loose(value) == loose(original), "'\(key)': \(value.text()) instead of \(original.text())")
    }
  }

  /// Numbers and spellings that mean the same.
  private func loose(_ json: JSONValue) -> JSONValue {
    switch json {
    case .int(let value): .double(Double(value))
    case .array(let list) where list.count == 1: loose(list[0])
    case .array(let list): .array(list.map(loose))
    case .object(let members) where members["class_name"] != nil:
      ["class_name": members["class_name"] ?? .null]
    default: json
    }
  }

  private func compare(_ result: NDArray, _ expected: NDArray) throws {
    #expect(result.dtype == expected.dtype)
    try #require(result.shape == expected.shape)
    let a = result.doubles(), b = expected.doubles()
    let worst = worstExcess(a, b, absolute: 1e-5, relative: 1e-4)
    #expect(worst <= 0, "off by \(worst): \(a.prefix(8)) instead of \(b.prefix(8))")
  }
}

import KerasConfig
import ModelGraph
import ModelLayers
import ModelPasses
import ModelTensor
import TestSupport
import Testing

/// Every layer that Keras recorded: lowered to ops and lifted again it computes the same, and most are the same class.
@Suite struct LiftedLayerCasesTests {
  /// Layers that leave no trace in what they compute at inference, or whose ops another layer says as well.
  static let others: Set<String> = [
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout", "GaussianDropout",
    "GaussianNoise", "ActivityRegularization", "Identity",
  ]

  @Test(arguments: LayerCase.all) func liftsWhatWasLowered(_ item: LayerCase) throws {
    let name = item.json["class_name"]?.stringValue ?? ""
    guard let rule = LayerRules.rule(className: name, module: "keras.layers") else { return }
    var (model, inputs) = try LoweredLayerCasesTests().model(item, rule, openBatch: true)
    let original = model
    do { for pass in LiftLayers.passes() { try pass.run(&model) } } catch let error as GraphError where error.code == .missingType {
      return
    }
    try model.validate()
    let expected = try Interpreter(model: original).run(inputs)
    try expectClose(
      try Interpreter(model: model).run(inputs), try item.arrays("outputs").count == expected.count ? try item.arrays("outputs") : expected,
      "lifted")
  }

  /// The classes that come back as they were.
  @Test func classesComeBack() throws {
    var back: [String: Int] = [:], all: [String: Int] = [:]
    for item in LayerCase.all {
      let name = item.json["class_name"]?.stringValue ?? ""
      guard let rule = LayerRules.rule(className: name, module: "keras.layers"), !Self.others.contains(name),
        try item.optionalArrays("masks").allSatisfy({ $0 == nil })
      else { continue }
      var (model, _) = try LoweredLayerCasesTests().model(item, rule, openBatch: true)
      do { for pass in LiftLayers.passes() { try pass.run(&model) } } catch is GraphError { continue }
      all[name, default: 0] += 1
      let graph = model.mainGraph
      if graph.nodeIDs.contains(where: { graph[$0].op.displayName == name }) { back[name, default: 0] += 1 }
    }
    for name in [
      "Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "DepthwiseConv2D", "SeparableConv2D", "Dense", "Embedding", "BatchNormalization",
      "LayerNormalization", "MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "LSTM", "GRU", "SimpleRNN",
      "Bidirectional", "LeakyReLU", "PReLU", "Add", "Subtract", "Multiply", "Maximum", "Minimum", "Concatenate", "Flatten",
      "Reshape", "Permute", "RepeatVector", "ZeroPadding2D", "Cropping2D", "UpSampling2D",
    ] {
      // Not all do: the channels first, a kernel for interpolation, an activation that is a layer of its own.
      #expect(back[name, default: 0] > 0, "\(name): \(back[name, default: 0]) of \(all[name, default: 0])")
    }
  }
}

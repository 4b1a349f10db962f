import ModelTraining
import Testing

/// Draws of `MixUp`, `CutMix` and `AugMix` are not Keras's; what they make of any draw is held to what they are for.
@Suite struct MixingAugmentationTests {
  /// Image `i` of four is `10 · i` everywhere.
  private static func images() throws -> Tensor {
    try Tensor((0..<4).map { Float(10 * $0) }).reshape([4, 1, 1, 1]).broadcast(to: [4, 8, 6, 3])
  }

  @Test func mixUpWeighsTwoImages() throws {
    let result = try MixUp(alpha: 1, seed: 3)([try Self.images()], training: true)[0]
    var isMixed = false
    for index in 0..<4 {
      let values = try result[index].doubles(), own = Double(10 * index)
      #expect(values.allSatisfy { $0 == values[0] && $0 >= 0 && $0 <= 30 })
      if values[0] != own { isMixed = true }
    }
    #expect(isMixed)
  }
  @Test func cutMixPutsRectanglesIn() throws {
    let result = try CutMix(seed: 5)([try Self.images()], training: true)[0]
    for index in 0..<4 {
      let others = Set(try result[index].doubles()).subtracting([Double(10 * index)])
      #expect(others.count <= 1 && others.allSatisfy { [0, 10, 20, 30].contains($0) })
    }
    #expect(Set(try result.doubles()).isSubset(of: [0, 10, 20, 30]))
  }
  /// Colours of a gradient, so that every augmentation shows.
  private static func gradients() throws -> Tensor {
    let values: [Float] = (0..<960).map { Float($0 * 37 % 256) }
    return try Tensor(values, shape: [4, 10, 8, 3])
  }
  @Test func augMixStaysInItsRange() throws {
    let images = try Self.gradients(), before = try images.doubles()
    let cases: [(alpha: Double, range: (Double, Double))] = [(1, (0, 255)), (0.3, (0, 255)), (8, (50, 200))]
    for (alpha, range) in cases {
      let result = try AugMix(valueRange: range, factor: 0.8, alpha: alpha, seed: 3)([images], training: true)[0]
      let values = try result.doubles()
      #expect(result.shape == images.shape && values.allSatisfy { $0 >= range.0 && $0 <= range.1 })
      #expect(zip(values, before).contains { abs($0 - $1) > 1 })
    }
    // Chains of nothing are the images, whatever their weights.
    let same = try AugMix(chainDepth: 0, seed: 3)([images], training: true)[0].doubles()
    #expect(zip(same, before).allSatisfy { abs($0 - $1) < 1e-3 })
  }
  @Test func augmentationsTakeOneImageAndChannelsFirst() throws {
    let images = try Self.gradients()
    let layers: [StandardLayer] = [AugMix(seed: 2), RandAugment(seed: 2), RandomElasticTransform(seed: 2)]
    for layer in layers {
      #expect(try layer([images[0]], training: true)[0].shape == [10, 8, 3])
    }
    let first = try images.transpose([0, 3, 1, 2])
    let last = try RandomElasticTransform(seed: 4)([images], training: true)[0].doubles()
    let turned = try RandomElasticTransform(seed: 4, dataFormat: .channelsFirst)([first], training: true)[0]
    #expect(zip(try turned.transpose([0, 2, 3, 1]).doubles(), last).allSatisfy { abs($0 - $1) < 1e-3 })
  }
  @Test func nothingMixesAtInference() throws {
    let images = try Self.images()
    let layers: [StandardLayer] = [
      MixUp(seed: 1), CutMix(seed: 1), RandomErasing(seed: 1), RandomHue(0.5, seed: 1), AugMix(seed: 1), RandAugment(seed: 1),
      RandomElasticTransform(seed: 1),
    ]
    for layer in layers {
      #expect(try layer([images], training: false)[0].doubles() == images.doubles())
    }
  }
  @Test func mixesInATrainedModel() throws {
    let model = try Sequential(
      [MixUp(seed: 1), CutMix(seed: 2), RandomSharpness(0.5, seed: 3), Flatten(), Dense(1)], inputShape: [8, 6, 3])
    model.compile(optimizer: "sgd", loss: "mse")
    let loss = try model.trainOnBatch([try Self.images() / 30], [try Tensor.zeros([4, 1])]).item()
    #expect(loss.isFinite)
  }
}

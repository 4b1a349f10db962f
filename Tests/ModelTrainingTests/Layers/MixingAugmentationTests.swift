import ModelTraining
import Testing

/// Draws of `MixUp` and `CutMix` are not Keras's; what they make of any draw is held to what they are for.
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
  @Test func nothingMixesAtInference() throws {
    let images = try Self.images()
    for layer in [MixUp(seed: 1), CutMix(seed: 1), RandomErasing(seed: 1), RandomHue(0.5, seed: 1)] {
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

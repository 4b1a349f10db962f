import ModelSupport
import Testing

@testable import ModelTraining

/// Keras's names in the place of objects, and what of them a saved configuration says.
@Suite struct ChoiceTests {
  @Test func namesStandForPenaltiesAndConstraints() throws {
    func loss(_ layer: Dense) throws -> Double {
      let model = try Sequential([layer], inputShape: [3])
      model.compile(optimizer: "sgd", loss: "mse")
      let x = try Tensor.random.normal([4, 3], seed: 1)
      return try model.trainOnBatch([x], [try Tensor.zeros([4, 2])]).item()
    }
    let plain = try loss(Dense(2, kernelInitializer: .glorotUniform(seed: 1)))
    let named = try loss(Dense(2, kernelInitializer: .glorotUniform(seed: 1), kernelRegularizer: "l2", kernelConstraint: "non_neg"))
    let object = try loss(Dense(2, kernelInitializer: .glorotUniform(seed: 1), kernelRegularizer: L2(), kernelConstraint: NonNeg()))
    #expect(named == object && named > plain)
    #expect(throws: TensorError.self) { try loss(Dense(2, kernelRegularizer: "l7")) }
    #expect(throws: TensorError.self) { try loss(Dense(2, kernelConstraint: "negative")) }
  }

  /// As `keras.layers.serialize` spells them; what is Keras's own choice is not said.
  @Test func initialisersAreWritten() throws {
    let layer = Dense(2, kernelInitializer: .heNormal(seed: 3), biasInitializer: .constant(0.5))
    _ = try layer(try Tensor.zeros([1, 3]))
    let config = LayerConfiguration.object(of: layer)?["config"]
    #expect(config?["kernel_initializer"]?["class_name"] == "HeNormal")
    #expect(config?["kernel_initializer"]?["config"]?["seed"] == 3)
    #expect(config?["bias_initializer"]?["config"]?["value"] == 0.5)
    let usual = Dense(2)
    _ = try usual(try Tensor.zeros([1, 3]))
    #expect(LayerConfiguration.object(of: usual) == nil)
  }
}

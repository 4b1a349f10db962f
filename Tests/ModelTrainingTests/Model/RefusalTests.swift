import ModelLayers
import Testing

@testable import ModelTraining

/// What trains otherwise than it infers, and is not done yet, says so.
@Suite struct RefusalTests {
  @Test func nothingTrainsAsIfItInferred() throws {
    var spectral = ModelLayers.SpectralNormalization()
    spectral.layer = ModelLayers.BatchNormalization()
    var recurrent = ModelLayers.LSTM()
    recurrent.options.stateful = true
    var network = ModelLayers.NestedNetwork()
    network.members = [.init(name: "lstm", layer: recurrent, policy: .init(), isTrainable: true, group: "lstm")]
    for layer in [spectral, network] as [any ModelLayers.Layer] {
      #expect(throws: TensorError.self) { try TrainingRefusal.check(layer) }
      var wrapper = ModelLayers.TimeDistributed()
      wrapper.layer = layer
      #expect(throws: TensorError.self) { try TrainingRefusal.check(wrapper) }
    }
    try TrainingRefusal.check(ModelLayers.BatchNormalization())
  }
}

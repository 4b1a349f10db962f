import ModelLayers
import Testing

@testable import ModelTraining

/// What trains otherwise than it infers, and is not done yet, says so.
@Suite struct RefusalTests {
  @Test func nothingTrainsAsIfItInferred() throws {
    var renorm = ModelLayers.BatchNormalization()
    renorm.renorm = true
    var convolution = ModelLayers.ConvLSTM<Rank2>()
    convolution.dropout = 0.2
    var pipeline = ModelLayers.LayerPipeline()
    pipeline.layers = [ModelLayers.Augmentation<Augmentations.RandomFlip>()]
    for layer in [renorm, convolution, pipeline] as [any ModelLayers.Layer] {
      #expect(throws: TensorError.self) { try TrainingRefusal.check(layer) }
      var wrapper = ModelLayers.TimeDistributed()
      wrapper.layer = layer
      #expect(throws: TensorError.self) { try TrainingRefusal.check(wrapper) }
    }
    try TrainingRefusal.check(ModelLayers.BatchNormalization())
  }
}

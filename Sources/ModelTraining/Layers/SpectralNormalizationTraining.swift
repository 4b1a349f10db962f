import ModelGraph
import ModelLayers
import ModelTensor

extension ModelLayers.SpectralNormalization: TrainingDefinition {
  /// The kernel is divided by its largest singular value, as some steps of the power iteration tell it, before it is used; as in Keras it stays so.
  func callTraining(_ call: LayerCall<Tensor>, _ site: TrainingSite) throws -> [Tensor] {
    let kernel = try site.variable(0), vector = try site.variable(1)
    try GradientTape.stopRecording {
      let shape = kernel.shape, columns = shape.last ?? 1
      let matrix = try kernel.tensor.reshape([Swift.max(1, kernel.size / Swift.max(1, columns)), columns]),
        turned = try matrix.transpose([1, 0])
      func unit(_ x: Tensor) throws -> Tensor { try x / (x.square().reduceSum().maximum(1e-14)).sqrt() }
      var u = vector.tensor, v = try unit(try u • turned)
      for step in 0..<Swift.max(1, powerIterations) {
        if step > 0 { v = try unit(try u • turned) }
        u = try unit(try v • matrix)
      }
      let sigma = try ((try v • matrix) • (try u.transpose([1, 0]))).reshape([])
      // A kernel of zeros has no direction and stays.
      let isZero = try (try kernel.tensor.abs().reduceMax()) .== 0
      let normal = try kernel.tensor / (try Tensor.where(isZero, try Tensor.ones(like: sigma), sigma))
      try vector.assign(try Tensor.where(isZero, vector.tensor, u))
      try kernel.assign(normal)
    }
    var inner = call, context = TensorContext()
    inner.weights[0] = try kernel.tensor.cast(to: call.weight(0).dtype)
    if inner.weights.count > 1 { inner.weights.remove(at: 1) }
    return try layer.call(inner, in: &context)
  }
}

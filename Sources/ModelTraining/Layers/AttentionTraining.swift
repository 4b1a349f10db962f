import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

/// Drops elements of what softmax gives: the attention that a query pays, while its layer trains.
private struct DroppingContext: OpContext {
  let rate: Double
  let seed: RandomSeed
  mutating func apply(_ op: any Op, to inputs: [Tensor?]) throws -> [Tensor] {
    if op is SoftmaxOp { return try Dispatch.apply(op, to: inputs).map { try $0.dropout(rate: rate, seed: seed) } }
    if !(op is any PrimitiveOp), let composite = op as? any CompositeOp { return try composite.decompose(inputs, in: &self) }
    return try Dispatch.apply(op, to: inputs)
  }
  mutating func constant(_ array: NDArray) throws -> Tensor { Tensor(array) }
  func fact(of value: Tensor) -> Fact { value.fact }
}

extension ModelLayers.Layer {
  fileprivate func dropping(_ rate: Double, _ call: LayerCall<Tensor>, _ site: TrainingSite) throws -> [Tensor] {
    var context = DroppingContext(rate: rate, seed: site.seed)
    return try self.call(call, in: &context)
  }
}
extension ModelLayers.MultiHeadAttention: TrainingDefinition {
  func callTraining(_ call: LayerCall<Tensor>, _ site: TrainingSite) throws -> [Tensor] { try dropping(dropout, call, site) }
}
extension ModelLayers.GroupedQueryAttention: TrainingDefinition {
  func callTraining(_ call: LayerCall<Tensor>, _ site: TrainingSite) throws -> [Tensor] { try dropping(dropout, call, site) }
}
extension ModelLayers.Attention: TrainingDefinition {
  func callTraining(_ call: LayerCall<Tensor>, _ site: TrainingSite) throws -> [Tensor] { try dropping(dropout, call, site) }
}
extension ModelLayers.AdditiveAttention: TrainingDefinition {
  func callTraining(_ call: LayerCall<Tensor>, _ site: TrainingSite) throws -> [Tensor] { try dropping(dropout, call, site) }
}

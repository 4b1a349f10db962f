import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

extension ModelLayers.TimeDistributed: TrainingDefinition {
  /// Step by step, as Keras runs it: a layer that draws draws anew for each step.
  func callTraining(_ call: LayerCall<Tensor>, _ site: TrainingSite) throws -> [Tensor] {
    guard let inner = layer as? any TrainingDefinition else {
      var context = TensorContext()
      return try self.call(call, in: &context)
    }
    var step = call
    step.masks = []
    var results: [[Tensor]] = []
    for slice in try call.input().unstack(axis: 1) {
      step.inputs = [slice]
      results.append(try inner.callTraining(step, site))
    }
    return try (results.first ?? []).indices.map { index in try Tensor.stack(results.map { $0[index] }, axis: 1) }
  }
}

extension ModelLayers.Bidirectional: TrainingDefinition {
  /// Each direction with its own dropout.
  func callTraining(_ call: LayerCall<Tensor>, _ site: TrainingSite) throws -> [Tensor] {
    let both: [any RecurrentLayer] = [forward, backwardLayer]
    let rates = try both.map { try RecurrentTraining.rates($0.recurrentCell) }
    var context = TensorContext()
    guard rates.contains(where: { $0.0 > 0 || $0.1 > 0 }) else { return try self.call(call, in: &context) }
    guard call.inputs.count == 1, call.numbered("initial_state").isEmpty, !forward.options.timeMajor else {
      throw TensorError(.notSupported, "Bidirectional with dropout and initial states can't be trained")
    }
    let count = try forward.weights(for: [try call.input().type]).count
    var outputs: [Tensor] = [], states: [Tensor] = []
    for (index, layer) in both.enumerated() {
      var layer = layer, own = call
      own.weights = Array(index == 0 ? call.weights.prefix(count) : call.weights.dropFirst(count))
      layer.options.zeroOutputForMask = layer.options.returnSequences
      layer.options.returnState = true
      layer.options.stateful = false
      let results = try RecurrentTraining(site.layer, layer).call(own, training: true)
      let turned = index == 1 && layer.options.returnSequences
      outputs.append(turned ? try results[0].reverse(axis: 1) : results[0])
      states += results.dropFirst()
    }
    let rest = forward.options.returnState ? states : []
    switch mergeMode {
    case nil: return outputs + rest
    case .concat: return [try Tensor.concat(outputs, axis: -1)] + rest
    case .sum: return [try outputs[0] + outputs[1]] + rest
    case .mul: return [try outputs[0] * outputs[1]] + rest
    case .ave: return [try (outputs[0] + outputs[1]) / 2] + rest
    }
  }
}

extension LayerCall {
  /// The tensors of a keyword that takes several: `initial_state/0`, …
  func numbered(_ keyword: String) -> [V] {
    if let one = named[keyword] { return [one] }
    var result: [V] = []
    while let next = named["\(keyword)/\(result.count)"] { result.append(next) }
    return result
  }
}

extension ModelLayers.Augmentation: TrainingDefinition {
  func callTraining(_ call: LayerCall<Tensor>, _ site: TrainingSite) throws -> [Tensor] {
    throw TensorError(.notSupported, "\(Self.className) does not train yet: it only passes images through at inference")
  }
}

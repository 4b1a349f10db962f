import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

extension ModelLayers.TimeDistributed: TrainingDefinition {
  /// Step by step, as Keras runs it: a layer that draws draws anew for each step.
  func callTraining(_ call: LayerCall<Tensor>, _ site: TrainingSite) throws -> [Tensor] {
    guard layer is any TrainingDefinition || layer is any RecurrentLayer else {
      var context = TensorContext()
      return try self.call(call, in: &context)
    }
    var step = call, context = TensorContext()
    step.masks = []
    var results: [[Tensor]] = []
    for slice in try call.input().unstack(axis: 1) {
      step.inputs = [slice]
      results.append(try site.call(layer, step, in: &context))
    }
    return try (results.first ?? []).indices.map { index in try Tensor.stack(results.map { $0[index] }, axis: 1) }
  }
}

extension ModelLayers.Bidirectional: TrainingDefinition {
  var isStateful: Bool { forward.options.stateful || backwardLayer.options.stateful }

  private var dropsOfConvolutions: [Double] {
    [forward, backwardLayer].flatMap { layer -> [Double] in
      switch layer {
      case let layer as ConvLSTM<Rank1>: [layer.dropout, layer.recurrentDropout]
      case let layer as ConvLSTM<Rank2>: [layer.dropout, layer.recurrentDropout]
      case let layer as ConvLSTM<Rank3>: [layer.dropout, layer.recurrentDropout]
      default: []
      }
    }
  }

  /// Each direction with its own dropout, and states of its own.
  func callTraining(_ call: LayerCall<Tensor>, _ site: TrainingSite) throws -> [Tensor] {
    var context = TensorContext()
    guard let forward = forward as? any RecurrentLayer, let backward = backwardLayer as? any RecurrentLayer else {
      guard !isStateful, !site.isTraining || !dropsOfConvolutions.contains(where: { $0 > 0 }) else {
        throw TensorError(.notSupported, "Bidirectional around a convolution over time, stateful or with dropout, can't be trained")
      }
      return try self.call(call, in: &context)
    }
    let both: [any RecurrentLayer] = [forward, backward]
    let rates = try site.isTraining ? both.map { try RecurrentTraining.rates($0.recurrentCell) } : []
    let drops = rates.contains { $0.0 > 0 || $0.1 > 0 }, isFed = call.inputs.count > 1 || !call.numbered("initial_state").isEmpty
    // States that are given are not kept.
    guard drops || isStateful && !isFed else { return try self.call(call, in: &context) }
    guard !isFed, !forward.options.timeMajor else {
      throw TensorError(.notSupported, "Bidirectional with dropout and initial states can't be trained")
    }
    let count = try forward.weights(for: [try call.input().type]).count
    var outputs: [Tensor] = [], states: [Tensor] = []
    for (index, layer) in both.enumerated() {
      var layer = layer, own = call
      own.weights = Array(index == 0 ? call.weights.prefix(count) : call.weights.dropFirst(count))
      layer.options.zeroOutputForMask = layer.options.returnSequences
      layer.options.returnState = true
      let results = try RecurrentTraining(
        site.layer, layer, seeds: index == 0 ? site.seed : site.layer.backwardSeeds,
        firstState: index == 0 ? 0 : forward.recurrentCell.stateSizes.count
      ).call(own, training: site.isTraining)
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

extension ModelLayers.NestedNetwork: TrainingDefinition {
  /// A model inside a wrapper: each of its layers as it trains.
  func callTraining(_ call: LayerCall<Tensor>, _ site: TrainingSite) throws -> [Tensor] {
    var context = TensorContext()
    return try self.call(call, in: &context) { member, firstWeight, inner, context in
      var place = site
      place.firstWeight += firstWeight
      place.isTrainable = site.isTrainable && member.isTrainable
      return try place.call(member.layer, inner, in: &context)
    }
  }
}

extension ModelLayers.LayerPipeline: TrainingDefinition {
  func callTraining(_ call: LayerCall<Tensor>, _ site: TrainingSite) throws -> [Tensor] {
    var context = TensorContext()
    return try self.call(call, in: &context) { layer, inner, context in try site.call(layer, inner, in: &context) }
  }
}

extension ModelLayers.ConvLSTM: TrainingDefinition {
  /// Each gate sees inputs and states with elements of its own dropped, the same ones in every step.
  func callTraining(_ call: LayerCall<Tensor>, _ site: TrainingSite) throws -> [Tensor] {
    var context = TensorContext()
    func masks(_ rate: Double, _ shape: [Int], _ dtype: DType) throws -> [Tensor] {
      guard rate > 0, rate < 1 else { return [] }
      return try (0..<4).map { _ in try Tensor.ones(shape, dtype: dtype).dropout(rate: rate, seed: site.seed) }
    }
    let x = try call.input()
    let inputMasks = try masks(dropout, [x.shape[0]] + x.shape.dropFirst(2), x.dtype)
    guard recurrentDropout > 0 else { return try self.call(call, in: &context, inputMasks: inputMasks, stateMasks: nil) }
    return try self.call(
      call, in: &context, inputMasks: inputMasks, stateMasks: { try masks(recurrentDropout, $0.shape, $0.dtype) })
  }
}

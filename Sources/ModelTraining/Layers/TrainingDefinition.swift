import ModelGradients
import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

/// A layer that computes something else while it trains.
protocol TrainingDefinition: ModelLayers.Layer {
  func callTraining(_ call: LayerCall<Tensor>, _ site: TrainingSite) throws -> [Tensor]
}

/// A layer that draws random numbers.
protocol SeededDefinition: ModelLayers.Layer {
  var seed: Int? { get }
}

/// What a layer in training has at hand.
struct TrainingSite {
  let layer: StandardLayer
  /// Of a layer inside another one: where its weights begin, and whether they are trained.
  var firstWeight = 0
  var isTrainable: Bool
  /// Whether it trains, or only keeps its states while it infers.
  let isTraining: Bool
  init(_ layer: StandardLayer, isTraining: Bool = true) {
    self.layer = layer
    self.isTraining = isTraining
    isTrainable = layer.isTrainable
  }
  var seed: RandomSeed { layer.seeds }
  /// The variable behind weight `index` of the call.
  func variable(_ index: Int) throws -> Variable {
    let weights = layer.ownWeights, index = firstWeight + index
    guard weights.indices.contains(index) else { throw TensorError(.invalidArgument, "there is no weight \(index)") }
    return weights[index]
  }
  /// A layer inside this one, as it trains.
  func call(_ inner: any ModelLayers.Layer, _ call: LayerCall<Tensor>, in context: inout TensorContext) throws -> [Tensor] {
    if let recurrent = inner as? any RecurrentLayer { return try RecurrentTraining(layer, recurrent).call(call, training: isTraining) }
    if let trained = inner as? any TrainingDefinition { return try trained.callTraining(call, self) }
    return try inner.call(call, in: &context)
  }
}

extension Tensor {
  /// Each element with probability `rate` zero, the others scaled up (TensorFlow's `stateless_dropout`).
  func dropout(rate: Double, noiseShape: [Int?]? = nil, seed: RandomSeed) throws -> Tensor {
    guard rate > 0 else { return self }
    guard rate < 1 else { return try Tensor.zeros(like: self) }
    let shape = noiseShape.map { zip($0, self.shape).map { $0 ?? $1 } } ?? self.shape
    if dtype == .float32, shape.allSatisfy({ $0 >= 0 }) {
      let keys = try Tensor.random.keys(seed)
      return try Dispatch.one(DropoutOp(rate: rate, noiseShape: shape), self, keys.key, keys.counter)
    }
    let noise = try Tensor.random.uniform(shape, dtype: dtype, seed: seed)
    return try Tensor.where(noise .>= rate, try self * (1 / (1 - rate)), 0)
  }
}

extension ModelLayers.Dropout: TrainingDefinition, SeededDefinition {
  func callTraining(_ call: LayerCall<Tensor>, _ site: TrainingSite) throws -> [Tensor] {
    [try call.input().dropout(rate: rate, noiseShape: noiseShape, seed: site.seed)]
  }
}
extension ModelLayers.SpatialDropout: TrainingDefinition, SeededDefinition {
  func callTraining(_ call: LayerCall<Tensor>, _ site: TrainingSite) throws -> [Tensor] {
    let x = try call.input(), spatial = layout.spatialAxes(rank: x.rank)
    return [try x.dropout(rate: rate, noiseShape: x.shape.indices.map { spatial.contains($0) ? 1 : nil }, seed: site.seed)]
  }
}
extension ModelLayers.GaussianNoise: TrainingDefinition, SeededDefinition {
  func callTraining(_ call: LayerCall<Tensor>, _ site: TrainingSite) throws -> [Tensor] {
    let x = try call.input()
    return [stddev > 0 ? try x + Tensor.random.normal(x.shape, stddev: stddev, dtype: x.dtype, seed: site.seed) : x]
  }
}
extension ModelLayers.GaussianDropout: TrainingDefinition, SeededDefinition {
  func callTraining(_ call: LayerCall<Tensor>, _ site: TrainingSite) throws -> [Tensor] {
    let x = try call.input()
    guard rate > 0 else { return [x] }
    let stddev = (rate / (1 - rate)).squareRoot()
    return [try x * Tensor.random.normal(x.shape, mean: 1, stddev: stddev, dtype: x.dtype, seed: site.seed)]
  }
}
extension ModelLayers.AlphaDropout: TrainingDefinition, SeededDefinition {
  func callTraining(_ call: LayerCall<Tensor>, _ site: TrainingSite) throws -> [Tensor] {
    let x = try call.input()
    guard rate > 0 else { return [x] }
    let low = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946
    let shape = noiseShape.map { zip($0, x.shape).map { $0 ?? $1 } } ?? x.shape
    let kept = try (try Tensor.random.uniform(shape, dtype: x.dtype, seed: site.seed) .>= rate).cast(to: x.dtype)
    let a = 1 / ((1 - rate) * (1 + rate * low * low)).squareRoot()
    return [try (x * kept + (1 - kept) * low) * a + (-a * low * rate)]
  }
}
extension ModelLayers.BatchNormalization: TrainingDefinition {
  /// Normalises with the batch's own mean and variance, and moves the moving ones towards them.
  func callTraining(_ call: LayerCall<Tensor>, _ site: TrainingSite) throws -> [Tensor] {
    var context = TensorContext()
    guard site.isTrainable else { return try self.call(call, in: &context) }
    let x = try call.input(), places = Set((severalAxes ?? [axis]).map { $0 < 0 ? $0 + x.rank : $0 })
    let axes = (0..<x.rank).filter { !places.contains($0) }, channels = (0..<x.rank).map { places.contains($0) ? x.shape[$0] : 1 }
    let wide = x.dtype == .float16 || x.dtype == .bfloat16 ? try x.cast(to: .float32) : x
    let first = (scale ? 1 : 0) + (center ? 1 : 0)
    func move(_ batch: [Tensor]) throws {
      for (offset, batch) in batch.enumerated() {
        let moving = try site.variable(first + offset)
        let now = try batch.stopGradient().reshape(moving.shape).cast(to: moving.dtype)
        try moving.assign(try moving * momentum + now * (1 - momentum))
      }
    }
    if !renorm, call.mask() == nil, places == [x.rank - 1], x.rank > 1, wide.dtype == .float32 {
      // One op that knows its own gradient.
      let results = try Dispatch.apply(
        BatchMomentsOp(epsilon: epsilon),
        to: [wide, scale ? try call.weight(0) : nil, center ? try call.weight(scale ? 1 : 0) : nil])
      try move(Array(results.dropFirst()))
      return [try results[0].cast(to: x.dtype)]
    }
    let mean: Tensor, variance: Tensor
    if let mask = call.mask() {
      let weights = try mask.cast(to: wide.dtype).expandDims(axis: -1), weighted = try wide * weights
      let total = try weights.reduceSum(axes: axes, keepDims: true) + 1e-7
      mean = try weighted.reduceSum(axes: axes, keepDims: true) / total
      variance = try (weights * (weighted - mean).square()).reduceSum(axes: axes, keepDims: true) / total
    } else {
      mean = try wide.reduceMean(axes: axes, keepDims: true)
      variance = try wide.squaredDifference(try mean.stopGradient()).reduceMean(axes: axes, keepDims: true)
    }
    var factor = try (variance + epsilon).rsqrt(), offset: Tensor?
    if renorm {
      let (r, d) = try renormalized(mean, variance, site, first)
      factor = try factor * r
      offset = d
    } else {
      try move([mean, variance])
    }
    if scale {
      let gamma = try call.weight(0).reshape(channels)
      factor = try factor * gamma
      offset = try offset.map { try $0 * gamma }
    }
    var shift = try -(mean * factor)
    if let offset { shift = try shift + offset }
    if center { shift = try shift + (try call.weight(scale ? 1 : 0).reshape(channels)) }
    return [try (wide * factor + shift).cast(to: x.dtype)]
  }

  /// The correction `x · r + d` of batch renormalisation (Ioffe, 2017), which has no gradient; and its statistics are moved.
  private func renormalized(_ mean: Tensor, _ variance: Tensor, _ site: TrainingSite, _ first: Int) throws -> (r: Tensor, d: Tensor) {
    let stddev = try (variance + epsilon).sqrt().stopGradient(), mean = try mean.stopGradient()
    let (movingMean, movingVariance) = (try site.variable(first), try site.variable(first + 1))
    let (movingStddev, ownMean, ownStddev) = (
      try site.variable(first + 2), try site.variable(first + 3), try site.variable(first + 4)
    )
    let scale = try ownStddev.tensor.cast(to: stddev.dtype).reshape(stddev.shape).maximum(epsilon.squareRoot())
    var r = try stddev / scale, d = try (mean - ownMean.tensor.cast(to: mean.dtype).reshape(mean.shape)) / scale
    if let low = renormClipping["rmin"] { r = try r.maximum(low) }
    if let high = renormClipping["rmax"] { r = try r.minimum(high) }
    if let most = renormClipping["dmax"] { d = try d.clip(min: -most, max: most) }
    func move(_ variable: Variable, _ now: Tensor, _ momentum: Double) throws {
      try variable.assign(try variable * momentum + now.reshape(variable.shape).cast(to: variable.dtype) * (1 - momentum))
    }
    try move(ownMean, mean, renormMomentum)
    try move(ownStddev, stddev, renormMomentum)
    try move(movingMean, mean, momentum)
    try move(movingStddev, stddev, momentum)
    try movingVariance.assign(try (movingStddev.tensor.square() - epsilon).relu())
    return (r, d)
  }
}

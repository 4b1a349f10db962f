import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

extension LayerSubstitution {
  /// What a call of a layer is as layers of TF.js; `nil` for a call that is one already, or that has no such form.
  mutating func layer(_ op: LayerOp) throws -> ValueID? {
    let options = op.options.filter { $0.key != "training" || $0.value != false }
    guard op.policy == DTypePolicy(), node.inputs.allSatisfy({ $0 != nil }) else { return nil }
    if options.isEmpty || options == ["use_causal_mask": true], let result = try attention(op, isCausal: !options.isEmpty) { return result }
    guard options.isEmpty else { return nil }
    if let layer = op.layer as? Subtract, node.inputs.count == 2 { return try subtraction(layer) }
    guard let x = soleInput(op), type(x).dtype == .float32, let dims = dims(x), dims.count >= 2 else { return nil }
    if let result = try pooling(op.layer, x, dims) { return result }
    if let result = try alongOneAxis(op, x, dims) { return result }
    if let layer = op.layer as? Conv2D, let result = try depthwise(op, layer, x, dims) { return result }
    if let layer = op.layer as? Conv1D, let result = try causal(op, layer, x, dims) { return result }
    if let result = try grouped(op, x, dims) { return result }
    if let result = try volume(op.layer, x, dims) { return result }
    if let result = try recurrence(op, x, dims) { return result }
    if let split = Self.split(op.layer) { return try apply(split.function, try again(op, split.layer)) }
    switch op.layer {
    case let layer as ActivationLayer: return Self.knows(layer.activation) ? nil : try apply(layer.activation, x)
    case let layer as ReLU where layer.threshold == 0 && layer.negativeSlope != 0:
      return try apply(.relu(maxValue: layer.maxValue, negativeSlope: layer.negativeSlope), x)
    case let layer as ELU where layer.alpha != 1: return try apply(.elu(alpha: layer.alpha), x)
    case let layer as Softmax:
      guard layer.axes.count == 1, layer.axes[0] != -1, layer.axes[0] != dims.count - 1 else { return nil }
      return try apply(.softmax(axis: layer.axes[0]), x)
    case is LayerScale: return try weights(op).flatMap { try affine(x, scale: $0.first) }
    case let layer as GroupNormalization: return try groupNormalization(op, layer, x, dims)
    case let layer as RMSNormalization: return try rootMeanSquare(op, layer, x, dims)
    case let layer as UnitNormalization: return try unit(layer, x, dims)
    case let layer as BatchNormalization: return try batchNormalization(op, layer, x, dims)
    case let layer as Normalization: return try normalization(op, layer, x, dims)
    case let layer as Rescaling where !layer.isScalarScale || !layer.isScalarOffset: return try rescaling(layer, x, dims)
    default: return nil
    }
  }

  private mutating func subtraction(_ layer: Subtract) throws -> ValueID? {
    let values = node.inputs.compactMap { $0 }
    guard values.allSatisfy({ tensor($0) == nil && type($0).dtype == .float32 }) else { return nil }
    return try add(Add(), [values[0], try rescale(values[1], -1)])
  }

  /// The layer without an activation that TF.js does not have, and that.
  private static func split(_ layer: any Layer) -> (layer: any Layer, function: Activation)? {
    func taken<L: Layer>(_ layer: L, _ path: WritableKeyPath<L, Activation>) -> (layer: any Layer, function: Activation)? {
      guard !knows(layer[keyPath: path]) else { return nil }
      var plain = layer
      plain[keyPath: path] = .linear
      return (plain, layer[keyPath: path])
    }
    return switch layer {
    case let layer as Dense: taken(layer, \.activation)
    case let layer as Conv1D: taken(layer, \.activation)
    case let layer as Conv2D: taken(layer, \.activation)
    case let layer as Conv3D: taken(layer, \.activation)
    case let layer as Conv2DTranspose: taken(layer, \.activation)
    case let layer as Conv3DTranspose: taken(layer, \.activation)
    case let layer as DepthwiseConv2D: taken(layer, \.activation)
    case let layer as SeparableConv2D: taken(layer, \.activation)
    default: nil
    }
  }

  // MARK: Pooling

  private mutating func pooling(_ layer: any Layer, _ x: ValueID, _ dims: [Dim]) throws -> ValueID? {
    func kept<K: PoolingKind, R: SpatialRank>(_ layer: GlobalPooling<K, R>) throws -> ValueID? {
      guard layer.keepDims, dims.count == R.rank + 2 else { return nil }
      var plain = layer
      plain.keepDims = false
      guard let channels = dims[layer.layout.channelAxis(rank: dims.count)].value else { return nil }
      let ones = Array(repeating: 1, count: R.rank)
      return try reshape(try add(plain, [x]), layer.layout == .channelsLast ? ones + [channels] : [channels] + ones)
    }
    func flat<K: PoolingKind>(_ layer: GlobalPooling<K, Rank3>) throws -> ValueID? {
      guard layer.layout == .channelsLast, dims.count == 5, let width = dims[3].value, let channels = dims[4].value else { return nil }
      let pooled = try add(GlobalPooling<K, Rank2>(), [try reshape(x, [-1, width, channels])])
      return layer.keepDims ? try reshape(pooled, [1, 1, 1, channels]) : pooled
    }
    return switch layer {
    case let layer as GlobalAveragePooling1D: try kept(layer)
    case let layer as GlobalMaxPooling1D: try kept(layer)
    case let layer as GlobalAveragePooling2D: try kept(layer)
    case let layer as GlobalMaxPooling2D: try kept(layer)
    case let layer as GlobalAveragePooling3D: try flat(layer)
    case let layer as GlobalMaxPooling3D: try flat(layer)
    default: nil
    }
  }

  // MARK: Normalisation

  /// TF.js normalises the last axis alone rightly.
  private mutating func batchNormalization(
    _ op: LayerOp, _ layer: BatchNormalization, _ x: ValueID, _ dims: [Dim]
  ) throws -> ValueID? {
    let axis = try normalizeAxis(layer.axis, rank: dims.count)
    guard axis != dims.count - 1, let weights = weights(op), !layer.renorm else { return nil }
    var last = layer
    last.axis = -1
    return try onLastAxis(x, axis) { try $0.add(last, [$1], weights) }
  }

  private mutating func normalization(_ op: LayerOp, _ layer: Normalization, _ x: ValueID, _ dims: [Dim]) throws -> ValueID? {
    var mean: [Double], variance: [Double]
    if let fixed = layer.mean, let other = layer.variance {
      (mean, variance) = (fixed.values, other.values)
    } else {
      guard let weights = weights(op), weights.count >= 2 else { return nil }
      (mean, variance) = (try weights[0].array().doubles(), try weights[1].array().doubles())
    }
    guard variance.allSatisfy({ $0 >= 0 }) else { return nil }
    let deviation = variance.map { max($0.squareRoot(), 1e-7) }
    if mean.count == 1, deviation.count == 1 {
      return layer.invert
        ? try rescale(x, deviation[0], mean[0]) : try rescale(try rescale(x, 1, -mean[0]), 1 / deviation[0])
    }
    guard let channels = dims.last?.value, layer.axes.count == 1, try normalizeAxis(layer.axes[0], rank: dims.count) == dims.count - 1,
      [1, channels].contains(mean.count), [1, channels].contains(deviation.count)
    else { return nil }
    let means = Self.vector(mean, channels)
    return layer.invert
      ? try affine(x, scale: Self.vector(deviation, channels), offset: means)
      : try affine(x, scale: Self.vector(deviation.map { 1 / $0 }, channels), mean: means)
  }

  private mutating func rescaling(_ layer: Rescaling, _ x: ValueID, _ dims: [Dim]) throws -> ValueID? {
    guard let channels = dims.last?.value, [layer.scale, layer.offset].allSatisfy({ [1, channels].contains($0.count) }) else { return nil }
    return try affine(x, scale: Self.vector(layer.scale, channels), offset: Self.vector(layer.offset, channels))
  }

  private static func vector(_ values: [Double], _ count: Int) -> Tensor {
    Tensor(NDArray(values.count == count ? values.map { Float($0) } : Array(repeating: Float(values[0]), count: count), [count]))
  }

  // MARK: Convolution

  /// As many groups as channels: TF.js has no groups.
  private mutating func depthwise(_ op: LayerOp, _ layer: Conv2D, _ x: ValueID, _ dims: [Dim]) throws -> ValueID? {
    guard layer.groups > 1, dims.count == 4, dims[layer.layout.channelAxis(rank: 4)].value == layer.groups,
      layer.filters % layer.groups == 0, layer.strides.first == layer.strides.last, layer.dilations.allSatisfy({ $0 == 1 }),
      var weights = weights(op), !weights.isEmpty
    else { return nil }
    var result = DepthwiseConv2D()
    (result.kernelSize, result.strides, result.padding, result.layout) = (layer.kernelSize, layer.strides, layer.padding, layer.layout)
    (result.depthMultiplier, result.useBias) = (layer.filters / layer.groups, layer.useBias)
    weights[0] = weights[0].reshaped(layer.kernelSize + [layer.groups, layer.filters / layer.groups])
    return try apply(layer.activation, try add(result, [x], weights))
  }

  /// Padding in front, and a convolution without any.
  private mutating func causal(_ op: LayerOp, _ layer: Conv1D, _ x: ValueID, _ dims: [Dim]) throws -> ValueID? {
    guard layer.padding == .causal, layer.groups == 1, layer.layout == .channelsLast, dims.count == 3, let channels = dims[2].value,
      let weights = weights(op), let span = layer.dilations.first.map({ (layer.kernelSize[0] &- 1) &* $0 }), span >= 0
    else { return nil }
    var padding = ZeroPadding2D(), plain = layer
    padding.padding = [[span, 0], [0, 0]]
    (plain.padding, plain.activation) = (.valid, .linear)
    let padded = try add(padding, [try reshape(x, [-1, 1, channels])])
    return try apply(layer.activation, try add(plain, [try reshape(padded, [-1, channels])], weights))
  }

  /// Layers on sequences that TF.js has for images alone.
  private mutating func alongOneAxis(_ op: LayerOp, _ x: ValueID, _ dims: [Dim]) throws -> ValueID? {
    guard dims.count == 3, let channels = dims[2].value, var weights = weights(op) else { return nil }
    var function = Activation.linear
    let result: any Layer
    switch op.layer {
    case let layer as ZeroPadding1D where layer.layout == .channelsLast:
      var image = ZeroPadding2D()
      image.padding = layer.padding + [[0, 0]]
      result = image
    case let layer as Cropping1D where layer.layout == .channelsLast:
      var image = Cropping2D()
      image.cropping = layer.cropping + [[0, 0]]
      result = image
    case let layer as UpSampling1D where layer.layout == .channelsLast:
      var image = UpSampling2D()
      image.size = layer.size + [1]
      result = image
    case let layer as DepthwiseConv1D where layer.layout == .channelsLast && layer.dilations == [1]:
      var image = DepthwiseConv2D()
      (image.kernelSize, image.strides, image.padding) = (layer.kernelSize + [1], layer.strides + layer.strides, layer.padding)
      (image.depthMultiplier, image.useBias, function) = (layer.depthMultiplier, layer.useBias, layer.activation)
      result = image
    case let layer as SeparableConv1D where layer.layout == .channelsLast && layer.padding != .causal:
      var image = SeparableConv2D()
      (image.filters, image.kernelSize, image.strides) = (layer.filters, layer.kernelSize + [1], layer.strides + layer.strides)
      (image.padding, image.dilations, image.depthMultiplier) = (layer.padding, layer.dilations + layer.dilations, layer.depthMultiplier)
      (image.useBias, function) = (layer.useBias, layer.activation)
      result = image
    case let layer as Conv1DTranspose where layer.layout == .channelsLast && layer.dilations == [1] && layer.outputPadding == nil:
      var image = Conv2DTranspose()
      (image.filters, image.kernelSize, image.strides, image.padding) =
        (layer.filters, layer.kernelSize + [1], layer.strides + [1], layer.padding)
      (image.useBias, function) = (layer.useBias, layer.activation)
      result = image
    default: return nil
    }
    for index in weights.indices where weights[index].extents.count == 3 {
      weights[index] = weights[index].reshaped([weights[index].extents[0], 1] + weights[index].extents.dropFirst())
    }
    let image = try add(result, [try reshape(x, [-1, 1, channels])], weights)
    guard let after = self.dims(image)?.last?.value else { return nil }
    return try apply(function, try reshape(image, [-1, after]))
  }
}

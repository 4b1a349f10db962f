import ModelGraph
import ModelLayers
import ModelSupport
import ModelTensor

extension LayerSubstitution {
  /// Convolutions that see some of the channels: kernels with zeros for the others.
  mutating func grouped(_ op: LayerOp, _ x: ValueID, _ dims: [Dim]) throws -> ValueID? {
    switch op.layer {
    case let layer as Conv1D: return try grouped(op, layer, x, dims)
    case let layer as Conv2D: return try grouped(op, layer, x, dims)
    case let layer as Conv3D: return try grouped(op, layer, x, dims)
    case let layer as DepthwiseConv2D: return try dilated(op, layer, x, dims)
    default: return nil
    }
  }

  private mutating func grouped<R: SpatialRank>(_ op: LayerOp, _ layer: Conv<R>, _ x: ValueID, _ dims: [Dim]) throws -> ValueID? {
    guard layer.groups > 1, layer.padding != .causal, dims.count == R.rank + 2, var weights = weights(op), let kernel = weights.first,
      let channels = dims[layer.layout.channelAxis(rank: dims.count)].value, channels % layer.groups == 0,
      layer.filters % layer.groups == 0, kernel.extents == layer.kernelSize + [channels / layer.groups, layer.filters],
      let places = checkedProduct(layer.kernelSize), let count = checkedProduct([places, channels, layer.filters]), count <= 1 << 26
    else { return nil }
    let (inner, outer, filters) = (channels / layer.groups, layer.filters / layer.groups, layer.filters)
    weights[0] = kernel.mapped(to: TensorType(.float32, layer.kernelSize + [channels, filters])) { array in
      let old = array.doubles()
      var new = [Float](repeating: 0, count: count)
      for place in 0..<places {
        for row in 0..<inner {
          for filter in 0..<filters {
            let channel = filter / outer * inner + row
            new[(place * channels + channel) * filters + filter] = Float(old[(place * inner + row) * filters + filter])
          }
        }
      }
      return NDArray(new, array.shape.dropLast(2) + [channels, filters])
    }
    var plain = layer
    (plain.groups, plain.activation) = (1, .linear)
    return try apply(layer.activation, try add(plain, [x], weights))
  }

  /// TensorFlow.js leaves the dilation of a depthwise convolution out of account, and not that of a separable one.
  private mutating func dilated(_ op: LayerOp, _ layer: DepthwiseConv2D, _ x: ValueID, _ dims: [Dim]) throws -> ValueID? {
    guard layer.dilations.contains(where: { $0 != 1 }), dims.count == 4, var weights = weights(op), let kernel = weights.first,
      kernel.extents.count == 4, let count = checkedProduct(Array(kernel.extents.suffix(2))), count <= 1 << 12
    else { return nil }
    var result = SeparableConv2D()
    (result.filters, result.kernelSize, result.strides, result.padding) = (count, layer.kernelSize, layer.strides, layer.padding)
    (result.layout, result.dilations, result.depthMultiplier) = (layer.layout, layer.dilations, layer.depthMultiplier)
    result.useBias = layer.useBias
    let identity = (0..<(count * count)).map { Float($0 / count == $0 % count ? 1 : 0) }
    weights.insert(Tensor(NDArray(identity, [1, 1, count, count])), at: 1)
    return try apply(layer.activation, try add(result, [x], weights))
  }

  // MARK: Normalisation

  /// Groups as rows that a LayerNormalization normalises.
  mutating func groupNormalization(_ op: LayerOp, _ layer: GroupNormalization, _ x: ValueID, _ dims: [Dim]) throws -> ValueID? {
    let own = dims.dropFirst().compactMap(\.value)
    guard try normalizeAxis(layer.axis, rank: dims.count) == dims.count - 1, own.count == dims.count - 1, let channels = own.last,
      case let groups = layer.groups == -1 ? channels : layer.groups, groups > 0, channels % groups == 0,
      let places = checkedProduct(Array(own.dropLast())), places > 0, let weights = weights(op)
    else { return nil }
    var normal = LayerNormalization()
    (normal.epsilon, normal.center, normal.scale) = (layer.epsilon, false, false)
    let width = channels / groups
    let rows = try permute(try reshape(x, [places, groups, width]), [0, 2, 1, 3])
    let even = try add(normal, [try reshape(rows, [groups, places * width])])
    let y = try reshape(try permute(try reshape(even, [groups, places, width]), [0, 2, 1, 3]), own)
    guard layer.scale || layer.center else { return y }
    return try affine(y, scale: layer.scale ? weights[0] : nil, offset: layer.center ? weights[layer.scale ? 1 : 0] : nil)
  }

  mutating func rootMeanSquare(_ op: LayerOp, _ layer: RMSNormalization, _ x: ValueID, _ dims: [Dim]) throws -> ValueID? {
    guard layer.axes.count == 1, try normalizeAxis(layer.axes[0], rank: dims.count) == dims.count - 1, let scale = weights(op)?.first else {
      return nil
    }
    return try divided(x, dims, epsilon: layer.epsilon, scale)
  }

  mutating func unit(_ layer: UnitNormalization, _ x: ValueID, _ dims: [Dim]) throws -> ValueID? {
    guard layer.axes.count == 1, try normalizeAxis(layer.axes[0], rank: dims.count) == dims.count - 1, let width = dims.last?.value,
      width > 0
    else { return nil }
    let scale = [Float](repeating: 1 / Float(width).squareRoot(), count: width)
    return try divided(x, dims, epsilon: 1e-12 / Double(width), Tensor(NDArray(scale, [width])))
  }

  /// `x / √(mean(x²) + ε) · scale`: beside its opposite a row has no mean, and its mean square as variance.
  private mutating func divided(_ x: ValueID, _ dims: [Dim], epsilon: Double, _ scale: Tensor) throws -> ValueID? {
    guard let width = dims.last?.value, scale.elementCount == width, width <= 1 << 11 else { return nil }
    var normal = LayerNormalization()
    (normal.epsilon, normal.center, normal.scale) = (epsilon, false, false)
    let even = try add(normal, [try add(Concatenate(axis: -1), [x, try rescale(x, -1)])])
    let kernel = scale.mapped(to: TensorType(.float32, [2 * width, width])) { array in
      var values = [Float](repeating: 0, count: 2 * width * width)
      for (index, value) in array.doubles().enumerated() { values[index * width + index] = Float(value) }
      return NDArray(values, [2 * width, width])
    }
    return try add(Dense(units: width, useBias: false), [even], [kernel])
  }

  // MARK: Volumes

  /// Layers of three spatial axes that act on each by itself: on two of them, then on the third.
  mutating func volume(_ layer: any Layer, _ x: ValueID, _ dims: [Dim]) throws -> ValueID? {
    let own = dims.dropFirst().compactMap(\.value)
    guard dims.count == 5, own.count == 4 else { return nil }
    func made(_ first: any Layer, _ second: any Layer) throws -> ValueID? {
      let flat = try add(first, [try reshape(x, [own[0], own[1], own[2] * own[3]])])
      guard let after = self.dims(flat)?.dropFirst().compactMap(\.value), after.count == 3 else { return nil }
      let last = try add(second, [try reshape(flat, [after[0] * after[1], own[2], own[3]])])
      guard let width = self.dims(last)?[2].value else { return nil }
      return try reshape(last, [after[0], after[1], width, own[3]])
    }
    switch layer {
    case let layer as ZeroPadding3D where layer.layout == .channelsLast && layer.padding.count == 3:
      var first = ZeroPadding2D(), second = ZeroPadding2D()
      (first.padding, second.padding) = (Array(layer.padding.prefix(2)), [[0, 0], layer.padding[2]])
      return try made(first, second)
    case let layer as Cropping3D where layer.layout == .channelsLast && layer.cropping.count == 3:
      var first = Cropping2D(), second = Cropping2D()
      (first.cropping, second.cropping) = (Array(layer.cropping.prefix(2)), [[0, 0], layer.cropping[2]])
      return try made(first, second)
    case let layer as UpSampling3D where layer.layout == .channelsLast && layer.size.count == 3:
      var first = UpSampling2D(), second = UpSampling2D()
      (first.size, second.size) = (Array(layer.size.prefix(2)), [1, layer.size[2]])
      return try made(first, second)
    default: return nil
    }
  }
}

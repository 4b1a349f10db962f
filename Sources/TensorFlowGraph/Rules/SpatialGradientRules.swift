import GraphWriting
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Gradients of poolings, convolutions and batch normalisation, as tapes within a model leave them: made of ops that every target has.
///
/// Source: `tensorflow/core/ops/nn_ops.cc`, `tensorflow/core/kernels/fused_batch_norm_op.cc`.
let spatialGradientRules: [NodeRule] = [
  .reads("MaxPoolGrad") { n, g in
    let window = try n.window("ksize", 2, .channelsLast), strides = try n.window("strides", 2, .channelsLast)
    return [try n.maxPoolSlope(window, strides, in: &g)]
  },
  .reads("MaxPoolGradV2") { n, g in
    let window = try n.spatial(try n.constantInts(3, in: g), named: "ksize", 2, .channelsLast)
    let strides = try n.spatial(try n.constantInts(4, in: g), named: "strides", 2, .channelsLast)
    return [try n.maxPoolSlope(window, strides, in: &g)]
  },
  .reads("AvgPoolGrad") { n, g in [try n.averagePoolSlope(in: &g)] },
  .reads("Conv2DBackpropFilter") { n, g in [try n.kernelSlope(isDepthwise: false, in: &g)] },
  .reads("DepthwiseConv2dNativeBackpropFilter") { n, g in [try n.kernelSlope(isDepthwise: true, in: &g)] },
  .reads("DepthwiseConv2dNativeBackpropInput") { n, g in [try n.depthwiseInputSlope(in: &g)] },
  .reads("FusedBatchNormGrad") { n, g in try n.batchNormalizationSlopes(in: &g) },
  .reads("FusedBatchNormGradV2") { n, g in try n.batchNormalizationSlopes(in: &g) },
  .reads("FusedBatchNormGradV3") { n, g in try n.batchNormalizationSlopes(in: &g) },
]

extension NodeReader {
  /// - Throws: `UnsupportedError` for channels in front, which no graph for processors has.
  private func requireChannelsLast() throws {
    guard try layout() == .channelsLast else { throw UnsupportedError("\(type) with channels in front") }
  }

  /// Inputs: `x`, what the pooling gave, and the slope of that, which goes to where each maximum stood.
  fileprivate func maxPoolSlope(_ window: [Int], _ strides: [Int], in g: inout GraphContext) throws -> ValueID {
    try requireChannelsLast()
    let x = try input(0), dy = try input(2)
    let op = MaxPoolWithIndicesOp(kernel: window, strides: strides, padding: try padding(2, .channelsLast), layout: .channelsLast)
    let places = try g.apply(op, to: [x])
    guard places.count == 2 else { throw UnsupportedError("\(type) without indices") }
    let shape = try g.shape(of: x), count = try g.reduce(.prod, shape, axes: [0], keepDims: true)
    let start = try g.expand(try g.scalar(0, like: dy), to: count)
    let sums = try g.apply(
      ScatterNDOp(reduction: .add), start, try g.reshape(places[1], [-1, 1]), try g.reshape(dy, [-1]))
    return try g.apply(ReshapeOp(), sums, shape)
  }

  /// Inputs: the shape of `x`, and the slope of the averages, each of which is shared by the elements of its window.
  fileprivate func averagePoolSlope(in g: inout GraphContext) throws -> ValueID {
    try requireChannelsLast()
    let dy = try input(1), window = try self.window("ksize", 2, .channelsLast), strides = try self.window("strides", 2, .channelsLast)
    let extents = try spatialExtents(of: 0, in: g)
    guard let dims = g.type(of: dy).shape.dims, dims.count == 4, let rows = dims[1].value, let columns = dims[2].value,
      let channels = dims[3].value
    else { throw UnsupportedError("\(type) of unknown extents") }
    let places = try WindowPlaces(
      padding(2, .channelsLast), extents, kernel: window, strides: strides, dilations: [1, 1], results: [rows, columns])
    guard let area = checkedProduct([rows, columns]), let reach = checkedProduct(window), max(area, reach) <= 1 << 22 else {
      throw UnsupportedError("\(type) of \(rows) by \(columns) windows \(window)")
    }
    // How many elements each window has within the image.
    let (down, across) = ((0..<rows).map { places.count(0, $0) }, (0..<columns).map { places.count(1, $0) })
    let counts = down.flatMap { i in across.map { Float(i * $0) } }
    let shares = try g.cast(try g.constant(NDArray(counts, [1, rows, columns, 1])), to: g.type(of: dy).dtype)
    // Channels count as images, so that one filter of one channel serves all.
    let planes = try g.reshape(try g.transpose(try g.div(dy, shares), [0, 3, 1, 2]), [-1, rows, columns, 1])
    let ones = try g.expand(try g.scalar(1, like: dy), to: try g.ints(window + [1, 1]))
    let spread = try g.apply(places.transposed(strides: strides, dilations: [1, 1]), planes, ones)
    return try g.transpose(try g.reshape(spread, [-1, channels] + extents), [0, 2, 3, 1])
  }

  /// Inputs: `x`, the shape of the filters, and the slope of the result: a convolution of one with the other, images counting as
  /// channels and strides as dilations.
  fileprivate func kernelSlope(isDepthwise: Bool, in g: inout GraphContext) throws -> ValueID {
    try requireChannelsLast()
    let x = try input(0), dy = try input(2)
    guard let filter = g.fact(of: try input(1)).integers, filter.count == 4, let image = g.type(of: x).shape.extents, image.count == 4,
      let slope = g.type(of: dy).shape.extents, slope.count == 4, filter.allSatisfy({ $0 > 0 }), slope.allSatisfy({ $0 > 0 })
    else { throw UnsupportedError("\(type) of unknown extents") }
    let isGrouped = !isDepthwise && filter[2] != image[3]
    guard !isGrouped, isDepthwise ? filter[2] == image[3] && slope[3] / filter[2] == filter[3] : filter[3] == slope[3] else {
      throw UnsupportedError("\(type) in groups")
    }
    let strides = try window("strides", 2, .channelsLast), dilations = try window("dilations", 2, .channelsLast)
    let kernel = Array(filter[0..<2])
    let places = try WindowPlaces(
      padding(2, .channelsLast), Array(image[1..<3]), kernel: kernel, strides: strides, dilations: dilations,
      results: Array(slope[1..<3]))
    let images: ValueID
    if isDepthwise {
      guard let all = checkedProduct([image[3], image[0]]) else { throw UnsupportedError("\(type) of a tensor \(image)") }
      images = try g.reshape(try g.transpose(x, [1, 2, 3, 0]), [1, image[1], image[2], all])
    } else {
      images = try g.transpose(x, [3, 1, 2, 0])
    }
    let op = ConvOp(
      strides: dilations, dilations: strides, padding: .explicit(before: places.before, after: places.after),
      groups: isDepthwise ? image[3] : 1, layout: .channelsLast, kernelLayout: .spatialInputOutput)
    var result = try g.apply(op, images, try g.transpose(dy, [1, 2, 0, 3]))
    // Elements that no window reached leave a place too many.
    for axis in 0..<2 { result = try g.slice(result, axis: axis + 1, start: 0, end: kernel[axis]) }
    return isDepthwise ? try g.reshape(result, filter) : try g.transpose(result, [1, 2, 0, 3])
  }

  /// Inputs: the shape of `x`, filters `[H, W, C, M]`, and the slope of the result.
  fileprivate func depthwiseInputSlope(in g: inout GraphContext) throws -> ValueID {
    try requireChannelsLast()
    let filters = try input(1), dy = try input(2)
    guard let filter = g.type(of: filters).shape.extents, filter.count == 4, let dims = g.type(of: dy).shape.dims, dims.count == 4,
      let rows = dims[1].value, let columns = dims[2].value, let all = checkedProduct([filter[2], filter[3]])
    else { throw UnsupportedError("\(type) of unknown extents") }
    let strides = try window("strides", 2, .channelsLast), dilations = try window("dilations", 2, .channelsLast)
    let places = try WindowPlaces(
      padding(2, .channelsLast), try spatialExtents(of: 0, in: g), kernel: Array(filter[0..<2]), strides: strides,
      dilations: dilations, results: [rows, columns])
    let op = places.transposed(strides: strides, dilations: dilations, groups: filter[2])
    return try g.apply(op, dy, try g.reshape(filters, [filter[0], filter[1], 1, all]))
  }

  /// The height and width that a shape among the inputs tells.
  private func spatialExtents(of index: Int, in g: GraphContext) throws -> [Int] {
    guard let elements = g.fact(of: try input(index)).elements, elements.count == 4, let rows = elements[1].value,
      let columns = elements[2].value, rows > 0, columns > 0
    else { throw UnsupportedError("\(type) of unknown extents") }
    return [rows, columns]
  }

  /// Inputs: the slope of the result, `x`, the scale, the mean and the variance that were used. Results: the slopes of `x`, scale
  /// and offset, and two that nothing uses.
  fileprivate func batchNormalizationSlopes(in g: inout GraphContext) throws -> [ValueID] {
    let slope = try input(0), x = try input(1), scale = try input(2), layout = try layout()
    guard let rank = g.type(of: x).shape.rank, rank >= 2 else { throw UnsupportedError("\(type) of a tensor of unknown rank") }
    let axis = layout.channelAxis(rank: rank), axes = (0..<rank).filter { $0 != axis }, dtype = g.type(of: scale).dtype
    var alongAxis = [Int](repeating: 1, count: rank)
    alongAxis[axis] = -1
    let dy = try g.cast(slope, to: dtype), mean = try g.reshape(try input(3), alongAxis)
    let spread = try g.add(try input(4), try g.scalar(try float("epsilon", or: 1e-4), dtype: dtype))
    let factor = try g.apply(RsqrtOp(), spread), wide = try g.reshape(factor, alongAxis)
    let centred = try g.sub(try g.cast(x, to: dtype), mean)
    let offsetSlope = try g.reduce(.sum, dy, axes: axes)
    let scaleSlope = try g.mul(try g.reduce(.sum, try g.mul(dy, centred), axes: axes), factor)
    var dx = dy
    if try flag("is_training", or: true) {
      // The mean and the variance depend on `x` too.
      let share = try g.reduce(.mean, dy, axes: axes, keepDims: true)
      let along = try g.reduce(.mean, try g.mul(dy, centred), axes: axes, keepDims: true)
      dx = try g.sub(try g.sub(dy, share), try g.mul(centred, try g.mul(along, try g.mul(wide, wide))))
    }
    dx = try g.mul(dx, try g.mul(wide, try g.reshape(scale, alongAxis)))
    let nothing = try g.constant(NDArray([Float](), [0]))
    return [try g.cast(dx, to: g.type(of: x).dtype), scaleSlope, offsetSlope, nothing, nothing]
  }
}

/// Where the windows of a pooling or convolution over two axes stand.
private struct WindowPlaces {
  let before: [Int]
  let after: [Int]
  private let extents: [Int]
  private let kernel: [Int]
  private let strides: [Int]
  private let dilations: [Int]
  private let results: [Int]

  init(
    _ padding: Padding, _ extents: [Int], kernel: [Int], strides: [Int], dilations: [Int], results: [Int]
  ) throws {
    guard kernel.count == 2, strides.count == 2, dilations.count == 2, results.count == 2, extents.count == 2,
      (kernel + strides + dilations + results + extents).allSatisfy({ (1...1 << 20).contains($0) }),
      case .explicit(let before, let after)? = spelledOut(
        padding, of: TensorType(.float32, Shape([1] + extents + [1])), layout: .channelsLast, kernel: kernel, strides: strides,
        dilations: dilations), before.count == 2, after.count == 2, (before + after).allSatisfy({ (0...1 << 40).contains($0) })
    else { throw UnsupportedError("windows of \(kernel) every \(strides) elements") }
    (self.before, self.after) = (before, after)
    (self.extents, self.kernel, self.strides, self.dilations, self.results) = (extents, kernel, strides, dilations, results)
  }

  /// How many elements of a window stand within the image, along one axis.
  func count(_ axis: Int, _ place: Int) -> Int {
    let start = place * strides[axis] - before[axis], step = dilations[axis]
    let first = start >= 0 ? 0 : (step - 1 - start) / step
    let last = start >= extents[axis] ? -1 : min(kernel[axis] - 1, (extents[axis] - 1 - start) / step)
    return max(0, last - first + 1)
  }

  /// The convolution that spreads results over their windows, and gives as many elements as there were.
  func transposed(strides: [Int], dilations: [Int], groups: Int = 1) -> ConvTransposeOp {
    let extra = (0..<2).map { axis -> Int in
      let reach: Int = (results[axis] - 1) * strides[axis] + (kernel[axis] - 1) * dilations[axis] + 1
      return extents[axis] - (reach - before[axis] - after[axis])
    }
    return ConvTransposeOp(
      strides: strides, dilations: dilations, padding: .explicit(before: before, after: after), outputPadding: extra, groups: groups,
      layout: .channelsLast, kernelLayout: .spatialOutputInput)
  }
}

import ModelGraph
import ModelOps
import ModelTensor

/// A seeded graph over images: convolutions, pooling, normalisation, broadcasting, reductions, reshapes, in one
/// layout.
struct RandomImageGraph {
  let layout: DataLayout
  var context = GraphContext(Model(), graph: Graph())
  var noise: Noise
  /// Whether all extents are equal, so that nothing can be told from them.
  let isEven: Bool
  private(set) var pool: [ValueID] = []
  private var counter = 0
  let input: NDArray

  init(seed: UInt64, layout: DataLayout, isEven: Bool, openBatch: Bool = false) throws {
    self.layout = layout
    self.isEven = isEven
    noise = Noise(seed)
    let extents = isEven ? [4, 4, 4, 4] : layout == .channelsLast ? [2, 5, 6, 4] : [2, 4, 5, 6]
    input = noise.array(extents)
    let type = openBatch ? TensorType(.float32, .ranked([.named("batch")] + extents.dropFirst().map(Dim.fixed))) : input.type
    pool = [context.graph.addInput("x", type)]
  }

  private var channel: Int { layout.channelAxis(rank: 4) }
  private func dims(_ value: ValueID) -> [Int] { context.graph[value].type.shape.dims?.map { $0.value ?? 2 } ?? [] }
  private mutating func images() -> ValueID {
    let fit = pool.filter { dims($0).count == 4 }
    return noise.int(0...2) == 0 ? noise.pick(fit) : fit[fit.count - 1]
  }
  mutating func weight(_ shape: [Int]) -> ValueID {
    counter += 1
    let id = context.model.add(Parameter(name: "w\(counter)", tensor: Tensor(noise.array(shape))))
    return context.graph.addParameter(id, of: context.model)
  }

  mutating func grow(_ count: Int) throws {
    for _ in 0..<count { try step() }
  }

  /// Builds a model that gives the last values.
  func finish() -> Model {
    var model = context.model
    var graph = context.graph
    for (index, value) in pool.suffix(3).enumerated() where !graph.inputs.contains(where: { $0.value == value }) {
      graph.addOutput("y\(index)", value)
    }
    model.mainGraph = graph
    return model
  }

  private mutating func step() throws {
    let x = images(), shape = dims(x), c = shape[channel]
    let spatial = Array(layout.spatialAxes(rank: 4))
    switch noise.int(0...24) {
    case 0...4:
      let out = isEven ? 4 : noise.int(2...5), k = noise.int(1...3)
      let groups = c % 2 == 0 && out % 2 == 0 && noise.int(0...2) == 0 ? 2 : 1
      let kernel = layout == .channelsLast ? [k, k, c / groups, out] : [out, c / groups, k, k]
      let op = ConvOp(
        strides: noise.int(0...3) == 0 ? [2, 1] : [], padding: .same, groups: groups, layout: layout,
        kernelLayout: layout == .channelsLast ? .spatialInputOutput : .outputInputSpatial)
      let w = weight(kernel), bias: ValueID? = noise.int(0...1) == 0 ? weight([out]) : nil
      pool.append(try context.apply(op, x, w, bias))
    case 5:
      let out = isEven ? 4 : 3
      let op = ConvTransposeOp(
        strides: [2, 2], padding: .same, layout: layout,
        kernelLayout: layout == .channelsLast ? .spatialOutputInput : .outputInputSpatial)
      guard shape.reduce(1, *) < 1500 else { return }
      pool.append(try context.apply(op, x, weight(layout == .channelsLast ? [2, 3, out, c] : [c, out, 2, 3])))
    case 6, 7:
      let kind: PoolKind = noise.int(0...1) == 0 ? .max : .average
      pool.append(
        try context.apply(PoolOp(kind, kernel: [2, 3], strides: noise.pick([[1, 1], [2, 1]]), padding: .same, layout: layout), x))
    case 8, 9:
      let mean = weight([c]), scale = weight([c]), variance = try context.constant(NDArray((0..<c).map { Float($0 + 1) }, [c]))
      pool.append(
        try context.apply(BatchNormalizationOp(axis: noise.int(0...1) == 0 ? channel : channel - 4), x, scale, nil, mean, variance))
    case 10: pool.append(try context.apply(ReluOp(), x))
    case 11:
      let same = pool.filter { dims($0) == shape }
      pool.append(try context.add(x, noise.pick(same)))
    case 12:
      // A bias per channel, per position, per element of one axis.
      var extents = [1, 1, 1, 1]
      let axis = noise.int(1...3)
      extents[axis] = shape[axis]
      let rank = noise.int((4 - axis)...4)
      pool.append(try context.mul(x, weight(Array(extents.suffix(rank)))))
    case 13:
      // Squeeze and excite.
      let mean = try context.reduce(.mean, x, axes: spatial, keepDims: noise.int(0...1) == 0)
      let flat = try context.reshape(mean, [-1, c])
      let dense = try context.apply(SigmoidOp(), try context.matmul(flat, weight([c, c])))
      pool.append(try context.mul(x, try context.reshape(dense, layout == .channelsLast ? [-1, 1, 1, c] : [-1, c, 1, 1])))
    case 14:
      let axis = noise.int(1...3)
      let fit = pool.filter { value in
        let other = dims(value)
        return other.count == 4 && (0..<4).allSatisfy { $0 == axis || other[$0] == shape[$0] }
      }
      pool.append(try context.concat([x, noise.pick(fit)], axis: axis))
    case 15:
      var before = [0, noise.int(0...1), noise.int(0...2), 0]
      let after = [0, 1, noise.int(0...1), noise.int(0...1)]
      if layout == .channelsFirst { before = [0, 0, 1, 2] }
      pool.append(try context.pad(x, before: before, after: after, value: 0.5))
    case 16:
      let axis = noise.int(1...3)
      guard shape[axis] > 2 else { return }
      pool.append(try context.slice(x, axis: axis, start: 1, end: shape[axis]))
    case 17:
      let axis = noise.int(1...3)
      guard shape[axis] > 1 else { return }
      let parts = try context.apply(SplitOp(axis: axis, count: 2), to: [x])
      pool.append(parts[noise.int(0...1)])
    case 18: pool.append(try context.softmax(x, axis: noise.int(-3...3) == 0 ? 1 : noise.int(1...3) - 4))
    case 19:
      var scales = [Float](repeating: 1, count: 4)
      for axis in spatial { scales[axis] = 2 }
      guard shape.reduce(1, *) < 1500 else { return }
      let factors = try context.constant(NDArray(scales, [4]))
      pool.append(try context.apply(ResizeOp(mode: noise.pick([.nearest, .linear])), x, nil, factors))
    case 20:
      // Channels in two groups, shuffled.
      guard c % 2 == 0 else { return }
      let wide =
        layout == .channelsLast
        ? [-1] + spatial.map { shape[$0] } + [2, c / 2] : [-1, 2, c / 2] + spatial.map { shape[$0] }
      let order = layout == .channelsLast ? [0, 1, 2, 4, 3] : [0, 2, 1, 3, 4]
      let swapped = try context.transpose(try context.reshape(x, wide), order)
      pool.append(try context.reshape(swapped, [-1] + shape.dropFirst()))
    case 21:
      let order = noise.pick([[0, 2, 1, 3], [0, 3, 1, 2], [0, 2, 3, 1], [0, 1, 3, 2]])
      guard isEven else { return }
      pool.append(try context.transpose(x, order))
    case 22:
      // Flatten and a product.
      let features = shape.dropFirst().reduce(1, *)
      guard features < 2000 else { return }
      let flat = noise.int(0...1) == 0 ? try context.apply(FlattenOp(axis: 1), x) : try context.reshape(x, [-1, features])
      let y = try context.matmul(flat, weight([features, 3]))
      let back = try context.reduce(.sum, y, axes: [1], keepDims: true)
      pool.append(try context.add(x, try context.unsqueeze(back, [1, 2])))
    case 23:
      let axis = noise.int(1...3)
      let picks = try context.constant(NDArray([Int64(0), Int64(shape[axis] - 1), 0], [3]))
      pool.append(try context.gather(x, picks, axis: axis))
    default:
      let extent = try context.dim(of: x, noise.int(0...3))
      pool.append(try context.mul(x, try context.cast(extent, to: .float32)))
    }
  }
}

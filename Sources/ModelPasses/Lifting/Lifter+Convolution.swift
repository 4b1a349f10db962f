import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

extension Lifter {
  /// What may follow an op with weights inside one layer: a bias per channel, and an activation.
  struct Tail {
    var bias: Weight?
    var activation = Activation.linear
    /// The old value that the layer makes in the end.
    var result: ValueID
  }

  /// The bias that is added to a value, if that is its only use: a constant per index of the last axis.
  mutating func takeBias(after value: ValueID, channels: Int, owner: Node) -> Weight? {
    guard let id = soleUser(value), source[id].op is AddOp, source[id].inputs.count == 2 else { return nil }
    let node = source[id]
    guard let other = node.input(node.input(0) == value ? 1 : 0), let tensor = tensor(other), tensor.elementCount == channels,
      tensor.extents.last == channels, valueType(value) == valueType(node.outputs[0])
    else { return nil }
    taken.insert(id)
    return Weight(tensor.reshaped([channels]), [other])
  }

  private func isZeros(_ tensor: Tensor) -> Bool {
    guard tensor.elementCount <= 1 << 16, let array = try? tensor.array() else { return false }
    return array.doubles().allSatisfy { $0 == 0 }
  }

  /// Bias and activation of a layer; `bias` is the op's own, if it has one.
  mutating func takeTail(_ node: Node, channels: Int, bias: ValueID?, activation: Bool = true) -> Tail {
    var tail = Tail(result: node.outputs[0])
    if let bias, let tensor = tensor(bias), tensor.elementCount == channels { tail.bias = Weight(tensor.reshaped([channels]), [bias]) }
    // An operator that always has a bias is given zeros: the layer's own is added behind it.
    if bias == nil || tail.bias.map({ isZeros($0.tensor) }) ?? false, let id = soleUser(tail.result),
      let taken = takeBias(after: tail.result, channels: channels, owner: node)
    {
      tail.bias = taken
      tail.result = source[id].outputs[0]
    }
    if activation { takeActivation(&tail.activation, &tail.result, owner: node) }
    return tail
  }

  /// The activation that is part of the same layer.
  mutating func takeActivation(_ activation: inout Activation, _ result: inout ValueID, owner: Node) {
    guard let id = soleUser(result), sameOwner(source[id], owner), let function = self.activation(of: source[id]), function.isPlain,
      source[id].input(0) == result
    else { return }
    taken.insert(id)
    activation = function
    result = source[id].outputs[0]
  }

  mutating func liftConvolution(_ node: Node) throws -> Bool {
    switch node.op {
    case let op as ConvOp: return try liftConv(op, node)
    case let op as ConvTransposeOp: return try liftTransposed(op, node)
    default: return false
    }
  }

  // MARK: Convolution

  private mutating func liftConv(_ op: ConvOp, _ node: Node) throws -> Bool {
    guard var x = node.input(0), let weightID = node.input(1), var weight = tensor(weightID), op.layout == .channelsLast,
      weight.dtype.isFloatingPoint, (3...5).contains(weight.extents.count), node.input(2).map(isConstant) ?? true
    else { return false }
    var op = op, node = node
    let end = takeLine(&op, &node, &x, &weight)
    let rank = weight.extents.count - 2
    let kernel = op.kernelLayout == .outputInputSpatial ? weight.transposed(Array(2..<(rank + 2)) + [1, 0]) : weight
    guard op.kernelLayout != .spatialOutputInput else { return false }
    let shape = kernel.extents, size = Array(shape.prefix(rank)), filters = shape[rank + 1], groupInputs = shape[rank]
    let steps = op.strides.isEmpty ? Array(repeating: 1, count: rank) : op.strides
    let dilations = op.dilations.isEmpty ? Array(repeating: 1, count: rank) : op.dilations
    guard steps.count == rank, dilations.count == rank else { return false }
    let name = layerName(node, "conv\(rank)d")
    // No depthwise convolution of Keras is causal.
    let isDepthwise = op.groups > 1 && groupInputs == 1
    guard
      var fit = windowPadding(
        op.padding, kernel: size, strides: steps, dilations: dilations, x: x, allowCausal: rank == 1 && !isDepthwise)
    else { return false }
    // Keras does not dilate and stride at once: every element, of which those are taken that the strides reach.
    let thins = steps.contains { $0 != 1 } && dilations.contains { $0 != 1 }
    if thins {
      guard let (before, after) = explicitPadding(op.padding, kernel: size, strides: steps, dilations: dilations, x: x) else {
        return false
      }
      fit = (.valid, (before, after))
    }
    let strides = thins ? steps.map { _ in 1 } : steps
    if let end { taken.insert(end) }
    let tail = takeTail(node, channels: filters, bias: node.input(2))
    var input = try resolve(x)
    if let (before, after) = fit.explicit, (before + after).contains(where: { $0 != 0 }) {
      input = try zeroPad(input, before, after, named: "\(name)_pad")
    }
    let channels = groupInputs * op.groups
    var weights = [Weight(kernel, [weightID])]
    let layer: any Layer
    if !thins, let separable = try liftSeparable(op, node, kernel, size, strides, dilations, fit.word, input, weightID, tail) {
      return separable
    }
    if isDepthwise, rank < 3 {
      weights[0].tensor = kernel.reshaped(size + [channels, filters / channels])
      layer =
        rank == 1
        ? depthwise(Rank1.self, size, strides, dilations, fit.word, filters / channels, tail)
        : depthwise(Rank2.self, size, strides, dilations, fit.word, filters / channels, tail)
    } else {
      func conv<R: SpatialRank>(_: R.Type) -> any Layer {
        var layer = Conv<R>()
        layer.filters = filters
        layer.kernelSize = size
        layer.strides = strides
        layer.dilations = dilations
        layer.padding = fit.word
        layer.groups = op.groups
        layer.useBias = tail.bias != nil
        layer.activation = tail.activation
        return layer
      }
      layer = rank == 1 ? conv(Rank1.self) : rank == 2 ? conv(Rank2.self) : conv(Rank3.self)
    }
    if let bias = tail.bias { weights.append(bias) }
    var y = try add(layer, named: name, [input], weights, result: thins ? nil : tail.result)
    if thins {
      let zeros = try context.ints(steps.map { _ in 0 }), ends = try context.ints(steps.map { _ in Int.max })
      let axes = try context.ints(Array(1...rank)), places = try context.ints(steps)
      y = try apply(SliceOp(), [y, zeros, ends, axes, places], named: "\(name)_strides")
    }
    values[tail.result] = y
    return true
  }

  /// A window op's padding in numbers, if they are known.
  private func explicitPadding(
    _ padding: Padding, kernel: [Int], strides: [Int], dilations: [Int], x: ValueID
  ) -> ([Int], [Int])? {
    switch padding {
    case .valid: return (kernel.map { _ in 0 }, kernel.map { _ in 0 })
    case .explicit(let before, let after): return before.count == kernel.count && after.count == kernel.count ? (before, after) : nil
    case .same, .sameLower:
      guard let spatial = dims(x)?.dropFirst().dropLast().map(\.value), spatial.count == kernel.count else { return nil }
      var before: [Int] = [], after: [Int] = []
      for axis in kernel.indices {
        guard let extent = spatial[axis] else { return nil }
        let span = (kernel[axis] - 1) * dilations[axis] + 1
        let total = max(0, ((extent + strides[axis] - 1) / strides[axis] - 1) * strides[axis] + span - extent)
        before.append(padding == .same ? total / 2 : total - total / 2)
        after.append(total - (before.last ?? 0))
      }
      return (before, after)
    }
  }

  /// A depthwise convolution and a pointwise one of one owner are a separable one.
  private mutating func liftSeparable(
    _ op: ConvOp, _ node: Node, _ kernel: Tensor, _ size: [Int], _ strides: [Int], _ dilations: [Int], _ word: ConvPadding,
    _ input: ValueID, _ weightID: ValueID, _ tail: Tail
  ) throws -> Bool? {
    let rank = size.count, channels = op.groups, filters = kernel.extents[rank + 1]
    guard channels > 1, kernel.extents[rank] == 1, rank < 3, tail.bias == nil, tail.activation == .linear, Set(strides).count == 1,
      let nextID = soleUser(tail.result), let next = source[nextID].op as? ConvOp, sameOwner(node, source[nextID]), next.groups == 1,
      next.padding == .valid, next.strides.allSatisfy({ $0 == 1 }), next.layout == .channelsLast, next.kernelLayout != .spatialOutputInput,
      let pointwiseID = source[nextID].input(1), let weight = tensor(pointwiseID), weight.extents.count == rank + 2,
      source[nextID].input(2).map(isConstant) ?? true
    else { return nil }
    let pointwise = next.kernelLayout == .outputInputSpatial ? weight.transposed(Array(2..<(rank + 2)) + [1, 0]) : weight
    guard pointwise.extents.prefix(rank).allSatisfy({ $0 == 1 }), pointwise.extents[rank] == filters else { return nil }
    taken.insert(nextID)
    let end = takeTail(source[nextID], channels: pointwise.extents[rank + 1], bias: source[nextID].input(2))
    func separable<R: SpatialRank>(_: R.Type) -> any Layer {
      var layer = SeparableConv<R>()
      layer.filters = pointwise.extents[rank + 1]
      layer.kernelSize = size
      layer.strides = strides
      layer.dilations = dilations
      layer.padding = word
      layer.depthMultiplier = filters / channels
      layer.useBias = end.bias != nil
      layer.activation = end.activation
      return layer
    }
    var weights = [
      Weight(kernel.reshaped(size + [channels, filters / channels]), [weightID]), Weight(pointwise, [pointwiseID]),
    ]
    if let bias = end.bias { weights.append(bias) }
    values[end.result] = try add(
      rank == 1 ? separable(Rank1.self) : separable(Rank2.self), named: layerName(node, "separable_conv\(rank)d"), [input], weights,
      result: end.result)
    return true
  }

  private func depthwise<R: SpatialRank>(
    _: R.Type, _ size: [Int], _ strides: [Int], _ dilations: [Int], _ padding: ConvPadding, _ multiplier: Int, _ tail: Tail
  ) -> any Layer {
    var layer = DepthwiseConv<R>()
    layer.kernelSize = size
    layer.strides = strides
    layer.dilations = dilations
    layer.padding = padding
    layer.depthMultiplier = multiplier
    layer.useBias = tail.bias != nil
    layer.activation = tail.activation
    return layer
  }

  /// How a window op's padding is said with Keras's words, or what must be padded before.
  func windowPadding(
    _ padding: Padding, kernel: [Int], strides: [Int], dilations: [Int], x: ValueID, allowCausal: Bool = false
  ) -> (word: ConvPadding, explicit: ([Int], [Int])?)? {
    let spatial = dims(x).map { Array($0.dropFirst().dropLast()) }
    let spans = zip(kernel, dilations).map { ($0 - 1) * $1 + 1 }
    /// What `same` adds along an axis, if that is known: for strides of 1 it always is.
    func same(_ axis: Int) -> (Int, Int)? {
      var total = spans[axis] - 1
      if strides[axis] != 1 {
        guard let extent = spatial.flatMap({ axis < $0.count ? $0[axis].value : nil }), extent > 0 else { return nil }
        total = max(0, ((extent + strides[axis] - 1) / strides[axis] - 1) * strides[axis] + spans[axis] - extent)
      }
      return (total / 2, total - total / 2)
    }
    switch padding {
    case .valid: return (.valid, nil)
    case .same: return (.same, nil)
    case .sameLower:
      var before: [Int] = [], after: [Int] = []
      for axis in kernel.indices {
        guard let (less, more) = same(axis) else { return nil }
        before.append(more)
        after.append(less)
      }
      return before == after ? (.same, nil) : (.valid, (before, after))
    case .explicit(let before, let after):
      guard before.count == kernel.count, after.count == kernel.count, (before + after).allSatisfy({ $0 >= 0 }) else { return nil }
      if (before + after).allSatisfy({ $0 == 0 }) { return (.valid, nil) }
      if kernel.indices.allSatisfy({ axis in same(axis).map { $0 == (before[axis], after[axis]) } ?? false }) { return (.same, nil) }
      if allowCausal, kernel.count == 1, before[0] == spans[0] - 1, after[0] == 0, strides[0] == 1 { return (.causal, nil) }
      return (.valid, (before, after))
    }
  }

  /// A ZeroPadding layer over the spatial axes of a new value.
  mutating func zeroPad(_ x: ValueID, _ before: [Int], _ after: [Int], named name: String) throws -> ValueID {
    func layer<R: SpatialRank>(_: R.Type) -> any Layer {
      var layer = ZeroPadding<R>()
      layer.padding = zip(before, after).map { [$0, $1] }
      return layer
    }
    let padding = before.count == 1 ? layer(Rank1.self) : before.count == 2 ? layer(Rank2.self) : layer(Rank3.self)
    return try add(padding, named: name, [x], [], result: nil)
  }
  /// A Cropping layer over the spatial axes of a new value.
  mutating func crop(_ x: ValueID, _ before: [Int], _ after: [Int], named name: String, result: ValueID?) throws -> ValueID {
    func layer<R: SpatialRank>(_: R.Type) -> any Layer {
      var layer = Cropping<R>()
      layer.cropping = zip(before, after).map { [$0, $1] }
      return layer
    }
    let cropping = before.count == 1 ? layer(Rank1.self) : before.count == 2 ? layer(Rank2.self) : layer(Rank3.self)
    return try add(cropping, named: name, [x], [], result: result)
  }

  // MARK: Transposed convolution

  private mutating func liftTransposed(_ op: ConvTransposeOp, _ node: Node) throws -> Bool {
    guard let x = node.input(0), let weightID = node.input(1), let weight = tensor(weightID), op.layout == .channelsLast,
      weight.dtype.isFloatingPoint, (3...5).contains(weight.extents.count), op.groups >= 1
    else { return false }
    let rank = weight.extents.count - 2
    // To [in, out / groups, spatial…], then to Keras's [spatial…, out, in].
    let plain: Tensor
    switch op.kernelLayout {
    case .outputInputSpatial: plain = weight
    case .spatialInputOutput: plain = weight.transposed([rank, rank + 1] + Array(0..<rank))
    case .spatialOutputInput: plain = weight.transposed([rank + 1, rank] + Array(0..<rank))
    }
    let whole = op.groups == 1 ? plain : Self.blockDiagonal(plain, groups: op.groups)
    var kernel = whole.transposed(Array(2..<(rank + 2)) + [1, 0])
    var size = Array(kernel.extents.prefix(rank))
    let filters = kernel.extents[rank]
    let strides = op.strides.isEmpty ? Array(repeating: 1, count: rank) : op.strides
    var dilations = op.dilations.isEmpty ? Array(repeating: 1, count: rank) : op.dilations
    let extra = op.outputPadding.isEmpty ? Array(repeating: 0, count: rank) : op.outputPadding
    guard strides.count == rank, dilations.count == rank, extra.count == rank else { return false }
    let spans = zip(size, dilations).map { ($0 - 1) * $1 + 1 }
    guard let (before, after) = transposedPadding(op, x: x, spans: spans, strides: strides, extra: extra) else { return false }
    // Keras does not dilate and stride at once: zeros between the taps.
    if strides.contains(where: { $0 != 1 }), dilations.contains(where: { $0 != 1 }) {
      guard let count = checkedProduct(spans + [filters, kernel.extents[rank + 1]]), count <= 1 << 26 else { return false }
      kernel = Self.spread(kernel, dilations, to: spans)
      (size, dilations) = (spans, spans.map { _ in 1 })
    }

    var layerPadding = ConvPadding.valid, outputPadding: [Int]?
    var front = before, back = [Int](repeating: 0, count: rank)
    let keras = KerasTransposedWindow(spans: spans, strides: strides)
    if keras.before == before, zip(keras.after, keras.extra).map({ $0 - $1 }) == zip(after, extra).map({ $0 - $1 }),
      keras.extra.allSatisfy({ $0 == 0 }) || keras.extra == extra
    {
      layerPadding = .same
      front = back
    } else {
      // All of it, then cut; what reaches beyond is output padding.
      let beyond = zip(extra, after).map { max(0, $0 - $1) }
      guard zip(beyond, strides).allSatisfy({ $0 < max(1, $1) }), before.allSatisfy({ $0 >= 0 }) else { return false }
      outputPadding = beyond
      back = zip(extra, after).map { max(0, $1 - $0) }
    }
    let isCut = (front + back).contains { $0 != 0 }
    let name = layerName(node, "conv\(rank)d_transpose")
    let tail = takeTail(node, channels: filters, bias: node.input(2))
    func conv<R: SpatialRank>(_: R.Type) -> any Layer {
      var layer = ConvTranspose<R>()
      layer.filters = filters
      layer.kernelSize = size
      layer.strides = strides
      layer.dilations = dilations
      layer.padding = layerPadding
      layer.outputPadding = outputPadding
      layer.useBias = tail.bias != nil
      layer.activation = tail.activation
      return layer
    }
    let layer = rank == 1 ? conv(Rank1.self) : rank == 2 ? conv(Rank2.self) : conv(Rank3.self)
    let weights = [Weight(kernel, [weightID])] + (tail.bias.map { [$0] } ?? [])
    var y = try add(layer, named: name, [try resolve(x)], weights, result: isCut ? nil : tail.result)
    if isCut { y = try crop(y, front, back, named: "\(name)_crop", result: tail.result) }
    values[tail.result] = y
    return true
  }

  /// Padding in front and behind of a transposed convolution.
  private func transposedPadding(
    _ op: ConvTransposeOp, x: ValueID, spans: [Int], strides: [Int], extra: [Int]
  ) -> ([Int], [Int])? {
    if op.outputShape == nil {
      switch op.padding {
      case .explicit(let before, let after): return before.count == spans.count && after.count == spans.count ? (before, after) : nil
      case .valid: return (spans.map { _ in 0 }, spans.map { _ in 0 })
      case .same, .sameLower: break
      }
    }
    guard let spatial = dims(x)?.dropFirst().dropLast().map(\.value), spatial.count == spans.count else { return nil }
    var before: [Int] = [], after: [Int] = []
    for axis in spans.indices {
      guard let extent = spatial[axis] ?? (op.outputShape == nil ? 1 : nil) else { return nil }
      let full = (extent - 1) * strides[axis] + spans[axis] + extra[axis]
      let wanted = op.outputShape.map { axis < $0.count ? $0[axis] : full } ?? extent * strides[axis]
      let total = op.outputShape == nil ? full - extra[axis] - wanted : full - wanted
      guard total >= 0 else { return nil }
      let front = op.padding == .sameLower ? total - total / 2 : total / 2
      before.append(front)
      after.append(total - front + (op.outputShape == nil ? extra[axis] : 0))
    }
    return (before, after)
  }

  /// A kernel `[spatial…, out, in]` with the zeros that its dilation leaves between taps.
  private static func spread(_ kernel: Tensor, _ dilations: [Int], to spans: [Int]) -> Tensor {
    let size = Array(kernel.extents.prefix(spans.count)), rest = Array(kernel.extents.dropFirst(spans.count))
    return kernel.mapped(to: TensorType(kernel.dtype, .ranked((spans + rest).map { .fixed($0) }))) { array in
      let result = NDArray(zeros: array.dtype, spans + rest), run = rest.reduce(1, *) * (array.dtype.arrayStride ?? 0)
      array.withBytes { from in
        result.withMutableBytes { to in
          guard let from = from.baseAddress, let to = to.baseAddress else { return }
          for tap in 0..<size.reduce(1, *) {
            var left = tap, place = 0, step = 1
            for axis in size.indices.reversed() {
              place += left % size[axis] * dilations[axis] * step
              left /= size[axis]
              step *= spans[axis]
            }
            (to + place * run).copyMemory(from: from + tap * run, byteCount: run)
          }
        }
      }
      return result
    }
  }

  /// Grouped weights `[in, out / groups, …]` as those of one group, zeros between the groups.
  private static func blockDiagonal(_ weight: Tensor, groups: Int) -> Tensor {
    let shape = weight.extents, outputs = shape[1], taps = shape.dropFirst(2).reduce(1, *), inputs = shape[0]
    let type = TensorType(weight.dtype, [inputs, outputs * groups] + shape.dropFirst(2))
    return weight.mapped(to: type) { array in
      let result = NDArray(zeros: array.dtype, type.shape.extents ?? [])
      let run = outputs * taps * (array.dtype.arrayStride ?? 0), perGroup = max(1, inputs / groups)
      array.withBytes { from in
        result.withMutableBytes { to in
          guard let from = from.baseAddress, let to = to.baseAddress else { return }
          for i in 0..<inputs { (to + (i * groups + i / perGroup) * run).copyMemory(from: from + i * run, byteCount: run) }
        }
      }
      return result
    }
  }
}

/// The padding of Keras's transposed convolution with `same`; see `ConvTranspose`.
struct KerasTransposedWindow {
  var before: [Int] = [], after: [Int] = [], extra: [Int] = []
  init(spans: [Int], strides: [Int]) {
    for (span, stride) in zip(spans, strides) {
      let total = stride + span - 2, left = min(total / 2 + total % 2, span - 1), right = total - left
      before.append(span - 1 - left)
      after.append(max(0, span - 1 - right))
      extra.append(max(0, right - (span - 1)))
    }
  }
}

import ModelTensor

extension Fusing {
  /// Lets what is done to each channel be done before a reshape that keeps the channels, as behind a convolution of one axis.
  ///
  ///     CONV_2D ── RESHAPE ── MUL(c)        becomes     CONV_2D ── MUL(c) ── RESHAPE
  ///
  /// The reshape may split the channels, as heads of attention are.
  /// - Returns: where the step is now.
  mutating func passReshape(_ place: Int) -> Int {
    let step = frame.steps[place], operands = step.inputs.filter { $0 >= 0 && frame.entries[$0].constant == nil }
    guard step.outputs.count == 1, operands.count == 1, let moved = operands.first, let between = soleProducer(moved),
      frame.steps[between].builtin == .reshape, let source = frame.steps[between].inputs.first, let before = soleProducer(source),
      Self.weights(frame.steps[before]) != nil, Self.activation(of: frame.steps[before]) == ActivationFunctionType.none
    else { return place }
    let inner = frame.entries[source].type, outer = frame.entries[moved].type, output = step.outputs[0]
    guard inner.dtype == .float32, frame.entries[output].type.shape == outer.shape, let channels = inner.shape.dims?.last?.value,
      let split = outer.channelExtents(channels)
    else { return place }
    var constants: [Int: Tensor] = [:]
    for input in step.inputs where input >= 0 && input != moved {
      guard let constant = frame.entries[input].constant, constant.extents.count <= inner.shape.rank ?? 0 || split.count > 1,
        constant.elementCount == 1 || constant.elementCount == channels && constant.extents.suffix(split.count) == split[...]
      else { return place }
      if split.count > 1, constant.elementCount > 1 { constants[input] = constant.reshaped([channels]) }
    }
    let made = frame.add(inner, frame.entries[output].name).index
    var earlier = step, later = frame.steps[between]
    earlier.inputs = step.inputs.map { input in
      input == moved ? source : constants[input].map { constant($0, like: input) } ?? input
    }
    earlier.outputs = [made]
    later.inputs[0] = made
    later.outputs = [output]
    (frame.steps[between], frame.steps[place]) = (earlier, later)
    (producers[made], producers[output]) = (between, place)
    uses[made] = 1
    return between
  }

  // MARK: Convolutions
}

extension TensorType {
  /// The last extents, which make up `channels` together.
  fileprivate func channelExtents(_ channels: Int) -> [Int]? {
    guard channels > 0, let dims = shape.dims else { return nil }
    var found: [Int] = [], left = channels
    for dim in dims.reversed() {
      guard let extent = dim.value, extent > 0, left % extent == 0 else { return nil }
      found.insert(extent, at: 0)
      left /= extent
      if left == 1 { return found }
    }
    return nil
  }
}

import ModelGraph
import ModelTensor

/// What is done to the numbers that come into an operator with weights, and what becomes of reduced axes.
///
///     MUL(c) ── CONV_2D        becomes     CONV_2D with other weights
///     MEAN ── RESHAPE          becomes     MEAN that keeps its axes
extension Fusing {
  // MARK: Terms in front of weights

  /// Takes what is done to each number, as TensorFlow's converter does: one factor for all, and one summand for all where no padding
  /// lets zeros in; in front of fully connected layers one for each input, too.
  mutating func takeTerms(_ place: Int) {
    // What scales and shifts a normalisation stays with it.
    var takesVectors = frame.steps[place].builtin == .fullyConnected
    if takesVectors, let first = chainStart(place), let before = producer(of: first), frame.steps[before].builtin == .mul {
      takesVectors = false
    }
    while takeTerm(place, takesVectors: takesVectors) {}
  }

  /// What a chain of sums and products with constants begins with.
  private func chainStart(_ place: Int) -> Int? {
    var value = frame.steps[place].inputs.first, first: Int?
    while let current = value, let before = soleProducer(current), let (_, other) = term(frame.steps[before]) {
      first = other
      value = other
    }
    return first
  }

  /// The constant of a sum, difference, product or quotient of floats without an activation, and the other operand.
  private func term(_ step: SubgraphFrame.Step) -> (constant: Tensor, other: Int)? {
    guard step.inputs.count == 2, let output = step.outputs.first, frame.entries[output].type.dtype == .float32,
      Self.activation(of: step) == ActivationFunctionType.none
    else { return nil }
    let places: [(Int, Int)]
    switch step.builtin {
    case .mul, .add: places = [(1, 0), (0, 1)]
    case .sub, .div: places = [(1, 0)]
    default: return nil
    }
    for (constant, other) in places {
      guard let tensor = frame.entries[step.inputs[constant]].constant, tensor.dtype == .float32,
        frame.entries[step.inputs[other]].constant == nil,
        frame.entries[step.inputs[other]].type.shape == frame.entries[output].type.shape
      else { continue }
      return (tensor, step.inputs[other])
    }
    return nil
  }

  private mutating func takeTerm(_ place: Int, takesVectors: Bool) -> Bool {
    let step = frame.steps[place]
    guard let spot = Self.weights(step), step.inputs.count > spot.weights, let before = soleProducer(step.inputs[0]),
      let (constant, source) = term(frame.steps[before]), uses[step.inputs[spot.weights]] == 1,
      let weights = frame.entries[step.inputs[spot.weights]].constant, weights.dtype == .float32,
      weights.source.byteCount <= Self.largestScaled, weights.extents.count > spot.axis
    else { return false }
    let extents = weights.extents, channels = extents[spot.axis], inner = extents[(spot.axis + 1)...].reduce(1, *)
    let isVector = constant.elementCount > 1, columns = extents.last ?? 1
    guard !isVector || takesVectors && constant.elementCount == columns && constant.extents.last == columns,
      let numbers = try? constant.array().values(Float.self), !numbers.isEmpty, numbers.allSatisfy({ $0.isFinite })
    else { return false }
    switch frame.steps[before].builtin {
    case .mul, .div:
      let divides = frame.steps[before].builtin == .div
      guard !divides || !isVector && numbers[0] != 0 else { return false }
      let scaled = weights.mapped(to: weights.type) { array in
        var values = array.values(Float.self)
        for index in values.indices {
          let factor = numbers[isVector ? index % columns : 0]
          values[index] = divides ? values[index] / factor : values[index] * factor
        }
        return NDArray(values, extents)
      }
      frame.steps[place].inputs[spot.weights] = self.constant(scaled, like: step.inputs[spot.weights])
      uses[frame.steps[place].inputs[spot.weights]] = 1
    case .add, .sub:
      guard !Self.pads(step) else { return false }
      let bias = bias(of: step, spot.bias), sign: Double = frame.steps[before].builtin == .sub ? -1 : 1
      guard bias != nil || step.inputs.count <= spot.bias || step.inputs[spot.bias] < 0 else { return false }
      setBias(place, spot.bias, channels) {
        let values = try weights.array().values(Float.self)
        var sums = try bias?.array().values(Float.self).map { Double($0) } ?? [Double](repeating: 0, count: channels)
        for index in values.indices {
          sums[index / max(1, inner) % channels] += sign * Double(values[index]) * Double(numbers[isVector ? index % columns : 0])
        }
        return sums.map { Float($0) }
      }
    default: return false
    }
    frame.steps[place].inputs[0] = source
    drop(before)
    return true
  }

  /// Whether zeros stand around what a window sees.
  private static func pads(_ step: SubgraphFrame.Step) -> Bool {
    switch step.options {
    case .conv2DOptions(let options): options.padding != .valid
    case .depthwiseConv2DOptions(let options): options.padding != .valid
    default: step.builtin != .fullyConnected
    }
  }

  // MARK: Reduced axes

  /// A reduction whose axes come back as ones keeps them.
  mutating func keepReducedAxes(_ place: Int) {
    let step = frame.steps[place]
    guard let inner = step.inputs.first, let output = step.outputs.first, let before = soleProducer(inner),
      [.mean, .sum, .reduceMax, .reduceMin, .reduceProd].contains(frame.steps[before].builtin),
      case .reducerOptions(var options) = frame.steps[before].options, !options.keepDims, frame.steps[before].inputs.count == 2,
      let axes = try? frame.entries[frame.steps[before].inputs[1]].constant?.array().integers(),
      let dims = frame.entries[frame.steps[before].inputs[0]].type.shape.dims, let wanted = frame.entries[output].type.shape.dims,
      dims.count == wanted.count
    else { return }
    let reduced = Set(axes.map { $0 < 0 ? $0 + dims.count : $0 })
    // One extent that nobody knows is what is left of the number of elements.
    var open = 0
    for axis in dims.indices {
      let extent = reduced.contains(axis) ? 1 : dims[axis].value
      if extent == nil { open += 1 }
      guard extent == wanted[axis].value else { return }
    }
    guard open <= 1 else { return }
    options.keepDims = true
    frame.steps[before].options = .reducerOptions(options)
    take(place, into: before)
  }
}

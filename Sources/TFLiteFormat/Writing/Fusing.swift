import GraphWriting
import ModelGraph
import ModelTensor

/// Joins operators of a finished subgraph where one says it all, and drops what nothing uses.
///
///     CONV_2D ── MUL(c) ── ADD(c) ── RELU        becomes     CONV_2D with other weights, a bias and a fused activation
struct Fusing {
  let finished: WrittenSubgraphs.Finished
  var frame: SubgraphFrame { finished.frame }
  /// The step that makes each tensor.
  var producers: [Int: Int] = [:]
  var uses: [Int: Int] = [:]
  private var isDropped: [Bool] = []
  var replaced: [Int: Int] = [:]

  static func run(_ finished: WrittenSubgraphs.Finished) {
    removeUnused(finished)
    var merging = Fusing(finished)
    merging.mergeRepeats()
    var fusing = Fusing(finished)
    fusing.join()
    removeUnused(finished)
  }

  private init(_ finished: WrittenSubgraphs.Finished) {
    self.finished = finished
    isDropped = [Bool](repeating: false, count: finished.frame.steps.count)
    for (place, step) in finished.frame.steps.enumerated() {
      for output in step.outputs { producers[output] = place }
      for input in step.inputs where input >= 0 { uses[input, default: 0] += 1 }
    }
    for output in finished.outputs { uses[output, default: 0] += 1 }
  }

  static func removeUnused(_ finished: WrittenSubgraphs.Finished) {
    let frame = finished.frame
    var used = Set(finished.outputs), kept = [Bool](repeating: false, count: frame.steps.count)
    for place in frame.steps.indices.reversed() {
      let step = frame.steps[place]
      // What gives nothing is there for what it does.
      guard step.outputs.isEmpty || step.outputs.contains(where: { used.contains($0) }) else { continue }
      kept[place] = true
      used.formUnion(step.inputs)
    }
    frame.steps = frame.steps.indices.filter { kept[$0] }.map { frame.steps[$0] }
  }

  private mutating func join() {
    for place in frame.steps.indices {
      frame.steps[place].inputs = frame.steps[place].inputs.map { replaced[$0] ?? $0 }
      switch frame.steps[place].builtin {
      case .cast: cancelCast(place)
      case .reshape:
        skipReshape(place)
        keepReducedAxes(place)
        shrinkAxes(place)
        keepRows(place)
      case .conv2d, .depthwiseConv2d:
        takePadding(place)
        takeTerms(place)
      case .fullyConnected: takeTerms(place)
      case .batchMatmul: takeTransposes(place)
      case .concatenation: pack(place)
      case .mul:
        skipLeadingOnes(place)
        scaleWeights(passReshape(place))
      case .add, .sub:
        skipLeadingOnes(place)
        addToBias(passReshape(place))
      case .maximum where rectify(place): fuseActivation(passReshape(place))
      case .minimum where clampRectified(place) || boundBeforeRoot(place): break
      case .div, .maximum, .minimum, .squaredDifference: skipLeadingOnes(place)
      case .relu, .relu6, .reluN1To1: fuseActivation(passReshape(place))
      default: break
      }
    }
    removeDropped()
  }

  func removeDropped() { frame.steps = frame.steps.indices.filter { !isDropped[$0] }.map { frame.steps[$0] } }

  /// The step that makes `value` for this one use alone.
  func soleProducer(_ value: Int) -> Int? {
    guard uses[value] == 1, let place = producers[value], !isDropped[place], frame.steps[place].outputs.count == 1 else { return nil }
    return place
  }

  func producer(of value: Int) -> Int? { producers[value] }

  mutating func drop(_ place: Int) { isDropped[place] = true }

  // MARK: Moves

  /// A cast to floats of another width and back: what lies between is computed in float32.
  private mutating func cancelCast(_ place: Int) {
    let step = frame.steps[place]
    guard let outer = step.outputs.first, let inner = step.inputs.first, let before = producers[inner],
      frame.steps[before].builtin == .cast,
      let source = frame.steps[before].inputs.first
    else { return }
    let from = frame.entries[source].type.dtype, via = frame.entries[inner].type.dtype, to = frame.entries[outer].type.dtype
    let isFloat = via.isFloatingPoint && from.isFloatingPoint
    let isWider = via.isInteger && from.isInteger && from.isSignedInteger == via.isSignedInteger && via.bitWidth ?? 0 >= from.bitWidth ?? 64
    guard from == to, isFloat || isWider, !finished.outputs.contains(outer) else { return }
    replaced[outer] = replaced[source] ?? source
    uses[source, default: 0] += uses[outer] ?? 0
    uses[inner, default: 1] -= 1
    isDropped[place] = true
  }

  private mutating func skipReshape(_ place: Int) {
    let step = frame.steps[place]
    guard let inner = step.inputs.first, let before = soleProducer(inner), frame.steps[before].builtin == .reshape,
      step.inputs.count == 2, frame.entries[step.inputs[1]].constant != nil, let source = frame.steps[before].inputs.first
    else { return }
    frame.steps[place].inputs[0] = source
    isDropped[before] = true
  }

  /// A padding that is just what SAME says.
  private mutating func takePadding(_ place: Int) {
    let step = frame.steps[place]
    guard let before = soleProducer(step.inputs[0]), frame.steps[before].builtin == .pad, frame.steps[before].inputs.count == 2,
      let x = frame.steps[before].inputs.first, let rows = frame.entries[frame.steps[before].inputs[1]].constant,
      let pads = try? rows.array().integers(), pads.count == 8, pads[0] == 0, pads[1] == 0, pads[6] == 0, pads[7] == 0,
      let window = frame.entries[step.inputs[1]].type.shape.extents, window.count == 4
    else { return }
    func isSame(_ strides: [Int32], _ dilations: [Int32]) -> Bool {
      spelledOut(
        .same, of: frame.entries[x].type, layout: .channelsLast, kernel: [window[1], window[2]], strides: strides.map { Int($0) },
        dilations: dilations.map { Int($0) }) == .explicit(before: [pads[2], pads[4]], after: [pads[3], pads[5]])
    }
    switch step.options {
    case .conv2DOptions(var options):
      guard options.padding == .valid, isSame([options.strideH, options.strideW], [options.dilationHFactor, options.dilationWFactor]) else {
        return
      }
      options.padding = .same
      frame.steps[place].options = .conv2DOptions(options)
    case .depthwiseConv2DOptions(var options):
      guard options.padding == .valid, isSame([options.strideH, options.strideW], [options.dilationHFactor, options.dilationWFactor]) else {
        return
      }
      options.padding = .same
      frame.steps[place].options = .depthwiseConv2DOptions(options)
    default: return
    }
    frame.steps[place].inputs[0] = x
    isDropped[before] = true
  }

  /// Where a step with weights keeps them, the axis of their output channels, and where it has its bias.
  static func weights(_ step: SubgraphFrame.Step) -> (weights: Int, axis: Int, bias: Int)? {
    switch step.builtin {
    case .conv2d, .fullyConnected: (1, 0, 2)
    case .depthwiseConv2d: (1, 3, 2)
    case .conv3d: (1, 4, 2)
    case .transposeConv: (1, 0, 3)
    default: nil
    }
  }

  /// The one constant among two operands, the step before the other, and how many channels that gives: the constant has one number
  /// for each, or for all.
  private func constantAndProducer(_ step: SubgraphFrame.Step) -> (constant: Tensor, before: Int, channels: Int)? {
    guard step.inputs.count == 2, let output = step.outputs.first, frame.entries[output].type.dtype == .float32 else { return nil }
    for (constant, other) in [(1, 0), (0, 1)] where !(step.builtin == .sub && constant == 0) {
      guard let tensor = frame.entries[step.inputs[constant]].constant, let before = soleProducer(step.inputs[other]),
        let place = Self.weights(frame.steps[before]), Self.activation(of: frame.steps[before]) == ActivationFunctionType.none,
        let extents = frame.entries[frame.steps[before].inputs[place.weights]].type.shape.extents, place.axis < extents.count
      else { continue }
      let channels = extents[place.axis], count = tensor.elementCount
      guard tensor.dtype == .float32, count == 1 || count == channels && tensor.extents.last == channels,
        tensor.extents.count <= frame.entries[output].type.shape.rank ?? 0
      else { continue }
      return (tensor, before, channels)
    }
    return nil
  }

  /// Larger weights are not recomputed: that would hold them in memory.
  static let largestScaled = 64 << 20

  private mutating func scaleWeights(_ place: Int) {
    let step = frame.steps[place]
    guard Self.activation(of: step) == ActivationFunctionType.none, let (factor, before, channels) = constantAndProducer(step),
      let spot = Self.weights(frame.steps[before]), let weights = frame.entries[frame.steps[before].inputs[spot.weights]].constant,
      weights.dtype == .float32, weights.source.byteCount <= Self.largestScaled,
      let numbers = try? factor.array().values(Float.self), numbers.allSatisfy({ $0.isFinite })
    else { return }
    let bias = bias(of: frame.steps[before], spot.bias)
    guard bias != nil || frame.steps[before].inputs.count <= spot.bias else { return }
    let extents = weights.extents, inner = extents[(spot.axis + 1)...].reduce(1, *)
    let scaled = weights.mapped(to: weights.type) { array in
      var values = array.values(Float.self)
      for index in values.indices { values[index] *= numbers[numbers.count == 1 ? 0 : index / max(1, inner) % channels] }
      return NDArray(values, extents)
    }
    frame.steps[before].inputs[spot.weights] = constant(scaled, like: frame.steps[before].inputs[spot.weights])
    if let bias {
      setBias(before, spot.bias, channels) {
        let old = try bias.array().values(Float.self)
        return old.indices.map { old[$0] * numbers[numbers.count == 1 ? 0 : $0] }
      }
    }
    take(place, into: before)
  }

  private mutating func addToBias(_ place: Int) {
    let step = frame.steps[place]
    guard let (summand, before, channels) = constantAndProducer(step), let spot = Self.weights(frame.steps[before]) else { return }
    let bias = bias(of: frame.steps[before], spot.bias), sign: Float = step.builtin == .sub ? -1 : 1
    guard bias != nil || frame.steps[before].inputs.count <= spot.bias else { return }
    let activation = Self.activation(of: step) ?? .none
    setBias(before, spot.bias, channels) {
      let more = try summand.array().values(Float.self)
      let old = try bias?.array().values(Float.self) ?? [Float](repeating: 0, count: channels)
      return old.indices.map { old[$0] + sign * more[more.count == 1 ? 0 : $0] }
    }
    take(place, into: before)
    if activation != .none { Self.setActivation(activation, of: &frame.steps[before]) }
  }

  func bias(of step: SubgraphFrame.Step, _ place: Int) -> Tensor? {
    guard place < step.inputs.count, step.inputs[place] >= 0 else { return nil }
    return frame.entries[step.inputs[place]].constant
  }

  mutating func setBias(_ place: Int, _ spot: Int, _ channels: Int, _ compute: @escaping @Sendable () throws -> [Float]) {
    let tensor = Tensor(computing: TensorType(.float32, [channels])) { NDArray(try compute(), [channels]) }
    let name = frame.entries[frame.steps[place].outputs[0]].name + "/bias"
    let made = frame.add(tensor.type, name, constant: tensor).index
    if spot < frame.steps[place].inputs.count { frame.steps[place].inputs[spot] = made } else { frame.steps[place].inputs.append(made) }
  }

  func constant(_ tensor: Tensor, like old: Int) -> Int { frame.add(tensor.type, frame.entries[old].name, constant: tensor).index }

  /// Lets the step before give what this one gave.
  mutating func take(_ place: Int, into before: Int) {
    guard let output = frame.steps[place].outputs.first else { return }
    frame.steps[before].outputs[0] = output
    producers[output] = before
    isDropped[place] = true
  }

  // MARK: Activations

  mutating func fuseActivation(_ place: Int) {
    let step = frame.steps[place]
    guard let input = step.inputs.first, let before = soleProducer(input), frame.entries[input].type.dtype == .float32,
      Self.activation(of: frame.steps[before]) == ActivationFunctionType.none
    else { return }
    let activation: ActivationFunctionType = step.builtin == .relu ? .relu : step.builtin == .relu6 ? .relu6 : .reluN1To1
    Self.setActivation(activation, of: &frame.steps[before])
    take(place, into: before)
  }
}

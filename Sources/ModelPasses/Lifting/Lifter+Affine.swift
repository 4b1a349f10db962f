import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

extension Lifter {
  /// `(x − mean) · scale + offset` with constants for each channel, or for all of them.
  private struct Line {
    var mean: [Double], scale: [Double], offset: [Double]
    var multiplies = false, adds = false, isPerChannel = false, trains = false
    var sources: [ValueID] = []

    init(channels: Int) {
      mean = Array(repeating: 0, count: channels)
      scale = Array(repeating: 1, count: channels)
      offset = mean
    }

    mutating func add(_ numbers: [Double], sign: Double) {
      adds = true
      for i in mean.indices {
        if multiplies { offset[i] += sign * numbers[i] } else { mean[i] -= sign * numbers[i] }
      }
    }
    mutating func multiply(_ numbers: [Double]) {
      multiplies = true
      for i in mean.indices {
        scale[i] *= numbers[i]
        offset[i] *= numbers[i]
      }
    }
  }

  /// More channels are no channels.
  private static let channelLimit = 1 << 16

  /// A chain of products and sums with constants, which is what is left of a normalisation whose statistics were folded:
  /// BatchNormalization with the mean 0 and the variance 1 where the constants stand for channels, Rescaling where they are
  /// single numbers. A product or a sum alone is left alone.
  mutating func liftLine(_ node: Node) throws -> Bool {
    guard let result = node.outputs.first, let dims = dims(result), dims.count >= 2, valueType(result).dtype == .float32 else {
      return false
    }
    let channels = dims.last?.value
    guard channels.map({ $0 > 0 && $0 <= Self.channelLimit }) ?? true else { return false }
    var line = Line(channels: channels ?? 1), links: [NodeID] = [], end = result, start: ValueID?
    var current = node
    while let (x, next) = step(current, after: start.map { _ in end }, line, channels: channels) {
      start = start ?? x
      line = next
      end = current.outputs[0]
      guard let id = soleUser(end) else { break }
      links.append(id)
      current = source[id]
    }
    if links.last.map({ source[$0].outputs.first != end }) ?? false { links.removeLast() }
    guard let start, line.multiplies, line.adds, try finish(line, node, start, end, channels: channels) else { return false }
    taken.formUnion(links)
    return true
  }

  /// The line with one more op, whose other operand is a constant.
  private func step(_ node: Node, after previous: ValueID?, _ line: Line, channels: Int?) -> (x: ValueID, Line)? {
    guard node.inputs.count == 2, let a = node.inputs[0], let b = node.inputs[1], let result = node.outputs.first else { return nil }
    let isFirst = !isConstant(a), x = isFirst ? a : b, other = isFirst ? b : a
    guard !isConstant(x), let constant = tensor(other), previous == nil || previous == x, valueType(x) == valueType(result),
      constant.dtype == .float32, let rank = dims(x)?.count, constant.extents.count <= rank
    else { return nil }
    var line = line
    let isNumber = constant.elementCount == 1
    guard isNumber || channels == constant.elementCount && constant.extents.last == channels,
      let numbers = (try? constant.array())?.doubles(), numbers.allSatisfy(\.isFinite)
    else { return nil }
    let vector = isNumber ? Array(repeating: numbers[0], count: line.mean.count) : numbers
    line.isPerChannel = line.isPerChannel || !isNumber
    if case .parameter = source[other].definition { line.trains = true }
    line.sources.append(other)
    switch node.op {
    case is AddOp: line.add(vector, sign: 1)
    case is SubOp where isFirst: line.add(vector, sign: -1)
    case is SubOp:
      line.multiply(line.mean.map { _ in -1 })
      line.add(vector, sign: 1)
    case is MulOp: line.multiply(vector)
    case is DivOp where isFirst && vector.allSatisfy({ $0 != 0 }): line.multiply(vector.map { 1 / $0 })
    default: return nil
    }
    return (x, line)
  }

  private mutating func finish(_ line: Line, _ node: Node, _ x: ValueID, _ end: ValueID, channels: Int?) throws -> Bool {
    guard let dims = dims(x), dims == self.dims(end) else { return false }
    if !line.isPerChannel {
      // Moving the mean behind the product costs digits where it is large.
      let offset = line.offset[0] - line.mean[0] * line.scale[0]
      guard !line.trains, abs(line.mean[0] * line.scale[0]) <= 16 else { return false }
      var layer = Rescaling()
      layer.scale = [line.scale[0]]
      layer.offset = [offset]
      values[end] = try add(layer, named: layerName(node, "rescaling"), [try resolve(x)], [], result: end)
      return true
    }
    guard let channels else { return false }
    var layer = BatchNormalization()
    let ones = Array(repeating: 1 - layer.epsilon, count: channels)
    let weights = [line.scale, line.offset, line.mean, ones].map { numbers in
      Weight(Tensor(NDArray(numbers.map { Float($0) }, [channels])), line.sources)
    }
    layer.scale = true
    layer.center = true
    let name = Self.withoutSuffix(layerName(node, "batch_normalization"))
    values[end] = try add(layer, named: name, [try resolve(x)], weights, result: end)
    return true
  }
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let normalizationWriting: [WritingRule] = [
  .writes(BatchNormalizationOp.self) { op, x, w in
    let input = try x.required(0), rank = try w.rank(of: input), axis = try normalizeAxis(op.axis, rank: rank)
    let mean = try x.required(3), variance = try x.required(4)
    // A factor and a summand for each channel: what stands before takes them in, if it can.
    var extents = [Int](repeating: 1, count: rank - axis)
    extents[0] = -1
    func spread(_ value: OutValue) throws -> OutValue { axis == rank - 1 ? value : try w.reshape(value, extents) }
    if let factor = op.factor(x), let summand = op.summand(x) {
      let scaled = try w.mul(input, try spread(try w.constant(factor)))
      return [try w.add(scaled, try spread(try w.constant(summand)))]
    }
    // Parameters may be of another precision than what they normalise.
    if [x[1], x[2], mean, variance].contains(where: { $0.map { $0.dtype != input.dtype } ?? false }) {
      let wide = try [input, x[1], x[2], mean, variance].map { try $0.map { try w.cast($0, to: .float32) } }
      return try w.apply(op, to: wide).map { try w.cast($0, to: input.dtype) }
    }
    var factor = try w.apply(RsqrtOp(), try w.add(variance, try w.scalar(op.epsilon, like: variance)))
    if let scale = x[1] { factor = try w.mul(factor, scale) }
    var y = try w.mul(try w.sub(input, try spread(mean)), try spread(factor))
    if let bias = x[2] { y = try w.add(y, try spread(bias)) }
    return [y]
  },
  .writes(LRNOp.self) { op, x, w in
    let input = try x.required(0), rank = try w.rank(of: input), axis = try normalizeAxis(op.axis, rank: rank)
    if op.size % 2 == 1, rank == 4, axis == 3, input.dtype == .float32 {
      var options = LocalResponseNormalizationOptions()
      options.radius = Int32(clamping: op.size / 2)
      options.bias = Float(op.bias)
      options.alpha = Float(op.alpha / Double(op.size))
      options.beta = Float(op.beta)
      return [try w.emit(.localResponseNormalization, [input], .localResponseNormalizationOptions(options))]
    }
    // Sums of shifted squares.
    guard let channels = input.type.shape.dims?[axis].value, op.size <= 256 else {
      throw UnsupportedError("LRN over \(op.size) channels of a tensor of unknown extents")
    }
    let front = (op.size - 1) / 2
    var before = [Int](repeating: 0, count: rank), after = before
    (before[axis], after[axis]) = (front, op.size - 1 - front)
    let squares = try w.pad(try w.apply(SquareOp(), input), before: before, after: after)
    var sum: OutValue?
    for offset in 0..<op.size {
      let part = try w.slice(squares, axis: axis, start: offset, end: offset + channels)
      sum = try sum.map { try w.add($0, part) } ?? part
    }
    guard let sum else { throw UnsupportedError("LRN over no channels") }
    let scaled = try w.add(try w.mul(sum, try w.scalar(op.alpha / Double(op.size), like: input)), try w.scalar(op.bias, like: input))
    return [try w.div(input, try w.pow(scaled, try w.scalar(op.beta, like: input)))]
  },
]

extension BatchNormalizationOp {
  /// `scale / √(variance + ε)`, computed in double precision when it is written; `nil` where that is not constant.
  fileprivate func factor(_ x: RuleInputs) -> Tensor? {
    guard let variance = x[4]?.fact.constant, variance.extents.count == 1 else { return nil }
    let scale = x[1]?.fact.constant
    if x[1] != nil, scale == nil { return nil }
    let epsilon = epsilon
    return Tensor(computing: TensorType(.float32, variance.extents)) {
      let v = try variance.array().doubles(), s = try scale?.array().doubles()
      return NDArray(v.indices.map { Float((s?[$0] ?? 1) / (v[$0] + epsilon).squareRoot()) }, [v.count])
    }
  }

  /// `bias − mean · factor`.
  fileprivate func summand(_ x: RuleInputs) -> Tensor? {
    guard let mean = x[3]?.fact.constant, let variance = x[4]?.fact.constant, mean.extents == variance.extents,
      x[0]?.dtype == .float32
    else { return nil }
    let bias = x[2]?.fact.constant, scale = x[1]?.fact.constant
    if x[2] != nil, bias == nil { return nil }
    let epsilon = epsilon
    return Tensor(computing: TensorType(.float32, mean.extents)) {
      let m = try mean.array().doubles(), v = try variance.array().doubles()
      let b = try bias?.array().doubles(), s = try scale?.array().doubles()
      return NDArray(m.indices.map { Float((b?[$0] ?? 0) - m[$0] * (s?[$0] ?? 1) / (v[$0] + epsilon).squareRoot()) }, [m.count])
    }
  }
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

private let domain = "com.microsoft"

/// The common operators of ONNX Runtime's own domain, which its optimiser and exporters for it put into files. They are read as
/// what they are made of; a model that has not changed keeps them.
let microsoftRules: [NodeRule] = fusedRules + quantizedRules

private let fusedRules: [NodeRule] = [
  .reads("Gelu", domain: domain) { n, g in [try g.apply(GeluOp(), try n.input(0))] },
  .reads("FastGelu", domain: domain) { n, g in [try g.apply(GeluOp(approximate: true), try n.biased(0, by: 1, &g))] },
  .reads("BiasGelu", domain: domain) { n, g in [try g.apply(GeluOp(), try n.biased(0, by: 1, &g))] },
  .reads("QuickGelu", domain: domain) { n, g in [try g.apply(SiluOp(alpha: try n.float("alpha") ?? 1.702), try n.input(0))] },
  .reads("BiasAdd", domain: domain) { n, g in
    [try g.add(try g.add(try n.input(0), try n.input(1)), try n.input(2))]
  },
  .reads("Trilu", domain: domain) { n, g in
    [try g.apply(TriluOp(upper: try n.flag("upper", true)), try n.input(0), n[1])]
  },
  .reads("FusedMatMul", domain: domain) { n, g in
    guard try !n.flag("transBatchA"), try !n.flag("transBatchB") else { throw UnsupportedError("transposed batches") }
    let op = MatMulOp(transposeA: try n.flag("transA"), transposeB: try n.flag("transB"))
    let product = try g.apply(op, try n.input(0), try n.input(1)), alpha = try n.float("alpha") ?? 1
    return [alpha == 1 ? product : try g.mul(product, try g.scalar(alpha, like: product))]
  },
  .reads("FusedGemm", domain: domain) { n, g in
    let op = GemmOp(
      alpha: try n.float("alpha") ?? 1, beta: try n.float("beta") ?? 1, transposeA: try n.flag("transA"),
      transposeB: try n.flag("transB"))
    return [try n.activated(try g.apply(op, try n.input(0), try n.input(1), n[2]), &g)]
  },
  .reads("FusedConv", domain: domain) { n, g in
    let rank = try n.spatialRank(g, 0, weights: 1)
    let op = ConvOp(
      strides: try n.window("strides", rank), dilations: try n.window("dilations", rank), padding: try n.padding(rank),
      groups: try n.int("group") ?? 1, layout: .channelsFirst, kernelLayout: .outputInputSpatial)
    var y = try g.apply(op, try n.input(0), try n.input(1), n[2])
    if let residual = n[3] { y = try g.add(y, residual) }
    return [try n.activated(y, &g)]
  },
  .reads("SkipLayerNormalization", domain: domain) { n, g in
    var sum = try g.add(try n.input(0), try n.input(1))
    if let bias = n[4] { sum = try g.add(sum, bias) }
    let op = LayerNormalizationOp(axes: [-1], epsilon: try n.float("epsilon") ?? 1e-12)
    return try n.skipped(try g.apply(op, sum, try n.input(2), n[3]), sum)
  },
  .reads("SkipSimplifiedLayerNormalization", domain: domain) { n, g in
    var sum = try g.add(try n.input(0), try n.input(1))
    if let bias = n[3] { sum = try g.add(sum, bias) }
    let op = RMSNormalizationOp(axes: [-1], epsilon: try n.float("epsilon") ?? 1e-12)
    return try n.skipped(try g.apply(op, sum, try n.input(2)), sum)
  },
  .reads("SimplifiedLayerNormalization") { n, g in
    guard !n.wants(1) else { throw UnsupportedError("its inverse deviations") }
    let axis = try n.int("axis") ?? -1, x = try n.input(0)
    let rank = try g.rank(of: x)
    let op = RMSNormalizationOp(
      axes: Array(try normalizeAxis(axis, rank: rank)..<rank), epsilon: try n.float("epsilon") ?? 1e-5)
    return [try g.apply(op, x, try n.input(1))]
  },
]

private let quantizedRules: [NodeRule] = [
  .reads("QuantizeLinear", domain: domain) { n, g in
    let dtype = n[2].map { g.type(of: $0).dtype } ?? .uint8
    return try g.apply(QuantizeLinearOp(axis: try n.int("axis") ?? 1, dtype: dtype), to: n.inputs)
  },
  .reads("DequantizeLinear", domain: domain) { n, g in
    try g.apply(DequantizeLinearOp(axis: try n.int("axis") ?? 1), to: n.inputs)
  },
  .reads("QLinearAdd", domain: domain) { n, g in try n.onReals(&g, operands: [0, 3], result: 6) { try $1.add($0[0], $0[1]) } },
  .reads("QLinearMul", domain: domain) { n, g in try n.onReals(&g, operands: [0, 3], result: 6) { try $1.mul($0[0], $0[1]) } },
  .reads("QLinearSigmoid", domain: domain) { n, g in
    try n.onReals(&g, operands: [0], result: 3) { try $1.apply(SigmoidOp(), $0[0]) }
  },
  .reads("QLinearLeakyRelu", domain: domain) { n, g in
    let op = LeakyReluOp(alpha: try n.float("alpha") ?? 0.01)
    return try n.onReals(&g, operands: [0], result: 3) { try $1.apply(op, $0[0]) }
  },
  .reads("QLinearSoftmax", domain: domain) { n, g in
    let axis = try n.int("axis") ?? -1
    guard try n.int("opset") ?? 13 >= 13 || g.type(of: try n.input(0)).shape.rank == axis + 1 || axis == -1 else {
      throw UnsupportedError("a softmax over several axes")
    }
    return try n.onReals(&g, operands: [0], result: 3) { try $1.apply(SoftmaxOp(axis: axis), $0[0]) }
  },
  .reads("QLinearGlobalAveragePool", domain: domain) { n, g in
    let isLast = try n.flag("channels_last")
    let rank = try g.rank(of: try n.input(0))
    let axes = isLast ? Array(1..<max(1, rank - 1)) : Array(2..<max(2, rank))
    return try n.onReals(&g, operands: [0], result: 3) { try $1.apply(ReduceOp(.mean, axes: axes), $0[0]) }
  },
  .reads("QLinearAveragePool", domain: domain) { n, g in
    let rank = try n.spatialRank(g, 0)
    let op = PoolOp(
      .average, kernel: try n.required(try n.ints("kernel_shape"), "kernel_shape"), strides: try n.window("strides", rank),
      padding: try n.padding(rank), ceilMode: try n.flag("ceil_mode"), countIncludePad: try n.flag("count_include_pad"),
      layout: try n.flag("channels_last") ? .channelsLast : .channelsFirst)
    return try n.onReals(&g, operands: [0], result: 3) { try $1.apply(op, $0[0]) }
  },
  .reads("QLinearConcat", domain: domain) { n, g in
    let axis = try n.required(try n.int("axis"), "axis")
    return try n.onReals(&g, operands: Array(stride(from: 2, to: n.inputs.count, by: 3)), result: 0) {
      try $1.concat($0, axis: axis)
    }
  },
  .reads("QGemm", domain: domain) { n, g in
    let op = GemmOp(alpha: try n.float("alpha") ?? 1, beta: 1, transposeA: try n.flag("transA"), transposeB: try n.flag("transB"))
    let a = try n.dequantized(0, scale: 1, zero: 2, &g), b = try n.dequantized(3, scale: 4, zero: 5, axis: op.transposeB ? 0 : 1, &g)
    var bias: ValueID?
    if let stored = n[6] {
      // Of the scale of the products, by the specification.
      if let left = try g.floats(try n.input(1)), let right = try g.floats(try n.input(4)), let first = left.first {
        let products = right.map { $0 * first * Float(op.alpha) }
        bias = try g.apply(
          DequantizeLinearOp(axis: 0), stored, try g.constant(NDArray(products, products.count == 1 ? [] : [products.count])))
      } else {
        let product = try g.mul(try n.input(1), try n.input(4))
        let scale = op.alpha == 1 ? product : try g.mul(product, try g.scalar(op.alpha, like: product))
        bias = try g.mul(try g.cast(stored, to: g.type(of: scale).dtype), scale)
      }
    }
    let y = try g.apply(op, a, b, bias)
    guard let scale = n[7] else { return [y] }
    let dtype = try n[8].map { g.type(of: $0).dtype } ?? g.type(of: try n.input(0)).dtype
    return [try g.apply(QuantizeLinearOp(axis: 0, dtype: dtype), y, scale, n[8])]
  },
  .reads("DynamicQuantizeMatMul", domain: domain) { n, g in
    let parts = try g.apply(DynamicQuantizeLinearOp(), to: [try n.input(0)])
    let a = try g.apply(DequantizeLinearOp(axis: 0), to: parts.map { $0 })
    let b = try n.dequantized(1, scale: 2, zero: 3, axis: -1, &g)
    let y = try g.matmul(a[0], b)
    return [try n[4].map { try g.add(y, $0) } ?? y]
  },
]

extension GraphContext {
  /// The numbers of a constant.
  fileprivate func floats(_ value: ValueID) throws -> [Float]? {
    guard let tensor = fact(of: value).constant, tensor.dtype == .float32 else { return nil }
    return try tensor.array().values(Float.self)
  }
}

extension NodeReader {
  fileprivate func biased(_ x: Int, by bias: Int, _ g: inout GraphContext) throws -> ValueID {
    guard let bias = self[bias] else { return try input(x) }
    return try g.add(try input(x), bias)
  }

  /// The results of a normalisation of a sum; the last of four is the sum itself.
  fileprivate func skipped(_ y: ValueID, _ sum: ValueID) throws -> [ValueID] {
    if wants(1) || wants(2) { throw UnsupportedError("its mean and deviation") }
    return wants(3) ? [y, y, y, sum] : [y]
  }

  /// What a fused activation makes of a result.
  fileprivate func activated(_ y: ValueID, _ g: inout GraphContext) throws -> ValueID {
    let parameters = try floats("activation_params") ?? []
    func parameter(_ index: Int, _ fallback: Double) -> Double { index < parameters.count ? parameters[index] : fallback }
    switch try string("activation") ?? "" {
    case "": return y
    case "Relu": return try g.apply(ReluOp(), y)
    case "Tanh": return try g.apply(TanhOp(), y)
    case "Sigmoid": return try g.apply(SigmoidOp(), y)
    case "LeakyRelu":
      return try g.apply(LeakyReluOp(alpha: try float("leaky_relu_alpha") ?? parameter(0, 0.01)), y)
    case "Clip": return try g.clip(y, min: parameter(0, -.infinity), max: parameter(1, .infinity))
    case "HardSigmoid": return try g.apply(HardSigmoidOp(alpha: parameter(0, 0.2), beta: parameter(1, 0.5)), y)
    case let other: throw UnsupportedError("the activation \(other)")
    }
  }

  fileprivate func dequantized(
    _ x: Int, scale: Int, zero: Int, axis: Int = 0, _ g: inout GraphContext
  ) throws -> ValueID {
    try g.apply(DequantizeLinearOp(axis: axis), try input(x), try input(scale), self[zero])
  }

  /// Computes on the real numbers behind quantised operands (each followed by its scale and zero point), and quantises again.
  fileprivate func onReals(
    _ g: inout GraphContext, operands: [Int], result: Int, _ compute: ([ValueID], inout GraphContext) throws -> ValueID
  ) throws -> [ValueID] {
    var reals: [ValueID] = []
    for index in operands { reals.append(try dequantized(index, scale: index + 1, zero: index + 2, &g)) }
    let y = try compute(reals, &g)
    let dtype = try self[result + 1].map { g.type(of: $0).dtype } ?? g.type(of: try input(operands[0])).dtype
    return [try g.apply(QuantizeLinearOp(axis: 0, dtype: dtype), y, try input(result), self[result + 1])]
  }
}

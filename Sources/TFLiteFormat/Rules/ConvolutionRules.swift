import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let convolutionRules: [OperatorRule] = [
  .computes(.conv2d) { n, g in
    let o = n.options(Conv2DOptions.self)
    // Filters [out, height, width, in]: for a part of the channels they make groups.
    let filter = try n.extents(1, in: g)
    guard filter.count == 4 else { throw FormatError(.invalidValue, "CONV_2D with filters \(filter)") }
    var groups = 1
    if let channels = g.type(of: try n.input(0)).shape.dims?.last?.value, channels != filter[3] {
      guard filter[3] > 0, channels % filter[3] == 0, channels > 0 else {
        throw FormatError(.invalidValue, "CONV_2D of \(channels) channels by filters of \(filter[3])")
      }
      groups = channels / filter[3]
    }
    let op = ConvOp(
      strides: try n.window([o.strideH, o.strideW]), dilations: try n.window([o.dilationHFactor, o.dilationWFactor]),
      padding: n.padding(o.padding), groups: groups, layout: .channelsLast, kernelLayout: .spatialInputOutput)
    let kernel = try n.permuted(try n.input(1), [1, 2, 3, 0], in: &g)
    return Computation(op, [try n.input(0), kernel, n.optional(2)], activation: o.fusedActivationFunction)
  },
  .computes(.depthwiseConv2d) { n, g in
    let o = n.options(DepthwiseConv2DOptions.self)
    // Filters [1, height, width, channels · multiplier]: as many groups as the input has channels.
    let filter = try n.extents(1, in: g)
    guard filter.count == 4, filter[0] == 1 else { throw FormatError(.invalidValue, "DEPTHWISE_CONV_2D with filters \(filter)") }
    let known = g.type(of: try n.input(0)).shape.dims?.last?.value
    let told = o.depthMultiplier > 0 ? filter[3] / Int(o.depthMultiplier) : nil
    guard let channels = known ?? told, channels > 0, filter[3] % channels == 0 else {
      throw FormatError(.invalidValue, "DEPTHWISE_CONV_2D of \(known ?? 0) channels by filters for \(filter[3])")
    }
    let op = ConvOp(
      strides: try n.window([o.strideH, o.strideW]), dilations: try n.window([o.dilationHFactor, o.dilationWFactor]),
      padding: n.padding(o.padding), groups: channels, layout: .channelsLast, kernelLayout: .spatialInputOutput)
    let kernel = try n.permuted(try n.input(1), [1, 2, 0, 3], isSymmetric: try n.takesSymmetricWeights(of: 0, in: g), in: &g)
    return Computation(op, [try n.input(0), kernel, n.optional(2)], activation: o.fusedActivationFunction)
  },
  .computes(.conv3d) { n, g in
    let o = n.options(Conv3DOptions.self), filter = try n.extents(1, in: g)
    // Filters [depth, height, width, in, out].
    guard filter.count == 5 else { throw FormatError(.invalidValue, "CONV_3D with filters \(filter)") }
    var groups = 1
    if let channels = g.type(of: try n.input(0)).shape.dims?.last?.value, channels != filter[3], filter[3] > 0, channels % filter[3] == 0 {
      groups = channels / filter[3]
    }
    let op = ConvOp(
      strides: try n.window([o.strideD, o.strideH, o.strideW]),
      dilations: try n.window([o.dilationDFactor, o.dilationHFactor, o.dilationWFactor]), padding: n.padding(o.padding), groups: groups,
      layout: .channelsLast, kernelLayout: .spatialInputOutput)
    return Computation(op, [try n.input(0), try n.input(1), n.optional(2)], activation: o.fusedActivationFunction)
  },
  .computes(.transposeConv) { n, g in
    // The shape of the output, filters [out, height, width, in], and what is spread.
    let o = n.options(TransposeConvOptions.self)
    let kernel = try n.permuted(try n.input(1), [1, 2, 0, 3], isSymmetric: try n.takesSymmetricWeights(of: 2, in: g), in: &g)
    if try !n.knowsExtents(rank: 2, in: g) {
      return try n.transposedToComputed(
        strides: [o.strideH, o.strideW], dilations: [1, 1], o.padding, kernel, n.optional(3), o.fusedActivationFunction, in: &g)
    }
    let op = try n.transposed(strides: [o.strideH, o.strideW], dilations: [1, 1], padding: o.padding, kernel: kernel, in: g)
    return Computation(op, [try n.input(2), kernel, n.optional(3)], activation: o.fusedActivationFunction)
  },
  .computes(.conv3dTranspose) { n, g in
    // Filters [depth, height, width, out, in].
    let o = n.options(Conv3DOptions.self), kernel = try n.input(1)
    let strides = [o.strideD, o.strideH, o.strideW], dilations = [o.dilationDFactor, o.dilationHFactor, o.dilationWFactor]
    if try !n.knowsExtents(rank: 3, in: g) {
      return try n.transposedToComputed(
        strides: strides, dilations: dilations, o.padding, kernel, n.optional(3), o.fusedActivationFunction, in: &g)
    }
    let op = try n.transposed(strides: strides, dilations: dilations, padding: o.padding, kernel: kernel, in: g)
    return Computation(op, [try n.input(2), kernel, n.optional(3)], activation: o.fusedActivationFunction)
  },
  .reads(.dilate) { n, g in
    let x = try n.input(0)
    let result = try n.spread(x, by: try n.constantInts(1, in: g), filler: try g.reshape(try n.input(2), []), in: &g)
    return [result == x ? try g.apply(IdentityOp(), x) : result]
  }.onAnyType,
]

extension Tensor {
  /// The same integers, which stand for themselves times their scale.
  fileprivate var aroundZero: Tensor {
    guard var quantization = type.quantization else { return self }
    quantization.zeroPoints = quantization.zeroPoints.map { _ in 0 }
    var symmetric = type
    symmetric.quantization = quantization
    return Tensor(symmetric, source: source)
  }
}

extension OperatorReader {
  /// LiteRT's kernels for `int8` and `int16` images leave the zero point of depthwise and transposed filters out, whatever the file says (`CONV_2D`
  /// refuses one): TensorFlow's converter writes some for networks that were trained with asymmetric weights.
  fileprivate func takesSymmetricWeights(of image: Int, in g: GraphContext) throws -> Bool {
    let type = g.type(of: try input(image))
    return (type.dtype == .int8 || type.dtype == .int16) && type.quantization != nil
  }

  /// - Throws: `FormatError` for what can be no stride, dilation or extent of a window.
  func window(_ values: [Int32]) throws -> [Int] {
    guard values.allSatisfy({ $0 > 0 && $0 < 1 << 24 }) else { throw FormatError(.invalidValue, "\(type) with a window of \(values)") }
    return values.map { Int($0) }
  }

  func padding(_ padding: TFLitePadding) -> Padding { padding == .valid ? .valid : .same }

  /// A weight with its axes in another order: a constant lazily, what is computed by an op. It stands for the same numbers.
  ///
  /// - Parameter isSymmetric: whether a constant's zero point counts for nothing.
  /// - Throws: `FormatError` for a weight of another rank.
  func permuted(_ value: ValueID, _ order: [Int], isSymmetric: Bool = false, in g: inout GraphContext) throws -> ValueID {
    let entry = g.graph[value]
    if let rank = entry.type.shape.rank, rank != order.count {
      throw FormatError(.invalidValue, "\(type) needs weights of rank \(order.count), found \(entry.type)")
    }
    switch entry.definition {
    case .parameter(let id):
      let isMoved = isSymmetric && entry.type.quantization?.zeroPoints.contains { $0 != 0 } ?? false
      let turned = library.derived(id, order + (isMoved ? [-1] : []), in: &g.model) {
        isMoved ? $0.transposed(order).aroundZero : $0.transposed(order)
      }
      return g.graph.addParameter(turned, of: g.model)
    case .constant(let tensor):
      return g.graph.addConstant(isSymmetric ? tensor.transposed(order).aroundZero : tensor.transposed(order), name: entry.name)
    case .input, .result:
      let turned = try g.transpose(value, order)
      guard let type = QuantizedType(entry.type) else { return turned }
      var moved = type
      moved.quantization.axis = type.quantization.axis.flatMap { order.firstIndex(of: $0) }
      return try g.apply(QuantizedOp(TransposeOp(permutation: order), inputs: [type], outputs: [moved]), value)
    }
  }

  /// The op of a transposed convolution whose output's shape is input 0.
  fileprivate func transposed(
    strides: [Int32], dilations: [Int32], padding: TFLitePadding, kernel: ValueID, in g: GraphContext
  ) throws -> ConvTransposeOp {
    let rank = strides.count
    guard let elements = g.fact(of: try input(0)).elements, elements.count == rank + 2 else {
      throw UnsupportedError("the shape of \(type)'s output is computed")
    }
    let spatial = elements[1...rank].compactMap(\.value)
    guard spatial.count == rank else { throw UnsupportedError("the extents of \(type)'s output are computed") }
    var op = ConvTransposeOp(
      strides: try window(strides), dilations: try window(dilations), padding: self.padding(padding), outputShape: spatial,
      layout: .channelsLast, kernelLayout: .spatialOutputInput)
    // Where the padding gives the extents anyway, nothing is fixed.
    if let dims = g.type(of: try input(2)).shape.dims, dims.count == rank + 2 {
      let extents = dims[1...rank].compactMap(\.value)
      if extents.count == rank, padding == .same, zip(extents, op.strides).map({ $0 * $1 }) == spatial { op.outputShape = nil }
    }
    return op
  }

  /// Elements with others between them: axis by axis a new one behind it is filled up, the two become one, and what stands behind
  /// the last element goes.
  func spread(_ x: ValueID, by factors: [Int], filler: ValueID, in g: inout GraphContext) throws -> ValueID {
    var x = x
    let rank = try g.rank(of: x)
    guard factors.count == rank, factors.allSatisfy({ (1...(1 << 24)).contains($0) }) else {
      throw FormatError(.invalidValue, "\(type) by \(factors)")
    }
    for axis in 0..<rank where factors[axis] > 1 {
      let extents = try g.shape(of: x), column = try g.unsqueeze(x, [axis + 1])
      var pads = [Int](repeating: 0, count: 2 * (rank + 1))
      pads[rank + 1 + axis + 1] = factors[axis] - 1
      let filled = try g.apply(PadOp(), column, try g.ints(pads), filler)
      var parts: [ValueID] = []
      if axis > 0 { parts.append(try g.slice(extents, axis: 0, start: 0, end: axis)) }
      parts.append(try g.ints([-1]))
      if axis + 1 < rank { parts.append(try g.slice(extents, axis: 0, start: axis + 1, end: rank)) }
      let joined = try g.apply(ReshapeOp(), filled, try g.concat(parts, axis: 0))
      x = try g.slice(joined, axis: axis, start: 0, end: 1 - factors[axis])
    }
    return x
  }
}

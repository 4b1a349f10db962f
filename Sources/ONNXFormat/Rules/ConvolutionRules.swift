import GraphWriting
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let convolutionRules: [NodeRule] = [
  .rule(
    "Conv", ConvOp.self,
    read: { n, g in
      let w = try n.input(1)
      let rank = try n.spatialRank(g, 0, weights: 1)
      let op = ConvOp(
        strides: try n.window("strides", rank), dilations: try n.window("dilations", rank), padding: try n.padding(rank),
        groups: try n.int("group") ?? 1, layout: .channelsFirst, kernelLayout: .outputInputSpatial)
      return [try g.apply(op, try n.input(0), w, n[2])]
    },
    write: { op, x, w in
      var input = try w.channelsFirst(try x.required(0), op.layout)
      let order = try op.kernelLayout.order(rank: w.rank(of: try x.required(1)), isTransposed: false)
      let kernel = try w.permuted(try x.required(1), order)
      var direct = op
      (direct.layout, direct.kernelLayout) = (.channelsFirst, .outputInputSpatial)
      let type = try direct.infer([input.fact, kernel.fact, x[2]?.fact])[0]
      let rank = (kernel.type.shape.rank ?? 2) - 2
      var padding = op.padding
      if op.dilations.contains(where: { $0 != 1 }), let extents = kernel.type.shape.extents {
        (input, padding) = try w.spelledOut(
          padding, of: input, kernel: Array(extents.dropFirst(2)), strides: op.strides.filled(rank),
          dilations: op.dilations.filled(rank))
      }
      let y = try w.emit(
        "Conv", [input, kernel, x[2]],
        [
          "kernel_shape": kernel.type.shape.extents.map { .ints(Array($0.dropFirst(2))) },
          "strides": .ints(op.strides.filled(rank)), "dilations": .ints(op.dilations.filled(rank)),
          "group": .int(op.groups), "auto_pad": padding.autoPad, "pads": padding.pads(rank),
        ], as: type)
      return [try w.restored(y, op.layout)]
    }),
  .rule(
    "ConvTranspose", ConvTransposeOp.self,
    read: { n, g in
      let rank = try n.spatialRank(g, 0, weights: 1)
      let op = ConvTransposeOp(
        strides: try n.window("strides", rank), dilations: try n.window("dilations", rank), padding: try n.padding(rank),
        outputPadding: try n.window("output_padding", rank), outputShape: try n.ints("output_shape").map { Array($0.suffix(rank)) },
        groups: try n.int("group") ?? 1, layout: .channelsFirst, kernelLayout: .outputInputSpatial)
      return [try g.apply(op, try n.input(0), try n.input(1), n[2])]
    },
    write: { op, x, w in
      let input = try w.channelsFirst(try x.required(0), op.layout)
      let order = try op.kernelLayout.order(rank: w.rank(of: try x.required(1)), isTransposed: true)
      let kernel = try w.permuted(try x.required(1), order)
      var direct = op
      (direct.layout, direct.kernelLayout) = (.channelsFirst, .outputInputSpatial)
      let type = try direct.infer([input.fact, kernel.fact, x[2]?.fact])[0]
      let rank = (kernel.type.shape.rank ?? 2) - 2
      let strides = op.strides.filled(rank), dilations = op.dilations.filled(rank)
      var pads = op.padding.pads(rank), autoPad = op.padding.autoPad, extra = op.outputPadding.filled(rank, with: 0)
      if autoPad != nil, op.outputShape == nil, op.padding != .valid {
        // Runtimes disagree on which side SAME pads more: spelled out, no doubt is left.
        guard let extents = kernel.type.shape.extents else { throw GraphError(.missingType, "weights of unknown extents") }
        var before: [Int] = [], after: [Int] = []
        for i in 0..<rank {
          let span = (extents[i + 2] - 1) * dilations[i] + 1, total = max(0, span - strides[i])
          before.append(op.padding == .sameLower ? total - total / 2 : total / 2)
          after.append(total - (before.last ?? 0))
          extra[i] = max(0, strides[i] - span)
        }
        (pads, autoPad) = (.ints(before + after), nil)
      }
      let y = try w.emit(
        "ConvTranspose", [input, kernel, x[2]],
        [
          "kernel_shape": kernel.type.shape.extents.map { .ints(Array($0.dropFirst(2))) }, "strides": .ints(strides),
          "dilations": .ints(dilations), "group": .int(op.groups), "auto_pad": autoPad, "pads": pads,
          "output_padding": extra.contains { $0 != 0 } ? .ints(extra) : nil, "output_shape": op.outputShape.map { .ints($0) },
        ], as: type)
      return [try w.restored(y, op.layout)]
    }),
  .rule(
    "DeformConv", DeformConvOp.self,
    read: { n, g in
      let rank = try n.spatialRank(g, 0, weights: 1)
      let op = DeformConvOp(
        strides: try n.window("strides", rank), dilations: try n.window("dilations", rank), padding: try n.padding(rank),
        groups: try n.int("group") ?? 1, offsetGroups: try n.int("offset_group") ?? 1)
      return try g.apply(op, to: n.inputs)
    },
    write: { op, x, w in
      guard w.opset >= 19 else { throw UnsupportedError("DeformConv needs opset 19") }
      let result = try op.infer(x.values.map { $0?.fact })[0]
      let kernel = try x.required(1).type.shape.extents
      let rank = (kernel?.count ?? result.shape.rank ?? 4) - 2
      return [
        try w.emit(
          "DeformConv", x.values,
          [
            "kernel_shape": kernel.map { .ints(Array($0.dropFirst(2))) }, "strides": .ints(op.strides.filled(rank)),
            "dilations": .ints(op.dilations.filled(rank)), "group": .int(op.groups), "offset_group": .int(op.offsetGroups),
            "pads": op.padding.pads(rank),
          ], as: result)
      ]
    }),
]

extension NodeReader {
  /// The number of spatial axes of a window operator.
  /// - Throws: `UnsupportedError` when nothing tells.
  func spatialRank(_ g: GraphContext, _ x: Int, weights: Int? = nil) throws -> Int {
    if let kernel = try ints("kernel_shape") { return kernel.count }
    for index in [weights, x].compactMap({ $0 }) {
      if let rank = g.type(of: try input(index)).shape.rank {
        guard rank > 2 else { throw FormatError(.invalidValue, "\(type) of a tensor of rank \(rank)") }
        return rank - 2
      }
    }
    throw UnsupportedError("the number of spatial axes is unknown")
  }

  /// Strides, dilations and the like: one for each spatial axis.
  func window(_ name: String, _ rank: Int) throws -> [Int] {
    guard let values = try ints(name), !values.isEmpty else { return [] }
    guard values.count == rank else {
      throw FormatError(
        .invalidValue, "expected \(rank) numbers, found \(values.count)", at: SourceLocation(path: ["attribute \(name)"]))
    }
    return values
  }

  func padding(_ rank: Int) throws -> Padding {
    switch try string("auto_pad") {
    case "SAME_UPPER": return .same
    case "SAME_LOWER": return .sameLower
    case "VALID": return .valid
    case nil, "", "NOTSET": break
    case let other?:
      throw FormatError(.invalidValue, "unknown padding '\(other)'", at: SourceLocation(path: ["attribute auto_pad"]))
    }
    guard let pads = try ints("pads"), !pads.isEmpty else { return .valid }
    guard pads.count == 2 * rank else {
      throw FormatError(
        .invalidValue, "expected \(2 * rank) numbers, found \(pads.count)", at: SourceLocation(path: ["attribute pads"]))
    }
    if pads.allSatisfy({ $0 == 0 }) { return .valid }
    return .explicit(before: Array(pads[..<rank]), after: Array(pads[rank...]))
  }
}

extension Padding {
  /// All padding, zeros included, unless `auto_pad` says it.
  func pads(_ rank: Int) -> WireAttribute? {
    switch self {
    case .explicit(let before, let after): .ints(before + after)
    case .valid: .ints(Array(repeating: 0, count: 2 * rank))
    case .same, .sameLower: nil
    }
  }
}

extension KernelLayout {
  /// How the axes of weights must be permuted to become ONNX's: `[out, in, spatial…]`, or `[in, out, spatial…]` for a
  /// transposed convolution.
  func order(rank: Int, isTransposed: Bool) throws -> [Int] {
    guard rank >= 3 else { throw GraphError(.shapeMismatch, "weights of rank \(rank)") }
    let spatial = Array(0..<(rank - 2))
    return switch self {
    case .outputInputSpatial: Array(0..<rank)
    case .spatialInputOutput: isTransposed ? [rank - 2, rank - 1] + spatial : [rank - 1, rank - 2] + spatial
    case .spatialOutputInput: isTransposed ? [rank - 1, rank - 2] + spatial : [rank - 2, rank - 1] + spatial
    }
  }
}

extension NodeWriter {
  /// The value with its channels in front, whatever the layout.
  mutating func channelsFirst(_ value: OutValue, _ layout: DataLayout) throws -> OutValue {
    if layout == .channelsFirst { return value }
    let rank = try rank(of: value)
    guard rank > 2 else { return value }
    return try transpose(value, [0, rank - 1] + Array(1..<(rank - 1)))
  }

  /// The opposite: a result with its channels where `layout` has them.
  mutating func restored(_ value: OutValue, _ layout: DataLayout) throws -> OutValue {
    if layout == .channelsFirst { return value }
    let rank = try rank(of: value)
    guard rank > 2 else { return value }
    return try transpose(value, [0] + Array(2..<rank) + [1])
  }
}

import ModelGraph
import ModelLayers
import ModelOps
import ModelSupport
import ModelTensor
import OrderedCollections

extension OperationRules {
  static let convolution = OperationFamily(rules: convolutionRules + normalizationRules, writers: convolutionWriters + normalizationWriters)

  private struct Window {
    var layout: DataLayout, rank: Int, strides: [Int], dilations: [Int], padding: Padding
  }
  private static func window(_ call: OperationCall, _ x: RecordingContext.Value, kernel: [Int]?, _ context: inout RecordingContext) throws
    -> Window
  {
    let rank = try context.rank(of: x) - 2
    guard (1...3).contains(rank) else { throw call.unsupported("a window over \(rank) axes") }
    guard let word = ConvPadding(rawValue: (try call.string("padding") ?? "valid").lowercased()) else {
      throw call.mismatch("padding", "valid, same or causal")
    }
    let dilations = try call.perAxis("dilation_rate", count: rank) ?? []
    var padding: Padding = word == .same ? .same : .valid
    if word == .causal, let kernel, kernel.count == 1 { padding = .explicit(before: [(kernel[0] - 1) * dilations[0]], after: [0]) }
    return Window(
      layout: try call.layout(), rank: rank, strides: try call.perAxis("strides", count: rank) ?? [], dilations: dilations, padding: padding
    )
  }
  private static func extents(_ x: RecordingContext.Value, _ call: OperationCall) throws -> [Int] {
    guard let extents = x.fact.type.shape.extents else { throw call.unsupported("the shape of its kernel is unknown") }
    return extents
  }

  private static let convolutionRules: [OperationRule] = [
    OperationRule(.nn, "Conv", ["inputs", "kernel"]) { call, context in
      let p = try call.promoted(["inputs", "kernel"], in: &context)
      let shape = try extents(p[1], call), w = try window(call, p[0], kernel: Array(shape.dropLast(2)), &context)
      guard shape.count == w.rank + 2, let dims = p[0].fact.type.shape.dims,
        let channels = dims[w.layout.channelAxis(rank: w.rank + 2)].value, shape[w.rank] > 0
      else { throw call.unsupported("the number of its channels is unknown") }
      let op = ConvOp(
        strides: w.strides, dilations: w.dilations, padding: w.padding, groups: max(1, channels / shape[w.rank]), layout: w.layout,
        kernelLayout: .spatialInputOutput)
      return try context.apply(op, p[0], p[1])
    },
    OperationRule(.nn, "DepthwiseConv", ["inputs", "kernel"]) { call, context in
      let p = try call.promoted(["inputs", "kernel"], in: &context)
      return try depthwise(call, p[0], p[1], &context)
    },
    OperationRule(.nn, "SeparableConv", ["inputs", "depthwise_kernel", "pointwise_kernel"]) { call, context in
      let p = try call.promoted(["inputs", "depthwise_kernel", "pointwise_kernel"], in: &context)
      let inner = try depthwise(call, p[0], p[1], &context)
      return try context.apply(ConvOp(layout: try call.layout(), kernelLayout: .spatialInputOutput), inner, p[2])
    },
    OperationRule(.nn, "ConvTranspose", ["inputs", "kernel"]) { call, context in
      let p = try call.promoted(["inputs", "kernel"], in: &context)
      let shape = try extents(p[1], call), w = try window(call, p[0], kernel: nil, &context)
      guard shape.count == w.rank + 2 else { throw call.unsupported("its kernel has rank \(shape.count)") }
      let word = ConvPadding(rawValue: (try call.string("padding") ?? "valid").lowercased()) ?? .valid
      let given = try call.perAxis("output_padding", count: w.rank, default: nil)
      let geometry = TransposedWindow(
        kernel: Array(shape.prefix(w.rank)), strides: w.strides, dilations: w.dilations, isSame: word == .same, outputPadding: given)
      let op = ConvTransposeOp(
        strides: w.strides, dilations: w.dilations, padding: .explicit(before: geometry.before, after: geometry.after),
        outputPadding: geometry.extra, layout: w.layout, kernelLayout: .spatialOutputInput)
      return try context.apply(op, p[0], p[1])
    },
    pool("MaxPool", .max), pool("AveragePool", .average),
  ]
  private static func depthwise(
    _ call: OperationCall, _ x: RecordingContext.Value, _ kernel: RecordingContext.Value, _ context: inout RecordingContext
  ) throws -> RecordingContext.Value {
    let shape = try extents(kernel, call), w = try window(call, x, kernel: Array(shape.dropLast(2)), &context)
    guard shape.count == w.rank + 2, let outputs = checkedProduct(Array(shape.suffix(2))) else {
      throw call.unsupported("its kernel has rank \(shape.count)")
    }
    let grouped = try context.reshape(kernel, Array(shape.dropLast(2)) + [1, outputs])
    let op = ConvOp(
      strides: w.strides, dilations: w.dilations, padding: w.padding, groups: max(1, shape[w.rank]), layout: w.layout,
      kernelLayout: .spatialInputOutput)
    return try context.apply(op, x, grouped)
  }
  private static func pool(_ className: String, _ kind: PoolKind) -> OperationRule {
    OperationRule(.nn, className, ["inputs"]) { call, context in
      let x = try call.tensor("inputs", in: &context), w = try window(call, x, kernel: nil, &context)
      guard let size = try call.perAxis("pool_size", count: w.rank, default: nil) else { throw call.mismatch("pool_size", "a window") }
      let strides = try call.perAxis("strides", count: w.rank, default: nil) ?? size
      return try context.apply(PoolOp(kind, kernel: size, strides: strides, padding: w.padding, layout: w.layout), x)
    }
  }

  // MARK: Writing

  static func spatialPad(_ x: WrittenTensor, _ before: [Int], _ after: [Int], value: Double, _ writer: inout OperationWriter) throws
    -> WrittenTensor
  {
    guard (before + after).contains(where: { $0 != 0 }) else { return x }
    return try writer.pad(x, before: [0] + before + [0], after: [0] + after + [0], value: value)
  }
  private static let convolutionWriters: [OperationWriteRule] = [
    OperationWriteRule(
      ConvOp.self,
      many: { op, inputs, writer in
        guard var x = inputs.first ?? nil, inputs.count > 1, var w = inputs[1] else {
          throw GraphError(.wrongInputCount, "Conv takes a tensor and weights")
        }
        let rank = try x.rank() - 2
        guard op.layout == .channelsLast, let shape = w.fact.type.shape.extents, shape.count == rank + 2 else {
          throw OperationWriter.unsupported(op, "its channels do not stand last, or its weights have no fixed shape")
        }
        if op.kernelLayout == .outputInputSpatial { w = try writer.transpose(w, Array(2..<(rank + 2)) + [1, 0]) }
        let strides = op.strides.isEmpty ? Array(repeating: 1, count: rank) : op.strides
        let dilations = op.dilations.isEmpty ? Array(repeating: 1, count: rank) : op.dilations
        var padding = "valid"
        switch op.padding {
        case .valid: break
        case .same: padding = "same"
        case .sameLower: throw OperationWriter.unsupported(op, "it pads before rather than behind")
        case .explicit(let before, let after): x = try spatialPad(x, before, after, value: 0, &writer)
        }
        // TensorFlow does not dilate and stride at once, and Keras's operation has no groups.
        let thins = strides.contains { $0 != 1 } && dilations.contains { $0 != 1 }
        let options: OrderedDictionary<String, JSONValue> = [
          "strides": (thins ? strides.map { _ in 1 } : strides).configValue, "padding": .string(padding),
          "data_format": "channels_last", "dilation_rate": dilations.configValue,
        ]
        if thins, padding == "same" { throw OperationWriter.unsupported(op, "it strides, dilates and pads at once") }
        var y = try convolve(op, x, w, options, &writer)
        if thins {
          let whole = OperationWriter.slice(nil, nil)
          y = try writer.getItem(y, [whole] + strides.map { OperationWriter.slice(nil, nil, $0) } + [whole])
        }
        if inputs.count > 2, let bias = inputs[2] { y = try writer.binary("Add", y, bias) }
        return [y]
      }),
    transposedWriter,
    OperationWriteRule(PoolOp.self) { op, inputs, writer in
      var x = try inputs.at(0)
      let dims = try x.dims(), rank = dims.count - 2
      guard op.layout == .channelsLast, rank >= 1, op.kernel.count == rank else {
        throw OperationWriter.unsupported(op, "its channels do not stand last")
      }
      if case .lp(let power) = op.kind {
        // The mean of the powers times their number; padding adds nothing to the sum.
        guard power >= 1, !op.ceilMode, let count = checkedProduct(op.kernel), x.dtype.isFloatingPoint else {
          throw OperationWriter.unsupported(op, "Keras has no such pooling")
        }
        var mean = op
        mean.kind = .average
        mean.countIncludePad = true
        let powers = try writer.pow(try writer.unary("Absolute", x), try writer.scalar(Double(power), like: x))
        let sum = try writer.mul(try writer.apply(mean, powers), try writer.scalar(Double(count), like: x))
        return try writer.pow(sum, try writer.scalar(1 / Double(power), like: x))
      }
      if op.dilations.contains(where: { $0 != 1 }) { return try dilatedPool(op, x, &writer) }
      let strides = op.strides.isEmpty ? Array(repeating: 1, count: rank) : op.strides
      var padding = "valid", counts: WrittenTensor?
      if op.padding == .same, !op.ceilMode, !(op.countIncludePad && op.kind == .average) {
        padding = "same"
      } else if op.padding != .valid || op.ceilMode {
        guard let spatial = Shape.ranked(Array(dims[1...rank])).extents else {
          throw OperationWriter.unsupported(op, "its extents are unknown")
        }
        let window = try PoolWindow(op, spatial: spatial)
        x = try spatialPad(x, window.before, window.after, value: op.kind == .max ? -.infinity : 0, &writer)
        if op.kind == .average, let divisors = window.divisors { counts = writer.constant(NDArray(divisors, [1] + window.output + [1])) }
      }
      var y = try writer.call(
        .nn, op.kind == .max ? "MaxPool" : "AveragePool", [.tensor(x)],
        ["pool_size": op.kernel.configValue, "strides": strides.configValue, "padding": .string(padding), "data_format": "channels_last"])
      if let counts { y = try writer.binary("Multiply", y, try writer.cast(counts, to: y.dtype)) }
      return y
    },
  ]

  /// A convolution of each channel by itself, or one for each group of channels, one behind the other.
  private static func convolve(
    _ op: ConvOp, _ x: WrittenTensor, _ kernel: WrittenTensor, _ options: OrderedDictionary<String, JSONValue>,
    _ writer: inout OperationWriter
  ) throws -> WrittenTensor {
    let groups = op.groups
    guard groups > 1 else { return try writer.call(.nn, "Conv", [.tensor(x), .tensor(kernel)], options) }
    let shape = kernel.fact.type.shape.extents ?? [], axis = shape.count - 1, inputs = shape.dropLast().last ?? 0
    let outputs = (shape.last ?? 0) / groups
    if inputs == 1, shape.count <= 4, let strides = options["strides"]?.arrayValue, Set(strides.map(\.intValue)).count == 1 {
      // A list, as it comes back from an .h5 file, Keras can't add to its tuples.
      var options = options
      options["strides"] = strides[0]
      let apart = shape.dropLast(2).map(Int64.init) + [Int64(groups), Int64(outputs)]
      let each = try writer.apply(ReshapeOp(), to: [kernel, writer.constant(NDArray(apart, [apart.count]))])
      return try writer.call(.nn, "DepthwiseConv", [.tensor(x), .tensor(try each.at(0))], options)
    }
    // Each group is three operations.
    guard groups <= 4096 else { throw OperationWriter.unsupported(op, "it has \(groups) groups, more than a file can name") }
    let parts = try (0..<groups).map { group in
      let channels = try writer.slice(x, axis: axis, start: group * inputs, end: (group + 1) * inputs)
      let filters = try writer.slice(kernel, axis: axis, start: group * outputs, end: (group + 1) * outputs)
      return try writer.call(.nn, "Conv", [.tensor(channels), .tensor(filters)], options)
    }
    return try writer.concatenate(parts, axis: axis)
  }

  /// The greatest (or the mean) of one strided slice for each place in the window.
  private static func dilatedPool(_ op: PoolOp, _ tensor: WrittenTensor, _ writer: inout OperationWriter) throws -> WrittenTensor {
    let rank = op.kernel.count, places = coordinates(op.kernel)
    guard let spatial = Shape.ranked(Array(try tensor.dims()[1...rank])).extents, op.dilations.count == rank, places.count <= 64 * rank
    else {
      throw OperationWriter.unsupported(op, "it is dilated, and its extents are unknown or its window is large")
    }
    var whole = op
    whole.kernel = zip(op.kernel, op.dilations).map { ($0 - 1) * $1 + 1 }
    let window = try PoolWindow(whole, spatial: spatial), strides = op.strides.isEmpty ? Array(repeating: 1, count: rank) : op.strides
    guard op.kind == .max || op.padding == .valid && !op.ceilMode else { throw OperationWriter.unsupported(op, "it is dilated and padded") }
    let x = try spatialPad(tensor, window.before, window.after, value: -.infinity, &writer)
    var result: WrittenTensor?
    for place in 0..<(places.count / rank) {
      let starts = (0..<rank).map { Int(places[place * rank + $0]) * op.dilations[$0] }
      let key = (0..<rank).map { OperationWriter.slice(starts[$0], starts[$0] + (window.output[$0] - 1) * strides[$0] + 1, strides[$0]) }
      let slice = try writer.getItem(x, [OperationWriter.slice(nil, nil)] + key)
      result = try result.map { try writer.binary(op.kind == .max ? "Maximum" : "Add", $0, slice) } ?? slice
    }
    guard let result else { throw OperationWriter.unsupported(op, "its window is empty") }
    return op.kind == .max
      ? result : try writer.binary("Multiply", result, try writer.scalar(Double(rank) / Double(places.count), like: result))
  }

  // MARK: Normalisation

  private static let normalizationRules: [OperationRule] = [
    OperationRule(.nn, "BatchNorm", ["x", "mean", "variance", "offset", "scale"]) { call, context in
      let x = try call.tensor("x", in: &context)
      let op = BatchNormalizationOp(
        epsilon: try call.double("epsilon", default: 1e-3), axis: try call.axis(rank: try context.rank(of: x), default: -1))
      func weight(_ name: String) throws -> RecordingContext.Value? {
        try call.optionalTensor(name, in: &context).map { try context.cast($0, to: x.fact.type.dtype) }
      }
      return try context.apply(op, x, try weight("scale"), try weight("offset"), try weight("mean"), try weight("variance"))
    },
    OperationRule(.nn, "LayerNorm", ["x", "gamma", "beta"]) { call, context in
      let x = try call.tensor("x", in: &context), rank = try context.rank(of: x)
      guard try !call.bool("rms_scaling") else { throw call.unsupported("rms_scaling") }
      let axes = try (try call.ints("axis") ?? [-1]).map { try normalizeAxis($0, rank: rank) }.sorted()
      let op = LayerNormalizationOp(axes: axes, epsilon: try call.double("epsilon", default: 1e-7))
      func weight(_ name: String) throws -> RecordingContext.Value? {
        try call.optionalTensor(name, in: &context).map { try context.cast($0, to: x.fact.type.dtype) }
      }
      return try context.apply(op, x, try weight("gamma"), try weight("beta"))
    },
    OperationRule(.nn, "RMSNorm", ["x", "scale"]) { call, context in
      let x = try call.tensor("x", in: &context), rank = try context.rank(of: x)
      let axes = try (try call.ints("axis") ?? [-1]).map { try normalizeAxis($0, rank: rank) }.sorted()
      let op = RMSNormalizationOp(axes: axes, epsilon: try call.double("epsilon", default: 1e-7))
      return try context.apply(op, x, try call.optionalTensor("scale", in: &context).map { try context.cast($0, to: x.fact.type.dtype) })
    },
    OperationRule(.nn, "Normalize") { call, context in
      let x = try call.floating("x", in: &context), axes = try call.axes(rank: try context.rank(of: x))
      let epsilon = try call.double("epsilon", default: 1e-7), order = try call.int("order", default: 2)
      guard order == 1 || order == 2 || order > 2 && axes.count == 1 else { throw call.unsupported("a norm of order \(order)") }
      if order == 2 {
        let inverse = try context.apply(RsqrtOp(), try context.reduce(.sumSquare, x, axes: axes, keepDims: true))
        return try context.mul(x, try context.minimum(inverse, try context.scalar(1 / epsilon, like: x)))
      }
      let norm =
        try order == 1
        ? context.reduce(.l1, x, axes: axes, keepDims: true) : vectorNorm(x, Double(order), axis: axes[0], true, in: &context)
      return try context.div(x, try context.maximum(norm, try context.scalar(epsilon, like: x)))
    },
  ]

  private static let normalizationWriters: [OperationWriteRule] = [
    OperationWriteRule(LRNOp.self) { op, inputs, writer in
      let x = try inputs.at(0), dims = try x.dims(), axis = try normalizeAxis(op.axis, rank: dims.count)
      guard let channels = dims[axis].value, op.size >= 1, channels <= 1 << 12 else {
        throw OperationWriter.unsupported(op, "the number of its channels is unknown")
      }
      // Sums over neighbouring channels are a product with a band of ones.
      let before = (op.size - 1) / 2, after = op.size - 1 - before
      var band = [Float](repeating: 0, count: channels * channels)
      for c in 0..<channels { for j in max(0, c - before)...min(channels - 1, c + after) { band[j * channels + c] = 1 } }
      var order = Array(0..<dims.count)
      order.swapAt(axis, dims.count - 1)
      let square = try writer.transpose(try writer.unary("Square", x), order)
      let matrix = try writer.cast(writer.constant(NDArray(band, [channels, channels])), to: x.dtype)
      let sums = try writer.transpose(try writer.call(.numpy, "Matmul", [.tensor(square), .tensor(matrix)]), order)
      let scaled = try writer.binary("Multiply", sums, try writer.scalar(op.alpha / Double(op.size), like: x))
      let base = try writer.binary("Add", scaled, try writer.scalar(op.bias, like: x))
      return try writer.binary("Divide", x, try writer.binary("Power", base, try writer.scalar(op.beta, like: x)))
    },
    OperationWriteRule(
      BatchNormalizationOp.self,
      many: { op, inputs, writer in
        guard inputs.count >= 5, let x = inputs[0], let mean = inputs[3], let variance = inputs[4] else {
          throw GraphError(.wrongInputCount, "BatchNormalization takes five tensors")
        }
        return [
          try writer.call(
            .nn, "BatchNorm",
            [
              .tensor(x), .tensor(mean), .tensor(variance), inputs[2].map { .tensor($0) } ?? .json(nil),
              inputs[1].map { .tensor($0) } ?? .json(nil),
            ],
            ["axis": .int(op.axis), "epsilon": .double(op.epsilon)])
        ]
      }),
    OperationWriteRule(
      LayerNormalizationOp.self,
      many: { op, inputs, writer in
        guard let x = inputs.first ?? nil else { throw GraphError(.wrongInputCount, "LayerNormalization takes a tensor") }
        let rank = try x.rank(), axes = try op.axes.map { try normalizeAxis($0, rank: rank) }.sorted()
        let weights = inputs.dropFirst()
        // The operation takes weights over the trailing axes only.
        guard op.resultCount == 1, axes == Array((rank - axes.count)..<rank),
          weights.allSatisfy({ $0.map { $0.fact.type.shape.rank == axes.count } ?? true })
        else {
          return try op.decompose(inputs, in: &writer)
        }
        let gamma = inputs.count > 1 ? inputs[1] : nil, beta = inputs.count > 2 ? inputs[2] : nil
        return [
          try writer.call(
            .nn, "LayerNorm", [.tensor(x), gamma.map { .tensor($0) } ?? .json(nil), beta.map { .tensor($0) } ?? .json(nil)],
            ["axis": axes.count == 1 ? .int(axes[0]) : axes.configValue, "epsilon": .double(op.epsilon), "rms_scaling": false])
        ]
      }),
  ]
}

/// A transposed convolution as Keras pads it; see the layer `ConvTranspose`.
struct TransposedWindow {
  var before: [Int] = [], after: [Int] = [], extra: [Int] = []
  init(kernel: [Int], strides: [Int], dilations: [Int], isSame: Bool, outputPadding: [Int]?) {
    for axis in kernel.indices {
      let span = (kernel[axis] - 1) * dilations[axis] + 1, given = outputPadding?[axis]
      guard isSame else {
        before.append(0)
        after.append(0)
        extra.append(given ?? max(0, strides[axis] - span))
        continue
      }
      let total = given.map { span + span % 2 - 2 + $0 } ?? strides[axis] + span - 2
      let left = min(total / 2 + total % 2, span - 1), right = total - left
      before.append(span - 1 - left)
      after.append(max(0, span - 1 - right))
      extra.append(max(0, right - (span - 1)))
    }
  }
}

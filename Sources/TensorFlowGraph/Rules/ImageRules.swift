import GraphWriting
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let imageRules: [NodeRule] =
  imageRegionRules + [
    .rule(
      "ResizeBilinear", ResizeOp.self, read: { n, g in [try readResize(.linear, n, &g)] },
      write: { op, x, w in [try writeResize(op, x, &w)] }),
    .reads("ResizeNearestNeighbor") { n, g in [try readResize(.nearest, n, &g)] },
    .reads("ResizeBicubic") { n, g in [try readResize(.cubic, n, &g)] },
    .reads("NonMaxSuppression") { n, g in
      let threshold = try g.constant(NDArray(scalar: Float(try n.float("iou_threshold"))))
      return [try suppressed(n, &g, overlap: threshold, score: nil)]
    },
    .reads("NonMaxSuppressionV2") { n, g in [try suppressed(n, &g, overlap: try n.input(3), score: nil)] },
    .reads("NonMaxSuppressionV3") { n, g in [try suppressed(n, &g, overlap: try n.input(3), score: try n.input(4))] },
    .reads("NonMaxSuppressionV4") { n, g in
      let indices = try suppressed(n, &g, overlap: try n.input(3), score: try n.input(4))
      let count = try g.cast(try g.apply(SizeOp(), indices), to: .int32)
      return [try n.flag("pad_to_max_output_size") ? try n.filledUp(indices, &g) : indices, count]
    },
    .reads("NonMaxSuppressionV5") { n, g in
      guard g.fact(of: try n.input(5)).scalar == 0 else {
        let picked = try g.apply(SoftSuppressionOp(), to: n.inputs), count = try g.cast(try g.apply(SizeOp(), picked[0]), to: .int32)
        return try n.flag("pad_to_max_output_size") ? picked.map { try n.filledUp($0, &g) } + [count] : picked + [count]
      }
      let indices = try suppressed(n, &g, overlap: try n.input(3), score: try n.input(4))
      let scores = try g.gather(try n.input(1), indices, axis: 0), count = try g.cast(try g.apply(SizeOp(), indices), to: .int32)
      guard try n.flag("pad_to_max_output_size") else { return [indices, scores, count] }
      return [try n.filledUp(indices, &g), try n.filledUp(scores, &g), count]
    },
    .rule(
      "CombinedNonMaxSuppression", CombinedNonMaxSuppressionOp.self,
      read: { n, g in
        let op = CombinedNonMaxSuppressionOp(
          maxPerClass: try n.constantInt(2, in: g), maxTotal: try n.constantInt(3, in: g),
          overlapThreshold: try n.constantScalar(4, in: g), scoreThreshold: try n.constantScalar(5, in: g),
          padsPerClass: try n.flag("pad_per_class"), clipsBoxes: try n.flag("clip_boxes"))
        return try g.apply(op, to: [try n.input(0), try n.input(1)])
      },
      write: { op, x, w in
        try w.emit(
          "CombinedNonMaxSuppression",
          [
            try x.required(0), try x.required(1), try w.int32(op.maxPerClass), try w.int32(op.maxTotal),
            try w.scalar(op.overlapThreshold, dtype: .float32), try w.scalar(op.scoreThreshold, dtype: .float32),
          ], ["pad_per_class": .bool(op.padsPerClass), "clip_boxes": .bool(op.clipsBoxes)], types: try w.types(op, x))
      }),
    .writes(SoftSuppressionOp.self) { op, x, w in
      let limit = try w.cast(try w.asScalar(try x.required(2)), to: .int32), places = TensorType(.int32, .ranked([.unknown]))
      let numbers = try (3..<6).map { try w.cast(try w.asScalar(try x.required($0)), to: .float32) }
      let boxes = try w.cast(try x.required(0), to: .float32), scores = try w.cast(try x.required(1), to: .float32)
      let picked = try w.emit(
        "NonMaxSuppressionV5", [boxes, scores, limit] + numbers,
        types: [places, TensorType(.float32, .ranked([.unknown])), TensorType(.int32, [])])
      return Array(picked.prefix(2))
    },
    .writes(NonMaxSuppressionOp.self) { op, x, w in [try writeSuppression(op, x, &w)] },
    .reads("AdjustContrastv2") { n, g in
      let x = try n.input(0), mean = try g.reduce(.mean, x, axes: [-3, -2], keepDims: true)
      let factor = try g.cast(try n.input(1), to: g.type(of: x).dtype)
      return [try g.add(try g.mul(try g.sub(x, mean), factor), mean)]
    },
    .reads("RGBToHSV") { n, g in [try g.hsv(of: try n.input(0))] },
    .reads("HSVToRGB") { n, g in [try g.rgb(of: try n.input(0))] },
    .reads("AdjustSaturation") { n, g in
      let x = try n.input(0), parts = try g.channels(try g.hsv(of: x))
      let scaled = try g.clip(try g.mul(parts[1], try g.cast(try n.input(1), to: g.type(of: x).dtype)), min: 0, max: 1)
      return [try g.rgb(of: try g.concat([parts[0], scaled, parts[2]], axis: -1))]
    },
    .reads("AdjustHue") { n, g in
      let x = try n.input(0), parts = try g.channels(try g.hsv(of: x))
      let turned = try g.add(parts[0], try g.cast(try n.input(1), to: g.type(of: x).dtype))
      let hue = try g.sub(turned, try g.apply(FloorOp(), turned))
      return [try g.rgb(of: try g.concat([hue, parts[1], parts[2]], axis: -1))]
    },
    .rule(
      "DepthToSpace", DepthToSpaceOp.self,
      read: { n, g in
        [try g.apply(DepthToSpaceOp(blockSize: try n.int("block_size"), layout: try n.layout()), try n.input(0))]
      },
      write: { op, x, w in
        var input = try w.channelsLast(try x.required(0), op.layout)
        if op.mode == .crd, let channels = input.type.shape.dims?.last?.value {
          // The rest of the channels runs slowest there: it is moved behind the block.
          let block = op.blockSize * op.blockSize
          guard block > 0, channels % block == 0 else { throw UnsupportedError("\(channels) channels by blocks of \(block)") }
          let order = (0..<channels).map { Int64($0 % (channels / block) * block + $0 / (channels / block)) }
          input = try w.gather(input, try w.constant(NDArray(order, [channels])), axis: 3)
        } else if op.mode == .crd {
          throw UnsupportedError("DepthToSpace of an unknown number of channels")
        }
        var last = op
        (last.layout, last.mode) = (.channelsLast, .dcr)
        let y = try w.emit("DepthToSpace", [input], ["block_size": .int(op.blockSize)], as: try last.infer([input.fact])[0])
        return [try w.restored(y, op.layout)]
      }),
    .rule(
      "SpaceToDepth", SpaceToDepthOp.self,
      read: { n, g in
        [try g.apply(SpaceToDepthOp(blockSize: try n.int("block_size"), layout: try n.layout()), try n.input(0))]
      },
      write: { op, x, w in
        let input = try w.channelsLast(try x.required(0), op.layout)
        var last = op
        last.layout = .channelsLast
        let type = try last.infer([input.fact])[0]
        if w.dialect == .tensorFlow {
          return [try w.restored(try w.emit("SpaceToDepth", [input], ["block_size": .int(op.blockSize)], as: type), op.layout)]
        }
        // TensorFlow.js: by its axes.
        guard let dims = input.type.shape.dims, let height = dims[1].value, let width = dims[2].value, let channels = dims[3].value else {
          throw UnsupportedError("SpaceToDepth of unknown extents")
        }
        let b = op.blockSize
        let split = try w.reshape(input, [-1, height / b, b, width / b, b, channels])
        let moved = try w.transpose(split, [0, 1, 3, 2, 4, 5])
        return [try w.restored(try w.reshape(moved, [-1, height / b, width / b, b * b * channels]), op.layout)]
      }),
    .reads("ExtractImagePatches") { n, g in
      let x = try n.input(0), dtype = g.type(of: x).dtype
      if !dtype.isFloatingPoint { return [try n.patches(2, strides: "strides", rates: "rates", &g)] }
      let kernel = try n.window("ksizes", 2, .channelsLast), area = kernel[0] * kernel[1]
      guard let channels = g.type(of: x).shape.dims?.last?.value, area <= 1024, channels > 0, area * channels <= 1 << 20 else {
        throw UnsupportedError("patches of an unknown number of channels")
      }
      // Each element of the window is a filter of its own, for each channel.
      var identity = [Float](repeating: 0, count: area * channels * area)
      for place in 0..<area { for channel in 0..<channels { identity[(place * channels + channel) * area + place] = 1 } }
      let wide: DType = dtype == .float64 ? .float64 : .float32
      let filters = try g.cast(try g.constant(NDArray(identity, [kernel[0], kernel[1], 1, channels * area])), to: wide)
      let op = ConvOp(
        strides: try n.window("strides", 2, .channelsLast), dilations: try n.window("rates", 2, .channelsLast),
        padding: try n.padding(2, .channelsLast), groups: channels, layout: .channelsLast, kernelLayout: .spatialInputOutput)
      let y = try g.apply(op, try g.cast(x, to: wide), filters)
      let moved = try g.transpose(try g.reshape(y, [0, 0, 0, channels, area]), [0, 1, 2, 4, 3])
      return [try g.cast(try g.reshape(moved, [0, 0, 0, area * channels]), to: dtype)]
    },
    .reads("ExtractVolumePatches") { n, g in [try n.patches(3, strides: "strides", rates: nil, &g)] },
  ]

// MARK: Non-maximum suppression

/// Boxes `[B, 4]` and scores `[B]` as one batch and one class.
private func suppressed(_ n: NodeReader, _ g: inout GraphContext, overlap: ValueID, score: ValueID?) throws -> ValueID {
  let boxes = try g.unsqueeze(try n.input(0), [0]), scores = try g.unsqueeze(try n.input(1), [0, 1])
  let limit = try g.cast(try n.input(2), to: .int64)
  let picked = try g.apply(NonMaxSuppressionOp(), boxes, scores, limit, overlap, score)
  return try g.cast(try g.squeeze(try g.slice(picked, axis: 1, start: 2, end: 3), [1]), to: .int32)
}

extension NodeReader {
  /// The vector, with zeros up to `max_output_size`.
  fileprivate func filledUp(_ values: ValueID, _ g: inout GraphContext) throws -> ValueID {
    let limit = try g.reshape(try g.cast(try input(2), to: .int64), [1])
    let missing = try g.sub(limit, try g.shape(of: values))
    let none = try NDArray([0.0], [1]).cast(to: g.type(of: values).dtype, in: ExecutionContext(primitives: ReferencePrimitives()))
    return try g.concat([values, try g.apply(ConstantOfShapeOp(value: none), missing)], axis: 0)
  }
}

/// One op for each batch and class.
private func writeSuppression(_ op: NonMaxSuppressionOp, _ x: RuleInputs, _ w: inout NodeWriter) throws -> OutValue {
  var boxes = try w.cast(try x.required(0), to: .float32)
  let scores = try w.cast(try x.required(1), to: .float32)
  guard let dims = scores.type.shape.dims, dims.count == 3, let batches = dims[0].value, let classes = dims[1].value,
    batches * classes <= 1024
  else { throw UnsupportedError("non-maximum suppression over unknown batches or classes") }
  if op.centerPointBox {
    let middle = try w.slice(boxes, axis: 2, start: 0, end: 2), size = try w.slice(boxes, axis: 2, start: 2, end: 4)
    let half = try w.mul(size, try w.scalar(0.5, like: size)), order = try w.ints([1, 0])
    boxes = try w.concat(
      [try w.gather(try w.sub(middle, half), order, axis: 2), try w.gather(try w.add(middle, half), order, axis: 2)], axis: 2)
  }
  let limit =
    try x[2].map { limit in
      // "All of them" is the largest int64 in ONNX.
      if let known = limit.fact.integers?.first { return try w.int32(min(known, Int(Int32.max))) }
      let given = try w.cast(try w.asScalar(limit), to: .int64)
      return try w.cast(try w.minimum(given, try w.constant(NDArray(scalar: Int64(Int32.max)))), to: .int32)
    } ?? w.int32(0)
  let overlap = try x[3].map { try w.cast(try w.asScalar($0), to: .float32) } ?? w.scalar(0, dtype: .float32)
  let least =
    try x[4].map { try w.cast(try w.asScalar($0), to: .float32) } ?? w.scalar(-Double(Float.greatestFiniteMagnitude), dtype: .float32)
  var rows: [OutValue] = []
  for batch in 0..<batches {
    let own = try w.squeeze(try w.slice(boxes, axis: 0, start: batch, end: batch + 1), [0])
    for name in 0..<classes {
      let part = try w.slice(try w.slice(scores, axis: 0, start: batch, end: batch + 1), axis: 1, start: name, end: name + 1)
      let picked = try w.emit(
        "NonMaxSuppressionV3", [own, try w.squeeze(part, [0, 1]), limit, overlap, least], as: TensorType(.int32, .ranked([.unknown])))
      let column = try w.unsqueeze(try w.cast(picked, to: .int64), [1]), none = try w.sub(column, column)
      let first = try w.add(none, try w.constant(NDArray(scalar: Int64(batch))))
      let second = try w.add(none, try w.constant(NDArray(scalar: Int64(name))))
      rows.append(try w.concat([first, second, column], axis: 1))
    }
  }
  guard !rows.isEmpty else { return try w.constant(NDArray([Int64](), [0, 3])) }
  return try w.concat(rows, axis: 0)
}

// MARK: Colours

extension OpContext {
  /// The three channels of the last axis, each keeping it.
  fileprivate mutating func channels(_ x: Value) throws -> [Value] {
    try (0..<3).map { try slice(x, axis: -1, start: $0, end: $0 + 1) }
  }

  /// Hue, saturation and value of RGB in 0…1 (Smith, 1978), as TensorFlow computes them.
  fileprivate mutating func hsv(of x: Value) throws -> Value {
    let parts = try channels(x), red = parts[0], green = parts[1], blue = parts[2]
    let value = try maximum(try maximum(red, green), blue)
    let range = try sub(value, try minimum(try minimum(red, green), blue))
    let zero = try scalar(0, like: x), one = try scalar(1, like: x)
    let saturation = try select(try apply(GreaterOp(), value, zero), try div(range, value), zero)
    let unit = try div(one, try mul(try scalar(6, like: x), range))
    let fromRed = try mul(unit, try sub(green, blue))
    let fromGreen = try add(try mul(unit, try sub(blue, red)), try scalar(2.0 / 6, like: x))
    let fromBlue = try add(try mul(unit, try sub(red, green)), try scalar(4.0 / 6, like: x))
    let isRed = try apply(EqualOp(), red, value), isGreen = try apply(EqualOp(), green, value)
    let any = try select(isRed, fromRed, try select(isGreen, fromGreen, fromBlue))
    let positive = try select(try apply(LessOp(), any, zero), try add(any, one), any)
    let hue = try select(try apply(GreaterOp(), range, zero), positive, zero)
    return try concat([hue, saturation, value], axis: -1)
  }

  /// RGB of hue, saturation and value.
  fileprivate mutating func rgb(of x: Value) throws -> Value {
    let parts = try channels(x), zero = try scalar(0, like: x), one = try scalar(1, like: x)
    let chroma = try mul(parts[1], parts[2]), base = try sub(parts[2], chroma), turn = try mul(parts[0], try scalar(6, like: x))
    func clamped(_ value: Value) throws -> Value { try minimum(try maximum(value, zero), one) }
    func distance(_ place: Double) throws -> Value { try apply(AbsOp(), try sub(turn, try scalar(place, like: x))) }
    let red = try clamped(try sub(try distance(3), one))
    let green = try clamped(try sub(try scalar(2, like: x), try distance(2)))
    let blue = try clamped(try sub(try scalar(2, like: x), try distance(4)))
    return try concat(try [red, green, blue].map { try add(try mul($0, chroma), base) }, axis: -1)
  }
}

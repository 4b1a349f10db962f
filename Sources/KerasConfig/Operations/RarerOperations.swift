import Foundation
import ModelGraph
import ModelOps
import ModelTensor

/// Operations of `keras.ops.numpy`, `nn` and `image` that several canonical ops spell, met less often.
extension OperationRules {
  static let rarer = OperationFamily(rules: arrayRules + colourRules + [psnr, blur])

  private typealias Value = RecordingContext.Value

  private static let arrayRules: [OperationRule] = [
    OperationRule(.numpy, "Rot90", ["array"]) { call, context in
      let x = try call.tensor("array", in: &context), rank = try context.rank(of: x)
      let axes = try (try call.ints("axes") ?? [0, 1]).map { try normalizeAxis($0, rank: rank) }
      guard axes.count == 2, axes[0] != axes[1] else { throw call.mismatch("axes", "two axes") }
      var order = Array(0..<rank)
      order.swapAt(axes[0], axes[1])
      switch ((try call.int("k", default: 1) % 4) + 4) % 4 {
      case 1: return try context.transpose(try context.apply(ReverseOp(axes: [axes[1]]), x), order)
      case 2:
        // Keras's TensorFlow backend mixes rows with columns there, the others turn them.
        guard let dims = x.fact.type.shape.dims, dims[axes[0]].value == dims[axes[1]].value, dims[axes[0]].value != nil else {
          throw call.unsupported("by a half turn of what is not square: Keras's backends differ")
        }
        return try context.apply(ReverseOp(axes: axes), x)
      case 3: return try context.apply(ReverseOp(axes: [axes[1]]), try context.transpose(x, order))
      default: return x
      }
    },
    OperationRule(
      .numpy, "Meshgrid", ["*x"],
      many: { call, context in
        let lines = try call.tensors("x", in: &context).map { try context.reshape($0, [-1]) }
        var places = Array(lines.indices)
        if try call.string("indexing") != "ij", lines.count >= 2 { places.swapAt(0, 1) }
        var extents: [Value] = []
        for place in lines.indices {
          let line = places.firstIndex(of: place) ?? place
          extents.append(try context.dim(of: lines[line], 0))
        }
        let shape = try context.concat(extents, axis: 0)
        return try lines.enumerated().map { index, line in
          var wide = Array(repeating: 1, count: lines.count)
          wide[places[index]] = -1
          return try context.expand(try context.reshape(line, wide), to: shape)
        }
      }),
    OperationRule(.numpy, "Kron", ["x1", "x2"]) { call, context in
      let operands = try call.promoted(["x1", "x2"], in: &context), rank = try context.rank(of: operands[0])
      guard let a = operands[0].fact.type.shape.dims, let b = operands[1].fact.type.shape.dims, a.count == b.count, rank > 0 else {
        throw call.unsupported("of tensors of different ranks")
      }
      let extents = zip(a, b).map { p, q in p.value.flatMap { p in q.value.map { p * $0 } } }
      guard extents.count(where: { $0 == nil }) <= 1 else { throw call.unsupported("with several open axes") }
      let product = try context.mul(
        try context.unsqueeze(operands[0], (0..<rank).map { 2 * $0 + 1 }), try context.unsqueeze(operands[1], (0..<rank).map { 2 * $0 }))
      return try context.reshape(product, extents.map { $0 ?? -1 })
    },
    OperationRule(.numpy, "SearchSorted", ["sorted_sequence", "values"]) { call, context in
      let operands = try call.promoted(["sorted_sequence", "values"], in: &context), rank = try context.rank(of: operands[1])
      let wide = try context.unsqueeze(operands[1], [rank])
      let isRight = try call.string("side") == "right"
      let passed = try context.apply(isRight ? LessOrEqualOp() : LessOp() as any Op, to: [operands[0], wide]).at(0)
      return try context.reduce(.sum, try context.cast(passed, to: .int32), axes: [rank])
    },
    quantile("Quantile", whole: 1), quantile("Percentile", whole: 100),
  ]

  /// What a part of all elements, of `whole`, is below.
  private static func quantile(_ className: String, whole: Double) -> OperationRule {
    OperationRule(.numpy, className, ["x", "q"]) { call, context in
      var x = try call.floating("x", in: &context)
      let rank = try context.rank(of: x), given = try call.ints("axis"), q = try call.tensor("q", in: &context)
      guard given == nil || given?.count == 1 else { throw call.unsupported("over several axes") }
      guard let places = try q.fact.constant?.array().doubles(), places.allSatisfy(\.isFinite),
        q.fact.type.shape.extents.map({ $0.count <= 1 }) ?? false
      else {
        throw call.unsupported("of other than fixed parts")
      }
      if given == nil { x = try context.reshape(x, [-1]) }
      let axis = try normalizeAxis(given?.first ?? 0, rank: try context.rank(of: x)), keep = try call.bool("keepdims")
      guard let extent = x.fact.type.shape.dims?[axis].value, extent > 0 else { throw call.unsupported("along an axis of unknown length") }
      let sorted = try context.apply(TopKOp(axis: axis, largest: false), to: [x, try context.ints([extent])]).at(0)
      let parts = try places.map { place -> Value in
        // Keras's TensorFlow backend interpolates, whatever the method.
        let position = min(max(place / whole, 0), 1) * Double(extent - 1), low = Int(position), high = min(low + 1, extent - 1)
        let below = try context.slice(sorted, axis: axis, start: low, end: low + 1)
        let above = try context.slice(sorted, axis: axis, start: high, end: high + 1)
        let step = try context.mul(try context.sub(above, below), try context.scalar(position - Double(low), like: below))
        let y = try context.add(below, step)
        if !keep { return try context.squeeze(y, [axis]) }
        return given == nil ? try context.reshape(y, Array(repeating: 1, count: rank)) : y
      }
      guard q.fact.type.shape.dims?.isEmpty == false else { return try parts.at(0) }
      return try context.concat(try parts.map { try context.unsqueeze($0, [0]) }, axis: 0)
    }
  }

  private static let psnr = OperationRule(.nn, "PSNR", ["x1", "x2"]) { call, context in
    let a = try call.floating("x1", in: &context), b = try call.floating("x2", in: &context)
    guard let most = try call.double("max_val"), most > 0 else { throw call.mismatch("max_val", "a positive number") }
    let error = try context.reduce(.mean, try context.apply(SquareOp(), try context.sub(a, b)), axes: nil)
    let decibels = try context.mul(try context.apply(LogOp(), error), try context.scalar(-10 / log(10), like: error))
    return try context.add(decibels, try context.scalar(20 * log10(most), like: error))
  }

  private static let blur = OperationRule(.image, "GaussianBlur", ["images"]) { call, context in
    let x = try call.floating("images", in: &context), layout = try call.layout()
    guard try context.rank(of: x) == 4, let channels = x.fact.type.shape.dims?[layout.channelAxis(rank: 4)].value,
      let size = try call.perAxis("kernel_size", count: 2, default: 3), size.allSatisfy({ (1...256).contains($0) }), channels <= 1 << 12
    else { throw call.unsupported("of other than batches of images") }
    let sigma = call.option("sigma")?.arrayValue?.compactMap(\.doubleValue) ?? [1, 1]
    guard sigma.count == 2, sigma.allSatisfy({ $0 > 0 }) else { throw call.mismatch("sigma", "two positive numbers") }
    func line(_ axis: Int) -> [Double] {
      let values = (0..<size[axis]).map { exp(-0.5 * pow((Double($0) - Double(size[axis] - 1) / 2) / sigma[axis], 2)) }
      let sum = values.reduce(0, +)
      return values.map { $0 / sum }
    }
    let rows = line(1), columns = line(0)
    let kernel = rows.flatMap { row in columns.flatMap { Array(repeating: Float(row * $0), count: channels) } }
    let constant = try context.cast(
      try context.constant(NDArray(kernel, size + [1, channels])), to: x.fact.type.dtype)
    return try context.apply(ConvOp(padding: .same, groups: channels, layout: layout, kernelLayout: .spatialInputOutput), x, constant)
  }

  // MARK: Colours

  private static func colours(_ call: OperationCall, in context: inout RecordingContext) throws -> (x: Value, axis: Int, parts: [Value]) {
    let x = try call.floating("images", in: &context), rank = try context.rank(of: x)
    let axis = try call.layout() == .channelsLast ? rank - 1 : rank - 3
    guard axis >= 0, x.fact.type.shape.dims?[axis] == .fixed(3) else { throw call.unsupported("of other than three channels") }
    return (x, axis, try (0..<3).map { try context.slice(x, axis: axis, start: $0, end: $0 + 1) })
  }

  private static let colourRules: [OperationRule] = [
    OperationRule(.image, "RGBToHSV", ["images"]) { call, context in
      let (x, axis, parts) = try colours(call, in: &context), zero = try context.scalar(0, like: x), one = try context.scalar(1, like: x)
      let value = try context.reduce(.max, x, axes: [axis], keepDims: true)
      let range = try context.sub(value, try context.reduce(.min, x, axes: [axis], keepDims: true))
      let isLit = try context.apply(GreaterOp(), value, zero), isColoured = try context.apply(GreaterOp(), range, zero)
      let saturation = try context.select(isLit, try context.div(range, try context.select(isLit, value, one)), zero)
      let unit = try context.div(one, try context.mul(try context.select(isColoured, range, one), try context.scalar(6, like: x)))
      func side(_ a: Int, _ b: Int, _ offset: Double, in context: inout RecordingContext) throws -> Value {
        let step = try context.mul(unit, try context.sub(parts[a], parts[b]))
        return offset == 0 ? step : try context.add(step, try context.scalar(offset, like: x))
      }
      let onGreen = try context.select(
        try context.apply(EqualOp(), parts[1], value), try side(2, 0, 2.0 / 6, in: &context), try side(0, 1, 4.0 / 6, in: &context))
      var hue = try context.select(try context.apply(EqualOp(), parts[0], value), try side(1, 2, 0, in: &context), onGreen)
      hue = try context.select(isColoured, hue, zero)
      hue = try context.select(try context.apply(LessOp(), hue, zero), try context.add(hue, one), hue)
      return try context.concat([hue, saturation, value], axis: axis)
    },
    OperationRule(.image, "HSVToRGB", ["images"]) { call, context in
      let (x, axis, parts) = try colours(call, in: &context)
      let turn = try context.mul(parts[0], try context.scalar(6, like: x)), one = try context.scalar(1, like: x)
      func channel(_ centre: Double, isRed: Bool, in context: inout RecordingContext) throws -> Value {
        let away = try context.apply(AbsOp(), try context.sub(turn, try context.scalar(centre, like: x)))
        let level =
          isRed ? try context.sub(away, one) : try context.sub(try context.scalar(2, like: x), away)
        let shade = try context.mul(parts[1], try context.clip(level, min: 0, max: 1))
        return try context.mul(try context.add(try context.sub(one, parts[1]), shade), parts[2])
      }
      return try context.concat(
        [
          try channel(3, isRed: true, in: &context), try channel(2, isRed: false, in: &context), try channel(4, isRed: false, in: &context),
        ], axis: axis)
    },
  ]
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Operations made of several canonical ops.
extension OperationRules {
  static let further = OperationFamily(rules: classRules + elementRules + orderRules + nanRules)

  private typealias Value = RecordingContext.Value

  private static func oneHot(_ x: Value, _ depth: Int, axis: Int, _ dtype: DType, in context: inout RecordingContext) throws -> Value {
    let x = try context.cast(x, to: .int64)
    let safe = try context.select(
      try context.apply(LessOp(), x, try context.scalar(0, like: x)), try context.scalar(Double(depth), like: x), x)
    let pair = try context.cast(try context.constant(NDArray([Float(0), 1], [2])), to: dtype)
    return try context.apply(OneHotOp(axis: axis), safe, try context.scalar(Double(depth), dtype: .int64), pair)
  }

  private static let classRules: [OperationRule] = [
    OperationRule(.nn, "MultiHot", ["inputs"]) { call, context in
      let x = try call.tensor("inputs", in: &context), rank = try context.rank(of: x)
      guard let depth = try call.int("num_classes") ?? call.int("num_tokens"), depth >= 0 else {
        throw call.mismatch("num_classes", "a count")
      }
      let axis = try call.axis(rank: rank + 1, default: -1)
      let hot = try oneHot(x, depth, axis: axis, try call.dtype() ?? .float32, in: &context)
      return try context.reduce(.max, hot, axes: [rank > 1 ? 1 : 0])
    },
    OperationRule(.math, "InTopK", ["targets", "predictions"]) { call, context in
      let targets = try context.cast(try call.tensor("targets", in: &context), to: .int64)
      let scores = try call.tensor("predictions", in: &context)
      guard let k = try call.int("k") else { throw call.mismatch("k", "a count") }
      guard let classes = scores.fact.type.shape.dims?.last?.value, classes > 0 else {
        throw call.unsupported("of an unknown number of classes")
      }
      // A class that is none, or whose score is none, is not among them.
      let known = try context.clip(targets, min: 0, max: Double(classes - 1))
      let own = try context.apply(GatherElementsOp(axis: 1), scores, try context.unsqueeze(known, [1]))
      let better = try context.cast(try context.apply(GreaterOp(), scores, own), to: .int32)
      let count = try context.reduce(.sum, better, axes: [1])
      let isFirst = try context.apply(LessOp(), count, try context.scalar(Double(k), like: count))
      return try context.apply(LogicalAndOp(), isFirst, try context.apply(EqualOp(), known, targets))
    },
    OperationRule(.nn, "CategoricalCrossentropy", ["target", "output"]) { call, context in
      let target = try call.floating("target", in: &context)
      var output = try context.cast(try call.tensor("output", in: &context), to: target.fact.type.dtype)
      let axis = try call.axis(rank: try context.rank(of: output), default: -1)
      if try call.bool("from_logits") {
        output = try context.apply(LogSoftmaxOp(axis: axis), output)
      } else {
        output = try context.div(output, try context.reduce(.sum, output, axes: [axis], keepDims: true))
        output = try context.apply(LogOp(), try context.clip(output, min: 1e-7, max: 1 - 1e-7))
      }
      return try context.apply(NegOp(), try context.reduce(.sum, try context.mul(target, output), axes: [axis]))
    },
    OperationRule(.nn, "SparseCategoricalCrossentropy", ["target", "output"]) { call, context in
      var target = try context.cast(try call.tensor("target", in: &context), to: .int64), output = try call.floating("output", in: &context)
      let rank = try context.rank(of: output)
      guard rank >= 1, try call.axis(rank: rank, default: -1) == rank - 1 else { throw call.unsupported("along other axes than the last") }
      if try context.rank(of: target) == rank - 1 { target = try context.unsqueeze(target, [rank - 1]) }
      if try !call.bool("from_logits") { output = try context.apply(LogOp(), try context.clip(output, min: 1e-7, max: 1 - 1e-7)) }
      let logs = try context.apply(LogSoftmaxOp(axis: rank - 1), output)
      let own = try context.apply(GatherElementsOp(axis: rank - 1), logs, target)
      return try context.apply(NegOp(), try context.squeeze(own, [rank - 1]))
    },
    OperationRule(.nn, "BinaryCrossentropy", ["target", "output"]) { call, context in
      let target = try call.floating("target", in: &context)
      var output = try context.cast(try call.tensor("output", in: &context), to: target.fact.type.dtype)
      if try call.bool("from_logits") {
        // max(x, 0) − x·z + log(1 + exp(−|x|)): exact where the sigmoid is all but 0 or 1.
        let decay = try context.apply(ExpOp(), try context.apply(NegOp(), try context.apply(AbsOp(), output)))
        let height = try context.sub(try context.apply(ReluOp(), output), try context.mul(output, target))
        return try context.add(height, try context.apply(Log1pOp(), decay))
      }
      output = try context.clip(output, min: 1e-7, max: 1 - 1e-7)
      let one = try context.scalar(1, like: output)
      let there = try context.mul(target, try context.apply(LogOp(), output))
      let not = try context.mul(try context.sub(one, target), try context.apply(LogOp(), try context.sub(one, output)))
      return try context.apply(NegOp(), try context.add(there, not))
    },
  ]

  private static func reversed(_ className: String, axis: Int) -> OperationRule {
    OperationRule(.numpy, className) { call, context in try context.apply(ReverseOp(axes: [axis]), try call.tensor("x", in: &context)) }
  }

  private static func cumprod(_ className: String) -> OperationRule {
    OperationRule(.numpy, className) { call, context in
      var x = try call.tensor("x", in: &context)
      if className.hasPrefix("Nan") { x = try context.withoutNaN(x, 1) }
      if let dtype = try call.dtype() { x = try context.cast(x, to: dtype) }
      if x.fact.type.dtype == .bool { x = try context.cast(x, to: .int32) }
      let given = try call.int("axis")
      if given == nil { x = try context.reshape(x, [-1]) }
      let axis = try normalizeAxis(given ?? 0, rank: try context.rank(of: x))
      guard let extent = x.fact.type.shape.dims?[axis].value, (1...512).contains(extent) else {
        throw call.unsupported("along an axis of no known or of great length")
      }
      // Doubling: after step `s` each element holds the product of the last `2·s` ones.
      var step = 1
      while step < extent {
        let head = try context.slice(x, axis: axis, start: 0, end: step)
        let product = try context.mul(
          try context.slice(x, axis: axis, start: step, end: extent), try context.slice(x, axis: axis, start: 0, end: extent - step))
        x = try context.concat([head, product], axis: axis)
        step *= 2
      }
      return x
    }
  }

  private static let elementRules: [OperationRule] = [
    reversed("Flipud", axis: 0), reversed("Fliplr", axis: 1),
    cumprod("Cumprod"), cumprod("Nancumprod"),
    OperationRule(.numpy, "Digitize", ["x", "bins"]) { call, context in
      let x = try call.tensor("x", in: &context)
      guard let json = call.option("bins"),
        let bins = json.arrayValue?.compactMap(\.doubleValue) ?? (try? ArrayConfig.read(json))?.doubles()
      else {
        throw call.mismatch("bins", "numbers")
      }
      let row = try context.cast(try context.constant(NDArray(bins, [bins.count])), to: x.fact.type.dtype.kerasFloat)
      let wide = try context.unsqueeze(try context.cast(x, to: x.fact.type.dtype.kerasFloat), [try context.rank(of: x)])
      let passed = try context.cast(try context.apply(GreaterOrEqualOp(), wide, row), to: .int32)
      return try context.reduce(.sum, passed, axes: [try context.rank(of: x)])
    },
    OperationRule(.numpy, "Cross", ["x1", "x2"]) { call, context in
      let operands = try call.promoted(["x1", "x2"], in: &context)
      let axis = try call.int("axis")
      guard axis == nil || axis == -1, try call.int("axisc", default: -1) == -1,
        operands.allSatisfy({ $0.fact.type.shape.dims?.last == .fixed(3) })
      else { throw call.unsupported("along other axes than the last, or of vectors that are not of length 3") }
      func turned(_ x: Value, _ order: [Int], _ context: inout RecordingContext) throws -> Value {
        try context.gather(x, try context.ints(order), axis: try context.rank(of: x) - 1)
      }
      let a = try context.mul(try turned(operands[0], [1, 2, 0], &context), try turned(operands[1], [2, 0, 1], &context))
      let b = try context.mul(try turned(operands[0], [2, 0, 1], &context), try turned(operands[1], [1, 2, 0], &context))
      return try context.sub(a, b)
    },
    OperationRule(.numpy, "Logaddexp2", ["x1", "x2"]) { call, context in
      let operands = try call.promoted(["x1", "x2"], float: true, in: &context)
      let ln2 = try context.scalar(0.6931471805599453, like: operands[0])
      let high = try context.maximum(operands[0], operands[1]), low = try context.minimum(operands[0], operands[1])
      let power = try context.apply(ExpOp(), try context.mul(try context.sub(low, high), ln2))
      let log = try context.apply(LogOp(), try context.add(power, try context.scalar(1, like: high)))
      return try context.add(high, try context.div(log, ln2))
    },
    OperationRule(.numpy, "Ldexp", ["x1", "x2"]) { call, context in
      let x = try call.floating("x1", in: &context)
      let exponent = try context.cast(try call.tensor("x2", in: &context), to: x.fact.type.dtype)
      return try context.mul(x, try context.pow(try context.scalar(2, like: x), exponent))
    },
    OperationRule(.numpy, "IsIn", ["x1", "x2"]) { call, context in
      let operands = try call.promoted(["x1", "x2"], in: &context), rank = try context.rank(of: operands[0])
      let wide = try context.unsqueeze(operands[0], [rank])
      let equal = try context.apply(EqualOp(), wide, try context.reshape(operands[1], [-1]))
      let found = try context.reduce(.any, equal, axes: [rank])
      return try call.bool("invert") ? try context.apply(LogicalNotOp(), found) : found
    },
    OperationRule(.image, "ExtractPatches", ["images"]) { call, context in
      let x = try call.tensor("images", in: &context)
      let layout = try call.layout()
      guard try context.rank(of: x) == 4, let size = try call.perAxis("size", count: 2, default: nil), layout == .channelsLast,
        let channels = x.fact.type.shape.dims?.last?.value, size.allSatisfy({ $0 > 0 }),
        let count = checkedProduct(size + [channels, channels]),
        count <= 1 << 24
      else { throw call.unsupported("of other than images with the channels last") }
      let strides = try call.perAxis("strides", count: 2, default: nil) ?? size
      let dilations = try call.perAxis("dilation_rate", count: 2) ?? [1, 1]
      // A convolution whose every filter picks one element.
      let width = size[0] * size[1] * channels
      var filter = [Float](repeating: 0, count: width * width)
      for index in 0..<width { filter[index * width + index] = 1 }
      let kernel = try context.cast(try context.constant(NDArray(filter, [size[0], size[1], channels, width])), to: x.fact.type.dtype)
      let op = ConvOp(
        strides: strides, dilations: dilations, padding: try call.string("padding") == "same" ? .same : .valid, groups: 1,
        layout: .channelsLast,
        kernelLayout: .spatialInputOutput)
      return try context.apply(op, x, kernel)
    },
  ]

  private static let orderRules: [OperationRule] = [
    segments("SegmentSum", .sum, empty: 0), segments("SegmentMax", .max, empty: -.infinity), segments("SegmentMin", .min, empty: .infinity),
    segments("SegmentProd", .prod, empty: 1),
    OperationRule(.numpy, "Median") { call, context in
      var x = try call.floating("x", in: &context)
      let rank = try context.rank(of: x), given = try call.ints("axis")
      guard given == nil || given?.count == 1 else { throw call.unsupported("over several axes") }
      if given == nil { x = try context.reshape(x, [-1]) }
      let axis = try normalizeAxis(given?.first ?? 0, rank: try context.rank(of: x))
      guard let extent = x.fact.type.shape.dims?[axis].value, extent > 0 else { throw call.unsupported("along an axis of unknown length") }
      let sorted = try context.apply(TopKOp(axis: axis, largest: false), to: [x, try context.ints([extent])]).at(0)
      let low = try context.slice(sorted, axis: axis, start: (extent - 1) / 2, end: (extent - 1) / 2 + 1)
      let high = try context.slice(sorted, axis: axis, start: extent / 2, end: extent / 2 + 1)
      var y = try context.mul(try context.add(low, high), try context.scalar(0.5, like: low))
      let keep = try call.bool("keepdims")
      if !keep { y = try context.squeeze(y, [axis]) } else if given == nil { y = try context.reshape(y, Array(repeating: 1, count: rank)) }
      return y
    },
  ]

  /// Rows added up, or the greatest of them, by the number each has; the count of numbers is known.
  private static func segments(_ className: String, _ kind: ReductionKind, empty: Double) -> OperationRule {
    OperationRule(.math, className, ["data", "segment_ids"]) { call, context in
      let x = try call.tensor("data", in: &context), ids = try call.tensor("segment_ids", in: &context)
      guard let count = try call.int("num_segments"), count > 0, count <= 1 << 16 else {
        throw call.unsupported("without a number of segments")
      }
      let rank = try context.rank(of: x)
      guard try context.rank(of: ids) == 1, rank >= 1 else { throw call.unsupported("numbers of more than one axis") }
      let places = try context.constant(NDArray((0..<count).map { Int64($0) }, [count, 1]))
      var own = try context.apply(EqualOp(), try context.cast(try context.unsqueeze(ids, [0]), to: .int64), places)
      if rank > 1 { own = try context.unsqueeze(own, Array(2..<(rank + 1))) }
      let most = x.fact.type.dtype == .float16 ? 65504 : 3.4028234663852886e38
      let empty = try context.scalar(min(max(empty, -most), most), like: x)
      let spread = try context.select(own, try context.unsqueeze(x, [0]), empty)
      return try context.reduce(kind, spread, axes: [1])
    }
  }

  // MARK: Not-a-number

  private static func withoutNaN(_ className: String, _ kind: ReductionKind, neutral: Double) -> OperationRule {
    OperationRule(.numpy, className) { call, context in
      let x = try call.tensor("x", in: &context), axes = try call.axes(rank: try context.rank(of: x))
      guard x.fact.type.dtype.isFloatingPoint else { return try context.reduce(kind, x, axes: axes, keepDims: try call.bool("keepdims")) }
      let known = try context.select(try context.apply(IsNaNOp(), x), try context.scalar(neutral, like: x), x)
      return try context.reduce(kind, known, axes: axes, keepDims: try call.bool("keepdims"))
    }
  }
  private static func otherThanNaN<O: Op>(_ className: String, _ op: O) -> OperationRule {
    OperationRule(.numpy, className, ["x1", "x2"]) { call, context in
      let operands = try call.promoted(["x1", "x2"], in: &context)
      guard operands[0].fact.type.dtype.isFloatingPoint else { return try context.apply(op, operands[0], operands[1]) }
      let a = try context.select(try context.apply(IsNaNOp(), operands[0]), operands[1], operands[0])
      let b = try context.select(try context.apply(IsNaNOp(), operands[1]), operands[0], operands[1])
      return try context.apply(op, a, b)
    }
  }

  private static let nanRules: [OperationRule] = [
    withoutNaN("Nansum", .sum, neutral: 0), withoutNaN("Nanprod", .prod, neutral: 1), withoutNaN("Nanmax", .max, neutral: -.infinity),
    withoutNaN("Nanmin", .min, neutral: .infinity), otherThanNaN("Fmax", MaximumOp()), otherThanNaN("Fmin", MinimumOp()),
    OperationRule(.numpy, "Nanmean") { call, context in
      let x = try call.floating("x", in: &context), axes = try call.axes(rank: try context.rank(of: x)), keep = try call.bool("keepdims")
      let isNaN = try context.apply(IsNaNOp(), x)
      let sum = try context.reduce(.sum, try context.select(isNaN, try context.scalar(0, like: x), x), axes: axes, keepDims: keep)
      let count = try context.reduce(
        .sum, try context.cast(try context.apply(LogicalNotOp(), isNaN), to: x.fact.type.dtype), axes: axes, keepDims: keep)
      return try context.div(sum, count)
    },
  ]
}

extension RecordingContext {
  /// A tensor with another number where it holds none.
  mutating func withoutNaN(_ x: Value, _ number: Double) throws -> Value {
    guard x.fact.type.dtype.isFloatingPoint else { return x }
    return try select(try apply(IsNaNOp(), x), try scalar(number, like: x), x)
  }
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Custom operators whose semantics are public: those that LiteRT registers itself, and those of its perception library.
let customRules: [OperatorRule] = [
  .reads(custom: "AudioSpectrogram") { n, g in try n.spectrogram(in: &g) },
  .reads(custom: "Mfcc") { n, g in try n.cepstrum(in: &g) },
  .reads(custom: "NumericVerify") { n, g in
    // How far quantised numbers are from the right ones.
    let x = try n.input(0), type = g.type(of: x)
    let real = try QuantizedType(type).map { try g.dequantize(x, $0) } ?? g.cast(x, to: .float32)
    return [try g.sub(real, try n.input(1))]
  }.onAnyType,
  .reads(custom: "TFLite_Detection_PostProcess") { n, g in
    let options = try n.customOptions()
    func int(_ name: String, _ absent: Int? = nil) throws -> Int {
      guard let value = options[name]?.int ?? absent else { throw FormatError(.missingReference, "\(n.type) needs the option \(name)") }
      return value
    }
    func double(_ name: String) throws -> Double {
      guard let value = options[name]?.double else { throw FormatError(.missingReference, "\(n.type) needs the option \(name)") }
      return value
    }
    let op = DetectionPostProcessOp(
      maxDetections: try int("max_detections"), classesPerDetection: try int("max_classes_per_detection", 1),
      detectionsPerClass: try int("detections_per_class", 100), suppressesByClass: options["use_regular_nms"]?.bool ?? false,
      scoreThreshold: try double("nms_score_threshold"), overlapThreshold: try double("nms_iou_threshold"),
      classCount: try int("num_classes"), scales: try ["y_scale", "x_scale", "h_scale", "w_scale"].map(double))
    // Of quantised numbers it takes what they stand for.
    let inputs = try (0..<3).map { index -> ValueID in
      let x = try n.input(index)
      return try QuantizedType(g.type(of: x)).map { try g.dequantize(x, $0) } ?? x
    }
    return try g.apply(op, to: inputs)
  }.onAnyType,
  .reads(custom: "MaxPoolWithArgmax") { n, g in try n.maxPoolWithArgmax(in: &g) },
  .reads(custom: "MaxPoolingWithArgmax2D") { n, g in
    guard let pool = try n.poolOptions() else { return try n.maxPoolWithArgmax(in: &g) }
    // Places are counted within each window, and a tenth is added, so that truncating them is safe.
    let results = try n.maxPool(pool, in: &g)
    guard results.count == 2, try n.output(1).dtype == .float32 else { return results }
    let extents = try n.extents(0, in: g), pooled = try n.fixedExtents(of: results[0], in: g)
    guard pooled.allSatisfy({ $0 < 1 << 20 }) else { throw FormatError(.limitExceeded, "\(n.type) to \(pooled)") }
    let channels = try g.scalar(Double(extents[3]), dtype: .int64), width = try g.scalar(Double(extents[2]), dtype: .int64)
    let element = try g.apply(FloorDivOp(), results[1], channels)
    let row = try g.apply(FloorDivOp(), element, width), column = try g.sub(element, try g.mul(row, width))
    let origins = pool.origins(of: pooled, in: Array(extents[1...2]))
    let down = try g.sub(row, try g.constant(NDArray(origins[0], [1, pooled[1], 1, 1])))
    let across = try g.sub(column, try g.constant(NDArray(origins[1], [1, 1, pooled[2], 1])))
    let place = try g.add(try g.mul(down, try g.scalar(Double(pool.kernel[1]), dtype: .int64)), across)
    return [
      try n.activated(results[0], pool.activation, in: &g),
      try g.add(try g.cast(place, to: .float32), try g.scalar(0.1, dtype: .float32)),
    ]
  },
  .reads(custom: "MaxUnpooling2D") { n, g in
    guard let pool = try n.poolOptions() else { throw UnsupportedError("options of another form") }
    let x = try n.input(0), extents = try n.extents(0, in: g)
    guard extents.count == 4, extents.allSatisfy({ $0 < 1 << 20 }) else {
      throw FormatError(.invalidValue, "\(n.type) of a value \(extents)")
    }
    // A window wider than a stride may reach beyond the result; LiteRT would write there.
    guard pool.strides == pool.kernel else { throw UnsupportedError("\(n.type) with windows \(pool.kernel) and strides \(pool.strides)") }
    let (heightIn, widthIn) = (extents[1], extents[2]), window = Int64(pool.kernel[1])
    let shape = [extents[0], heightIn * pool.kernel[0], widthIn * pool.kernel[1], extents[3]]
    guard let image = checkedProduct(Array(shape.dropFirst())), let part = checkedProduct(Array(extents.dropFirst())) else {
      throw FormatError(.limitExceeded, "\(n.type) to \(shape)")
    }
    let place = try g.cast(try n.input(1), to: .int64), wide = try g.constant(NDArray(scalar: window))
    let down = try g.apply(FloorDivOp(), place, wide), across = try g.sub(place, try g.mul(down, wide))
    // A row of the result has `line` elements.
    let line = Int64(shape[2] * shape[3]), channels = Int64(shape[3])
    let lines = (0..<heightIn).map { Int64($0 * pool.strides[0]) * line }
    let columns = (0..<widthIn).map { Int64($0 * pool.strides[1]) * channels }
    let starts = [
      try g.constant(NDArray(lines, [1, heightIn, 1, 1])), try g.constant(NDArray(columns, [1, 1, widthIn, 1])),
      try g.constant(NDArray((0..<extents[3]).map(Int64.init), [1, 1, 1, extents[3]])),
    ]
    var flat = try g.add(
      try g.mul(down, try g.constant(NDArray(scalar: line))), try g.mul(across, try g.constant(NDArray(scalar: channels))))
    for start in starts { flat = try g.add(flat, start) }
    let empty = try g.expand(try g.scalar(0, like: x), to: try g.ints([extents[0], image]))
    let filled = try g.apply(
      ScatterElementsOp(axis: 1), empty, try g.reshape(flat, [extents[0], part]), try g.reshape(x, [extents[0], part]))
    return [try g.reshape(filled, shape)]
  },
  .reads(custom: "Convolution2DTransposeBias") { n, g in
    guard let pool = try n.poolOptions(hasFilter: false) else { throw UnsupportedError("options of another form") }
    // Filters [out, height, width, in].
    let filters = try n.input(1), kernel = try n.permuted(filters, [1, 2, 0, 3], in: &g)
    var padding = pool.padding
    if padding == .same {
      // Not TensorFlow's SAME: what is cut off follows from the image, so that an odd one by two gives one element less.
      let extents = try n.extents(0, in: g), window = try n.fixedExtents(of: filters, in: g)
      guard extents.count == 4, window.count == 4 else { throw FormatError(.invalidValue, "\(n.type) of a value \(extents)") }
      padding = pool.transposedPadding(extents, window: window)
    }
    let op = ConvTransposeOp(strides: pool.strides, padding: padding, layout: .channelsLast, kernelLayout: .spatialOutputInput)
    return [try g.apply(op, try n.input(0), kernel, n.optional(2))]
  },
  .reads(custom: "FusedBatchNormV3") { n, g in
    // As in training, by the statistics of what it is given.
    let x = try n.input(0), extents = try n.extents(0, in: g)
    guard extents.count == 4, let count = checkedProduct(Array(extents.dropLast())), count > 0 else {
      throw FormatError(.invalidValue, "\(n.type) of a value \(extents)")
    }
    let mean = try g.reduce(.mean, x, axes: [0, 1, 2]), centred = try g.sub(x, mean)
    let variance = try g.reduce(.mean, try g.mul(centred, centred), axes: [0, 1, 2])
    let scale = try g.mul(try g.apply(RsqrtOp(), try g.add(variance, try g.scalar(0.001, like: x))), try n.input(1))
    func moved(_ old: ValueID, _ new: ValueID, _ factor: Double) throws -> ValueID {
      try g.add(try g.mul(old, try g.scalar(0.999, like: x)), try g.mul(new, try g.scalar(factor, like: x)))
    }
    let bessel = Double(count) / Double(max(1, count - 1))
    return [
      try g.add(try g.mul(centred, scale), try n.input(2)), try moved(try n.input(3), mean, 0.001),
      try moved(try n.input(4), variance, 0.001 * bessel), mean, variance, try g.constant(NDArray([Float(0)], [1])),
    ]
  },
  .reads(custom: "KmeansEmbeddingLookup") { n, g in
    // The mean of the words before the first 0, each pieced together from a book of short vectors.
    let words = try n.extents(0, in: g), table = try n.extents(1, in: g), book = try n.extents(2, in: g)
    guard words.count == 2, words[0] == 1, table.count == 2, book.count == 2 else {
      throw FormatError(.invalidValue, "\(n.type) of \(words), \(table) and \(book)")
    }
    let numbers = try g.reshape(try g.cast(try n.input(0), to: .int64), [words[1]])
    let isWord = try g.cast(try g.apply(NotEqualOp(), numbers, try g.scalar(0, dtype: .int64)), to: .float32)
    let counted = try g.apply(CumProdOp(), isWord, try g.scalar(0, dtype: .int64))
    let entries = try g.cast(try g.gather(try n.input(1), numbers, axis: 0), to: .int64)
    let vectors = try g.reshape(try g.gather(try n.input(2), entries, axis: 0), [words[1], table[1] * book[1]])
    let sum = try g.reduce(.sum, try g.mul(vectors, try g.reshape(counted, [words[1], 1])), axes: [0], keepDims: true)
    let count = try g.maximum(try g.reduce(.sum, counted, axes: [0]), try g.scalar(1, dtype: .float32))
    return [try g.div(sum, count)]
  }.onAnyType,
]

extension OperatorReader {
  func customBytes() throws -> [UInt8] {
    guard let options = library.file.customOptions(of: op) else { return [] }
    guard options.count <= 1 << 20 else { throw FormatError(.limitExceeded, "options of \(options.count) bytes") }
    return try options.bytes()
  }

  /// The options of a custom operator, by name.
  func customOptions() throws -> [String: FlexBuffer.Value] { try FlexBuffer.map(try customBytes()) }

  /// The options that some custom operators have in the form of LiteRT's own structs of int32s (`TfLitePoolParams`,
  /// `TfLiteTransposeConvParams`): the padding, strides across and down, the window across and down, the activation. `nil` for any
  /// other form.
  fileprivate func poolOptions(hasFilter: Bool = true) throws -> PoolOptions? {
    let bytes = try customBytes(), count = hasFilter ? 5 : 3
    guard bytes.count >= 4 * count else { return nil }
    let words = (0..<min(6, bytes.count / 4)).map { word in
      Int32(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[4 * word + $1]) << UInt32(8 * $1) })
    }
    guard words[0] == 1 || words[0] == 2, words[1..<count].allSatisfy({ $0 > 0 && $0 < 1 << 24 }) else { return nil }
    return PoolOptions(
      kernel: hasFilter ? [Int(words[4]), Int(words[3])] : [], strides: [Int(words[2]), Int(words[1])],
      padding: words[0] == 1 ? .same : .valid, activation: hasFilter && words.count > 5 ? words[5] : 0)
  }

  fileprivate func fixedExtents(of value: ValueID, in g: GraphContext) throws -> [Int] {
    guard let extents = g.type(of: value).shape.extents else { throw UnsupportedError("\(type) of unknown extents is not supported") }
    return extents
  }

  /// With the activation that LiteRT's structs number; those that bound nothing are none.
  fileprivate func activated(_ x: ValueID, _ activation: Int32, in g: inout GraphContext) throws -> ValueID {
    switch activation {
    case 1: try g.apply(ReluOp(), x)
    case 2: try g.clip(x, min: -1, max: 1)
    case 3: try g.clip(x, min: 0, max: 6)
    default: x
    }
  }

  /// With options by name, as TensorFlow's operator has them.
  fileprivate func maxPoolWithArgmax(in g: inout GraphContext) throws -> [ValueID] {
    let options = try customOptions()
    guard let size = options["ksize"]?.ints, let strides = options["strides"]?.ints, size.count == 4, strides.count == 4,
      (size + strides).allSatisfy({ $0 > 0 && $0 < 1 << 24 }), let padding = options["padding"]?.string
    else { throw FormatError(.missingReference, "\(type) needs the options ksize, strides and padding") }
    guard options["include_batch_in_index"]?.bool != true else { throw UnsupportedError("places that count through the batch") }
    let pool = PoolOptions(
      kernel: [size[1], size[2]], strides: [strides[1], strides[2]], padding: padding == "SAME" ? .same : .valid, activation: 0)
    let results = try maxPool(pool, in: &g)
    return [results[0], try g.cast(results[1], to: try output(1).dtype)]
  }

  /// The places are flat in each image.
  fileprivate func maxPool(_ pool: PoolOptions, in g: inout GraphContext) throws -> [ValueID] {
    let x = try input(0), extents = try extents(0, in: g)
    guard extents.count == 4, let image = checkedProduct(Array(extents.dropFirst())) else {
      throw FormatError(.invalidValue, "\(type) of a value \(extents)")
    }
    let op = MaxPoolWithIndicesOp(kernel: pool.kernel, strides: pool.strides, padding: pool.padding, layout: .channelsLast)
    let results = try g.apply(op, to: [x])
    return [results[0], extents[0] == 1 ? results[1] : try g.apply(ModOp(), results[1], try g.scalar(Double(image), dtype: .int64))]
  }
}

/// Windows as LiteRT's structs describe them.
private struct PoolOptions {
  var kernel: [Int]
  var strides: [Int]
  var padding: Padding
  var activation: Int32

  /// Where each window begins, by axis; before the image where it is padded.
  func origins(of pooled: [Int], in extents: [Int]) -> [[Int64]] {
    [0, 1].map { axis in
      let (count, stride) = (pooled[axis + 1], strides[axis])
      let padding = self.padding == .same ? max(0, (count - 1) * stride + kernel[axis] - extents[axis]) / 2 : 0
      return (0..<count).map { Int64($0 * stride - padding) }
    }
  }
  /// What a transposed convolution cuts off.
  func transposedPadding(_ extents: [Int], window: [Int]) -> Padding {
    let totals: [Int] = [0, 1].map { axis in
      let rest = (max(1, extents[axis + 1]) - 1) % strides[axis]
      return max(0, window[axis + 1] - rest - 1)
    }
    let usual = [0, 1].allSatisfy { totals[$0] == window[$0 + 1] - strides[$0] }
    return usual ? .same : .explicit(before: totals.map { $0 / 2 }, after: totals.map { $0 - $0 / 2 })
  }
}

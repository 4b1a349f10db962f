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
    return try n.maxPool(kernel: pool.kernel, strides: pool.strides, padding: pool.padding, in: &g)
  },
  .reads(custom: "MaxUnpooling2D") { n, g in
    // The places are flat in each image of the result.
    guard let pool = try n.poolOptions() else { throw UnsupportedError("options of another form") }
    let x = try n.input(0), extents = try n.extents(0, in: g)
    guard extents.count == 4 else { throw FormatError(.invalidValue, "\(n.type) of a value of rank \(extents.count)") }
    let isSame = pool.padding == .same
    func output(_ axis: Int) -> Int {
      isSame ? extents[axis + 1] * pool.strides[axis] : (extents[axis + 1] - 1) * pool.strides[axis] + pool.kernel[axis]
    }
    let shape = [extents[0], output(0), output(1), extents[3]]
    guard let image = checkedProduct(Array(shape.dropFirst())), let part = checkedProduct(Array(extents.dropFirst())) else {
      throw FormatError(.limitExceeded, "\(n.type) to \(shape)")
    }
    let start = try g.expand(try g.scalar(0, like: x), to: try g.ints([extents[0], image]))
    let places = try g.reshape(try g.cast(try n.input(1), to: .int64), [extents[0], part])
    let filled = try g.apply(ScatterElementsOp(axis: 1), start, places, try g.reshape(x, [extents[0], part]))
    return [try g.reshape(filled, shape)]
  },
  .reads(custom: "Convolution2DTransposeBias") { n, g in
    guard let pool = try n.poolOptions(hasFilter: false) else { throw UnsupportedError("options of another form") }
    // Filters [out, height, width, in].
    let kernel = try n.permuted(try n.input(1), [1, 2, 0, 3], in: &g)
    let op = ConvTransposeOp(strides: pool.strides, padding: pool.padding, layout: .channelsLast, kernelLayout: .spatialOutputInput)
    return [try g.apply(op, try n.input(0), kernel, n.optional(2))]
  },
]

extension OperatorReader {
  fileprivate func customBytes() throws -> [UInt8] {
    guard let options = library.file.customOptions(of: op) else { return [] }
    guard options.count <= 1 << 20 else { throw FormatError(.limitExceeded, "options of \(options.count) bytes") }
    return try options.bytes()
  }

  /// The options of a custom operator, by name.
  func customOptions() throws -> [String: FlexBuffer.Value] { try FlexBuffer.map(try customBytes()) }

  /// The options that some custom operators have in the form of LiteRT's own structs of int32s (`TfLitePoolParams`,
  /// `TfLiteTransposeConvParams`): the padding, strides across and down, the window across and down. `nil` for any other form.
  fileprivate func poolOptions(hasFilter: Bool = true) throws -> (kernel: [Int], strides: [Int], padding: Padding)? {
    let bytes = try customBytes(), count = hasFilter ? 5 : 3
    guard bytes.count >= 4 * count else { return nil }
    let words = (0..<count).map { word in
      Int32(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[4 * word + $1]) << UInt32(8 * $1) })
    }
    guard words[0] == 1 || words[0] == 2, words.dropFirst().allSatisfy({ $0 > 0 && $0 < 1 << 24 }) else { return nil }
    let kernel = hasFilter ? [Int(words[4]), Int(words[3])] : []
    return (kernel, [Int(words[2]), Int(words[1])], words[0] == 1 ? .same : .valid)
  }

  /// With options by name, as TensorFlow's operator has them.
  fileprivate func maxPoolWithArgmax(in g: inout GraphContext) throws -> [ValueID] {
    let options = try customOptions()
    guard let size = options["ksize"]?.ints, let strides = options["strides"]?.ints, size.count == 4, strides.count == 4,
      (size + strides).allSatisfy({ $0 > 0 && $0 < 1 << 24 }), let padding = options["padding"]?.string
    else { throw FormatError(.missingReference, "\(type) needs the options ksize, strides and padding") }
    guard options["include_batch_in_index"]?.bool != true else { throw UnsupportedError("places that count through the batch") }
    return try maxPool(kernel: [size[1], size[2]], strides: [strides[1], strides[2]], padding: padding == "SAME" ? .same : .valid, in: &g)
  }

  /// The places are flat in each image.
  fileprivate func maxPool(kernel: [Int], strides: [Int], padding: Padding, in g: inout GraphContext) throws -> [ValueID] {
    let x = try input(0), extents = try extents(0, in: g)
    guard extents.count == 4, let image = checkedProduct(Array(extents.dropFirst())) else {
      throw FormatError(.invalidValue, "\(type) of a value \(extents)")
    }
    let op = MaxPoolWithIndicesOp(kernel: kernel, strides: strides, padding: padding, layout: .channelsLast)
    let results = try g.apply(op, to: [x])
    let places = extents[0] == 1 ? results[1] : try g.apply(ModOp(), results[1], try g.scalar(Double(image), dtype: .int64))
    return [results[0], try g.cast(places, to: try output(1).dtype)]
  }
}

import ModelGraph
import ModelLayers
import ModelOps
import ModelSupport
import ModelTensor

/// Images changed at random, with the draws that Keras makes for the same seed.
extension ModelLayers.Augmentation: TrainingDefinition, SeededDefinition {
  var seed: Int? { settings["seed"]?.intValue }

  func callTraining(_ call: LayerCall<Tensor>, _ site: TrainingSite) throws -> [Tensor] {
    let given = try call.input(), images = try given.dtype.isFloatingPoint ? given : given.cast(to: .float32)
    guard images.rank == 3 || images.rank == 4 else {
      throw TensorError(.shapeMismatch, "\(Self.className): expected images of rank 3 or 4, found \(given.type)")
    }
    let batch = try images.rank == 4 ? images : images.expandDims(axis: 0)
    let part = RandomImages(images: batch, seed: site.seed, settings: AugmentationSettings(settings, Self.className))
    let result: Tensor
    switch Self.className {
    case "RandomFlip": result = try part.flipped()
    case "RandomRotation": result = try part.rotated()
    case "RandomZoom": result = try part.zoomed()
    case "RandomTranslation": result = try part.translated()
    case "RandomContrast": result = try part.contrasted()
    case "RandomBrightness": result = try part.brightened()
    case "RandomCrop": result = try part.cropped()
    case "RandomGrayscale": result = try part.greyed()
    case "RandomInvert": result = try part.inverted()
    case "RandomHue": result = try part.hueShifted()
    case "RandomSaturation": result = try part.saturated()
    case "RandomColorJitter": result = try part.jittered()
    case "RandomColorDegeneration": result = try part.degenerated()
    case "RandomPosterization": result = try part.posterized()
    case "Solarization": result = try part.solarized()
    case "RandomSharpness": result = try part.sharpened()
    case "RandomGaussianBlur": result = try part.blurred()
    case "RandomShear": result = try part.sheared()
    case "RandomPerspective": result = try part.seenAskew()
    case "RandomErasing": result = try part.erased()
    case "RandomElasticTransform": result = try part.stretchedElastically()
    case "RandAugment": result = try part.augmentedAtRandom()
    case "AugMix": result = try part.augmentedAndMixed()
    case "MixUp": result = try part.mixedUp()
    case "CutMix": result = images.rank == 4 ? try part.cutMixed() : batch
    default: throw TensorError(.notSupported, "\(Self.className) does not train yet: it only passes images through at inference")
    }
    return [images.rank == 4 ? result : try result.squeeze(axis: 0)]
  }
}

/// What a configuration says, in Keras's words and with its defaults.
struct AugmentationSettings {
  private let json: JSONValue
  let layer: String
  init(_ json: JSONValue, _ layer: String) {
    self.json = json
    self.layer = layer
  }
  func invalid(_ key: String, _ expected: String) -> TensorError {
    TensorError(.invalidArgument, "\(layer): '\(key)' should be \(expected), found \(json[key].map { "\($0)" } ?? "nothing")")
  }
  var isChannelsFirst: Bool { json["data_format"]?.stringValue == "channels_first" }
  func has(_ key: String) -> Bool { value(key) != nil }
  /// A value that is there; a tuple as a list.
  private func value(_ key: String) -> JSONValue? {
    guard let found = json[key] else { return nil }
    if case .null = found { return nil }
    return found["class_name"]?.stringValue == "__tuple__" ? found["items"] : found
  }
  /// The same with one setting under another name.
  func renamed(_ key: String, to name: String) -> AugmentationSettings {
    var json = json
    json[name] = json[key]
    return AugmentationSettings(json, layer)
  }
  /// A list of numbers, if it is one.
  func numbers(_ key: String) -> [Float]? { value(key)?.arrayValue?.compactMap { $0.doubleValue.map { Float($0) } } }
  func text(_ key: String, _ fallback: String) -> String { json[key]?.stringValue ?? fallback }
  func flag(_ key: String, _ fallback: Bool) -> Bool { json[key]?.boolValue ?? fallback }
  func number(_ key: String, _ fallback: Double? = nil) throws -> Double {
    guard let value = json[key]?.doubleValue ?? fallback, value.isFinite else { throw invalid(key, "a number") }
    return value
  }
  func extent(_ key: String) throws -> Int {
    guard let value = json[key]?.intValue, (1..<(1 << 24)).contains(value) else { throw invalid(key, "a positive integer") }
    return value
  }
  /// Two numbers in order, or what one number stands for.
  func range(_ key: String, _ fallback: (Double, Double)? = nil, of one: (Double) -> (Double, Double) = { (-abs($0), abs($0)) }) throws
    -> (low: Double, high: Double)
  {
    guard let value = value(key) else {
      if let fallback { return fallback }
      throw invalid(key, "a number or two")
    }
    if let list = value.arrayValue {
      let numbers = list.compactMap(\.doubleValue)
      guard numbers.count == 2, list.count == 2, numbers.allSatisfy(\.isFinite) else { throw invalid(key, "a number or two") }
      return (min(numbers[0], numbers[1]), max(numbers[0], numbers[1]))
    }
    guard let number = value.doubleValue, number.isFinite else { throw invalid(key, "a number or two") }
    return one(number)
  }
}

/// A batch of images `[N, H, W, C]` or `[N, C, H, W]` with what changes it.
struct RandomImages {
  let images: Tensor
  let seed: RandomSeed
  let settings: AugmentationSettings
  var count: Int { images.shape[0] }
  var channelAxis: Int { settings.isChannelsFirst ? 1 : 3 }
  var rowAxis: Int { settings.isChannelsFirst ? 2 : 1 }
  var height: Int { images.shape[rowAxis] }
  var width: Int { images.shape[rowAxis + 1] }
  func draw(_ shape: [Int], _ low: Double = 0, _ high: Double = 1, dtype: DType = .float32) throws -> Tensor {
    try Tensor.random.uniform(shape, minValue: low, maxValue: high, dtype: dtype, seed: seed)
  }

  func flipped() throws -> Tensor {
    let mode = settings.text("mode", "horizontal_and_vertical")
    guard ["horizontal", "vertical", "horizontal_and_vertical"].contains(mode) else {
      throw settings.invalid("mode", "horizontal, vertical or horizontal_and_vertical")
    }
    let flips = try draw([count, 1, 1, 1]) .<= 0.5
    var result = images
    if mode != "vertical" { result = try Tensor.where(flips, try result.reverse(axis: rowAxis + 1), result) }
    if mode != "horizontal" { result = try Tensor.where(flips, try result.reverse(axis: rowAxis), result) }
    return result
  }

  func contrasted() throws -> Tensor {
    let factor = try settings.range("factor") { (0, abs($0)) }, value = try settings.range("value_range", (0, 255))
    let contrast = try draw([count, 1, 1, 1], 1 - factor.low, 1 + factor.high, dtype: images.dtype)
    let mean = try images.reduceMean(axis: rowAxis, keepDims: true).reduceMean(axis: rowAxis + 1, keepDims: true)
    return try ((images - mean) * contrast + mean).clip(min: value.low, max: value.high)
  }
  func brightened() throws -> Tensor {
    let factor = try settings.range("factor"), value = try settings.range("value_range", (0, 255))
    let delta = try draw([count, 1, 1, 1], factor.low, factor.high) * (value.high - value.low)
    return try (images + delta.cast(to: images.dtype)).clip(min: value.low, max: value.high)
  }
  func greyed() throws -> Tensor {
    let factor = try settings.number("factor", 0.5)
    guard images.shape[channelAxis] == 3 else {
      throw TensorError(.shapeMismatch, "RandomGrayscale: expected 3 channels, found \(images.type)")
    }
    let isGrey = try draw([count]).reshape([count, 1, 1, 1]) .< factor
    return try Tensor.where(isGrey, try luminance(), images)
  }
  /// One channel of red, green and blue.
  func luminance() throws -> Tensor {
    let weights = try Tensor([0.2989, 0.587, 0.114]).reshape(settings.isChannelsFirst ? [1, 3, 1, 1] : [1, 1, 1, 3])
    return try (images * weights.cast(to: images.dtype)).reduceSum(axis: channelAxis, keepDims: true)
  }
  func inverted() throws -> Tensor {
    let factor = try settings.range("factor", (0, 1)) { (0, abs($0)) }, value = try settings.range("value_range", (0, 255))
    let probability = try draw([count], factor.low, factor.high), isInverted = try draw([count]) .< probability
    return try Tensor.where(try isInverted.reshape([count, 1, 1, 1]), try value.high - images, images)
  }

  func cropped() throws -> Tensor {
    let rows = try settings.extent("height"), columns = try settings.extent("width")
    if height > rows, width > columns {
      func cut(_ x: Tensor, _ axis: Int, _ size: Int, _ extent: Int) throws -> Tensor {
        let start = try draw([], 0, Double(extent - size + 1)).cast(to: .int64)
        return try x.gather(try Tensor((0..<size).map(Int64.init)) + start, axis: axis)
      }
      return try cut(try cut(images, rowAxis, rows, height), rowAxis + 1, columns, width)
    }
    // The middle of the proportions that are asked for, as far as it is there; then resized.
    let high = max(min(height, Int(Double(width * rows) / Double(columns))), 1)
    let wide = max(min(width, Int(Double(height * columns) / Double(rows))), 1)
    let top = Int(Double(height - high) / 2), left = Int(Double(width - wide) / 2)
    func span(_ start: Int, _ size: Int, _ extent: Int) -> [Int] { Array(start..<min(start + size, extent)) }
    let cut = try images.gather(span(top, rows, height), axis: rowAxis).gather(span(left, columns, width), axis: rowAxis + 1)
    guard cut.shape[rowAxis] != rows || cut.shape[rowAxis + 1] != columns else { return cut }
    let sizes = Tensor([rows, columns].map(Int64.init))
    return try Dispatch.one(ResizeOp(mode: .linear, axes: [rowAxis, rowAxis + 1]), cut, nil, nil, sizes)
  }

  // MARK: Projections

  func rotated() throws -> Tensor {
    let factor = try settings.range("factor")
    let angle = try draw([count], factor.low * 360, factor.high * 360) * (Double.pi / 180)
    let cos = try angle.cos(), sin = try angle.sin(), x = 0.5 * Double(width - 1), y = 0.5 * Double(height - 1)
    let across = try x - cos * x + sin * y, down = try y - sin * x - cos * y
    return try projected([cos, -sin, across, sin, cos, down])
  }
  func zoomed() throws -> Tensor {
    let rows = try settings.range("height_factor")
    let down = try draw([count, 1], 1 + rows.low, 1 + rows.high)
    var across = down
    if settings.has("width_factor") {
      let columns = try settings.range("width_factor")
      across = try draw([count, 1], 1 + columns.low, 1 + columns.high)
    }
    let zeros = try Tensor.zeros([count, 1])
    let x = try (1 - across) * (Double(width - 1) / 2), y = try (1 - down) * (Double(height - 1) / 2)
    return try projected([across, zeros, x, zeros, down, y])
  }
  func translated() throws -> Tensor {
    let rows = try settings.range("height_factor"), columns = try settings.range("width_factor")
    let down = try draw([count, 1], rows.low, rows.high) * Double(height)
    let across = try draw([count, 1], columns.low, columns.high) * Double(width)
    let zeros = try Tensor.zeros([count, 1]), ones = try Tensor.ones([count, 1])
    return try projected([ones, zeros, -across, zeros, ones, -down])
  }
  /// Each place of the result looked up where the six numbers take it.
  func projected(_ numbers: [Tensor]) throws -> Tensor {
    guard let fill = ImageFill(rawValue: settings.text("fill_mode", "reflect")) else {
      throw settings.invalid("fill_mode", "constant, reflect, wrap or nearest")
    }
    let zeros = try Tensor.zeros([count, 2])
    return try projected(try Tensor.concat(try numbers.map { try $0.reshape([count, 1]) } + [zeros], axis: 1), fill)
  }
  /// The same by eight numbers an image, `[N, 8]`.
  func projected(_ maps: Tensor, _ fill: ImageFill) throws -> Tensor {
    let nearest = settings.text("interpolation", "bilinear") == "nearest"
    let last = settings.isChannelsFirst ? try images.transpose([0, 2, 3, 1]) : images
    let value = try Tensor.scalar(try settings.number("fill_value", 0), dtype: images.dtype)
    let result = try Dispatch.one(
      ProjectiveTransformOp(nearest: nearest, fill: fill), last, maps, Tensor([height, width].map(Int64.init)), value)
    return settings.isChannelsFirst ? try result.transpose([0, 3, 1, 2]) : result
  }
}

import ModelLayers
import ModelOps
import ModelSupport
import ModelTensor

/// Augmentations that are made of others: some of a list, one after the other or mixed.
extension RandomImages {
  /// The list of Keras's `RandAugment`, whose order the draws follow. All take their strength from one factor.
  private static let kinds = [
    "RandomShear", "RandomTranslation", "RandomRotation", "RandomBrightness", "RandomColorDegeneration", "RandomContrast",
    "RandomSharpness", "RandomPosterization", "Solarization", "AutoContrast", "Equalization",
  ]
  /// What `AugMix` leaves out unless it takes all.
  private static let colouring: Set = ["RandomBrightness", "RandomColorDegeneration", "RandomContrast", "RandomSharpness"]

  private func part(_ kind: String, of images: Tensor) throws -> Tensor {
    let factor = try settings.range("factor", (0, Self.defaultFactor(settings.layer))) { (0, abs($0)) }
    guard factor.low >= 0, factor.high <= 1 else { throw settings.invalid("factor", "from 0 to 1") }
    let range = try settings.range("value_range", (0, 255))
    func pair(_ range: (low: Double, high: Double)) -> JSONValue { .array([.double(range.low), .double(range.high)]) }
    let bits = max(1, Int(8 * factor.high))
    let json: JSONValue = [
      "factor": kind == "RandomPosterization" ? .int(bits) : pair(factor), "x_factor": pair(factor), "y_factor": pair(factor),
      "height_factor": pair(factor), "width_factor": pair(factor), "addition_factor": pair(factor), "threshold_factor": pair(factor),
      "value_range": pair(range), "interpolation": .string(settings.text("interpolation", "bilinear")),
      "data_format": .string(settings.isChannelsFirst ? "channels_first" : "channels_last"),
    ]
    let part = RandomImages(images: images, seed: seed, settings: AugmentationSettings(json, kind))
    switch kind {
    case "RandomShear": return try part.sheared()
    case "RandomTranslation": return try part.translated()
    case "RandomRotation": return try part.rotated()
    case "RandomBrightness": return try part.brightened()
    case "RandomColorDegeneration": return try part.degenerated()
    case "RandomContrast": return try part.contrasted()
    case "RandomSharpness": return try part.sharpened()
    case "RandomPosterization": return try part.posterized()
    case "Solarization": return try part.solarized()
    case "AutoContrast": return try part.stretched()
    default: return try part.equalized()
    }
  }
  private static func defaultFactor(_ layer: String) -> Double { layer == "AugMix" ? 0.3 : 0.5 }

  private func count(_ key: String, _ fallback: Int) throws -> Int {
    guard settings.has(key) else { return fallback }
    let number = try settings.number(key)
    guard number >= 0, number <= 64, number == number.rounded() else { throw settings.invalid(key, "a whole number up to 64") }
    return Int(number)
  }

  /// So many of the list, drawn for the whole batch. What each of them draws is drawn once, however often it is applied.
  func augmentedAtRandom() throws -> Tensor {
    let steps = try count("num_ops", 2)
    guard steps > 0 else { return images }
    let chosen = try draw([steps], 0, Double(Self.kinds.count), dtype: .int32)
    var start: Tensor?
    if case .generator(let generator) = seed { start = generator.state.tensor }
    var result = images
    for step in 0..<steps {
      if case .generator(let generator) = seed, let start { try generator.state.assign(start) }
      for (index, kind) in Self.kinds.enumerated() {
        let isChosen = try chosen[step] .== Tensor.scalar(Double(index), dtype: .int32)
        result = try Tensor.where(isChosen, try part(kind, of: result), result)
      }
    }
    return result
  }

  /// Chains of the list, mixed with each other and then with the images. As in Keras, which augmentations a chain has is chosen when
  /// the step is traced, and what they draw is drawn in each step.
  func augmentedAndMixed() throws -> Tensor {
    let chains = try count("num_chains", 3), depth = try count("chain_depth", 3), alpha = try settings.number("alpha", 1)
    guard chains > 0 else { throw settings.invalid("num_chains", "1 or more") }
    guard alpha > 0, alpha <= 1024 else { throw settings.invalid("alpha", "above 0 and at most 1024") }
    let kinds = settings.flag("all_ops", true) ? Self.kinds : Self.kinds.filter { !Self.colouring.contains($0) }
    let drawn = try gamma(alpha, count: chains), weights = try drawn / drawn.reduceSum()
    let both = try gamma(alpha, count: 2), share = try (both[0] / both.reduceSum()).cast(to: images.dtype)
    var mixed = try Tensor.zeros(like: images)
    for chain in 0..<chains {
      var image = images
      for _ in 0..<depth {
        let choice = Int(UInt(bitPattern: makeSeed()) % UInt(kinds.count + 1))
        if choice < kinds.count { image = try part(kinds[choice], of: image) }
      }
      mixed = try mixed + image * weights[chain].cast(to: images.dtype)
    }
    let range = try settings.range("value_range", (0, 255))
    return try (share * images + (1 - share) * mixed).clip(min: range.low, max: range.high)
  }

  /// Draws of the gamma distribution by the method of Marsaglia and Tsang: the first of so many tries that is accepted, which 19 of 20 are.
  private func gamma(_ alpha: Double, count: Int) throws -> Tensor {
    // Below 1, that of `alpha + 1` times a power of a uniform number.
    let shape = alpha < 1 ? alpha + 1 : alpha, d = shape - 1.0 / 3, c = 1 / (9 * d).squareRoot(), tries = 32
    let x = try Tensor.random.normal([tries, count], seed: seed), u = try draw([tries, count], 1e-7, 1)
    let root = try x * c + 1, v = try root * root * root
    let safe = try Tensor.where(root .> 0, v, try Tensor.ones(like: v))
    let bound = try x.square() * 0.5 + (1 - safe + safe.log()) * d
    let isAccepted = try (root .> 0).logicalAnd(try u.log() .< bound)
    let first = try isAccepted.cast(to: .float32).argMax(axis: 0).expandDims(axis: 0)
    let result = try safe.takeAlong(first, axis: 0).reshape([count]) * d
    guard alpha < 1 else { return result }
    return try result * (draw([count], 1e-7, 1).log() * (1 / alpha)).exp()
  }

  // MARK: Values of whole channels

  /// Keras's `AutoContrast`.
  private func stretched() throws -> Tensor {
    let range = try settings.range("value_range"), span = range.high - range.low
    let scaled = try (images - range.low) * (255 / span)
    let low = try scaled.reduceMin(axes: [rowAxis, rowAxis + 1], keepDims: true)
    let high = try scaled.reduceMax(axes: [rowAxis, rowAxis + 1], keepDims: true)
    let isFlat = try low .== high
    let spread = try Tensor.where(isFlat, try Tensor.ones(like: low), try high - low)
    let y = try ((scaled - low) * (255 / spread)).clip(min: 0, max: 255) * (span / 255) + range.low
    return try Tensor.where(isFlat, images, y)
  }

  /// Keras's `Equalization`: values by how many of the channel, in the whole batch, lie below them.
  private func equalized() throws -> Tensor {
    let range = try settings.range("value_range"), span = range.high - range.low, bins = 256
    let channels = try images.unstack(axis: channelAxis).map { channel -> Tensor in
      let values = try (channel - range.low) * (255 / span)
      let places = try values.clip(min: 0, max: 255).floor().cast(to: .int64), size = checkedProduct(channel.shape) ?? 0
      let ones = try Tensor.ones([size], dtype: .int32), none = try Tensor.zeros([bins], dtype: .int32)
      let histogram = try Dispatch.one(ScatterElementsOp(axis: 0, reduction: .add), none, try places.reshape([size]), ones)
      let below = try histogram.cumSum(axis: 0).cast(to: .float32)
      let isFlat = try (histogram .> 0).cast(to: .float32).reduceSum() .<= 1
      // The count of the lowest value that is there.
      let least = try Tensor.where(below .> 0, below, Tensor.full([bins], Double(size))).reduceMin()
      let rest = try (Double(size) - least).maximum(1)
      let table = try ((below - least) * 255 / rest).round().clip(min: 0, max: 255).cast(to: images.dtype)
      let looked = try Tensor.where(isFlat, values, try table.gather(places))
      return try looked * (span / 255) + range.low
    }
    return try Tensor.stack(channels, axis: channelAxis)
  }
}

import ModelGraph
import ModelLayers
import ModelSupport
import ModelTensor
import OrderedCollections

extension LayerRules {
  static let preprocessingRules: [LayerRule] = [
    LayerRule(
      Rescaling.self,
      rows: [numbers("scale", \.scale, \.isScalarScale), numbers("offset", \.offset, \.isScalarOffset)]),
    LayerRule(
      Normalization.self,
      rows: [
        normalizationAxes, row("invert", \.invert), row("mean", \.mean), row("variance", \.variance),
      ]
    ) { layer in
      guard (layer.mean == nil) == (layer.variance == nil) else { throw ConfigMismatch(expected: "both mean and variance or none") }
    },
    LayerRule(
      Resizing.self,
      rows: [
        count("height", \.height), count("width", \.width), row("interpolation", \.interpolation),
        row("crop_to_aspect_ratio", \.cropToAspectRatio), row("pad_to_aspect_ratio", \.padToAspectRatio),
        row("fill_value", \.fillValue), row("antialias", \.antialias), row("data_format", \.layout),
      ]),
    LayerRule(
      CenterCrop.self, rows: [count("height", \.height), count("width", \.width), row("data_format", \.layout)]),
    LayerRule(
      CategoryEncoding.self, arguments: ["inputs", "count_weights"],
      rows: [count("num_tokens", \.tokens, also: ["max_tokens"]), row("output_mode", \.mode)]),
    LayerRule(
      Discretization.self, rows: [row("bin_boundaries", \.boundaries), row("output_mode", \.mode), indexType]
    ) { layer in
      guard !layer.boundaries.isEmpty else { throw ConfigMismatch(expected: "bin boundaries: the layer has not been adapted") }
    },
    vocabulary(StringLookup.self), vocabulary(IntegerLookup.self), vocabulary(TextVectorization.self), vocabulary(Hashing.self),
    vocabulary(HashedCrossing.self),
  ]

  /// Sound, and layers in a row.
  static let spectralRules: [LayerRule] = [
    LayerRule(
      MelSpectrogram.self,
      rows: [
        count("fft_length", \.fftLength, optional: true), count("sequence_stride", \.sequenceStride, optional: true),
        row("sequence_length", \.sequenceLength), row("window", \.window), row("sampling_rate", \.samplingRate),
        count("num_mel_bins", \.melBins, optional: true), row("min_freq", \.minFrequency), row("max_freq", \.maxFrequency),
        row("power_to_db", \.powerToDecibels), row("top_db", \.topDecibels), row("mag_exp", \.exponent),
        row("min_power", \.minPower), row("ref_power", \.referencePower),
      ]
    ) { layer in
      guard layer.fftLength <= 1 << 14, layer.melBins <= 1 << 14, layer.sequenceStride <= 1 << 20 else {
        throw ConfigMismatch(expected: "at most 16384 samples and bins")
      }
    },
    LayerRule(
      STFTSpectrogram.self,
      rows: [
        row("mode", \.mode), count("frame_length", \.frameLength, optional: true), row("frame_step", \.frameStep),
        row("fft_length", \.fftLength), row("padding", \.padding), row("expand_dims", \.expandDims), row("data_format", \.layout),
      ]
    ) { layer in
      guard layer.padding != .causal, layer.frameLength <= 1 << 20, (1...(1 << 20)).contains(layer.frameStep ?? 1),
        (layer.frameLength...(1 << 21)).contains(layer.fftLength ?? layer.frameLength)
      else { throw ConfigMismatch(expected: "frames within the transform's length, padding valid or same") }
    },
    LayerRule(AutoContrast.self, rows: [row("value_range", \.range)]) { layer in
      guard layer.range.count == 2, layer.range[0] < layer.range[1] else { throw ConfigMismatch(expected: "a range of two numbers") }
    },
    LayerRule(LayerPipeline.self, rows: [members]),
  ]

  private static let members = ConfigRow<LayerPipeline>(key: "layers", isRequired: true) { layer, json in
    guard let list = json.arrayValue else { throw ConfigMismatch(expected: "a list of layers") }
    layer.layers = try list.map { object in try NestingLimit.descend { try LayerRules.read(object) } }
  } write: { layer in
    .array(try layer.layers.map { try LayerRules.write($0) })
  }

  private static func vocabulary<L: VocabularyLayer>(_ type: L.Type) -> LayerRule {
    LayerRule(type, whole: \.settings) { try $0.check() }
  }

  /// Said by no file: it is how Keras 2 differs.
  private static let indexType = ConfigRow<Discretization>(key: LegacyConfig.indexType) { layer, json in
    guard let name = json.stringValue, let dtype = DType(rawValue: name) else { throw ConfigMismatch(expected: "a dtype") }
    layer.indexType = dtype
  } write: { _ in
    nil
  }

  static let augmentationRules: [LayerRule] = Augmentations.kinds.map { augmentation($0) }

  private static func augmentation<K: AugmentationKind>(_: K.Type) -> LayerRule {
    LayerRule(Augmentation<K>.self, arguments: ["inputs", "training"], whole: \.settings)
  }

  /// A number, or a list of them; a list of one is still a list.
  private static func numbers<L>(
    _ key: String, _ path: RowPath<L, [Double]>, _ isScalar: RowPath<L, Bool>
  ) -> ConfigRow<L> {
    ConfigRow(key: key) { layer, json in
      let plain = json.unwrappedArray
      layer[keyPath: isScalar] = plain.arrayValue == nil
      layer[keyPath: path] = plain.arrayValue == nil ? [try Double(config: plain)] : try [Double](config: plain)
    } write: { layer in
      let values = layer[keyPath: path]
      return layer[keyPath: isScalar] ? values.first.map { .double($0) } : values.configValue
    }
  }

  private static let normalizationAxes = ConfigRow<Normalization>(key: "axis") { layer, json in
    if json.isNull {
      layer.axes = []
    } else if json.arrayValue == nil {
      layer.axes = [try Int(config: json)]
    } else {
      layer.axes = try [Int](config: json)
    }
    guard layer.axes.count <= 32, layer.axes.allSatisfy({ $0.magnitude <= 64 }) else { throw ConfigMismatch(expected: "axes") }
  } write: { layer in
    layer.axes.configValue
  }
}

extension CategoryMode: ConfigValue {
  init(config: JSONValue) throws {
    // Keras 2's name for multi_hot.
    guard let word = config.stringValue, let mode = word == "binary" ? .multiHot : CategoryMode(rawValue: word) else {
      throw ConfigMismatch(expected: "int, one_hot, multi_hot or count")
    }
    self = mode
  }
  var configValue: JSONValue { .string(rawValue) }
}

extension FixedArray: ConfigValue {
  init(config: JSONValue) throws {
    var shape: [Int] = [], values: [Double] = []
    let plain = config.unwrappedArray
    func collect(_ json: JSONValue, _ depth: Int) throws {
      guard let list = json.arrayValue else {
        guard depth == shape.count, let number = json.doubleValue else { throw ConfigMismatch(expected: "numbers") }
        values.append(number)
        return
      }
      guard depth < 16 else { throw ConfigMismatch(expected: "numbers nested less deep") }
      if depth == shape.count, values.isEmpty { shape.append(list.count) }
      guard depth < shape.count, shape[depth] == list.count else { throw ConfigMismatch(expected: "lists of equal length") }
      for item in list { try collect(item, depth + 1) }
    }
    try collect(plain, 0)
    self.init(values, shape)
  }
  var configValue: JSONValue {
    func level(_ axis: Int, _ start: Int, _ count: Int) -> JSONValue {
      guard axis < shape.count, shape[axis] > 0 else { return start < values.count ? .double(values[start]) : .array([]) }
      let step = count / shape[axis]
      return .array((0..<shape[axis]).map { level(axis + 1, start + $0 * step, step) })
    }
    return level(0, 0, values.count)
  }
}

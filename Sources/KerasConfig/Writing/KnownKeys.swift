/// Which keys of configurations only one generation's constructors take (Keras 3.15, tf_keras 2.21). What a
/// file of the other generation must not hold, because its `from_config` refuses unknown keys.
enum KnownKeys {
  /// The keys of a class that only Keras 3 takes.
  static func onlyKeras3(_ className: String) -> Set<String> { keras3[className] ?? [] }
  /// The keys of a class that only Keras 2 takes.
  static func onlyKeras2(_ className: String) -> Set<String> { keras2[className] ?? [] }
  /// Whether Keras 2 has no such layer.
  static func isAbsentFromKeras2(_ className: String) -> Bool { absent.contains(className) }

  /// Whether Keras 3 has no such layer.
  static func isAbsentFromKeras3(_ className: String) -> Bool { className.hasPrefix("LocallyConnected") }

  /// Whether it is a class of Keras's own that is only carried here.
  static func isOfKeras(_ className: String) -> Bool { carried.contains(className) || LayerRules.rule(className: className) != nil }

  private static let carried: Set<String> = [
    "Lambda", "StringLookup", "IntegerLookup", "TextVectorization", "Hashing", "HashedCrossing", "Pipeline", "FeatureSpace",
    "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "MelSpectrogram", "STFTSpectrogram", "MaxNumBoundingBoxes", "Wrapper",
  ]

  private static func table(_ text: String) -> [String: Set<String>] {
    var result: [String: Set<String>] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      if let name = words.first { result[name, default: []].formUnion(words.dropFirst()) }
    }
    return result
  }

  private static let keras3 = table(
    """
    GlorotNormal input_axes output_axes
    GlorotUniform input_axes output_axes
    HeNormal input_axes output_axes
    HeUniform input_axes output_axes
    LecunNormal input_axes output_axes
    LecunUniform input_axes output_axes
    VarianceScaling input_axes output_axes
    AdditiveAttention score_mode
    AveragePooling1D pool_dimensions pool_mode
    AveragePooling2D pool_dimensions pool_mode
    AveragePooling3D pool_dimensions pool_mode
    CenterCrop bounding_box_format data_format factor
    Conv1D lora_alpha lora_rank
    Conv2D lora_alpha lora_rank
    Conv3D lora_alpha lora_rank
    ConvLSTM1D seed
    ConvLSTM2D seed
    ConvLSTM3D seed
    Dense lora_alpha lora_rank quantization_config
    EinsumDense gptq_unpacked_column_size lora_alpha lora_rank quantization_config
    Embedding lora_alpha lora_rank quantization_config weights
    GRU use_cudnn
    GlobalAveragePooling1D pool_dimensions
    GlobalAveragePooling2D pool_dimensions
    GlobalAveragePooling3D pool_dimensions
    GlobalMaxPooling1D pool_dimensions
    GlobalMaxPooling2D pool_dimensions
    GlobalMaxPooling3D pool_dimensions
    InputLayer batch_shape optional shape
    IntegerLookup oov_method salt
    LSTM use_cudnn
    LayerNormalization rms_scaling
    LeakyReLU negative_slope
    MaxPooling1D pool_dimensions pool_mode
    MaxPooling2D pool_dimensions pool_mode
    MaxPooling3D pool_dimensions pool_mode
    MultiHeadAttention flash_attention seed sliding_window use_gate
    RandomBrightness bounding_box_format data_format
    RandomContrast bounding_box_format data_format value_range
    RandomCrop bounding_box_format data_format factor
    RandomFlip bounding_box_format data_format factor
    RandomRotation bounding_box_format data_format
    RandomTranslation bounding_box_format data_format factor
    RandomZoom bounding_box_format data_format factor
    Resizing antialias bounding_box_format data_format factor fill_mode fill_value pad_to_aspect_ratio
    SimpleRNN seed
    StringLookup oov_method salt
    ZeroPadding1D data_format
    """)

  private static let keras2 = table(
    """
    AveragePooling1D pool_function
    AveragePooling2D pool_function
    AveragePooling3D pool_function
    BatchNormalization adjustment fused virtual_batch_size
    Conv1D conv_op
    Conv1DTranspose conv_op groups
    Conv2D conv_op
    Conv2DTranspose conv_op groups
    Conv3D conv_op
    Conv3DTranspose conv_op groups
    ConvLSTM1D time_major
    ConvLSTM2D time_major
    ConvLSTM3D time_major
    DepthwiseConv1D conv_op filters groups kernel_constraint kernel_initializer kernel_regularizer
    DepthwiseConv2D conv_op filters groups kernel_constraint kernel_initializer kernel_regularizer
    Embedding input_length sparse
    GRU time_major
    LSTM time_major
    LeakyReLU alpha
    MaxPooling1D pool_function
    MaxPooling2D pool_function
    MaxPooling3D pool_function
    MultiHeadAttention key_shape query_shape softmax_robust_masking value_shape
    RNN time_major
    SeparableConv1D conv_op groups kernel_constraint kernel_initializer kernel_regularizer
    SeparableConv2D conv_op groups kernel_constraint kernel_initializer kernel_regularizer
    SimpleRNN time_major
    Softmax robust_masking
    SpatialDropout1D noise_shape
    SpatialDropout2D noise_shape
    SpatialDropout3D noise_shape
    """)

  private static let absent = Set(
    """
    AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D AdaptiveMaxPooling1D
    AdaptiveMaxPooling2D AdaptiveMaxPooling3D AugMix AutoContrast
    ContrastLimitedAdaptiveHistogramEqualization CutMix Equalization GroupQueryAttention
    MaxNumBoundingBoxes MelSpectrogram MixUp Pipeline RMSNormalization RandAugment
    RandomColorDegeneration RandomColorJitter RandomElasticTransform RandomErasing RandomGaussianBlur
    RandomGrayscale RandomHue RandomInvert RandomPerspective RandomPosterization RandomSaturation
    RandomSharpness RandomShear ReversibleEmbedding STFTSpectrogram Solarization
    """.split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init))
}

/// The names that TensorFlow.js registers for deserialisation (`serialization.registerClass` in tfjs-layers 4.22, of the
/// modules that its bundle imports: those below `layers/nlp` are not among them).
enum LayerClasses {
  static let layers = words(
    """
    Activation Add AlphaDropout Average AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization Bidirectional
    CategoryEncoding CenterCrop Concatenate Conv1D Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM2D ConvLSTM2DCell
    Cropping2D Dense DepthwiseConv2D Dot Dropout ELU Embedding Flatten GRU GRUCell GaussianDropout GaussianNoise
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D InputLayer LSTM LSTMCell
    LayerNormalization LeakyReLU Masking MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum Multiply PReLU Permute RNN
    RandomWidth ReLU RepeatVector Rescaling Reshape Resizing SeparableConv2D SimpleRNN SimpleRNNCell Softmax
    SpatialDropout1D StackedRNNCells ThresholdedReLU TimeDistributed UpSampling2D ZeroPadding2D
    """)

  /// Classes that TF.js lacks and that let everything through once a model is trained.
  static let inert = words(
    """
    ActivityRegularization AugMix CutMix Identity MixUp RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter
    RandomContrast RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHeight RandomHue
    RandomInvert RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear
    RandomTranslation RandomZoom SpatialDropout2D SpatialDropout3D
    """)

  static let networks: Set<String> = ["Functional", "Model", "Sequential"]

  /// Activations by the names that Keras gives them; TF.js turns `hard_sigmoid` into `hardSigmoid` and finds that.
  /// `gelu_new` it does not find, because it looks for `geluNew`.
  static let activations = words(
    "elu gelu hard_sigmoid linear log_softmax mish relu relu6 selu sigmoid softmax softplus softsign swish tanh")

  static let initializers = words(
    """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LeCunNormal LeCunUniform Ones Orthogonal RandomNormal
    RandomUniform TruncatedNormal VarianceScaling Zeros
    """)

  static let constraints = words("MaxNorm MinMaxNorm NonNeg UnitNorm")

  private static func words(_ text: String) -> Set<String> {
    Set(text.split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init))
  }
}

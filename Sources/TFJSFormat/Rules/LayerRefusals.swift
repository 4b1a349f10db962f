import ModelSupport

/// What classes of TensorFlow.js do not do although their configurations may ask for it: they refuse it, or leave it out of
/// account and compute something else (tfjs-layers 4.22, `src/layers`).
struct LayerRefusal: Sendable {
  let classes: Set<String>
  /// `nil` stands for the class as a whole.
  let key: String?
  let reason: String
  let isRefused: @Sendable (JSONValue) -> Bool

  init(
    _ classes: Set<String>, _ key: String? = nil, _ reason: String,
    unless allowed: @escaping @Sendable (JSONValue) -> Bool = { _ in false }
  ) {
    self.classes = classes
    self.key = key
    self.reason = reason
    isRefused = { !$0.isNull && !allowed($0) }
  }

  func applies(to className: String, _ config: JSONValue) -> Bool {
    guard classes.contains(className) else { return false }
    guard let key else { return true }
    return config[key].map(isRefused) ?? false
  }

  static let all: [LayerRefusal] = [
    LayerRefusal(
      ["Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "Conv3DTranspose"], "groups", "its convolutions have no groups", unless: isOne),
    LayerRefusal(
      ["DepthwiseConv2D", "Conv2DTranspose", "Conv3DTranspose"], "dilation_rate", "it leaves the dilation out of account", unless: isOne),
    LayerRefusal(["Conv2DTranspose", "Conv3DTranspose"], "output_padding", "it knows no output padding"),
    LayerRefusal(["Conv1D"], "padding", "it has no causal padding", unless: { $0 != "causal" }),
    LayerRefusal(
      ["GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D"], "keepdims",
      "it drops the reduced axes", unless: isFalse),
    LayerRefusal(
      ["UpSampling2D"], "interpolation", "it samples at other positions than Keras unless the interpolation is 'nearest'",
      unless: { $0 == "nearest" }),
    LayerRefusal(["Resizing"], nil, "it aligns the corners of images, Keras the centres of pixels"),
    LayerRefusal(["CenterCrop"], nil, "it crops at other places than Keras"),
    LayerRefusal(["RandomWidth"], nil, "it changes images when the model predicts, too"),
    LayerRefusal(
      ["Bidirectional"], "layer", "its wrapper for two directions takes no convolutions over time",
      unless: { $0["class_name"]?.stringValue?.hasPrefix("ConvLSTM") != true }),
    LayerRefusal(["ReLU"], "negative_slope", "its ReLU has no negative slope", unless: isZero),
    LayerRefusal(["ReLU"], "threshold", "its ReLU has no threshold", unless: isZero),
    LayerRefusal(["ELU"], "alpha", "its ELU has the slope 1 alone", unless: isOne),
    LayerRefusal(["Softmax"], "axis", "its Softmax takes the last axis", unless: { $0 == -1 }),
    LayerRefusal(["BatchNormalization"], "axis", "it normalises the last axis alone rightly", unless: { $0 == -1 }),
    LayerRefusal(["Rescaling"], "scale", "it takes a number", unless: { $0.doubleValue != nil }),
    LayerRefusal(["Rescaling"], "offset", "it takes a number", unless: { $0.doubleValue != nil }),
    LayerRefusal(["GRU", "GRUCell"], "reset_after", "its GRU resets before the product alone (reset_after=False)", unless: isFalse),
    LayerRefusal(["LSTM", "GRU", "SimpleRNN", "RNN"], "time_major", "its sequences stand batch first", unless: isFalse),
    LayerRefusal(["LayerNormalization"], "rms_scaling", "it subtracts the mean", unless: isFalse),
    LayerRefusal(["CategoryEncoding"], "sparse", "it has no sparse tensors", unless: isFalse),
  ]

  @Sendable private static func isFalse(_ value: JSONValue) -> Bool { value == false }
  @Sendable private static func isZero(_ value: JSONValue) -> Bool { value.doubleValue == 0 }
  @Sendable private static func isOne(_ value: JSONValue) -> Bool {
    value.doubleValue == 1 || value.arrayValue?.allSatisfy { $0.doubleValue == 1 } == true
  }
}

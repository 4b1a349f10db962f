/// Where the channels of an image-like tensor stand: `[N, spatial…, C]` or `[N, C, spatial…]`.
public enum DataLayout: String, Sendable, AttributeConvertible {
  case channelsLast, channelsFirst
  public var attributeValue: AttributeValue { .string(rawValue) }
  /// The axis of the channels in a tensor of `rank` dimensions.
  public func channelAxis(rank: Int) -> Int { self == .channelsLast ? rank - 1 : 1 }
  /// The spatial axes in order.
  public func spatialAxes(rank: Int) -> Range<Int> { self == .channelsLast ? 1..<max(1, rank - 1) : 2..<max(2, rank) }
}

/// How a convolution's weights are laid out.
public enum KernelLayout: String, Sendable, AttributeConvertible {
  /// `[spatial…, in/groups, out]`, as Keras and TensorFlow store it.
  case spatialInputOutput
  /// `[out, in/groups, spatial…]`, as ONNX and PyTorch store it; transposed convolution in ONNX:
  /// `[in, out/groups, spatial…]`.
  case outputInputSpatial
  /// `[spatial…, out, in/groups]`, as Keras stores transposed convolution.
  case spatialOutputInput
  public var attributeValue: AttributeValue { .string(rawValue) }
}

/// How a window operation pads its input.
public enum Padding: Sendable, Hashable, AttributeConvertible {
  case valid
  /// Output extent = ceil(input / stride); the odd element goes behind (TensorFlow's SAME, ONNX's
  /// SAME_UPPER).
  case same
  /// As `same`, with the odd element in front (ONNX's SAME_LOWER).
  case sameLower
  /// Per spatial axis: elements in front, elements behind.
  case explicit(before: [Int], after: [Int])
  public var attributeValue: AttributeValue {
    switch self {
    case .valid: .string("valid")
    case .same: .string("same")
    case .sameLower: .string("sameLower")
    case .explicit(let before, let after): .ints(before + after)
    }
  }
}

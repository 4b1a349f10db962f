import ModelGraph
import ModelPasses
import ModelRuntime
import ModelTensor

/// What a model is quantised to.
public enum QuantizationMode: String, Sendable, CaseIterable {
  case none
  /// Weights of half precision, computed with as float32.
  case float16
  /// Weights of 8 bits; activations are float32, and quantised by their own range as they come.
  case dynamic
  /// Weights and activations of 8 bits.
  case int8
  /// Weights of 8 bits, activations of 16.
  case int16x8

  /// Whether ranges of activations are needed.
  public var needsRanges: Bool { self == .int8 || self == .int16x8 }
}

/// How a model is quantised.
public struct QuantizationOptions: Sendable {
  public var mode: QuantizationMode
  /// How ranges are found.
  public var calibration: CalibrationMethod = .minMax
  /// What single layers become instead; the first that matches counts.
  public var recipes: [QuantizationRecipe] = []
  /// What the model's own inputs and outputs become: float32, int8, uint8, or int16 with `int16x8`.
  public var inputType: DType = .float32
  public var outputType: DType = .float32
  /// Whether an operator that would stay float is an error.
  public var isFullInteger = false
  /// The largest error of an output, relative to it, that is put up with: layers are moved to 16 bits or float until it is met.
  public var maxError: Double?
  /// How many samples the report is made with.
  public var reportSamples = 8
  public var execution = ExecutionOptions()
  /// Told what is going on, and how much of it is done.
  public var progress: (@Sendable (String, Double) -> Void)?

  public init(_ mode: QuantizationMode) { self.mode = mode }
}

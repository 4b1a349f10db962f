// Written by formats/tflite/generate_wire.py from formats/tflite/schema.fbs.

import FlatBufferWire

/// The schema's `FullyConnectedOptions`.
public struct FullyConnectedOptions: FlatTable {
  public var fusedActivationFunction: ActivationFunctionType = .none
  public var weightsFormat: FullyConnectedOptionsWeightsFormat = .default
  public var keepNumDims: Bool = false
  public var asymmetricQuantizeInputs: Bool = false
  public var quantizedBiasType: TFLiteTensorType = .float32
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    fusedActivationFunction: ActivationFunctionType = .none, weightsFormat: FullyConnectedOptionsWeightsFormat = .default,
    keepNumDims: Bool = false, asymmetricQuantizeInputs: Bool = false, quantizedBiasType: TFLiteTensorType = .float32
  ) {
    self.fusedActivationFunction = fusedActivationFunction
    self.weightsFormat = weightsFormat
    self.keepNumDims = keepNumDims
    self.asymmetricQuantizeInputs = asymmetricQuantizeInputs
    self.quantizedBiasType = quantizedBiasType
  }

  public static let tableName = "FullyConnectedOptions"
  public static let table = FlatFieldTable<FullyConnectedOptions>(rows)
  private static let rows: [FlatField<FullyConnectedOptions>] = [
    .scalar(0, "fused_activation_function", \.fusedActivationFunction, .none),
    .scalar(1, "weights_format", \.weightsFormat, .default),
    .scalar(2, "keep_num_dims", \.keepNumDims, false),
    .scalar(3, "asymmetric_quantize_inputs", \.asymmetricQuantizeInputs, false),
    .scalar(4, "quantized_bias_type", \.quantizedBiasType, .float32),
  ]
}

/// The schema's `SoftmaxOptions`.
public struct SoftmaxOptions: FlatTable {
  public var beta: Float = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(beta: Float = 0) {
    self.beta = beta
  }

  public static let tableName = "SoftmaxOptions"
  public static let table = FlatFieldTable<SoftmaxOptions>(rows)
  private static let rows: [FlatField<SoftmaxOptions>] = [
    .scalar(0, "beta", \.beta, 0)
  ]
}

/// The schema's `L2NormOptions`.
public struct L2NormOptions: FlatTable {
  public var fusedActivationFunction: ActivationFunctionType = .none
  public var unknownFields: [Int] = []

  public init() {}
  public init(fusedActivationFunction: ActivationFunctionType = .none) {
    self.fusedActivationFunction = fusedActivationFunction
  }

  public static let tableName = "L2NormOptions"
  public static let table = FlatFieldTable<L2NormOptions>(rows)
  private static let rows: [FlatField<L2NormOptions>] = [
    .scalar(0, "fused_activation_function", \.fusedActivationFunction, .none)
  ]
}

/// The schema's `LocalResponseNormalizationOptions`.
public struct LocalResponseNormalizationOptions: FlatTable {
  public var radius: Int32 = 0
  public var bias: Float = 0
  public var alpha: Float = 0
  public var beta: Float = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(radius: Int32 = 0, bias: Float = 0, alpha: Float = 0, beta: Float = 0) {
    self.radius = radius
    self.bias = bias
    self.alpha = alpha
    self.beta = beta
  }

  public static let tableName = "LocalResponseNormalizationOptions"
  public static let table = FlatFieldTable<LocalResponseNormalizationOptions>(rows)
  private static let rows: [FlatField<LocalResponseNormalizationOptions>] = [
    .scalar(0, "radius", \.radius, 0),
    .scalar(1, "bias", \.bias, 0),
    .scalar(2, "alpha", \.alpha, 0),
    .scalar(3, "beta", \.beta, 0),
  ]
}

/// The schema's `LogSoftmaxOptions`.
public struct LogSoftmaxOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "LogSoftmaxOptions"
  public static let table = FlatFieldTable<LogSoftmaxOptions>([])
}

/// The schema's `HardSwishOptions`.
public struct HardSwishOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "HardSwishOptions"
  public static let table = FlatFieldTable<HardSwishOptions>([])
}

/// The schema's `LeakyReluOptions`.
public struct LeakyReluOptions: FlatTable {
  public var alpha: Float = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(alpha: Float = 0) {
    self.alpha = alpha
  }

  public static let tableName = "LeakyReluOptions"
  public static let table = FlatFieldTable<LeakyReluOptions>(rows)
  private static let rows: [FlatField<LeakyReluOptions>] = [
    .scalar(0, "alpha", \.alpha, 0)
  ]
}

/// The schema's `BatchMatMulOptions`.
public struct BatchMatMulOptions: FlatTable {
  public var adjX: Bool = false
  public var adjY: Bool = false
  public var asymmetricQuantizeInputs: Bool = false
  public var unknownFields: [Int] = []

  public init() {}
  public init(adjX: Bool = false, adjY: Bool = false, asymmetricQuantizeInputs: Bool = false) {
    self.adjX = adjX
    self.adjY = adjY
    self.asymmetricQuantizeInputs = asymmetricQuantizeInputs
  }

  public static let tableName = "BatchMatMulOptions"
  public static let table = FlatFieldTable<BatchMatMulOptions>(rows)
  private static let rows: [FlatField<BatchMatMulOptions>] = [
    .scalar(0, "adj_x", \.adjX, false),
    .scalar(1, "adj_y", \.adjY, false),
    .scalar(2, "asymmetric_quantize_inputs", \.asymmetricQuantizeInputs, false),
  ]
}

/// The schema's `GeluOptions`.
public struct GeluOptions: FlatTable {
  public var approximate: Bool = false
  public var unknownFields: [Int] = []

  public init() {}
  public init(approximate: Bool = false) {
    self.approximate = approximate
  }

  public static let tableName = "GeluOptions"
  public static let table = FlatFieldTable<GeluOptions>(rows)
  private static let rows: [FlatField<GeluOptions>] = [
    .scalar(0, "approximate", \.approximate, false)
  ]
}

// Written by formats/tflite/generate_wire.py from formats/tflite/schema.fbs.

import FlatBufferWire

/// The schema's `SVDFOptions`.
public struct SVDFOptions: FlatTable {
  public var rank: Int32 = 0
  public var fusedActivationFunction: ActivationFunctionType = .none
  public var asymmetricQuantizeInputs: Bool = false
  public var unknownFields: [Int] = []

  public init() {}
  public init(rank: Int32 = 0, fusedActivationFunction: ActivationFunctionType = .none, asymmetricQuantizeInputs: Bool = false) {
    self.rank = rank
    self.fusedActivationFunction = fusedActivationFunction
    self.asymmetricQuantizeInputs = asymmetricQuantizeInputs
  }

  public static let tableName = "SVDFOptions"
  public static let table = FlatFieldTable<SVDFOptions>(rows)
  private static let rows: [FlatField<SVDFOptions>] = [
    .scalar(0, "rank", \.rank, 0),
    .scalar(1, "fused_activation_function", \.fusedActivationFunction, .none),
    .scalar(2, "asymmetric_quantize_inputs", \.asymmetricQuantizeInputs, false),
  ]
}

/// The schema's `RNNOptions`.
public struct RNNOptions: FlatTable {
  public var fusedActivationFunction: ActivationFunctionType = .none
  public var asymmetricQuantizeInputs: Bool = false
  public var unknownFields: [Int] = []

  public init() {}
  public init(fusedActivationFunction: ActivationFunctionType = .none, asymmetricQuantizeInputs: Bool = false) {
    self.fusedActivationFunction = fusedActivationFunction
    self.asymmetricQuantizeInputs = asymmetricQuantizeInputs
  }

  public static let tableName = "RNNOptions"
  public static let table = FlatFieldTable<RNNOptions>(rows)
  private static let rows: [FlatField<RNNOptions>] = [
    .scalar(0, "fused_activation_function", \.fusedActivationFunction, .none),
    .scalar(1, "asymmetric_quantize_inputs", \.asymmetricQuantizeInputs, false),
  ]
}

/// The schema's `SequenceRNNOptions`.
public struct SequenceRNNOptions: FlatTable {
  public var timeMajor: Bool = false
  public var fusedActivationFunction: ActivationFunctionType = .none
  public var asymmetricQuantizeInputs: Bool = false
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    timeMajor: Bool = false, fusedActivationFunction: ActivationFunctionType = .none, asymmetricQuantizeInputs: Bool = false
  ) {
    self.timeMajor = timeMajor
    self.fusedActivationFunction = fusedActivationFunction
    self.asymmetricQuantizeInputs = asymmetricQuantizeInputs
  }

  public static let tableName = "SequenceRNNOptions"
  public static let table = FlatFieldTable<SequenceRNNOptions>(rows)
  private static let rows: [FlatField<SequenceRNNOptions>] = [
    .scalar(0, "time_major", \.timeMajor, false),
    .scalar(1, "fused_activation_function", \.fusedActivationFunction, .none),
    .scalar(2, "asymmetric_quantize_inputs", \.asymmetricQuantizeInputs, false),
  ]
}

/// The schema's `BidirectionalSequenceRNNOptions`.
public struct BidirectionalSequenceRNNOptions: FlatTable {
  public var timeMajor: Bool = false
  public var fusedActivationFunction: ActivationFunctionType = .none
  public var mergeOutputs: Bool = false
  public var asymmetricQuantizeInputs: Bool = false
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    timeMajor: Bool = false, fusedActivationFunction: ActivationFunctionType = .none, mergeOutputs: Bool = false,
    asymmetricQuantizeInputs: Bool = false
  ) {
    self.timeMajor = timeMajor
    self.fusedActivationFunction = fusedActivationFunction
    self.mergeOutputs = mergeOutputs
    self.asymmetricQuantizeInputs = asymmetricQuantizeInputs
  }

  public static let tableName = "BidirectionalSequenceRNNOptions"
  public static let table = FlatFieldTable<BidirectionalSequenceRNNOptions>(rows)
  private static let rows: [FlatField<BidirectionalSequenceRNNOptions>] = [
    .scalar(0, "time_major", \.timeMajor, false),
    .scalar(1, "fused_activation_function", \.fusedActivationFunction, .none),
    .scalar(2, "merge_outputs", \.mergeOutputs, false),
    .scalar(3, "asymmetric_quantize_inputs", \.asymmetricQuantizeInputs, false),
  ]
}

/// The schema's `LSTMOptions`.
public struct LSTMOptions: FlatTable {
  public var fusedActivationFunction: ActivationFunctionType = .none
  public var cellClip: Float = 0
  public var projClip: Float = 0
  public var kernelType: LSTMKernelType = .full
  public var asymmetricQuantizeInputs: Bool = false
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    fusedActivationFunction: ActivationFunctionType = .none, cellClip: Float = 0, projClip: Float = 0,
    kernelType: LSTMKernelType = .full, asymmetricQuantizeInputs: Bool = false
  ) {
    self.fusedActivationFunction = fusedActivationFunction
    self.cellClip = cellClip
    self.projClip = projClip
    self.kernelType = kernelType
    self.asymmetricQuantizeInputs = asymmetricQuantizeInputs
  }

  public static let tableName = "LSTMOptions"
  public static let table = FlatFieldTable<LSTMOptions>(rows)
  private static let rows: [FlatField<LSTMOptions>] = [
    .scalar(0, "fused_activation_function", \.fusedActivationFunction, .none),
    .scalar(1, "cell_clip", \.cellClip, 0),
    .scalar(2, "proj_clip", \.projClip, 0),
    .scalar(3, "kernel_type", \.kernelType, .full),
    .scalar(4, "asymmetric_quantize_inputs", \.asymmetricQuantizeInputs, false),
  ]
}

/// The schema's `UnidirectionalSequenceLSTMOptions`.
public struct UnidirectionalSequenceLSTMOptions: FlatTable {
  public var fusedActivationFunction: ActivationFunctionType = .none
  public var cellClip: Float = 0
  public var projClip: Float = 0
  public var timeMajor: Bool = false
  public var asymmetricQuantizeInputs: Bool = false
  public var diagonalRecurrentTensors: Bool = false
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    fusedActivationFunction: ActivationFunctionType = .none, cellClip: Float = 0, projClip: Float = 0, timeMajor: Bool = false,
    asymmetricQuantizeInputs: Bool = false, diagonalRecurrentTensors: Bool = false
  ) {
    self.fusedActivationFunction = fusedActivationFunction
    self.cellClip = cellClip
    self.projClip = projClip
    self.timeMajor = timeMajor
    self.asymmetricQuantizeInputs = asymmetricQuantizeInputs
    self.diagonalRecurrentTensors = diagonalRecurrentTensors
  }

  public static let tableName = "UnidirectionalSequenceLSTMOptions"
  public static let table = FlatFieldTable<UnidirectionalSequenceLSTMOptions>(rows)
  private static let rows: [FlatField<UnidirectionalSequenceLSTMOptions>] = [
    .scalar(0, "fused_activation_function", \.fusedActivationFunction, .none),
    .scalar(1, "cell_clip", \.cellClip, 0),
    .scalar(2, "proj_clip", \.projClip, 0),
    .scalar(3, "time_major", \.timeMajor, false),
    .scalar(4, "asymmetric_quantize_inputs", \.asymmetricQuantizeInputs, false),
    .scalar(5, "diagonal_recurrent_tensors", \.diagonalRecurrentTensors, false),
  ]
}

/// The schema's `BidirectionalSequenceLSTMOptions`.
public struct BidirectionalSequenceLSTMOptions: FlatTable {
  public var fusedActivationFunction: ActivationFunctionType = .none
  public var cellClip: Float = 0
  public var projClip: Float = 0
  public var mergeOutputs: Bool = false
  public var timeMajor: Bool = true
  public var asymmetricQuantizeInputs: Bool = false
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    fusedActivationFunction: ActivationFunctionType = .none, cellClip: Float = 0, projClip: Float = 0, mergeOutputs: Bool = false,
    timeMajor: Bool = true, asymmetricQuantizeInputs: Bool = false
  ) {
    self.fusedActivationFunction = fusedActivationFunction
    self.cellClip = cellClip
    self.projClip = projClip
    self.mergeOutputs = mergeOutputs
    self.timeMajor = timeMajor
    self.asymmetricQuantizeInputs = asymmetricQuantizeInputs
  }

  public static let tableName = "BidirectionalSequenceLSTMOptions"
  public static let table = FlatFieldTable<BidirectionalSequenceLSTMOptions>(rows)
  private static let rows: [FlatField<BidirectionalSequenceLSTMOptions>] = [
    .scalar(0, "fused_activation_function", \.fusedActivationFunction, .none),
    .scalar(1, "cell_clip", \.cellClip, 0),
    .scalar(2, "proj_clip", \.projClip, 0),
    .scalar(3, "merge_outputs", \.mergeOutputs, false),
    .scalar(4, "time_major", \.timeMajor, true),
    .scalar(5, "asymmetric_quantize_inputs", \.asymmetricQuantizeInputs, false),
  ]
}

// Written by formats/tflite/generate_wire.py from formats/tflite/schema.fbs.

import FlatBufferWire

/// The schema's `Conv2DOptions`.
public struct Conv2DOptions: FlatTable {
  public var padding: TFLitePadding = .same
  public var strideW: Int32 = 0
  public var strideH: Int32 = 0
  public var fusedActivationFunction: ActivationFunctionType = .none
  public var dilationWFactor: Int32 = 1
  public var dilationHFactor: Int32 = 1
  public var quantizedBiasType: TFLiteTensorType = .float32
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    padding: TFLitePadding = .same, strideW: Int32 = 0, strideH: Int32 = 0,
    fusedActivationFunction: ActivationFunctionType = .none, dilationWFactor: Int32 = 1, dilationHFactor: Int32 = 1,
    quantizedBiasType: TFLiteTensorType = .float32
  ) {
    self.padding = padding
    self.strideW = strideW
    self.strideH = strideH
    self.fusedActivationFunction = fusedActivationFunction
    self.dilationWFactor = dilationWFactor
    self.dilationHFactor = dilationHFactor
    self.quantizedBiasType = quantizedBiasType
  }

  public static let tableName = "Conv2DOptions"
  public static let table = FlatFieldTable<Conv2DOptions>(rows)
  private static let rows: [FlatField<Conv2DOptions>] = [
    .scalar(0, "padding", \.padding, .same),
    .scalar(1, "stride_w", \.strideW, 0),
    .scalar(2, "stride_h", \.strideH, 0),
    .scalar(3, "fused_activation_function", \.fusedActivationFunction, .none),
    .scalar(4, "dilation_w_factor", \.dilationWFactor, 1),
    .scalar(5, "dilation_h_factor", \.dilationHFactor, 1),
    .scalar(6, "quantized_bias_type", \.quantizedBiasType, .float32),
  ]
}

/// The schema's `Conv3DOptions`.
public struct Conv3DOptions: FlatTable {
  public var padding: TFLitePadding = .same
  public var strideD: Int32 = 0
  public var strideW: Int32 = 0
  public var strideH: Int32 = 0
  public var fusedActivationFunction: ActivationFunctionType = .none
  public var dilationDFactor: Int32 = 1
  public var dilationWFactor: Int32 = 1
  public var dilationHFactor: Int32 = 1
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    padding: TFLitePadding = .same, strideD: Int32 = 0, strideW: Int32 = 0, strideH: Int32 = 0,
    fusedActivationFunction: ActivationFunctionType = .none, dilationDFactor: Int32 = 1, dilationWFactor: Int32 = 1,
    dilationHFactor: Int32 = 1
  ) {
    self.padding = padding
    self.strideD = strideD
    self.strideW = strideW
    self.strideH = strideH
    self.fusedActivationFunction = fusedActivationFunction
    self.dilationDFactor = dilationDFactor
    self.dilationWFactor = dilationWFactor
    self.dilationHFactor = dilationHFactor
  }

  public static let tableName = "Conv3DOptions"
  public static let table = FlatFieldTable<Conv3DOptions>(rows)
  private static let rows: [FlatField<Conv3DOptions>] = [
    .scalar(0, "padding", \.padding, .same),
    .scalar(1, "stride_d", \.strideD, 0),
    .scalar(2, "stride_w", \.strideW, 0),
    .scalar(3, "stride_h", \.strideH, 0),
    .scalar(4, "fused_activation_function", \.fusedActivationFunction, .none),
    .scalar(5, "dilation_d_factor", \.dilationDFactor, 1),
    .scalar(6, "dilation_w_factor", \.dilationWFactor, 1),
    .scalar(7, "dilation_h_factor", \.dilationHFactor, 1),
  ]
}

/// The schema's `Pool2DOptions`.
public struct Pool2DOptions: FlatTable {
  public var padding: TFLitePadding = .same
  public var strideW: Int32 = 0
  public var strideH: Int32 = 0
  public var filterWidth: Int32 = 0
  public var filterHeight: Int32 = 0
  public var fusedActivationFunction: ActivationFunctionType = .none
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    padding: TFLitePadding = .same, strideW: Int32 = 0, strideH: Int32 = 0, filterWidth: Int32 = 0, filterHeight: Int32 = 0,
    fusedActivationFunction: ActivationFunctionType = .none
  ) {
    self.padding = padding
    self.strideW = strideW
    self.strideH = strideH
    self.filterWidth = filterWidth
    self.filterHeight = filterHeight
    self.fusedActivationFunction = fusedActivationFunction
  }

  public static let tableName = "Pool2DOptions"
  public static let table = FlatFieldTable<Pool2DOptions>(rows)
  private static let rows: [FlatField<Pool2DOptions>] = [
    .scalar(0, "padding", \.padding, .same),
    .scalar(1, "stride_w", \.strideW, 0),
    .scalar(2, "stride_h", \.strideH, 0),
    .scalar(3, "filter_width", \.filterWidth, 0),
    .scalar(4, "filter_height", \.filterHeight, 0),
    .scalar(5, "fused_activation_function", \.fusedActivationFunction, .none),
  ]
}

/// The schema's `DepthwiseConv2DOptions`.
public struct DepthwiseConv2DOptions: FlatTable {
  public var padding: TFLitePadding = .same
  public var strideW: Int32 = 0
  public var strideH: Int32 = 0
  public var depthMultiplier: Int32 = 0
  public var fusedActivationFunction: ActivationFunctionType = .none
  public var dilationWFactor: Int32 = 1
  public var dilationHFactor: Int32 = 1
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    padding: TFLitePadding = .same, strideW: Int32 = 0, strideH: Int32 = 0, depthMultiplier: Int32 = 0,
    fusedActivationFunction: ActivationFunctionType = .none, dilationWFactor: Int32 = 1, dilationHFactor: Int32 = 1
  ) {
    self.padding = padding
    self.strideW = strideW
    self.strideH = strideH
    self.depthMultiplier = depthMultiplier
    self.fusedActivationFunction = fusedActivationFunction
    self.dilationWFactor = dilationWFactor
    self.dilationHFactor = dilationHFactor
  }

  public static let tableName = "DepthwiseConv2DOptions"
  public static let table = FlatFieldTable<DepthwiseConv2DOptions>(rows)
  private static let rows: [FlatField<DepthwiseConv2DOptions>] = [
    .scalar(0, "padding", \.padding, .same),
    .scalar(1, "stride_w", \.strideW, 0),
    .scalar(2, "stride_h", \.strideH, 0),
    .scalar(3, "depth_multiplier", \.depthMultiplier, 0),
    .scalar(4, "fused_activation_function", \.fusedActivationFunction, .none),
    .scalar(5, "dilation_w_factor", \.dilationWFactor, 1),
    .scalar(6, "dilation_h_factor", \.dilationHFactor, 1),
  ]
}

/// The schema's `TransposeConvOptions`.
public struct TransposeConvOptions: FlatTable {
  public var padding: TFLitePadding = .same
  public var strideW: Int32 = 0
  public var strideH: Int32 = 0
  public var fusedActivationFunction: ActivationFunctionType = .none
  public var quantizedBiasType: TFLiteTensorType = .float32
  public var unknownFields: [Int] = []

  public init() {}
  public init(
    padding: TFLitePadding = .same, strideW: Int32 = 0, strideH: Int32 = 0,
    fusedActivationFunction: ActivationFunctionType = .none, quantizedBiasType: TFLiteTensorType = .float32
  ) {
    self.padding = padding
    self.strideW = strideW
    self.strideH = strideH
    self.fusedActivationFunction = fusedActivationFunction
    self.quantizedBiasType = quantizedBiasType
  }

  public static let tableName = "TransposeConvOptions"
  public static let table = FlatFieldTable<TransposeConvOptions>(rows)
  private static let rows: [FlatField<TransposeConvOptions>] = [
    .scalar(0, "padding", \.padding, .same),
    .scalar(1, "stride_w", \.strideW, 0),
    .scalar(2, "stride_h", \.strideH, 0),
    .scalar(3, "fused_activation_function", \.fusedActivationFunction, .none),
    .scalar(4, "quantized_bias_type", \.quantizedBiasType, .float32),
  ]
}

/// The schema's `DilateOptions`.
public struct DilateOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "DilateOptions"
  public static let table = FlatFieldTable<DilateOptions>([])
}

// Written by formats/tflite/generate_wire.py from formats/tflite/schema.fbs.

import FlatBufferWire

/// The schema's `ConcatenationOptions`.
public struct ConcatenationOptions: FlatTable {
  public var axis: Int32 = 0
  public var fusedActivationFunction: ActivationFunctionType = .none
  public var unknownFields: [Int] = []

  public init() {}
  public init(axis: Int32 = 0, fusedActivationFunction: ActivationFunctionType = .none) {
    self.axis = axis
    self.fusedActivationFunction = fusedActivationFunction
  }

  public static let tableName = "ConcatenationOptions"
  public static let table = FlatFieldTable<ConcatenationOptions>(rows)
  private static let rows: [FlatField<ConcatenationOptions>] = [
    .scalar(0, "axis", \.axis, 0),
    .scalar(1, "fused_activation_function", \.fusedActivationFunction, .none),
  ]
}

/// The schema's `ResizeBilinearOptions`.
public struct ResizeBilinearOptions: FlatTable {
  /// Deprecated in the schema; kept for what older files hold.
  public var newHeight: Int32 = 0
  /// Deprecated in the schema; kept for what older files hold.
  public var newWidth: Int32 = 0
  public var alignCorners: Bool = false
  public var halfPixelCenters: Bool = false
  public var unknownFields: [Int] = []

  public init() {}
  public init(newHeight: Int32 = 0, newWidth: Int32 = 0, alignCorners: Bool = false, halfPixelCenters: Bool = false) {
    self.newHeight = newHeight
    self.newWidth = newWidth
    self.alignCorners = alignCorners
    self.halfPixelCenters = halfPixelCenters
  }

  public static let tableName = "ResizeBilinearOptions"
  public static let table = FlatFieldTable<ResizeBilinearOptions>(rows)
  private static let rows: [FlatField<ResizeBilinearOptions>] = [
    .scalar(0, "new_height", \.newHeight, 0),
    .scalar(1, "new_width", \.newWidth, 0),
    .scalar(2, "align_corners", \.alignCorners, false),
    .scalar(3, "half_pixel_centers", \.halfPixelCenters, false),
  ]
}

/// The schema's `ResizeNearestNeighborOptions`.
public struct ResizeNearestNeighborOptions: FlatTable {
  public var alignCorners: Bool = false
  public var halfPixelCenters: Bool = false
  public var unknownFields: [Int] = []

  public init() {}
  public init(alignCorners: Bool = false, halfPixelCenters: Bool = false) {
    self.alignCorners = alignCorners
    self.halfPixelCenters = halfPixelCenters
  }

  public static let tableName = "ResizeNearestNeighborOptions"
  public static let table = FlatFieldTable<ResizeNearestNeighborOptions>(rows)
  private static let rows: [FlatField<ResizeNearestNeighborOptions>] = [
    .scalar(0, "align_corners", \.alignCorners, false),
    .scalar(1, "half_pixel_centers", \.halfPixelCenters, false),
  ]
}

/// The schema's `PadOptions`.
public struct PadOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "PadOptions"
  public static let table = FlatFieldTable<PadOptions>([])
}

/// The schema's `PadV2Options`.
public struct PadV2Options: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "PadV2Options"
  public static let table = FlatFieldTable<PadV2Options>([])
}

/// The schema's `SpaceToBatchNDOptions`.
public struct SpaceToBatchNDOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "SpaceToBatchNDOptions"
  public static let table = FlatFieldTable<SpaceToBatchNDOptions>([])
}

/// The schema's `BatchToSpaceNDOptions`.
public struct BatchToSpaceNDOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "BatchToSpaceNDOptions"
  public static let table = FlatFieldTable<BatchToSpaceNDOptions>([])
}

/// The schema's `SpaceToDepthOptions`.
public struct SpaceToDepthOptions: FlatTable {
  public var blockSize: Int32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(blockSize: Int32 = 0) {
    self.blockSize = blockSize
  }

  public static let tableName = "SpaceToDepthOptions"
  public static let table = FlatFieldTable<SpaceToDepthOptions>(rows)
  private static let rows: [FlatField<SpaceToDepthOptions>] = [
    .scalar(0, "block_size", \.blockSize, 0)
  ]
}

/// The schema's `DepthToSpaceOptions`.
public struct DepthToSpaceOptions: FlatTable {
  public var blockSize: Int32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(blockSize: Int32 = 0) {
    self.blockSize = blockSize
  }

  public static let tableName = "DepthToSpaceOptions"
  public static let table = FlatFieldTable<DepthToSpaceOptions>(rows)
  private static let rows: [FlatField<DepthToSpaceOptions>] = [
    .scalar(0, "block_size", \.blockSize, 0)
  ]
}

/// The schema's `MirrorPadOptions`.
public struct MirrorPadOptions: FlatTable {
  public var mode: MirrorPadMode = .reflect
  public var unknownFields: [Int] = []

  public init() {}
  public init(mode: MirrorPadMode = .reflect) {
    self.mode = mode
  }

  public static let tableName = "MirrorPadOptions"
  public static let table = FlatFieldTable<MirrorPadOptions>(rows)
  private static let rows: [FlatField<MirrorPadOptions>] = [
    .scalar(0, "mode", \.mode, .reflect)
  ]
}

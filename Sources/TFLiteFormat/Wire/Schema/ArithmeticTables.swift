// Written by formats/tflite/generate_wire.py from formats/tflite/schema.fbs.

import FlatBufferWire

/// The schema's `AddOptions`.
public struct AddOptions: FlatTable {
  public var fusedActivationFunction: ActivationFunctionType = .none
  public var potScaleInt16: Bool = true
  public var unknownFields: [Int] = []

  public init() {}
  public init(fusedActivationFunction: ActivationFunctionType = .none, potScaleInt16: Bool = true) {
    self.fusedActivationFunction = fusedActivationFunction
    self.potScaleInt16 = potScaleInt16
  }

  public static let tableName = "AddOptions"
  public static let table = FlatFieldTable<AddOptions>(rows)
  private static let rows: [FlatField<AddOptions>] = [
    .scalar(0, "fused_activation_function", \.fusedActivationFunction, .none),
    .scalar(1, "pot_scale_int16", \.potScaleInt16, true),
  ]
}

/// The schema's `MulOptions`.
public struct MulOptions: FlatTable {
  public var fusedActivationFunction: ActivationFunctionType = .none
  public var unknownFields: [Int] = []

  public init() {}
  public init(fusedActivationFunction: ActivationFunctionType = .none) {
    self.fusedActivationFunction = fusedActivationFunction
  }

  public static let tableName = "MulOptions"
  public static let table = FlatFieldTable<MulOptions>(rows)
  private static let rows: [FlatField<MulOptions>] = [
    .scalar(0, "fused_activation_function", \.fusedActivationFunction, .none)
  ]
}

/// The schema's `SubOptions`.
public struct SubOptions: FlatTable {
  public var fusedActivationFunction: ActivationFunctionType = .none
  public var potScaleInt16: Bool = true
  public var unknownFields: [Int] = []

  public init() {}
  public init(fusedActivationFunction: ActivationFunctionType = .none, potScaleInt16: Bool = true) {
    self.fusedActivationFunction = fusedActivationFunction
    self.potScaleInt16 = potScaleInt16
  }

  public static let tableName = "SubOptions"
  public static let table = FlatFieldTable<SubOptions>(rows)
  private static let rows: [FlatField<SubOptions>] = [
    .scalar(0, "fused_activation_function", \.fusedActivationFunction, .none),
    .scalar(1, "pot_scale_int16", \.potScaleInt16, true),
  ]
}

/// The schema's `DivOptions`.
public struct DivOptions: FlatTable {
  public var fusedActivationFunction: ActivationFunctionType = .none
  public var unknownFields: [Int] = []

  public init() {}
  public init(fusedActivationFunction: ActivationFunctionType = .none) {
    self.fusedActivationFunction = fusedActivationFunction
  }

  public static let tableName = "DivOptions"
  public static let table = FlatFieldTable<DivOptions>(rows)
  private static let rows: [FlatField<DivOptions>] = [
    .scalar(0, "fused_activation_function", \.fusedActivationFunction, .none)
  ]
}

/// The schema's `ExpOptions`.
public struct ExpOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "ExpOptions"
  public static let table = FlatFieldTable<ExpOptions>([])
}

/// The schema's `CosOptions`.
public struct CosOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "CosOptions"
  public static let table = FlatFieldTable<CosOptions>([])
}

/// The schema's `NegOptions`.
public struct NegOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "NegOptions"
  public static let table = FlatFieldTable<NegOptions>([])
}

/// The schema's `PowOptions`.
public struct PowOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "PowOptions"
  public static let table = FlatFieldTable<PowOptions>([])
}

/// The schema's `AbsOptions`.
public struct AbsOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "AbsOptions"
  public static let table = FlatFieldTable<AbsOptions>([])
}

/// The schema's `FloorDivOptions`.
public struct FloorDivOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "FloorDivOptions"
  public static let table = FlatFieldTable<FloorDivOptions>([])
}

/// The schema's `SquareOptions`.
public struct SquareOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "SquareOptions"
  public static let table = FlatFieldTable<SquareOptions>([])
}

/// The schema's `FloorModOptions`.
public struct FloorModOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "FloorModOptions"
  public static let table = FlatFieldTable<FloorModOptions>([])
}

/// The schema's `SquaredDifferenceOptions`.
public struct SquaredDifferenceOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "SquaredDifferenceOptions"
  public static let table = FlatFieldTable<SquaredDifferenceOptions>([])
}

/// The schema's `AddNOptions`.
public struct AddNOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "AddNOptions"
  public static let table = FlatFieldTable<AddNOptions>([])
}

/// The schema's `Rfft2dOptions`.
public struct Rfft2dOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "Rfft2dOptions"
  public static let table = FlatFieldTable<Rfft2dOptions>([])
}

/// The schema's `ATan2Options`.
public struct ATan2Options: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "ATan2Options"
  public static let table = FlatFieldTable<ATan2Options>([])
}

/// The schema's `SignOptions`.
public struct SignOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "SignOptions"
  public static let table = FlatFieldTable<SignOptions>([])
}

/// The schema's `BitcastOptions`.
public struct BitcastOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "BitcastOptions"
  public static let table = FlatFieldTable<BitcastOptions>([])
}

/// The schema's `BitwiseXorOptions`.
public struct BitwiseXorOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "BitwiseXorOptions"
  public static let table = FlatFieldTable<BitwiseXorOptions>([])
}

/// The schema's `RightShiftOptions`.
public struct RightShiftOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "RightShiftOptions"
  public static let table = FlatFieldTable<RightShiftOptions>([])
}

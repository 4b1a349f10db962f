// Written by formats/tflite/generate_wire.py from formats/tflite/schema.fbs.

import FlatBufferWire

/// The schema's `MaximumMinimumOptions`.
public struct MaximumMinimumOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "MaximumMinimumOptions"
  public static let table = FlatFieldTable<MaximumMinimumOptions>([])
}

/// The schema's `GreaterOptions`.
public struct GreaterOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "GreaterOptions"
  public static let table = FlatFieldTable<GreaterOptions>([])
}

/// The schema's `GreaterEqualOptions`.
public struct GreaterEqualOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "GreaterEqualOptions"
  public static let table = FlatFieldTable<GreaterEqualOptions>([])
}

/// The schema's `LessOptions`.
public struct LessOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "LessOptions"
  public static let table = FlatFieldTable<LessOptions>([])
}

/// The schema's `LessEqualOptions`.
public struct LessEqualOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "LessEqualOptions"
  public static let table = FlatFieldTable<LessEqualOptions>([])
}

/// The schema's `SelectOptions`.
public struct SelectOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "SelectOptions"
  public static let table = FlatFieldTable<SelectOptions>([])
}

/// The schema's `EqualOptions`.
public struct EqualOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "EqualOptions"
  public static let table = FlatFieldTable<EqualOptions>([])
}

/// The schema's `NotEqualOptions`.
public struct NotEqualOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "NotEqualOptions"
  public static let table = FlatFieldTable<NotEqualOptions>([])
}

/// The schema's `LogicalOrOptions`.
public struct LogicalOrOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "LogicalOrOptions"
  public static let table = FlatFieldTable<LogicalOrOptions>([])
}

/// The schema's `LogicalAndOptions`.
public struct LogicalAndOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "LogicalAndOptions"
  public static let table = FlatFieldTable<LogicalAndOptions>([])
}

/// The schema's `LogicalNotOptions`.
public struct LogicalNotOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "LogicalNotOptions"
  public static let table = FlatFieldTable<LogicalNotOptions>([])
}

/// The schema's `WhereOptions`.
public struct WhereOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "WhereOptions"
  public static let table = FlatFieldTable<WhereOptions>([])
}

/// The schema's `SelectV2Options`.
public struct SelectV2Options: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "SelectV2Options"
  public static let table = FlatFieldTable<SelectV2Options>([])
}

// Written by formats/tflite/generate_wire.py from formats/tflite/schema.fbs.

import FlatBufferWire

/// The schema's `CallOptions`.
public struct CallOptions: FlatTable {
  public var subgraph: UInt32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(subgraph: UInt32 = 0) {
    self.subgraph = subgraph
  }

  public static let tableName = "CallOptions"
  public static let table = FlatFieldTable<CallOptions>(rows)
  private static let rows: [FlatField<CallOptions>] = [
    .scalar(0, "subgraph", \.subgraph, 0)
  ]
}

/// The schema's `IfOptions`.
public struct IfOptions: FlatTable {
  public var thenSubgraphIndex: Int32 = 0
  public var elseSubgraphIndex: Int32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(thenSubgraphIndex: Int32 = 0, elseSubgraphIndex: Int32 = 0) {
    self.thenSubgraphIndex = thenSubgraphIndex
    self.elseSubgraphIndex = elseSubgraphIndex
  }

  public static let tableName = "IfOptions"
  public static let table = FlatFieldTable<IfOptions>(rows)
  private static let rows: [FlatField<IfOptions>] = [
    .scalar(0, "then_subgraph_index", \.thenSubgraphIndex, 0),
    .scalar(1, "else_subgraph_index", \.elseSubgraphIndex, 0),
  ]
}

/// The schema's `CallOnceOptions`.
public struct CallOnceOptions: FlatTable {
  public var initSubgraphIndex: Int32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(initSubgraphIndex: Int32 = 0) {
    self.initSubgraphIndex = initSubgraphIndex
  }

  public static let tableName = "CallOnceOptions"
  public static let table = FlatFieldTable<CallOnceOptions>(rows)
  private static let rows: [FlatField<CallOnceOptions>] = [
    .scalar(0, "init_subgraph_index", \.initSubgraphIndex, 0)
  ]
}

/// The schema's `WhileOptions`.
public struct WhileOptions: FlatTable {
  public var condSubgraphIndex: Int32 = 0
  public var bodySubgraphIndex: Int32 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(condSubgraphIndex: Int32 = 0, bodySubgraphIndex: Int32 = 0) {
    self.condSubgraphIndex = condSubgraphIndex
    self.bodySubgraphIndex = bodySubgraphIndex
  }

  public static let tableName = "WhileOptions"
  public static let table = FlatFieldTable<WhileOptions>(rows)
  private static let rows: [FlatField<WhileOptions>] = [
    .scalar(0, "cond_subgraph_index", \.condSubgraphIndex, 0),
    .scalar(1, "body_subgraph_index", \.bodySubgraphIndex, 0),
  ]
}

/// The schema's `HashtableOptions`.
public struct HashtableOptions: FlatTable {
  public var tableId: Int32 = 0
  public var keyDtype: TFLiteTensorType = .float32
  public var valueDtype: TFLiteTensorType = .float32
  public var unknownFields: [Int] = []

  public init() {}
  public init(tableId: Int32 = 0, keyDtype: TFLiteTensorType = .float32, valueDtype: TFLiteTensorType = .float32) {
    self.tableId = tableId
    self.keyDtype = keyDtype
    self.valueDtype = valueDtype
  }

  public static let tableName = "HashtableOptions"
  public static let table = FlatFieldTable<HashtableOptions>(rows)
  private static let rows: [FlatField<HashtableOptions>] = [
    .scalar(0, "table_id", \.tableId, 0),
    .scalar(1, "key_dtype", \.keyDtype, .float32),
    .scalar(2, "value_dtype", \.valueDtype, .float32),
  ]
}

/// The schema's `HashtableFindOptions`.
public struct HashtableFindOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "HashtableFindOptions"
  public static let table = FlatFieldTable<HashtableFindOptions>([])
}

/// The schema's `HashtableImportOptions`.
public struct HashtableImportOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "HashtableImportOptions"
  public static let table = FlatFieldTable<HashtableImportOptions>([])
}

/// The schema's `HashtableSizeOptions`.
public struct HashtableSizeOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "HashtableSizeOptions"
  public static let table = FlatFieldTable<HashtableSizeOptions>([])
}

/// The schema's `VarHandleOptions`.
public struct VarHandleOptions: FlatTable {
  public var container: String? = nil
  public var sharedName: String? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(container: String? = nil, sharedName: String? = nil) {
    self.container = container
    self.sharedName = sharedName
  }

  public static let tableName = "VarHandleOptions"
  public static let table = FlatFieldTable<VarHandleOptions>(rows)
  private static let rows: [FlatField<VarHandleOptions>] = [
    .string(0, "container", \.container),
    .string(1, "shared_name", \.sharedName),
  ]
}

/// The schema's `ReadVariableOptions`.
public struct ReadVariableOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "ReadVariableOptions"
  public static let table = FlatFieldTable<ReadVariableOptions>([])
}

/// The schema's `AssignVariableOptions`.
public struct AssignVariableOptions: FlatTable {
  public var unknownFields: [Int] = []

  public init() {}

  public static let tableName = "AssignVariableOptions"
  public static let table = FlatFieldTable<AssignVariableOptions>([])
}

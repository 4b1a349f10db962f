import ProtobufWire

/// A set of devices.
public struct DeviceConfigurationProto: ProtoMessage {
  public var name: String?
  public var numDevices: Int32?
  public var device: [String] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "DeviceConfigurationProto"
  public static let table = FieldTable<Self>([
    .string(1, "name", \.name),
    .int32(2, "num_devices", \.numDevices),
    .strings(3, "device", \.device),
  ])
}

/// Where a node runs in one configuration.
public struct NodeDeviceConfigurationProto: ProtoMessage {
  public var configurationId: String?
  public var shardingSpec: [ShardingSpecProto] = []
  public var pipelineStage: Int32?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "NodeDeviceConfigurationProto"
  public static let table = FieldTable<Self>([
    .string(1, "configuration_id", \.configurationId),
    .messages(2, "sharding_spec", \.shardingSpec),
    .int32(3, "pipeline_stage", \.pipelineStage),
  ])
}

/// How a tensor is spread over devices.
public struct ShardingSpecProto: ProtoMessage {
  public var tensorName: String?
  public var device: [Int64] = []
  public var indexToDeviceGroupMap: [IntIntListEntryProto] = []
  public var shardedDim: [ShardedDimProto] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "ShardingSpecProto"
  public static let table = FieldTable<Self>([
    .string(1, "tensor_name", \.tensorName),
    .int64s(2, "device", \.device),
    .messages(3, "index_to_device_group_map", \.indexToDeviceGroupMap),
    .messages(4, "sharded_dim", \.shardedDim),
  ])
}

/// A number and a list of numbers.
public struct IntIntListEntryProto: ProtoMessage {
  public var key: Int64?
  public var value: [Int64] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "IntIntListEntryProto"
  public static let table = FieldTable<Self>([
    .int64(1, "key", \.key),
    .int64s(2, "value", \.value),
  ])
}

/// How one axis is split.
public struct ShardedDimProto: ProtoMessage {
  public var axis: Int64?
  public var simpleSharding: [SimpleShardedDimProto] = []
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "ShardedDimProto"
  public static let table = FieldTable<Self>([
    .int64(1, "axis", \.axis),
    .messages(2, "simple_sharding", \.simpleSharding),
  ])
}

/// A number of shards of an extent.
public struct SimpleShardedDimProto: ProtoMessage {
  public var dimValue: Int64?
  public var dimParam: String?
  public var numShards: Int64?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "SimpleShardedDimProto"
  public static let table = FieldTable<Self>([
    .int64(1, "dim_value", \.dimValue),
    .string(2, "dim_param", \.dimParam),
    .int64(3, "num_shards", \.numShards),
  ])
}

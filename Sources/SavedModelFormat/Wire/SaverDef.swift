import ProtobufWire

/// The nodes of the main graph that save and restore variables. `tensorflow/core/protobuf/saver.proto`.
public struct SaverDef: ProtoMessage {
  /// A string tensor that is fed with the path of the checkpoint.
  public var filenameTensorName: String?
  public var saveTensorName: String?
  public var restoreOpName: String?
  public var maxToKeep: Int32?
  public var sharded: Bool?
  public var keepCheckpointEveryNHours: Float?
  public var version: CheckpointFormatVersion?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "SaverDef"
  public static let table = FieldTable<Self>([
    .string(1, "filename_tensor_name", \.filenameTensorName),
    .string(2, "save_tensor_name", \.saveTensorName),
    .string(3, "restore_op_name", \.restoreOpName),
    .int32(4, "max_to_keep", \.maxToKeep),
    .bool(5, "sharded", \.sharded),
    .float(6, "keep_checkpoint_every_n_hours", \.keepCheckpointEveryNHours),
    .enumeration(7, named: "version", "CheckpointFormatVersion", \.version),
  ])

  public struct CheckpointFormatVersion: ProtoEnumeration, Hashable {
    public var rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }
    public static let names: [Int32: String] = [0: "LEGACY", 1: "V1", 2: "V2"]
    /// TensorBundles.
    public static let v2 = CheckpointFormatVersion(rawValue: 2)
  }
}

import ProtobufWire
import TensorFlowGraph

/// `fingerprint.pb`: hashes that tell models apart. `tensorflow/core/protobuf/fingerprint.proto`.
public struct FingerprintDef: ProtoMessage {
  public var savedModelChecksum: UInt64?
  public var graphDefProgramHash: UInt64?
  public var signatureDefHash: UInt64?
  public var savedObjectGraphHash: UInt64?
  public var checkpointHash: UInt64?
  public var uuid: String?
  public var version: VersionDef?
  public var unknownFields = PackedValues()
  public init() {}

  public static let messageName = "FingerprintDef"
  public static let table = FieldTable<Self>([
    .uint64(1, "saved_model_checksum", \.savedModelChecksum),
    .uint64(2, "graph_def_program_hash", \.graphDefProgramHash),
    .uint64(3, "signature_def_hash", \.signatureDefHash),
    .uint64(4, "saved_object_graph_hash", \.savedObjectGraphHash),
    .uint64(5, "checkpoint_hash", \.checkpointHash),
    .string(7, "uuid", \.uuid),
    .message(6, "version", \.version),
  ])
}

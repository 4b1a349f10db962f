import ModelGraph
import ModelTensor
import ProtobufWire

/// What the file said, kept beside the model (`Model.residue["onnx"]`): the writer repeats it where nothing has changed.
public struct ONNXResidue: Sendable {
  /// The whole model as it stands in the file; weights stay where they are.
  public var model: ModelProto
  public var files: ExternalFiles
  /// The versions of the operator sets by domain.
  public var opsets: [String: Int]
  /// The graphs as they were read.
  var records: [GraphID: GraphRecord] = [:]
}

/// A node carried verbatim by an `OpaqueOp`.
public struct ONNXPayload: Sendable {
  /// With references to a function's attributes resolved.
  public var node: NodeProto
  /// The version of its operator set.
  public var version: Int
}

/// A graph as it was read, and where in the file each of its parts stands.
struct GraphRecord: Sendable {
  var proto: GraphProto
  /// As read; shares its storage with the model's graph until that changes.
  var graph = Graph()
  /// The position of the file's node each node belongs to.
  var sources: [NodeID: Int] = [:]
  /// The nodes made from each of the file's nodes.
  var results: [[NodeID]]
  /// The position of the `Constant` node that each such constant comes from.
  var constantNodes: [ValueID: Int] = [:]
  /// The tensors of initializers as they were read.
  var tensors: [ValueID: Tensor] = [:]
  /// The position of each initializer, dense ones first, sparse ones behind.
  var initializers: [ValueID: Int] = [:]

  init(_ proto: GraphProto) {
    self.proto = proto
    results = Array(repeating: [], count: proto.node.count)
  }
}

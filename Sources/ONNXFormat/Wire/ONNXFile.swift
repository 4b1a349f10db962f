import ModelSupport
import ModelTensor
import ProtobufWire

/// An ONNX model as its file says it: every message as it stands, weights left where they are.
///
/// Opening touches only the pages of the structure. Usable without the rest of the toolchain:
/// ```swift
/// let file = try ONNXFile(path: "model.onnx")
/// print(file.model.producerName ?? "", file.graph.node.count)
/// let kernel = try file.initializer("conv1.weight")?.array()
/// ```
public struct ONNXFile: Sendable {
  public let path: String
  public let model: ModelProto
  /// Where external data is looked for.
  public let files: ExternalFiles

  /// - Throws: `StorageError` when the file can't be opened, `FormatError` when it is no ONNX model.
  public init(path: String) throws {
    let file = try MappedFile(path: path)
    self.path = path
    model = try ModelProto(reading: file)
    guard model.graph != nil else {
      throw FormatError(
        .unrecognized, "expected an ONNX model, found a protobuf message without a graph",
        at: SourceLocation(file: path))
    }
    let slash = path.lastIndex(of: "/")
    files = ExternalFiles(directory: slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? ".")
  }

  /// The main graph.
  public var graph: GraphProto { model.graph ?? GraphProto() }

  /// The initializer of the main graph called `name`, dense or sparse.
  public func initializer(_ name: String) throws -> Tensor? {
    do {
      if let dense = graph.initializer.first(where: { $0.name == name }) { return try dense.tensor(files) }
      if let sparse = graph.sparseInitializer.first(where: { $0.values?.name == name }) {
        return try sparse.tensor(files)
      }
      return nil
    } catch let error as FormatError { throw error.inFile(path) }
  }

  /// Whether a file looks like an ONNX model: its outermost fields are those of `ModelProto`, and a
  /// graph is among them. Looks at the fields' heads only.
  public static func matches(_ file: MappedFile) -> Bool {
    guard let head = try? ModelOutline(reading: file) else { return false }
    return head.hasGraph && head.unknownFields.isEmpty
  }
}

/// The outermost fields of a model, with everything inside left alone.
private struct ModelOutline: ProtoMessage {
  var irVersion: Int64?, modelVersion: Int64?
  var texts: [WireBytes] = []
  var graph: WireBytes?
  var unknownFields = PackedValues()
  var hasGraph: Bool { graph != nil }

  static let messageName = "ModelProto"
  static let table = FieldTable<Self>([
    .int64(1, "ir_version", \.irVersion),
    .bytesList(2, "producer_name", \.texts),
    .bytesList(3, "producer_version", \.texts),
    .bytesList(4, "domain", \.texts),
    .int64(5, "model_version", \.modelVersion),
    .bytesList(6, "doc_string", \.texts),
    .bytes(7, "graph", \.graph),
    .bytesList(8, "opset_import", \.texts),
    .bytesList(14, "metadata_props", \.texts),
    .bytesList(20, "training_info", \.texts),
    .bytesList(25, "functions", \.texts),
    .bytesList(26, "configuration", \.texts),
  ])
}

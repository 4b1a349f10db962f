import ModelSupport
import ModelTensor
import ProtobufWire
import TensorFlowGraph

/// A SavedModel directory, or a frozen graph, as its files say it; weights left where they are.
///
/// Opening touches only the pages of the structure. Usable without the rest of the toolchain:
/// ```swift
/// let file = try SavedModelFile(path: "model")
/// let graph = try file.metaGraph(tags: ["serve"])
/// for variable in try graph.variables() { print(variable.name, variable.type) }
/// ```
public struct SavedModelFile: Sendable {
  /// As the caller named it: the directory, or the file.
  public let path: String
  /// The directory of a SavedModel; `nil` for a frozen graph.
  public let directory: String?
  public let model: SavedModelProto
  public let fingerprint: FingerprintDef?
  public let kerasMetadata: SavedMetadata?

  /// - Throws: `StorageError` when the files can't be opened, `FormatError` for what is in them.
  public init(path: String) throws {
    self.path = path
    let structure: String, place: String
    if FileSystem.kind(path) == .directory {
      let binary = path + "/saved_model.pb"
      structure = FileSystem.kind(binary) == .file ? binary : path + "/saved_model.pbtxt"
      place = path
    } else if try Self.isSavedModel(MappedFile(path: path)) {
      // Also under another name; the variables stand beside it all the same.
      structure = path
      let slash = path.lastIndex(of: "/")
      place = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    } else {
      let file = try MappedFile(path: path)
      var meta = MetaGraphDef(), model = SavedModelProto()
      let graph = try Self.isGraphText(file) ? GraphDef(readingText: file) : GraphDef(reading: file)
      guard !graph.node.isEmpty else {
        throw FormatError(.unrecognized, "expected a SavedModel or a graph, found a message without nodes", at: SourceLocation(file: path))
      }
      meta.graphDef = graph
      model.metaGraphs = [meta]
      (self.directory, self.model, fingerprint, kerasMetadata) = (nil, model, nil, nil)
      return
    }
    directory = place
    let file = try MappedFile(path: structure)
    let isText = structure.hasSuffix(".pbtxt") || Self.isSavedModelText(file)
    model = try isText ? SavedModelProto(readingText: file) : SavedModelProto(reading: file)
    guard !model.metaGraphs.isEmpty else {
      throw FormatError(.invalidStructure, "the SavedModel has no meta graph", at: SourceLocation(file: structure))
    }
    fingerprint = try Self.optional("fingerprint.pb", in: place)
    kerasMetadata = try Self.optional("keras_metadata.pb", in: place)
  }

  private static func optional<M: ProtoMessage>(_ name: String, in directory: String) throws -> M? {
    let path = directory + "/" + name
    return try FileSystem.kind(path) == .file ? M(reading: MappedFile(path: path)) : nil
  }

  /// Whether this is a `GraphDef` alone.
  public var isFrozenGraph: Bool { directory == nil }

  /// The path of the checkpoint of the variables, whether there is one or not.
  public var variablesPrefix: String? { directory.map { $0 + "/variables/variables" } }

  /// The meta graph with just these tags; `nil` takes the one for serving, or the only one.
  /// - Throws: `FormatError.missingReference` that lists the tags there are.
  public func metaGraph(tags: [String]? = nil) throws -> MetaGraph {
    let all = model.metaGraphs
    let chosen: MetaGraphDef?
    if let tags {
      chosen = all.first { Set($0.tags) == Set(tags) }
    } else {
      chosen = all.count == 1 ? all.first : all.first { $0.tags == ["serve"] } ?? all.first { $0.tags.contains("serve") } ?? all.first
    }
    guard let chosen else {
      let sets = all.map { "[\($0.tags.joined(separator: ", "))]" }.joined(separator: ", ")
      throw FormatError(
        .missingReference, "there is no meta graph with the tags [\((tags ?? []).joined(separator: ", "))]; there are \(sets)",
        at: SourceLocation(file: path))
    }
    return MetaGraph(self, chosen)
  }

  // MARK: Recognising

  /// Whether a file looks like a frozen graph: its outermost fields are those of `GraphDef`, and its first nodes are nodes.
  public static func matchesGraph(_ file: MappedFile) -> Bool {
    if isGraphText(file) { return true }
    guard let outline = try? GraphOutline(reading: file), outline.unknownFields.isEmpty, !outline.nodes.isEmpty else { return false }
    return outline.nodes.prefix(4).allSatisfy { bytes in
      guard let node = try? NodeDef(reading: bytes.source), node.unknownFields.isEmpty, let op = node.op, !op.isEmpty else { return false }
      return node.name?.isEmpty == false && op.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
    }
  }

  /// Whether a file is `saved_model.pb` or `saved_model.pbtxt`: a version and meta graphs.
  public static func isSavedModel(_ file: MappedFile) -> Bool {
    if isSavedModelText(file) { return true }
    guard let outline = try? SavedModelOutline(reading: file), outline.unknownFields.isEmpty else { return false }
    return outline.version == 1 && !outline.metaGraphs.isEmpty
  }

  private static func isSavedModelText(_ file: MappedFile) -> Bool {
    ["saved_model_schema_version", "meta_graphs"].contains(firstWord(file))
  }

  /// Whether this is a graph in text form: of the many messages with nodes the one whose nodes have operators.
  private static func isGraphText(_ file: MappedFile) -> Bool {
    guard ["node", "versions", "library"].contains(firstWord(file)) else { return false }
    let words = String(decoding: file.bytes.prefix(1 << 16), as: UTF8.self).split { $0.isWhitespace || $0 == "{" || $0 == "}" }
    return words.contains { $0 == "node" || $0 == "node:" } && words.contains { $0 == "op" || $0.hasPrefix("op:") }
  }

  /// The name of the first field, were this a message in text form; comments before it are skipped.
  private static func firstWord(_ file: MappedFile) -> String? {
    let head = file.bytes.prefix(1 << 16)
    var isComment = false
    let start = head.firstIndex { byte in
      if byte == UInt8(ascii: "\n") { isComment = false } else if byte == UInt8(ascii: "#") { isComment = true }
      return !isComment && byte != 0x20 && !(0x09...0x0d).contains(byte)
    }
    guard let start else { return nil }
    let text = String(decoding: head[start...].prefix(64), as: UTF8.self)
    return text.split(whereSeparator: { $0.isWhitespace || $0 == "{" || $0 == ":" }).first.map(String.init)
  }
}

/// The outermost fields of a graph, nodes left alone.
private struct GraphOutline: ProtoMessage {
  var nodes: [WireBytes] = []
  var others: [WireBytes] = []
  var version: Int32?
  var unknownFields = PackedValues()

  static let messageName = "GraphDef"
  static let table = FieldTable<Self>([
    .bytesList(1, "node", \.nodes),
    .bytesList(2, "library", \.others),
    .int32(3, "version", \.version),
    .bytesList(4, "versions", \.others),
    .bytesList(5, "debug_info", \.others),
  ])
}

private struct SavedModelOutline: ProtoMessage {
  var version: Int64?
  var metaGraphs: [WireBytes] = []
  var unknownFields = PackedValues()

  static let messageName = "SavedModel"
  static let table = FieldTable<Self>([
    .int64(1, "saved_model_schema_version", \.version),
    .bytesList(2, "meta_graphs", \.metaGraphs),
  ])
}

import FlatBufferWire
import ModelGraph
import ModelSupport
import ModelTensor

/// Reads a TFLite file as canonical ops: one graph of the model for each signature, or for the first subgraph where there are
/// none. Bodies of control flow become graphs of their own.
///
/// Inputs and outputs have the signature's names, else their tensors'. Constants of floating point and quantised weights become
/// parameters under their tensors' names, other ones constants. Operators without a canonical counterpart are `OpaqueOp`s.
public struct TFLiteReader {
  private let file: TFLiteFile
  /// Whether an operator that is one canonical op stays one node with the activation inside it, a `QuantizedOp` of floats: what is
  /// about to be quantised.
  public var keepsOperators = false

  public init(_ file: TFLiteFile) { self.file = file }

  public static func read(_ path: String) throws -> Model {
    let file = try TFLiteFile(path: path)
    do { return try TFLiteReader(file).read() } catch let error as FormatError { throw error.inFile(path) }
  }

  /// - Throws: `FormatError` for a file that is not sound.
  public func read() throws -> Model {
    let library = try SubgraphLibrary(file, keepsOperators: keepsOperators)
    var model = Model()
    model.format = "tflite"
    model.producer = library.producer
    let signatures = file.signatures
    var graphs: [Int: GraphID] = [:]
    let mainIndex = signatures.first { $0.key == "serving_default" }?.subgraph ?? signatures.first?.subgraph ?? 0
    for index in [mainIndex] + signatures.map(\.subgraph) where graphs[index] == nil {
      let name = signatures.first { $0.subgraph == index }?.key ?? "subgraph_\(index)"
      let id = graphs.isEmpty ? GraphID.main : library.freeID(name, in: model)
      graphs[index] = id
      try within(library.place(index)) { try read(index, as: id, library, into: &model) }
    }
    for signature in signatures {
      guard let id = graphs[signature.subgraph] else { continue }
      model.signatures.append(Signature(signature.key ?? "", graph: id))
    }
    library.notes += model.settleStates()
    model.removeUnusedParameters()
    library.keepResidue(in: &model)
    return model
  }

  private func read(_ index: Int, as id: GraphID, _ library: SubgraphLibrary, into model: inout Model) throws {
    try library.checkExpansion(of: index)
    model.graphs[id] = Graph(name: id.name)
    var g = GraphContext(Model(), graph: Graph(name: id.name))
    // The model moves in and out again, so that nothing is copied.
    swap(&g.model, &model)
    defer { swap(&g.model, &model) }
    var reader = try SubgraphReader(library, index)
    try reader.readEntry(in: &g)
    g.graph.removeDeadNodes()
    g.model.graphs[id] = g.graph
  }
}

/// What TFLite said beside what it computes: `Model.residue[TFLiteResidue.key]`.
public struct TFLiteResidue: Sendable {
  public static let key = "tflite"
  /// The file, for what a rewrite keeps of it.
  public var file: TFLiteFile
  /// Effects that models written from this one do not have: what is printed, checked or written, and assignments that nothing sees.
  public var notes: [Loss] = []
}

/// An operator carried verbatim by an `OpaqueOp`.
public struct TFLitePayload: Sendable {
  public var op: TFLiteOperator
  public var code: BuiltinOperator
  public var customName: String?
  public var version: Int32
}

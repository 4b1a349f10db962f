import ModelGraph
import ModelSupport
import ModelTensor
import ProtobufWire

/// Reads a TensorFlow graph as canonical ops: one graph of the model for each signature.
///
/// Calls of functions are read in place. Variables become parameters under the names their source gives, constants of floating
/// point parameters under their nodes' names, other ones constants. Ops without a canonical counterpart are `OpaqueOp`s. What a
/// signature does not depend on is not read.
public struct TensorFlowGraphReader {
  private let graph: GraphDef
  private let variables: any VariableSource

  public init(_ graph: GraphDef, variables: any VariableSource = NoVariables()) {
    self.graph = graph
    self.variables = variables
  }

  /// Reads the signatures, each as a graph that bears its name; `main`, or else the first, is the model's main graph.
  /// - Throws: `FormatError` for a graph that is not sound, `UnsupportedError` for one whose state can't be followed.
  public func read(_ signatures: [GraphSignature], main: String? = nil) throws -> Model {
    var kept = KeptVariables()
    let model = try read(signatures, main: main, &kept)
    guard !kept.found.isEmpty else { return model }
    // Read anew, so that nothing is taken for granted of what variables hold that are assigned.
    var known = KeptVariables()
    known.known = kept.found
    return try read(signatures, main: main, &known)
  }

  private func read(_ signatures: [GraphSignature], main: String?, _ kept: inout KeptVariables) throws -> Model {
    let library = try GraphLibrary(graph, variables: variables)
    let table = try NodeTable(graph)
    var model = Model()
    let mainName = main ?? signatures.first?.name
    for signature in signatures {
      let id = signature.name == mainName ? GraphID.main : GraphID(signature.name)
      guard model.graphs[id] == nil else {
        throw FormatError(.invalidStructure, "the signature '\(signature.name)' is listed twice")
      }
      try within("signature \(signature.name)") { try read(signature, as: id, table, library, &kept, into: &model) }
      model.signatures.append(Signature(signature.name, graph: id))
    }
    guard model.graphs[.main] != nil else {
      throw FormatError(.missingReference, "there is no signature '\(mainName ?? "")'")
    }
    model.removeUnusedParameters()
    model.residue[TensorFlowResidue.key] = TensorFlowResidue(notes: library.notes + library.effects.losses)
    return model
  }

  private func read(
    _ signature: GraphSignature, as id: GraphID, _ table: NodeTable, _ library: GraphLibrary, _ kept: inout KeptVariables,
    into model: inout Model
  ) throws {
    library.startSignature()
    model.graphs[id] = Graph(name: id.name)
    var g = GraphContext(Model(), graph: Graph(name: id.name))
    // The model moves in and out again, so that nothing is copied.
    swap(&g.model, &model)
    defer { swap(&g.model, &model) }
    var reader = SubgraphReader(library, table, state: VariableState())
    for port in signature.inputs {
      try within("input \(port.name)") { try reader.feed(port, in: &g) }
    }
    let variables = try kept.open(library, reader.state, in: &g)
    let fetches = try signature.outputs.map { port in try within("output \(port.name)") { try table.reference(port.reference) } }
    try reader.evaluate(fetches, in: &g)
    for (port, fetch) in zip(signature.outputs, fetches) {
      let value = try within("output \(port.name)") { try reader.value(of: try reader.symbol(of: fetch), in: &g) }
      if let type = port.type { g.graph[value].type = g.graph[value].type.refined(by: type) }
      g.graph.addOutput(port.name, value)
    }
    reader.noteAssignments(but: Set(variables.map { ObjectIdentifier($0.variable) }))
    kept.close(variables, reader.state, in: &g)
    kept.look(at: reader.state, in: g)
    g.graph.removeDeadNodes()
    g.model.graphs[id] = g.graph
  }
}

/// What TensorFlow's graph said beside what it computes: `Model.residue[TensorFlowResidue.key]`.
public struct TensorFlowResidue: Sendable {
  public static let key = "tensorflow"
  /// Effects that are not kept here: assignments to variables, which do not outlast a call, and what is printed, checked or written.
  public var notes: [Loss]
}

/// A node carried verbatim by an `OpaqueOp`.
public struct TensorFlowPayload: Sendable {
  /// With the attributes of the function around it resolved.
  public var node: NodeDef
}

import FlatBufferWire
import ModelGraph
import ModelSupport
import ModelTensor
import TensorFlowGraph

/// What all subgraphs of a file share while it is read: rules, signatures, parameters, and the bodies that have been read.
final class SubgraphLibrary {
  /// Bodies within bodies.
  static let depthLimit = 64
  /// Operators that are read, those of bodies once for each way they are called. A file with more operators of its own may have those.
  static let operatorLimit = 1 << 15

  let file: TFLiteFile
  let subgraphs: [TFLiteSubGraph]
  let rules = RuleTable.all
  /// See `TFLiteReader.keepsOperators`.
  let keepsOperators: Bool
  /// What operators do beside giving results.
  var effects = DroppedEffects()
  /// Assignments that nothing looks at.
  var notes: [Loss] = []
  private(set) var operatorCount = 0
  private let operatorLimit: Int
  private var names = FreeNames()
  private var graphNames = FreeNames()
  private struct Derivation: Hashable {
    var base: ParameterID
    var way: [Int]
  }
  private var derivations: [Derivation: ParameterID] = [:]
  /// By buffer and type: tensors of several subgraphs share one.
  private var parameters: [UInt64: [(type: TensorType, id: ParameterID)]] = [:]

  init(_ file: TFLiteFile, keepsOperators: Bool = false) throws {
    self.file = file
    self.keepsOperators = keepsOperators
    subgraphs = file.model.subgraphs ?? []
    guard !subgraphs.isEmpty else { throw FormatError(.invalidStructure, "expected at least one subgraph, found none") }
    let stored = subgraphs.reduce(0) { $0 + ($1.operators?.count ?? 0) }
    operatorLimit = max(Self.operatorLimit, 2 * stored)
  }

  var producer: String { file.model.description ?? "" }

  func place(_ index: Int) -> String { "subgraphs[\(index)]" }

  func freeID(_ name: String, in model: Model) -> GraphID {
    GraphID(graphNames.take(name) { model.graphs[GraphID($0)] == nil })
  }

  /// Refuses a subgraph whose bodies, each read once for every call, come to more operators than anybody wants: bodies that call
  /// the next one twice double with each level.
  /// - Throws: `FormatError.limitExceeded`.
  func checkExpansion(of entry: Int) throws {
    var known: [Int: Int] = [:]
    let count = expandedCount(entry, depth: 0, &known)
    guard count <= operatorLimit - operatorCount else { throw tooManyOperators }
  }

  /// The operators of a subgraph and of what it calls, at every call. What calls itself, or goes too deep, is left to the reading.
  private func expandedCount(_ index: Int, depth: Int, _ known: inout [Int: Int]) -> Int {
    if let count = known[index] { return count }
    guard subgraphs.indices.contains(index), depth < Self.depthLimit else { return 0 }
    known[index] = 0
    var count = 0
    for op in subgraphs[index].operators ?? [] where count <= operatorLimit {
      // Each is at most one more than the limit, so that sums stay small.
      count += op.bodies.reduce(1) { $0 + expandedCount($1, depth: depth + 1, &known) }
    }
    count = min(count, operatorLimit + 1)
    known[index] = count
    return count
  }

  /// - Throws: `FormatError.limitExceeded` after too many.
  func countOperator() throws {
    operatorCount += 1
    guard operatorCount <= operatorLimit else { throw tooManyOperators }
  }

  private var tooManyOperators: FormatError {
    FormatError(.limitExceeded, "the subgraphs hold more than \(operatorLimit) operators, those of bodies for each call")
  }

  /// A name that no node has.
  func uniqueName(_ name: String) -> String { names.take(name.isEmpty ? "node" : name) }

  /// The parameter for a tensor's elements; one for each buffer, whatever number of tensors are stored in it.
  func parameter(buffer: UInt64, name: String, _ tensor: Tensor, isTrainable: Bool, in model: inout Model) -> ParameterID {
    if let known = parameters[buffer]?.first(where: { $0.type == tensor.type }) { return known.id }
    let id = model.add(Parameter(name: name, tensor: tensor, isTrainable: isTrainable))
    parameters[buffer, default: []].append((tensor.type, id))
    return id
  }

  /// A weight that another one is made of, once for each way.
  func derived(_ id: ParameterID, _ way: [Int], in model: inout Model, _ make: (Tensor) -> Tensor) -> ParameterID {
    let key = Derivation(base: id, way: way)
    if let known = derivations[key] { return known }
    var parameter = model[id]
    parameter.tensor = make(parameter.tensor)
    let new = model.add(parameter)
    derivations[key] = new
    return new
  }

  func keepResidue(in model: inout Model) { model.residue[TFLiteResidue.key] = TFLiteResidue(file: file, notes: notes + effects.losses) }
}

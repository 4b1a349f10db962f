import FlatBufferWire
import ModelGraph
import ModelSupport
import ModelTensor

/// What all subgraphs of a file share while it is read: rules, signatures, parameters, and the bodies that have been read.
final class SubgraphLibrary {
  /// Bodies within bodies.
  static let depthLimit = 64
  /// Operators that are read, those of bodies once for each way they are called.
  static let operatorLimit = 1 << 20

  let file: TFLiteFile
  let subgraphs: [TFLiteSubGraph]
  let rules = RuleTable.all
  /// See `TFLiteReader.keepsOperators`.
  let keepsOperators: Bool
  private(set) var operatorCount = 0
  private var names: Set<String> = []
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
  }

  var producer: String { file.model.description ?? "" }

  func place(_ index: Int) -> String { "subgraphs[\(index)]" }

  func freeID(_ name: String, in model: Model) -> GraphID {
    var id = GraphID(name), number = 1
    while model.graphs[id] != nil {
      number += 1
      id = GraphID("\(name)#\(number)")
    }
    return id
  }

  /// - Throws: `FormatError.limitExceeded` after too many.
  func countOperator() throws {
    operatorCount += 1
    guard operatorCount <= Self.operatorLimit else {
      throw FormatError(.limitExceeded, "the subgraphs hold more than \(Self.operatorLimit) operators, those of bodies for each call")
    }
  }

  /// A name that no node has.
  func uniqueName(_ name: String) -> String {
    var unique = name.isEmpty ? "node" : name, number = 1
    while !names.insert(unique).inserted {
      number += 1
      unique = "\(name.isEmpty ? "node" : name)#\(number)"
    }
    return unique
  }

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

  func keepResidue(in model: inout Model) { model.residue[TFLiteResidue.key] = TFLiteResidue(file: file) }
}

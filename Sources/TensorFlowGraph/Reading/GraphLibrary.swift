import ModelGraph
import ModelSupport
import ModelTensor
import ProtobufWire

/// What all graphs of one file share while they are read: functions, variables, constants that have become parameters, limits.
final class GraphLibrary {
  let rules = RuleTable.all
  let graph: GraphDef
  let variableSource: any VariableSource
  private var functions: [String: FunctionDef] = [:]
  private var tables: [String: NodeTable] = [:]
  private var variables: [String: Variable] = [:]
  private var weights: [WeightKey: ParameterID] = [:]
  private var scopes: [String: ScopeID] = [:]
  /// The names taken, to be put back when something is read again.
  struct NameState {
    var names: Set<String> = []
    var counters: [String: Int] = [:]
  }
  var nameState = NameState()
  private var lookupTables: [String: LookupTable] = [:]
  private var hasFilledTables = false
  private var visited = 0
  private var expanded: [String: Int] = [:]
  /// Whether the graph has ops that TensorFlow does not register, so that types of values are guesses.
  var guessesTypes = false
  /// What can't be kept although the results are the same.
  var notes: [Loss] = []
  var effects = DroppedEffects()

  /// A handful of functions can call each other into billions of nodes.
  static let nodeLimit = 200_000
  static let depthLimit = 64

  private struct WeightKey: Hashable {
    var table: ObjectIdentifier
    var node: Int
  }

  init(_ graph: GraphDef, variables: any VariableSource) throws {
    self.graph = graph
    variableSource = variables
    for (index, function) in (graph.library?.function ?? []).enumerated() {
      guard let name = function.signature?.name, !name.isEmpty else {
        throw FormatError(.invalidStructure, "function \(index) of the library has no name")
      }
      guard functions.updateValue(function, forKey: name) == nil else {
        throw FormatError(.invalidStructure, "the function '\(name)' is defined twice")
      }
    }
  }

  // MARK: Functions

  func function(_ name: String) -> FunctionDef? { functions[name] }

  /// The nodes of a function, for arguments of these counts.
  func table(of function: FunctionDef, argumentCounts: [Int]) throws -> NodeTable {
    let key = "\(function.signature?.name ?? ""):\(argumentCounts)"
    if let known = tables[key] { return known }
    let table = try NodeTable(function, argumentCounts: argumentCounts)
    tables[key] = table
    return table
  }

  /// Holds what a call comes to, with all that its functions call, against the limit before anything is made of it.
  /// - Throws: `FormatError.limitExceeded`.
  func foresee(_ function: FunctionDef) throws {
    guard visited + expandedCount(function, depth: 0) <= Self.nodeLimit else {
      throw FormatError(.limitExceeded, "the calls of functions come to more than \(Self.nodeLimit) nodes")
    }
  }

  /// The nodes a function comes to with all it calls; anything above the limit is the limit and one.
  private func expandedCount(_ function: FunctionDef, depth: Int) -> Int {
    let name = function.signature?.name ?? ""
    if let known = expanded[name] { return known }
    // Calls nested deeper, and functions that call themselves, are refused when they are read.
    guard depth <= Self.depthLimit else { return 0 }
    expanded[name] = 0
    var total = 0
    for node in function.nodeDef where total <= Self.nodeLimit {
      total += 1
      if let callee = functions[node.op ?? ""] { total += expandedCount(callee, depth: depth + 1) }
      for entry in node.attr {
        if let name = entry.value?.function?.value.name, let callee = functions[name] {
          total += expandedCount(callee, depth: depth + 1)
        }
      }
    }
    expanded[name] = min(total, Self.nodeLimit + 1)
    return min(total, Self.nodeLimit + 1)
  }

  /// Counts one node that is read.
  /// - Throws: `FormatError.limitExceeded`.
  func countNode() throws {
    visited += 1
    guard visited <= Self.nodeLimit else {
      throw FormatError(.limitExceeded, "the calls of functions come to more than \(Self.nodeLimit) nodes")
    }
  }

  // MARK: Names

  /// Names are unique within a signature.
  func startSignature() {
    nameState = NameState()
  }

  func uniqueName(_ base: String) -> String {
    if nameState.names.insert(base).inserted { return base }
    var number = nameState.counters[base] ?? 0, name: String
    repeat {
      number += 1
      name = "\(base)_\(number)"
    } while !nameState.names.insert(name).inserted
    nameState.counters[base] = number
    return name
  }

  /// The scope that `a/b/c` is in: `a/b`. Deeper than 64, the outer ones alone are told apart.
  func scope(of name: String, in model: inout Model) -> ScopeID? {
    guard let slash = name.lastIndex(of: "/") else { return nil }
    let path = String(name[..<slash])
    if let known = scopes[path] { return known }
    var parent: ScopeID?, current = ""
    for part in path.split(separator: "/").prefix(Self.depthLimit) {
      current += current.isEmpty ? String(part) : "/\(part)"
      if let known = scopes[current] { parent = known; continue }
      let id = model.add(Scope(name: String(part), kind: "", parent: parent))
      scopes[current] = id
      parent = id
    }
    scopes[path] = parent
    return parent
  }

  // MARK: Weights

  func variable(_ reference: VariableReference, container: String) -> Variable {
    let key = "\(container)/\(reference.sharedName)"
    if let known = variables[key] { return known }
    let variable = Variable(reference, container: container)
    variables[key] = variable
    return variable
  }

  func table(_ key: String, madeBy node: String) -> LookupTable {
    if let known = lookupTables[key] { return known }
    let table = LookupTable(name: key, reference: VariableReference(node: node, sharedName: key))
    lookupTables[key] = table
    return table
  }

  /// Fills the tables: reads the nodes of the graph that put something into one, by themselves or in the functions they call.
  func fillTables() throws {
    guard !hasFilledTables else { return }
    hasFilledTables = true
    // A library of its own: what is read here is no part of the model.
    let scratch = try GraphLibrary(graph, variables: variableSource)
    scratch.hasFilledTables = true
    let nodes = try NodeTable(graph)
    var g = GraphContext(Model(), graph: Graph())
    var handles: Set<String> = []
    func isCall(_ node: NodeDef) -> Bool {
      node.op == "StatefulPartitionedCall" || node.op == "PartitionedCall" || functions[node.op ?? ""] != nil
    }
    for node in graph.node {
      // Tables that were restored before they were saved again are made by functions.
      let results = node.attr.first { $0.key == "Tout" }?.value?.list?.type ?? []
      let makes =
        SubgraphReader.makesTable(node.op ?? "")
        || isCall(node) && results.contains { $0.rawValue == 20 } && calls(node, SubgraphReader.makesTable)
      if makes { handles.insert(node.name ?? "") }
    }
    for (position, node) in graph.node.enumerated() {
      let fills = SubgraphReader.fillsTable(node.op ?? "")
      let mayFill = isCall(node) && node.input.contains { handles.contains($0) } && calls(node, SubgraphReader.fillsTable)
      guard fills || mayFill else { continue }
      var reader = SubgraphReader(scratch, nodes, state: VariableState())
      try reader.evaluate([.control(node: position)], in: &g)
    }
    for (key, table) in scratch.lookupTables {
      self.table(key, madeBy: table.reference.node).content = table.content ?? self.table(key, madeBy: table.reference.node).content
    }
  }

  /// Whether a call's function holds an op of a kind, itself or in what it calls.
  private func calls(_ node: NodeDef, _ kind: (String) -> Bool) -> Bool {
    let name = node.attr.first { $0.key == "f" }?.value?.function?.value.name ?? node.op ?? ""
    var pending = [name], seen: Set<String> = []
    while let next = pending.popLast(), seen.count < Self.depthLimit {
      guard seen.insert(next).inserted, let function = functions[next] else { continue }
      for node in function.nodeDef {
        if kind(node.op ?? "") { return true }
        if let callee = node.attr.first(where: { $0.key == "f" })?.value?.function?.value.name { pending.append(callee) }
      }
    }
    return false
  }

  /// The parameter a variable starts as.
  func parameter(of variable: Variable, in model: inout Model) throws -> ParameterID {
    if let known = variable.parameter { return known }
    guard let content = try variableSource.variable(variable.reference) else {
      throw FormatError(
        .missingReference, "the variable '\(variable.reference.sharedName)' has no value: neither a checkpoint nor a node gives one")
    }
    let scope = scope(of: content.name, in: &model)
    let id = model.add(Parameter(name: content.name, tensor: content.tensor, isTrainable: content.isTrainable, scope: scope))
    variable.parameter = id
    return id
  }

  /// The parameter a constant node is, however often the function around it is called.
  func parameter(
    of node: Int, in table: NodeTable, named name: String, _ tensor: Tensor, in model: inout Model
  ) -> ParameterID {
    let key = WeightKey(table: ObjectIdentifier(table), node: node)
    if let known = weights[key] { return known }
    let id = model.add(Parameter(name: name, tensor: tensor, scope: scope(of: name, in: &model)))
    weights[key] = id
    return id
  }
}

import ModelGraph
import ModelSupport
import ModelTensor
import ProtobufWire

/// Reads nodes of one graph or function body, as far as they are asked for, into a graph of the model.
///
/// The walk is by an explicit stack: graphs are as deep as their files please.
struct SubgraphReader {
  typealias Reference = NodeTable.Reference

  let library: GraphLibrary
  let table: NodeTable
  /// The values of the function's attributes.
  let attributes: [String: AttrValue]
  /// Stands in front of the names inside.
  let prefix: String
  /// The functions being read, outermost first.
  let calls: [String]
  /// The values of assigned variables, one for each canonical graph.
  let state: VariableState
  /// What the function is called with.
  var arguments: [Symbol]
  /// What is fed in place of nodes' results.
  var feeds: [Output: Symbol] = [:]
  var results: [Int: [Symbol]] = [:]
  /// What the loops of the graph have given, by frame.
  var loops: [String: [Symbol]] = [:]

  struct Output: Hashable {
    var node: Int
    var index: Int
  }

  init(
    _ library: GraphLibrary, _ table: NodeTable, state: VariableState, arguments: [Symbol] = [],
    attributes: [String: AttrValue] = [:], prefix: String = "", calls: [String] = []
  ) {
    self.library = library
    self.table = table
    self.state = state
    self.arguments = arguments
    self.attributes = attributes
    self.prefix = prefix
    self.calls = calls
  }

  // MARK: References

  /// The place of a result among all results of its node.
  func place(_ node: Int, _ port: NodeTable.Port) throws -> Int {
    switch port {
    case .flat(let index): return index
    case .named(let name, let index):
      let def = table.nodes[node]
      if let function = library.function(def.op ?? "") {
        let outputs = function.signature?.outputArg ?? []
        guard let place = outputs.firstIndex(where: { $0.name == name }) else { throw missing(name, of: def) }
        return place + index
      }
      guard let signature = OpSignature.named(def.op ?? "") else { return index }
      if signature.outputs.count == 1, signature.outputs[0].name == name { return index }
      let reader = NodeReader(def, inputs: [], functionAttributes: attributes)
      let places = try signature.outputPlaces(reader.allAttributes)
      guard let place = places.firstIndex(where: { $0.name == name && $0.index == index }) else { throw missing(name, of: def) }
      return place
    }
  }
  private func missing(_ output: String, of node: NodeDef) -> FormatError {
    FormatError(.missingReference, "\(node.op ?? "") has no result '\(output)'", at: SourceLocation(path: ["node \(node.name ?? "")"]))
  }

  /// What a reference stands for; its node has been read.
  func symbol(of reference: Reference) throws -> Symbol {
    switch reference {
    case .argument(let index):
      guard index < arguments.count else { throw FormatError(.missingReference, "argument \(index) of \(table.name) is not given") }
      return arguments[index]
    case .control: throw FormatError(.invalidStructure, "expected a value, found a control input")
    case .output(let node, let port):
      let place = try place(node, port)
      if let fed = feeds[Output(node: node, index: place)] { return fed }
      let symbols = results[node] ?? []
      guard place < symbols.count else {
        throw FormatError(
          .missingReference, "there is no result \(place) of '\(table.nodes[node].name ?? "")', which has \(symbols.count)")
      }
      return symbols[place]
    }
  }

  /// The node to be read before a reference means anything.
  func unread(_ reference: Reference) throws -> Int? {
    switch reference {
    case .argument: return nil
    case .control(let node): return node < 0 || results[node] != nil || feeds[Output(node: node, index: 0)] != nil ? nil : node
    case .output(let node, let port):
      if results[node] != nil { return nil }
      if feeds.isEmpty { return node }
      return feeds[Output(node: node, index: try place(node, port))] != nil ? nil : node
    }
  }

  // MARK: Walking

  private struct Step {
    var node: Int
    var pending: [Int]
    var stage = 0
  }

  /// Reads all that `roots` depend on.
  /// - Throws: `FormatError.cycle` for nodes that depend on each other.
  mutating func evaluate(_ roots: [Reference], in g: inout GraphContext) throws {
    var stack: [Step] = [], open: Set<Int> = []
    for root in roots {
      guard let start = try unread(root) else { continue }
      stack.append(Step(node: start, pending: []))
      open.insert(start)
      while var step = stack.popLast() {
        if let next = step.pending.popLast() {
          stack.append(step)
          guard results[next] == nil else { continue }
          guard open.insert(next).inserted else {
            throw FormatError(.cycle, "the nodes use each other in a circle through '\(table.nodes[next].name ?? "")'")
          }
          stack.append(Step(node: next, pending: []))
          continue
        }
        let node = table.nodes[step.node]
        if let more = try within("node \(node.name ?? "")", { try dependencies(of: step.node, stage: step.stage, in: g) }) {
          step.pending = more.reversed()
          step.stage += 1
          stack.append(step)
          continue
        }
        try library.countNode()
        results[step.node] = try within("node \(node.name ?? "")") { try read(step.node, in: &g) }
        open.remove(step.node)
      }
    }
  }

  /// The nodes to be read before a node; asked for again with the next `stage` until there is nothing more (`nil`).
  private func dependencies(of node: Int, stage: Int, in g: GraphContext) throws -> [Int]? {
    if let special = try controlDependencies(of: node, table.nodes[node].op ?? "", stage: stage, in: g) { return special }
    guard stage == 0 else { return nil }
    return try table.nodes[node].input.compactMap { try unread(try table.reference($0)) }
  }
}

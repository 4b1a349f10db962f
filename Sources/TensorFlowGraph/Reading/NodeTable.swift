import ModelSupport
import ProtobufWire

/// The nodes of a graph or of a function's body, found by name.
final class NodeTable {
  /// Where a value comes from.
  enum Reference: Hashable {
    case output(node: Int, Port)
    case argument(Int)
    case control(node: Int)
  }
  /// Which of a node's results is meant: graphs count, functions name an argument and count within it.
  enum Port: Hashable {
    case flat(Int)
    case named(String, Int)
  }

  /// How the graph is called in messages.
  let name: String
  let nodes: [NodeDef]
  let isFunction: Bool
  /// The arguments of a function, flat; what is in a list counts one by one.
  private(set) var arguments: [String] = []
  private var index: [String: Int] = [:]
  private var argumentIndex: [String: Int] = [:]

  init(_ graph: GraphDef) throws {
    name = "graph"
    nodes = graph.node
    isFunction = false
    try addNodes()
  }

  /// - Parameter argumentCounts: how many values each argument stands for.
  init(_ function: FunctionDef, argumentCounts: [Int]) throws {
    name = "function \(function.signature?.name ?? "")"
    nodes = function.nodeDef
    isFunction = true
    for (argument, count) in zip(function.signature?.inputArg ?? [], argumentCounts) {
      let name = argument.name ?? ""
      guard argumentIndex[name] == nil else { throw FormatError(.invalidStructure, "the argument '\(name)' is listed twice") }
      argumentIndex[name] = arguments.count
      for index in 0..<count {
        argumentIndex["\(name):\(index)"] = arguments.count
        arguments.append(name)
      }
    }
    try addNodes()
  }

  private func addNodes() throws {
    index.reserveCapacity(nodes.count)
    for (position, node) in nodes.enumerated() {
      guard let name = node.name, !name.isEmpty else { throw FormatError(.invalidStructure, "node \(position) has no name") }
      guard index.updateValue(position, forKey: name) == nil, argumentIndex[name] == nil else {
        throw FormatError(.invalidStructure, "the node '\(name)' is defined twice")
      }
    }
  }

  /// The highest result of each node that another one uses.
  private(set) lazy var lastUsedResult: [String: Int] = {
    var result: [String: Int] = [:]
    for node in nodes {
      for input in node.input {
        guard let colon = input.firstIndex(of: ":"), let last = input.split(separator: ":").last, let index = Int(last) else { continue }
        let name = String(input[..<colon])
        result[name] = max(result[name] ?? 0, min(index, 65536))
      }
    }
    return result
  }()

  private var flow: ControlFlow?
  /// Loops and branches said by nodes.
  func controlFlow() throws -> ControlFlow {
    if let flow { return flow }
    let found = try ControlFlow(self)
    flow = found
    return found
  }

  func position(of node: String) -> Int? { index[node] }

  /// Among the results of a node; bounded, so that places can be added up.
  private static let places = 0...Int(Int32.max)

  /// - Throws: `FormatError.missingReference` for a node that is not there.
  func reference(_ text: String) throws -> Reference {
    if text.hasPrefix("^") {
      let name = String(text.dropFirst())
      guard let node = index[name] else {
        // A control edge from a function's argument orders nothing.
        if argumentIndex[name] != nil { return .control(node: -1) }
        throw missing(name)
      }
      return .control(node: node)
    }
    if let node = index[text] { return .output(node: node, .flat(0)) }
    if let argument = argumentIndex[text] { return .argument(argument) }
    guard let colon = text.firstIndex(of: ":") else { throw missing(text) }
    let name = String(text[..<colon]), rest = text[text.index(after: colon)...]
    guard let node = index[name] else { throw missing(name) }
    if let number = Int(rest) {
      guard Self.places.contains(number) else { throw FormatError(.invalidValue, "expected an output of '\(name)', found '\(text)'") }
      return .output(node: node, .flat(number))
    }
    guard isFunction else { throw FormatError(.invalidValue, "expected 'node:number', found '\(text)'") }
    let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
    let place = parts.count > 1 ? Int(parts[1]) : 0
    guard parts.count <= 2, let place, Self.places.contains(place) else {
      throw FormatError(.invalidValue, "expected 'node:result:number', found '\(text)'")
    }
    return .output(node: node, .named(String(parts[0]), place))
  }

  private func missing(_ name: String) -> FormatError {
    FormatError(.missingReference, "there is no node '\(name)'", at: SourceLocation(path: [self.name]))
  }
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Lets entry points that compute the same be one: Keras exports a model as `serve` and, word for word, as `serving_default`.
///
///     serve ── graph A                             serve ─────────┐
///     serving_default ── graph B = A    becomes    serving_default ── graph B
///
/// They have the same inputs and outputs by name and type, and the same nodes in the same order; what is remembered between
/// invocations, layers, operators around others and foreign ones are never taken for the same.
public struct ShareEntryPoints: Pass {
  public let name = "share-entry-points"
  public init() {}

  public func run(_ model: inout Model) throws {
    guard Set(model.signatures.map(\.graph)).union([model.main]).count > 1 else { return }
    var kept = [model.main], isShared = false
    for index in model.signatures.indices {
      let graph = model.signatures[index].graph
      guard !kept.contains(graph) else { continue }
      if let same = try kept.first(where: { try GraphEquality(model).areEqual($0, graph) }) {
        model.signatures[index].graph = same
        isShared = true
      } else {
        kept.append(graph)
      }
    }
    if isShared { try RemoveDeadCode(parameters: false).run(&model) }
  }
}

/// Whether graphs of a model are the same but for the names inside them.
private struct GraphEquality {
  private let model: Model
  init(_ model: Model) { self.model = model }

  func areEqual(_ first: GraphID, _ second: GraphID, depth: Int = 0) throws -> Bool {
    guard first != second else { return true }
    guard let a = model.graphs[first], let b = model.graphs[second], a.states.isEmpty, b.states.isEmpty, a.nodeCount == b.nodeCount,
      a.inputs.count == b.inputs.count, a.outputs.map(\.name) == b.outputs.map(\.name), depth < 32
    else { return false }
    var known: [ValueID: ValueID] = [:]
    for (x, y) in zip(a.inputs, b.inputs) {
      guard x.name == y.name, a[x.value].type == b[y.value].type else { return false }
      known[x.value] = y.value
    }
    func match(_ x: ValueID, _ y: ValueID) throws -> Bool {
      if let found = known[x] { return found == y }
      switch (a[x].definition, b[y].definition) {
      case (.parameter(let first), .parameter(let second)) where first == second: break
      case (.constant(let first), .constant(let second)) where try areEqual(first, second): break
      default: return false
      }
      known[x] = y
      return true
    }
    for (first, second) in zip(try a.order(), try b.order()) {
      let x = a[first], y = b[second]
      guard x.inputs.count == y.inputs.count, x.outputs.count == y.outputs.count, x.bodies.count == y.bodies.count,
        try areEqual(x.op, y.op)
      else { return false }
      for (i, j) in zip(x.inputs, y.inputs) {
        guard (i == nil) == (j == nil) else { return false }
        if let i, let j, try !match(i, j) { return false }
      }
      for (i, j) in zip(x.bodies, y.bodies) where try !areEqual(i, j, depth: depth + 1) { return false }
      for (i, j) in zip(x.outputs, y.outputs) {
        guard a[i].type == b[j].type else { return false }
        known[i] = j
      }
    }
    return try zip(a.outputs, b.outputs).allSatisfy { try match($0.value, $1.value) }
  }

  private func areEqual(_ a: any Op, _ b: any Op) throws -> Bool {
    guard type(of: a) == type(of: b), type(of: a).family != .layer, type(of: a).family != .foreign, !(a is any WrappingOp),
      a.displayName == b.displayName
    else { return false }
    let first = a.attributes, second = b.attributes
    guard first.map(\.name) == second.map(\.name) else { return false }
    return try zip(first, second).allSatisfy { try areEqual($0.value, $1.value) }
  }

  private func areEqual(_ a: AttributeValue, _ b: AttributeValue) throws -> Bool {
    switch (a, b) {
    case (.tensor(let a), .tensor(let b)): return try areEqual(a, b)
    case (.bytes(let a), .bytes(let b)): return a == b
    case (.graph, _), (_, .graph): return false
    case (.list(let a), .list(let b)):
      guard a.count == b.count else { return false }
      return try zip(a, b).allSatisfy { try areEqual($0, $1) }
    default: return "\(a)" == "\(b)"
    }
  }

  private func areEqual(_ a: Tensor, _ b: Tensor) throws -> Bool {
    guard a.type == b.type, a.source.byteCount == b.source.byteCount else { return false }
    if a.source === b.source { return true }
    if a.dtype == .string { return try a.array().strings == b.array().strings }
    return try a.source.hasSameBytes(as: b.source)
  }
}

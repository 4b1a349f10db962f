import ModelGraph
import ModelOps
import ModelTensor

/// A graph made ready to run: its nodes in order, values in numbered slots, and when each is let go.
struct Program {
  struct Step {
    var node: NodeID
    var name: String
    var op: any Op
    var inputs: [Int?]
    var outputs: [Int]
    /// What is not used after this step.
    var releases: [Int]
    /// Whether a result of it is one of the graph's.
    var isLasting = false
    var bodies: [GraphID]
    /// How the op is evaluated: what it is was looked up once.
    var kernel: Kernel
    /// Where the kernel keeps packed weights; only when all inputs but the first are constants.
    var cache: NodeCache?
    /// What the kernel remembers of the types of its inputs.
    var memo: KernelMemo?
    /// Where inputs and results stand while it is evaluated.
    let scratch = Scratch()
    var place: String { "node \(name) (\(op.displayName))" }
  }
  /// Arrays that every run fills again.
  final class Scratch {
    var inputs: [NDArray?] = []
    var results: [NDArray] = []
  }
  enum Kernel {
    case primitive(any PrimitiveOp)
    case composite(any CompositeOp)
    case body(any BodyOp)
    case none

    /// Whether it is evaluated as a whole.
    var isOne: Bool { if case .primitive = self { true } else { false } }

    init(_ op: any Op) {
      if let op = op as? any PrimitiveOp {
        self = .primitive(op)
      } else if let op = op as? any CompositeOp {
        self = .composite(op)
      } else if let op = op as? any BodyOp {
        self = .body(op)
      } else {
        self = .none
      }
    }
  }
  let graph: GraphID
  var steps: [Step] = []
  /// Constants and parameters, by slot.
  var constants: [(slot: Int, tensor: Tensor)] = []
  var inputs: [Int] = []
  var outputs: [Int] = []
  /// Of these, what no step lets go of: to be emptied when the run is over.
  private(set) var leftovers: [Int] = []
  /// How errors and probes call it.
  let place: String
  var slotCount = 0
  /// The value behind each slot.
  var values: [ValueID] = []

  /// - Throws: `GraphError` for a graph that is not one: a cycle, a missing value.
  init(_ id: GraphID, of model: Model) throws {
    graph = id
    place = "graph \(id.name)"
    guard let graph = model.graphs[id] else {
      throw GraphError(.invalidStructure, "the model has no graph '\(id.name)'")
    }
    var slots: [ValueID: Int] = [:]
    func slot(_ value: ValueID) -> Int {
      if let known = slots[value] { return known }
      let new = values.count
      slots[value] = new
      values.append(value)
      if let tensor = model.tensor(value, in: graph) { constants.append((new, tensor)) }
      return new
    }
    inputs = graph.inputs.map { slot($0.value) }
    let live = Set(graph.nodesOnThePath())
    for id in try graph.order() where live.contains(id) {
      let node = graph[id]
      // These take one matrix of weights; others keep what all their weights make.
      let kept =
        node.op is FusedOp || node.op is ConvOp || node.op is MatMulOp ? node.inputs.dropFirst().prefix(1) : node.inputs.dropFirst()
      let weights =
        !kept.isEmpty
        && kept.allSatisfy { input in
          guard let input else { return true }
          // Others would be cast in each run, to somewhere else.
          return model.tensor(input, in: graph).map { $0.dtype == .float32 || !$0.dtype.isFloatingPoint } ?? false
        }
      steps.append(
        Step(
          node: id, name: node.name, op: node.op, inputs: node.inputs.map { $0.map(slot) }, outputs: node.outputs.map(slot),
          releases: [], bodies: node.bodies, kernel: Kernel(node.op), cache: weights && node.op is any PrimitiveOp ? NodeCache() : nil,
          memo: node.op is any PreparedOp ? KernelMemo() : nil))
    }
    outputs = graph.outputs.map { slot($0.value) }
    slotCount = values.count
    releaseEarly()
  }

  /// Lets each value go after the last step that reads it (or at once, when none does).
  private mutating func releaseEarly() {
    let fixed = Set(constants.map(\.slot))
    leftovers = Set(inputs + outputs).subtracting(fixed).sorted()
    var kept = fixed.union(outputs)
    let lasting = Set(outputs)
    for index in steps.indices.reversed() {
      steps[index].isLasting = steps[index].outputs.contains(where: lasting.contains)
      var releases: [Int] = []
      for slot in steps[index].inputs.compactMap({ $0 }) + steps[index].outputs where kept.insert(slot).inserted {
        releases.append(slot)
      }
      steps[index].releases = releases
    }
  }
}

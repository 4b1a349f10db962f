import ModelGraph
import ModelOps
import ModelTensor

/// Asks whether a number is −0 without looking at its bits, for targets that can't: Keras's `argmax` does so with TensorFlow.
///
///     x = 0 and bits(x) < 0        becomes        x = 0 and 1/x < 0
public struct SpellNegativeZero: Pass {
  public let name = "spell-negative-zero"
  private let profile: TargetProfile?
  /// Without a profile for every target.
  public init(_ profile: TargetProfile? = nil) { self.profile = profile }

  public func run(_ model: inout Model) throws {
    for id in model.graphs.keys {
      guard var graph = model.graphs[id] else { continue }
      let isRefused = graph.nodeSlots.contains { node in
        guard let node, node.op is BitCastOp || node.op is BitwiseAndOp else { return false }
        return profile.map { $0.accepts(node, graph, model) != nil } ?? true
      }
      guard isRefused else { continue }
      for id in try graph.order() {
        guard graph[id].op is LogicalAndOp, let (x, testID) = Self.negativeZero(graph[id], graph, model) else { continue }
        var context = GraphContext(model, graph: graph)
        let inverse = try context.apply(ReciprocalOp(), x)
        let isBelow = try context.apply(LessOp(), inverse, try context.scalar(0, like: x))
        graph = context.graph
        model = context.model
        graph[id].inputs = graph[id].inputs.map { $0 == testID ? isBelow : $0 }
        graph[id].origin.passes.append(name)
      }
      graph.removeDeadNodes()
      model.graphs[id] = graph
    }
  }

  /// The number that is tested, and the test of its bits.
  private static func negativeZero(_ node: Node, _ graph: Graph, _ model: Model) -> (x: ValueID, test: ValueID)? {
    func producer(_ id: ValueID?) -> Node? { id.flatMap { graph.producer(of: $0) }.map { graph[$0] } }
    func isZero(_ id: ValueID?) -> Bool {
      guard let id, let tensor = model.tensor(id, in: graph), tensor.elementCount == 1 else { return false }
      return (try? tensor.array())?.doubles() == [0]
    }
    /// The bits themselves, or their sign alone.
    func bits(_ id: ValueID?) -> Node? {
      guard let node = producer(id) else { return nil }
      if node.op is BitCastOp { return node }
      guard node.op is BitwiseAndOp, let mask = node.input(1), let tensor = model.tensor(mask, in: graph), tensor.elementCount == 1,
        (try? tensor.array())?.integers() == [Int(Int32.min)], let inner = producer(node.input(0)), inner.op is BitCastOp
      else { return nil }
      return inner
    }
    guard node.inputs.count == 2 else { return nil }
    for (first, second) in [(0, 1), (1, 0)] {
      guard let equal = producer(node.inputs[first]), equal.op is EqualOp, let test = node.inputs[second], let less = producer(test),
        less.op is LessOp, isZero(less.input(1)), let bits = bits(less.input(0)), let x = bits.input(0),
        graph[x].type.dtype.isFloatingPoint, bits.outputs.first.map({ graph[$0].type.dtype.isInteger }) ?? false,
        equal.input(0) == x && isZero(equal.input(1)) || equal.input(1) == x && isZero(equal.input(0))
      else { continue }
      return (x, test)
    }
    return nil
  }
}

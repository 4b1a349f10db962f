import ModelGraph
import ModelOps
import ModelVerify

/// Operators that pick among numbers: where two are close, one step decides, and all that follows is another. What goes into them
/// tells how far the numbers themselves differ.
extension QuantizedVerification {
  private static func picks(_ op: any Op) -> Bool {
    switch (op as? QuantizedOp)?.op ?? op {
    case is ArgMaxOp, is ArgMinOp, is TopKOp, is NonMaxSuppressionOp, is CombinedNonMaxSuppressionOp, is DetectionPostProcessOp,
      is SoftSuppressionOp:
      true
    default: false
    }
  }

  /// The side that spells operators as floats, with them recognised: of the same graph, so that values have the same ids.
  private var recognized: Model { isSpelledCandidate ? candidate : reference }

  /// Whether what goes into operators that pick, and the outputs that don't depend on any, agree about as well as steps allow.
  func agreesBeforePicking(_ options: VerificationOptions) throws -> Bool {
    var first = recognized, second = spelled
    let graph = second.mainGraph, other = first.mainGraph
    var picked: Set<ValueID> = [], inputs: [ValueID] = []
    for id in try graph.order() {
      let node = graph[id]
      if Self.picks(node.op) {
        picked.formUnion(node.outputs)
        inputs += node.inputs.compactMap { $0.flatMap { shared($0, graph, other) } }.filter { !inputs.contains($0) }
      } else if node.inputs.contains(where: { $0.map(picked.contains) ?? false }) {
        picked.formUnion(node.outputs)
      }
    }
    let free = graph.outputs.filter { !picked.contains($0.value) }.map(\.name)
    let added = inputs.filter { !picked.contains($0) }.enumerated().map { Port("picked from \($0.offset)", $0.element) }
    guard !added.isEmpty else { return false }
    first.mainGraph.outputs += added
    second.mainGraph.outputs += added
    let report = try Verifier(options: options).verify(reference: first, candidate: second)
    let names = Set(free + added.map(\.name))
    return report.failure == nil && report.outputs.allSatisfy { !names.contains($0.name) || $0.cosine ?? 1 > 0.9 }
  }

  /// The value, or what it is made of by moving or storing it in another way, that the other graph has as well.
  private func shared(_ value: ValueID, _ graph: Graph, _ other: Graph) -> ValueID? {
    var value = value
    for _ in 0..<8 {
      guard let producer = graph.producer(of: value) else { return nil }
      let index = Int(value.raw)
      if index < other.valueSlots.count, let same = other.valueSlots[index], same.type.dtype == graph[value].type.dtype,
        other.producer(of: value) != nil
      {
        return value
      }
      switch graph[producer].op {
      case is QuantizeLinearOp, is DequantizeLinearOp, is IdentityOp, is ReshapeOp, is TransposeOp, is CastOp, is SqueezeOp,
        is UnsqueezeOp:
        guard let input = graph[producer].inputs.first ?? nil else { return nil }
        value = input
      default: return nil
      }
    }
    return nil
  }
}

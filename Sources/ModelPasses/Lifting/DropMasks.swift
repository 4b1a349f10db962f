import ModelGraph
import ModelLayers
import ModelOps

/// Takes away the masks that lifted layers would hand on.
///
/// A recurrent layer that is given a mask marks its sequence with it, and Keras's layers behind it look at that: a product takes masked
/// elements for 1, an average leaves them out. Where the graph had a plain operation, no mask was looked at.
///
///     x ── LSTM(mask) ── Multiply        becomes        x ── LSTM(mask) ── Identity ── Multiply
///
/// Layers that are given a mask of their own take no other.
enum DropMasks {
  static func run(_ graph: inout Graph) {
    let readers = graph.nodeIDs.filter { id in (graph[id].op as? LayerOp).map { !isMasked($0) } ?? false }
    let read = Set(readers.flatMap { graph[$0].inputs.compactMap { $0 } })
    var bare: [ValueID: ValueID] = [:]
    for id in graph.nodeIDs {
      let node = graph[id]
      guard let op = node.op as? LayerOp, isMasked(op), let output = node.outputs.first, read.contains(output) else { continue }
      let copy = graph.append(IdentityOp(), [output], types: [graph[output].type], name: "\(node.name)/unmasked", origin: node.origin)
      bare[output] = graph[copy].outputs[0]
    }
    guard !bare.isEmpty else { return }
    for id in readers { graph[id].inputs = graph[id].inputs.map { input in input.flatMap { bare[$0] } ?? input } }
  }

  /// Whether a call is given a mask by its name.
  private static func isMasked(_ op: LayerOp) -> Bool { op.roles.contains("mask") }
}

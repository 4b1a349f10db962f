/// In which order nodes can be read: each after those whose values it uses, itself or in the graphs inside it.
///
/// ONNX asks files to list nodes in such an order; ONNX Runtime takes those that don't.
struct NodeOrder {
  /// Indices of the nodes: as the file lists them where that is an order, each behind what it needs otherwise.
  let indices: [Int]
  /// Nodes use each other in a circle; `indices` leaves them out, and what needs them.
  var hasCycle: Bool { indices.count < count }
  private let count: Int

  init(_ nodes: [NodeProto]) {
    count = nodes.count
    var producer: [String: Int] = [:]
    for (index, node) in nodes.enumerated() { for output in node.output where !output.isEmpty { producer[output] = index } }
    let sources = nodes.map { node in Set((node.input + FreeNames.of(node)).compactMap { producer[$0] }) }
    guard sources.enumerated().contains(where: { index, used in used.contains { $0 >= index } }) else {
      indices = Array(nodes.indices)
      return
    }
    var waiting = sources.map(\.count), users = [[Int]](repeating: [], count: nodes.count)
    for (index, used) in sources.enumerated() { for source in used { users[source].append(index) } }
    var order: [Int] = [], ready: [Int] = []
    for start in nodes.indices where sources[start].isEmpty {
      ready.append(start)
      while let index = ready.popLast() {
        order.append(index)
        for user in users[index].reversed() {
          waiting[user] -= 1
          if waiting[user] == 0 { ready.append(user) }
        }
      }
    }
    indices = order
  }
}

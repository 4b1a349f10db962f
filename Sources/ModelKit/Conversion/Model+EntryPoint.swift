import ModelGraph
import ModelSupport

extension Model {
  /// The model with its main entry point alone, for formats that have one only.
  /// - Returns: what was left out.
  public mutating func keepMainEntryPoint() -> [Loss] {
    let others = signatures.filter { $0.graph != main }
    guard !others.isEmpty else { return [] }
    signatures.removeAll { $0.graph != main }
    var reached: Set<GraphID> = [], waiting = [main]
    while let id = waiting.popLast() {
      guard reached.insert(id).inserted, let graph = graphs[id] else { continue }
      for node in graph.nodeSlots { waiting += node?.bodies ?? [] }
    }
    graphs.removeAll { !reached.contains($0.key) }
    removeUnusedParameters()
    return others.map { Loss("signature '\($0.name)'", reason: "the format has one entry point; --signature chooses another") }
  }
}

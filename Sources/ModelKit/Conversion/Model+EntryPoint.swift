import ModelGraph
import ModelSupport

extension Model {
  /// The model with its main entry point alone, for formats that have one only.
  /// - Returns: what was left out.
  public mutating func keepMainEntryPoint() -> [Loss] {
    let others = signatures.filter { $0.graph != main }
    guard !others.isEmpty else { return [] }
    keepEntryPoints([])
    return others.map { Loss("signature '\($0.name)'", reason: "the format has one entry point; --signature chooses another") }
  }

  /// The model with its main entry point and those of `others`.
  mutating func keepEntryPoints(_ others: Set<GraphID>) {
    signatures.removeAll { $0.graph != main && !others.contains($0.graph) }
    var reached: Set<GraphID> = [], waiting = [main] + others
    while let id = waiting.popLast() {
      guard reached.insert(id).inserted, let graph = graphs[id] else { continue }
      for node in graph.nodeSlots { waiting += node?.bodies ?? [] }
    }
    graphs.removeAll { !reached.contains($0.key) }
    removeUnusedParameters()
  }

  /// What `legalize` makes of the model. Where only some entry points can be written, the main one among them, the others are left out.
  ///
  /// - Throws: what `legalize` throws of the whole model, when the main entry point is no better on its own.
  func legalizingEntryPoints(
    _ legalize: (Model) throws -> (model: Model, losses: [Loss])
  ) throws -> (model: Model, losses: [Loss]) {
    do { return try legalize(self) } catch let error as UnsupportedError {
      let others = (Set(signatures.map(\.graph)).subtracting([main]).sorted { $0.name < $1.name }.prefix(Self.triedEntryPoints))
      guard !others.isEmpty else { throw error }
      var kept: Set<GraphID> = []
      func attempt(_ graphs: Set<GraphID>) throws -> (model: Model, losses: [Loss]) {
        var part = self
        part.keepEntryPoints(graphs)
        return try legalize(part)
      }
      guard var best = try? attempt([]) else { throw error }
      for other in others {
        guard let more = try? attempt(kept.union([other])) else { continue }
        kept.insert(other)
        best = more
      }
      let dropped = signatures.filter { $0.graph != main && !kept.contains($0.graph) }
      let reason = "left out, for \(error.items.map(\.name).joined(separator: ", ")) can't be written"
      return (best.model, dropped.map { Loss("signature '\($0.name)'", reason: reason) } + best.losses)
    }
  }

  /// Each is an attempt of its own.
  private static let triedEntryPoints = 16
}

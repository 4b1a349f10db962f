import ModelGraph
import ModelOps

/// Writes Fourier transforms that a target lacks as products and convolutions, before these are laid out for it.
///
///     signal ── STFT        becomes        signal ── Unsqueeze ── Conv(waves) ── Transpose ── Reshape
struct SpellTransforms: Pass {
  let name = "spell-transforms"
  /// Who takes transforms as they are; without it nobody does.
  var profile: TargetProfile?
  init(_ profile: TargetProfile? = nil) { self.profile = profile }

  func run(_ model: inout Model) throws {
    let profile = profile
    guard model.graphs.values.contains(where: { $0.nodeSlots.contains { $0.map(Self.isTransform) ?? false } }) else { return }
    let plain = TargetProfile(name: profile?.name ?? "Keras layers", level: .ops) { node, graph, model in
      guard Self.isTransform(node) else { return nil }
      return profile.map { $0.accepts(node, graph, model) } ?? "layers transform nothing"
    }
    try LegalizeOps(plain).run(&model)
  }

  private static func isTransform(_ node: Node) -> Bool { node.op is DFTOp || node.op is STFTOp }
}

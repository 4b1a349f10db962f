import ModelGraph
import ModelLayers
import ModelOps
import ModelSupport
import ModelTensor

/// Brings a model to what a target can hold, in one fixed order:
///
/// normalise → lower to ops (or lift to layers) → layout → fold → legalise → finalise
///
/// A phase whose end is already reached changes nothing, and so does the whole for a model that is legal already. The
/// model is validated after each phase.
public struct Legalizer {
  public var profile: TargetProfile
  /// What becomes of the layout of the model's own inputs and outputs.
  public var ioLayout: IOLayout
  /// What is done where recurrent ops have been recognised, before anything is laid out for the target.
  public var whereCellsAreKnown: [any Pass] = []
  /// Kinds of layers whose weights stay as the layer has them, see `FoldConstants`.
  public var keepsWeightsOf: Set<String> = []

  /// Whether weights are constants for the target: then what is made of them alone is computed beforehand, and batch normalisation
  /// that is spelled out is one operator.
  public var foldsWeights: Bool
  /// Whether a model that is legal already stays as it is: one that was read from the target's own format.
  public var leavesLegal = true

  public init(_ profile: TargetProfile, ioLayout: IOLayout = .keep, foldsWeights: Bool = false) {
    self.profile = profile
    self.ioLayout = ioLayout
    self.foldsWeights = foldsWeights
  }

  /// - Throws: `UnsupportedError` listing everything the target can't hold; `GraphError` when a pass fails.
  public func run(_ model: Model) throws -> (model: Model, losses: [Loss]) {
    var model = model
    RemoveLoopStates().removeAll(from: &model)
    if isLegal(model), ioLayout == .keep, whereCellsAreKnown.isEmpty { return (model, []) }
    var result = model, losses: [Loss] = []
    try refuseOpaque(result)
    if !profile.holdsState {
      losses = ResolveState.losses(of: model, target: profile.name)
      try apply(ResolveState(), to: &result)
    }
    if profile.level == .ops, !profile.holdsState { losses += result.statefulLosses(profile.name) }
    if profile.level == .ops, Self.hasLayers(model) { losses += Self.gradientLosses(of: model, target: profile.name) }
    losses += UnwrapQuantized(profile).losses(of: result)
    switch profile.level {
    case .ops:
      for pass in opPasses(spellsQuantization: !profile.prefersQuantizedOps && Self.wraps(model)) {
        try apply(pass, to: &result)
        if pass is RecognizeScan, RecognizeScan.isNeeded(result) {
          // Lists of one length are told by the names of their extents, where that helps.
          var named = result
          try apply(NameExtents(sharesBatch: false), to: &named)
          try apply(pass, to: &named)
          if Self.loopCount(named) < Self.loopCount(result) { result = named }
        }
      }
    case .layers:
      if !Self.hasLayers(result) {
        for pass in LiftLayers.passes(ioLayout: ioLayout) {
          // What can't be lifted in the end is listed before a pass fails over it.
          if pass is ConvertLayout { try refuse(result) }
          try apply(pass, to: &result)
        }
      }
      try refuse(result)
    }
    return (result, losses)
  }

  /// What a network of layers says of its training, and one of operators does not.
  private static func gradientLosses(of model: Model, target: String) -> [Loss] {
    let count = model.graphs.values.reduce(0) { $0 + $1.nodeSlots.count { ($0?.op as? IdentityOp)?.stopsGradient ?? false } }
    guard count > 0 else { return [] }
    let what = count == 1 ? "the end of gradients at a stop_gradient" : "the end of gradients at \(count) stop_gradients"
    return [Loss(what, reason: "the \(target) model computes the same, but would train otherwise")]
  }

  /// Whether a model is made of layers already.
  static func hasLayers(_ model: Model) -> Bool {
    model.graphs.values.contains { graph in graph.nodeSlots.contains { $0?.op is LayerOp } }
  }

  /// Whether a model has operators around others: those on integers.
  private static func wraps(_ model: Model) -> Bool {
    model.graphs.values.contains { $0.nodeSlots.contains { $0?.op is any WrappingOp } }
  }

  private static func loopCount(_ model: Model) -> Int {
    model.graphs.values.reduce(0) { count, graph in count + graph.nodeSlots.count { $0?.op is WhileOp } }
  }

  /// - Parameter spellsQuantization: whether operators on integers are spelled out; what the model itself dequantises stays as it is.
  private func opPasses(spellsQuantization: Bool) -> [any Pass] {
    var passes: [any Pass] = [
      RemoveDeadCode(), UnwrapQuantized(profile), LowerLayers(keepsState: profile.holdsState), ResolveBranches(), SpellTransforms(profile),
      SpreadComplex(profile),
    ]
    if foldsWeights { passes.append(RecognizeBatchNormalization()) }
    passes += [folding, RecognizeScan()]
    if profile.prefersRecurrentOps { passes += [RecognizeCells(), SplitScans()] }
    passes.append(SpellLists(profile))
    passes += whereCellsAreKnown
    if let layout = profile.layout { passes.append(ConvertLayout(to: layout, ioLayout: ioLayout)) }
    passes.append(folding)
    if profile.prefersQuantizedOps {
      passes += [DropNeutralTerms(), RecognizeComposites(activationsOnly: true), RecognizeQuantized(prefersSigned: true)]
    } else {
      if spellsQuantization { passes.append(DropRoundedZeros()) }
      passes.append(FoldQuantizedWeights(kernelLayout: profile.layout == .channelsFirst ? .outputInputSpatial : nil))
    }
    passes += [SpellNegativeZero(profile), CompleteOperands(), LegalizeOps(profile)]
    if spellsQuantization, profile.prefersUnsignedWeights { passes.append(UnsignWeights()) }
    passes += [folding, FinalizeNames()]
    return passes
  }

  private var folding: FoldConstants {
    var result = FoldConstants()
    result.keepsWeightsOf = keepsWeightsOf
    result.roundsWeights = foldsWeights
    return result
  }

  private func apply(_ pass: any Pass, to model: inout Model) throws {
    do {
      try pass.run(&model)
      try model.validate()
    } catch let error as GraphError { throw error.within("pass \(pass.name)") }
  }

  /// Whether every node can be written as it is.
  private func isLegal(_ model: Model) -> Bool {
    guard leavesLegal, profile.holdsState || model.graphs.values.allSatisfy({ $0.states.isEmpty }) else { return false }
    guard
      model.graphs.values.allSatisfy({ graph in
        graph.nodeSlots.allSatisfy { $0.map { profile.accepts($0, graph, model) == nil } ?? true }
      })
    else { return false }
    if profile.level == .layers { return Self.hasLayers(model) }
    // Written as what they decompose into, they would be surrounded by transposes.
    if Self.wraps(model), !profile.prefersQuantizedOps { return false }
    if profile.prefersQuantizedOps, RecognizeQuantized.isNeeded(model) || RecognizeComposites.isNeeded(model) { return false }
    if profile.prefersRecurrentOps, RecognizeScan.isNeeded(model) { return false }
    if foldsWeights, FoldConstants.isNeeded(model) { return false }
    if profile.level == .ops, ResolveBranches.isNeeded(model) { return false }
    guard let layout = profile.layout else { return true }
    return !LowerLayers.isNeeded(model) && !ConvertLayout(to: layout).isNeeded(model)
  }

  /// Foreign ops are listed before anything else is tried: later failures would hide them.
  private func refuseOpaque(_ model: Model) throws { try refuse(model) { $0.op is OpaqueOp } }

  private func refuse(_ model: Model, where isAsked: (Node) -> Bool = { _ in true }) throws {
    var refused = RefusedOps(target: profile.name)
    for graph in model.graphs.values {
      for node in graph.nodeSlots {
        guard let node, isAsked(node), let reason = profile.accepts(node, graph, model) else { continue }
        refused.add(node, reason)
      }
    }
    try refused.check()
  }
}

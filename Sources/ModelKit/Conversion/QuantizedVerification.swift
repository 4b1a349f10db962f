import ModelGraph
import ModelOps
import ModelPasses
import ModelTensor
import ModelVerify

/// What is compared when one side of a conversion has operators on integers and the other spells them as floats between
/// quantisations.
///
/// Floats added in another order may be rounded to the step beside, and through many layers that adds up. So both sides are
/// compared as operators on integers, which must agree exactly; and the side that spells them is also run as it is, to tell by
/// how much another runtime differs, and that nothing was recognised as something else.
struct QuantizedVerification {
  var reference: Model
  var candidate: Model
  /// The spelled model on either side, to be run as it is.
  var spelled: Model
  var isSpelledCandidate: Bool
  /// Whether activations are quantised as they come. Floats added in another order change their range, and with it a step here and there.
  let isDynamic: Bool
  /// Both models as they are.
  private let source: Model
  private let result: Model
  var note: String { note(reference: "source", candidate: "result") }

  /// What a report says, with what it calls both sides.
  func note(reference: String, candidate: String) -> String {
    let side = isSpelledCandidate ? candidate : reference
    return "compared as operators on integers, as LiteRT computes them: the \(side)'s dequantise, float operator, quantise stands for them"
  }

  /// - Parameter prefersSigned: whether integers without a sign that one side spells stand for signed ones.
  /// - Returns: `nil` when neither side spells operators on integers of the other.
  init?(source: Model, result: Model, prefersSigned: Bool = true) throws {
    let sourceHasOperators = source.hasQuantizedOperators, resultHasOperators = result.hasQuantizedOperators
    isDynamic = source.spellsDynamicProducts && result.hasHybridOperators && !sourceHasOperators
    guard sourceHasOperators != resultHasOperators || isDynamic else { return nil }
    isSpelledCandidate = sourceHasOperators
    spelled = sourceHasOperators ? result : source
    guard RecognizeQuantized.isNeeded(spelled) else { return nil }
    (reference, candidate) = (source, result)
    (self.source, self.result) = (source, result)
    if sourceHasOperators {
      // Weights were given another sign on the way (`UnsignWeights`).
      try RecognizeQuantized(prefersSigned: prefersSigned).run(&candidate)
      // What is not recognised in the result, as the target has no word for it, is spelled in the source, too.
      let found = candidate.quantizedResults
      var spelledOut = TargetProfile(name: "the result's operators", level: .ops) { node, graph, _ in
        guard let op = node.op as? QuantizedOp else { return node.op is any WrappingOp ? "it wraps an operator" : nil }
        if op.op is IdentityOp, op.activation == .none { return nil }
        if op.op.isMove { return nil }
        // An output is called as its port.
        let ports = graph.outputs.filter { node.outputs.contains($0.value) }.map(\.name)
        return (node.outputs.map { graph[$0].name } + ports).contains { found.contains($0) } ? nil : "the result spells it"
      }
      spelledOut.prefersQuantizedOps = true
      try UnwrapQuantized(spelledOut).run(&reference)
      try RecognizeQuantized(recognizesOperators: false).run(&reference)
    } else {
      // Sizes and scales that are put together of constants are known, as they are where the result is made.
      try FoldConstants().run(&reference)
      try RecognizeQuantized(prefersSigned: prefersSigned).run(&reference)
    }
  }

  /// The comparison with operators on integers spelled as floats on both sides, as the other runtime computes them. A number may lie a
  /// step of its output's quantisation beside, where floats added in another order are rounded to it.
  func compareAsSpelled(_ options: VerificationOptions) throws -> VerificationReport {
    var (reference, candidate) = (source, result), options = options
    try UnwrapQuantized(.unwrapped).run(&reference)
    try UnwrapQuantized(.unwrapped).run(&candidate)
    options.outputSteps = source.outputSteps
    var report = try Verifier(options: options).verify(reference: reference, candidate: candidate)
    report.notes.append(Self.spelledNote)
    return report
  }
  private static let spelledNote =
    "compared with operators on integers as dequantise, float operator, quantise on both sides: LiteRT's integers may lie a step beside"

  /// The comparison of products whose activations are quantised as they come, to how far quantisation lets them agree.
  func compareDynamic(_ options: VerificationOptions) throws -> VerificationReport? {
    guard isDynamic else { return nil }
    var options = options
    options.minimumSignalToNoise = PairVerification.signalToNoise
    var report = try Verifier(options: options).verify(reference: reference, candidate: candidate)
    report.notes.append(
      "activations are quantised as they come, row by row as LiteRT does it: compared by how far outputs rise above the difference")
    return report
  }

  /// How far the spelled side, run as it is, lies from the other: part of the proof that it says the same.
  /// - Returns: what a report says of it, and the comparison itself where that shows that both are something else.
  func compareSpelled(_ options: VerificationOptions) throws -> (note: String, refutation: VerificationReport?) {
    var report = try Verifier(options: options).verify(
      reference: isSpelledCandidate ? reference : spelled, candidate: isSpelledCandidate ? spelled : candidate)
    let worst = report.outputs.map(\.maxAbsolute).max() ?? 0
    let cosine = report.outputs.compactMap(\.cosine).min() ?? 1
    let text =
      "with floats between its integers, as other runtimes compute it, the largest difference is \(Float(worst)), the least cosine \(Float(cosine))"
    if report.failure == nil {
      if cosine > 0.9 { return (text, nil) }
      // A number a step higher or lower is another box or class.
      if try agreesBeforePicking(options) { return (text + ", as other numbers are picked; those that are picked from agree", nil) }
      report.failure = text
    }
    return (text, report)
  }
}

extension Model {
  /// The names of what operators on integers give, moves behind them included. What is only moved is no operator that was recognised.
  fileprivate var quantizedResults: Set<String> {
    var names: Set<String> = []
    for graph in graphs.values {
      for case let node? in graph.nodeSlots where node.op is QuantizedOp {
        guard let first = node.outputs.first, let maker = graph.computed(first), graph[maker].op is QuantizedOp else { continue }
        names.formUnion(node.outputs.map { graph[$0].name })
      }
    }
    return names
  }

  /// Whether it multiplies integers that it makes of activations by the range they have.
  fileprivate var spellsDynamicProducts: Bool {
    graphs.values.contains { graph in graph.nodeSlots.contains { $0?.op is DynamicQuantizeLinearOp } }
  }

  fileprivate var hasHybridOperators: Bool {
    graphs.values.contains { graph in graph.nodeSlots.contains { $0?.op is HybridOp } }
  }

  var hasQuantizedOperators: Bool {
    graphs.values.contains { graph in
      graph.nodeSlots.contains { node in
        guard let op = node?.op as? QuantizedOp else { return false }
        return !op.isFloat
      }
    }
  }
}

extension Graph {
  /// The node that computes a value, moves and conversions behind it passed by; `nil` for what is only moved.
  fileprivate func computed(_ value: ValueID) -> NodeID? {
    var value = value
    for _ in 0..<64 {
      guard let producer = producer(of: value) else { return nil }
      let node = self[producer], op = (node.op as? QuantizedOp)?.op ?? node.op
      let isConversion = op is IdentityOp && (node.op as? QuantizedOp)?.activation ?? FusedActivation.none == FusedActivation.none
      guard isConversion || op.isMove || node.op is QuantizeLinearOp || node.op is DequantizeLinearOp else { return producer }
      guard let input = node.inputs.first ?? nil else { return nil }
      value = input
    }
    return nil
  }
}

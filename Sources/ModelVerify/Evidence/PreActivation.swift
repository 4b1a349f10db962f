import ModelGraph
import ModelOps
import ModelRuntime
import ModelTensor

/// What goes into the softmax, sigmoid or hyperbolic tangent behind an output: it still differs where the result is saturated.
struct PreActivation {
  let value: ValueID
  let type: TensorType
  /// The activation: `Softmax`.
  let op: String
  /// A softmax takes no notice of what is added to a whole row.
  var ignoresShift: Bool { op == "Softmax" }

  /// - Returns: `nil` when the output is made otherwise.
  init?(of output: Int, in executor: Executor) {
    guard let graph = executor.model.graphs[executor.graph], graph.openOutputs.indices.contains(output) else { return nil }
    var value = graph.openOutputs[output].value
    // What only stores the result in another way comes behind.
    for _ in 0..<16 {
      guard let producer = graph.producer(of: value), let input = graph[producer].inputs.first, let input else { return nil }
      let wrapped = graph[producer].op as? QuantizedOp
      switch wrapped?.op ?? graph[producer].op {
      case is SoftmaxOp, is ScaledSoftmaxOp: op = "Softmax"
      case is SigmoidOp: op = "Sigmoid"
      case is TanhOp: op = "Tanh"
      case is IdentityOp, is ReshapeOp, is CastOp, is SqueezeOp, is UnsqueezeOp, is FlattenOp, is QuantizeLinearOp, is DequantizeLinearOp:
        value = input
        continue
      default: return nil
      }
      self.value = input
      var type = graph[input].type
      if type.quantization == nil, let stored = wrapped?.quantization(ofInput: 0, dtype: type.dtype) {
        type.quantization = stored.quantization
      }
      self.type = type
      return
    }
    return nil
  }
}

/// Compares what goes into the activations behind saturated outputs.
struct PreActivationComparison {
  let pair: ModelPair
  let options: VerificationOptions
  /// Roundings are relative to the largest number that was computed with, and add up through a network.
  static let relativeTolerance = 1e-3

  /// The pairs of values behind `outputs`, where both models have the same activation there.
  private func sides(of outputs: [Int]) -> [(output: Int, reference: PreActivation, candidate: PreActivation)] {
    outputs.compactMap { output in
      guard let other = pair.outputs[output], let first = PreActivation(of: output, in: pair.reference),
        let second = PreActivation(of: other, in: pair.candidate), first.op == second.op
      else { return nil }
      return (output, first, second)
    }
  }

  func run(_ outputs: [Int], _ samples: Samples, _ report: inout VerificationReport) throws {
    let sides = sides(of: outputs)
    guard !sides.isEmpty else { return }
    var found = sides.map { OutputStatistics(name: $0.reference.op) }
    for index in 0..<samples.inputCount {
      let inputs = try samples.inputs(index)
      var expected: [ValueID: NDArray] = [:], given: [ValueID: NDArray] = [:]
      let wanted = Set(sides.map(\.reference.value)), others = Set(sides.map(\.candidate.value))
      _ = try pair.reference.run(inputs) {
        if $0.graph == pair.reference.graph, wanted.contains($0.value) { expected[$0.value] = $0.array }
      }
      _ = try pair.runCandidate(inputs) { if $0.graph == pair.candidate.graph, others.contains($0.value) { given[$0.value] = $0.array } }
      for (place, side) in sides.enumerated() {
        guard let a = expected[side.reference.value], let b = given[side.candidate.value], a.count == b.count else { continue }
        compare(try a.real(side.reference.type), try b.real(side.candidate.type), side.reference, &found[place])
      }
    }
    for (side, statistics) in zip(sides, found) where statistics.elements > 0 {
      report.outputs[side.output].preActivation = PreActivationStatistics(statistics)
    }
  }

  private func compare(_ reference: NDArray, _ candidate: NDArray, _ side: PreActivation, _ statistics: inout OutputStatistics) {
    guard reference.dtype.isFloatingPoint, candidate.dtype.isFloatingPoint else { return }
    var r = reference.doubles(), c = candidate.doubles()
    let largest = r.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
    let width = reference.shape.last ?? 1
    if side.ignoresShift, width > 1 {
      for start in stride(from: 0, to: r.count, by: width) {
        // Each row from its largest number down.
        let row = start..<min(r.count, start + width)
        guard let top = row.max(by: { r[$0] < r[$1] }), r[top].isFinite, c[top].isFinite else { continue }
        let (a, b) = (r[top], c[top])
        for place in row { (r[place], c[place]) = (r[place] - a, c[place] - b) }
      }
    }
    let rtol = max(Self.relativeTolerance, options.rtol)
    statistics.add(NDArray(r, [r.count]), NDArray(c, [c.count]), atol: options.atol + rtol * largest, rtol: 0)
  }
}

/// How far what goes into an activation differs.
public struct PreActivationStatistics: Sendable, Hashable {
  /// The activation: `Softmax`, `Sigmoid`, `Tanh`.
  public var activation: String
  public var elements: Int
  public var mismatched: Int
  public var maxAbsolute: Double
  public var cosine: Double?
  public var isEquivalent: Bool

  init(_ statistics: OutputStatistics) {
    activation = statistics.name
    (elements, mismatched, maxAbsolute, cosine) = (statistics.elements, statistics.mismatched, statistics.maxAbsolute, statistics.cosine)
    isEquivalent = statistics.isEquivalent
  }
}

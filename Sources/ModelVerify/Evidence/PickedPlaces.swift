import ModelGraph
import ModelOps
import ModelPasses
import ModelRuntime
import ModelTensor

/// Where an ArgMax or ArgMin makes an output of quantised numbers: numbers that lie a step apart may change places, and another of
/// them is picked. What counts is the number that was picked, not where it stood.
struct PickedPlaces {
  let pair: ModelPair
  let options: VerificationOptions

  /// What an output picks from.
  private struct Source {
    var value: ValueID
    var type: TensorType
    var axis: Int
    var sign: Double
    /// How far apart the numbers are that it can be.
    var step: Double
  }

  /// Takes back the mismatches of places at which the candidate picks a number within two steps of what the reference picks.
  func run(_ samples: Samples, _ report: inout VerificationReport) throws {
    for index in report.outputs.indices where report.outputs[index].mismatched > 0 && report.outputs[index].problem == nil {
      guard let output = pair.outputs[index], let source = source(of: index) else { continue }
      var forgiven = 0
      for sample in 0..<report.samples where sample < samples.inputCount {
        let inputs = try samples.inputs(sample)
        var from: NDArray?
        let expected = try pair.reference.run(inputs) {
          if $0.graph == pair.reference.graph, $0.value == source.value { from = $0.array }
        }
        let found = try pair.runCandidate(inputs)[output]
        if let from { forgiven += try count(expected[index], found, try from.real(source.type), source) }
      }
      guard forgiven > 0 else { continue }
      report.outputs[index].forgive(forgiven)
      report.note("output '\(report.outputs[index].name)': at \(forgiven) places another number is picked that lies within two steps")
    }
  }

  private func count(_ expected: NDArray, _ found: NDArray, _ from: NDArray, _ source: Source) throws -> Int {
    guard expected.count == found.count, let first = expected.integers(), let second = found.integers(), source.axis < from.rank else {
      return 0
    }
    let extent = from.shape[source.axis], inner = from.shape[(source.axis + 1)...].reduce(1, *)
    guard extent > 0, inner > 0, from.count / extent == first.count else { return 0 }
    let numbers = from.doubles()
    return first.indices.count { place in
      let (a, b) = (first[place], second[place])
      guard a != b, (0..<extent).contains(a), (0..<extent).contains(b) else { return false }
      let base = place / inner * inner * extent + place % inner
      return source.sign * (numbers[base + a * inner] - numbers[base + b * inner]) <= 2 * source.step
    }
  }

  private func source(of output: Int) -> Source? {
    let executor = pair.reference
    guard let graph = executor.model.graphs[executor.graph], graph.openOutputs.indices.contains(output) else { return nil }
    var value = graph.openOutputs[output].value
    for _ in 0..<8 {
      guard let producer = graph.producer(of: value), let input = graph[producer].inputs.first, let input else { return nil }
      var axis: Int, sign = 1.0
      switch (graph[producer].op as? QuantizedOp)?.op ?? graph[producer].op {
      case let op as ArgMaxOp: axis = op.axis
      case let op as ArgMinOp: (axis, sign) = (op.axis, -1)
      case is IdentityOp, is CastOp, is ReshapeOp, is SqueezeOp, is UnsqueezeOp:
        value = input
        continue
      default: return nil
      }
      let type = graph[input].type
      guard let rank = type.shape.rank, let step = step(of: input, in: graph) else { return nil }
      if axis < 0 { axis += rank }
      return Source(value: input, type: type, axis: axis, sign: sign, step: step)
    }
    return nil
  }

  /// The scale by which numbers were rounded last.
  private func step(of value: ValueID, in graph: Graph) -> Double? {
    if let scale = QuantizedType(graph[value].type)?.scale { return Double(scale) }
    var value = value
    for _ in 0..<16 {
      guard let producer = graph.producer(of: value) else { return nil }
      let node = graph[producer]
      if node.op is DequantizeLinearOp {
        guard node.inputs.count > 1, let scale = node.inputs[1], let tensor = graph.constant(scale), tensor.elementCount == 1 else {
          return nil
        }
        return (try? tensor.array())?.doubles().first
      }
      if node.op is QuantizeLinearOp { return 1 }
      // Anything else would change how far numbers lie apart.
      guard node.op.isMove || node.op is IdentityOp || node.op is ReluOp, let input = node.inputs.first ?? nil else { return nil }
      value = input
    }
    return nil
  }
}

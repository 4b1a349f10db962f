import ModelGraph
import ModelSupport
import ModelTensor
import ModelVerify

/// Holds against each other how two models learn: gradients of a loss, and weights after some steps of an optimiser.
///
/// The loss is the mean squared difference of all floating-point outputs from made-up targets. Both compute as in inference: nothing is dropped
/// and batch normalisation keeps its statistics, for formats of graphs hold nothing else.
public struct TrainingEquivalence {
  public var options: VerificationOptions
  /// How many updates are made.
  public var steps = 5
  public var optimizer = "sgd"
  public var learningRate: Double = 0.01
  /// Gradients up to this part of the largest of all are not told from rounding by an optimiser that divides by their size.
  ///
  /// Such an optimiser turns the relative error of a gradient into as large a part of a step, in each program another one; a gradient that is
  /// rounding alone (the bias of attention's keys has such: softmax takes no notice of it) becomes whole steps. A gradient `g` is off by about one
  /// rounding of the largest, so that the weight is off by `learningRate · steps · 2⁻²³ · largest / |g|`: what makes this more than the tolerance is
  /// left out, and 16 roundings in any case.
  var roundingPart: Double { 0x1p-23 * max(16, learningRate * Double(steps) / max(options.atol, 1e-12)) }
  public init(options: VerificationOptions = VerificationOptions()) { self.options = options }

  /// - Throws: `UnsupportedError` when a model can't be executed or trained, or has no loss; as `Verifier.verify` for the inputs.
  public func compare(reference: ModelGraph.Model, candidate: ModelGraph.Model) throws -> TrainingEquivalenceReport {
    var report = TrainingEquivalenceReport(optimizer: optimizer, learningRate: learningRate, steps: steps)
    report.unseen = TrainingTraits.notes(reference: reference, candidate: candidate)
    var pairing = VerificationReport(seed: options.seed, atol: options.atol, rtol: options.rtol)
    guard let inputs = try Verifier(options: options).pairedInputs(reference: reference, candidate: candidate, report: &pairing) else {
      report.failure = pairing.failure ?? "the inputs can't be paired"
      return report
    }
    try withSession(seed: Int(truncatingIfNeeded: options.seed)) {
      let first = try trainable(reference, "reference"), second = try trainable(candidate, "candidate")
      let matching = try ParameterMatching(first.trainableParameters, second.trainableParameters)
      report.missing = matching.missing
      report.surplus = matching.surplus
      guard !matching.pairs.isEmpty else {
        report.failure =
          first.trainableParameters.isEmpty ? "the reference has no weights to train" : "no weight of the one is a weight of the other"
        return
      }
      let targets = try self.targets(first, inputs.reference, inputs.outputs)
      let sides = try [
        Side(first.model, matching.pairs.map(\.reference.variable), inputs.reference, targets, Array(inputs.outputs.indices), self),
        Side(second.model, matching.pairs.map(\.candidate.variable), inputs.candidate, targets, inputs.outputs, self),
      ]
      let gradients = try sides.map { try $0.gradients(0) }
      var sizes = [[Double]](repeating: [], count: matching.pairs.count)
      for (index, pair) in matching.pairs.enumerated() {
        var row = OutputStatistics(name: pair.reference.name, candidateName: pair.candidate.name)
        try add(gradients[0].values[index], gradients[1].values[index], pair, to: &row)
        report.gradients.append(row)
      }
      for step in 0..<steps {
        let taken = try sides.map { try $0.step(step) }
        report.losses.append((taken[0].loss, taken[1].loss))
        for (index, pair) in matching.pairs.enumerated() {
          let found = try Self.sizes(taken[0].values[index], taken[1].values[index], pair)
          sizes[index] = sizes[index].isEmpty ? found : zip(sizes[index], found).map { max($0, $1) }
        }
      }
      let floor = optimizer.lowercased() == "sgd" ? 0 : roundingPart * (sizes.joined().max() ?? 0)
      for (index, pair) in matching.pairs.enumerated() {
        var row = OutputStatistics(name: pair.reference.name, candidateName: pair.candidate.name)
        var kept: Tensor?
        let small = sizes[index].filter { $0 <= floor }.count
        if floor > 0, small > 0, small <= sizes[index].count {
          report.rounded += small
          kept = Tensor(sizes[index].enumerated().filter { $0.element > floor }.map { Int64($0.offset) })
        }
        try add(pair.reference.variable.stored, pair.candidate.variable.stored, pair, kept, to: &row)
        report.parameters.append(row)
      }
    }
    return report
  }

  private func trainable(_ model: ModelGraph.Model, _ role: String) throws -> StoredModel {
    do { return try StoredModel(model) } catch let error as TensorError {
      throw UnsupportedError("the \(role) can't be trained: \(error.message)")
    }
  }

  /// The larger magnitude of both gradients of each element, in the candidate's order.
  private static func sizes(_ reference: Tensor?, _ candidate: Tensor?, _ pair: ParameterMatching.Pair) throws -> [Double] {
    var first = try reference?.reshape([-1])
    if let order = pair.order { first = try first?.gather(order) }
    let a = try first?.doubles(), b = try candidate?.doubles()
    guard let a, let b, a.count == b.count else { return (a ?? b ?? []).map(abs) }
    return zip(a, b).map { max(abs($0), abs($1)) }
  }

  /// - Parameter kept: the elements that are compared, in the candidate's order; `nil` takes all.
  private func add(
    _ reference: Tensor?, _ candidate: Tensor?, _ pair: ParameterMatching.Pair, _ kept: Tensor? = nil, to row: inout OutputStatistics
  ) throws {
    switch (reference, candidate) {
    case (nil, nil): break
    case (nil, let other?), (let other?, nil):
      row.problem = "only the \(reference == nil ? "candidate" : "reference") has a gradient"
      row.mismatched = other.size
      row.elements = other.size
    case (let reference?, let candidate?):
      var moved = try reference.reshape([-1])
      if let order = pair.order { moved = try moved.gather(order) }
      var other = try candidate.reshape([-1])
      if let kept { (moved, other) = (try moved.gather(kept), try other.gather(kept)) }
      row.add(try moved.array(), try other.array(), atol: options.atol, rtol: options.rtol)
    }
  }

  /// Made-up targets for the outputs of each set of inputs; `nil` for outputs that no loss can be made of.
  private func targets(_ stored: StoredModel, _ inputs: [[NDArray]], _ outputs: [Int?]) throws -> [[Tensor?]] {
    let all = try inputs.enumerated().map { set, arrays -> [Tensor?] in
      try stored.model.predictOnBatch(arrays.map { Tensor($0) }).enumerated().map { index, output in
        guard output.dtype.isFloatingPoint, output.size > 0, index < outputs.count, outputs[index] != nil else { return nil }
        return try output + Tensor.random.normal(output.shape, dtype: output.dtype, seed: .fixed(1000 * set + index + 1))
      }
    }
    guard all.contains(where: { $0.contains { $0 != nil } }) else {
      throw UnsupportedError("no loss can be defined: the models share no output of floating-point numbers")
    }
    return all
  }

  /// One of the two models with its optimiser.
  private struct Side {
    let model: Model, variables: [Variable], inputs: [[NDArray]], targets: [[Tensor?]], outputs: [Int?], optimizer: any Optimizer
    init(
      _ model: Model, _ variables: [Variable], _ inputs: [[NDArray]], _ targets: [[Tensor?]], _ outputs: [Int?],
      _ owner: TrainingEquivalence
    ) throws {
      (self.model, self.variables, self.inputs, self.targets, self.outputs) = (model, variables, inputs, targets, outputs)
      var options = TrainingOptions(loss: "mse", optimizer: owner.optimizer, epochs: 1, batchSize: 1)
      options.learningRate = owner.learningRate
      optimizer = try options.makeOptimizer()
      try optimizer.build(variables)
    }
    func gradients(_ step: Int) throws -> (loss: Double, values: [Tensor?]) {
      let set = step % inputs.count, tape = GradientTape()
      let loss = try tape.record { () throws -> Tensor in
        let found = try model(inputs[set].map { Tensor($0) }, training: false)
        var total: Tensor?
        for (index, target) in targets[set].enumerated() {
          guard let target, let place = outputs[index], place < found.count else { continue }
          let part = try (found[place].reshape(target.shape).cast(to: target.dtype) - target).square().reduceMean()
          total = try total.map { try $0 + part } ?? part
        }
        return try total ?? Tensor.constant(0.0)
      }
      return (try loss.item(), try tape.gradient(of: loss, with: variables))
    }
    func step(_ step: Int) throws -> (loss: Double, values: [Tensor?]) {
      let taken = try gradients(step)
      try optimizer.apply(taken.values, to: variables)
      return taken
    }
  }
}

import ModelGradients
import ModelOps
import ModelTraining
import Testing

/// Ops that know their own gradient, held against what they are made of; their second gradients too.
@Suite struct FusedTrainingTests {
  /// The gradients of `f`, and those of the sum of their squares.
  static func gradients(_ inputs: [Tensor], _ f: ([Tensor]) throws -> Tensor) throws -> [[Double]] {
    let outer = GradientTape(), tape = GradientTape()
    inputs.forEach(outer.watch)
    var first: [Tensor] = []
    let penalty = try outer.record {
      inputs.forEach(tape.watch)
      let loss = try tape.record { try f(inputs) }
      first = try tape.gradient(of: loss, with: inputs.map { $0 as any GradientSource }).compactMap { $0 }
      return try first.dropFirst().reduce(try first[0].square().reduceSum()) { try $0 + $1.square().reduceSum() }
    }
    let second = try outer.gradient(of: penalty, with: inputs.map { $0 as any GradientSource }).compactMap { $0 }
    #expect(first.count == inputs.count && second.count == inputs.count)
    return try (first + second).map { try $0.doubles() }
  }
  static func expectClose(_ a: [[Double]], _ b: [[Double]], _ tolerance: Double) {
    #expect(a.map(\.count) == b.map(\.count))
    for (index, (x, y)) in zip(a, b).enumerated() {
      let largest = max(1, y.map { abs($0) }.max() ?? 0)
      let worst = zip(x, y).map { abs($0 - $1) }.max() ?? 0
      #expect(worst <= tolerance * largest, "gradient \(index): \(worst) of \(largest)")
    }
  }

  @Test(arguments: [RecurrentDirection.forward, .reverse], [true, false])
  func lstm(_ direction: RecurrentDirection, _ batchFirst: Bool) throws {
    let (time, batch, features, units) = (4, 3, 5, 6)
    let shapes = [
      batchFirst ? [batch, time, features] : [time, batch, features], [1, 4 * units, features], [1, 4 * units, units], [1, 8 * units],
      batchFirst ? [batch, 1, units] : [1, batch, units], batchFirst ? [batch, 1, units] : [1, batch, units],
    ]
    let inputs = try shapes.enumerated().map { try Tensor.random.normal($0.element, stddev: 0.5, seed: .fixed($0.offset)) }
    let op = LSTMOp(hiddenSize: units, direction: direction, batchFirst: batchFirst)
    // A mask that masks nothing makes it go step by step.
    let mask = try Tensor.constant(
      Array(repeating: Array(repeating: true, count: batchFirst ? time : batch), count: batchFirst ? batch : time))
    let weights = try Tensor.random.normal(batchFirst ? [batch, time, 1, units] : [time, 1, batch, units], seed: 9)
    func loss(_ x: [Tensor], _ mask: Tensor?) throws -> Tensor {
      let y = try Tensor.apply(op, to: [x[0], x[1], x[2], x[3], nil, x[4], x[5], nil, mask])
      return try (y[0] * weights).square().reduceSum() + (y[1] * 2).reduceSum() + y[2].square().reduceSum()
    }
    Self.expectClose(try Self.gradients(inputs) { try loss($0, nil) }, try Self.gradients(inputs) { try loss($0, mask) }, 2e-5)
  }

  @Test(arguments: [RecurrentDirection.forward, .reverse], [true, false])
  func gru(_ direction: RecurrentDirection, _ batchFirst: Bool) throws {
    let (time, batch, features, units) = (4, 3, 5, 6)
    let shapes = [
      batchFirst ? [batch, time, features] : [time, batch, features], [1, 3 * units, features], [1, 3 * units, units], [1, 6 * units],
      batchFirst ? [batch, 1, units] : [1, batch, units],
    ]
    let inputs = try shapes.enumerated().map { try Tensor.random.normal($0.element, stddev: 0.5, seed: .fixed($0.offset)) }
    let op = GRUOp(hiddenSize: units, direction: direction, linearBeforeReset: true, batchFirst: batchFirst)
    let mask = try Tensor.constant(
      Array(repeating: Array(repeating: true, count: batchFirst ? time : batch), count: batchFirst ? batch : time))
    let weights = try Tensor.random.normal(batchFirst ? [batch, time, 1, units] : [time, 1, batch, units], seed: 9)
    func loss(_ x: [Tensor], _ mask: Tensor?) throws -> Tensor {
      let y = try Tensor.apply(op, to: [x[0], x[1], x[2], x[3], nil, x[4], mask])
      return try (y[0] * weights).square().reduceSum() + y[1].square().reduceSum()
    }
    Self.expectClose(try Self.gradients(inputs) { try loss($0, nil) }, try Self.gradients(inputs) { try loss($0, mask) }, 2e-5)
  }

  @Test func batchMoments() throws {
    let inputs = [
      try Tensor.random.normal([6, 3, 5], mean: 2, seed: 1), try Tensor.random.normal([5], seed: 2), try Tensor.random.normal([5], seed: 3),
    ]
    let weights = try Tensor.random.normal([6, 3, 5], seed: 4)
    // What is not float32 is computed by the definition.
    func loss(_ x: [Tensor]) throws -> Tensor {
      let y = try Tensor.apply(BatchMomentsOp(epsilon: 1e-3), to: x)[0]
      return try (y.square() * weights.cast(to: y.dtype)).reduceSum()
    }
    let expected = try Self.gradients(try inputs.map { try $0.cast(to: .float64) }) { x in
      let mean = try x[0].reduceMean(axes: [0, 1]), centred = try x[0] - mean
      let y = try centred * (centred.square().reduceMean(axes: [0, 1]) + 1e-3).rsqrt() * x[1] + x[2]
      return try (y.square() * weights.cast(to: .float64)).reduceSum()
    }
    Self.expectClose(try Self.gradients(inputs, loss), expected, 1e-4)
    let plain = try Tensor.apply(BatchMomentsOp(epsilon: 1e-3), to: inputs)
    let wide = try Tensor.apply(BatchMomentsOp(epsilon: 1e-3), to: try inputs.map { try $0.cast(to: .float64) })
    for (a, b) in zip(plain, wide) { Self.expectClose([try a.doubles()], [try b.doubles()], 1e-6) }
  }

  @Test(arguments: [[4, 700], [4, 1]])
  func dropout(_ noise: [Int]) throws {
    let keys = try Tensor.apply(RandomKeyOp(), to: [Tensor([Int64(3), 4])]), op = DropoutOp(rate: 0.4, noiseShape: noise)
    let x = try Tensor.random.normal([4, 700], seed: 1), y = try Tensor.apply(op, to: [x, keys[0], keys[1]])[0]
    let drawn = try Tensor.apply(CounterRandomOp(.uniform, dtype: .float32), to: [Tensor(noise.map(Int64.init)), keys[0], keys[1]])[0]
    let expected = try Tensor.where(drawn .>= 0.4, x * (1 / 0.6), 0)
    Self.expectClose([try y.doubles()], [try expected.doubles()], 1e-7)
    #expect(try y.doubles().contains(0))
    let found = try Self.gradients([x]) { try (Tensor.apply(op, to: [$0[0], keys[0], keys[1]])[0]).square().reduceSum() }
    Self.expectClose(found, try Self.gradients([x]) { try Tensor.where(drawn .>= 0.4, $0[0] * (1 / 0.6), 0).square().reduceSum() }, 1e-5)
  }
}

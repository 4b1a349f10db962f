import ModelTraining
import Testing

@Suite struct GradientTapeTests {
  @Test func variablesAreWatched() throws {
    let w = try Variable([2.0, 3.0]), b = try Variable(1.0)
    let tape = GradientTape()
    let loss = try tape.record { try ((w * w).reduceSum() + b) * 2 }
    let gradients = try tape.gradient(of: loss, with: [w, b])
    #expect(try gradients[0]?.doubles() == [8, 12])
    #expect(try gradients[1]?.item() == 2)
  }

  @Test func tensorsAreWatchedOnDemand() throws {
    let x = try Tensor.constant([1.0, 2, 3])
    let tape = GradientTape()
    tape.watch(x)
    let y = try tape.record { try (x ** 3).reduceSum() }
    #expect(try tape.gradient(of: y, with: x)?.doubles() == [3, 12, 27])
    // A tape gives gradients once.
    #expect(throws: TensorError.self) { try tape.gradient(of: y, with: x) }
    let other = GradientTape()
    let z = try other.record { try x * 2 }
    #expect(try other.gradient(of: z, with: x) == nil)
  }

  @Test func severalTargetsAddUp() throws {
    let x = try Variable(3.0)
    let tape = GradientTape(persistent: true)
    let (a, b) = try tape.record { (try x * x, try x * 5) }
    #expect(try tape.gradient(of: [a, b], with: [x])[0]?.item() == 11)
    #expect(try tape.gradient(of: a, with: x)?.item() == 6)
    #expect(try tape.gradient(of: [a], with: [x], outputGradients: [try Tensor.constant(2.0)])[0]?.item() == 12)
  }

  @Test func nestedTapesGiveHigherOrders() throws {
    let x = try Variable(2.0)
    let outer = GradientTape()
    let first = try outer.record {
      let inner = GradientTape()
      let y = try inner.record { try x ** 4 }
      return try #require(try inner.gradient(of: y, with: x))
    }
    #expect(try first.item() == 32)
    #expect(try outer.gradient(of: first, with: x)?.item() == 48)
  }

  @Test func stopGradientStops() throws {
    let x = try Variable(3.0)
    let tape = GradientTape()
    let y = try tape.record { try x * x.stopGradient() }
    #expect(try tape.gradient(of: y, with: x)?.item() == 3)
  }

  /// TensorFlow's `batch_jacobian` of `tanh(x • w) * x[:, :1]`.
  @Test func batchJacobians() throws {
    let x = try Tensor.constant([[0.5, -1], [2, 0.25], [0, 1]]), w = try Variable([[1, 0.5], [-0.5, 2]], name: "w")
    let tape = GradientTape(persistent: true)
    tape.watch(x)
    let y = try tape.record { try (x • w.tensor).tanh() * x[Axis.all, 0..<1] }
    let found = try tape.batchJacobian(of: y, with: x), full = try tape.jacobian(of: y, with: x)
    #expect(found.shape == [3, 2, 2] && full.shape == [3, 2, 3, 2])
    let values = try found.doubles(), all = try full.doubles()
    for sample in 0..<3 {
      for row in 0..<2 {
        for column in 0..<2 {
          #expect(abs(values[sample * 4 + row * 2 + column] - all[((sample * 2 + row) * 3 + sample) * 2 + column]) < 1e-6)
        }
      }
    }
    for (a, b) in zip(
      values,
      [
        0.9715813398361206, -0.10499358177185059, -0.9129225015640259, 0.11381208896636963, 1.1336407661437988, -0.08979779481887817,
        1.0858547687530518, 0.7228260040283203, -0.46211713552474976, 0.0, 0.9640275835990906, 0.0,
      ])
    { #expect(abs(a - b) < 1e-5) }
    #expect(tape.watchedVariables.count == 1 && tape.watchedVariables[0] === w)
    #expect(throws: TensorError.self) { try tape.batchJacobian(of: y, with: w) }
  }

  @Test func jacobianHasARowForEachElement() throws {
    let x = try Tensor.constant([1.0, 2])
    let tape = GradientTape()
    tape.watch(x)
    let y = try tape.record { try Tensor.stack([try x[0] * x[1], try x[0] + x[1], try x[1] * 3]) }
    let jacobian = try tape.jacobian(of: y, with: x)
    #expect(jacobian.shape == [3, 2])
    #expect(try jacobian.doubles() == [2, 1, 1, 1, 0, 3])
  }

  @Test func customGradients() throws {
    // log(1 + eˣ) whose gradient stays finite.
    let x = try Variable(100.0)
    let tape = GradientTape()
    let y = try tape.record {
      try customGradient(x.tensor) { x in
        let e = try x.exp()
        return (try (e + 1).log(), { g in try g * (1 - 1 / (e + 1)) })
      }
    }
    #expect(try tape.gradient(of: y, with: x)?.item() == 1)
  }

  @Test func gradientsInsideAFunction() throws {
    let w = try Variable([1.0, -2.0])
    let step = function { (x: Tensor) in
      let tape = GradientTape()
      let loss = try tape.record { try (w * x).square().reduceSum() }
      let g = try #require(try tape.gradient(of: loss, with: w))
      try w.assignSub(try g * 0.1)
      return loss
    }
    #expect(try step(Tensor.constant([1.0, 1])).item() == 5)
    #expect(try w.tensor.doubles().map { ($0 * 10).rounded() / 10 } == [0.8, -1.6])
  }

  @Test func opsWithoutGradient() throws {
    let x = try Variable([1.5, 2.5])
    let tape = GradientTape()
    let y = try tape.record { try x.floor() }
    #expect(try tape.gradient(of: y, with: x) == nil)
  }
}

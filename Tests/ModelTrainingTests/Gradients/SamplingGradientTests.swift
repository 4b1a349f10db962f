import ModelGraph
import ModelOps
import ModelTraining
import Testing

/// Images read at fractional places: what TensorFlow has no op for, against finite differences in float64.
@Suite struct SamplingGradientTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var shapes: [[Int]]
    /// How far inputs reach.
    var scales: [Double]
    var op: @Sendable ([Tensor]) throws -> Tensor
    init(_ name: String, _ shapes: [[Int]], _ scales: [Double], _ op: @escaping @Sendable ([Tensor]) throws -> Tensor) {
      (testDescription, self.shapes, self.scales, self.op) = (name, shapes, scales, op)
    }
  }
  static func grid(_ mode: ResizeMode, _ padding: GridPadding, aligned: Bool = false) -> Case {
    Case("GridSample \(mode) \(padding)\(aligned ? " aligned" : "")", [[2, 3, 4, 5], [2, 3, 2, 2]], [1, 1.7]) {
      try GradientCases.one(GridSampleOp(mode: mode, padding: padding, alignCorners: aligned), $0[0], $0[1])
    }
  }
  static func region(_ maximum: Bool, _ ratio: Int) -> Case {
    Case("RoiAlign \(maximum ? "largest" : "mean") \(ratio)", [[2, 2, 6, 7]], [1]) { inputs in
      let regions = try Tensor([0.4, 0.3, 5.1, 4.2, 1.2, 2.1, 9.5, 5.9, -3, -2, 1, 1.5]).reshape([3, 4])
      return try GradientCases.one(
        RoiAlignOp(takesMaximum: maximum, outputHeight: 2, outputWidth: 3, samplingRatio: ratio), inputs[0], regions,
        GradientCases.ints(1, 0, 1))
    }
  }
  static func projection(_ fill: ImageFill) -> Case {
    Case("ProjectiveTransform \(fill)", [[2, 5, 6, 2], []], [1, 1]) { inputs in
      let maps = try Tensor([0.9, 0.2, 0.3, -0.3, 1.1, 0.4, 0.01, 0.02]).reshape([1, 8])
      return try GradientCases.one(ProjectiveTransformOp(fill: fill), inputs[0], maps, GradientCases.ints(6, 4), inputs[1])
    }
  }
  static let cases = [
    grid(.linear, .zeros), grid(.linear, .border), grid(.linear, .reflection), grid(.linear, .zeros, aligned: true), grid(.cubic, .zeros),
    grid(.cubic, .border), grid(.cubic, .reflection, aligned: true), grid(.nearest, .zeros), grid(.nearest, .reflection),
    Case("GridSample of volumes", [[1, 2, 3, 4, 2], [1, 2, 2, 1, 3]], [1, 1.2]) { try GradientCases.one(GridSampleOp(), $0[0], $0[1]) },
    region(false, 0), region(false, 2), region(true, 2),
    Case("DeformConv", [[2, 4, 5, 6], [6, 2, 3, 2], [2, 24, 4, 5], [6], [2, 12, 4, 5]], [1, 1, 1, 1, 1]) {
      try GradientCases.one(
        DeformConvOp(padding: .explicit(before: [1, 0], after: [0, 0]), groups: 2, offsetGroups: 2), $0[0], $0[1], $0[2], $0[3], $0[4])
    },
    projection(.constant), projection(.nearest), projection(.reflect), projection(.wrap),
    Case("TensorScatter", [[2, 5, 3], [2, 2, 3]], [1, 1]) {
      try GradientCases.one(TensorScatterOp(axis: 1, circular: true), $0[0], $0[1], GradientCases.ints(4, 1))
    },
  ]

  @Test(arguments: cases) func agreesWithDifferences(_ item: Case) throws {
    let inputs = try item.shapes.enumerated().map { index, shape in
      try Tensor.random.uniform(shape, minValue: -item.scales[index], maxValue: item.scales[index], seed: .fixed(7 + index)).cast(
        to: .float64)
    }
    let plain = try item.op(inputs), g = try Tensor.random.normal(plain.shape, seed: 3).cast(to: .float64)
    let tape = GradientTape()
    inputs.forEach(tape.watch)
    let y = try tape.record { try item.op(inputs) }
    // What is differentiated is what the kernel computes.
    let worst = try zip(y.doubles(), plain.doubles()).map { abs($0 - $1) }.max() ?? 0
    #expect(y.shape == plain.shape && worst <= 1e-6, "\(worst)")
    let gradients = try tape.gradient(of: [y], with: inputs.map { $0 as any GradientSource }, outputGradients: [g])
    for (index, input) in inputs.enumerated() {
      let values = try input.doubles(), slopes = try gradients[index]?.doubles() ?? values.map { _ in 0 }
      for place in stride(from: 0, to: values.count, by: max(1, values.count / 7)) {
        func moved(_ step: Double) throws -> Double {
          var all = values
          all[place] += step
          var arguments = inputs
          arguments[index] = try Tensor(all, shape: input.shape)
          return try (item.op(arguments) * g).reduceSum().item()
        }
        let slope = (try moved(1e-6) - moved(-1e-6)) / 2e-6
        #expect(abs(slope - slopes[place]) <= 1e-5 * max(1, abs(slope)), "input \(index)[\(place)]: \(slopes[place]), \(slope)")
      }
    }
  }
}

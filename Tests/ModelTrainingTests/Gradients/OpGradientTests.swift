import Foundation
import ModelTraining
import Testing

/// The gradient of each operation, held against TensorFlow's and against finite differences.
@Suite struct OpGradientTests {
  static let record = try? Tensor.load(
    npz: URL(filePath: #filePath).appending(path: "../../../../fixtures/gradients/gradients.npz").standardized.path())

  static func inputs(_ name: String) -> [Tensor] {
    var result: [Tensor] = []
    while let next = record?["\(name)/x\(result.count)"] { result.append(next) }
    return result
  }

  static func gradients(_ operation: GradientCases.Operation, _ inputs: [Tensor], _ g: Tensor) throws -> [Tensor?] {
    let tape = GradientTape()
    inputs.filter { $0.dtype.isFloatingPoint }.forEach(tape.watch)
    let y = try tape.record { try operation(inputs) }
    return try tape.gradient(of: [y], with: inputs.map { $0 as any GradientSource }, outputGradients: [g])
  }

  @Test func everyCaseIsTested() throws {
    let names = Set(try #require(Self.record).keys.map { $0.split(separator: "/")[0].description })
    #expect(names == Set(GradientCases.all.keys), "\(names.symmetricDifference(GradientCases.all.keys).sorted())")
  }

  @Test(arguments: GradientCases.all.keys.sorted())
  func agreesWithTensorFlow(_ name: String) throws {
    let operation = try #require(GradientCases.all[name]), inputs = Self.inputs(name)
    let found = try Self.gradients(operation, inputs, try #require(Self.record?["\(name)/g"]))
    for (index, gradient) in found.enumerated() {
      guard let expected = Self.record?["\(name)/d\(index)"] else {
        #expect(gradient == nil)
        continue
      }
      let mine = try #require(gradient, "input \(index) has no gradient")
      #expect(mine.shape == expected.shape)
      let a = try mine.doubles(), b = try expected.doubles()
      let worst = zip(a, b).map { Swift.abs($0 - $1) / max(1, Swift.abs($1)) }.max() ?? 0
      #expect(worst <= 1e-5, "input \(index): \(worst)")
    }
  }

  /// At places where a function has a corner or no slope TensorFlow's gradient is what its operators make of it.
  static let edges: Set<String> = ["sqrt_left_out", "rsqrt_left_out", "celu_corner", "spence_one", "nextafter"]

  /// Crops are float32 whatever the image, as in TensorFlow, so that there are no differences in float64.
  static let single: Set<String> = ["crop_and_resize", "crop_and_resize_one", "crop_and_resize_nearest"]

  @Test(arguments: GradientCases.all.keys.filter { !single.contains($0) && !edges.contains($0) }.sorted())
  func agreesWithDifferences(_ name: String) throws {
    let operation = try #require(GradientCases.all[name])
    let inputs = try Self.inputs(name).map { $0.dtype == .float32 ? try $0.cast(to: .float64) : $0 }
    let g = try #require(Self.record?["\(name)/g"]).cast(to: .float64)
    let found = try Self.gradients(operation, inputs, g)
    for (index, gradient) in found.enumerated() {
      guard let gradient else { continue }
      let values = try inputs[index].doubles(), slopes = try gradient.doubles()
      for place in Set([0, values.count / 2, values.count - 1]) {
        func moved(_ step: Double) throws -> Double {
          var all = values
          all[place] += step
          var arguments = inputs
          arguments[index] = try Tensor(all, shape: inputs[index].shape)
          return try (operation(arguments) * g).reduceSum().item()
        }
        let step = 1e-6
        let slope = (try moved(step) - moved(-step)) / (2 * step)
        #expect(Swift.abs(slope - slopes[place]) <= 1e-5 * max(1, Swift.abs(slope)), "input \(index)[\(place)]: \(slopes[place]), \(slope)")
      }
    }
  }

  /// Gradients of gradients: the rules are written in ops that have rules.
  @Test(
    arguments: GradientCases.all.keys.filter { name in
      !single.contains(name) && !edges.contains(name) && !["pad_reflect", "igamma", "igammac"].contains(name)
    }.sorted())
  func gradientsOfGradients(_ name: String) throws {
    let operation = try #require(GradientCases.all[name])
    let inputs = try Self.inputs(name).map { $0.dtype == .float32 ? try $0.cast(to: .float64) : $0 }
    let g = try #require(Self.record?["\(name)/g"]).cast(to: .float64)
    guard let index = inputs.firstIndex(where: { $0.dtype == .float64 }) else { return }
    func first(_ x: Tensor) throws -> Tensor? {
      var arguments = inputs
      arguments[index] = x
      return try Self.gradients(operation, arguments, g)[index].map { try ($0 * $0).reduceSum() }
    }
    let x = inputs[index], outer = GradientTape()
    outer.watch(x)
    let value = try outer.record { try first(x) }
    guard let value, let second = try outer.gradient(of: value, with: x) else { return }
    let values = try x.doubles(), slopes = try second.doubles()
    for place in Set([0, values.count - 1]) {
      func moved(_ step: Double) throws -> Double {
        var all = values
        all[place] += step
        return try first(try Tensor(all, shape: x.shape))?.item() ?? 0
      }
      let slope = (try moved(1e-6) - moved(-1e-6)) / 2e-6
      #expect(Swift.abs(slope - slopes[place]) <= 1e-4 * max(1, Swift.abs(slope)), "[\(place)]: \(slopes[place]), \(slope)")
    }
  }
}

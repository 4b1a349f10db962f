import ModelGraph
import ModelOps
import ModelPasses
import ModelSupport
import ModelTensor
import Testing

@testable import ModelRuntime

@Suite struct CalibratorTests {
  private func range(_ method: CalibrationMethod, _ batches: [[Float]]) -> ValueRange? {
    var observer = RangeObserver(method)
    for batch in batches { _ = observer.observe(NDArray(batch, [batch.count])) }
    return observer.range()
  }

  @Test func leastAndGreatest() {
    #expect(range(.minMax, [[1, 2], [-3, 0.5]]) == ValueRange(low: -3, high: 2))
    #expect(range(.minMax, [(0..<100).map { Float($0) }]) == ValueRange(low: 0, high: 99))
    #expect(range(.minMax, []) == nil)
  }

  /// What pads a maximum is no number to make room for; a NaN is an error.
  @Test func strangeNumbers() {
    #expect(range(.minMax, [[-.infinity, 1, 2]]) == ValueRange(low: 1, high: 2))
    #expect(range(.minMax, [[-.infinity, .infinity]]) == nil)
    var observer = RangeObserver(.minMax)
    let few = observer.observe(NDArray([1, .nan] as [Float], [2]))
    let many = observer.observe(NDArray([Float](repeating: 1, count: 40) + [.nan], [41]))
    #expect(!few && !many)
  }

  @Test func movingAverage() throws {
    let found = try #require(range(.movingAverage(momentum: 0.9), [[0, 1], [0, 11]]))
    #expect(found.low == 0 && abs(found.high - 2) < 1e-6)
  }

  /// An outlier among ten thousand numbers is left out, and the range stays the same in whatever order they come.
  @Test(arguments: [CalibrationMethod.percentile(99.9), .meanSquaredError])
  func leavesOutliersOut(_ method: CalibrationMethod) throws {
    var noise: UInt64 = 1
    let values = (0..<10_000).map { _ -> Float in
      noise = noise &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(noise >> 40) / Float(1 << 24) * 2 - 1
    }
    for batches in [[[100] + values], [values, [100]]] {
      let found = try #require(range(method, batches))
      // The least squares keep the outlier, which costs more than coarser steps; they see the low end through bins of 1/15.
      #expect(found.low > -1.06 && found.low < (method == .meanSquaredError ? -0.85 : -0.9), "\(found)")
      #expect(found.high > 0.9 && found.high < (method == .meanSquaredError ? 101 : 1.2), "\(found)")
    }
    #expect(range(.percentile(100), [values]).map { $0.high > 0.99 } == true)
  }

  private func model() throws -> Model {
    var context = GraphContext(Model(), graph: Graph())
    let x = context.graph.addInput("x", TensorType(.float32, .ranked([.unknown, .fixed(2)])))
    let y = try context.append(LogOp(), [x], name: "log", resultNames: ["log"])
    context.graph.addOutput("y", y[0])
    var model = context.model
    model.mainGraph = context.graph
    return model
  }

  @Test func observesEveryValue() throws {
    let model = try model()
    let calibrator = try Calibrator(model)
    #expect(throws: FormatError.self) { try calibrator.result() }
    try calibrator.observe([NDArray([1, 2] as [Float], [1, 2])])
    try calibrator.observe([NDArray([0.5, 1] as [Float], [1, 2])])
    let result = try calibrator.result()
    #expect(result.samples == 2 && result.ranges.map(\.name) == ["log", "x"])
    #expect(result.ranges.last?.range == ValueRange(low: 0.5, high: 2))
    #expect(result.ranges(in: model).count == 2)
    #expect(try CalibrationResult(result.json) == result)
    #expect(try CalibrationResult(try JSONValue(parsing: result.json.text(.indented))) == result)
  }

  @Test func badData() throws {
    let calibrator = try Calibrator(try model())
    #expect(throws: FormatError.self) { try calibrator.observe([NDArray([.nan, 1] as [Float], [1, 2])]) }
    // The logarithm of a negative number.
    #expect(throws: FormatError.self) { try calibrator.observe([NDArray([-1, 1] as [Float], [1, 2])]) }
    #expect(throws: FormatError.self) { try CalibrationResult(["kind": "something"]) }
    #expect(throws: FormatError.self) {
      try CalibrationResult(["kind": "modelctl calibration", "ranges": ["x": [2, 1]]])
    }
  }
}

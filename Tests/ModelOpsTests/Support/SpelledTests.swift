import ModelGraph
import ModelOps
import ModelTensor
import OpCases
import Testing

/// Ops said in simpler ones compute what the frameworks recorded for them, and what their own kernels do.
@Suite struct SpelledTests {
  /// Runs what an op is spelled as.
  private struct Spelling: PrimitiveOp {
    static let name = "Spelling"
    static let family = OpFamily.array
    var op: any SpelledOp
    func infer(_ inputs: [Fact?]) throws -> [TensorType] { try op.infer(inputs) }
    func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
      var eager = EagerContext(context)
      return try #require(try op.spelled(inputs, in: &eager))
    }
  }

  static let recorded: [RecordedCase] = OpCases.all.filter { isSpelled(OpCases.op($0)) }

  private static func isSpelled(_ op: (any Op)?) -> Bool {
    // Spelled for the windows that TensorFlow has.
    if let pool = op as? MaxPoolWithIndicesOp { return !pool.columnMajor && pool.dilations.allSatisfy { $0 == 1 } }
    // Spelled for averages of a known number of samples.
    if let regions = op as? RoiAlignOp { return !regions.takesMaximum && regions.samplingRatio > 0 }
    return op is any SpelledOp
  }

  @Test(arguments: recorded) func matchesRecorded(_ recorded: RecordedCase) throws {
    let op = try #require(OpCases.op(recorded) as? any SpelledOp)
    try recorded.check(Spelling(op: op), tolerance: 1e-5)
  }

  @Test func coverTheOps() {
    let names = Set(Self.recorded.compactMap { OpCases.op($0).map { type(of: $0).name } })
    let expected: Set = ["EyeLike", "CenterCropPad", "GridSample", "AffineGrid", "BitwiseOr", "BitwiseXor", "DFT", "STFT", "Col2Im"]
    #expect(names.isSuperset(of: expected))
  }

  static let flattened: [(axis: Int, shape: [Int])] = [
    (0, [2, 3]), (1, [2, 3, 4]), (2, [2, 3, 4]), (-1, [2, 3, 4]), (3, [2, 3, 4]), (1, [0, 3]),
  ]

  @Test(arguments: flattened) func flattens(_ entry: (axis: Int, shape: [Int])) throws {
    let x = numbers(entry.shape), op = FlattenOp(axis: entry.axis), context = ExecutionContext(primitives: ReferencePrimitives())
    let expected = try op.evaluate([x], in: context)[0], found = try Spelling(op: op).evaluate([x], in: context)[0]
    #expect(found.shape == expected.shape)
    #expect(found.doubles() == expected.doubles())
  }

  /// Two trees of different depth, one of which is a leaf alone on one side; NaN goes left where a node says so.
  @Test(arguments: [TreeAggregate.sum, .average], [TreeComparison.lessOrEqual, .greater])
  func treesDecide(_ aggregate: TreeAggregate, _ comparison: TreeComparison) throws {
    let op = TreeEnsembleOp(
      features: [0, 2, 1, 1], comparisons: Array(repeating: comparison.rawValue, count: 4), thresholds: [0.25, -0.5, 0, 1],
      trueChildren: [1, -1, -2, -5], falseChildren: [2, -3, -4, -6], missingTracksTrue: [0, 1, 0, 1], roots: [0, 3],
      leafTargets: [0, 1, 2, 0, 1, 0], leafWeights: [0.5, -1.25, 2, 0.75, -0.125, 3], targetCount: 3, aggregate: aggregate)
    let x = NDArray(
      [0.1, 0.5, -1, 0.3, 2, 0, 0.25, 0.9, 0.4, -3, 1, -0.5, 7, -0.2, 1] + [Float.nan, 0.1, 2, 0, Float.nan, Float.nan] as [Float], [7, 3])
    let context = ExecutionContext(primitives: ReferencePrimitives())
    let expected = try op.evaluate([x], in: context)[0].doubles(), found = try Spelling(op: op).evaluate([x], in: context)[0].doubles()
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(found.count == 21)
  }

  /// Leaves stand among the nodes with a comparison of no meaning; the others decide in several ways.
  @Test func treesDecideInSeveralWays() throws {
    let op = TreeEnsembleOp(
      features: [0, 0, 2, 0, 1], comparisons: [1, 0, 3, 0, 5], thresholds: [0.25, 0, -0.5, 0, 1], trueChildren: [2, -1, -1, -2, -4],
      falseChildren: [4, -1, -3, -2, -5], roots: [0], leafTargets: [0, 0, 0, 0, 0], leafWeights: [0.5, 8, 2, 0.75, -0.125], targetCount: 1)
    let x = NDArray([0.1, 0.5, -1, 0.3, 2, 0, 0.25, 1, 0.4, -3, 1, -0.5, 7, 1, Float.nan, Float.nan, Float.nan, 0], [6, 3])
    let context = ExecutionContext(primitives: ReferencePrimitives())
    let expected = try op.evaluate([x], in: context)[0].doubles(), found = try Spelling(op: op).evaluate([x], in: context)[0].doubles()
    #expect(found == expected && Set(expected).count > 2)
  }

  /// Regions beyond the image, inverted ones and small ones; one image and several.
  @Test(arguments: [false, true], [1, 2]) func poolsRegions(_ halfPixel: Bool, _ images: Int) throws {
    let op = RoiAlignOp(outputHeight: 3, outputWidth: 2, samplingRatio: 2, spatialScale: 0.75, halfPixel: halfPixel)
    let regions = NDArray([0.5, 1, 6.2, 7.7, -3, -2, 4, 3.5, 3, 2.5, 12, 11, 2, 2, 2.4, 2.3, 5, 4, 2, 1] as [Float], [5, 4])
    let inputs: [NDArray?] = [numbers([images, 2, 6, 7]), regions, NDArray([0, images - 1, 0, images - 1, 0].map(Int64.init), [5])]
    let context = ExecutionContext(primitives: ReferencePrimitives())
    let expected = try op.evaluate(inputs, in: context)[0], found = try Spelling(op: op).evaluate(inputs, in: context)[0]
    #expect(found.shape == expected.shape)
    #expect(zip(found.doubles(), expected.doubles()).allSatisfy { abs($0 - $1) < 1e-4 })
  }

  /// Cut, filled, odd, even, along a first axis, and back to the signal.
  static let transforms: [(op: DFTOp, shape: [Int], length: Int?)] = [
    (DFTOp(axis: 1, inverse: true, onesided: true), [2, 5, 3, 2], nil), (DFTOp(axis: 1, inverse: true, onesided: true), [2, 5, 2], 9),
    (DFTOp(inverse: true, onesided: true), [3, 5, 2], 6), (DFTOp(onesided: true), [2, 7, 1], 10), (DFTOp(onesided: true), [2, 7, 1], 4),
    (DFTOp(axis: 0, inverse: true), [4, 3, 2], nil), (DFTOp(), [3, 6, 1], nil),
  ]

  @Test(arguments: transforms) func transformsSignals(_ entry: (op: DFTOp, shape: [Int], length: Int?)) throws {
    let context = ExecutionContext(primitives: ReferencePrimitives())
    let inputs: [NDArray?] = [numbers(entry.shape), entry.length.map { NDArray([Int64($0)], []) }]
    let expected = try entry.op.evaluate(inputs, in: context)[0], found = try Spelling(op: entry.op).evaluate(inputs, in: context)[0]
    #expect(found.shape == expected.shape)
    #expect(zip(found.doubles(), expected.doubles()).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  /// Boxes that overlap, fewer found than there is room for, with and without a score for the background.
  @Test(arguments: [false, true], [3, 4]) func detects(_ byClass: Bool, _ width: Int) throws {
    let op = DetectionPostProcessOp(
      maxDetections: 5, detectionsPerClass: 2, suppressesByClass: byClass, scoreThreshold: 0.3, overlapThreshold: 0.5, classCount: 3,
      scales: [10, 10, 5, 5])
    func spread(_ shape: [Int], _ step: Double, _ low: Double, _ high: Double) -> NDArray {
      NDArray((0..<shape.reduce(1, *)).map { Float(low + (high - low) * (Double($0) * step).truncatingRemainder(dividingBy: 1)) }, shape)
    }
    let anchors = NDArray((0..<12).flatMap { [0.1 + 0.15 * Float($0 % 6), 0.3, 0.2, 0.25] }, [12, 4])
    let inputs: [NDArray?] = [spread([1, 12, 4], 0.37, -1, 1), spread([1, 12, width], 0.618, 0, 0.6), anchors]
    let context = ExecutionContext(primitives: ReferencePrimitives())
    let expected = try op.evaluate(inputs, in: context), found = try Spelling(op: op).evaluate(inputs, in: context)
    #expect(expected[3].doubles()[0] > 2)
    for (a, b) in zip(found, expected) {
      #expect(a.shape == b.shape)
      #expect(zip(a.doubles(), b.doubles()).allSatisfy { abs($0 - $1) < 1e-6 })
    }
  }

  private func numbers(_ shape: [Int]) -> NDArray { NDArray((0..<shape.reduce(1, *)).map { Float($0) * 0.37 - 1 }, shape) }
}

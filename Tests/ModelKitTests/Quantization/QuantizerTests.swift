import ModelGraph
import ModelKit
import ModelOps
import ModelPasses
import ModelRuntime
import ModelSupport
import ModelTensor
import Testing

@Suite struct QuantizerTests {
  /// x [n, 6] → Dense 4, relu → sin → Dense 3, as a converter would write it.
  private func model(rows: Dim = .unknown) throws -> Model {
    var context = GraphContext(Model(), graph: Graph())
    func weights(_ shape: [Int], _ seed: Int) -> NDArray {
      NDArray((0..<shape.reduce(1, *)).map { Float(($0 &* 29 &+ seed) % 17) / 8 - 1 }, shape)
    }
    func parameter(_ name: String, _ array: NDArray) -> ValueID {
      let id = context.model.add(Parameter(name: name, tensor: Tensor(array)))
      return context.graph.addParameter(id, of: context.model)
    }
    let x = context.graph.addInput("x", TensorType(.float32, .ranked([rows, .fixed(6)])))
    var y = try context.append(MatMulOp(), [x, parameter("w1", weights([6, 4], 3))], name: "first")[0]
    y = try context.append(AddOp(), [y, parameter("b1", weights([4], 5))], name: "biased")[0]
    y = try context.append(ReluOp(), [y], name: "rectified")[0]
    y = try context.append(SinOp(), [y], name: "wave")[0]
    y = try context.append(MatMulOp(), [y, parameter("w2", weights([4, 3], 7))], name: "last")[0]
    context.graph.addOutput("y", y)
    var model = context.model
    model.mainGraph = context.graph
    return model
  }

  /// Samples that are made when they are asked for, and counted.
  private final class Samples: Sequence {
    var made = 0
    let count: Int
    init(_ count: Int) { self.count = count }
    func makeIterator() -> AnyIterator<RepresentativeData.Sample> {
      var place = 0
      return AnyIterator { [self] in
        guard place < count else { return nil }
        place += 1
        made += 1
        return [("x", NDArray((0..<6).map { Float((place &* 7 &+ $0 &* 5) % 13) / 6 - 1 }, [1, 6]))]
      }
    }
  }

  /// Inputs of two rows each, kept with an axis of their own, are those of the same rows one after the other.
  @Test func wholeInputs() throws {
    let quantizer = Quantizer(QuantizationOptions(.int8))
    let float = try quantizer.prepare(try model(rows: .fixed(2)))
    let rows = NDArray((0..<60).map { Float(($0 &* 7) % 23) / 6 - 1 }, [10, 6])
    let flat = try quantizer.calibrate(float, RepresentativeData([("x", rows)]))
    let whole = try quantizer.calibrate(float, RepresentativeData([("x", rows.reshaped([5, 2, 6]))]))
    #expect(whole.samples == 5 && whole.json == flat.json)
  }

  /// A sequence of the caller's is walked once to calibrate, and as far as the report needs; ranges can be kept.
  @Test func streams() throws {
    let quantizer = Quantizer(QuantizationOptions(.int8))
    let float = try quantizer.prepare(try model())
    let samples = Samples(40)
    let ranges = try quantizer.calibrate(float, RepresentativeData(samples))
    #expect(samples.made == 40 && ranges.samples == 40)
    let result = try quantizer.quantize(float, try CalibrationResult(ranges.json), RepresentativeData(samples))
    #expect(samples.made <= 40 + 9)
    #expect(result.report.samples == 8)
    #expect(try #require(result.report.error) < 0.05)
    #expect(result.report.floats.map(\.op) == ["Sin"])
    #expect(result.report.layers.map(\.scheme).filter { $0 == "int8" }.count == 2)
    #expect(result.report.text.contains("Against the float model, on 8 representative samples"))
  }

  /// What can be walked once only: the report is made with what was remembered when it calibrated.
  @Test func aStreamIsWalkedOnce() throws {
    let quantizer = Quantizer(QuantizationOptions(.int8))
    let float = try quantizer.prepare(try model())
    let samples = Samples(30), stream = samples.makeIterator(), data = RepresentativeData(IteratorSequence(stream))
    let ranges = try quantizer.calibrate(float, data)
    let result = try quantizer.quantize(float, ranges, data)
    #expect(samples.made == 30 && ranges.samples == 30 && result.report.samples == 8)
    #expect(try #require(result.report.error) < 0.05)
    // Another walk of it finds nothing, and says so.
    let empty = RepresentativeData(IteratorSequence(stream))
    #expect(throws: FormatError.self) { try quantizer.quantize(float, ranges, empty) }
  }

  @Test func refusals() throws {
    var options = QuantizationOptions(.int8)
    options.isFullInteger = true
    let float = try Quantizer(options).prepare(try model())
    let ranges = try Quantizer(options).calibrate(float, RepresentativeData(Samples(4)))
    do {
      _ = try Quantizer(options).quantize(float, ranges, nil)
      Issue.record("a float operator was let through")
    } catch let error as UnsupportedError {
      #expect(error.items.map(\.name) == ["Sin"])
    }
    options.isFullInteger = false
    options.recipes = [QuantizationRecipe(pattern: "nothing", scheme: .float)]
    #expect(throws: UsageError.self) { try Quantizer(options).quantize(float, ranges, nil) }
    #expect(throws: UsageError.self) { try Quantizer(QuantizationOptions(.int8)).quantize(float, nil, nil) }
    #expect(throws: FormatError.self) { try Quantizer(options).calibrate(float, RepresentativeData(Samples(0))) }
    let wrong: RepresentativeData.Sample = [("x", NDArray([1, 2, 3] as [Float], [1, 3]))]
    #expect(throws: FormatError.self) { try Quantizer(options).calibrate(float, RepresentativeData(wrong)) }
    let result = try Quantizer(QuantizationOptions(.int8)).quantize(float, ranges, nil)
    #expect(throws: UnsupportedError.self) { try Quantizer(QuantizationOptions(.int8)).prepare(result.model) }
  }

  /// A product and its activation are one operator: either name chooses it, and nothing else.
  @Test(arguments: ["first", "rectified*"])
  func layersAreKnownByWhatWasFused(_ pattern: String) throws {
    var options = QuantizationOptions(.int8)
    options.recipes = [QuantizationRecipe(pattern: pattern, scheme: .float)]
    let float = try Quantizer(options).prepare(try model())
    let ranges = try Quantizer(options).calibrate(float, RepresentativeData(Samples(4)))
    let report = try Quantizer(options).quantize(float, ranges, nil).report
    #expect(report.layers.filter { $0.op == "FullyConnected" }.map(\.scheme) == ["float", "int8"])
  }

  /// Weights alone need no samples.
  @Test(arguments: [QuantizationMode.float16, .dynamic])
  func weightsAlone(_ mode: QuantizationMode) throws {
    let quantizer = Quantizer(QuantizationOptions(mode))
    let float = try quantizer.prepare(try model())
    let result = try quantizer.quantize(float, nil, RepresentativeData(Samples(3)))
    #expect(try #require(result.report.error) < 0.01 && result.report.samples == 3)
  }

  /// Weights that are not held anywhere.
  private final class Endless: ByteSource {
    let byteCount: Int
    init(_ byteCount: Int) { self.byteCount = byteCount }
    func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
      guard range.count <= 16 << 20 else { throw FormatError(.limitExceeded, "\(range.count) bytes at once") }
      try [UInt8](repeating: 63, count: range.count).withUnsafeBytes { try body($0) }
    }
  }

  /// What is prepared is a model, not the bytes of a file: it may be larger than offsets reach, and no weight is read.
  @Test func beyondTwoGigabytes() throws {
    var context = GraphContext(Model(), graph: Graph())
    let rows = 600_000, columns = 1000
    let type = TensorType(.float32, .ranked([.fixed(rows), .fixed(columns)]))
    let id = context.model.add(Parameter(name: "w", tensor: Tensor(type, source: Endless(4 * rows * columns))))
    let x = context.graph.addInput("x", TensorType(.float32, .ranked([.unknown, .fixed(rows)])))
    let y = try context.append(MatMulOp(), [x, context.graph.addParameter(id, of: context.model)], name: "product")[0]
    context.graph.addOutput("y", y)
    context.model.mainGraph = context.graph
    let prepared = try Quantizer(QuantizationOptions(.dynamic)).prepare(context.model)
    #expect(prepared.byteCount > 4 * rows * columns && prepared.model.parameters.count == 1)
  }
}

import Foundation
import ModelGraph
import ModelOps
import ModelRuntime
import ModelSupport
import ModelTensor
import OpCases
import TFLiteFormat
import Testing

/// A format is a runtime: what an op computes after it was written and read again is what it computed before.
@Suite struct RoundTripTests {
  struct RoundTrip: Sendable, CustomTestStringConvertible {
    var recorded: RecordedCase
    /// Whether extents are unknown in the file.
    var isVague: Bool
    var testDescription: String { "\(recorded)\(isVague ? " with unknown extents" : "")" }
  }
  static let cases = OpCases.all.flatMap { [RoundTrip(recorded: $0, isVague: false), RoundTrip(recorded: $0, isVague: true)] }

  @Test(arguments: cases)
  func computesTheSame(_ trip: RoundTrip) throws {
    let recorded = trip.recorded
    let op = try #require(OpCases.op(recorded))
    guard let model = try Self.model(op, recorded, isVague: trip.isVague) else { return }
    let path = FileManager.default.temporaryDirectory.appending(path: "roundtrip-\(UUID().uuidString).tflite").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    do { _ = try TFLiteWriter().write(model, to: path) } catch let error as UnsupportedError {
      // What LiteRT has no operators for is refused by name.
      #expect(!error.items.isEmpty && error.items.allSatisfy { $0.reason != nil })
      return
    }
    let executor = try Executor(try TFLiteReader.read(path))
    let given = recorded.inputs.enumerated().compactMap { index, array in
      array.flatMap { Self.constant(index, $0, trip.isVague) ? nil : $0 }
    }
    let found = try executor.run(given), expected = try Executor(model).run(given)
    try #require(found.count == expected.count)
    for (index, (a, b)) in zip(found, expected).enumerated() {
      #expect(a.dtype == b.dtype && a.shape == b.shape, "result \(index): \(a.type), expected \(b.type)")
      guard a.dtype == b.dtype, a.shape == b.shape else { continue }
      if a.dtype == .string {
        #expect(a.strings == b.strings)
      } else if let whole = a.integers() {
        #expect(whole == b.integers())
      } else if let place = zip(a.doubles(), b.doubles()).enumerated().first(where: { !Self.close($1.0, $1.1, a.dtype) })?.offset {
        Issue.record("result \(index), element \(place) is \(a.doubles()[place]), expected \(b.doubles()[place])")
      }
    }
  }

  /// Most can be said; what can't is known by name.
  @Test func saysMost() throws {
    var refused: [String] = []
    for recorded in OpCases.all {
      guard let op = OpCases.op(recorded), let model = try Self.model(op, recorded, isVague: false) else { continue }
      do { _ = try TFLiteWriter().encode(model) } catch let error as UnsupportedError {
        refused.append("\(recorded): \(error.items.first?.reason ?? error.message)")
      }
    }
    #expect(refused.count <= 120, "\(refused.count) refused:\n\(refused.joined(separator: "\n"))")
  }

  /// Weights of files that offsets would not reach stand behind the tables, at multiples of 16.
  @Test func weightsBehindTheTables() throws {
    var context = GraphContext(Model(), graph: Graph())
    let numbers = (0..<1024).map { Float($0 % 37) / 16 - 1 }
    let x = context.graph.addInput("x", TensorType(.float32, .ranked([.unknown, 32])))
    let weights = context.graph.addConstant(Tensor(NDArray(numbers, [32, 32])))
    context.graph.addOutput("y", try context.append(MatMulOp(), [x, weights], name: "product")[0])
    var model = Model()
    model.graphs[.main] = context.graph
    let path = FileManager.default.temporaryDirectory.appending(path: "behind-\(UUID().uuidString).tflite").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    var writer = TFLiteWriter()
    writer.insideLimit = 0
    try writer.write(model, to: path)
    let buffers: [TFLiteBuffer] = try TFLiteFile(path: path).model.buffers ?? []
    let moved = buffers.filter { $0.offset > 1 }
    #expect(moved.count == 1 && moved.allSatisfy { $0.offset % 16 == 0 && $0.size == 4096 })
    let given = [NDArray((0..<64).map { Float($0) / 8 - 3 }, [2, 32])]
    let found = try Executor(try TFLiteReader.read(path)).run(given), expected = try Executor(model).run(given)
    #expect(zip(found[0].doubles(), expected[0].doubles()).allSatisfy { abs($0 - $1) <= 1e-5 + 1e-4 * abs($1) })
  }

  /// Shapes, axes and lengths are constants, as in real models; with unknown extents they are given by the caller.
  private static func constant(_ index: Int, _ array: NDArray, _ isVague: Bool) -> Bool {
    !isVague && index > 0 && array.dtype == .int64 && array.rank <= 1
  }

  /// A model of one node.
  private static func model(_ op: any Op, _ recorded: RecordedCase, isVague: Bool) throws -> Model? {
    var model = Model()
    var context = GraphContext(model, graph: Graph())
    var inputs: [ValueID?] = []
    for (index, array) in recorded.inputs.enumerated() {
      guard let array else { inputs.append(nil); continue }
      if constant(index, array, isVague) {
        inputs.append(context.graph.addConstant(Tensor(array)))
        continue
      }
      let shape = isVague ? Shape.ranked(array.shape.map { _ in .unknown }) : array.type.shape
      inputs.append(context.graph.addInput("x\(index)", TensorType(array.dtype, shape)))
    }
    do {
      for (index, result) in try context.append(op, inputs, name: "node").enumerated() {
        context.graph.addOutput("y\(index)", result)
      }
    } catch let error as GraphError where isVague && error.code == .missingType { return nil }
    model.graphs[.main] = context.graph
    return model
  }

  /// Narrow floats and doubles are computed in float32 by LiteRT; half a unit of float16's last place is 5e-4.
  private static func close(_ a: Double, _ b: Double, _ dtype: DType) -> Bool {
    let tolerance = dtype == .float16 ? 1e-3 : dtype == .bfloat16 ? 1e-2 : 1e-4
    return a == b || a.isNaN && b.isNaN || abs(a - b) <= 1e-5 + tolerance * abs(b)
  }
}

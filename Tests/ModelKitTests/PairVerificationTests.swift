import Foundation
import ModelGraph
import ModelOps
import ModelPasses
import ModelTensor
import ModelVerify
import Testing

@testable import ModelKit

/// A float model and what it becomes in integers.
@Suite struct PairVerificationTests {
  private let stored = QuantizedType(.int8, scale: 0.02, zeroPoint: -20), result = QuantizedType(.int8, scale: 1 / 128)

  /// Not quite the same: quantising changes weights, too.
  private func floats(gain: Float = 1.02) throws -> Model {
    try model(TensorType(.float32, .ranked([.unknown, 6]))) { context, x in
      try context.apply(TanhOp(), try context.apply(MulOp(), x, try context.constant(NDArray([gain], [1]))))
    }
  }

  private func integers() throws -> Model {
    let type = TensorType(.int8, .ranked([.unknown, 6]), quantization: stored.quantization)
    return try model(type) { context, x in
      try context.apply(QuantizedOp(TanhOp(), inputs: [stored], outputs: [result]), x)
    }
  }

  private func model(_ type: TensorType, _ build: (inout GraphContext, ValueID) throws -> ValueID) throws -> Model {
    var model = Model(), context = GraphContext(Model(), graph: Graph())
    let x = context.graph.addInput("x", type)
    context.graph.addOutput("y", try build(&context, x))
    model = context.model
    model.mainGraph = context.graph
    return model
  }

  @Test func bothGetTheSameNumbers() throws {
    for (reference, candidate) in [(try floats(), try integers()), (try integers(), try floats())] {
      let report = try PairVerification().verify(reference: reference, candidate: candidate)
      #expect(report.isEquivalent)
      // Of what the integers stand for: half a step of the result, and what the gain does.
      #expect(report.outputs[0].maxAbsolute <= 0.6 / 128 + 0.01)
      #expect(report.minimumSignalToNoise == 10)
      #expect(report.notes.contains { $0.contains("both get the same numbers") })
    }
  }

  /// What shows that a result is something else is what the report says.
  @Test func whatRefutesIsTheVerdict() throws {
    let source = try integers()
    var spelled = source
    try UnwrapQuantized(.unwrapped).run(&spelled)
    var verification = try #require(try QuantizedVerification(source: source, result: spelled))
    #expect(try verification.compareSpelled(VerificationOptions()).refutation == nil)
    verification.spelled = try model(TensorType(.int8, .ranked([.unknown, 6]), quantization: stored.quantization)) {
      try $0.apply(QuantizedOp(AbsOp(), inputs: [self.stored], outputs: [self.result]), $1)
    }
    let refutation = try #require(try verification.compareSpelled(VerificationOptions()).refutation)
    #expect(!refutation.isEquivalent && refutation.outputs[0].maxAbsolute > 0)
    #expect(refutation.verdict.hasPrefix("not equivalent: with floats between its integers, as other runtimes compute it"))
    #expect(refutation.json["equivalent"] == false)
  }

  /// ONNX gets the weights of products without a sign; they are told as the signed ones they were, and so the products stay on integers.
  @Test(arguments: ["window-int8", "linear-int8"]) func productsOfWeightsWithoutASignAreRecognised(_ name: String) throws {
    let path = WholeModelCase.fixtures.appending(path: "tflite/quantized/\(name)/model.tflite").path
    let written = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).onnx").path
    defer { try? FileManager.default.removeItem(atPath: written) }
    let report = try Converter().convert(path, to: written)
    #expect(report.verification?.isEquivalent == true)
    func products(_ model: Model) -> Int {
      model.mainGraph.nodeSlots.count { node in
        guard let op = (node?.op as? QuantizedOp)?.op else { return false }
        return op is ConvOp || op is FullyConnectedOp
      }
    }
    let source = try FormatRegistry.open(path), result = try FormatRegistry.open(written)
    let verification = try #require(try QuantizedVerification(source: source, result: result))
    #expect(products(source) > 0)
    #expect(products(verification.reference) == products(source) && products(verification.candidate) == products(source))
  }

  @Test func anotherModelIsNoQuantisedForm() throws {
    #expect(try !PairVerification().verify(reference: floats(gain: -1), candidate: integers()).isEquivalent)
    #expect(try !PairVerification().verify(reference: floats(gain: 0.3), candidate: integers()).isEquivalent)
  }

  @Test func integersMayStandForThatVeryModel() throws {
    let report = try PairVerification().verify(reference: floats(gain: 1), candidate: integers())
    #expect(report.isEquivalent && report.minimumSignalToNoise == nil && report.outputs[0].mismatched == 0)
  }

  @Test func tolerancesThatAreGivenDecide() throws {
    let options = VerificationOptions(atol: 1e-5, rtol: 1e-4)
    #expect(try !PairVerification(options: options, isStrict: true).verify(reference: floats(), candidate: integers()).isEquivalent)
    let wide = VerificationOptions(atol: 0.02, rtol: 0)
    #expect(try PairVerification(options: wide, isStrict: true).verify(reference: floats(), candidate: integers()).isEquivalent)
  }

  @Test func twoModelsOnIntegersMustAgreeExactly() throws {
    let report = try PairVerification().verify(reference: integers(), candidate: integers())
    #expect(report.isEquivalent && report.minimumSignalToNoise == nil && report.outputs[0].maxAbsolute == 0)
  }
}

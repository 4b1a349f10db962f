import ModelGraph
import ModelOps
import ModelTensor
import Testing

@testable import ModelVerify

/// Outputs that say little: other inputs are tried, and what goes into the activation is compared.
@Suite struct EvidenceTests {
  /// `softmax(gain · x · w)`: the larger the gain, the more outputs are 0 or 1.
  private func classifier(gain: Float, perturbed: Bool = false) throws -> Model {
    let values = (0..<12).map { Float(($0 * 7) % 11) / 11 - 0.4 }
    let weights = values.enumerated().map { ($1 + (perturbed && $0 == 5 ? 0.004 : 0)) * gain }
    return try model(TensorType(.float32, .ranked([.unknown, 4]))) { context, x in
      let y = try context.apply(MatMulOp(), x, try context.constant(NDArray(weights, [4, 3])))
      return try context.apply(SoftmaxOp(), y)
    }
  }

  @Test func smallerInputsShowWhatSaturationHides() throws {
    let same = try Verifier().verify(reference: classifier(gain: 300), candidate: classifier(gain: 300))
    #expect(same.isEquivalent && same.outputs[0].weakness == nil)
    #expect(same.notes.contains { $0.hasPrefix("compared on the usual numbers times") })
    // As many samples and elements as without.
    #expect(same.samples == 2 && same.outputs[0].elements == 15)
    let other = try Verifier().verify(reference: classifier(gain: 300), candidate: classifier(gain: 300, perturbed: true))
    #expect(!other.isEquivalent)
  }

  @Test func whatGoesIntoASaturatedSoftmaxIsCompared() throws {
    let same = try Verifier().verify(reference: classifier(gain: 1e9), candidate: classifier(gain: 1e9))
    #expect(same.isEquivalent && same.outputs[0].weakness == .saturated)
    #expect(same.outputs[0].preActivation?.activation == "Softmax")
    #expect(same.json["outputs"]?[0]?["weakness"]?.stringValue == "saturated")
    #expect(same.json["outputs"]?[0]?["pre_activation"]?["mismatched"]?.intValue == 0)
    let other = try Verifier().verify(reference: classifier(gain: 1e9), candidate: classifier(gain: 1e9, perturbed: true))
    #expect(other.outputs[0].mismatched == 0, "the outputs alone must not tell, or this tests nothing")
    #expect(!other.isEquivalent)
  }

  @Test func aRowMayBeShifted() throws {
    let shifted = try model(TensorType(.float32, .ranked([.unknown, 4]))) { context, x in
      let values = (0..<12).map { Float(($0 * 7) % 11) / 11 - 0.4 }
      let y = try context.apply(MatMulOp(), x, try context.constant(NDArray(values.map { $0 * 1e9 }, [4, 3])))
      return try context.apply(SoftmaxOp(), try context.apply(AddOp(), y, try context.constant(NDArray([7e8] as [Float], [1]))))
    }
    #expect(try Verifier().verify(reference: classifier(gain: 1e9), candidate: shifted).isEquivalent)
  }

  @Test func outputsThatNeverChangeAreNamed() throws {
    let dead = try model(TensorType(.float32, .ranked([.unknown, 4]))) { context, x in
      let negative = try context.apply(NegOp(), try context.apply(AbsOp(), x))
      return try context.apply(AddOp(), try context.apply(ReluOp(), negative), try context.constant(NDArray([0.3] as [Float], [1])))
    }
    let report = try Verifier().verify(reference: dead, candidate: dead)
    #expect(report.isEquivalent && report.outputs[0].weakness == .constant)
    #expect(report.notes.contains { $0.contains("hardly changes") })
  }

  @Test func whatIsInformativeIsComparedOnUsualInputs() throws {
    let report = try Verifier().verify(reference: twoLayers(), candidate: twoLayers())
    #expect(report.outputs[0].weakness == nil && report.notes.isEmpty)
    #expect(report.json["outputs"]?[0]?["weakness"] == nil)
  }
}

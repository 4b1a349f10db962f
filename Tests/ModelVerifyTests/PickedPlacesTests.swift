import ModelGraph
import ModelOps
import ModelTensor
import Testing

@testable import ModelVerify

/// An ArgMax of numbers that lie a step apart may pick another; one that picks what is clearly smaller is wrong.
@Suite struct PickedPlacesTests {
  /// The place of the greatest of 16 numbers rounded to steps of 0.1, with `bias` added to the first half.
  private func picking(bias: Float) throws -> Model {
    try model(TensorType(.float32, .ranked([.unknown, 16]))) { context, x in
      let type = QuantizedType(.int8, scale: 0.1)
      let added = (0..<16).map { $0 < 8 ? bias : 0 }
      let moved = try context.apply(AddOp(), x, try context.constant(NDArray(added, [16])))
      let rounded = try context.dequantize(try context.quantize(moved, to: type), type)
      return try context.apply(ArgMaxOp(axis: 1, keepDims: false), rounded)
    }
  }

  private func report(bias: Float, steps: [Double]) throws -> VerificationReport {
    var options = VerificationOptions(samples: 64)
    options.outputSteps = steps
    return try Verifier(options: options).verify(reference: picking(bias: 0), candidate: picking(bias: bias))
  }

  @Test func whatLiesAStepBesideMayBePicked() throws {
    let found = try report(bias: 0.1, steps: [0])
    #expect(found.isEquivalent)
    #expect(found.notes.contains { $0.contains("another number is picked that lies within two steps") })
  }

  @Test func whatIsClearlySmallerMayNot() throws { #expect(try !report(bias: 2, steps: [0]).isEquivalent) }

  @Test func ofFloatsNothingElseMayBePicked() throws { #expect(try !report(bias: 0.1, steps: []).isEquivalent) }
}

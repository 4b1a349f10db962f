import ModelGraph
import ModelOps
import ModelTensor
import Testing

@testable import ModelVerify

/// Models that make a difference of rounding as large as their numbers: inputs that do not, or what their outputs say, decide.
@Suite struct ConditioningTests {
  /// `x · v` and, where `|x|` is above 1/2, what `steps` of `sin(4 · w ⊙ h)` make of it, which quadruple any difference.
  ///
  /// - Parameter split: the same products as sums of two, rounded otherwise.
  private func folding(steps: Int = 14, split: Bool = false, factor: Float = 1, gain: Float? = nil, always: Bool = false, slope: Float = 1)
    throws -> Model
  {
    var model = Model()
    let w = model.add(Parameter(name: "w", tensor: Tensor(NDArray([4.1, 3.9, 4.3, 3.7].map { $0 * slope }, [4]))))
    let v = model.add(Parameter(name: "v", tensor: Tensor(NDArray([0.5, -0.7 * factor, 0.9, 1.1] as [Float], [4]))))
    var context = GraphContext(model, graph: Graph())
    let x = context.graph.addInput("x", TensorType(.float32, .ranked([.named("batch"), 4])))
    let weights = context.graph.addParameter(w, of: model), linear = context.graph.addParameter(v, of: model)
    func constant(_ value: Float) throws -> ValueID { try context.constant(NDArray([value], [1])) }
    var h = x
    for _ in 0..<steps {
      var product = try context.apply(MulOp(), h, weights)
      if split {
        let part = try context.apply(MulOp(), weights, try constant(0.3)), rest = try context.apply(SubOp(), weights, part)
        product = try context.apply(AddOp(), try context.apply(MulOp(), h, part), try context.apply(MulOp(), h, rest))
      }
      h = try context.apply(SinOp(), product)
    }
    let large = try context.apply(ReluOp(), try context.apply(SubOp(), try context.apply(AbsOp(), x), try constant(0.5)))
    if let gain {
      let sharp = try context.apply(MulOp(), try context.apply(MulOp(), h, linear), try constant(gain))
      context.graph.addOutput("y", try context.apply(SoftmaxOp(), sharp))
    } else {
      let folded = always ? h : try context.apply(MulOp(), h, large)
      context.graph.addOutput("y", try context.apply(AddOp(), try context.apply(MulOp(), x, linear), folded))
    }
    model.mainGraph = context.graph
    return model
  }

  @Test func inputsOnWhichAModelStaysDecide() throws {
    let report = try Verifier().verify(reference: folding(), candidate: folding(split: true))
    #expect(report.isEquivalent && report.outputs[0].elements > 0 && report.outputs[0].weakness == nil)
    #expect(report.notes.contains { $0.hasPrefix("compared on the usual numbers times") && $0.contains("itself moves by") })
    let other = try Verifier().verify(reference: folding(), candidate: folding(split: true, factor: 1.01))
    #expect(!other.isEquivalent, "another weight shows where the model stays")
  }

  @Test func whatDiffersWhereTheReferenceStaysIsAnotherModel() throws {
    let report = try Verifier().verify(reference: folding(steps: 1), candidate: folding(steps: 1, factor: 1.01))
    #expect(!report.isEquivalent && !report.notes.contains { $0.contains("itself") })
  }

  /// A model that moves a little on all inputs: what differs by less than that is rounding, what differs by more is not.
  @Test func differencesBelowTheReferencesOwnAreRounding() throws {
    let reference = try folding(steps: 5, always: true)
    let near = try Verifier().verify(reference: reference, candidate: folding(steps: 5, always: true, slope: 1 + 2 * 0x1p-23))
    #expect(near.isEquivalent && near.notes.contains { $0.contains("taken for rounding") })
    let far = try Verifier().verify(reference: reference, candidate: folding(steps: 5, always: true, slope: 1 + 16 * 0x1p-23))
    #expect(!far.isEquivalent)
  }

  @Test func saturatedOutputsDecideWhereWhatGoesIntoThemMovesByItself() throws {
    let reference = try folding(steps: 9, gain: 1e6)
    let report = try Verifier().verify(reference: reference, candidate: folding(steps: 9, split: true, gain: 1e6))
    #expect(report.isEquivalent && report.outputs[0].weakness == .saturated && report.outputs[0].preActivation == nil)
    #expect(report.notes.contains { $0.contains("tells nothing") })
    let other = try Verifier().verify(reference: reference, candidate: folding(steps: 8, split: true, gain: 1e6))
    #expect(!other.isEquivalent)
  }
}

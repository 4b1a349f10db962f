import ModelGraph
import ModelOps
import ModelRuntime
import ModelSupport
import ModelTensor
import Testing

@testable import ModelVerify

@Suite struct VerifierTests {
  @Test func aModelEqualsItself() throws {
    let report = try Verifier(options: VerificationOptions(samples: 3, findsDivergence: true)).verify(
      reference: twoLayers(), candidate: twoLayers())
    #expect(report.isEquivalent)
    #expect(report.samples == 3)
    // Batches of 2, 3 and 2.
    #expect(report.outputs.first?.elements == 7 * 3)
    #expect(report.outputs.first?.maxAbsolute == 0)
    #expect(report.outputs.first?.cosine.map { $0 > 0.999_999 } == true)
    #expect(report.firstDivergence == nil && report.lookedForDivergence)
  }

  @Test func namesTheNodeOfAChangedWeight() throws {
    let report = try Verifier(options: VerificationOptions(findsDivergence: true)).verify(
      reference: twoLayers(), candidate: twoLayers(perturbed: true))
    #expect(!report.isEquivalent)
    #expect(report.outputs.first.map { $0.mismatched > 0 } == true)
    let first = try #require(report.firstDivergence)
    #expect(first.value == "second_out")
    #expect(first.node.contains("node second (MatMul)"))
    #expect(first.lastAgreeing == "act_out")
    #expect(first.compared == 4)
  }

  @Test func matchesByOrderWhatHasOtherNames() throws {
    let report = try Verifier().verify(reference: twoLayers(), candidate: twoLayers(input: "in", output: "out"))
    #expect(report.isEquivalent)
    #expect(report.notes.contains("input 'x' is 'in' in the candidate"))
    #expect(report.outputs.first?.candidateName == "out")
  }

  /// Drawn at random, no step would be padding: what happens to padding has to be seen.
  @Test func paddedStepsAreCompared() throws {
    func kept(_ filler: Float) throws -> Model {
      try model(TensorType(.float32, .ranked([.named("batch"), .fixed(6), .fixed(3)]))) { g, x in
        let isStep = try g.reduce(.any, try g.apply(NotEqualOp(), x, try g.scalar(0, like: x)), axes: [-1], keepDims: true)
        return try g.select(isStep, x, try g.constant(NDArray(scalar: filler)))
      }
    }
    #expect(try Verifier().verify(reference: kept(1), candidate: kept(1)).isEquivalent)
    #expect(try !Verifier().verify(reference: kept(1), candidate: kept(0)).isEquivalent)
  }

  @Test func usesTheBatchThatOneSideFixes() throws {
    let report = try Verifier(options: VerificationOptions(samples: 1)).verify(
      reference: twoLayers(), candidate: twoLayers(batch: 7))
    #expect(report.isEquivalent)
    #expect(report.outputs.first?.elements == 21)
  }

  /// The first sample happens to pick a place that exists; a later one does not.
  @Test func drawsSmallerIntegersWhereALaterSampleIsRefused() throws {
    func picks(_ factor: Float) throws -> Model {
      var context = GraphContext(Model(), graph: Graph())
      let x = context.graph.addInput("x", TensorType(.float32, .ranked([.named("batch"), .named("steps")])))
      let places = context.graph.addInput("places", TensorType(.int64, .ranked([.fixed(1), .fixed(2)])))
      let rows = try context.apply(TileOp(), x, try context.constant(NDArray([Int64(4), 2], [2])))
      let y = try context.apply(MulOp(), try context.apply(GatherNDOp(), rows, places), try context.constant(NDArray([factor], [1])))
      context.graph.addOutput("y", y)
      var model = context.model
      model.mainGraph = context.graph
      return model
    }
    let options = VerificationOptions(samples: 40)
    let report = try Verifier(options: options).verify(reference: picks(2), candidate: picks(2))
    #expect(report.isEquivalent && report.samples == 40 && report.outputs.first?.elements == 40)
    #expect(try !Verifier(options: options).verify(reference: picks(2), candidate: picks(2.5)).isEquivalent)
  }

  @Test func otherShapesAreAFailureThatIsExplained() throws {
    let wide = try model(TensorType(.float32, .ranked([.unknown, 5]))) { try $0.apply(ReluOp(), $1) }
    let report = try Verifier().verify(reference: twoLayers(), candidate: wide)
    #expect(!report.isEquivalent)
    #expect(report.failure?.contains("float32[?, 5]") == true)
  }

  @Test func bridgesThePlaceOfTheChannels() throws {
    let first = try model(TensorType(.float32, .ranked([.unknown, 3, 4, 5]))) { try $0.apply(TanhOp(), $1) }
    let last = try model(TensorType(.float32, .ranked([.unknown, 4, 5, 3]))) { try $0.apply(TanhOp(), $1) }
    let report = try Verifier().verify(reference: first, candidate: last)
    #expect(report.isEquivalent)
    #expect(report.notes.contains { $0.hasPrefix("input 'x': channels first here") })
  }

  @Test func keepsIndicesInsideTheirTable() throws {
    let table = NDArray((0..<12).map { Float($0) }, [4, 3])
    let embedding = try model(TensorType(.float32, .ranked([.unknown, .unknown]))) { context, x in
      let whole = try context.apply(CastOp(to: .int32), x)
      return try context.apply(GatherOp(), try context.constant(table), whole)
    }
    let report = try Verifier(options: VerificationOptions(samples: 5)).verify(reference: embedding, candidate: embedding)
    #expect(report.isEquivalent)
  }

  @Test func findsInputsThatMeanSomething() throws {
    let roots = try model(TensorType(.float32, .ranked([.fixed(1), .fixed(1)]))) { try $0.apply(LogOp(), $1) }
    let report = try Verifier(options: VerificationOptions(samples: 1, seed: 3)).verify(reference: roots, candidate: roots)
    #expect(report.isEquivalent)
  }

  @Test func refusesRandomNumbers() throws {
    let random = try model(TensorType(.int64, [2])) { try $0.apply(RandomNormalOp(), $1) }
    #expect { try Verifier().verify(reference: random, candidate: random) } throws: { error in
      (error as? UnsupportedError)?.items == [.init("RandomNormal")]
    }
  }

  @Test func takesADataSetInBatchesTheModelTakes() throws {
    let data = NDArray((0..<20).map { Float($0) }, [5, 4])
    let options = VerificationOptions(data: [(name: "whatever", array: data)])
    let report = try Verifier(options: options).verify(reference: twoLayers(), candidate: twoLayers(batch: 2))
    #expect(report.isEquivalent)
    #expect(report.samples == 5)
  }

  @Test func saysWhichInputTheDataLacks() throws {
    let options = VerificationOptions(data: [])
    #expect { try Verifier(options: options).verify(reference: twoLayers(), candidate: twoLayers()) } throws: { error in
      (error as? FormatError)?.message.contains("expected an array 'x'") == true
    }
  }

  @Test func theSameSeedGivesTheSameNumbers() throws {
    let a = try Verifier(options: VerificationOptions(seed: 5)).verify(reference: twoLayers(), candidate: twoLayers(perturbed: true))
    let b = try Verifier(options: VerificationOptions(seed: 5)).verify(reference: twoLayers(), candidate: twoLayers(perturbed: true))
    let c = try Verifier(options: VerificationOptions(seed: 6)).verify(reference: twoLayers(), candidate: twoLayers(perturbed: true))
    #expect(a.outputs == b.outputs)
    #expect(a.outputs != c.outputs)
  }

  /// Nobody waits for the same loop once for every set of inputs that could be made up.
  @Test func aLoopThatTookItsTimeIsNotTriedAgain() throws {
    func body(_ name: String, _ make: (inout GraphContext, ValueID) throws -> ValueID) throws -> Graph {
      var context = GraphContext(Model(), graph: Graph(name: name))
      let x = context.graph.addInput("x", TensorType(.float32, .ranked([.unknown])))
      context.graph.addOutput("y", try make(&context, x))
      return context.graph
    }
    var endless = Model()
    endless.graphs[GraphID("condition")] = try body("condition") { g, x in
      try g.apply(LessOp(), try g.reduce(.sum, x, axes: nil), try g.constant(NDArray(scalar: Float.infinity)))
    }
    endless.graphs[GraphID("step")] = try body("step") { g, x in try g.add(x, try g.constant(NDArray(scalar: 1e-3 as Float))) }
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, .ranked([.unknown])))
    let node = graph.append(
      WhileOp(stateCount: 1), [x], types: [TensorType(.float32, .ranked([.unknown]))], name: "loop",
      bodies: [GraphID("condition"), GraphID("step")])
    graph.addOutput("y", graph[node].outputs[0])
    endless.mainGraph = graph
    let time = Duration.milliseconds(300), start = ContinuousClock.now
    let options = VerificationOptions(execution: ExecutionOptions(bodyLimit: .max, loopTime: time))
    let error = #expect(throws: ExecutionError.self) { try Verifier(options: options).verify(reference: endless, candidate: endless) }
    #expect(error?.code == .limitExceeded)
    #expect(start.duration(to: .now) < time * 6)
  }
}

/// Two inputs and two outputs of one shape: `sum` and `difference`.
private func sumAndDifference(inputs: [String], outputs: [(name: String, isSum: Bool)], swapsInputs: Bool = false) throws -> Model {
  var model = Model()
  var context = GraphContext(model, graph: Graph())
  var values = inputs.map { context.graph.addInput($0, TensorType(.float32, .ranked([.unknown, 3]))) }
  if swapsInputs { values.reverse() }
  let sum = try context.add(values[0], values[1]), difference = try context.apply(SubOp(), values[0], values[1])
  for output in outputs { context.graph.addOutput(output.name, output.isSum ? sum : difference) }
  model.mainGraph = context.graph
  return model
}

@Suite struct OrderTests {
  private let reference = ["x", "y"]

  @Test func swappedOutputsWithOtherNamesAreTold() throws {
    let report = try Verifier().verify(
      reference: sumAndDifference(inputs: reference, outputs: [("a", true), ("b", false)]),
      candidate: sumAndDifference(inputs: reference, outputs: [("p", false), ("q", true)]))
    #expect(!report.isEquivalent)
    #expect(report.notes.contains("the outputs agree in another order: 'a' as the candidate's 'q', 'b' as the candidate's 'p'"))
  }

  /// Outputs that agree on the first sample where they stand, and differ on another.
  @Test func noOtherOrderIsToldOfOutputsInTheirPlaces() throws {
    let x = NDArray([Float](repeating: 1, count: 6), [2, 3]), y = NDArray([Float(0), 0, 0, 1, 2, 3], [2, 3])
    let report = try Verifier(options: VerificationOptions(data: [("x", x), ("y", y)])).verify(
      reference: sumAndDifference(inputs: reference, outputs: [("a", true), ("b", false)]),
      candidate: sumAndDifference(inputs: reference, outputs: [("a", true), ("b", true)]))
    #expect(!report.isEquivalent && !report.notes.contains { $0.contains("another order") })
  }

  @Test func swappedNamesAreTold() throws {
    let report = try Verifier().verify(
      reference: sumAndDifference(inputs: reference, outputs: [("a", true), ("b", false)]),
      candidate: sumAndDifference(inputs: reference, outputs: [("b", true), ("a", false)]))
    #expect(!report.isEquivalent)
    #expect(report.notes.contains("the outputs agree in another order: 'a' as the candidate's 'b', 'b' as the candidate's 'a'"))
  }

  @Test func equalNamesInAnotherOrderAreNoted() throws {
    let report = try Verifier().verify(
      reference: sumAndDifference(inputs: reference, outputs: [("a", true), ("b", false)]),
      candidate: sumAndDifference(inputs: ["y", "x"], outputs: [("b", false), ("a", true)], swapsInputs: true))
    #expect(report.isEquivalent)
    #expect(
      report.notes == [
        "the inputs are compared by name and stand in another order: x, y here, y, x in the candidate",
        "the outputs are compared by name and stand in another order: a, b here, b, a in the candidate",
      ])
  }

  @Test func swappedInputsWithOtherNamesAreTold() throws {
    let report = try Verifier().verify(
      reference: sumAndDifference(inputs: reference, outputs: [("a", true), ("b", false)]),
      candidate: sumAndDifference(inputs: ["p", "q"], outputs: [("a", true), ("b", false)], swapsInputs: true))
    #expect(!report.isEquivalent)
    #expect(
      report.notes.contains(
        "the outputs agree when the inputs are given in another order: 'y' as the candidate's 'p', 'x' as the candidate's 'q'"))
  }
}

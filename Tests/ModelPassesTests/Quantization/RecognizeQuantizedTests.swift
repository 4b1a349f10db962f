import ModelGraph
import ModelOps
import ModelTensor
import Testing

@testable import ModelPasses

@Suite struct RecognizeQuantizedTests {
  private let input = QuantizedType(.int8, scale: 0.05, zeroPoint: -3)
  private let result = QuantizedType(.int8, scale: 0.11, zeroPoint: 7)

  private func integers(_ count: Int, _ shape: [Int], seed: Int = 1) -> NDArray {
    NDArray((0..<count).map { Int8(truncatingIfNeeded: ($0 &* 37 &+ seed &* 11) % 255 - 127) }, shape)
  }

  private func conv(_ c: inout GraphContext, activation: FusedActivation = .relu6) throws -> [ValueID] {
    let x = c.graph.addInput("x", TensorType(.int8, Shape([1, 6, 5, 3]), quantization: input.quantization))
    let weights = QuantizedType(.int8, Quantization(scales: [0.02, 0.03, 0.01, 0.04], axis: 3))
    let w = c.weight("w", integers(2 * 3 * 3 * 4, [2, 3, 3, 4])), b = c.weight("b", NDArray([100, -50, 20, 7] as [Int32], [4]))
    let op = ConvOp(strides: [1, 2], padding: .same, layout: .channelsLast, kernelLayout: .spatialInputOutput)
    let types: [QuantizedType?] = [input, weights, .bias(.int32, of: input, and: weights)]
    return try c.apply(QuantizedOp(op, activation: activation, inputs: types, outputs: [result]), to: [x, w, b])
  }

  /// What is taken apart and recognised again is the operator it was, to the last bit.
  @Test(arguments: [FusedActivation.none, .relu, .relu6, .reluN1To1])
  func comesBackAsItWas(_ activation: FusedActivation) throws {
    let model = try makeModel { c in try conv(&c, activation: activation) }
    var spelled = model
    try UnwrapQuantized(.unwrapped).run(&spelled)
    #expect(spelled.opNames.contains("Conv") && !spelled.opNames.contains("QuantizedConv"))
    var found = spelled
    try RecognizeQuantized().run(&found)
    #expect(found.opNames == ["QuantizedConv"])
    let op = try #require(found.node("QuantizedConv")?.op as? QuantizedOp)
    let old = try #require(model.node("QuantizedConv")?.op as? QuantizedOp)
    #expect(op.activation == activation && op.inputs == old.inputs && op.outputs == old.outputs)
    let x = integers(90, [1, 6, 5, 3], seed: 3)
    #expect(try Interpreter(model: found).run([x])[0].integers() == Interpreter(model: model).run([x])[0].integers())
  }

  /// Channels first, as ONNX has them, gives the same integers.
  @Test func channelsFirst() throws {
    let weights = QuantizedType(.int8, Quantization(scales: [0.02, 0.03], axis: 0))
    let w = integers(2 * 3 * 2 * 3, [2, 3, 2, 3])
    func model(_ layout: DataLayout) throws -> Model {
      try makeModel { c in
        let x = c.input("x", layout == .channelsFirst ? [1, 3, 6, 5] : [1, 6, 5, 3], .int8)
        let op = ConvOp(padding: .same, layout: layout, kernelLayout: .outputInputSpatial)
        return try c.apply(QuantizedOp(op, inputs: [input, weights, nil], outputs: [result]), to: [x, c.weight("w", w), nil])
      }
    }
    let x = integers(90, [1, 6, 5, 3])
    var eager = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
    let last = try Interpreter(model: model(.channelsLast)).run([x])[0]
    let turned = try eager.transpose(x, [0, 3, 1, 2])
    let first = try Interpreter(model: model(.channelsFirst)).run([turned])[0]
    let back = try eager.transpose(first, [0, 2, 3, 1])
    #expect(back.integers() == last.integers())
  }

  /// A matrix product and the sum behind it are one operator; a move in between changes places with the quantisation.
  @Test func productsAndMoves() throws {
    let weights = QuantizedType(.int8, scale: 0.02), middle = QuantizedType(.int8, scale: 0.05, zeroPoint: 2)
    let model = try makeModel { c in
      let x = c.graph.addInput("x", TensorType(.int8, [2, 3, 4]))
      let flat = try c.reshape(try c.dequantize(x, input), [2, 12])
      let w = try c.dequantize(c.weight("w", integers(60, [12, 5])), weights)
      let b = try c.dequantize(c.weight("b", NDArray([1, -200, 3, 40, 5] as [Int32], [5])), .bias(.int32, of: input, and: weights))
      let y = try c.add(try c.matmul(flat, w), b)
      let q = try c.quantize(try c.reshape(try c.apply(ReluOp(), y), [2, 5, 1]), to: middle)
      return [q]
    }
    var found = model
    try RecognizeQuantized().run(&found)
    #expect(found.opNames == ["QuantizedReshape", "QuantizedFullyConnected", "QuantizedReshape"])
    let x = integers(24, [2, 3, 4])
    let exact = try Interpreter(model: model).run([x])[0], integer = try Interpreter(model: found).run([x])[0]
    for (a, b) in zip(try #require(exact.integers()), try #require(integer.integers())) { #expect(abs(a - b) <= 1) }
  }

  /// What LiteRT wants alike and the graph does not have so is requantised; what is used as a float, too, stays spelled.
  @Test func requantisesAndLeavesAlone() throws {
    let other = QuantizedType(.int8, scale: 0.07, zeroPoint: 5)
    let model = try makeModel { c in
      let a = c.graph.addInput("a", TensorType(.int8, [1, 4])), b = c.graph.addInput("b", TensorType(.int8, [1, 4]))
      let joined = try c.concat([try c.dequantize(a, input), try c.dequantize(b, other)], axis: 1)
      let kept = try c.apply(AbsOp(), try c.dequantize(a, input))
      return [try c.quantize(joined, to: result), try c.quantize(kept, to: result), kept]
    }
    var found = model
    try RecognizeQuantized().run(&found)
    #expect(found.opNames.filter { $0 == "QuantizedIdentity" }.count == 4, "\(found.opNames)")
    #expect(found.opNames.contains("QuantizedConcat") && found.opNames.contains("Abs"), "\(found.opNames)")
    let x = integers(4, [1, 4]), y = integers(4, [1, 4], seed: 9)
    let exact = try Interpreter(model: model).run([x, y]), integer = try Interpreter(model: found).run([x, y])
    for (a, b) in zip(exact[0].integers() ?? [], integer[0].integers() ?? []) { #expect(abs(a - b) <= 1) }
    #expect(exact[2].values(Float.self) == integer[2].values(Float.self))
  }

  /// uint8 activations beside int8 weights become int8: the same numbers, 128 lower; the border keeps its dtype.
  @Test func signs() throws {
    let unsigned = QuantizedType(.uint8, scale: 0.05, zeroPoint: 120), weights = QuantizedType(.int8, scale: 0.02)
    let model = try makeModel { c in
      let x = c.graph.addInput("x", TensorType(.uint8, [2, 6]))
      let w = try c.dequantize(c.weight("w", integers(24, [6, 4])), weights)
      let y = try c.matmul(try c.dequantize(x, unsigned), w)
      return [try c.quantize(y, to: QuantizedType(.uint8, scale: 0.2, zeroPoint: 128))]
    }
    var found = model
    try RecognizeQuantized(prefersSigned: true).run(&found)
    #expect(found.opNames == ["QuantizedIdentity", "QuantizedFullyConnected", "QuantizedIdentity"], "\(found.opNames)")
    let op = try #require(found.node("QuantizedFullyConnected")?.op as? QuantizedOp)
    #expect(op.inputs[0] == QuantizedType(.int8, scale: 0.05, zeroPoint: -8))
    let x = NDArray((0..<12).map { UInt8($0 * 21) }, [2, 6])
    let exact = try Interpreter(model: model).run([x])[0], integer = try Interpreter(model: found).run([x])[0]
    #expect(integer.dtype == .uint8)
    for (a, b) in zip(exact.integers() ?? [], integer.integers() ?? []) { #expect(abs(a - b) <= 1) }
  }
}

import FlatBufferWire
import ModelRuntime
import ModelSupport
import ModelTensor
import Testing

@testable import TFLiteFormat

/// Subgraphs that are called from others, and what their tensors hold.
@Suite struct SubgraphTests {
  private func tensor(_ name: String, _ type: TFLiteTensorType = .float32, shape: [Int32] = [1], buffer: UInt32 = 0) -> TFLiteTensor {
    TFLiteTensor(shape: shape, type: type, buffer: buffer, name: name)
  }
  private func read(_ model: TFLiteModel) throws -> Executor {
    try Executor(TFLiteReader(TFLiteFile(reading: MemorySource(model.encoded()))).read())
  }

  /// Each subgraph runs the next one twice, by operators that `call` makes of its number.
  private func tree(_ code: BuiltinOperator, depth: Int, _ call: (Int32) -> TFLiteOperator) -> TFLiteModel {
    var model = TFLiteModel(version: 3)
    model.operatorCodes = [
      OperatorCode(deprecatedBuiltinCode: 101, builtinCode: .abs), OperatorCode(deprecatedBuiltinCode: 127, builtinCode: code),
    ]
    model.buffers = [TFLiteBuffer()]
    model.subgraphs = (0..<depth).map { level in
      var operators = [TFLiteOperator(opcodeIndex: 0, inputs: [0], outputs: [2])]
      if level < depth - 1 {
        var (first, second) = (call(Int32(level + 1)), call(Int32(level + 1)))
        (first.opcodeIndex, second.opcodeIndex) = (1, 1)
        (first.inputs, first.outputs, second.inputs, second.outputs) = ([0], [1], [1], [2])
        operators = [first, second]
      }
      return TFLiteSubGraph(
        tensors: [tensor("x"), tensor("y"), tensor("z")], inputs: [0], outputs: [2], operators: operators)
    }
    return model
  }
  private func whileCall(_ next: Int32) -> TFLiteOperator {
    TFLiteOperator(builtinOptions: .whileOptions(WhileOptions(condSubgraphIndex: next, bodySubgraphIndex: next)))
  }
  private func compositeCall(_ next: Int32) -> TFLiteOperator {
    TFLiteOperator(builtinOptions2: .stableHLOCompositeOptions(StableHLOCompositeOptions(name: "a", decompositionSubgraphIndex: next)))
  }

  @Test(.timeLimit(.minutes(1))) func treesOfCallsAreCountedBeforeTheyAreRead() throws {
    for model in [
      tree(.while, depth: 40, whileCall), tree(.stablehloComposite, depth: 40, compositeCall),
      tree(.stablehloComposite, depth: 20, compositeCall),
    ] {
      let error = #expect(throws: FormatError.self) { try read(model) }
      #expect(error?.code == .limitExceeded)
      #expect(error?.description.contains("more than 32768 operators") == true)
    }
  }

  @Test func whatIsCalledOftenIsRead() throws {
    let y = try read(tree(.stablehloComposite, depth: 12, compositeCall)).run([NDArray([-3] as [Float], [1])])
    #expect(y[0].values(Float.self) == [3])
  }

  /// A slice that goes beyond its tensor, and one of -7 elements: LiteRT calls both invalid.
  @Test(arguments: [[3, 2], [Int(Int32.max), -7], [1, -7], [-1, 2], [5, -1]]) func slicesStayInside(slice: [Int]) throws {
    #expect(throws: FormatError.self) { try read(sliced(slice)) }
  }
  @Test func slicesThatEndWithTheTensor() throws {
    for (slice, expected) in [([3, 1], [4]), ([2, -1], [3, 4]), ([4, 0], []), ([0, 4], [1, 2, 3, 4])] as [([Int], [Float])] {
      #expect(try read(sliced(slice)).run([NDArray([1, 2, 3, 4] as [Float], [4])])[0].values(Float.self) == expected)
    }
  }
  private func sliced(_ slice: [Int]) -> TFLiteModel {
    var model = TFLiteModel(version: 3)
    model.operatorCodes = [OperatorCode(deprecatedBuiltinCode: 65, builtinCode: .slice)]
    model.buffers =
      [TFLiteBuffer()] + slice.map { value in TFLiteBuffer(data: FlatBytes(withUnsafeBytes(of: Int32(value).littleEndian) { Array($0) })) }
    model.subgraphs = [
      TFLiteSubGraph(
        tensors: [
          tensor("x", shape: [4]), tensor("begin", .int32, buffer: 1), tensor("size", .int32, buffer: 2), tensor("y", shape: [1]),
        ], inputs: [0], outputs: [3], operators: [TFLiteOperator(inputs: [0, 1, 2], outputs: [3])])
    ]
    return model
  }

  /// LiteRT takes it so: TensorFlow's quantiser for int16 leaves out the buffer of the shape of a scalar.
  @Test(arguments: [0, 1] as [UInt32]) func aConstantWithoutElementsNeedsNoBuffer(buffer: UInt32) throws {
    var model = TFLiteModel(version: 3)
    model.operatorCodes = [
      OperatorCode(deprecatedBuiltinCode: 22, builtinCode: .reshape), OperatorCode(deprecatedBuiltinCode: 101, builtinCode: .abs),
    ]
    model.buffers = [TFLiteBuffer(), TFLiteBuffer()]
    model.subgraphs = [
      TFLiteSubGraph(
        tensors: [tensor("x"), tensor("shape", .int32, shape: [0], buffer: buffer), tensor("scalar", shape: []), tensor("y", shape: [])],
        inputs: [0], outputs: [3],
        operators: [
          TFLiteOperator(opcodeIndex: 0, inputs: [0, 1], outputs: [2]), TFLiteOperator(opcodeIndex: 1, inputs: [2], outputs: [3]),
        ])
    ]
    let y = try read(model).run([NDArray([-3] as [Float], [1])])
    #expect(y[0].shape == [] && y[0].values(Float.self) == [3])
    // One with elements is missing all the same.
    model.subgraphs?[0].tensors?[1].shape = [1]
    #expect(throws: FormatError.self) { try read(model) }
  }
}

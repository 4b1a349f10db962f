import FlatBufferWire
import ModelSupport
import Testing

@testable import TFLiteFormat

/// Sound tables whose operators are other ones than their tensors are made for.
@Suite("TFLite operators with another code") struct OperatorCodeTests {
  /// A transposed convolution whose filters are a matrix.
  @Test func filtersOfAnotherRank() throws {
    var model = TFLiteFileTests.model(
      [
        TFLiteTensor(shape: [2], type: .int32, buffer: 1, name: "shape"), TFLiteTensor(shape: [2, 2], buffer: 2, name: "w"),
        TFLiteTensor(shape: [1, 2], name: "x"), TFLiteTensor(shape: [1, 2], name: "y"),
      ], [TFLiteFileTests.little([1, 2]), TFLiteFileTests.floats([1, 2, 3, 4])])
    model.operatorCodes = [OperatorCode(deprecatedBuiltinCode: 67, builtinCode: .transposeConv)]
    model.subgraphs?[0].inputs = [2]
    model.subgraphs?[0].outputs = [3]
    model.subgraphs?[0].operators = [TFLiteOperator(inputs: [0, 1, 2], outputs: [3])]
    let file = try TFLiteFile(reading: MemorySource(try model.encoded()))
    let error = #expect(throws: FormatError.self) { try TFLiteReader(file).read() }
    #expect(error.map { "\($0)".contains("TRANSPOSE_CONV needs weights of rank 4") } ?? false)
  }
}

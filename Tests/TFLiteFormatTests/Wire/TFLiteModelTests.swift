import FlatBufferWire
import Testing

@testable import TFLiteFormat

@Suite("TFLite tables") struct TFLiteModelTests {
  @Test func whatWasWrittenIsReadAlike() throws {
    var model = TFLiteModel(version: 3, description: "a model")
    model.operatorCodes = [OperatorCode(deprecatedBuiltinCode: 3, builtinCode: .conv2d)]
    let options = BuiltinOptions.conv2DOptions(Conv2DOptions(padding: .valid, strideW: 2, strideH: 2, fusedActivationFunction: .relu6))
    model.subgraphs = [
      TFLiteSubGraph(
        tensors: [
          TFLiteTensor(
            shape: [1, 2], type: .int8, buffer: 1, name: "x", quantization: QuantizationParameters(scale: [0.5], zeroPoint: [3]))
        ],
        inputs: [0], outputs: [0], operators: [TFLiteOperator(inputs: [0], outputs: [0], builtinOptions: options)], name: "main")
    ]
    model.buffers = [TFLiteBuffer(), TFLiteBuffer(data: FlatBytes([1, 2]))]
    let bytes = try FlatBuilder.build(model, identifier: "TFL3").bytes()
    #expect(try TFLiteModel(reading: bytes) == model)
    #expect(Array(bytes[4..<8]) == Array("TFL3".utf8))
  }
}

import Foundation
import ModelKit
import ModelRuntime
import ModelTensor
import Testing

/// The operators of TensorFlow Lite Micro's signal library against what its own interpreter recorded over several invocations: integers to
/// the last bit.
@Suite struct MicroFixturesTests {
  static let folder = WholeModelCase.fixtures.appending(path: "tflite/micro")
  static let cases = ["spectrum", "streams", "transforms"]

  @Test(arguments: cases) func computesTheSame(_ name: String) throws {
    let folder = Self.folder.appending(path: name), path = folder.appending(path: "model.tflite").path
    let inputs = try DataFile.read(folder.appending(path: "inputs.npz").path)
    let expected = try DataFile.read(folder.appending(path: "outputs.npz").path)
    let interpreter = try Interpreter(path: path)
    try interpreter.allocateTensors()
    let outputs = interpreter.outputDetails
    try #require(outputs.count == expected.count)
    let steps = try #require(inputs.first?.array.shape.first)
    for step in 0..<steps {
      for (index, detail) in interpreter.inputDetails.enumerated() {
        let values = try #require(inputs.first { $0.name == detail.name })
        try interpreter.setInput(index, Self.row(values.array, step))
      }
      try interpreter.invoke()
      for (index, detail) in outputs.enumerated() {
        let row = Self.row(try #require(expected.first { $0.name == detail.name }).array, step)
        let result = try interpreter.output(index)
        #expect(result.dtype == row.dtype && result.shape == row.shape, "\(detail.name)")
        if row.dtype == .float32 {
          let distance = zip(result.doubles(), row.doubles()).map { abs($0 - $1) - 1e-4 * abs($1) }.max() ?? 0
          #expect(distance <= 1e-3, "\(name), invocation \(step): \(detail.name) differs by \(distance)")
        } else {
          let isEqual = result.withBytes { a in row.withBytes { b in a.elementsEqual(b) } }
          #expect(isEqual, "\(name), invocation \(step): \(detail.name)")
        }
      }
    }
  }

  private static func row(_ array: NDArray, _ step: Int) -> NDArray {
    array.slice(step..<step + 1).reshaped(Array(array.shape.dropFirst()))
  }

  @Test func isRefusedByNameElsewhere() throws {
    let path = Self.folder.appending(path: "spectrum/model.tflite").path
    let target = FileManager.default.temporaryDirectory.appending(path: "signal-\(UUID()).onnx").path
    let error = #expect(throws: UnsupportedError.self) { _ = try Converter().convert(path, to: target) }
    for name in ["SignalWindow", "SignalRfft", "SignalFilterBankSpectralSubtraction", "SignalPCAN"] {
      #expect(error?.description.contains(name) == true, "\(name)")
    }
  }
}

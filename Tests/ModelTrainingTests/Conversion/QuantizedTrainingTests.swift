import ModelTraining
import Testing

import enum ModelKit.QuantizationMode
import struct ModelKit.QuantizationOptions
import struct ModelKit.Quantizer
import struct ModelKit.RepresentativeData
import class ModelRuntime.Executor
import struct ModelTensor.NDArray

/// A network that the project has trained to a known accuracy keeps it in integers.
@Suite struct QuantizedTrainingTests {
  /// Pictures of stripes in one of four directions, under noise.
  private struct Stripes {
    var images: [Float] = []
    var labels: [Int32] = []
    let count: Int

    init(_ count: Int, seed: UInt64) {
      self.count = count
      var state = seed
      func uniform() -> Float {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(state >> 40) / Float(1 << 24)
      }
      for index in 0..<count {
        let kind = index % 4, phase = uniform() * 6.28
        labels.append(Int32(kind))
        for row in 0..<8 {
          for column in 0..<8 {
            let along = Float([row, column, row + column, row - column + 7][kind])
            let angle = along * 1.6 + phase, wave = angle.truncatingRemainder(dividingBy: 6.28) < 3.14 ? Float(1) : -1
            images.append(wave + 3.2 * (uniform() + uniform() + uniform() - 1.5))
          }
        }
      }
    }
    func image(_ index: Int) -> NDArray { NDArray(Array(images[(index * 64)..<(index * 64 + 64)]), [1, 8, 8, 1]) }
    var all: NDArray { NDArray(images, [count, 8, 8, 1]) }
  }

  private func accuracy(_ rows: [Float], _ data: Stripes) -> Double {
    let right = (0..<data.count).filter { index in
      let row = rows[(index * 4)..<(index * 4 + 4)]
      return row.firstIndex(of: row.max() ?? 0).map { $0 - row.startIndex } == Int(data.labels[index])
    }
    return Double(right.count) / Double(data.count)
  }

  @Test func accuracyIsKept() throws {
    let training = Stripes(1024, seed: 3), held = Stripes(2000, seed: 99)
    let network = try Sequential(
      [
        Conv2D(8, 3, padding: .same, kernelInitializer: .glorotUniform(seed: 1)), BatchNormalization(), ReLU(),
        MaxPooling2D(), Conv2D(16, 3, activation: "relu", kernelInitializer: .glorotUniform(seed: 2)), Flatten(),
        Dense(4, activation: "softmax", kernelInitializer: .glorotUniform(seed: 3)),
      ], inputShape: [8, 8, 1])
    network.compile(optimizer: try Adam(learningRate: 0.01), loss: "sparse_categorical_crossentropy", metrics: ["accuracy"])
    try network.fit(Tensor(training.all), Tensor(training.labels), batchSize: 64, epochs: 8, seed: 4)
    let scores = try network.predict(Tensor(held.all), batchSize: 250).doubles().map { Float($0) }
    let known = accuracy(scores, held)
    // The task can be learnt, and is not so easy that nothing could be lost.
    #expect(known > 0.85 && known < 0.999)

    let samples = (0..<64).map { index -> RepresentativeData.Sample in [("", training.image(index))] }
    for (mode, points) in [(QuantizationMode.int8, 0.01), (.int16x8, 0.001)] {
      let quantizer = Quantizer(QuantizationOptions(mode))
      let float = try quantizer.prepare(try network.canonical())
      let named = samples.map { $0.map { (name: float.model.mainGraph.inputs[0].name, array: $0.array) } }
      let data = RepresentativeData(named)
      let result = try quantizer.quantize(float, try quantizer.calibrate(float, data), data)
      #expect(result.report.floats.isEmpty)
      let executor = try Executor(result.model)
      let found = try executor.run([held.all])[0].values(Float.self)
      let kept = accuracy(found, held)
      #expect(kept >= known - points, "\(mode): \(kept) of \(known)")
    }
  }
}

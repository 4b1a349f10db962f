import Foundation
import ModelTraining
import Testing

@Suite struct SavingTests {
  private func temporary(_ body: (String) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "saving-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    try body(directory.path())
  }

  @Test(arguments: ["model.keras", "model.h5", "model.onnx", "model.tflite", "saved", "layers"])
  func everyFormatComesBack(_ name: String) throws {
    let model = try TrainingEquivalenceTests.model("cnn"), x = try Tensor.random.normal([2, 8, 8, 3], seed: 1)
    let expected = try model(x).doubles()
    let format: String? = name == "saved" ? "savedmodel" : name == "layers" ? "tfjs-layers" : nil
    try temporary { directory in
      try model.save("\(directory)/\(name)", format: format)
      let loaded = try Model.load("\(directory)/\(name)")
      #expect(zip(try loaded(x).doubles(), expected).allSatisfy { abs($0 - $1) < 1e-5 })
    }
  }

  @Test(arguments: ["mlp", "lstm", "gru", "transformer"])
  func weightsAlone(_ name: String) throws {
    let model = try TrainingEquivalenceTests.model(name), other = try TrainingEquivalenceTests.model(name)
    try temporary { directory in
      try model.saveWeights("\(directory)/w.weights.h5")
      try other.loadWeights("\(directory)/w.weights.h5")
      for (a, b) in zip(model.getWeights(), other.getWeights()) { #expect(try a.doubles() == b.doubles()) }
      let wrong = try Sequential([Dense(2)], inputShape: [3])
      #expect(throws: (any Error).self) { try wrong.loadWeights("\(directory)/w.weights.h5") }
    }
  }

  /// A graph of ops trains through its parameters.
  @Test func operatorsTrain() throws {
    let model = try Sequential([Dense(8, activation: "relu"), Dense(3, activation: .softmax)], inputShape: [10])
    let record = try Tensor.load(npz: "\(TrainingEquivalenceTests.fixtures)/mlp_sgd.npz")
    let x = try #require(record["x"]), y = try #require(record["y"])
    try temporary { directory in
      try model.save("\(directory)/m.onnx")
      let loaded = try Model.load("\(directory)/m.onnx")
      #expect(loaded.trainableWeights.count == 4)
      loaded.compile(optimizer: try TestAdam(0.02), loss: TestCrossentropy())
      let first = try loaded.trainOnBatch([x], [y]).item()
      for _ in 0..<60 { try loaded.trainOnBatch([x], [y]) }
      #expect(try loaded.trainOnBatch([x], [y]).item() < first / 2)
    }
  }
}

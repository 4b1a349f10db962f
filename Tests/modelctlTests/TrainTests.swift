import Foundation
import ModelKit
import ModelTensor
import Testing

@Suite struct TrainTests {
  private let scratch: Scratch
  private let model: String
  private let data: String

  /// `y = relu(x + w)`, to be taught another `w`.
  init() throws {
    scratch = try Scratch()
    model = try scratch.onnx("model.onnx")
    data = scratch.file("train.npz")
    var x: [Float] = [], y: [Float] = []
    for row in 0..<64 {
      for column in 0..<3 {
        let value = Float((row * 7 + column * 13) % 11) / 5
        x.append(value)
        y.append(max(0, value + [1, 0.25, 0.5][column]))
      }
    }
    try DataFile.write([("x", NDArray(x, [64, 3])), ("y", NDArray(y, [64, 3]))], to: data)
  }

  private func train(_ more: String..., data other: String? = nil, output: String = "out.onnx") throws -> Command {
    try Command(["train", model, "--data", other ?? data, "--output", scratch.file(output)] + more)
  }
  private let usual = ["--loss", "mse", "--optimizer", "sgd", "--epochs", "3", "--batch-size", "16"]

  @Test func itLearnsAndKeepsTheFormat() throws {
    let result = try train(
      "--loss", "mse", "--optimizer", "sgd", "--learning-rate", "0.3", "--epochs", "30", "--batch-size", "16", "--validation", data,
      "--metric", "mae", "--plot", scratch.file("curves.svg"), "--json")
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.errors.isEmpty)
    let json = try result.json, history = try #require(json["history"])
    #expect(history.objectValue?.keys.elements == ["loss", "mae", "val_loss", "val_mae"])
    let losses = history["loss"]?.arrayValue?.compactMap { $0.doubleValue } ?? []
    #expect(losses.count == 30 && losses[29] < losses[0] / 100)
    #expect(json["epochs"]?.intValue == 30 && json["samples_per_second"]?.doubleValue ?? 0 > 0)
    let written = try FormatRegistry.open(scratch.file("out.onnx"))
    #expect(written.mainGraph.inputs.map(\.name) == ["x"] && written.mainGraph.outputs.map(\.name) == ["y"])
    #expect(written.metadata["author"] == "someone")
    let parameter = try #require(written.parameters.first { $0.name == "w" })
    let weight = try parameter.tensor.array().doubles()
    for (found, wanted) in zip(weight, [1, 0.25, 0.5]) { #expect(abs(found - wanted) < 0.02) }
    let picture = try String(contentsOfFile: scratch.file("curves.svg"), encoding: .utf8)
    #expect(picture.hasPrefix("<svg") && picture.contains(">validation<") && picture.contains(">mae<"))
  }

  @Test func theSameCommandGivesTheSameBytes() throws {
    #expect(try Command(["train", model, "--data", data, "--output", scratch.file("a.onnx")] + usual).code == 0)
    #expect(try Command(["train", model, "--data", data, "--output", scratch.file("b.onnx")] + usual).code == 0)
    #expect(FileManager.default.contentsEqual(atPath: scratch.file("a.onnx"), andPath: scratch.file("b.onnx")))
  }

  @Test(arguments: [
    (["--loss", "mean_squared", "--optimizer", "adam"], 64, "known are binary_crossentropy"),
    (["--loss", "mse", "--optimizer", "addam"], 64, "known are adadelta, adafactor"),
    (["--loss", "mse", "--optimizer", "adam", "--metric", "accurate"], 64, "known are accuracy"),
    (["--loss", "mse", "--optimizer", "adam", "--clipnorm", "1", "--clipvalue", "1"], 64, "only one of"),
    (["--loss", "mse", "--optimizer", "adam", "--momentum", "0.9"], 64, "takes no momentum"),
    (["--loss", "mse", "--optimizer", "adam", "--from-logits"], 64, "takes neither logits"),
    (["--loss", "mse", "--loss", "mae", "--optimizer", "adam"], 64, "1 outputs"),
    (["--loss", "sparse_categorical_crossentropy", "--optimizer", "adam"], 65, "targets of [] a sample, found [3]"),
    (["--loss", "mse", "--optimizer", "sgd", "--learning-rate", "1e30"], 1, "Nothing was written"),
  ])
  func whatIsAskedWronglyIsSaid(_ arguments: [String], _ code: Int, _ text: String) throws {
    let result = try Command(
      ["train", model, "--data", data, "--output", scratch.file("out.onnx"), "--epochs", "3", "--batch-size", "16"] + arguments)
    #expect(Int(result.code) == code && result.errors.contains(text), "\(result.code) \(result.errors)")
    #expect(!scratch.names.contains("out.onnx") && !scratch.names.contains { $0.contains("partial") })
  }

  @Test func damagedDataIsSaid() throws {
    func check(_ entries: [DataFile.Entry], _ text: String, _ code: Int32 = 65) throws {
      let path = scratch.file("other.npz")
      try DataFile.write(entries, to: path)
      let result = try Command(["train", model, "--data", path, "--output", scratch.file("out.onnx")] + usual)
      #expect(result.code == code && result.errors.contains(text), "\(result.code) \(result.errors)")
      #expect(!scratch.names.contains("out.onnx"))
    }
    let good = NDArray([Float](repeating: 1, count: 48), [16, 3])
    try check([("x", good)], "expected arrays 'x' (inputs) and 'y' (targets)")
    try check([("x", good), ("y", NDArray([Float](repeating: 1, count: 9), [3, 3]))], "array 'y': expected 16 samples")
    try check([("x", NDArray([Float](repeating: 1, count: 32), [16, 2])), ("y", good)], "found float32[16, 2]")
    try check([("x", NDArray(strings: Array(repeating: [0x61], count: 48), [16, 3])), ("y", good)], "found string[16, 3]")
    var broken = [Float](repeating: 1, count: 48)
    broken[7] = .nan
    try check([("x", NDArray(broken, [16, 3])), ("y", good)], "found nan in sample 2")
    try check([("x", NDArray([Float](), [0, 3])), ("y", NDArray([Float](), [0, 3]))], "holds no samples")
    #expect(
      try train("--loss", "mse", "--optimizer", "sgd", "--epochs", "1", "--batch-size", "4", data: scratch.file("none.npz")).code == 66)
  }

  @Test func anOutputThatIsThereStays() throws {
    try scratch.write("out.onnx", Array("kept".utf8))
    #expect(try Command(["train", model, "--data", data, "--output", scratch.file("out.onnx")] + usual).code == 73)
    #expect(try String(contentsOfFile: scratch.file("out.onnx"), encoding: .utf8) == "kept")
    #expect(try Command(["train", model, "--data", data, "--output", scratch.file("out.onnx"), "--force"] + usual).code == 0)
  }
}

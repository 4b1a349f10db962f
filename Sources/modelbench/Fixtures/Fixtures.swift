import ArgumentParser
import ModelKit
import ModelSupport
import ModelTraining

/// Trains small models with the engine and writes them in every format.
struct Fixtures: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fixtures", abstract: "Train the models of fixtures/trained and write them in every format.",
    discussion: "Twice the same command gives the same bytes.")

  @Argument(help: "The folder to write into.")
  var folder: String
  @Option(help: "Only the model of this name; can be repeated.")
  var only: [String] = []

  func validate() throws {
    let known = TrainedFixture.all.map(\.name)
    if let other = only.first(where: { !known.contains($0) }) {
      throw ValidationError("There is no model '\(other)'; there are \(known.joined(separator: ", ")).")
    }
  }

  func run() throws {
    if FileSystem.kind(folder) == nil { try FileSystem.createDirectory(folder) }
    for fixture in TrainedFixture.all where only.isEmpty || only.contains(fixture.name) {
      try withSession(seed: 7) { try write(fixture, to: "\(folder)/\(fixture.name)") }
    }
  }

  private func write(_ fixture: TrainedFixture, to folder: String) throws {
    let train = try fixture.data(fixture.samples, 1), validation = try fixture.data(256, 2), test = try fixture.data(16, 3)
    let model = try fixture.model()
    model.compile(optimizer: try Adam(learningRate: fixture.learningRate), loss: "sparse_categorical_crossentropy", metrics: ["accuracy"])
    let history = try model.fit(
      train.x, train.y, batchSize: 32, epochs: fixture.epochs, verbose: 0, validationData: (validation.x, validation.y), seed: 5)
    let accuracy = history["val_accuracy"].last ?? 0
    print("\(fixture.name): accuracy \(accuracy) of validation")
    guard accuracy > 0.8 else { throw TrainingFailure("\(fixture.name) has not learnt: accuracy \(accuracy)") }

    // A folder of an earlier run is replaced as a whole.
    let staged = try StagedOutput(destination: folder, replaceExisting: true, replacesAnyFolder: true)
    try FileSystem.createDirectory(staged.path)
    for format in ModelFormat.allCases {
      // TensorFlow.js has no GRU as Keras makes it by default.
      do { try model.save("\(staged.path)/\(Self.fileName(format))", format: format.rawValue) } catch let error as UnsupportedError {
        print("\(fixture.name): no \(format.rawValue): \(error.items.map(\.name).joined(separator: ", "))")
      }
    }
    let input = try StoredModel(path: "\(staged.path)/model.keras").inputNames[0]
    let output = try StoredModel(path: "\(staged.path)/model.keras").outputNames[0]
    try DataFile.write([(input, try test.x.array())], to: "\(staged.path)/inputs.npz")
    try DataFile.write([(output, try model.predict(test.x, verbose: 0).array())], to: "\(staged.path)/outputs.npz")
    try DataFile.write([(output, try test.y.array())], to: "\(staged.path)/targets.npz")
    try LearningCurves(history, title: fixture.name).save("\(staged.path)/curves.svg")
    try writeHistory(history, to: "\(staged.path)/history.json")
    if fixture.isQuantised { try quantise(staged.path, input, train.x) }
    try staged.commit()
  }

  private static func fileName(_ format: ModelFormat) -> String {
    switch format {
    case .keras, .h5, .onnx, .tflite: "model.\(format.rawValue)"
    case .savedmodel, .tfjsLayers, .tfjsGraph: "model-\(format.rawValue)"
    }
  }

  private func writeHistory(_ history: History, to path: String) throws {
    let names = history.history.keys.sorted()
    let lines = names.map { name in
      "\(JSONValue.string(name).text()): [\(history[name].map { JSONValue.finite($0).text() }.joined(separator: ", "))]"
    }
    let file = try OutputFile(creating: path)
    try file.append(Array(("{\n  " + lines.joined(separator: ",\n  ") + "\n}\n").utf8))
    try file.finish()
  }

  private func quantise(_ folder: String, _ input: String, _ samples: ModelTraining.Tensor) throws {
    let representative = "\(folder)/representative.npz"
    try DataFile.write([(input, try samples.array().slice(0..<64))], to: representative)
    defer { FileSystem.remove(representative) }
    var request = QuantizationRequest(QuantizationOptions(.int8))
    request.representative = representative
    var options = ConversionOptions(format: .tflite)
    options.quantization = request
    _ = try Converter(options: options).convert("\(folder)/model.keras", to: "\(folder)/model-int8.tflite")
  }
}

import ModelKit
import ModelTraining

/// Trains a model, saves it, and quantises it to 8-bit integers for TensorFlow Lite.
enum QuantisedModel {
  static func run(epochs: Int) throws -> Double {
    setRandomSeed(4)
    let data = try Spirals.make(1000)
    let model = try Sequential([Dense(32, activation: .relu), Dense(3, activation: .softmax)], inputShape: [2])
    model.compile(optimizer: "adam", loss: "sparse_categorical_crossentropy")
    try model.fit(data.x, data.y, epochs: epochs)

    let folder = try TemporaryFolder()
    try model.save(folder.file("model.keras"))
    try ModelTraining.Tensor.save(["x": data.x], npz: folder.file("samples.npz"))
    var request = QuantizationRequest(QuantizationOptions(.int8))
    request.representative = folder.file("samples.npz")
    var options = ConversionOptions()
    options.quantization = request
    let report = try Converter(options: options).convert(folder.file("model.keras"), to: folder.file("model.tflite"))
    print(report.text)

    // The share of samples that both put into the same class.
    let interpreter = try Interpreter(try FormatRegistry.open(folder.file("model.tflite")))
    try interpreter.resizeInput(0, to: data.x.shape)
    try interpreter.allocateTensors()
    try interpreter.setInput(0, try data.x.array())
    try interpreter.invoke()
    let quantised = try ModelTraining.Tensor(try interpreter.output(0)).argMax(axis: -1), float = try model.predict(data.x).argMax(axis: -1)
    return try (quantised .== float).cast(to: .float32).reduceMean().item()
  }
}

import Foundation
import ModelGraph
import ModelSupport
import ModelTensor
import TFJSFormat
import Testing

@Suite struct TFJSLayersWriterTests {
  private let values: [Float] = [0.25, -1.5, 3]

  private func source() throws -> (directory: ModelDirectory, model: Model) {
    let directory = try ModelDirectory(ModelDirectory.dense, shards: ["weights.bin": ModelDirectory.bytes(values)])
    return (directory, try TFJSLayersReader.read(directory.path))
  }

  @Test func whatIsWrittenIsReadAgain() throws {
    let (directory, model) = try source()
    let path = directory.parent + "/written"
    #expect(try TFJSLayersWriter.write(model, to: path).isEmpty)
    let file = try TFJSFile(path: path)
    #expect(file.document["format"] == "layers-model")
    #expect(file.document["userDefinedMetadata"]?["author"] == "ann")
    #expect(file.topology["keras_version"] == "2.15.0")
    #expect(try file.weights().map(\.entry.name) == ["dense_Dense1/kernel", "dense_Dense1/bias"])
    #expect(try file.weights().flatMap { try $0.floats() } == values)
    #expect(try TFJSLayersReader.read(file).mainGraph.outputs.map(\.name) == ["dense_Dense1"])
  }

  @Test func shardsSplitWeights() throws {
    let (directory, model) = try source()
    let path = directory.parent + "/written"
    try TFJSLayersWriter.write(model, to: path, options: TFJSWeightOptions(shardSize: 5))
    let file = try TFJSFile(path: path)
    #expect(file.shardPaths == ["group1-shard1of3.bin", "group1-shard2of3.bin", "group1-shard3of3.bin"])
    #expect(file.shardPaths.map { FileSystem.byteCount("\(path)/\($0)") } == [5, 5, 2])
    #expect(try file.weights().flatMap { try $0.floats() } == values)
  }

  /// Scales and minima as `tensorflowjs.quantization.quantize_weights` gives them for the same elements.
  @Test(arguments: [
    (DType.uint8, [Float](arrayLiteral: 0, -0.1, 1.2), 1.3 / 255, -20 * (1.3 / 255)), (.uint16, [1, 2, 5], 4.0 / 65535, 1.0),
    (.uint8, [3, 3, 3], 1.0, 3.0),
  ])
  func quantisation(_ dtype: DType, _ values: [Float], _ scale: Double, _ minimum: Double) throws {
    let tensor = Tensor(TensorType(.float32, [values.count]), source: MemorySource(ModelDirectory.bytes(values)))
    let found = try WeightQuantization(fitting: tensor, as: dtype, name: "x")
    #expect(abs(found.scale - scale) < 1e-7 * scale)
    #expect(abs(found.min - minimum) < 1e-7)
    let back = try found.rounded(tensor).array().doubles()
    for (a, b) in zip(back, values) { #expect(abs(a - Double(b)) <= found.scale / 2 + 1e-6) }
    if values.contains(0) { #expect(back[0] == 0) }
  }

  @Test func whatCanNotBeQuantised() throws {
    for (values, dtype) in [([Float.infinity, 0], DType.uint8), ([.nan], .uint16), ([70000], .float16)] {
      let tensor = Tensor(TensorType(.float32, [values.count]), source: MemorySource(ModelDirectory.bytes(values)))
      #expect(throws: UnsupportedError.self) { try WeightQuantization(fitting: tensor, as: dtype, name: "x") }
    }
  }

  @Test func whatTensorFlowJSHasNoLayerFor() throws {
    let text = ModelDirectory.dense.replacing(#""activation": "linear""#, with: #""activation": "exponential""#)
    let directory = try ModelDirectory(text, shards: ["weights.bin": ModelDirectory.bytes(values)])
    let path = directory.parent + "/written"
    let error = #expect(throws: UnsupportedError.self) { try TFJSLayersWriter.write(try TFJSLayersReader.read(directory.path), to: path) }
    #expect(error?.items.count == 1)
    #expect(error?.message.contains("tfjs-graph") == true)
    #expect(FileSystem.kind(path) == nil)
  }
}

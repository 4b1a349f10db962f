import ModelSupport
import TFJSFormat
import Testing

@Suite struct TFJSLayersReaderTests {
  @Test func whatTensorFlowJSItselfWrites() throws {
    let directory = try ModelDirectory(ModelDirectory.dense, shards: ["weights.bin": ModelDirectory.bytes([1, 2, 3])])
    let model = try TFJSLayersReader.read(directory.path)
    #expect(model.format == "tfjs-layers")
    #expect(model.mainGraph.outputs.map(\.name) == ["dense_Dense1"])
    #expect(model.parameters.map(\.tensor.extents) == [[2, 1], [1]])
    #expect(model.metadata["author"] == "ann")
    #expect(model.metadata["tags"] == "[1, 2]")
    #expect(try model.parameters[0].tensor.array().doubles() == [1, 2])
  }

  @Test func keysInTheSpellingOfJavaScript() throws {
    let text = ModelDirectory.dense.replacing("class_name", with: "className").replacing("batch_input_shape", with: "batchInputShape")
      .replacing("use_bias", with: "useBias")
    let directory = try ModelDirectory(text, shards: ["weights.bin": ModelDirectory.bytes([1, 2, 3])])
    #expect(try TFJSLayersReader.read(directory.path).parameters.count == 2)
  }

  @Test func weightsAreFoundByNameInAnyOrder() throws {
    let text = ModelDirectory.dense.replacing(#"{"name": "dense_Dense1/kernel", "shape": [2, 1], "dtype": "float32"}, "#, with: "")
      .replacing(
        #""shape": [1], "dtype": "float32"}]"#,
        with: #""shape": [1], "dtype": "float32"}, {"name": "dense_Dense1/kernel_1", "shape": [2, 1], "dtype": "float32"}]"#)
    let directory = try ModelDirectory(text, shards: ["weights.bin": ModelDirectory.bytes([3, 1, 2])])
    let model = try TFJSLayersReader.read(directory.path)
    #expect(try model.parameters.map { try $0.tensor.array().doubles() } == [[1, 2], [3]])
  }

  @Test(arguments: [
    ("dense_Dense1/bias", "dense_Dense1/offset"), ("dense_Dense1/bias", "other/bias"), (#""shape": [2, 1]"#, #""shape": [1, 2]"#),
  ])
  func weightsThatFitNoLayer(_ old: String, _ new: String) throws {
    let directory = try ModelDirectory(
      ModelDirectory.dense.replacing(old, with: new), shards: ["weights.bin": ModelDirectory.bytes([1, 2, 3])])
    let error = #expect(throws: FormatError.self) { try TFJSLayersReader.read(directory.path) }
    #expect(error?.location.file?.hasSuffix("model.json") == true)
  }
}

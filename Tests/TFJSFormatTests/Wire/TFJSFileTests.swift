import Foundation
import ModelSupport
import ModelTensor
import TFJSFormat
import Testing

@Suite struct TFJSFileTests {
  private func weights(_ manifest: String, _ shards: [String: [UInt8]] = [:]) throws -> [TFJSFile.Weight] {
    let directory = try ModelDirectory(ModelDirectory.document(manifest: manifest), shards: shards)
    return try TFJSFile(path: directory.path).weights().map {
      TFJSFile.Weight($0.entry, Tensor($0.tensor.type, source: try copy($0.tensor)))
    }
  }
  private func copy(_ tensor: Tensor) throws -> any ByteSource {
    tensor.source is StringSource ? tensor.source : MemorySource(try tensor.source.bytes())
  }

  @Test func aShardEndsInTheMiddleOfAWeight() throws {
    let bytes = ModelDirectory.bytes([1, 2, 3, 4, 5])
    let found = try weights(
      #"[{"paths": ["a", "b", "c"], "weights": [{"name": "x", "shape": [3], "dtype": "float32"}, {"name": "y", "shape": [2], "dtype": "float32"}]}]"#,
      ["a": Array(bytes[..<7]), "b": Array(bytes[7..<13]), "c": Array(bytes[13...])])
    #expect(try found.map { try $0.floats() } == [[1, 2, 3], [4, 5]])
    #expect(found.map(\.entry.name) == ["x", "y"])
  }

  @Test func weightsOfEveryType() throws {
    let found = try weights(
      """
      [{"paths": ["a"], "weights": [
        {"name": "s", "shape": [2], "dtype": "string"}, {"name": "i", "shape": [], "dtype": "int32"},
        {"name": "b", "shape": [2], "dtype": "bool"}, {"name": "e", "shape": [0, 3], "dtype": "float32"},
        {"name": "q", "shape": [3], "dtype": "float32", "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1}},
        {"name": "n", "shape": [2], "dtype": "int32", "quantization": {"dtype": "uint8", "scale": 0.5, "min": 0}},
        {"name": "w", "shape": [1], "dtype": "float32", "quantization": {"dtype": "uint16", "scale": 2, "min": 1}},
        {"name": "h", "shape": [2], "dtype": "float32", "quantization": {"dtype": "float16"}}]}]
      """,
      [
        "a": [2, 0, 0, 0, 65, 0xC3, 0, 0, 0, 0] + [7, 0, 0, 0] + [1, 0] + [0, 2, 255] + [3, 4] + [0x00, 0x80] + [0x00, 0x3C, 0x00, 0xC0]
      ])
    #expect((found[0].tensor.source as? StringSource)?.strings == [[65, 0xC3], []])
    #expect(try found[1].tensor.array().integers() == [7])
    #expect(try found[2].tensor.array().integers() == [1, 0])
    #expect(found[3].tensor.elementCount == 0)
    #expect(try found[4].floats() == [-1, 0, 126.5])
    #expect(try found[5].tensor.array().integers() == [2, 2])
    #expect(try found[6].floats() == [65537])
    #expect(try found[7].floats() == [1, -2])
  }

  @Test func weightsInTheDocumentItself() throws {
    let url = try weights(
      #"[{"paths": ["data:application/octet-stream;base64,AACAPw=="], "weights": [{"name": "x", "shape": [], "dtype": "float32"}]}]"#)
    #expect(try url[0].floats() == [1])
    let directory = try ModelDirectory(
      #"{"modelTopology": {"class_name": "Sequential"}, "weightSpecs": [{"name": "x", "shape": [1], "dtype": "float32"}], "weightData": "AAAAQA=="}"#
    )
    #expect(try TFJSFile(path: directory.path).weights()[0].floats() == [2])
  }

  @Test func partsOfQuantisedWeights() throws {
    let directory = try ModelDirectory(
      ModelDirectory.document(
        manifest:
          #"[{"paths": ["a"], "weights": [{"name": "x", "shape": [5], "dtype": "float32", "quantization": {"dtype": "uint16", "scale": 1, "min": 0}}]}]"#
      ),
      shards: ["a": [1, 0, 2, 0, 3, 0, 4, 0, 5, 0]])
    let source = try TFJSFile(path: directory.path).weights()[0].tensor.source
    let all = try source.bytes()
    for start in 0..<20 {
      for end in start...20 {
        try source.withBytes(in: start..<end) { #expect([UInt8]($0) == Array(all[start..<end])) }
      }
    }
    #expect(throws: FormatError.self) { try source.withBytes(in: 0..<21) { _ in } }
  }

  @Test(arguments: [
    (#"[{"paths": ["a"], "weights": [{"name": "x", "shape": [3], "dtype": "float32"}]}]"#, FormatError.Code.truncated),
    (#"[{"paths": ["a"], "weights": [{"name": "x", "shape": [1], "dtype": "float32"}]}]"#, .sizeMismatch),
    (#"[{"paths": ["a"], "weights": []}]"#, .sizeMismatch),
    (#"[{"paths": ["b"], "weights": [{"name": "x", "shape": [2], "dtype": "float32"}]}]"#, .missingReference),
    (#"[{"paths": ["../model/a"], "weights": [{"name": "x", "shape": [2], "dtype": "float32"}]}]"#, .pathEscape),
    (#"[{"paths": ["/etc/passwd"], "weights": []}]"#, .pathEscape),
    (#"[{"paths": [], "weights": [{"name": "x", "shape": [2], "dtype": "float32"}]}]"#, .truncated),
    (#"[{"paths": ["a"], "weights": [{"name": "x", "shape": [4294967296, 4294967296], "dtype": "float32"}]}]"#, .limitExceeded),
    (#"[{"paths": ["a"], "weights": [{"name": "x", "shape": [2000000000000], "dtype": "string"}]}]"#, .truncated),
    (#"[{"paths": ["a"], "weights": [{"name": "x", "shape": [1], "dtype": "string"}]}]"#, .truncated),
    (#"[{"paths": ["a"], "weights": [{"name": "x", "shape": [-2], "dtype": "float32"}]}]"#, .invalidStructure),
    (#"[{"paths": ["a"], "weights": [{"name": "x", "shape": [2], "dtype": "float31"}]}]"#, .invalidValue),
    (
      #"[{"paths": ["a"], "weights": [{"name": "x", "shape": [8], "dtype": "float32", "quantization": {"dtype": "uint8"}}]}]"#,
      .invalidValue
    ),
    (
      #"[{"paths": ["a"], "weights": [{"name": "x", "shape": [8], "dtype": "bool", "quantization": {"dtype": "uint8", "scale": 1, "min": 0}}]}]"#,
      .invalidValue
    ),
    (#"{"paths": []}"#, .invalidStructure),
    (#"[{"paths": ["data:x;base64,?"], "weights": []}]"#, .invalidValue),
  ])
  func damageHasAName(_ manifest: String, _ code: FormatError.Code) throws {
    let error = #expect(throws: FormatError.self) { try weights(manifest, ["a": [255, 255, 255, 255, 0, 0, 0, 0]]) }
    #expect(error?.code == code)
    #expect(error?.location.file != nil)
    #expect(error?.location.path.first == "weightsManifest")
  }

  @Test func whatIsNoModel() throws {
    for text in [
      "{}", "[]", #"{"modelTopology": {}}"#, #"{"modelTopology": 3, "format": "layers-model"}"#, String(repeating: "[", count: 1000),
    ] {
      let directory = try ModelDirectory(text)
      #expect(throws: FormatError.self) { try TFJSFile(path: directory.path) }
    }
    #expect(throws: StorageError.self) { try TFJSFile(path: "/nowhere") }
  }
}

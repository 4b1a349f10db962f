import Foundation
import ModelGraph
import ModelSupport
import TFJSFormat
import Testing

/// Every directory of `fixtures/malformed/tfjs` gives the error that `expected.json` names; the sound ones give none.
@Suite("Malformed models of TensorFlow.js") struct MalformedTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var file: String, code: String, message: String
    var testDescription: String { file }
  }
  static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("fixtures/malformed/tfjs")
  static let cases: [Case] = {
    guard let data = try? Data(contentsOf: directory.appendingPathComponent("expected.json")),
      let list = try? JSONValue(parsing: [UInt8](data)).arrayValue
    else { return [] }
    return list.map { item in
      func text(_ key: String) -> String { item[key]?.stringValue ?? "" }
      return Case(file: text("file"), code: text("code"), message: text("message"))
    }
  }()

  /// Reads the model and the elements of its weights.
  static func read(_ path: String) throws {
    let file = try TFJSFile(path: path)
    let model = file.kind == .graphModel ? try TFJSGraphReader.read(file) : try TFJSLayersReader.read(file)
    for id in model.parameterIDs { _ = try model[id].tensor.array() }
    for graph in model.graphs.values {
      for value in graph.valueIDs { _ = try graph.constant(value)?.array() }
    }
  }

  @Test func thereAreCases() { #expect(Self.cases.count > 65) }

  @Test(arguments: cases) func failsClearly(_ given: Case) throws {
    let path = Self.directory.appendingPathComponent(given.file).path
    var code = "", message = ""
    do { try Self.read(path) } catch let error as FormatError {
      (code, message) = (error.code.rawValue, error.description)
      #expect(message.contains(given.file), "\(message)")
    }
    if given.code == "*" { #expect(!code.isEmpty, "read without an error") } else { #expect(code == given.code, "\(message)") }
    #expect(given.message.isEmpty || message.contains(given.message), "\(message)")
  }
}

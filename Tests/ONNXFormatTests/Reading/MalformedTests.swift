import Foundation
import ModelGraph
import ModelSupport
import ONNXFormat
import Testing

/// Every file of `fixtures/malformed/onnx` gives the error that `expected.json` names.
@Suite struct MalformedTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var file: String, code: String, message: String, reads: String
    var testDescription: String { file }
  }
  static let directory = Fixtures.root.appendingPathComponent("malformed/onnx")
  static let cases: [Case] = {
    guard let data = try? Data(contentsOf: directory.appendingPathComponent("expected.json")),
      let list = try? JSONValue(parsing: [UInt8](data)).arrayValue
    else { return [] }
    return list.map { item in
      func text(_ key: String) -> String { item[key]?.stringValue ?? "" }
      return Case(file: text("file"), code: text("code"), message: text("message"), reads: text("reads"))
    }
  }()

  @Test func thereAreCases() { #expect(Self.cases.count > 60) }

  @Test(arguments: cases) func failsClearly(_ given: Case) throws {
    let path = Self.directory.appendingPathComponent(given.file).path
    var code = "", message = ""
    do {
      let model = try ONNXReader.read(path)
      if given.reads == "weights" {
        for id in model.parameterIDs { _ = try model[id].tensor.array().doubles() }
        let graph = model.mainGraph
        for value in graph.valueIDs { _ = try graph.constant(value)?.array() }
      }
    } catch let error as FormatError {
      (code, message) = (error.code.rawValue, error.description)
    } catch let error as StorageError { (code, message) = (error.code.rawValue, error.description) }
    #expect(!code.isEmpty, "read without an error")
    if given.code != "*" { #expect(code == given.code, "\(message)") }
    #expect(given.message.isEmpty || message.contains(given.message), "\(message)")
  }
}

import Foundation
import ModelSupport
import Testing

@testable import TFLiteFormat

/// Every file of `fixtures/malformed/tflite` gives the error that `expected.json` names.
@Suite("Malformed TFLite files") struct MalformedTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var file: String, code: String, message: String, reads: String
    var testDescription: String { file }
  }
  static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("fixtures")
  static let directory = fixtures.appendingPathComponent("malformed/tflite")
  static let cases: [Case] = {
    guard let data = try? Data(contentsOf: directory.appendingPathComponent("expected.json")),
      let list = try? JSONValue(parsing: [UInt8](data)).arrayValue
    else { return [] }
    return list.map { item in
      func text(_ key: String) -> String { item[key]?.stringValue ?? "" }
      return Case(file: text("file"), code: text("code"), message: text("message"), reads: text("reads"))
    }
  }()

  /// Reads types and values of all tensors.
  static func readEverything(_ file: TFLiteFile) throws {
    for (number, subgraph) in file.subgraphs.enumerated() {
      for index in (subgraph.tensors ?? []).indices {
        _ = try file.tensorType(index, subgraph: number)
        _ = try file.tensor(index, subgraph: number)?.array()
      }
    }
  }

  @Test func thereAreCases() { #expect(Self.cases.count > 70) }

  @Test(arguments: cases) func failsClearly(_ given: Case) throws {
    let path = Self.directory.appendingPathComponent(given.file).path
    var code = "", message = ""
    do {
      let file = try TFLiteFile(path: path)
      if given.reads == "values" { try Self.readEverything(file) }
    } catch let error as FormatError {
      (code, message) = (error.code.rawValue, error.description)
      #expect(message.contains(given.file), "\(message)")
    } catch let error as StorageError { (code, message) = (error.code.rawValue, error.description) }
    #expect(!code.isEmpty, "read without an error")
    if given.code != "*" { #expect(code == given.code, "\(message)") }
    #expect(given.message.isEmpty || message.contains(given.message), "\(message)")
  }
}

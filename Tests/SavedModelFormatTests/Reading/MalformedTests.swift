import Foundation
import ModelGraph
import ModelSupport
import SavedModelFormat
import Testing

/// Every directory of `fixtures/malformed/savedmodel` gives the error that `expected.json` names; the sound ones give none.
@Suite("Malformed SavedModels") struct MalformedTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var file: String, code: String, message: String, reads: String
    var testDescription: String { file }
  }
  static let directory = Fixtures.root.appendingPathComponent("malformed/savedmodel")
  static let cases: [Case] = {
    guard let data = try? Data(contentsOf: directory.appendingPathComponent("expected.json")),
      let list = try? JSONValue(parsing: [UInt8](data)).arrayValue
    else { return [] }
    return list.map { item in
      func text(_ key: String) -> String { item[key]?.stringValue ?? "" }
      return Case(file: text("file"), code: text("code"), message: text("message"), reads: text("reads"))
    }
  }()

  /// Reads the model, and the elements of its weights where `weights` says so.
  static func read(_ path: String, weights: Bool = true) throws {
    let model = try SavedModelReader.read(path)
    guard weights else { return }
    for id in model.parameterIDs { _ = try model[id].tensor.array() }
  }

  @Test func thereAreCases() { #expect(Self.cases.count > 70) }

  @Test(arguments: cases) func failsClearly(_ given: Case) throws {
    let path = Self.directory.appendingPathComponent(given.file).path
    var code = "", message = ""
    do { try Self.read(path, weights: given.reads == "weights") } catch let error as FormatError {
      (code, message) = (error.code.rawValue, error.description)
      #expect(message.contains(given.file), "\(message)")
    }
    if given.code == "*" { #expect(!code.isEmpty, "read without an error") } else { #expect(code == given.code, "\(message)") }
    #expect(given.message.isEmpty || message.contains(given.message), "\(message)")
  }
}

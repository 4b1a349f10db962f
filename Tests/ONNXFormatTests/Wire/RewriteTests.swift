import Foundation
import ModelSupport
import ONNXFormat
import ProtobufWire
import Testing

/// Reads and rewrites every model below the directories named in `MODEL_DIRECTORIES` (colons between
/// them). A rewrite that is not byte-identical is stored in `REWRITE_OUTPUT`, for another library to
/// compare. Without the variables there is nothing to do: `OwnModels` covers what needs no files.
@Suite struct RewriteTests {
  static let directories = (ProcessInfo.processInfo.environment["MODEL_DIRECTORIES"] ?? "")
    .split(separator: ":").map(String.init)

  @Test(.enabled(if: !directories.isEmpty)) func rewritesAreExact() throws {
    var total = 0, differing: [String] = []
    for directory in Self.directories {
      let paths = FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []
      for path in paths.sorted() where path.hasSuffix(".onnx") {
        let full = "\(directory)/\(path)"
        total += 1
        do {
          let file = try ONNXFile(path: full)
          let original = try Data(contentsOf: URL(fileURLWithPath: full))
          #expect(ONNXFile.matches(try MappedFile(path: full)), "\(path)")
          let rewritten = Data(try file.model.encoded())
          if rewritten != original {
            differing.append(full)
            if let output = ProcessInfo.processInfo.environment["REWRITE_OUTPUT"] {
              try rewritten.write(to: URL(fileURLWithPath: "\(output)/\(differing.count).onnx"))
            }
          }
          for tensor in file.graph.initializer where tensor.dataLocation != .external {
            #expect(throws: Never.self, "\(path)") { try tensor.tensor(file.files).array() }
          }
        } catch { Issue.record("\(path): \(error)") }
      }
    }
    print("\(total) models, \(differing.count) not byte-identical")
    for path in differing { print("  \(path)") }
    #expect(total > 0)
  }
}

import Foundation
import ModelSupport

/// Files under `fixtures/`.
enum Fixtures {
  static func path(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("fixtures").appendingPathComponent(name).path
  }
}

/// A file that is gone at the end of the test.
final class TemporaryFile {
  let path: String
  init(_ suffix: String) {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).\(suffix)").path
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }
}

func hasCode(_ code: FormatError.Code) -> (any Error) -> Bool {
  { ($0 as? FormatError)?.code == code }
}

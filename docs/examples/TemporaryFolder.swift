import Foundation

/// A folder that is gone with its last user.
final class TemporaryFolder {
  private let url = FileManager.default.temporaryDirectory.appendingPathComponent("example-\(UUID().uuidString)")
  init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: url) }
  func file(_ name: String) -> String { url.appendingPathComponent(name).path }
}

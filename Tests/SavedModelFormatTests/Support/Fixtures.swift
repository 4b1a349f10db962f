import Foundation
import ModelSupport
import ModelTensor

/// Files of the repository, and new directories.
enum Fixtures {
  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  static let root = repository.appendingPathComponent("fixtures")

  /// Calls `body` with a new directory, which is gone afterwards.
  static func withDirectory<R>(_ body: (String) throws -> R) throws -> R {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("savedmodel-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: path) }
    return try body(path.path)
  }

  static func bytes(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }
  static func write(_ bytes: [UInt8], to path: String) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }
}

/// The code of the `FormatError` that `body` throws; `nil` when it throws none.
func code(_ body: () throws -> Void) -> FormatError.Code? {
  do { try body() } catch let error as FormatError { return error.code } catch {}
  return nil
}

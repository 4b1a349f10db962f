import Foundation
import ModelGraph
import ModelSupport
import ONNXFormat

/// Files of `fixtures/`.
enum Fixtures {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("fixtures")

  static func structure(_ name: String) -> String { root.appendingPathComponent("onnx/structures/\(name).onnx").path }

  /// Every sound ONNX model there, as paths.
  static let models: [String] = {
    let base = root.appendingPathComponent("onnx")
    let all = FileManager.default.enumerator(atPath: base.path)?.compactMap { $0 as? String } ?? []
    return all.filter { $0.hasSuffix(".onnx") }.sorted().map { base.appendingPathComponent($0).path }
  }()

  /// Calls `body` with a new directory, which is gone afterwards.
  static func withDirectory<R>(_ body: (String) throws -> R) throws -> R {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("onnx-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: path) }
    return try body(path.path)
  }
}

extension Graph {
  /// The names of the ops in order.
  var ops: [String] { nodeIDs.map { self[$0].op.displayName } }
  func node(_ name: String) -> Node? { nodeIDs.map { self[$0] }.first { $0.name == name } }
}

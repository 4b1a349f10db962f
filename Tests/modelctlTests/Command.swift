import Foundation
import ModelSupport
import Testing

/// Runs the built binary the way a user does.
struct Command {
  let code: Int32
  let output: String
  let errors: String

  init(_ arguments: String..., in directory: String? = nil) throws { try self.init(arguments, in: directory) }

  /// With at most 8 GB of address space and 60 seconds of processor time.
  init(limited arguments: [String]) throws { try self.init(arguments, isLimited: true) }

  /// Starts the binary and does not wait for it.
  static func start(_ arguments: String...) throws -> Process {
    guard let binary = find("modelctl") else { throw NotBuilt() }
    let process = Process()
    process.executableURL = binary
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    return process
  }

  /// Another program of the package.
  init(program: String, _ arguments: [String]) throws { try self.init(arguments, program: program) }

  init(_ arguments: [String], in directory: String? = nil, isLimited: Bool = false, program: String = "modelctl") throws {
    guard let binary = Self.find(program) else { throw NotBuilt() }
    let process = Process()
    process.executableURL = isLimited ? URL(fileURLWithPath: "/bin/sh") : binary
    process.arguments = isLimited ? ["-c", "ulimit -v 8000000; ulimit -t 60; exec \"$0\" \"$@\"", binary.path] + arguments : arguments
    if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
    let output = Pipe(), errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
    // Errors are short; the pipe of the output is the one that can fill up.
    self.output = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    self.errors = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    code = process.terminationStatus
  }

  struct NotBuilt: Error {}

  var json: JSONValue { get throws { try JSONValue(parsing: output) } }

  /// Beside the test bundle, wherever the build directory is.
  private static func find(_ program: String) -> URL? {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let candidates = [
      Bundle.main.executableURL?.deletingLastPathComponent(), Bundle.main.bundleURL.deletingLastPathComponent(),
      root.appendingPathComponent(".build/debug"), root.appendingPathComponent(".build/release"),
    ]
    return candidates.compactMap { $0?.appendingPathComponent(program) }.first {
      FileManager.default.isExecutableFile(atPath: $0.path)
    }
  }
}

/// A directory that is gone when the test ends.
final class Scratch {
  let path: String
  init() throws {
    path = NSTemporaryDirectory() + "modelctl-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }
  @discardableResult
  func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
    return file(name)
  }
  var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? [] }
}

import Foundation
import ModelSupport
import Testing

@Suite struct StagedOutputTests {
  private func scratch() throws -> String {
    let path = NSTemporaryDirectory() + "/staged-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  @Test func aFolderWithoutAModelStays() throws {
    let folder = try scratch()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try "kept".write(toFile: folder + "/notes.txt", atomically: true, encoding: .utf8)
    let error = #expect(throws: StorageError.self) { try StagedOutput(destination: folder, replaceExisting: true) }
    #expect(error?.code == .cannotCreate)
    #expect(try String(contentsOfFile: folder + "/notes.txt", encoding: .utf8) == "kept")
  }

  @Test func aModelsFolderIsReplacedByAFolderOnly() throws {
    let folder = try scratch()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let model = folder + "/model"
    try FileManager.default.createDirectory(atPath: model, withIntermediateDirectories: true)
    try "old".write(toFile: model + "/saved_model.pb", atomically: true, encoding: .utf8)
    let file = try AtomicOutput(destination: model, replaceExisting: true)
    try "file".write(toFile: file.temporaryPath, atomically: true, encoding: .utf8)
    #expect(throws: StorageError.self) { try file.commit() }
    let staged = try StagedOutput(destination: model, replaceExisting: true)
    try FileManager.default.createDirectory(atPath: staged.path, withIntermediateDirectories: true)
    try "new".write(toFile: staged.path + "/saved_model.pb", atomically: true, encoding: .utf8)
    try staged.commit()
    #expect(try String(contentsOfFile: model + "/saved_model.pb", encoding: .utf8) == "new")
  }
}

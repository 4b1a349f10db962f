import Foundation
import Testing

/// `modelbench fixtures` gives the same bytes twice.
@Suite struct TrainedFixtureTests {
  @Test func twiceTheSameBytes() throws {
    let scratch = try Scratch()
    for folder in ["a", "b"] {
      let result = try Command(program: "modelbench", ["fixtures", scratch.file(folder), "--only", "mlp"])
      try #require(result.code == 0, "\(result.errors)")
    }
    let files = try FileManager.default.subpathsOfDirectory(atPath: scratch.file("a")).sorted()
    #expect(files.count > 15)
    #expect(try files == FileManager.default.subpathsOfDirectory(atPath: scratch.file("b")).sorted())
    for file in files {
      #expect(FileManager.default.contentsEqual(atPath: "\(scratch.file("a"))/\(file)", andPath: "\(scratch.file("b"))/\(file)"), "\(file)")
    }
  }
}

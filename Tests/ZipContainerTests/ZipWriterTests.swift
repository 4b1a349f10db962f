import Foundation
import ModelSupport
import Testing
import ZipContainer

@Suite struct ZipWriterTests {
  /// Bytes that neither repeat at once nor compress well.
  let noise: [UInt8] = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* $0 &* 2_654_435_761 >> 7) }

  func write(to path: String) throws {
    let writer = try ZipWriter(path: path)
    try writer.add("config.json", Array("{\"a\": 1}".utf8))
    try writer.add("weights", MemorySource(noise))
    try writer.add("text", Array(String(repeating: "abc", count: 100_000).utf8), method: .deflated)
    try writer.add("noise", MemorySource(noise), method: .deflated)
    try writer.add("ünïcode", CompositeSource([MemorySource([1, 2]), MemorySource([3])]))
    try writer.add("empty", [], method: .deflated)
    try writer.finish()
  }

  @Test func readsWhatItWrote() throws {
    let file = TemporaryFile()
    try write(to: file.path)
    let archive = try ZipArchive(path: file.path)
    #expect(archive.entries.map(\.name) == ["config.json", "weights", "text", "noise", "ünïcode", "empty"])
    #expect(try archive.source("config.json")?.bytes() == Array("{\"a\": 1}".utf8))
    let weights = try #require(try archive.source("weights"))
    #expect(try weights.bytes() == noise)
    #expect((weights.extent?.range.lowerBound ?? 1) % ZipWriter.alignment == 0)
    #expect(try archive.source("text")?.bytes() == Array(String(repeating: "abc", count: 100_000).utf8))
    #expect((archive["text"]?.compressedSize ?? .max) < 1000)
    #expect(try archive.source("noise")?.bytes() == noise)
    #expect(try archive.source("ünïcode")?.bytes() == [1, 2, 3])
    #expect(try archive.source("empty")?.bytes() == [])
  }

  @Test func writesTheSameBytesAgain() throws {
    let first = TemporaryFile(), second = TemporaryFile()
    try write(to: first.path)
    try write(to: second.path)
    #expect(try Data(contentsOf: URL(fileURLWithPath: first.path)) == Data(contentsOf: URL(fileURLWithPath: second.path)))
  }

  @Test func refusesNamesThatLeadOutsideOrRepeat() throws {
    let file = TemporaryFile()
    let writer = try ZipWriter(path: file.path)
    try writer.add("a", [1])
    for name in ["a", "../x", "/abs", "b/../../c", ""] {
      #expect(throws: FormatError.self, "\(name)") { try writer.add(name, [1]) }
    }
  }
}

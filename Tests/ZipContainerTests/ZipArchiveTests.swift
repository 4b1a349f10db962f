import Foundation
import ModelSupport
import Testing
import ZipContainer

/// Archives that Python's zipfile made: `fixtures/zip/generate.py`.
@Suite struct ZipArchiveTests {
  @Test func readsStoredAndDeflatedEntries() throws {
    let archive = try ZipArchive(path: Fixtures.path("zip/mixed.zip"))
    #expect(archive.entries.map(\.name) == ["stored.bin", "deflated.txt", "folder/", "folder/äöü.json", "empty"])
    let stored = try #require(try archive.source("stored.bin"))
    #expect(stored.extent != nil)
    #expect(try stored.bytes() == (0..<1024).map { UInt8($0 % 256) })
    let deflated = try #require(try archive.source("deflated.txt"))
    #expect(archive["deflated.txt"]?.isStored == false)
    #expect(try deflated.bytes() == Array(String(repeating: "hello ", count: 500).utf8))
    #expect(try archive.source("folder/äöü.json")?.bytes() == Array("{}".utf8))
    #expect(try archive.source("empty")?.byteCount == 0)
    #expect(try archive.source("absent") == nil)
  }

  @Test func readsWideEntries() throws {
    let archive = try ZipArchive(path: Fixtures.path("zip/wide.zip"))
    #expect(try archive.source("wide.bin")?.bytes() == Array(String(repeating: "wide", count: 10).utf8))
  }

  @Test func refusesOtherFiles() throws {
    #expect { try ZipArchive(path: Fixtures.path("zip/generate.py")) } throws: { hasCode(.unrecognized)($0) }
    #expect { try ZipArchive(path: "/nowhere/x.zip") } throws: { $0 is StorageError }
  }
}

import ModelSupport
import Testing

@testable import SavedModelFormat

@Suite struct SortedTableTests {
  private func table(_ count: Int, size: Int = 3) -> [SortedTable.Entry] {
    var entries: [SortedTable.Entry] = [([], [1])]
    for index in 0..<count {
      let digits = String(index), name = "layer/" + String(repeating: "0", count: 6 - digits.count) + digits
      entries.append((Array(name.utf8), [UInt8](repeating: UInt8(index % 251), count: size)))
    }
    return entries
  }
  private func read(_ bytes: [UInt8]) throws -> [SortedTable.Entry] {
    try Fixtures.withDirectory { directory in
      try Fixtures.write(bytes, to: directory + "/t")
      return try SortedTable(reading: MappedFile(path: directory + "/t")).entries
    }
  }
  private func written(_ entries: [SortedTable.Entry]) throws -> [UInt8] {
    try Fixtures.withDirectory { directory in
      try SortedTable.write(entries, to: directory + "/t")
      return try Fixtures.bytes(directory + "/t")
    }
  }

  @Test(arguments: [0, 1, 15, 16, 17, 1000]) func whatIsWrittenReads(_ count: Int) throws {
    let entries = table(count), found = try read(written(entries))
    #expect(found.map(\.key) == entries.map(\.key))
    #expect(found.map(\.value) == entries.map(\.value))
  }

  @Test func severalBlocks() throws {
    let entries = table(3000, size: 500), bytes = try written(entries)
    #expect(bytes.count > 1_000_000)
    #expect(try read(bytes).map(\.value) == entries.map(\.value))
  }

  @Test func damageIsNoticed() throws {
    let bytes = try written(table(40))
    for (place, expected) in [(3, FormatError.Code.invalidValue), (bytes.count - 1, .invalidStructure), (bytes.count - 48, .sizeMismatch)] {
      var damaged = bytes
      damaged[place] ^= 0xff
      let found = code { _ = try read(damaged) }
      #expect(found != nil, "byte \(place)")
      if place != bytes.count - 48 { #expect(found == expected) }
    }
    #expect(code { _ = try read(Array(bytes.prefix(20))) } == .truncated)
    #expect(code { _ = try read(Array(bytes.dropFirst(7))) } != nil)
  }

  /// A byte of a run, then one that copies what overlaps itself.
  @Test func snappy() throws {
    func plain(_ bytes: [UInt8], limit: Int = 1000) throws -> [UInt8] {
      try bytes.withUnsafeBytes { try Snappy.decompress($0, limit: limit) }
    }
    #expect(try plain([5, 0, 65, 1, 1]) == [UInt8](repeating: 65, count: 5))
    #expect(try plain([6, 8, 65, 66, 67, 0b1010, 3, 0]) == Array("ABCABC".utf8))
    #expect(code { _ = try plain([5, 0, 65, 1, 2]) } == .invalidStructure)
    #expect(code { _ = try plain([5, 0, 65]) } == .invalidStructure)
    #expect(code { _ = try plain([0xff, 0xff, 0xff, 0xff, 7, 0, 65]) } == .limitExceeded)
    #expect(code { _ = try plain([200, 1, 0, 65]) } == .sizeMismatch)
    #expect(code { _ = try plain([5, 0xfc, 0xff, 0xff, 0xff, 0xff]) } == .invalidStructure)
  }
}

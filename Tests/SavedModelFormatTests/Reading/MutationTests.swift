import Foundation
import ModelSupport
import Testing

@testable import SavedModelFormat

/// A small SavedModel with bytes of its files changed: read or refused, quickly and without a crash. The same seeds every time.
@Suite("Mutated SavedModels") struct MutationTests {
  /// A generator with the same numbers every time.
  struct Numbers {
    var state: UInt64
    init(seed: Int) { state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1 }
    mutating func next(_ bound: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(max(1, bound)))
    }

    /// One to four bytes overwritten, or the end cut off.
    mutating func mutate(_ bytes: [UInt8]) -> [UInt8] {
      var bytes = bytes
      if next(16) == 0 { return Array(bytes.prefix(next(bytes.count))) }
      for _ in 0...next(4) where !bytes.isEmpty {
        let place = next(bytes.count)
        switch next(4) {
        case 0: bytes[place] = UInt8(next(256))
        case 1: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF][next(5)]
        case 2: bytes[place] ^= 1 << UInt8(next(8))
        default: bytes[place] &+= next(2) == 0 ? 1 : 255
        }
      }
      return bytes
    }
  }

  private static let index = "variables/variables.index", data = "variables/variables.data-00000-of-00001"

  /// Runs `count` mutations of the model `name`; `change` makes the new files in the directory.
  private func endWell(_ name: String, _ count: Int, _ change: (inout Numbers, _ from: String, _ to: String) throws -> Void) throws {
    let source = MalformedTests.directory.appendingPathComponent(name).path
    var read = 0, refused = 0, slowest = Duration.zero
    try Fixtures.withDirectory { directory in
      try FileManager.default.createDirectory(atPath: directory + "/variables", withIntermediateDirectories: true)
      for seed in 1...count {
        for file in ["saved_model.pb", Self.index, Self.data] {
          try Fixtures.write(try Fixtures.bytes("\(source)/\(file)"), to: "\(directory)/\(file)")
        }
        var numbers = Numbers(seed: seed)
        try change(&numbers, source, directory)
        let start = ContinuousClock.now
        do {
          try MalformedTests.read(directory)
          read += 1
        } catch {
          // What a graph can't be made of names itself, too.
          #expect(!"\(error)".isEmpty, "seed \(seed)")
          refused += 1
        }
        slowest = max(slowest, ContinuousClock.now - start)
      }
    }
    #expect(read > 0 && refused > count / 20, "\(read) read, \(refused) refused")
    #expect(slowest < .seconds(20))
  }

  @Test func graphs() throws {
    try endWell("sound", 500) { numbers, source, directory in
      try Fixtures.write(numbers.mutate(try Fixtures.bytes(source + "/saved_model.pb")), to: directory + "/saved_model.pb")
    }
  }

  /// Bytes of the index as they stand: most changes are found by a checksum.
  @Test func indexFiles() throws {
    try endWell("sound", 150) { numbers, source, directory in
      let file = numbers.next(8) == 0 ? Self.data : Self.index
      try Fixtures.write(numbers.mutate(try Fixtures.bytes("\(source)/\(file)")), to: "\(directory)/\(file)")
    }
  }

  /// What the index says, under sound checksums.
  @Test(arguments: ["sound", "parts-sound"]) func indexEntries(_ name: String) throws {
    try endWell(name, 250) { numbers, source, directory in
      var entries = try SortedTable(reading: MappedFile(path: "\(source)/\(Self.index)")).entries
      let place = numbers.next(entries.count)
      entries[place].value = numbers.mutate(entries[place].value)
      try SortedTable.write(entries, to: "\(directory)/\(Self.index)")
    }
  }
}

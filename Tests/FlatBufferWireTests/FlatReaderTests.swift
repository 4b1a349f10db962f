import FlatBufferWire
import ModelSupport
import Testing

/// A table with a field of every kind, and itself inside.
struct Sample: FlatTable {
  var flag = false
  var count: Int32 = 7
  var wide: UInt64 = 0
  var ratio: Float = 0
  var name: String?
  var words: [String]?
  var numbers: [Int64]?
  var data: FlatBytes?
  var children: [Sample]?
  var choice = Choice.none
  var unknownFields: [Int] = []

  static let tableName = "Sample"
  static let table = FlatFieldTable<Sample>(rows)
  private static let rows: [FlatField<Sample>] = [
    .scalar(0, "flag", \.flag, false),
    .scalar(1, "count", \.count, 7),
    .scalar(2, "wide", \.wide, 0),
    .scalar(3, "ratio", \.ratio, 0),
    .string(4, "name", \.name),
    .strings(5, "words", \.words),
    .scalars(6, "numbers", \.numbers),
    .bytes(7, "data", \.data, alignment: 16),
    .tables(8, "children", \.children),
    .union(10, "choice", \.choice),
  ]
}

indirect enum Choice: FlatUnion {
  case none
  case sample(Sample)
  case unknown(type: UInt8)
  static func read(_ type: UInt8, at position: Int, _ reader: inout FlatReader) throws -> Choice {
    switch type {
    case 1: .sample(try reader.table(at: position))
    default: .unknown(type: type)
    }
  }
  var type: UInt8 {
    switch self {
    case .none: 0
    case .sample: 1
    case .unknown(let type): type
    }
  }
  var content: (any FlatTable)? { if case .sample(let table) = self { table } else { nil } }
}

@Suite("FlatBuffers reader") struct FlatReaderTests {
  static func sample() -> Sample {
    var inner = Sample()
    inner.name = "inner"
    inner.numbers = [1, -2, .max]
    var sample = Sample()
    sample.flag = true
    sample.count = -3
    sample.wide = .max
    sample.ratio = 0.5
    sample.name = "grüß"
    sample.words = ["", "zwei"]
    sample.numbers = []
    sample.data = FlatBytes([1, 2, 3])
    sample.children = [inner, Sample()]
    sample.choice = .sample(inner)
    return sample
  }

  @Test func whatWasWrittenIsReadAlike() throws {
    let bytes = try FlatBuilder.build(Self.sample(), identifier: "SMPL").bytes()
    #expect(try Sample(reading: bytes) == Self.sample())
    #expect(Array(bytes[4..<8]) == Array("SMPL".utf8))
  }

  @Test func sameTablesGiveSameBytes() throws {
    #expect(try FlatBuilder.build(Self.sample()).bytes() == FlatBuilder.build(Self.sample()).bytes())
  }

  /// Cut anywhere, the bytes are refused or read as far as what is left allows; nothing traps.
  @Test func cutBytesAreRefused() throws {
    let bytes = try FlatBuilder.build(Self.sample()).bytes()
    for end in 0..<bytes.count {
      #expect(throws: FormatError.self, "\(end) bytes") { try Sample(reading: Array(bytes[..<end])) }
    }
  }

  /// Slots that the struct has no field for.
  @Test func unknownFieldsAreCounted() throws {
    let bytes = try FlatBuilder.build(Self.sample()).bytes()
    let few = try FlatContents<Few>(reading: MemorySource(bytes))
    #expect(few.root.flag && few.root.unknownFields == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    #expect(few.unknownFieldCount == 10)
    let all = try FlatContents<Sample>(reading: MemorySource(bytes + [1, 2, 3, 4]))
    #expect(all.unknownFieldCount == 0 && all.end == bytes.count)
  }

  @Test func tablesNestToALimit() throws {
    var limits = FlatLimits()
    limits.depth = 2
    var outer = Sample(), middle = Sample()
    middle.children = [Sample()]
    outer.children = [middle]
    let deep = try FlatBuilder.build(outer).bytes()
    #expect(throws: FormatError.self) { try Sample(reading: deep, limits: limits) }
    #expect(try Sample(reading: deep) == outer)
  }

  @Test func errorsNameTheField() throws {
    var bytes = try FlatBuilder.build(Self.sample()).bytes()
    let place = try #require(bytes.indices.first { bytes[$0...].starts(with: Array("inner".utf8)) })
    bytes[place] = 0xFF
    let error = #expect(throws: FormatError.self) { try Sample(reading: bytes) }
    #expect(error?.location.path == ["children[0]", "name"] && error?.location.offset == place)
  }
}

/// The first field of `Sample` alone.
struct Few: FlatTable {
  var flag = false
  var unknownFields: [Int] = []
  static let tableName = "Few"
  static let table = FlatFieldTable<Few>([.scalar(0, "flag", \.flag, false)])
}

/// Vectors of bytes stay where they are when they are read; written again, each table that shares one would have its own.
@Test func sharedBytesAreCounted() throws {
  var sample = Sample()
  sample.children = [Sample](repeating: Sample(), count: 99)
  sample.children?[0].data = FlatBytes([UInt8](repeating: 1, count: 60_000))
  var bytes = try FlatBuilder.build(sample).bytes()
  #expect(try Sample(reading: bytes).children?.count == 99)
  func word(_ place: Int) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) } }
  let vector = try #require((0..<1000).first { word($0) == 99 })
  let first = vector + 4 + word(vector + 4)
  for child in 1..<99 {
    let place = vector + 4 + 4 * child, offset = first - place
    for index in 0..<4 { bytes[place + index] = UInt8(truncatingIfNeeded: offset >> (8 * index)) }
  }
  let error = #expect(throws: FormatError.self) { try Sample(reading: bytes) }
  #expect(error?.code == .limitExceeded)
}

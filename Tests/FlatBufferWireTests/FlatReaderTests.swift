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
}

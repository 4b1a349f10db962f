import ModelSupport
import ProtobufWire
import Testing

@Suite struct TextTests {
  struct Item: ProtoMessage {
    var name: String?, data: WireBytes?, count: Int64?, signed: Int64?, bits: UInt32?, flag: Bool?
    var ratio: Float?, numbers: [Int64] = [], kind: Kind?, inner: [Item] = [], map: [Entry] = []
    var unknownFields = PackedValues()
    init() {}
    static let messageName = "Item"
    static let table = FieldTable<Self>([
      .string(1, "name", \.name), .bytes(2, "data", \.data), .int64(3, "count", \.count), .sint64(4, "signed", \.signed),
      .fixed32(5, "bits", \.bits), .bool(6, "flag", \.flag), .float(7, "ratio", \.ratio),
      .packedInt64s(8, "numbers", .int64, \.numbers), .enumeration(9, named: "kind", "Kind", \.kind),
      .messages(10, "inner", \.inner), .messages(11, "map", \.map),
    ])
  }
  struct Kind: ProtoEnumeration, Hashable {
    var rawValue: Int32
    static let names: [Int32: String] = [0: "NONE", 2: "SOME"]
  }
  struct Entry: ProtoMessage {
    var key: String?, value: Int64?
    var unknownFields = PackedValues()
    init() {}
    static let messageName = "Entry"
    static let isMapEntry = true
    static let table = FieldTable<Self>([.string(1, "key", \.key), .int64(2, "value", \.value)])
  }

  private func read(_ text: String, limits: ProtoLimits = ProtoLimits()) throws -> Item {
    try Array(text.utf8).withUnsafeBytes { try Item(readingText: $0, limits: limits) }
  }

  @Test func everyKindOfValue() throws {
    let item = try read(
      """
      # a comment
      name: "one" ' two\\n\\x41\\101\\u00e9' data: "\\000\\377"
      count: -0x10, signed: -7; bits: 017 flag: true ratio: 1.5e-3f
      numbers: [1, 2, -3] numbers: 4
      kind: SOME
      inner { name: "a" inner < count: 1 > }
      inner: { kind: 0 }
      map { key: "k" value: 5 }
      """)
    #expect(item.name == "one two\nAAé")
    #expect(try item.data?.bytes() == [0, 255])
    #expect(item.count == -16 && item.signed == -7 && item.bits == 15 && item.flag == true && item.ratio == 0.0015)
    #expect(item.numbers == [1, 2, -3, 4])
    #expect(item.kind?.rawValue == 2)
    #expect(item.inner.count == 2 && item.inner[0].inner[0].count == 1 && item.inner[1].kind?.rawValue == 0)
    #expect(item.map.first?.key == "k" && item.map.first?.value == 5)
    #expect(try read("ratio: -inf").ratio == -.infinity)
    #expect(try read("ratio: nan").ratio?.isNaN == true)
  }

  @Test func whatIsNotKnownIsSkipped() throws {
    #expect(try read("other { a: [1, { b: \"}\" }] } more: -3 [type.example/X] { y: 1 } count: 2").count == 2)
  }

  @Test(
    arguments: [
      ("name: \"open", FormatError.Code.truncated), ("inner { count: 1", .truncated), ("count: x", .invalidValue),
      ("kind: OTHER", .invalidValue), ("count 3", .invalidStructure), ("count: 99999999999999999999", .invalidValue),
      ("}", .invalidStructure), ("numbers: [1 2]", .invalidStructure), ("flag: 7", .invalidValue), ("more:", .truncated),
      ("other { {", .truncated),
    ])
  func errors(_ text: String, _ code: FormatError.Code) throws {
    #expect { try read(text) } throws: { ($0 as? FormatError)?.code == code }
  }

  @Test func depthIsBounded() throws {
    let deep = String(repeating: "inner {", count: 100_000)
    #expect { try read(deep) } throws: { ($0 as? FormatError)?.code == .limitExceeded }
    // What is skipped may be as deep as it likes.
    #expect(try read("x " + String(repeating: "{", count: 100_000) + String(repeating: "}", count: 100_000) + " count: 1").count == 1)
  }
}

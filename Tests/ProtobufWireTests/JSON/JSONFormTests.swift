import ModelSupport
import ProtobufWire
import Testing

@Suite struct JSONFormTests {
  struct Inner: ProtoMessage, Equatable {
    var size: Int64?
    var inner: Indirect<Inner>?
    var unknownFields = PackedValues()
    init() {}
    static let messageName = "Inner"
    static let table = FieldTable<Self>([.int64(1, "size", \.size), .message(2, "inner", \.inner)])
    static func == (a: Inner, b: Inner) -> Bool { a.size == b.size && a.inner?.value == b.inner?.value }
  }
  struct Entry: ProtoMessage {
    var key: String?
    var value: Inner?
    var unknownFields = PackedValues()
    init() {}
    static let messageName = "Outer.Entry"
    static let isMapEntry = true
    static let table = FieldTable<Self>([.string(1, "key", \.key), .message(2, "value", \.value)])
  }
  struct Color: ProtoEnumeration {
    var rawValue: Int32
    static let names: [Int32: String] = [0: "RED", 1: "BLUE"]
  }
  struct Outer: ProtoMessage {
    var longName: String?
    var numbers: [Int64] = []
    var floats: [Float] = []
    var content: WireBytes?
    var entries: [Entry] = []
    var color: Color?
    var isOn: Bool?
    var half: Double?
    var foreign: [WireBytes] = []
    var unknownFields = PackedValues()
    init() {}
    static let messageName = "Outer"
    static let table = FieldTable<Self>([
      .string(1, "long_name", \.longName), .packedInt64s(2, "numbers", .int64, \.numbers), .packedFloats(3, "floats", \.floats),
      .bytes(4, "content", \.content), .messages(5, "entries", \.entries), .enumeration(6, named: "color", "Color", \.color),
      .bool(7, "is_on", \.isOn), .double(8, "half", \.half), .bytesList(9, "foreign", \.foreign),
    ])
  }

  @Test func allKindsOfFields() throws {
    let json: JSONValue = [
      "longName": "a", "numbers": ["1", "-9223372036854775808", 3], "floats": [0.1, "NaN", "-Infinity"], "content": "AAH/",
      "entries": ["x": ["size": "-1"], "y": [:]], "color": "BLUE", "isOn": false, "half": 0.5, "unknown": [1], "foreign": ["0": [:]],
    ]
    let message = try Outer(json: json)
    #expect(message.longName == "a" && message.color?.rawValue == 1 && message.isOn == false && message.half == 0.5)
    #expect(message.numbers == [1, .min, 3])
    #expect(message.floats[0] == 0.1 && message.floats[1].isNaN && message.floats[2] == -.infinity)
    #expect(try message.content?.bytes() == [0, 1, 255])
    #expect(message.entries.map(\.key) == ["x", "y"] && message.entries[0].value?.size == -1)
    let again = try message.json()
    #expect(again["numbers"] == ["1", "-9223372036854775808", "3"])
    #expect(again["floats"] == [0.1, "NaN", "-Infinity"])
    #expect(again["entries"]?["x"]?["size"] == "-1")
    for key in ["longName", "content", "color", "isOn", "half"] { #expect(again[key] == json[key], "\(key)") }
  }

  @Test func otherSpellings() throws {
    let message = try Outer(json: ["long_name": "b", "content": [7, 8], "color": 0, "is_on": "true", "half": nil])
    #expect(message.longName == "b" && message.color?.rawValue == 0 && message.isOn == true && message.half == nil)
    #expect(try message.content?.bytes() == [7, 8])
  }

  @Test(arguments: [
    #"{"longName": 1}"#, #"{"numbers": 1}"#, #"{"numbers": ["x"]}"#, #"{"content": "?"}"#, #"{"content": [256]}"#, #"{"color": "GREEN"}"#,
    #"{"entries": [1]}"#, #"{"isOn": "maybe"}"#, "[]", #"{"numbers": [1e300]}"#,
  ])
  func whatFitsNoField(_ text: String) {
    #expect(throws: FormatError.self) { try Outer(json: try JSONValue(parsing: text)) }
  }

  @Test func depthIsLimited() throws {
    let text = String(repeating: #"{"inner": "#, count: 200) + "{}" + String(repeating: "}", count: 200)
    let error = #expect(throws: FormatError.self) { try Inner(json: try JSONValue(parsing: text)) }
    #expect(error?.code == .limitExceeded)
  }
}

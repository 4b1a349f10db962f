import ModelSupport
import Testing

@Suite struct JSONValueTests {
  @Test(arguments: [
    #"{"b": 1, "a": [1.5, -2, 1e-05, true, null, "x\"\n"]}"#, "[]", "{}", #""é""#, "[NaN, Infinity, -Infinity]",
    "123456789012345678901234567890",
  ])
  func writesWhatItRead(_ text: String) throws {
    #expect(try JSONValue(parsing: text).text() == text)
  }

  @Test(arguments: ["", "{", "[1,", "\"abc", "{\"a\" 1}", "tru", "[1 2]", "{\"a\":1}x", "\"\\q\"", "-"])
  func refusesDamage(_ text: String) {
    #expect(throws: FormatError.self) { try JSONValue(parsing: text) }
  }

  @Test func refusesDeepNesting() {
    let text = String(repeating: "[", count: 100_000)
    #expect { try JSONValue(parsing: text) } throws: { ($0 as? FormatError)?.code == .limitExceeded }
  }

  @Test func joinsSurrogates() throws {
    #expect(try JSONValue(parsing: #""\ud83d\ude00""#).stringValue == "😀")
  }
}

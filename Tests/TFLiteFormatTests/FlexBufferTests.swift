import Testing

@testable import TFLiteFormat

@Suite struct FlexBufferTests {
  /// What FlatBuffers' own builder writes for
  /// `{n: 300, half: 0.5, yes: true, text: "SAME", sizes: [1, 2, 3, 1]}`.
  static let bytes: [UInt8] = [
    0x6E, 0x00, 0x68, 0x61, 0x6C, 0x66, 0x00, 0x79, 0x65, 0x73, 0x00, 0x74, 0x65, 0x78, 0x74, 0x00, 0x04, 0x53, 0x41, 0x4D,
    0x45, 0x00, 0x73, 0x69, 0x7A, 0x65, 0x73, 0x00, 0x04, 0x01, 0x02, 0x03, 0x01, 0x05, 0x20, 0x23, 0x0E, 0x1A, 0x1F, 0x00,
    0x06, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x3F, 0x2C, 0x01, 0x00, 0x00,
    0x1F, 0x00, 0x00, 0x00, 0x2F, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x0E, 0x06, 0x2C, 0x14, 0x6A, 0x19, 0x26, 0x01,
  ]

  @Test func readsAMap() throws {
    let map = try FlexBuffer.map(Self.bytes)
    #expect(map.count == 5)
    #expect(map["n"] == .int(300))
    #expect(map["half"] == .float(0.5))
    #expect(map["yes"] == .bool(true))
    #expect(map["text"] == .string("SAME"))
    #expect(map["sizes"] == .ints([1, 2, 3, 1]))
  }

  /// What FlatBuffers' own builder writes for `["Erf", "\\n\\u{0}x"]`.
  static let list: [UInt8] = [3, 0x45, 0x72, 0x66, 0, 3, 0x0A, 0x00, 0x78, 0, 2, 10, 6, 0x14, 0x14, 4, 0x28, 1]

  @Test func readsAListOfStrings() throws {
    #expect(try FlexBuffer.strings(Self.list) == [Array("Erf".utf8), [0x0A, 0x00, 0x78]])
    #expect(throws: (any Error).self) { try FlexBuffer.strings(Self.bytes) }
    for count in 1..<18 { #expect(throws: (any Error).self) { try FlexBuffer.strings(Array(Self.list.dropFirst(count))) } }
    for place in Self.list.indices {
      for value in UInt8.min...UInt8.max {
        var bytes = Self.list
        bytes[place] = value
        _ = try? FlexBuffer.strings(bytes)
      }
    }
  }

  @Test func refusesWhatIsCutOff() {
    // The root stands at the end: what is missing in front leaves offsets that lead nowhere.
    for count in 1..<40 {
      #expect(throws: (any Error).self) { try FlexBuffer.map(Array(Self.bytes.dropFirst(count + 36))) }
    }
  }

  @Test func refusesWhatIsNoMap() {
    #expect(throws: (any Error).self) { try FlexBuffer.map([]) }
    #expect(throws: (any Error).self) { try FlexBuffer.map([5, 4, 1]) }
  }

  @Test func neverTrapsOnAnyBytes() {
    var state: UInt64 = 7
    func next() -> UInt8 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 33)
    }
    for _ in 0..<20_000 {
      var bytes = (0..<(3 + Int(next()) % 48)).map { _ in next() }
      // Maps of any width, so that most get beyond the root.
      bytes[bytes.count - 2] = 9 << 2 | next() & 3
      bytes[bytes.count - 1] = [1, 2, 4, 8][Int(next() & 3)]
      _ = try? FlexBuffer.map(bytes)
    }
  }
}

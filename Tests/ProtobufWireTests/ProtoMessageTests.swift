import Foundation
import ModelSupport
import ProtobufWire
import Testing

/// A message with a row of every kind.
private struct Sample: ProtoMessage {
  var number: Int64?, small: Int32?, ratio: Float?, text: String?, data: WireBytes?
  var child: Indirect<Sample>?
  var numbers: [Int64] = [], ratios: [Float] = [], texts: [String] = [], blobs: [WireBytes] = []
  var children: [Sample] = []
  var packed = PackedValues(), floats = PackedValues()
  var unknownFields = PackedValues()
  static let messageName = "Sample"
  static let table = FieldTable<Self>([
    .int64(1, "number", \.number), .int32(2, "small", \.small), .float(3, "ratio", \.ratio),
    .string(4, "text", \.text), .bytes(5, "data", \.data), .message(6, "child", \.child),
    .int64s(7, "numbers", \.numbers), .floats(8, "ratios", \.ratios), .strings(9, "texts", \.texts),
    .bytesList(10, "blobs", \.blobs), .messages(11, "children", \.children),
    .packed(12, "packed", .int64, \.packed), .packed(20, "floats", .float, \.floats),
  ])
}

@Suite struct ProtoMessageTests {
  private func sample() -> Sample {
    var leaf = Sample()
    leaf.number = -3
    leaf.text = "grün"
    var sample = Sample()
    sample.number = .min
    sample.small = -7
    sample.ratio = 0.1
    sample.text = ""
    sample.data = WireBytes((0..<1000).map { UInt8(truncatingIfNeeded: $0) })
    sample.child = Indirect(leaf)
    sample.numbers = [0, 1, -1, .max]
    sample.ratios = [1.5, -.infinity]
    sample.texts = ["a", "", "ccc"]
    sample.blobs = [WireBytes([1, 2]), WireBytes([])]
    sample.children = [leaf, Sample(), leaf]
    sample.packed = PackedValues(varints: [1, 300, UInt64.max])
    sample.floats = PackedValues(fixed32: [Float(2.5).bitPattern, 7])
    return sample
  }

  @Test func readsWhatItWrote() throws {
    let bytes = try sample().encoded()
    #expect(try sample().encodedSize() == bytes.count)
    let back = try Sample(reading: bytes)
    #expect(back.number == .min && back.small == -7 && back.ratio == 0.1 && back.text == "")
    #expect(try back.data?.bytes() == (0..<1000).map { UInt8(truncatingIfNeeded: $0) })
    #expect(back.child?.number == -3 && back.child?.text == "grün")
    #expect(back.numbers == [0, 1, -1, .max] && back.ratios == [1.5, -.infinity] && back.texts == ["a", "", "ccc"])
    #expect(try back.blobs.map { try $0.bytes() } == [[1, 2], []])
    #expect(back.children.map(\.number) == [-3, nil, -3])
    #expect(try back.packed.varints() == [1, 300, UInt64.max])
    #expect(try back.floats.fixed32() == [Float(2.5).bitPattern, 7])
    #expect(try back.encoded() == bytes)
  }

  @Test func unknownFieldsSurvive() throws {
    // Field 100 of each wire type, a group among them, around a known field.
    let unknown: [UInt8] = [
      0xA0, 0x06, 0x96, 0x01,  // varint 150
      0xA1, 0x06, 1, 2, 3, 4, 5, 6, 7, 8, 0xA5, 0x06, 1, 2, 3, 4, 0xA2, 0x06, 2, 9, 9,
      0xA3, 0x06, 0x08, 0x01, 0x13, 0x14, 0xA4, 0x06,  // group with a varint and a nested group
    ]
    let message = try Sample(reading: [0x08, 0x05] + unknown)
    #expect(message.number == 5)
    #expect(try message.encoded() == [0x08, 0x05] + unknown)
  }

  @Test func packedAndUnpackedAreBothRead() throws {
    let packed = try Sample(reading: [0x3A, 3, 1, 0xAC, 0x02])
    #expect(packed.numbers == [1, 300])
    let unpacked = try Sample(reading: [0x60, 1, 0x60, 0xAC, 0x02])
    #expect(try unpacked.packed.varints() == [1, 300])
  }

  @Test func secondOccurrenceMerges() throws {
    let message = try Sample(reading: [0x32, 2, 0x08, 4, 0x32, 2, 0x10, 6])
    #expect(message.child?.number == 4 && message.child?.small == 6)
  }

  @Test(
    arguments: [
      ([0x08], FormatError.Code.truncated, 0), ([0x0A, 5, 1], .truncated, 0), ([0x22, 0xFF, 0xFF], .truncated, 0),
      ([0x08, 1, 0x0F], .invalidStructure, 2), ([0x00], .invalidStructure, 0), ([0x0C], .invalidStructure, 0),
      ([0x08] + [UInt8](repeating: 0xFF, count: 11), .invalidStructure, 0), ([0x22, 1, 0xFF], .invalidValue, 2),
      ([0x0D, 1, 2, 3, 4], .invalidStructure, 0), ([0xA3, 0x06, 0x08, 0x01], .truncated, 0),
      ([0x32, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], .truncated, 0),
    ] as [([UInt8], FormatError.Code, Int)])
  func damage(bytes: [UInt8], code: FormatError.Code, offset: Int) throws {
    let error = #expect(throws: FormatError.self) { try Sample(reading: bytes) }
    #expect(error?.code == code)
    #expect(error?.location.offset == offset)
  }

  @Test func errorsNameTheirPath() throws {
    let inner: [UInt8] = [0x5A, 0, 0x5A, 3, 0x22, 1, 0xFF]
    let error = #expect(throws: FormatError.self) {
      try Sample(reading: [0x32, UInt8(inner.count)] + inner)
    }
    #expect(error?.location.path == ["child", "children[1]", "text"])
    #expect(error?.location.offset == 8)
  }

  @Test func nestingEnds() throws {
    var bytes: [UInt8] = []
    for _ in 0..<101 {
      var size: [UInt8] = [], rest = bytes.count
      while rest >= 0x80 { size.append(UInt8(rest & 0x7F) | 0x80); rest >>= 7 }
      bytes = [0x32] + size + [UInt8(rest)] + bytes
    }
    #expect(throws: FormatError.self) { try Sample(reading: bytes) }
    let group = [UInt8](repeating: 0xA3, count: 1) + [0x06] + [UInt8](repeating: 0x0B, count: 200_000)
    let error = #expect(throws: FormatError.self) { try Sample(reading: group) }
    #expect(error?.code == .limitExceeded)
  }

  @Test func elementLimit() throws {
    var limits = ProtoLimits()
    limits.elements = 10
    let bytes = [[UInt8]](repeating: [0x5A, 0], count: 20).flatMap { $0 }
    let error = #expect(throws: FormatError.self) { try Sample(reading: bytes, limits: limits) }
    #expect(error?.code == .limitExceeded)
  }

  @Test func fileIsStreamedAndRead() throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    var message = sample()
    message.data = WireBytes(MemorySource((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }))
    let expected = try message.encoded()
    try message.write(to: directory + "/a")
    let first = try Sample(reading: try MappedFile(path: directory + "/a"))
    #expect(first.data?.source.extent != nil)
    // The large field now goes from file to file.
    try first.write(to: directory + "/b")
    #expect(try [UInt8](Data(contentsOf: URL(fileURLWithPath: directory + "/a"))) == expected)
    #expect(try [UInt8](Data(contentsOf: URL(fileURLWithPath: directory + "/b"))) == expected)
  }
}

import FlatBufferWire
import ModelSupport
import Testing

@Suite("FlatBuffers builder") struct FlatBuilderTests {
  /// The bytes of a small table, by hand: what the format prescribes, not just what the reader takes.
  @Test func aTableByHand() throws {
    var sample = Sample()
    sample.flag = true
    sample.count = 258
    let bytes = try FlatBuilder.build(sample).bytes()
    #expect(
      bytes == [
        12, 0, 0, 0,  // The root table.
        8, 0, 9, 0, 8, 0, 4, 0,  // Its vtable: 8 bytes, a table of 9, `flag` at 8, `count` at 4.
        8, 0, 0, 0, 2, 1, 0, 0, 1,  // Eight bytes back to the vtable, `count`, `flag`.
      ])
  }

  @Test func defaultsAreNotWritten() throws {
    let bytes = try FlatBuilder.build(Sample()).bytes()
    #expect(bytes == [8, 0, 0, 0, 4, 0, 4, 0, 4, 0, 0, 0])
    #expect(try Sample(reading: bytes).count == 7)
  }

  @Test func tablesOfOneShapeShareAVtable() throws {
    var child = Sample()
    child.count = 1
    func size(_ children: Int) throws -> Int {
      var sample = Sample()
      sample.children = [Sample](repeating: child, count: children)
      return try FlatBuilder.build(sample).byteCount
    }
    // A reference, and a table of eight bytes.
    #expect(try size(101) - size(100) == 12)
  }

  @Test func bytesStandAtTheirAlignment() throws {
    for count in 0..<20 {
      var sample = Sample()
      sample.name = String(repeating: "x", count: count)
      sample.data = FlatBytes([0xAA, 0xBB])
      sample.wide = 1
      sample.numbers = [0x1122_3344_5566_7788]
      let bytes = try FlatBuilder.build(sample).bytes()
      #expect(bytes.firstIndex(of: 0xAA).map { $0 % 16 } == 0)
      #expect(bytes.firstIndex(of: 0x88).map { $0 % 8 } == 0)
      #expect(try Sample(reading: bytes) == sample)
    }
  }

  @Test func whatOffsetsCannotReachIsRefused() {
    final class Endless: ByteSource {
      var byteCount: Int { 1 << 31 }
      func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {}
    }
    var sample = Sample()
    sample.data = FlatBytes(Endless())
    #expect(throws: FormatError.self) { try FlatBuilder.build(sample) }
  }

  @Test func identifiersHaveFourLetters() {
    #expect(throws: FormatError.self) { try FlatBuilder.build(Sample(), identifier: "TFL") }
  }
}

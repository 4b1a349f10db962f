import CChecksum
import Testing

@Suite struct ChecksumTests {
  /// The check value of CRC-32C's definition, and of runs of zeros (RFC 3720, B.4).
  @Test func knownValues() {
    let digits = Array("123456789".utf8), zeros = [UInt8](repeating: 0, count: 32)
    for extend in [crc32c_extend, crc32c_extend_portable] {
      #expect(extend(0, digits, 9) == 0xE306_9283)
      #expect(extend(0, zeros, 32) == 0x8A91_36AA)
      #expect(extend(extend(0, digits, 4), Array(digits[4...]), 5) == 0xE306_9283)
    }
  }

  @Test func tablesAndInstructionAgree() {
    let bytes = (0..<4099).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
    for start in 0..<9 {
      let part = Array(bytes[start...])
      #expect(crc32c_extend(7, part, part.count) == crc32c_extend_portable(7, part, part.count))
    }
  }
}

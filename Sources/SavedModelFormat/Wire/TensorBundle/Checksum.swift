import CChecksum
import ModelSupport

/// CRC-32C, as TensorFlow's files keep it: masked, so that a checksum over bytes that hold checksums stays sound.
struct Checksum {
  private(set) var value: UInt32 = 0

  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    value = crc32c_extend(value, base, bytes.count)
  }
  mutating func add(_ bytes: [UInt8]) { bytes.withUnsafeBytes { add($0) } }
  mutating func add(_ word: UInt32) { withUnsafeBytes(of: word.littleEndian) { add($0) } }

  private static let delta: UInt32 = 0xa282_ead8
  var masked: UInt32 { (value >> 15 | value << 17) &+ Self.delta }

  static func masked(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var checksum = Checksum()
    checksum.add(bytes)
    return checksum.masked
  }
}

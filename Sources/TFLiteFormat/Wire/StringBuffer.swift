import FlatBufferWire
import ModelSupport

/// The buffer of a string tensor: the count, the starts of the strings and the end of the last one, each an `int32`
/// counted from the buffer's start, then the strings one behind the other.
struct StringBuffer {
  let strings: [[UInt8]]

  init(_ strings: [[UInt8]]) { self.strings = strings }

  /// - Throws: `FormatError` when a string does not lie within the buffer.
  init(_ content: FlatBytes) throws {
    var strings: [[UInt8]] = []
    try content.source.withBytes(in: 0..<content.count) { bytes in
      func number(_ index: Int) -> Int { Int(Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * index, as: Int32.self))) }
      guard bytes.count >= 4, case let count = number(0), count >= 0, count <= (bytes.count - 8) / 4 || count == 0 else {
        throw FormatError(.sizeMismatch, "expected a count of strings and their places, found \(bytes.count) bytes")
      }
      strings.reserveCapacity(count)
      var end = 8 + 4 * count
      for index in 0..<count {
        let start = number(1 + index), next = number(2 + index)
        // Strings that share bytes could take far more memory than the file.
        guard start >= end || index > 0 && start == end, next >= start, next <= bytes.count else {
          throw FormatError(.sizeMismatch, "expected string \(index) behind byte \(end) of \(bytes.count), found it at \(start)..<\(next)")
        }
        strings.append([UInt8](bytes[start..<next]))
        end = next
      }
    }
    self.strings = strings
  }

  /// The same buffer anew; `nil` when it would be too large for its own numbers.
  var bytes: [UInt8]? {
    let total = strings.reduce(8 + 4 * strings.count) { $0 + $1.count }
    guard total <= Int(Int32.max) else { return nil }
    var result: [UInt8] = []
    func append(_ value: Int) { withUnsafeBytes(of: Int32(truncatingIfNeeded: value).littleEndian) { result.append(contentsOf: $0) } }
    append(strings.count)
    var place = 8 + 4 * strings.count
    for string in strings {
      append(place)
      place += string.count
    }
    append(place)
    for string in strings { result.append(contentsOf: string) }
    return result
  }
}

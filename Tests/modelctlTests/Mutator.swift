import Foundation
import ModelSupport

/// Changes files so that they stay readable further in than random bytes would: one field of a protobuf message, one value
/// of a JSON document, one word of a text among bytes. The same seed makes the same file.
struct Mutator {
  private var state: UInt64
  init(seed: Int) { state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1 }

  /// xorshift64.
  mutating func next(_ bound: Int) -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Int(state % UInt64(max(1, bound)))
  }

  mutating func pick<T>(_ list: [T]) -> T { list[next(list.count)] }

  static let numbers: [Int64] = [
    0, 1, -1, 2, 3, -2, 7, 100, 255, 4096, 65536, 1 << 20, 1 << 31, -(1 << 31), 1 << 33, 1 << 40, 1 << 62, .max, .min,
  ]

  // MARK: Bytes

  /// Flips, cuts and overwrites, half of the time near the beginning.
  mutating func bytes(_ original: [UInt8]) -> [UInt8] {
    var bytes = original
    for _ in 0...next(3) where !bytes.isEmpty {
      let place = next(next(2) == 0 ? min(bytes.count, 2048) : bytes.count)
      switch next(6) {
      case 0: bytes.removeSubrange(place...)
      case 1: for i in place..<min(place + 8, bytes.count) { bytes[i] = 0xff }
      case 2: bytes.insert(UInt8(next(256)), at: place)
      default: bytes[place] ^= UInt8(1 << next(8))
      }
    }
    return bytes
  }

  // MARK: FlatBuffers

  /// Aligned words of 32 bits, offsets and counts for the most part, overwritten with numbers or with each other.
  mutating func words(_ original: [UInt8]) -> [UInt8] {
    var bytes = original
    guard bytes.count >= 8 else { return bytes }
    for _ in 0...next(3) {
      // Tables stand at either end.
      let reach = min(bytes.count / 4, 2048), near = next(reach), place = (next(2) == 0 ? near : bytes.count / 4 - 1 - near) * 4
      let other = next(bytes.count / 4) * 4
      let number = UInt32(truncatingIfNeeded: pick(Self.numbers)), isNumber = next(2) == 0
      for i in 0..<4 { bytes[place + i] = isNumber ? UInt8(truncatingIfNeeded: number >> (8 * UInt32(i))) : bytes[other + i] }
    }
    return bytes
  }

  // MARK: Protobuf

  private indirect enum Field {
    case number(Int, UInt64), fixed(Int, Int, [UInt8]), bytes(Int, [UInt8]), message(Int, [Field])

    var encoded: [UInt8] {
      switch self {
      case .number(let id, let value): Self.varint(UInt64(id << 3)) + Self.varint(value)
      case .fixed(let id, let wire, let bytes): Self.varint(UInt64(id << 3 | wire)) + bytes
      case .bytes(let id, let bytes): Self.varint(UInt64(id << 3 | 2)) + Self.varint(UInt64(bytes.count)) + bytes
      case .message(let id, let fields): Field.bytes(id, fields.flatMap(\.encoded)).encoded
      }
    }

    static func varint(_ value: UInt64) -> [UInt8] {
      var rest = value, out: [UInt8] = []
      while rest >= 0x80 { out.append(UInt8(rest & 0x7f) | 0x80); rest >>= 7 }
      return out + [UInt8(rest)]
    }

    /// What looks like a message, taken apart; `nil` for text and weights.
    static func parse(_ bytes: ArraySlice<UInt8>, depth: Int = 0) -> [Field]? {
      guard depth < 20 else { return nil }
      var rest = bytes, fields: [Field] = []
      func varint(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0, shift: UInt64 = 0
        while let byte = rest.popFirst(), shift < 64 {
          value |= UInt64(byte & 0x7f) << shift
          if byte < 0x80 { return value }
          shift += 7
        }
        return nil
      }
      while !rest.isEmpty {
        guard let tag = varint(&rest), tag >> 3 > 0, tag >> 3 < 2000 else { return nil }
        let id = Int(tag >> 3), wire = Int(tag & 7)
        switch wire {
        case 0:
          guard let value = varint(&rest) else { return nil }
          fields.append(.number(id, value))
        case 1, 5:
          let size = wire == 1 ? 8 : 4
          guard rest.count >= size else { return nil }
          fields.append(.fixed(id, wire, Array(rest.prefix(size))))
          rest = rest.dropFirst(size)
        case 2:
          guard let size = varint(&rest), size <= UInt64(rest.count) else { return nil }
          let payload = rest.prefix(Int(size))
          rest = rest.dropFirst(Int(size))
          if payload.count > 1, let inner = parse(payload, depth: depth + 1) {
            fields.append(.message(id, inner))
          } else {
            fields.append(.bytes(id, Array(payload)))
          }
        default: return nil
        }
      }
      return fields
    }
  }

  /// One or two fields of a message changed, lengths set right.
  mutating func protobuf(_ original: [UInt8]) -> [UInt8] {
    guard var fields = Field.parse(original[...]) else { return bytes(original) }
    for _ in 0...next(2) { mutate(&fields) }
    return fields.flatMap(\.encoded)
  }

  private mutating func mutate(_ fields: inout [Field]) {
    guard !fields.isEmpty else { return }
    let place = next(fields.count)
    if case .message(let id, var inner) = fields[place], !inner.isEmpty, next(12) > 0 {
      mutate(&inner)
      fields[place] = .message(id, inner)
      return
    }
    switch (next(8), fields[place]) {
    case (0, _): fields.remove(at: place)
    case (1, _): fields.append(fields[next(fields.count)])
    case (_, .number(let id, _)): fields[place] = .number(id, UInt64(bitPattern: pick(Self.numbers)))
    case (_, .fixed(let id, let wire, let bytes)): fields[place] = .fixed(id, wire, bytes.map { _ in pick([0, 0x7f, 0xff, 0x80]) })
    case (_, .bytes(let id, let bytes)):
      if bytes.count % 8 == 0, !bytes.isEmpty, next(2) == 0 {
        let start = next(bytes.count / 8) * 8, value = withUnsafeBytes(of: pick(Self.numbers).littleEndian) { Array($0) }
        fields[place] = .bytes(id, Array(bytes[..<start]) + value + Array(bytes[(start + 8)...]))
      } else {
        fields[place] = .bytes(
          id, pick([[], [0], Array("x".utf8), Array("Softmax".utf8), Array("Reshape".utf8), Array("axis".utf8), bytes + bytes]))
      }
    case (_, .message(let id, let inner)): fields[place] = .message(id, inner + inner)
    }
  }

  // MARK: JSON

  /// One to three values of a document changed.
  mutating func json(_ original: [UInt8]) -> [UInt8] {
    guard var value = try? JSONValue(parsing: original) else { return bytes(original) }
    for _ in 0...next(3) { value = changed(value) }
    return Array(value.text().utf8)
  }

  private mutating func changed(_ value: JSONValue) -> JSONValue {
    if var members = value.objectValue, !members.isEmpty, next(20) > 0 {
      let key = members.keys[next(members.count)]
      members[key] = next(25) == 0 ? nil : members[key].map { changed($0) }
      return .object(members)
    }
    if let list = value.arrayValue, !list.isEmpty, next(6) > 0 {
      var result = list
      let place = next(list.count)
      if next(12) == 0 { result.append(list[place]) } else { result[place] = changed(list[place]) }
      return .array(result)
    }
    switch next(7) {
    case 0: return .null
    case 1: return .string(pick(["", "..", "/", "relu", "softmax", "same", "channels_first", "float16", "Dense", "Reshape", "LSTM"]))
    case 2: return .array([])
    case 3: return .array([.int(Int(pick(Self.numbers))), .int(Int(pick(Self.numbers)))])
    default: return .int(Int(pick(Self.numbers)))
    }
  }

  // MARK: Text among bytes

  /// Numbers and words of a text that other bytes hold (the configuration in an H5 file) changed without a change of length.
  mutating func text(_ original: [UInt8]) -> [UInt8] {
    var bytes = original
    let digits = bytes.indices.filter { (48...57).contains(bytes[$0]) && $0 > 0 && (bytes[$0 - 1] == 32 || bytes[$0 - 1] == 91) }
    guard !digits.isEmpty else { return self.bytes(original) }
    for _ in 0...next(3) {
      var place = pick(digits)
      while place < bytes.count, (48...57).contains(bytes[place]) { bytes[place] = UInt8(48 + next(10)); place += 1 }
      if next(4) == 0 { bytes[place - 1] = pick(Array("-e.[]}\"".utf8)) }
    }
    return bytes
  }
}

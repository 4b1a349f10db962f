import ModelSupport

/// A message of an object header.
struct HeaderMessage {
  let kind: Int
  let flags: Int
  let body: CheckedBlock
}

extension HDF5Checker {
  static let maximumMessages = 1 << 16

  /// The messages of the header at `address`, those of its continuations included.
  func messages(at address: UInt64) throws -> [HeaderMessage] {
    let start = try block(address, 16)
    return start.bytes.starts(with: Array("OHDR".utf8)) ? try modern(address, start) : try old(address, start)
  }

  /// Version 1: no checksums, eight bytes before each message.
  private func old(_ address: UInt64, _ start: CheckedBlock) throws -> [HeaderMessage] {
    guard try start.u8(0) == 1 else { throw start.failure("expected an object header") }
    let count = try start.u16(2), size = try start.u32(8)
    var chunks = [try block(address + 16, size)]
    var seen: Set<UInt64> = [address]
    var result: [HeaderMessage] = []
    var next = 0
    while next < chunks.count {
      let chunk = chunks[next]
      next += 1
      var position = 0
      while position < chunk.count {
        guard result.count < count else {
          // What follows the last message is padding.
          break
        }
        guard chunk.count - position >= 8 else { throw chunk.failure("a message does not fit", at: position) }
        let length = try chunk.u16(position + 2)
        guard length % 8 == 0 else { throw chunk.failure("a message of \(length) bytes", at: position) }
        let message = HeaderMessage(
          kind: try chunk.u16(position), flags: try chunk.u8(position + 4), body: try chunk.part(position + 8, length))
        try follow(message, seen: &seen) { chunks.append(try block($0, $1)) }
        result.append(message)
        position += 8 + length
      }
    }
    guard result.count == count else { throw start.failure("expected \(count) messages, found \(result.count)") }
    return result
  }

  /// Version 2: chunks with checksums, which the library compares.
  private func modern(_ address: UInt64, _ start: CheckedBlock) throws -> [HeaderMessage] {
    guard try start.u8(4) == 2 else { throw start.failure("an object header of version \(try start.u8(4))") }
    let flags = try start.u8(5)
    let prefix = 6 + (flags & 0x20 != 0 ? 16 : 0) + (flags & 0x10 != 0 ? 4 : 0)
    let width = 1 << (flags & 3)
    let sizes = try block(address, prefix + width)
    let size = width == 1 ? try sizes.u8(prefix) : width == 2 ? try sizes.u16(prefix) : try sizes.u32(prefix)
    guard width < 8 else { throw start.failure("an object header of that size") }
    var chunks = [try block(address + UInt64(prefix + width), size)]
    var seen: Set<UInt64> = [address]
    var result: [HeaderMessage] = []
    let head = flags & 0x04 != 0 ? 6 : 4
    var next = 0
    while next < chunks.count {
      let chunk = chunks[next]
      next += 1
      var position = 0
      // Fewer bytes than a message's head are a gap.
      while chunk.count - position >= head {
        guard result.count < Self.maximumMessages else { throw chunk.failure("too many messages", at: position, .limitExceeded) }
        let length = try chunk.u16(position + 1)
        let message = HeaderMessage(
          kind: try chunk.u8(position), flags: try chunk.u8(position + 3), body: try chunk.part(position + head, length))
        try follow(message, seen: &seen) { place, size in
          guard size >= 8 else { throw chunk.failure("a continuation of \(size) bytes", at: position) }
          let whole = try block(place, size)
          try whole.expect("OCHK")
          chunks.append(try whole.part(4, size - 8))
        }
        result.append(message)
        position += head + length
      }
    }
    return result
  }

  private func follow(_ message: HeaderMessage, seen: inout Set<UInt64>, _ add: (UInt64, Int) throws -> Void) throws {
    guard message.kind == 0x10 else { return }
    let place = try message.body.u64(0)
    guard let size = Int(exactly: try message.body.u64(8)) else { throw message.body.failure("a continuation of that size") }
    guard seen.insert(place).inserted else { throw message.body.failure("a header that goes on in itself", .cycle) }
    guard seen.count < 4096 else { throw message.body.failure("a header in too many pieces", .limitExceeded) }
    try add(place, size)
  }
}

extension CheckedBlock {
  func failure(_ message: String, _ code: FormatError.Code) -> FormatError { failure(message, at: 0, code) }
}

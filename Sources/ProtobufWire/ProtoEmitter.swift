import CProtobuf
import ModelSupport

/// Where rows put their fields. It runs twice over a message with the same rows: once to measure,
/// so that each length is known before it is written, and once to write.
public struct ProtoEmitter {
  /// The sizes of the nested messages, in the order in which they are met.
  private var sizes: [Int] = []
  private var next = 0
  /// Bytes measured so far in the current message.
  private(set) var measured = 0
  private var depth = 0
  /// `nil` while measuring.
  private var output: ProtoOutput?

  /// Measures `message` and returns an emitter that will write it to `output`, and its size.
  static func measure<M: ProtoMessage>(_ message: M) throws -> (emitter: ProtoEmitter, size: Int) {
    var emitter = ProtoEmitter()
    try emitter.fields(of: message)
    let size = emitter.measured
    return (emitter, size)
  }

  mutating func write<M: ProtoMessage>(_ message: M, to output: ProtoOutput) throws {
    self.output = output
    next = 0
    try fields(of: message)
  }

  private mutating func fields<M: ProtoMessage>(of message: M) throws {
    depth += 1
    defer { depth -= 1 }
    guard depth <= 100 else { throw FormatError(.limitExceeded, "messages are nested deeper than 100") }
    for row in M.table.fields { try row.write(message, &self) }
    let unknown = message.unknownFields
    if !unknown.isEmpty {
      if let output { try output.copy(unknown.source) } else { measured += unknown.byteCount }
    }
  }

  private mutating func tag(_ number: UInt32, _ wireType: UInt64) {
    raw(UInt64(number) << 3 | wireType)
  }
  private mutating func raw(_ value: UInt64) {
    if let output { output.varint(value) } else { measured += cpb_varint_size(value) }
  }

  mutating func varint(_ number: UInt32, _ value: UInt64) {
    tag(number, 0)
    raw(value)
  }
  mutating func fixed32(_ number: UInt32, _ value: UInt32) {
    tag(number, 5)
    if let output { output.fixed32(value) } else { measured += 4 }
  }
  mutating func fixed64(_ number: UInt32, _ value: UInt64) {
    tag(number, 1)
    if let output {
      output.fixed32(UInt32(truncatingIfNeeded: value))
      output.fixed32(UInt32(truncatingIfNeeded: value >> 32))
    } else {
      measured += 8
    }
  }
  mutating func string(_ number: UInt32, _ text: String) {
    tag(number, 2)
    raw(UInt64(text.utf8.count))
    if let output { output.text(text) } else { measured += text.utf8.count }
  }
  mutating func bytes(_ number: UInt32, _ source: any ByteSource) throws {
    let count = source.byteCount
    tag(number, 2)
    raw(UInt64(count))
    if let output { try output.copy(source) } else { measured += count }
  }

  mutating func message<M: ProtoMessage>(_ number: UInt32, _ value: M) throws {
    tag(number, 2)
    if output != nil {
      let size = sizes[next]
      next += 1
      raw(UInt64(size))
      try fields(of: value)
    } else {
      let slot = sizes.count
      sizes.append(0)
      let outer = measured
      measured = 0
      try fields(of: value)
      let size = measured
      sizes[slot] = size
      measured = outer
      raw(UInt64(size))
      measured += size
    }
  }
}

/// A message of TensorBoard's protocol buffers, put together field by field: events are small and only written.
struct EventMessage {
  private(set) var bytes: [UInt8] = []

  private mutating func varint(_ value: UInt64) {
    var value = value
    while value >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
      value >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: value))
  }
  private mutating func key(_ field: UInt64, _ kind: UInt64) { varint(field << 3 | kind) }

  mutating func integer(_ field: UInt64, _ value: Int) {
    key(field, 0)
    varint(UInt64(bitPattern: Int64(value)))
  }
  mutating func double(_ field: UInt64, _ value: Double) {
    key(field, 1)
    append(value.bitPattern)
  }
  mutating func data(_ field: UInt64, _ value: [UInt8]) {
    key(field, 2)
    varint(UInt64(value.count))
    bytes += value
  }
  mutating func text(_ field: UInt64, _ value: String) { data(field, Array(value.utf8)) }
  mutating func message(_ field: UInt64, _ build: (inout EventMessage) -> Void) {
    var inner = EventMessage()
    build(&inner)
    data(field, inner.bytes)
  }
  private mutating func append(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// The types of `tensorflow.DataType` that summaries are made of.
  enum Elements {
    case float(Float)
    case doubles([Double], shape: [Int])
    case string([UInt8])
    /// A vector of them.
    case strings([[UInt8]])
  }
  /// A `TensorProto`.
  mutating func tensor(_ field: UInt64, _ elements: Elements) {
    message(field) { tensor in
      switch elements {
      case .float(let value):
        tensor.integer(1, 1)
        tensor.message(2) { _ in }
        var content = EventMessage()
        content.append(value.bitPattern)
        tensor.data(4, content.bytes)
      case .doubles(let values, let shape):
        tensor.integer(1, 2)
        tensor.message(2) { proto in for extent in shape { proto.message(2) { $0.integer(1, extent) } } }
        var content = EventMessage()
        for value in values { content.append(value.bitPattern) }
        tensor.data(4, content.bytes)
      case .string(let text):
        tensor.integer(1, 7)
        tensor.message(2) { _ in }
        tensor.data(8, text)
      case .strings(let texts):
        tensor.integer(1, 7)
        tensor.message(2) { proto in proto.message(2) { $0.integer(1, texts.count) } }
        for text in texts { tensor.data(8, text) }
      }
    }
  }
}

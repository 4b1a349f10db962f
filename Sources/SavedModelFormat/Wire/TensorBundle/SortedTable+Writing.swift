import ModelSupport

extension SortedTable {
  /// How large a block grows before the next begins; TensorFlow's own size.
  private static let blockSize = 262_144
  private static let restartInterval = 16

  /// Writes entries, which must be in ascending order of their keys.
  static func write(_ entries: [Entry], to path: String) throws {
    let output = try OutputFile(creating: path)
    var index: [Entry] = [], pending: [Entry] = [], size = 0
    func flush() throws {
      guard let last = pending.last else { return }
      index.append((last.key, try append(block(pending, restartInterval), to: output).bytes))
      pending = []
      size = 0
    }
    for entry in entries {
      pending.append(entry)
      size += entry.key.count + entry.value.count
      if size >= blockSize { try flush() }
    }
    try flush()
    let meta = try append(block([], 1), to: output)
    let handle = try append(block(index, 1), to: output)
    var footer = meta.bytes + handle.bytes
    footer += [UInt8](repeating: 0, count: footerSize - magic.count - footer.count) + magic
    try output.append(footer)
    try output.finish()
  }

  private static func append(_ block: [UInt8], to output: OutputFile) throws -> BlockHandle {
    let handle = BlockHandle(offset: output.position, size: block.count)
    var bytes = block
    bytes.append(0)
    bytes.append(little: bytes.withUnsafeBytes { Checksum.masked($0) })
    try output.append(bytes)
    return handle
  }

  private static func block(_ entries: [Entry], _ interval: Int) -> [UInt8] {
    var bytes: [UInt8] = [], restarts: [UInt32] = [], previous: [UInt8] = []
    for (place, entry) in entries.enumerated() {
      var shared = 0
      if place % interval == 0 {
        restarts.append(UInt32(clamping: bytes.count))
      } else {
        while shared < min(previous.count, entry.key.count), previous[shared] == entry.key[shared] { shared += 1 }
      }
      bytes.append(varint: shared)
      bytes.append(varint: entry.key.count - shared)
      bytes.append(varint: entry.value.count)
      bytes += entry.key[shared...]
      bytes += entry.value
      previous = entry.key
    }
    if restarts.isEmpty { restarts = [0] }
    for restart in restarts { bytes.append(little: restart) }
    bytes.append(little: UInt32(clamping: restarts.count))
    return bytes
  }
}

import FlatBufferWire
import ModelSupport

/// Where the weights stand: inside the tables as long as offsets reach, behind them otherwise.
struct BufferPlacement {
  private let buffer: FlatBuffer
  /// What follows the tables, each at its offset.
  private var behind: [(offset: Int, source: any ByteSource)] = []
  /// Offsets behind the tables are multiples of this.
  private static let alignment = 16
  /// The size of the file.
  let byteCount: Int

  init(_ model: TFLiteModel, insideLimit: Int) throws {
    var model = model
    let total = (model.buffers ?? []).reduce(0) { $0 + ($1.data?.count ?? 0) }
    guard total > insideLimit else {
      buffer = try FlatBuilder.build(model, identifier: "TFL3")
      byteCount = buffer.byteCount
      return
    }
    // Offsets are as wide whatever they say, so the tables' size is known before the offsets are.
    var moved: [(index: Int, source: any ByteSource)] = []
    for index in (model.buffers ?? []).indices {
      guard let data = model.buffers?[index].data, data.count > 1024 else { continue }
      moved.append((index, data.source))
      model.buffers?[index] = TFLiteBuffer(data: nil, offset: 2, size: UInt64(data.count))
    }
    var end = try FlatBuilder.build(model, identifier: "TFL3").byteCount
    for (index, source) in moved {
      end = (end + Self.alignment - 1) / Self.alignment * Self.alignment
      model.buffers?[index].offset = UInt64(end)
      behind.append((end, source))
      end += source.byteCount
    }
    buffer = try FlatBuilder.build(model, identifier: "TFL3")
    byteCount = end
  }

  func write(to path: String) throws {
    let file = try OutputFile(creating: path)
    try buffer.write(to: file)
    for piece in behind {
      try file.append([UInt8](repeating: 0, count: max(0, piece.offset - file.position)))
      try file.append(piece.source)
    }
    try file.finish()
  }
}

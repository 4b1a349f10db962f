import FlatBufferWire
import ModelSupport

extension TFLiteModel {
  /// Writes the model to a new file. Buffers are copied from where they are; the same model gives the same bytes.
  ///
  /// Buffers go into the FlatBuffer as long as its offsets reach that far, else behind it, each at a multiple of 16.
  /// - Parameter limit: the largest FlatBuffer.
  /// - Throws: `StorageError`; `FormatError` when the tables alone are larger than `limit`.
  public func write(to path: String, limit: Int = FlatBuilder.maximumSize) throws {
    let output = try OutputFile(creating: path)
    let inside = (buffers ?? []).reduce(0) { $0 + ($1.data?.count ?? 0) + 64 }
    if inside < limit, let whole = try? FlatBuilder.build(self, identifier: TFLiteFile.identifier), whole.byteCount <= limit {
      try whole.write(to: output)
    } else {
      try writeOutside(to: output)
    }
    try output.finish()
  }

  /// The model as the bytes of a file.
  public func encoded() throws -> [UInt8] { try FlatBuilder.build(self, identifier: TFLiteFile.identifier).bytes() }

  private func writeOutside(to output: OutputFile) throws {
    var model = self
    var contents: [(index: Int, data: FlatBytes)] = []
    for (index, buffer) in (buffers ?? []).enumerated() {
      guard let data = buffer.data, !data.isEmpty else { continue }
      contents.append((index, data))
      // Any numbers but the defaults, so that the tables have the size they will have.
      model.buffers?[index] = TFLiteBuffer(data: nil, offset: 2, size: 2)
    }
    var end = try FlatBuilder.build(model, identifier: TFLiteFile.identifier).byteCount
    for (index, data) in contents {
      let start = (end + 15) / 16 * 16
      model.buffers?[index] = TFLiteBuffer(data: nil, offset: UInt64(start), size: UInt64(data.count))
      end = start + data.count
    }
    try FlatBuilder.build(model, identifier: TFLiteFile.identifier).write(to: output)
    for (_, data) in contents {
      try output.append([UInt8](repeating: 0, count: (16 - output.position % 16) % 16))
      try output.append(data.source)
    }
  }
}

extension TFLiteFile {
  /// Writes the same model to `path` and keeps everything: the tables are laid out anew, unless there are fields of a newer
  /// schema or bytes behind them, when the file is copied as it stands. Buffers of other files move into this one.
  /// - Throws: `StorageError`; `FormatError` when a buffer is damaged.
  public func copy(to path: String) throws {
    let output = try AtomicOutput(destination: path, replaceExisting: true)
    if unknownFieldCount > 0 || trailer != nil {
      guard model.externalBuffers == nil else {
        throw UnsupportedError("\(self.path): a model with external buffers and parts that are not understood can't be written again")
      }
      let file = try OutputFile(creating: output.temporaryPath)
      try file.append(source)
      try file.finish()
    } else {
      try selfContained().write(to: output.temporaryPath)
    }
    try output.commit()
  }

  /// The model with every buffer inside its tables: buffers behind the FlatBuffer and in other files are brought in.
  public func selfContained() throws -> TFLiteModel {
    var model = model
    for (index, buffer) in (model.buffers ?? []).enumerated() where buffer.data == nil {
      guard let content = self.buffer(index) else { continue }
      model.buffers?[index] = TFLiteBuffer(data: content)
    }
    for (graph, subgraph) in subgraphs.enumerated() {
      for (index, op) in (subgraph.operators ?? []).enumerated() where op.customOptions == nil && op.largeCustomOptionsOffset > 1 {
        model.subgraphs?[graph].operators?[index].customOptions = customOptions(of: op)
        model.subgraphs?[graph].operators?[index].largeCustomOptionsOffset = 0
        model.subgraphs?[graph].operators?[index].largeCustomOptionsSize = 0
      }
      for (index, tensor) in (subgraph.tensors ?? []).enumerated() where tensor.externalBuffer != 0 {
        guard let content = try locating(index, graph, { try content(of: tensor) }) else { continue }
        model.subgraphs?[graph].tensors?[index].externalBuffer = 0
        model.subgraphs?[graph].tensors?[index].buffer = UInt32(model.buffers?.count ?? 0)
        model.buffers = (model.buffers ?? []) + [TFLiteBuffer(data: content)]
      }
    }
    (model.externalBuffers, model.externalBufferGroups) = (nil, nil)
    return model
  }
}

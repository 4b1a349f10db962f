import ModelSupport

extension TFJSFile {
  /// Copies the document and its shards as they are into a new directory at `path`, whole or not at all.
  /// - Throws: `FormatError` for shards that are missing, short, long or outside the directory; `StorageError`.
  public func copy(to path: String) throws {
    _ = try weights()
    let output = try AtomicOutput(destination: path, replaceExisting: true)
    try FileSystem.createDirectory(output.temporaryPath)
    var copied: Set<String> = []
    for shard in shardPaths where copied.insert(shard).inserted {
      let target = try containedPath(shard, in: output.temporaryPath)
      try Self.makeParents(of: shard, in: output.temporaryPath)
      try Self.copy(try containedPath(shard, in: directory), to: target)
    }
    try Self.copy(self.path, to: "\(output.temporaryPath)/\(Self.documentName)")
    try output.commit()
  }

  private static func makeParents(of relative: String, in directory: String) throws {
    var place = directory
    for part in relative.split(separator: "/").dropLast() where part != "." {
      place += "/\(part)"
      if FileSystem.kind(place) == nil { try FileSystem.createDirectory(place) }
    }
  }

  private static func copy(_ source: String, to target: String) throws {
    let file = try MappedFile(path: source)
    let output = try OutputFile(creating: target)
    try output.append(FileSlice(file, 0..<file.count))
    try output.finish()
  }
}

import ModelSupport
import ModelTensor

/// The bytes of one group of weights, in the files or `data:` URLs they are spread over.
struct WeightShards {
  /// One file or URL, and where it begins in the group's bytes.
  private struct Shard {
    var title: String
    var source: any ByteSource
    var start: Int
    var end: Int { start + source.byteCount }
  }
  private var shards: [Shard] = []
  private(set) var byteCount = 0

  /// Looks at the sizes of all files and opens none.
  /// - Throws: `FormatError` for a path that leads outside `directory`, a file that is not there, or a broken URL.
  init(_ paths: [String], in directory: String, pool: ShardPool) throws {
    for path in paths {
      if path.hasPrefix("data:") {
        append(MemorySource(try Base64.decode(url: path)), title: "data URL")
        continue
      }
      let place = try containedPath(path, in: directory)
      guard FileSystem.kind(place) == .file else {
        throw FormatError(.missingReference, "expected the file '\(path)' of weights, found none", at: SourceLocation(file: place))
      }
      append(ShardFile(place, byteCount: FileSystem.byteCount(place), pool: pool), title: place)
    }
  }

  /// The bytes that stand in the document itself.
  init(inline bytes: [UInt8]) { append(MemorySource(bytes), title: "weightData") }

  private mutating func append(_ source: any ByteSource, title: String) {
    shards.append(Shard(title: title, source: source, start: byteCount))
    byteCount += source.byteCount
  }

  /// The tensors of the group, in order.
  /// - Throws: `FormatError` naming the shard, when the weights take more or fewer bytes than there are.
  func tensors(_ weights: [ManifestWeight]) throws -> [Tensor] {
    var position = 0
    var result: [Tensor] = []
    for weight in weights {
      result.append(try within("weight '\(weight.name)'") { try tensor(of: weight, at: &position) })
    }
    guard position == byteCount else {
      throw FormatError(
        .sizeMismatch, "expected \(position) bytes of weights in \(shards.count) shards, found \(byteCount)", at: place(position))
    }
    return result
  }

  private func tensor(of weight: ManifestWeight, at position: inout Int) throws -> Tensor {
    let type = TensorType(weight.dtype, weight.shape)
    guard let size = try weight.byteCount() else {
      return Tensor(type, source: StringSource(try strings(try weight.elementCount(), at: &position)))
    }
    guard size <= byteCount - position else {
      throw FormatError(
        .truncated, "expected \(size) bytes from byte \(position) of the group on, found \(byteCount - position)", at: place(byteCount))
    }
    let source = bytes(position..<(position + size))
    position += size
    guard let quantization = weight.quantization else { return Tensor(type, source: source) }
    return Tensor(type, source: DequantizedSource(source, quantization, to: weight.dtype))
  }

  /// Strings, each behind its length in four bytes.
  private func strings(_ count: Int, at position: inout Int) throws -> [[UInt8]] {
    guard count <= (byteCount - position) / 4 else {
      throw FormatError(
        .truncated, "expected \(count) strings, found \(byteCount - position) bytes, each string taking four at least",
        at: place(byteCount))
    }
    var result: [[UInt8]] = []
    for index in 0..<count {
      guard byteCount - position >= 4 else {
        throw FormatError(.truncated, "expected the length of string \(index), found the end", at: place(byteCount))
      }
      var length = 0
      try bytes(position..<(position + 4)).withBytes(in: 0..<4) { length = Int($0.loadUnaligned(as: UInt32.self)) }
      position += 4
      guard length <= byteCount - position else {
        throw FormatError(
          .truncated, "expected \(length) bytes of string \(index), found \(byteCount - position)", at: place(byteCount))
      }
      result.append(try bytes(position..<(position + length)).bytes())
      position += length
    }
    return result
  }

  /// A range of the group's bytes: of one shard, or of several.
  private func bytes(_ range: Range<Int>) -> any ByteSource {
    var parts: [any ByteSource] = []
    for index in touched(range) {
      let shard = shards[index]
      let local = (max(range.lowerBound, shard.start) - shard.start)..<(min(range.upperBound, shard.end) - shard.start)
      if let file = shard.source as? ShardFile {
        parts.append(ShardSlice(file, local))
      } else {
        parts.append(shard.source.slice(local))
      }
    }
    return parts.count == 1 ? parts[0] : CompositeSource(parts)
  }

  private func touched(_ range: Range<Int>) -> Range<Int> {
    guard !range.isEmpty else { return 0..<0 }
    var low = 0, high = shards.count
    while low < high {
      let middle = (low + high) / 2
      if shards[middle].end <= range.lowerBound { low = middle + 1 } else { high = middle }
    }
    var end = low
    while end < shards.count, shards[end].start < range.upperBound { end += 1 }
    return low..<end
  }

  /// The shard in which a byte of the group stands, or the last one.
  private func place(_ position: Int) -> SourceLocation {
    guard let shard = shards.first(where: { position < $0.end }) ?? shards.last else { return SourceLocation() }
    // What stands in the document is no file of its own.
    guard shard.source is ShardFile else { return SourceLocation(path: [shard.title]) }
    return SourceLocation(file: shard.title, offset: min(position, shard.end) - shard.start)
  }
}

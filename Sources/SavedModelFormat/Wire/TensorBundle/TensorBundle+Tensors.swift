import ModelSupport
import ModelTensor
import TensorFlowGraph

extension TensorBundle {
  /// A tensor with its bytes where they are. Its checksum is checked when the bytes are first asked for.
  /// - Throws: `FormatError` when the bytes are not there; `UnsupportedError` for a dtype without a canonical one.
  public func tensor(_ name: String) throws -> Tensor {
    do {
      return try within("tensor \(name)") {
        let entry = try entry(name)
        return entry.slices.isEmpty ? try tensor(entry) : try joined(entry, name)
      }
    } catch let error as FormatError { throw error.inFile(prefix + ".index") }
  }

  /// A part of the tensor `name`: as it is stored, or cut out of the whole.
  public func tensor(_ name: String, _ slice: TensorSlice) throws -> Tensor {
    do {
      return try within("tensor \(name)") {
        if let entry = parts[slice.key(of: name)] { return try tensor(entry) }
        let whole = try tensor(name), old = whole.extents, extents = try slice.extents(in: old)
        guard let stride = whole.dtype.arrayStride, (whole.dtype.bitWidth ?? 0) >= 8 else {
          throw UnsupportedError("parts of tensors of \(whole.dtype) are not supported")
        }
        // Rows are a run of bytes; anything else is gathered.
        if extents.dropFirst() == old.dropFirst(), let start = slice.starts.first, let count = extents.first {
          return whole.rows(start..<(start + count))
        }
        return whole.mapped(to: TensorType(whole.dtype, extents)) { source in
          let result = NDArray(zeros: source.dtype, extents)
          result.withMutableBytes { out in
            source.withBytes { bytes in
              SliceRuns(whole: old, starts: slice.starts, part: extents, stride: stride).forEach { inWhole, inPart, count in
                copy(count, bytes, inWhole, out, inPart)
              }
            }
          }
          return result
        }
      }
    } catch let error as FormatError { throw error.inFile(prefix + ".index") }
  }

  private func tensor(_ entry: BundleEntryProto) throws -> Tensor {
    let type = try type(of: entry), count = type.shape.elementCount ?? 0
    let source = try stored(entry)
    if type.dtype == .string { return Tensor(type, source: try strings(source, count: count, entry.crc32c)) }
    guard let bits = type.dtype.bitWidth else { throw UnsupportedError("stored tensors of \(type.dtype) are not supported") }
    // Elements under eight bits take a byte each.
    if bits < 8, source.byteCount == count { return packed(source, type) }
    let tensor = Tensor(type, source: source)
    try tensor.validate()
    if header.endianness == .big, let width = type.dtype.swappedWidth, width > 1 {
      return Tensor(type, source: SwappedSource(source, width: width))
    }
    return tensor
  }

  /// The bytes of an entry, checked to be in its file.
  private func stored(_ entry: BundleEntryProto) throws -> any ByteSource {
    let file = try shard(Int(entry.shardID ?? 0))
    guard let offset = Int(exactly: entry.offset ?? 0), let size = Int(exactly: entry.size ?? 0), offset >= 0, size >= 0 else {
      throw FormatError(.invalidValue, "bytes at \(entry.offset ?? 0) of the size \(entry.size ?? 0)")
    }
    guard offset <= file.count, size <= file.count - offset else {
      throw FormatError(
        .truncated, "expected \(size) bytes at \(offset), the file has \(file.count)",
        at: SourceLocation(file: file.path, offset: offset))
    }
    let slice = FileSlice(file, offset..<(offset + size))
    // Strings have checksums that are not of the bytes as they stand.
    if entry.dtype?.dtype == .string { return slice }
    return entry.crc32c.map { CheckedSource(slice, masked: $0) } ?? slice
  }

  private func packed(_ source: any ByteSource, _ type: TensorType) -> Tensor {
    Tensor(computing: type) {
      let array = NDArray(zeros: type.dtype, type.shape.extents ?? [])
      // An array has signed elements with their sign.
      let bytes = try source.bytes(), isSigned = type.dtype.isSignedInteger
      let mask: UInt8 = type.dtype.bitWidth == 2 ? 3 : 15
      array.withMutableBytes { out in
        for at in 0..<min(bytes.count, out.count) { out[at] = isSigned ? bytes[at] : bytes[at] & mask }
      }
      return array
    }
  }

  /// Lengths as varints, a checksum over them, then the strings themselves.
  private func strings(_ source: any ByteSource, count: Int, _ expected: UInt32?) throws -> StringSource {
    // Each string has at least the byte of its length.
    guard count <= source.byteCount else {
      throw FormatError(.sizeMismatch, "\(count) strings in \(source.byteCount) bytes")
    }
    var strings: [[UInt8]] = []
    try source.withBytes(in: 0..<source.byteCount) { bytes in
      var cursor = ByteCursor(bytes), checksum = Checksum(), lengths: [Int] = []
      lengths.reserveCapacity(count)
      for _ in 0..<count {
        let length = try cursor.count()
        lengths.append(length)
        if let short = UInt32(exactly: length) {
          checksum.add(short)
        } else {
          checksum.add(UInt32(truncatingIfNeeded: length))
          checksum.add(UInt32(truncatingIfNeeded: length >> 32))
        }
      }
      guard UInt32(truncatingIfNeeded: try cursor.little(4)) == checksum.masked else {
        throw FormatError(.invalidValue, "the checksum of the lengths of strings is wrong")
      }
      checksum.add(checksum.masked)
      for length in lengths {
        let string = try cursor.take(length)
        checksum.add(string)
        strings.append([UInt8](string))
      }
      guard cursor.isAtEnd else { throw FormatError(.sizeMismatch, "\(cursor.left) bytes behind the last string") }
      if let expected, expected != checksum.masked {
        throw FormatError(.invalidValue, "the checksum of a string tensor is wrong: expected \(expected), found \(checksum.masked)")
      }
    }
    return StringSource(strings)
  }

  /// A tensor that is stored in parts.
  private func joined(_ entry: BundleEntryProto, _ name: String) throws -> Tensor {
    let type = try type(of: entry), extents = type.shape.extents ?? []
    guard let stride = type.dtype.arrayStride, (type.dtype.bitWidth ?? 0) >= 8,
      let size = type.dtype.byteCount(of: type.shape.elementCount ?? 0)
    else { throw UnsupportedError("tensors of \(type.dtype) in parts are not supported") }
    var pieces: [(slice: TensorSlice, extents: [Int], tensor: Tensor)] = [], covered = 0
    for (place, proto) in entry.slices.enumerated() {
      try within("slice \(place)") {
        let slice = try TensorSlice(proto), own = try slice.extents(in: extents)
        guard let stored = self.parts[slice.key(of: name)] else {
          throw FormatError(.missingReference, "the index has no part at \(slice.starts)")
        }
        let tensor = try tensor(stored)
        guard tensor.type == TensorType(type.dtype, own) else {
          throw FormatError(.sizeMismatch, "expected a part of type \(TensorType(type.dtype, own)), found \(tensor.type)")
        }
        pieces.append((slice, own, tensor))
        covered += tensor.elementCount
        guard covered <= size / stride else { throw FormatError(.sizeMismatch, "parts overlap or are more than the whole") }
      }
    }
    pieces.sort { $0.slice.starts.lexicographicallyPrecedes($1.slice.starts) }
    guard covered == size / stride, Self.areApart(pieces.map { ($0.slice.starts, $0.extents) }) else {
      throw FormatError(.sizeMismatch, "the parts hold \(covered) elements of \(size / stride), or overlap")
    }
    if pieces.allSatisfy({ $0.extents.dropFirst() == extents.dropFirst() }) {
      return Tensor(type, source: CompositeSource(pieces.map(\.tensor.source)))
    }
    let parts = pieces
    return Tensor(computing: type) {
      let result = NDArray(zeros: type.dtype, extents)
      for part in parts {
        try part.tensor.source.withBytes(in: 0..<part.tensor.source.byteCount) { bytes in
          result.withMutableBytes { out in
            SliceRuns(whole: extents, starts: part.slice.starts, part: part.extents, stride: stride).forEach { inWhole, inPart, count in
              copy(count, bytes, inPart, out, inWhole)
            }
          }
        }
      }
      return result
    }
  }

  /// Whether no two boxes share an element. Partitioned variables have few parts; more than this many are compared by rows alone.
  private static func areApart(_ boxes: [(starts: [Int], extents: [Int])]) -> Bool {
    let boxes = boxes.filter { !$0.extents.contains(0) }
    guard boxes.count <= 2048 else { return true }
    for (index, one) in boxes.enumerated() {
      for other in boxes[(index + 1)...] {
        // Sorted by the first axis: what begins behind the end of this one is apart, and so is all after it.
        if let start = other.starts.first, let own = one.starts.first, start >= own + one.extents[0] { break }
        let overlap = one.starts.indices.allSatisfy { axis in
          let own = one.starts[axis], its = other.starts[axis]
          return own < its + other.extents[axis] && its < own + one.extents[axis]
        }
        if overlap { return false }
      }
    }
    return true
  }
}

private func copy(
  _ count: Int, _ bytes: UnsafeRawBufferPointer, _ from: Int, _ out: UnsafeMutableRawBufferPointer, _ to: Int
) {
  UnsafeMutableRawBufferPointer(rebasing: out[to..<(to + count)])
    .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[from..<(from + count)]))
}

extension DType {
  /// The bytes that change places between orders of bytes.
  fileprivate var swappedWidth: Int? {
    switch self {
    case .complex64: 4
    case .complex128: 8
    default: arrayStride
    }
  }
}

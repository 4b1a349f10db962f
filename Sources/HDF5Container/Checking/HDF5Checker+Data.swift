import ModelSupport

extension HDF5Checker {
  /// Checks an attribute: name, type, extents, value.
  func attribute(_ body: CheckedBlock) throws {
    let version = try body.u8(0)
    guard (1...3).contains(version) else { throw body.failure("version \(version)") }
    let flags = try body.u8(1)
    guard version == 1 || flags == 0 else { throw body.failure("a shared type") }
    let nameSize = try body.u16(2), typeSize = try body.u16(4), spaceSize = try body.u16(6)
    var position = 8
    if version == 3 {
      guard try body.u8(8) <= 1 else { throw body.failure("a name in an unknown character set") }
      position = 9
    }
    func advance(_ size: Int) throws -> CheckedBlock {
      let part = try body.part(position, size)
      position += version == 1 ? padded(size) : size
      return part
    }
    let name = try advance(nameSize)
    guard try name.stringLength(0) > 0 else { throw name.failure("an attribute without a name") }
    let type = try CheckedDatatype(try advance(typeSize))
    guard let extents = try dataspace(try advance(spaceSize)).extents else { return }
    let count = extents.reduce(1, *)  // The dataspace has checked that it can be counted.
    let (size, overflow) = count.multipliedReportingOverflow(by: UInt64(type.size))
    guard !overflow, size <= UInt64(body.count) else { throw body.failure("expected \(count) elements of \(type.size) bytes") }
    let value = try body.part(position, Int(size))
    if type.isVariable {
      try references(value, count: Int(count))
    } else if type.containsVariable {
      throw body.failure("lists inside elements")
    }
  }

  /// Checks that strings of any length are where they are said to be.
  func references(_ value: CheckedBlock, count: Int) throws {
    for index in 0..<count {
      let start = index * 16
      let length = UInt64(try value.u32(start)), address = try value.u64(start + 4), object = try value.u32(start + 12)
      if length == 0 || address == 0 || address == Self.undefined { continue }
      let objects = try within("heap") { try heapObjects(address) { try globalHeap(address) } }
      guard let size = objects[object], length <= size else {
        throw value.failure("a string of \(length) bytes that is not in its heap", at: start, .missingReference)
      }
    }
  }

  /// The sizes of the objects in a global heap.
  private func globalHeap(_ address: UInt64) throws -> HeapObjects {
    let head = try block(address, 16)
    try head.expect("GCOL")
    guard try head.u8(4) == 1, let size = Int(exactly: try head.u64(8)), size >= 4096 else {
      throw head.failure("a heap of an unknown kind")
    }
    let body = try block(address, size)
    var objects: HeapObjects = [:]
    var position = 16
    while position <= size - 16 {
      let index = try body.u16(position), length = try body.u64(position + 8)
      if index == 0 {
        // Free space reaches to the end and counts its own head.
        guard length <= UInt64(size - position) else { throw body.failure("free space beyond the heap's end", at: position) }
        // The library steps over exactly as much, and would never end where that is nothing.
        guard length >= 16 else { throw body.failure("free space of \(length) bytes", at: position) }
        position += Int(length)
        continue
      }
      guard length <= UInt64(size - position - 16), padded(Int(length)) <= size - position - 16 else {
        throw body.failure("an object beyond the heap's end", at: position)
      }
      guard objects.updateValue(length, forKey: index) == nil else { throw body.failure("two objects of one number", at: position) }
      position += 16 + padded(Int(length))
    }
    return objects
  }

  /// What can be said only once all messages are seen.
  func finish(_ object: ObjectFacts) throws {
    guard let type = object.elementType else { return }
    if let fill = object.fillSize, fill != type.size {
      throw FormatError(.sizeMismatch, "a fill value of \(fill) bytes for elements of \(type.size)")
    }
    if let shuffle = object.shuffleSize, shuffle != type.size {
      throw FormatError(.sizeMismatch, "elements of \(type.size) bytes shuffled as \(shuffle)")
    }
    // Nobody has extents without a place for the elements, but then nothing is read either.
    let count = object.extents.map { $0.reduce(1, *) } ?? 0
    let (size, overflow) = count.multipliedReportingOverflow(by: UInt64(type.size))
    guard !overflow, size <= UInt64(Int.max) else { throw FormatError(.limitExceeded, "\(count) elements of \(type.size) bytes") }
    if let compact = object.compactSize, UInt64(compact) != size {
      throw FormatError(.sizeMismatch, "expected \(size) bytes of elements, found \(compact)")
    }
    if let chunks = object.chunks { try check(chunks: chunks, of: object, type) }
    if let contiguous = object.contiguous, contiguous.address != Self.undefined, size > 0 {
      guard contiguous.size == size else {
        throw FormatError(.sizeMismatch, "expected \(size) bytes of elements, found storage for \(contiguous.size)")
      }
      if type.isVariable { try references(try block(contiguous.address, Int(size)), count: Int(count)) }
    }
    if type.containsVariable, !type.isVariable || object.contiguous == nil {
      throw FormatError(.invalidValue, "lists in elements that are not strings stored one after the other")
    }
  }

  private func check(chunks: (index: UInt64, extents: [Int]), of object: ObjectFacts, _ type: CheckedDatatype) throws {
    guard chunks.extents.count == (object.extents?.count ?? 0) + 1, chunks.extents.last == type.size else {
      throw FormatError(.sizeMismatch, "chunks of another rank or element than the dataset")
    }
    guard chunks.index != Self.undefined else { return }
    let size = chunks.extents.reduce(1, *)  // At most 256 MB, as checked.
    try within("chunks") { try chunkNode(chunks.index, level: nil, rank: chunks.extents.count, size: size, isFiltered: object.isFiltered) }
  }

  private func chunkNode(_ address: UInt64, level expected: Int?, rank: Int, size: Int, isFiltered: Bool) throws {
    guard enter(address) else { throw FormatError(.cycle, "a node that occurs twice", at: SourceLocation(offset: Int(exactly: address))) }
    let head = try block(address, 24)
    try head.expect("TREE")
    let level = try head.u8(5), count = try head.u16(6)
    guard try head.u8(4) == 1, expected == nil || level == expected, level < 16, count <= 2 * chunkK else {
      throw head.failure("a node that does not belong here")
    }
    let key = 8 + rank * 8
    let body = try block(address + 24, key + count * (key + 8))
    for index in 0..<count {
      let start = index * (key + 8)
      let stored = try body.u32(start), child = try body.u64(start + key)
      if level > 0 {
        try chunkNode(child, level: level - 1, rank: rank, size: size, isFiltered: isFiltered)
        continue
      }
      guard isFiltered || stored == size else {
        throw body.failure("a chunk of \(stored) bytes, expected \(size)", at: start, .sizeMismatch)
      }
      guard child <= UInt64(source.byteCount), UInt64(stored) <= UInt64(source.byteCount) - child else {
        throw body.failure("a chunk beyond the end of the file", at: start, .truncated)
      }
    }
  }
}

import ModelSupport

extension HDF5Checker {
  /// Checks one message and notes what it says of the object.
  func check(_ message: HeaderMessage, of object: inout ObjectFacts) throws {
    let body = message.body
    // Bit 1: the message stands elsewhere, as committed types do.
    guard message.flags & 0x02 == 0 else { throw body.failure("a shared message") }
    switch message.kind {
    case 0x00, 0x10: break
    case 0x01: object.extents = try within("dataspace") { try dataspace(body).extents }
    case 0x02: try linkInfo(body)
    case 0x03: object.elementType = try within("datatype") { try CheckedDatatype(body) }
    case 0x04: object.fillSize = try oldFill(body)
    case 0x05: object.fillSize = try fill(body) ?? object.fillSize
    case 0x06: try link(body)
    case 0x07: throw body.failure("the elements are stored in another file", .pathEscape)
    case 0x08: try within("layout") { try layout(body, &object) }
    case 0x0A: _ = try body.u8(1)
    case 0x0B: try within("filters") { try filters(body, &object) }
    case 0x0C: try within("attribute") { try attribute(body) }
    case 0x0D: _ = try body.stringLength(0)
    case 0x0E: _ = try body.part(0, 16)
    case 0x11: try symbolTable(tree: try body.u64(0), heap: try body.u64(8))
    case 0x12: _ = try body.part(0, 8)
    case 0x15: try attributeInfo(body)
    case 0x16: _ = try body.part(0, 5)
    default: throw body.failure("a message of the kind \(message.kind)")
    }
  }

  /// The extents; `nil` for the null dataspace.
  func dataspace(_ body: CheckedBlock) throws -> (extents: [UInt64]?, size: Int) {
    let version = try body.u8(0), rank = try body.u8(1), flags = try body.u8(2)
    guard version == 1 || version == 2 else { throw body.failure("version \(version)") }
    guard rank <= 32 else { throw body.failure("rank \(rank)", .limitExceeded) }
    guard flags & ~1 == 0 else { throw body.failure("permuted extents") }
    let start = version == 1 ? 8 : 4
    if version == 2 {
      let kind = try body.u8(3)
      guard kind <= 2, kind == 1 || rank == 0 else { throw body.failure("a dataspace of kind \(kind)") }
      if kind == 2 { return (nil, start) }
    }
    var extents: [UInt64] = [], product: UInt64 = 1
    for axis in 0..<rank {
      let extent = try body.u64(start + axis * 8)
      if flags & 1 != 0 {
        let limit = try body.u64(start + (rank + axis) * 8)
        guard extent <= limit else { throw body.failure("an extent of \(extent) where at most \(limit) is allowed") }
      }
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      guard !overflow, next <= UInt64(Int.max) else { throw body.failure("more elements than can be counted", .limitExceeded) }
      product = next
      extents.append(extent)
    }
    return (extents, start + rank * (flags & 1 != 0 ? 16 : 8))
  }

  private func linkInfo(_ body: CheckedBlock) throws {
    guard try body.u8(0) == 0 else { throw body.failure("link information of another version") }
    let flags = try body.u8(1)
    _ = try body.part(2, (flags & 1 != 0 ? 8 : 0) + 16 + (flags & 2 != 0 ? 8 : 0))
  }

  private func attributeInfo(_ body: CheckedBlock) throws {
    guard try body.u8(0) == 0 else { throw body.failure("attribute information of another version") }
    let flags = try body.u8(1)
    _ = try body.part(2, (flags & 1 != 0 ? 2 : 0) + 16 + (flags & 2 != 0 ? 8 : 0))
  }

  private func link(_ body: CheckedBlock) throws {
    guard try body.u8(0) == 1 else { throw body.failure("a link of another version") }
    let flags = try body.u8(1)
    var position = 2
    var kind = 0
    if flags & 0x08 != 0 { kind = try body.u8(position); position += 1 }
    if flags & 0x04 != 0 { position += 8 }
    if flags & 0x10 != 0 {
      guard try body.u8(position) <= 1 else { throw body.failure("a name in an unknown character set") }
      position += 1
    }
    let width = 1 << (flags & 3)
    let length: Int
    switch width {
    case 1: length = try body.u8(position)
    case 2: length = try body.u16(position)
    case 4: length = try body.u32(position)
    default: length = Int(clamping: try body.u64(position))
    }
    position += width
    guard length > 0 else { throw body.failure("a link without a name") }
    _ = try body.part(position, length)
    position += length
    switch kind {
    case 0: _ = try body.u64(position)
    case 1, 64...255: _ = try body.part(position + 2, try body.u16(position))
    default: throw body.failure("a link of kind \(kind)")
    }
  }

  private func oldFill(_ body: CheckedBlock) throws -> Int {
    let size = try body.u32(0)
    _ = try body.part(4, size)
    return size
  }

  /// The size of the fill value, if there is one.
  private func fill(_ body: CheckedBlock) throws -> Int? {
    let version = try body.u8(0)
    switch version {
    case 1, 2:
      if version == 2, try body.u8(3) == 0 { return nil }
      let size = try body.u32(4)
      // An undefined value has the size -1.
      if size == 0xFFFF_FFFF || size == 0 { return nil }
      _ = try body.part(8, size)
      return size
    case 3:
      guard try body.u8(1) & 0x20 != 0 else { return nil }
      let size = try body.u32(2)
      _ = try body.part(6, size)
      return size
    default: throw body.failure("a fill value of version \(version)")
    }
  }

  private func filters(_ body: CheckedBlock, _ object: inout ObjectFacts) throws {
    let version = try body.u8(0), count = try body.u8(1)
    guard version == 1 || version == 2, count <= 8 else { throw body.failure("\(count) filters in version \(version)") }
    object.isFiltered = count > 0
    var position = version == 1 ? 8 : 2
    for _ in 0..<count {
      let filter = try body.u16(position)
      guard (1...3).contains(filter) else {
        throw body.failure("the elements are compressed with filter \(filter); deflate, shuffle and Fletcher-32 are read", .invalidValue)
      }
      // Version 2 leaves the name's length out for the filters that are built in.
      var nameLength = 0
      if version == 1 { nameLength = padded(try body.u16(position + 2)); position += 2 }
      let values = try body.u16(position + 4)
      position += 6
      if nameLength > 0 {
        guard try body.stringLength(position) < nameLength else { throw body.failure("a name does not end") }
      }
      position += nameLength
      guard values <= 2 else { throw body.failure("\(values) values for filter \(filter)") }
      if filter == 2, values >= 1 { object.shuffleSize = try body.u32(position) }
      _ = try body.part(position, values * 4)
      position += values * 4 + (version == 1 && values % 2 == 1 ? 4 : 0)
    }
  }

  private func layout(_ body: CheckedBlock, _ object: inout ObjectFacts) throws {
    let version = try body.u8(0), kind = try body.u8(1)
    guard version == 3 || version == 4 else { throw body.failure("version \(version)") }
    switch kind {
    case 0:
      let size = try body.u16(2)
      _ = try body.part(4, size)
      object.compactSize = size
    case 1: object.contiguous = (try body.u64(2), try body.u64(10))
    case 2 where version == 3:
      let rank = try body.u8(2)
      guard (2...33).contains(rank) else { throw body.failure("chunks of rank \(rank)") }
      var extents: [Int] = [], product = 1
      for axis in 0..<rank {
        let extent = try body.u32(11 + axis * 4)
        let (next, overflow) = product.multipliedReportingOverflow(by: extent)
        guard extent > 0, !overflow, next <= 256 << 20 else { throw body.failure("chunks of \(product) by \(extent)", .limitExceeded) }
        product = next
        extents.append(extent)
      }
      object.chunks = (try body.u64(3), extents)
    // The indices of version 4 have checksums.
    case 2: _ = try body.part(2, 3)
    case 3: throw body.failure("the elements are stored in another file", .pathEscape)
    default: throw body.failure("a layout of kind \(kind)")
    }
  }
}

import ModelSupport

/// What matters of a datatype message once it is checked.
struct CheckedDatatype {
  /// Bytes of an element.
  let size: Int
  /// Bytes of the message that describe it.
  let length: Int
  /// Whether the elements refer to a global heap.
  let isVariable: Bool
  /// Whether a part of the element refers to a global heap: only whole elements that do are read.
  let containsVariable: Bool

  init(_ body: CheckedBlock, depth: Int = 0) throws {
    guard depth < 8 else { throw body.failure("types nested too deep", .limitExceeded) }
    let first = try body.u8(0), version = first >> 4, kind = first & 15
    guard (1...3).contains(version) else { throw body.failure("a type of version \(version)") }
    let bits = try body.u8(1) | body.u8(2) << 8 | body.u8(3) << 16
    let size = try body.u32(4)
    guard size > 0, size <= 1 << 30 else { throw body.failure("elements of \(size) bytes") }
    var end = 8, variable = false, contains = false
    switch kind {
    case 0, 4:
      try Self.checkBits(offset: try body.u16(8), precision: try body.u16(10), size: size, body)
      end = 12
    case 1:
      try Self.checkFloat(body, bits: bits, size: size)
      end = 20
    case 3: guard bits & 15 <= 2, bits >> 4 & 15 <= 1 else { throw body.failure("strings of an unknown kind") }
    case 5:
      let tag = bits & 0xFF
      guard tag % 8 == 0 else { throw body.failure("a tag of \(tag) bytes") }
      _ = try body.part(8, tag)
      end = 8 + tag
    case 6: (end, contains) = try Self.compound(body, version: version, count: bits & 0xFFFF, size: size, depth: depth)
    case 7: guard size == 8 || size == 12 else { throw body.failure("references of \(size) bytes") }
    case 8: end = try Self.enumeration(body, version: version, count: bits & 0xFFFF, size: size, depth: depth)
    case 9:
      guard bits & 15 <= 1, bits >> 4 & 15 <= 2, bits >> 8 & 15 <= 1, size == 16 else { throw body.failure("a list of an unknown kind") }
      let element = try CheckedDatatype(try body.rest(8), depth: depth + 1)
      guard bits & 15 == 0 || element.size == 1 else { throw body.failure("strings of wide characters") }
      end = 8 + element.length
      variable = bits & 15 == 1
      contains = true
    case 10: (end, contains) = try Self.array(body, version: version, size: size, depth: depth)
    default: throw body.failure("a type of class \(kind)")
    }
    self.size = size
    length = end
    isVariable = variable
    containsVariable = contains
  }

  private static func checkBits(offset: Int, precision: Int, size: Int, _ body: CheckedBlock) throws {
    guard size <= 64, precision > 0, offset + precision <= size * 8 else {
      throw body.failure("\(precision) bits at \(offset) in \(size) bytes")
    }
  }

  private static func checkFloat(_ body: CheckedBlock, bits: Int, size: Int) throws {
    let precision = try body.u16(10)
    try checkBits(offset: try body.u16(8), precision: precision, size: size, body)
    let exponentAt = try body.u8(12), exponent = try body.u8(13), mantissaAt = try body.u8(14), mantissa = try body.u8(15)
    let sign = bits >> 8 & 0xFF
    guard bits & 0x40 == 0, bits >> 4 & 3 <= 2, exponent > 0, mantissa > 0, sign < precision,
      exponentAt + exponent <= precision, mantissaAt + mantissa <= precision,
      !(exponentAt..<(exponentAt + exponent)).contains(sign), !(mantissaAt..<(mantissaAt + mantissa)).contains(sign),
      !(exponentAt..<(exponentAt + exponent)).overlaps(mantissaAt..<(mantissaAt + mantissa))
    else { throw body.failure("floats of an impossible layout") }
  }

  /// Where a member's name ends: padded to eight bytes before version 3.
  private static func afterName(_ body: CheckedBlock, _ position: Int, version: Int) throws -> Int {
    let length = try body.stringLength(position) + 1
    return position + (version < 3 ? padded(length) : length)
  }

  private static func compound(
    _ body: CheckedBlock, version: Int, count: Int, size: Int, depth: Int
  ) throws -> (end: Int, containsVariable: Bool) {
    guard count > 0, count <= 1024 else { throw body.failure("\(count) members") }
    var position = 8, contains = false
    for _ in 0..<count {
      position = try afterName(body, position, version: version)
      var offset = 0
      if version == 3 {
        let width = size < 1 << 8 ? 1 : size < 1 << 16 ? 2 : size < 1 << 24 ? 3 : 4
        for index in 0..<width { offset |= try body.u8(position + index) << (8 * index) }
        position += width
      } else {
        offset = try body.u32(position)
        // Version 1 describes arrays here: a rank, a permutation, four extents.
        if version == 1 {
          guard try body.u8(position + 4) == 0 else { throw body.failure("members that are arrays of the first version") }
          position += 32
        } else {
          position += 4
        }
      }
      let member = try CheckedDatatype(try body.rest(position), depth: depth + 1)
      guard offset <= size, member.size <= size - offset else { throw body.failure("a member beyond the end of the element") }
      contains = contains || member.containsVariable
      position += member.length
    }
    return (position, contains)
  }

  private static func enumeration(_ body: CheckedBlock, version: Int, count: Int, size: Int, depth: Int) throws -> Int {
    guard count > 0, count <= 4096 else { throw body.failure("\(count) members") }
    let inner = try body.rest(8)
    guard try inner.u8(0) & 15 == 0 else { throw body.failure("an enumeration that is not over integers") }
    let base = try CheckedDatatype(inner, depth: depth + 1)
    guard base.size == size else { throw body.failure("an enumeration of another size than its integers") }
    var position = 8 + base.length
    for _ in 0..<count { position = try afterName(body, position, version: version) }
    _ = try body.part(position, count * size)
    return position + count * size
  }

  private static func array(
    _ body: CheckedBlock, version: Int, size: Int, depth: Int
  ) throws -> (end: Int, containsVariable: Bool) {
    let rank = try body.u8(8)
    guard version >= 2, (1...32).contains(rank) else { throw body.failure("arrays of rank \(rank)") }
    var position = version == 2 ? 12 : 9, product = 1
    for axis in 0..<rank {
      let extent = try body.u32(position + axis * 4)
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      guard extent > 0, !overflow, next <= size else { throw body.failure("arrays larger than their element") }
      product = next
    }
    position += rank * (version == 2 ? 8 : 4)
    let base = try CheckedDatatype(try body.rest(position), depth: depth + 1)
    guard base.size.multipliedReportingOverflow(by: product) == (size, false) else {
      throw body.failure("arrays of another size than their elements")
    }
    return (position + base.length, base.containsVariable)
  }
}

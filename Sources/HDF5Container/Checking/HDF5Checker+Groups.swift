import ModelSupport

extension HDF5Checker {
  /// Checks the tables of an old group: a tree of nodes, each with names in a heap and headers elsewhere.
  func symbolTable(tree: UInt64, heap: UInt64) throws {
    try once(tree) {
      let names = try within("heap") { try localHeap(heap) }
      try within("table") { try groupNode(tree, level: nil, names: names) }
    }
  }

  /// The names of a group.
  private func localHeap(_ address: UInt64) throws -> CheckedBlock {
    let head = try block(address, 32)
    try head.expect("HEAP")
    guard try head.u8(4) == 0, let size = Int(exactly: try head.u64(8)) else { throw head.failure("a heap of another version") }
    let data = try block(try head.u64(24), size)
    // Free space is a list; 1 ends it.
    var free = try head.u64(16), steps = 0
    while free != 1 {
      guard let position = Int(exactly: free), position <= size - 16, steps <= size / 16 else {
        throw head.failure("free space outside the heap")
      }
      guard try data.u64(position + 8) <= UInt64(size - position), try data.u64(position + 8) >= 16 else {
        throw data.failure("free space larger than the heap", at: position)
      }
      free = try data.u64(position)
      steps += 1
    }
    return data
  }

  private func groupNode(_ address: UInt64, level expected: Int?, names: CheckedBlock) throws {
    let head = try block(address, 24)
    try head.expect("TREE")
    let level = try head.u8(5), count = try head.u16(6)
    guard try head.u8(4) == 0, expected == nil || level == expected, level < 16, count <= 2 * groupK else {
      throw head.failure("a node that does not belong here")
    }
    let body = try block(address + 24, 8 + count * 16)
    for index in 0...count {
      let name = try body.u64(index * 16)
      guard name < UInt64(max(1, names.count)) else { throw body.failure("a name outside the heap", at: index * 16) }
    }
    for index in 0..<count {
      let child = try body.u64(index * 16 + 8)
      guard enter(child) else { throw body.failure("a node that occurs twice", at: index * 16 + 8, .cycle) }
      if level > 0 { try groupNode(child, level: level - 1, names: names) } else { try symbols(child, names: names) }
    }
  }

  private func symbols(_ address: UInt64, names: CheckedBlock) throws {
    let head = try block(address, 8)
    try head.expect("SNOD")
    let count = try head.u16(6)
    guard try head.u8(4) == 1, count <= 2 * leafK else { throw head.failure("\(count) members in a node for \(2 * leafK)") }
    let body = try block(address + 8, count * 40)
    for index in 0..<count {
      let start = index * 40
      let name = Int(clamping: try body.u64(start))
      guard try names.stringLength(name) > 0 else { throw body.failure("a member without a name", at: start) }
      switch try body.u32(start + 16) {
      case 0: break
      // The tables of a group, noted here to save opening it.
      case 1: try symbolTable(tree: try body.u64(start + 24), heap: try body.u64(start + 32))
      // A soft link: where its target's name stands in the heap.
      case 2: _ = try names.stringLength(Int(clamping: try body.u32(start + 24)))
      default: throw body.failure("a member of an unknown kind", at: start)
      }
    }
  }
}

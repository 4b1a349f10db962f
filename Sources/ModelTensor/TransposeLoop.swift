/// One loop of a transposition: how often, and how far each step moves in the base and in the result, in elements.
struct TransposeLoop {
  var count: Int, from: Int, to: Int
}

extension [TransposeLoop] {
  /// Copies elements of `stride` bytes, in tiles that fit a processor's nearest cache.
  func run(_ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, stride: Int) {
    switch stride {
    case 1: run(from, to, UInt8.self)
    case 2: run(from, to, UInt16.self)
    case 4: run(from, to, UInt32.self)
    case 8: run(from, to, UInt64.self)
    default:
      // Wider elements are so many bytes, one after another.
      let bytes = map { TransposeLoop(count: $0.count, from: $0.from * stride, to: $0.to * stride) }
      (bytes + [TransposeLoop(count: stride, from: 1, to: 1)]).run(from, to, UInt8.self)
    }
  }

  /// The base may stand at any address: tensors in files are not aligned.
  private func run<T: BitwiseCopyable>(_ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, _: T.Type) {
    let size = MemoryLayout<T>.stride
    guard allSatisfy({ $0.count > 0 }) else { return }
    // The axis that is dense in the base, and the one that is dense in the result, make the tile.
    let near = indices.min { self[$0].from < self[$1].from } ?? 0
    let far = indices.min { self[$0].to < self[$1].to } ?? 0
    let others = indices.filter { $0 != near && $0 != far }.map { self[$0] }
    let rows = near == far ? TransposeLoop(count: 1, from: 0, to: 0) : self[near], columns = self[far]
    var index = [Int](repeating: 0, count: others.count), source = from, target = to.assumingMemoryBound(to: T.self)
    while true {
      tile(source, target, rows, columns)
      var axis = others.count - 1
      while axis >= 0 {
        index[axis] += 1
        source += others[axis].from * size
        target += others[axis].to
        if index[axis] < others[axis].count { break }
        source -= others[axis].from * others[axis].count * size
        target -= others[axis].to * others[axis].count
        index[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }

  @inline(__always)
  private func tile<T: BitwiseCopyable>(
    _ from: UnsafeRawPointer, _ to: UnsafeMutablePointer<T>, _ rows: TransposeLoop, _ columns: TransposeLoop
  ) {
    let size = MemoryLayout<T>.stride
    if columns.from == 1, columns.to == 1 {
      for row in 0..<rows.count {
        UnsafeMutableRawPointer(to + row * rows.to).copyMemory(from: from + row * rows.from * size, byteCount: columns.count * size)
      }
      return
    }
    let height = 16, width = 64
    var row = 0
    while row < rows.count {
      let lastRow = Swift.min(rows.count, row + height)
      var column = 0
      while column < columns.count {
        let count = Swift.min(columns.count - column, width)
        for r in row..<lastRow {
          let source = from + (r &* rows.from &+ column &* columns.from) &* size, step = columns.from &* size
          let target = to + (r &* rows.to &+ column &* columns.to)
          for c in 0..<count { target[c &* columns.to] = source.loadUnaligned(fromByteOffset: c &* step, as: T.self) }
        }
        column += count
      }
      row = lastRow
    }
  }
}

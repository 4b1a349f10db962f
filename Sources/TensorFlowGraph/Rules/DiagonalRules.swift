import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Diagonals of matrices: one of them, or bands of several.
let diagonalRules: [NodeRule] = [
  .reads("MatrixDiag") { n, g in [try g.diagonalMatrix(try n.input(0))] },
  .reads("Diag") { n, g in
    let x = try n.input(0)
    if g.type(of: x).shape.rank == 1 { return [try g.diagonalMatrix(x)] }
    guard let extents = g.type(of: x).shape.extents else { throw UnsupportedError("Diag of a tensor of unknown extents") }
    return [try g.reshape(try g.diagonalMatrix(try g.reshape(x, [-1])), extents + extents)]
  },
  .reads("DiagPart") { n, g in
    let x = try n.input(0)
    if g.type(of: x).shape.rank == 2 { return [try g.diagonal(of: x, 0)] }
    guard let extents = g.type(of: x).shape.extents, extents.count % 2 == 0, !extents.isEmpty,
      let side = checkedProduct(Array(extents.prefix(extents.count / 2)))
    else { throw UnsupportedError("DiagPart of a tensor of unknown extents") }
    return [try g.reshape(try g.diagonal(of: try g.reshape(x, [side, side]), 0), Array(extents.prefix(extents.count / 2)))]
  },
  .reads("MatrixDiagPart") { n, g in [try g.diagonal(of: try n.input(0), 0)] },
  .reads("MatrixDiagPartV2") { n, g in [try n.diagonals(&g, align: .left)] },
  .reads("MatrixDiagPartV3") { n, g in [try n.diagonals(&g, align: try n.alignment())] },
  .reads("MatrixDiagV2") { n, g in [try n.diagonalMatrix(&g, align: .left)] },
  .reads("MatrixDiagV3") { n, g in [try n.diagonalMatrix(&g, align: try n.alignment())] },
  .reads("MatrixSetDiag") { n, g in [try g.settingDiagonal(of: try n.input(0), 0, to: try n.input(1))] },
  .reads("MatrixSetDiagV2") { n, g in [try n.settingDiagonals(&g, align: .left)] },
  .reads("MatrixSetDiagV3") { n, g in [try n.settingDiagonals(&g, align: try n.alignment())] },
]

/// Diagonals `low … high` (above the main one counted upwards) of matrices, each a row, the highest first.
private struct Band {
  let low: Int
  let high: Int
  let rows: Int
  let columns: Int
  let align: Alignment

  /// Where diagonals stand in rows that are longer than they are.
  struct Alignment {
    var upperIsRight: Bool
    var lowerIsRight: Bool
    static let left = Alignment(upperIsRight: false, lowerIsRight: false)
  }

  var count: Int { high - low + 1 }
  /// The length of the longest diagonal.
  var width: Int { min(rows + min(high, 0), columns - max(low, 0)) }
  func length(_ diagonal: Int) -> Int { min(rows + min(diagonal, 0), columns - max(diagonal, 0)) }
  /// How far from the left the row of a diagonal begins.
  func indent(_ diagonal: Int) -> Int {
    (diagonal >= 0 ? align.upperIsRight : align.lowerIsRight) ? width - length(diagonal) : 0
  }

  /// For each element of the rows its place in a flat matrix; -1 where there is none.
  var places: [Int] {
    (0..<count).flatMap { row -> [Int] in
      let diagonal = high - row, indent = indent(diagonal), length = length(diagonal)
      return (0..<width).map { column in
        let step = column - indent
        guard step >= 0, step < length else { return -1 }
        return (step + max(0, -diagonal)) * columns + step + max(0, diagonal)
      }
    }
  }

  /// For each element of a matrix its place in the flat rows; -1 where there is none.
  var sources: [Int] {
    var result = [Int](repeating: -1, count: rows * columns)
    for (source, place) in places.enumerated() where place >= 0 { result[place] = source }
    return result
  }
}

extension NodeReader {
  fileprivate func alignment() throws -> Band.Alignment {
    let words = try string("align").split(separator: "_")
    guard words.count == 2, words.allSatisfy({ $0 == "LEFT" || $0 == "RIGHT" }) else {
      throw FormatError(.invalidValue, "\(type) aligned '\(try string("align"))'")
    }
    return Band.Alignment(upperIsRight: words[0] == "RIGHT", lowerIsRight: words[1] == "RIGHT")
  }

  /// The lowest and the highest diagonal.
  private func bounds(_ index: Int, _ g: GraphContext) throws -> (low: Int, high: Int) {
    let k = try constantInts(index, in: g)
    guard let low = k.first, let high = k.last, k.count <= 2, low <= high, low.magnitude < 1 << 24, high.magnitude < 1 << 24 else {
      throw FormatError(.invalidValue, "\(type) of the diagonals \(k)")
    }
    return (low, high)
  }

  private func band(_ low: Int, _ high: Int, _ rows: Int, _ columns: Int, _ align: Band.Alignment) throws -> Band {
    let band = Band(low: low, high: high, rows: rows, columns: columns, align: align)
    guard low > -rows || rows == 0, high < columns || columns == 0, let cells = checkedProduct([rows, columns]), cells <= 1 << 22,
      band.width >= 0, let held = checkedProduct([band.count, band.width]), held <= 1 << 22
    else { throw UnsupportedError("\(type) of the diagonals \(low) to \(high) of \(rows) rows and \(columns) columns") }
    return band
  }

  private func matrixExtents(_ x: ValueID, _ g: GraphContext) throws -> (rows: Int, columns: Int, lead: Int) {
    guard let dims = g.type(of: x).shape.dims, dims.count >= 2, let rows = dims[dims.count - 2].value,
      let columns = dims[dims.count - 1].value
    else { throw UnsupportedError("diagonals of a matrix of unknown extents") }
    return (rows, columns, dims.count - 2)
  }

  /// The elements of a band; what the rows leave over is the padding.
  fileprivate func diagonals(_ g: inout GraphContext, align: Band.Alignment) throws -> ValueID {
    let x = try input(0), (low, high) = try bounds(1, g)
    if low == high { return try g.diagonal(of: x, low) }
    let (rows, columns, lead) = try matrixExtents(x, g), band = try band(low, high, rows, columns, align)
    let flat = try g.reshape(x, Array(repeating: 0, count: lead) + [rows * columns])
    let picked = try g.picked(flat, band.places, otherwise: try input(2), extent: rows * columns)
    return try g.reshape(picked, Array(repeating: 0, count: lead) + [band.count, band.width])
  }

  fileprivate func diagonalMatrix(_ g: inout GraphContext, align: Band.Alignment) throws -> ValueID {
    let x = try input(0), (low, high) = try bounds(1, g), rows = try constantInt(2, in: g), columns = try constantInt(3, in: g)
    if low == high, rows == -1, columns == -1, low == 0 { return try g.diagonalMatrix(x) }
    guard let dims = g.type(of: x).shape.dims, let width = dims.last?.value, low == high || dims.count >= 2 else {
      throw UnsupportedError("\(type) of an unknown extent")
    }
    let fewestRows = width - min(high, 0), fewestColumns = width + max(low, 0), square = max(fewestRows, fewestColumns)
    let isFree = rows == -1 && columns == -1
    let height = isFree ? square : rows == -1 ? fewestRows : rows, breadth = isFree ? square : columns == -1 ? fewestColumns : columns
    let band = try band(low, high, height, breadth, align)
    guard band.width == width else {
      throw FormatError(.invalidValue, "\(type): diagonals of \(width) in \(height) rows and \(breadth) columns")
    }
    let lead = dims.count - (low == high ? 1 : 2)
    let flat = low == high ? x : try g.reshape(x, Array(repeating: 0, count: lead) + [band.count * width])
    let cells = try g.picked(flat, band.sources, otherwise: try input(4), extent: band.count * width)
    return try g.reshape(cells, Array(repeating: 0, count: lead) + [height, breadth])
  }

  fileprivate func settingDiagonals(_ g: inout GraphContext, align: Band.Alignment) throws -> ValueID {
    let x = try input(0), diagonal = try input(1), (low, high) = try bounds(2, g)
    if low == high { return try g.settingDiagonal(of: x, low, to: diagonal) }
    let (rows, columns, lead) = try matrixExtents(x, g), band = try band(low, high, rows, columns, align), sources = band.sources
    let flat = try g.reshape(diagonal, Array(repeating: 0, count: lead) + [band.count * band.width])
    let cells = try g.picked(flat, sources, otherwise: try g.scalar(0, like: x), extent: band.count * band.width)
    let matrix = try g.reshape(cells, Array(repeating: 0, count: lead) + [rows, columns])
    let isSet = try g.constant(NDArray(sources.map { $0 >= 0 }, [rows, columns]))
    return try g.select(isSet, matrix, x)
  }
}

extension OpContext {
  /// The last axis at places; what stands for -1 is `otherwise`.
  fileprivate mutating func picked(_ x: Value, _ places: [Int], otherwise: Value, extent: Int) throws -> Value {
    let axis = try rank(of: x) - 1
    guard places.contains(-1) else { return try gather(x, try ints(places), axis: axis) }
    var pads = [Int](repeating: 0, count: 2 * axis + 2)
    pads[2 * axis + 1] = 1
    let longer = try apply(PadOp(mode: .constant), x, try ints(pads), otherwise)
    return try gather(longer, try ints(places.map { $0 < 0 ? extent : $0 }), axis: axis)
  }

  /// The last axis on the diagonals of matrices, 0 elsewhere.
  fileprivate mutating func diagonalMatrix(_ x: Value) throws -> Value {
    let rank = try rank(of: x)
    guard rank >= 1 else { throw GraphError(.shapeMismatch, "a diagonal of rank 0") }
    let column = try unsqueeze(x, [rank]), zero = try scalar(0, dtype: .int64), one = try scalar(1, dtype: .int64)
    let places = try apply(RangeOp(), zero, try squeeze(try dim(of: x, rank - 1), [0]), one)
    let isDiagonal = try apply(EqualOp(), try unsqueeze(places, [0]), try unsqueeze(places, [1]))
    return try select(isDiagonal, column, try scalar(0, like: x))
  }

  /// The elements of diagonal `k` as the last axis.
  fileprivate mutating func diagonal(of x: Value, _ k: Int) throws -> Value {
    guard let dims = type(of: x).shape.dims, dims.count >= 2, let rows = dims[dims.count - 2].value,
      let columns = dims[dims.count - 1].value
    else { throw UnsupportedError("a diagonal of a matrix of unknown extents") }
    let row = max(-k, 0), column = max(k, 0), length = min(rows - row, columns - column)
    guard length >= 0, let flat = checkedProduct([rows, columns]) else {
      throw GraphError(.shapeMismatch, "diagonal \(k) of \(type(of: x))")
    }
    let lead = Array(repeating: 0, count: dims.count - 2), start = row * columns + column
    let lines = try reshape(x, lead + [flat])
    return try slice(lines, axis: dims.count - 2, start: start, end: start + max(0, (length - 1) * (columns + 1) + 1), step: columns + 1)
  }

  /// `x` with `diagonal` on its diagonal `k`.
  fileprivate mutating func settingDiagonal(of x: Value, _ k: Int, to diagonal: Value) throws -> Value {
    guard let dims = type(of: x).shape.dims, dims.count >= 2, let rows = dims[dims.count - 2].value,
      let columns = dims[dims.count - 1].value,
      let length = type(of: diagonal).shape.dims?.last?.value
    else { throw UnsupportedError("a diagonal of a matrix of unknown extents") }
    let rank = dims.count, isAbove = k >= 0
    // By row above the main diagonal, by column below it.
    let target = isAbove ? rows : columns
    var after = [Int](repeating: 0, count: rank - 1)
    after[rank - 2] = max(0, target - length)
    let line = try pad(diagonal, before: [Int](repeating: 0, count: rank - 1), after: after)
    let spread = try unsqueeze(line, [isAbove ? rank - 1 : rank - 2])
    let isDiagonal = try apply(EqualOp(), try diagonalOffsets(of: x), try scalar(Double(k), dtype: .int64))
    return try select(isDiagonal, spread, x)
  }
}

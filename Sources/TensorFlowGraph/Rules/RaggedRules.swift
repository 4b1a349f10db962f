import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Rows of different lengths: all values one after the other, and where each row begins.
let raggedRules: [NodeRule] = [
  .reads("RaggedTensorToTensor") { n, g in [try n.denseRows(in: &g)] },
  .reads("RaggedTensorToSparse") { n, g in try n.sparseRows(in: &g) },
  .reads("RaggedBincount") { n, g in [try n.countsOfRows(in: &g)] },
  .reads("RaggedRange") { n, g in try n.ranges(in: &g) },
  .reads("RaggedGather") { n, g in try n.gatheredRows(in: &g) },
  .reads("RaggedFillEmptyRows") { n, g in try n.filledRows(in: &g) },
]

/// What is known of the rows of one level.
private struct Rows {
  /// For each value its row, and its place in it.
  var rows: ValueID
  var places: ValueID
  /// How many rows, a vector of one.
  var count: ValueID
}

extension GraphContext {
  /// The row of each of `total` values (a vector of one) from where the rows begin.
  fileprivate mutating func rowNumbers(_ splits: ValueID, total: ValueID) throws -> ValueID {
    let one = try ints([1]), zero = try scalar(0, dtype: .int64)
    // A mark where each row ends; those before a value are as many as its row's number.
    let ends = try apply(SliceOp(), splits, one, try ints([Int(Int64.max)]), try ints([0]))
    let marks = try expand(zero, to: try add(total, one))
    let ones = try expand(try scalar(1, dtype: .int64), to: try shape(of: ends))
    let marked = try apply(ScatterNDOp(reduction: .add), marks, try unsqueeze(ends, [1]), ones)
    let sums = try apply(CumSumOp(), marked, zero)
    return try apply(SliceOp(), sums, try ints([0]), total, try ints([0]))
  }

  fileprivate mutating func rows(splits: ValueID, total: ValueID) throws -> Rows {
    let numbers = try rowNumbers(splits, total: total)
    let places = try sub(try positions(numbers, axis: 0), try gather(splits, numbers, axis: 0))
    return Rows(rows: numbers, places: places, count: try sub(try shape(of: splits), try ints([1])))
  }

  fileprivate mutating func rows(numbers: ValueID, count: ValueID) throws -> Rows {
    let zero = try scalar(0, dtype: .int64)
    let ones = try expand(try scalar(1, dtype: .int64), to: try shape(of: numbers))
    let lengths = try apply(ScatterNDOp(reduction: .add), try expand(zero, to: count), try unsqueeze(numbers, [1]), ones)
    let starts = try apply(CumSumOp(exclusive: true), lengths, zero)
    let places = try sub(try positions(numbers, axis: 0), try gather(starts, numbers, axis: 0))
    return Rows(rows: numbers, places: places, count: count)
  }

  /// Where rows begin, from their lengths.
  fileprivate mutating func splits(lengths: ValueID) throws -> ValueID {
    let sums = try apply(CumSumOp(), lengths, try scalar(0, dtype: .int64))
    return try concat([try ints([0]), sums], axis: 0)
  }
}

extension NodeReader {
  /// Indices, values and dense shape of rows given by where they begin, from the outermost level in.
  fileprivate func sparseRows(in g: inout GraphContext) throws -> [ValueID] {
    let depth = inputs.count - 1
    guard depth >= 1, depth <= 32, let values = inputs.last, let rank = g.type(of: values).shape.rank, rank == 1 else {
      throw UnsupportedError("\(type) of values that are no vector")
    }
    var total = try g.shape(of: values), columns: [ValueID] = [], extents: [ValueID] = [], row: ValueID?
    for level in (0..<depth).reversed() {
      let rows = try g.rows(splits: try int64(level, in: &g), total: total)
      let most = try g.reduce(.max, try g.concat([rows.places, try g.ints([-1])], axis: 0), axes: [0], keepDims: true)
      columns.insert(try row.map { try g.gather(rows.places, $0, axis: 0) } ?? rows.places, at: 0)
      extents.insert(try g.add(most, try g.ints([1])), at: 0)
      row = try row.map { try g.gather(rows.rows, $0, axis: 0) } ?? rows.rows
      total = rows.count
    }
    if let row { columns.insert(row, at: 0) }
    let places = try g.concat(try columns.map { try g.unsqueeze($0, [1]) }, axis: 1)
    return [places, try g.apply(IdentityOp(), values), try g.concat([total] + extents, axis: 0)]
  }

  fileprivate func denseRows(in g: inout GraphContext) throws -> ValueID {
    let types = try strings("row_partition_types"), values = try input(1), one = try g.ints([1])
    guard !types.isEmpty, inputs.count == 3 + types.count else {
      throw FormatError(.invalidValue, "\(type) with \(types.count) partitions")
    }
    var parts: [(type: String, value: ValueID)] = []
    for (index, type) in types.enumerated() { parts.append((type, try g.cast(try input(3 + index), to: .int64))) }
    var first: ValueID?
    if parts[0].type == "FIRST_DIM_SIZE" { first = try g.reshape(parts.removeFirst().value, [1]) }
    // From the innermost level, whose values are the tensor's.
    var levels: [Rows] = [], total = try g.dim(of: values, 0)
    for (index, part) in parts.enumerated().reversed() {
      let rows: Rows
      switch part.type {
      case "ROW_SPLITS": rows = try g.rows(splits: part.value, total: total)
      case "VALUE_ROWIDS":
        let count: ValueID
        if index == 0, let first {
          count = first
        } else if index > 0, parts[index - 1].type == "VALUE_ROWIDS" {
          count = try g.shape(of: parts[index - 1].value)
        } else {
          throw UnsupportedError("\(type) with rows of the kind \(types)")
        }
        rows = try g.rows(numbers: part.value, count: count)
      default: throw UnsupportedError("\(type) with rows of the kind \(part.type)")
      }
      levels.insert(rows, at: 0)
      total = rows.count
    }
    guard let inner = levels.last else { throw FormatError(.invalidValue, "\(type) without rows") }
    // Each value's place along each axis.
    var columns = [inner.places], row = inner.rows
    for level in levels.dropLast().reversed() {
      columns.insert(try g.gather(level.places, row, axis: 0), at: 0)
      row = try g.gather(level.rows, row, axis: 0)
    }
    columns.insert(row, at: 0)
    var extents = [total]
    // Rows without values count too.
    for level in levels {
      let most = try g.reduce(.max, try g.concat([level.places, try g.ints([-1])], axis: 0), axes: [0], keepDims: true)
      extents.append(try g.add(most, one))
    }
    let natural = try g.concat(extents, axis: 0)
    let asked = try wanted(natural, count: extents.count, in: &g)
    let room = asked == natural ? natural : try g.maximum(natural, asked)
    guard let rank = g.type(of: values).shape.rank, rank >= 1 else { throw UnsupportedError("\(type) of values of unknown rank") }
    var shape = room
    if rank > 1 { shape = try g.concat([room, try g.apply(ShapeOp(start: 1), values)], axis: 0) }
    let start = try g.expand(try input(2), to: shape)
    let places = try g.concat(try columns.map { try g.unsqueeze($0, [1]) }, axis: 1)
    let dense = try g.apply(ScatterNDOp(), start, places, values)
    if asked == natural { return dense }
    let none = try g.ints(Array(repeating: 0, count: extents.count))
    let result = try g.apply(SliceOp(), dense, none, asked, try g.ints(Array(0..<extents.count)))
    return result
  }

  /// The leading extents that the node asks for; -1 takes what is there.
  private func wanted(_ natural: ValueID, count: Int, in g: inout GraphContext) throws -> ValueID {
    let asked = try g.cast(try input(0), to: .int64)
    if g.type(of: asked).shape.rank == 0 { return natural }
    if let known = g.fact(of: asked).integers {
      if known.prefix(count).allSatisfy({ $0 < 0 }) { return natural }
      guard known.count >= count else { throw FormatError(.invalidValue, "\(type) to a shape of \(known.count) extents") }
    }
    let leading = try g.slice(asked, axis: 0, start: 0, end: count)
    return try g.select(try g.apply(LessOp(), leading, try g.ints([0])), natural, leading)
  }

  /// How often each of `0 ..< size` occurs in each row, or the sum of the weights where it does.
  fileprivate func countsOfRows(in g: inout GraphContext) throws -> ValueID {
    let values = try g.cast(try input(1), to: .int64), size = try g.reshape(try g.cast(try input(2), to: .int64), [1])
    let splits = try g.cast(try input(0), to: .int64), weights = try input(3), dtype = g.type(of: weights).dtype
    let rows = try g.rows(splits: splits, total: try g.dim(of: values, 0)), one = try g.ints([1])
    guard let weightCount = g.type(of: weights).shape.elementCount ?? (g.type(of: weights).shape.rank == 1 ? 1 : nil) else {
      throw UnsupportedError("\(type) with weights of unknown shape")
    }
    let isBinary = try flag("binary_output")
    let unit = try g.expand(try g.scalar(1, dtype: dtype), to: try g.shape(of: values))
    let terms = weightCount > 0 && !isBinary ? weights : unit
    // What is too large goes to a place behind the others.
    let columns = try g.minimum(values, size)
    let start = try g.expand(try g.scalar(0, dtype: dtype), to: try g.concat([rows.count, try g.add(size, one)], axis: 0))
    let places = try g.concat([try g.unsqueeze(rows.rows, [1]), try g.unsqueeze(columns, [1])], axis: 1)
    let sums = try g.apply(ScatterNDOp(reduction: .add), start, places, terms)
    let kept = try g.apply(SliceOp(), sums, try g.ints([0]), size, try g.ints([1]))
    return isBinary ? try g.minimum(kept, try g.scalar(1, dtype: dtype)) : kept
  }

  /// Rows that count from a start to a limit.
  fileprivate func ranges(in g: inout GraphContext) throws -> [ValueID] {
    let dtype = g.type(of: try input(0)).dtype, splitType = try self.dtype("Tsplits")
    guard dtype.isInteger || dtype == .float32 || dtype == .float64 else { throw UnsupportedError("\(type) of \(dtype)") }
    var ends: [ValueID] = []
    for index in 0..<3 { ends.append(try g.cast(try input(index), to: dtype.isInteger ? .int64 : dtype)) }
    let zero = try g.scalar(0, dtype: .int64), (start, limit, step) = (ends[0], ends[1], ends[2])
    // Upwards or downwards: rounded up.
    let span = try g.sub(start, limit)
    let steps = dtype.isInteger ? try g.apply(FloorDivOp(), span, step) : try g.apply(FloorOp(), try g.div(span, step))
    let length = try g.maximum(try g.apply(NegOp(), try g.cast(steps, to: .int64)), zero)
    guard let rank = g.type(of: length).shape.rank else { throw UnsupportedError("\(type) of unknown rank") }
    let lengths = rank == 0 ? try g.unsqueeze(length, [0]) : length
    let splits = try g.splits(lengths: lengths)
    let total = try g.reduce(.sum, lengths, axes: [0], keepDims: true)
    let rows = try g.rows(splits: splits, total: total)
    func each(_ value: ValueID, in g: inout GraphContext) throws -> ValueID {
      try g.gather(try g.expand(value, to: try g.shape(of: lengths)), rows.rows, axis: 0)
    }
    let places = try g.cast(rows.places, to: g.type(of: step).dtype)
    let values = try g.add(try each(start, in: &g), try g.mul(places, try each(step, in: &g)))
    return [try g.cast(splits, to: splitType), try g.cast(values, to: dtype)]
  }

  /// Rows picked by number, from the outermost level in: what is picked of a level is where its rows begin in the next.
  fileprivate func gatheredRows(in g: inout GraphContext) throws -> [ValueID] {
    let depth = try int("PARAMS_RAGGED_RANK")
    guard (1...32).contains(depth), inputs.count == depth + 2, let rank = g.type(of: try input(depth + 1)).shape.rank, rank <= 2 else {
      throw UnsupportedError("\(type) by indices of a rank that is unknown or above 2")
    }
    let splitType = g.type(of: try input(0)).dtype, one = try g.ints([1])
    var picked = try g.cast(try input(depth + 1), to: .int64), results: [ValueID] = []
    if rank == 2 {
      // The indices' own rows.
      let extents = try g.shape(of: picked), zero = try g.scalar(0, dtype: .int64), step = try g.scalar(1, dtype: .int64)
      let rows = try g.add(try g.slice(extents, axis: 0, start: 0, end: 1), one)
      let counts = try g.apply(RangeOp(), zero, try g.squeeze(rows, [0]), step)
      results.append(try g.mul(counts, try g.slice(extents, axis: 0, start: 1, end: 2)))
    }
    picked = try g.reshape(picked, [-1])
    for level in 0..<depth {
      let splits = try int64(level, in: &g), starts = try g.gather(splits, picked, axis: 0)
      let lengths = try g.sub(try g.gather(splits, try g.add(picked, one), axis: 0), starts)
      let new = try g.splits(lengths: lengths)
      let rows = try g.rows(splits: new, total: try g.reduce(.sum, lengths, axes: [0], keepDims: true))
      picked = try g.add(try g.gather(starts, rows.rows, axis: 0), rows.places)
      results.append(new)
    }
    // A single row is no row of rows.
    if rank == 0 { results.removeFirst() }
    return try results.map { try g.cast($0, to: splitType) } + [try g.gather(try input(depth), picked, axis: 0)]
  }

  /// Rows without values get one.
  fileprivate func filledRows(in g: inout GraphContext) throws -> [ValueID] {
    let numbers = try int64(0, in: &g), values = try input(1), fallback = try input(3)
    let count = try g.reshape(try int64(2, in: &g), [1]), zero = try g.scalar(0, dtype: .int64), one = try g.scalar(1, dtype: .int64)
    let ones = try g.expand(one, to: try g.shape(of: numbers))
    let lengths = try g.apply(ScatterNDOp(reduction: .add), try g.expand(zero, to: count), try g.unsqueeze(numbers, [1]), ones)
    let isEmpty = try g.apply(EqualOp(), lengths, zero)
    let full = try g.maximum(lengths, one)
    let rows = try g.rows(splits: try g.splits(lengths: full), total: try g.reduce(.sum, full, axes: [0], keepDims: true))
    let starts = try g.apply(CumSumOp(exclusive: true), full, zero)
    // Where each of the old values stands now.
    let old = try g.sub(
      try g.positions(numbers, axis: 0), try g.gather(try g.apply(CumSumOp(exclusive: true), lengths, zero), numbers, axis: 0))
    let places = try g.add(try g.gather(starts, numbers, axis: 0), old)
    let start = try g.expand(fallback, to: try g.shape(of: rows.rows))
    let result = try g.apply(ScatterNDOp(), start, try g.unsqueeze(places, [1]), values)
    return [rows.rows, result, isEmpty, places]
  }
}

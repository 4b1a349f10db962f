import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Elements put in places, and rows that bear the same number brought together.
let scatterRules: [OperatorRule] = [
  .reads(.scatterNd) { n, g in
    // Updates to one place are added up.
    var updates = try n.input(1)
    let dtype = g.type(of: updates).dtype
    guard dtype != .string else { throw UnsupportedError("SCATTER_ND of \(dtype)") }
    if dtype == .bool {
      updates = try g.cast(updates, to: .int32)
      let none = try g.expand(try g.scalar(0, like: updates), to: try n.int64(2, in: &g))
      return [try g.cast(try g.apply(ScatterNDOp(reduction: .add), none, try n.input(0), updates), to: .bool)]
    }
    let start = try g.expand(try g.scalar(0, like: updates), to: try n.int64(2, in: &g))
    return [try g.apply(ScatterNDOp(reduction: .add), start, try n.input(0), updates)]
  }.onAnyType,
  .reads(.sparseToDense) { n, g in
    // Indices of rank 0 and 1 name places of a vector, those of a matrix tuples.
    var indices = try n.input(0), values = try n.input(2)
    let rank = try n.rank(0, in: g)
    if rank < 2 { indices = try g.reshape(indices, [-1, 1]) }
    if g.type(of: values).shape.rank == 0 { values = try g.expand(values, to: try g.apply(ShapeOp(start: 0, end: 1), indices)) }
    let start = try g.expand(try g.reshape(try n.input(3), []), to: try n.int64(1, in: &g))
    return [try g.apply(ScatterNDOp(), start, indices, values)]
  }.onAnyType,
  .moves(.dynamicUpdateSlice) { n, g in
    let x = try n.input(0), update = try n.input(1), start = try n.int64(2, in: &g), op = DynamicUpdateSliceOp()
    // Numbers that stand for others are moved by what moves them elsewhere.
    if g.type(of: x).quantization != nil { return try op.decompose([x, update, start], in: &g) }
    return [try g.apply(op, x, update, start)]
  },
  .reads(.segmentSum) { n, g in [try g.segments(.add, try n.input(0), try n.input(1), count: nil)] },
  .reads(.unsortedSegmentSum) { n, g in [try g.segments(.add, try n.input(0), try n.input(1), count: try n.input(2))] },
  .reads(.unsortedSegmentProd) { n, g in [try g.segments(.mul, try n.input(0), try n.input(1), count: try n.input(2))] },
  .reads(.unsortedSegmentMax) { n, g in [try g.segments(.max, try n.input(0), try n.input(1), count: try n.input(2))] },
  .reads(.unsortedSegmentMin) { n, g in [try g.segments(.min, try n.input(0), try n.input(1), count: try n.input(2))] },
  .reads(.embeddingLookupSparse) { n, g in try n.lookedUp(in: &g) },
]

extension GraphContext {
  /// The rows of each number brought together; rows of a negative one count for none.
  fileprivate mutating func segments(
    _ reduction: ScatterReduction, _ data: ValueID, _ numbers: ValueID, count: ValueID?
  ) throws -> ValueID {
    if reduction == .mul, let extents = try joinedExtents(data, numbers, count: count) { return extents }
    let labels = try cast(numbers, to: .int64), one = try ints([1]), size: ValueID
    let labelRank = try rank(of: labels)
    if let count {
      size = try reshape(try cast(count, to: .int64), [1])
    } else {
      // Ascending: the last one tells how many there are.
      let none = try ints([-1])
      size = try add(try reduce(.max, try concat([none, labels], axis: 0), axes: [0], keepDims: true), one)
    }
    let inner = try apply(ShapeOp(start: labelRank), data)
    var places = labels, height = size
    if count != nil {
      height = try add(size, one)
      places = try select(try apply(LessOp(), labels, try scalar(0, dtype: .int64)), size, labels)
    }
    let filler: ValueID
    switch reduction {
    case .none, .add: filler = try scalar(0, like: data)
    case .mul: filler = try scalar(1, like: data)
    case .max: filler = try extreme(type(of: data).dtype, isLowest: true)
    case .min: filler = try extreme(type(of: data).dtype, isLowest: false)
    }
    let start = try expand(filler, to: try concat([height, inner], axis: 0))
    let result = try apply(ScatterNDOp(reduction: reduction), start, try unsqueeze(places, [labelRank]), data)
    return count == nil ? result : try apply(SliceOp(), result, try ints([0]), size, try ints([0]))
  }

  /// The products of a short vector's elements, written out: so TensorFlow's converter joins the extents of a shape, and so what
  /// they are stays known. `nil` for anything else.
  private mutating func joinedExtents(_ data: ValueID, _ numbers: ValueID, count: ValueID?) throws -> ValueID? {
    guard let dims = type(of: data).shape.extents, dims.count == 1, dims[0] <= 64, let labels = fact(of: numbers).integers,
      labels.count == dims[0], let total = count.flatMap({ fact(of: $0).integers?.first }),
      (1...64).contains(total), labels.allSatisfy({ $0 < total })
    else { return nil }
    var products: [ValueID] = []
    for segment in 0..<total {
      var product: ValueID?
      for (place, label) in labels.enumerated() where label == segment {
        let element = try slice(data, axis: 0, start: place, end: place + 1)
        product = try product.map { try mul($0, element) } ?? element
      }
      products.append(try product ?? unsqueeze(try scalar(1, like: data), [0]))
    }
    return try concat(products, axis: 0)
  }

  /// The lowest or highest finite number of a dtype that LiteRT has segments of.
  fileprivate mutating func extreme(_ dtype: DType, isLowest: Bool) throws -> ValueID {
    switch dtype {
    case .float32: try constant(NDArray(scalar: isLowest ? -Float.greatestFiniteMagnitude : .greatestFiniteMagnitude))
    case .int32: try constant(NDArray(scalar: isLowest ? Int32.min : .max))
    case .int64: try constant(NDArray(scalar: isLowest ? Int64.min : .max))
    default: throw UnsupportedError("segments of \(dtype)")
    }
  }
}

extension OperatorReader {
  /// Rows of a table, weighted and brought together by the leading places that a sparse tensor gives them.
  fileprivate func lookedUp(in g: inout GraphContext) throws -> [ValueID] {
    let combiner = options(EmbeddingLookupSparseOptions.self).combiner
    let table = try input(4), tableRank = try rank(4, in: g), indices = try g.cast(try input(1), to: .int64)
    guard let depth = g.type(of: indices).shape.dims?.last?.value, depth >= 1 else { throw UnsupportedError("places of an unknown depth") }
    guard g.type(of: table).dtype == .float32 else { throw UnsupportedError("a lookup in a table of \(g.type(of: table).dtype)") }
    let tail = Array(repeating: 1, count: tableRank - 1)
    let weights = try g.reshape(try input(3), [-1] + tail)
    let rows = try g.mul(try g.gather(table, try input(0), axis: 0), weights)
    let outer = try g.slice(try int64(2, in: &g), axis: 0, start: 0, end: depth - 1)
    let places = try g.slice(indices, axis: 1, start: 0, end: depth - 1), zero = try g.scalar(0, like: table)
    func gathered(_ rows: ValueID, _ inner: ValueID, _ g: inout GraphContext) throws -> ValueID {
      let start = try g.expand(zero, to: try g.concat([outer, inner], axis: 0))
      return try g.apply(ScatterNDOp(reduction: .add), start, places, rows)
    }
    let sum = try gathered(rows, try g.apply(ShapeOp(start: 1), table), &g)
    guard combiner != .sum else { return [sum] }
    let terms = combiner == .mean ? weights : try g.apply(SquareOp(), weights)
    var total = try gathered(terms, try g.ints(tail), &g)
    if combiner == .sqrtn { total = try g.apply(SqrtOp(), total) }
    // What nothing is brought to stays zero.
    let isEmpty = try g.apply(EqualOp(), total, zero)
    return [try g.div(sum, try g.select(isEmpty, try g.scalar(1, like: table), total))]
  }
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Reductions of rows that bear the same number, and counts of numbers.
let segmentRules: [NodeRule] =
  [SegmentKind.sum, .mean, .max, .min, .prod].flatMap(denseSegments)
  + [SegmentKind.sum, .mean, .sqrtN].flatMap(sparseSegments) + [
    .reads("HistogramFixedWidth") { n, g in [try n.histogram(in: &g)] },
    .reads("Bincount") { n, g in [try n.counts(isBinary: false, in: &g)] },
    .reads("DenseBincount") { n, g in [try n.counts(isBinary: try n.flag("binary_output"), in: &g)] },
  ]

/// Ascending numbers, of which the last one tells how many there are, and any numbers.
private func denseSegments(_ kind: SegmentKind) -> [NodeRule] {
  [
    .reads("Segment" + kind.rawValue) { n, g in [try n.segments(kind, count: nil, isSorted: true, in: &g)] },
    .reads("Segment\(kind.rawValue)V2") { n, g in [try n.segments(kind, count: try n.input(2), isSorted: true, in: &g)] },
    .reads("UnsortedSegment" + kind.rawValue) { n, g in [try n.segments(kind, count: try n.input(2), isSorted: false, in: &g)] },
  ]
}

/// Rows that are picked first.
private func sparseSegments(_ kind: SegmentKind) -> [NodeRule] {
  [
    .reads("SparseSegment" + kind.rawValue) { n, g in [try n.sparseSegments(kind, count: nil, in: &g)] },
    .reads("SparseSegment\(kind.rawValue)WithNumSegments") { n, g in [try n.sparseSegments(kind, count: try n.input(3), in: &g)] },
  ]
}

enum SegmentKind: String, Sendable {
  case sum = "Sum"
  case mean = "Mean"
  case sqrtN = "SqrtN"
  case max = "Max"
  case min = "Min"
  case prod = "Prod"
  fileprivate var reduction: ScatterReduction {
    switch self {
    case .sum, .mean, .sqrtN: .add
    case .max: .max
    case .min: .min
    case .prod: .mul
    }
  }
}

extension NodeReader {
  fileprivate func segments(_ kind: SegmentKind, count: ValueID?, isSorted: Bool, in g: inout GraphContext) throws -> ValueID {
    let (data, labels) = try rows(0, 1, in: &g)
    return try g.segments(kind, data, try g.cast(labels, to: .int64), count: count, isSorted: isSorted)
  }

  fileprivate func sparseSegments(_ kind: SegmentKind, count: ValueID?, in g: inout GraphContext) throws -> ValueID {
    let rows = try g.gather(try input(0), try input(1), axis: 0)
    return try g.segments(kind, rows, try g.cast(try input(2), to: .int64), count: count, isSorted: true)
  }

  /// How often each of `0 ..< size` occurs, or the sum of the weights where it does. Others do not count.
  fileprivate func counts(isBinary: Bool, in g: inout GraphContext) throws -> ValueID {
    let x = try g.cast(try input(0), to: .int64), size = try g.reshape(try g.cast(try input(1), to: .int64), [])
    let weights = try input(2), dtype = g.type(of: weights).dtype
    guard let rank = g.type(of: x).shape.rank else { throw UnsupportedError("\(type) of a value of unknown rank") }
    guard let weightCount = g.type(of: weights).shape.elementCount ?? (g.type(of: weights).shape.rank == rank ? 1 : nil) else {
      throw UnsupportedError("\(type) with weights of unknown shape")
    }
    let isWeighted = weightCount > 0 && !isBinary
    if rank == 2, type == "DenseBincount" {
      let bins = try g.apply(RangeOp(), try g.scalar(0, dtype: .int64), size, try g.scalar(1, dtype: .int64))
      let hits = try g.apply(EqualOp(), try g.unsqueeze(x, [2]), bins)
      if isBinary { return try g.cast(try g.reduce(.any, hits, axes: [1]), to: dtype) }
      var terms = try g.cast(hits, to: dtype)
      if isWeighted { terms = try g.mul(terms, try g.unsqueeze(weights, [2])) }
      return try g.reduce(.sum, terms, axes: [1])
    }
    let flat = try g.reshape(x, [-1])
    let one = try g.scalar(1, dtype: dtype)
    let terms = isWeighted ? try g.reshape(weights, [-1]) : try g.expand(one, to: try g.shape(of: flat))
    // What is too large goes to a place behind the others.
    let places = try g.minimum(flat, size), zero = try g.scalar(0, dtype: dtype)
    let start = try g.expand(zero, to: try g.reshape(try g.add(size, try g.scalar(1, dtype: .int64)), [1]))
    let all = try g.apply(ScatterNDOp(reduction: .add), start, try g.unsqueeze(places, [1]), terms)
    let kept = try g.apply(SliceOp(), all, try g.ints([0]), try g.reshape(size, [1]))
    return isBinary ? try g.minimum(kept, one) : kept
  }
}

extension GraphContext {
  /// - Parameter labels: int64; without `count` ascending.
  mutating func segments(
    _ kind: SegmentKind, _ data: ValueID, _ labels: ValueID, count: ValueID?, isSorted: Bool
  ) throws -> ValueID {
    let one = try ints([1]), size: ValueID
    if let count {
      size = try reshape(try cast(count, to: .int64), [1])
    } else {
      let none = try ints([-1])
      size = try add(try reduce(.max, try concat([none, labels], axis: 0), axes: [0], keepDims: true), one)
    }
    let inner = try apply(ShapeOp(start: 1), data)
    // Rows with a negative number belong to no segment: they go behind the last one.
    var places = labels, height = size
    if !isSorted {
      height = try add(size, one)
      places = try select(try apply(LessOp(), labels, try scalar(0, dtype: .int64)), size, labels)
    }
    places = try unsqueeze(places, [1])
    let start = try expand(try neutral(kind.reduction, like: data), to: try concat([height, inner], axis: 0))
    var result = try apply(ScatterNDOp(reduction: kind.reduction), start, places, data)
    if kind == .mean || kind == .sqrtN || isSorted && (kind == .max || kind == .min) {
      let unit = try scalar(1, like: data)
      let zeros = try expand(try scalar(0, like: data), to: height)
      let ones = try expand(unit, to: try shape(of: labels))
      var counts = try apply(ScatterNDOp(reduction: .add), zeros, places, ones)
      if let rank = type(of: data).shape.rank, rank > 1 { counts = try reshape(counts, [-1] + Array(repeating: 1, count: rank - 1)) }
      switch kind {
      case .mean: result = try div(result, try maximum(counts, unit))
      case .sqrtN: result = try div(result, try apply(SqrtOp(), try maximum(counts, unit)))
      default:
        // A sorted segment without rows is zero.
        let zero = try scalar(0, like: data)
        result = try select(try apply(GreaterOp(), counts, zero), result, zero)
      }
    }
    guard !isSorted else { return result }
    return try apply(SliceOp(), result, try ints([0]), size, try ints([0]))
  }
}

extension NodeReader {
  /// How many values fall into each of equally wide bins; what lies outside counts for the outermost ones.
  fileprivate func histogram(in g: inout GraphContext) throws -> ValueID {
    let x = try g.reshape(try input(0), [-1]), range = try input(1), dtype = try self.dtype("dtype")
    let bins = try g.cast(try input(2), to: .int64), one = try g.scalar(1, dtype: .int64)
    let low = try g.squeeze(try g.slice(range, axis: 0, start: 0, end: 1), [0])
    let high = try g.squeeze(try g.slice(range, axis: 0, start: 1, end: 2), [0])
    let step = try g.div(try g.sub(high, low), try g.cast(bins, to: g.type(of: x).dtype))
    let places = try g.minimum(try g.cast(try g.div(try g.sub(try g.maximum(x, low), low), step), to: .int64), try g.sub(bins, one))
    let start = try g.expand(try g.scalar(0, dtype: dtype), to: try g.reshape(bins, [1]))
    let ones = try g.expand(try g.scalar(1, dtype: dtype), to: try g.shape(of: x))
    return try g.apply(ScatterNDOp(reduction: .add), start, try g.unsqueeze(places, [1]), ones)
  }
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// MediaPipe's operators on landmarks: a matrix that turns and scales a crop around some of them, and what it moves (public as
/// `mediapipe/util/tflite/operations`). All take one image at a time.
let landmarkRules: [OperatorRule] = [
  .reads(custom: "Landmarks2TransformMatrix") { n, g in
    let options = try n.customOptions()
    return [options["subset_idxs"] == nil ? try n.croppedMatrix1(options, in: &g) : try n.croppedMatrix2(options, in: &g)]
  },
  .reads(custom: "TransformLandmarks") { n, g in
    let x = try n.input(0), extents = try n.extents(0, in: g), options = try n.customOptions()
    // Version 1 has four axes and options; of version 2 the last axis tells how many coordinates a landmark has.
    let isFirst = extents.count == 4
    let depth = isFirst ? options["dimensions"]?.int ?? 3 : extents.last ?? 0, scale = isFirst ? options["scale"]?.double ?? 1 : 1
    guard extents.count == 3 || isFirst, extents[0] == 1, depth == 2 || depth == 3, extents[extents.count - 1] % depth == 0 else {
      throw UnsupportedError("\(n.type) of a value \(extents) with \(depth) coordinates each is not supported")
    }
    let points = try g.reshape(x, [-1, depth])
    let a = try g.slice(points, axis: 1, start: 0, end: 1), b = try g.slice(points, axis: 1, start: 1, end: 2)
    let rows = try n.affineRows(1, in: &g)
    var moved: [ValueID] = []
    for row in rows {
      let shift = scale == 1 ? row[2] : try g.mul(row[2], try g.scalar(scale, like: x))
      moved.append(try g.add(try g.add(try g.mul(row[0], a), try g.mul(row[1], b)), shift))
    }
    if depth == 3 { moved.append(try g.slice(points, axis: 1, start: 2, end: 3)) }
    return [try g.reshape(try g.concat(moved, axis: 1), extents)]
  },
  .reads(custom: "TransformTensorBilinear") { n, g in
    let options = try n.customOptions()
    return [try n.transformed(centred: true, height: options["output_height"]?.int, width: options["output_width"]?.int, in: &g)]
  },
  .reads(custom: "TransformTensor") { n, g in
    let options = try n.customOptions(), size = options["output_size"]?.ints
    if let mode = options["mode"]?.string, mode != "bilinear" { throw UnsupportedError("interpolation of the kind \(mode)") }
    return [try n.transformed(centred: false, height: size?.first, width: size?.last, in: &g)]
  },
  .reads(custom: "Resampler") { n, g in
    // The places, in elements of the image, are an input; around the image are zeros.
    let extents = try n.extents(0, in: g), places = try n.extents(1, in: g)
    guard extents.count == 4, extents[0] < 1 << 16, places == Array(extents.prefix(3)) + [2] else {
      throw FormatError(.invalidValue, "\(n.type) of a value \(extents) at \(places)")
    }
    let warp = try n.input(1), image = SampledImage(value: try n.input(0), extents: extents)
    let across = try g.slice(warp, axis: 3, start: 0, end: 1), down = try g.slice(warp, axis: 3, start: 1, end: 2)
    return [try image.sampled(across: across, down: down, in: &g)]
  },
]

extension OperatorReader {
  /// The factors and the shift of the first two rows of a 4 × 4 matrix, which move the first two coordinates.
  fileprivate func affineRows(_ index: Int, in g: inout GraphContext) throws -> [[ValueID]] {
    let flat = try g.reshape(try input(index), [16])
    return try [0, 4].map { row in try [0, 1, 3].map { try g.slice(flat, axis: 0, start: row + $0, end: row + $0 + 1) } }
  }

  /// An image seen through a matrix; zeros where that leads out of it. `centred` counts from the middle of elements.
  fileprivate func transformed(centred: Bool, height: Int?, width: Int?, in g: inout GraphContext) throws -> ValueID {
    let extents = try extents(0, in: g), file = outputTypes.first?.shape.extents
    guard let height = file.flatMap({ $0.count == 4 ? $0[1] : nil }) ?? height,
      let width = file.flatMap({ $0.count == 4 ? $0[2] : nil }) ?? width
    else { throw FormatError(.missingReference, "\(type) needs the height and width of its result") }
    guard extents.count == 4, extents[0] == 1, height > 0, width > 0, max(height, width) < 1 << 16 else {
      throw FormatError(.invalidValue, "\(type) of a value \(extents) to \(height) × \(width)")
    }
    let columns = try g.constant(NDArray((0..<width).map(Float.init), [1, 1, width, 1]))
    let lines = try g.constant(NDArray((0..<height).map(Float.init), [1, height, 1, 1]))
    let places = try affineRows(1, in: &g).map { row in
      var shift = row[2]
      if centred {
        let half = try g.scalar(0.5, dtype: .float32)
        let middle = try g.sub(try g.add(try g.mul(row[0], half), try g.mul(row[1], half)), half)
        shift = try g.add(shift, middle)
      }
      return try g.add(try g.add(try g.mul(row[0], columns), try g.mul(row[1], lines)), shift)
    }
    return try SampledImage(value: try input(0), extents: extents).sampled(across: places[0], down: places[1], cut: true, in: &g)
  }

  /// Landmarks by number: their first two coordinates, each `[count, 1]`.
  private func landmarks(_ numbers: [Int], in g: inout GraphContext) throws -> (x: ValueID, y: ValueID) {
    let extents = try extents(0, in: g)
    guard let count = checkedProduct(extents), let greatest = numbers.max(), numbers.allSatisfy({ $0 >= 0 }), greatest < count / 3,
      count % 3 == 0
    else { throw FormatError(.invalidValue, "\(type) of the landmarks \(numbers.prefix(8)) of a value \(extents)") }
    let rows = try g.gather(try g.reshape(try input(0), [-1, 3]), try g.ints(numbers), axis: 0)
    return (try g.slice(rows, axis: 1, start: 0, end: 1), try g.slice(rows, axis: 1, start: 1, end: 2))
  }

  private func number(_ name: String, in options: [String: FlexBuffer.Value]) throws -> Int {
    guard let value = options[name]?.int, value >= 0, value < 1 << 24 else {
      throw FormatError(.invalidValue, "\(type) needs the option \(name), a number")
    }
    return value
  }
  private func factor(_ name: String, in options: [String: FlexBuffer.Value]) throws -> Double {
    guard let value = options[name]?.double, value.isFinite else {
      throw FormatError(.invalidValue, "\(type) needs the option \(name), a number")
    }
    return value
  }

  /// How far the line between two landmarks rises and runs.
  private func slope(_ options: [String: FlexBuffer.Value], in g: inout GraphContext) throws -> (rise: ValueID, run: ValueID) {
    let ends = try [number("left_rotation_idx", in: options), number("right_rotation_idx", in: options)]
    let (x, y) = try landmarks(ends, in: &g)
    func difference(_ value: ValueID) throws -> ValueID {
      try g.sub(try g.slice(value, axis: 0, start: 1, end: 2), try g.slice(value, axis: 0, start: 0, end: 1))
    }
    return (try difference(y), try difference(x))
  }

  /// The box around turned landmarks: extents and middle across and down, the middle turned back.
  private func box(
    _ numbers: [Int], cosine: ValueID, sine: ValueID, in g: inout GraphContext
  ) throws -> (extents: [ValueID], middle: [ValueID]) {
    let (x, y) = try landmarks(numbers, in: &g)
    let turned = [
      try g.sub(try g.mul(x, cosine), try g.mul(y, sine)), try g.add(try g.mul(x, sine), try g.mul(y, cosine)),
    ]
    let half = try g.scalar(0.5, dtype: .float32)
    var extents: [ValueID] = [], middle: [ValueID] = []
    for axis in turned {
      let most = try g.reduce(.max, axis, axes: [0], keepDims: true), least = try g.reduce(.min, axis, axes: [0], keepDims: true)
      extents.append(try g.sub(most, least))
      middle.append(try g.mul(try g.add(most, least), half))
    }
    return (
      extents,
      [
        try g.add(try g.mul(middle[0], cosine), try g.mul(middle[1], sine)),
        try g.sub(try g.mul(middle[1], cosine), try g.mul(middle[0], sine)),
      ]
    )
  }

  /// A 4 × 4 matrix that moves two coordinates, `[1, 4, 4]`, of elements `[1, 1]`.
  private func matrix(_ rows: [[ValueID]], in g: inout GraphContext) throws -> ValueID {
    let zero = try g.constant(NDArray([Float(0)], [1, 1]))
    let rest = try g.constant(NDArray([0, 0, 1, 0, 0, 0, 0, 1] as [Float], [1, 8]))
    let elements = rows.flatMap { [$0[0], $0[1], zero, $0[2]] } + [rest]
    return try g.reshape(try g.concat(elements, axis: 1), [1, 4, 4])
  }

  /// Version 1: the crop in relative coordinates, −1 to 1.
  fileprivate func croppedMatrix1(_ options: [String: FlexBuffer.Value], in g: inout GraphContext) throws -> ValueID {
    guard let from = options["input_hw"]?.ints, let to = options["output_hw"]?.ints, let subset = options["subset"]?.ints, from.count == 2,
      to.count == 2, (from + to).allSatisfy({ $0 > 0 && $0 < 1 << 24 }), subset.count >= 2
    else { throw FormatError(.missingReference, "\(type) needs the options input_hw, output_hw and subset") }
    let range = try factor("landmarks_range", in: options), multiplier = try factor("bbox_size_multiplier", in: options)
    guard range > 0 else { throw FormatError(.invalidValue, "\(type): landmarks_range \(range)") }
    let (rise, run) = try slope(options, in: &g)
    let angle = try g.apply(NegOp(), try g.apply(AtanOp(), try g.div(rise, run)))
    let cosine = try g.apply(CosOp(), angle), sine = try g.apply(SinOp(), angle)
    let (extents, middle) = try box(Array(subset.prefix(subset.count / 2 * 2)), cosine: cosine, sine: sine, in: &g)
    func scaled(_ value: ValueID, _ factor: Double) throws -> ValueID { try g.mul(value, try g.scalar(factor, dtype: .float32)) }
    func over(_ value: ValueID) throws -> ValueID { try g.div(value, try g.scalar(range, dtype: .float32)) }
    let scales = try extents.map { try over(try scaled($0, multiplier)) }
    let turn = [[cosine, sine], [try g.apply(NegOp(), sine), cosine]]
    let rows = try [0, 1].map { axis in
      // Heights come first in the options.
      let half = Double(from[1 - axis] - 1) / 2
      let a = try g.mul(try scaled(turn[axis][0], half), scales[0]), b = try g.mul(try scaled(turn[axis][1], half), scales[1])
      let place = try g.sub(try scaled(try over(middle[axis]), 2), try g.scalar(1, dtype: .float32))
      let shift = try g.add(try scaled(place, half), try g.scalar(half, dtype: .float32))
      return [
        try scaled(a, 2 / Double(to[1] - 1)), try scaled(b, 2 / Double(to[0] - 1)), try g.sub(try g.sub(shift, a), b),
      ]
    }
    return try matrix(rows, in: &g)
  }

  /// Version 2: the crop in elements of the result.
  fileprivate func croppedMatrix2(_ options: [String: FlexBuffer.Value], in g: inout GraphContext) throws -> ValueID {
    guard let subset = options["subset_idxs"]?.ints, !subset.isEmpty else {
      throw FormatError(.missingReference, "\(type) needs the option subset_idxs")
    }
    let sizes = [try number("output_width", in: options), try number("output_height", in: options)]
    guard sizes.allSatisfy({ $0 > 0 }) else { throw FormatError(.invalidValue, "\(type) to \(sizes)") }
    let factors = [try factor("scale_x", in: options), try factor("scale_y", in: options)]
    let (rise, run) = try slope(options, in: &g)
    let target = try g.scalar(try factor("target_rotation_radians", in: options), dtype: .float32)
    let angle = try g.sub(target, try g.apply(Atan2Op(), rise, run))
    let cosine = try g.apply(CosOp(), angle), sine = try g.apply(SinOp(), angle)
    let (extents, middle) = try box(subset, cosine: cosine, sine: sine, in: &g)
    let scales = try [0, 1].map { axis in
      try g.div(
        try g.mul(try g.scalar(factors[axis], dtype: .float32), extents[axis]), try g.scalar(Double(sizes[axis]), dtype: .float32))
    }
    let turn = [[cosine, sine], [try g.apply(NegOp(), sine), cosine]]
    let halves = try sizes.map { try g.scalar(-Double($0) / 2, dtype: .float32) }
    let rows = try [0, 1].map { axis in
      let a = try g.mul(turn[axis][0], scales[0]), b = try g.mul(turn[axis][1], scales[1])
      return [a, b, try g.add(try g.add(try g.mul(a, halves[0]), try g.mul(b, halves[1])), middle[axis])]
    }
    return try matrix(rows, in: &g)
  }
}

/// Images `[batch, height, width, channels]` to be read between their elements.
private struct SampledImage {
  var value: ValueID
  var extents: [Int]

  /// Elements at places `[batch, …, …, 1]`, weighted over the four around each. Beyond the border are zeros; with `cut` a place beyond
  /// it is zero whatever is beside it.
  func sampled(across: ValueID, down: ValueID, cut: Bool = false, in g: inout GraphContext) throws -> ValueID {
    guard let image = checkedProduct([extents[1], extents[2]]), let all = checkedProduct([extents[0], image]), all > 0 else {
      throw FormatError(.limitExceeded, "an image of \(extents)")
    }
    let rows = try g.reshape(value, [all, extents[3]])
    let x = try line(across, extent: extents[2], in: &g), y = try line(down, extent: extents[1], in: &g)
    let width = try g.scalar(Double(extents[2]), dtype: .int64)
    let starts = try g.constant(NDArray((0..<extents[0]).map { Int64($0 * image) }, [extents[0], 1, 1, 1]))
    func element(_ row: Side, _ column: Side) throws -> ValueID {
      let place = try g.add(try g.add(try g.mul(row.place, width), column.place), starts)
      return try g.mul(try g.gather(rows, try g.squeeze(place, [3]), axis: 0), try g.mul(row.inside, column.inside))
    }
    func between(_ low: ValueID, _ high: ValueID, _ ratio: ValueID) throws -> ValueID {
      let rest = try g.sub(try g.scalar(1, dtype: .float32), ratio)
      return try g.add(try g.mul(rest, low), try g.mul(ratio, high))
    }
    let upper = try between(try element(y.low, x.low), try element(y.low, x.high), x.ratio)
    let lower = try between(try element(y.high, x.low), try element(y.high, x.high), x.ratio)
    let result = try between(upper, lower, y.ratio)
    guard cut else { return result }
    var inside: ValueID?
    for (place, extent) in [(across, extents[2]), (down, extents[1])] {
      let above = try g.apply(GreaterOrEqualOp(), place, try g.scalar(0, dtype: .float32))
      let below = try g.apply(LessOrEqualOp(), place, try g.scalar(Double(extent - 1), dtype: .float32))
      let both = try g.apply(LogicalAndOp(), above, below)
      inside = try inside.map { try g.apply(LogicalAndOp(), $0, both) } ?? both
    }
    return try inside.map { try g.select($0, result, try g.scalar(0, dtype: .float32)) } ?? result
  }

  /// An element beside a place: where it stands, and 1 or, beyond the border, 0.
  private typealias Side = (place: ValueID, inside: ValueID)

  private func line(_ place: ValueID, extent: Int, in g: inout GraphContext) throws -> (low: Side, high: Side, ratio: ValueID) {
    let floor = try g.apply(FloorOp(), place), next = try g.add(floor, try g.scalar(1, dtype: .float32))
    func side(_ value: ValueID) throws -> Side {
      let near = try g.clip(value, min: 0, max: Double(extent - 1))
      return (try g.cast(near, to: .int64), try g.cast(try g.apply(EqualOp(), near, value), to: .float32))
    }
    return (try side(floor), try side(next), try g.sub(place, floor))
  }
}

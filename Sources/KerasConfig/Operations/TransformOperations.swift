import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Images looked up where a projective map takes each place (`keras.ops.image.affine_transform`), with elementwise ops and
/// gathers that all targets have. The definition is that of TensorFlow's ImageProjectiveTransformV3.
extension OperationRules {
  static let transforms = OperationFamily(rules: [affine])

  private typealias Value = RecordingContext.Value

  private static let affine = OperationRule(.image, "AffineTransform", ["images", "transform"]) { call, context in
    let given = try call.tensor("images", in: &context), layout = try call.layout()
    var x = given, maps = try context.cast(try call.tensor("transform", in: &context), to: .float32)
    let rank = try context.rank(of: x)
    guard rank == 3 || rank == 4 else { throw call.mismatch("images", "rank 3 or 4") }
    if rank == 3 { x = try context.unsqueeze(x, [0]) }
    if try context.rank(of: maps) == 1 { maps = try context.unsqueeze(maps, [0]) }
    if layout == .channelsFirst { x = try context.transpose(x, [0, 2, 3, 1]) }
    x = try context.cast(x, to: given.fact.type.dtype.kerasFloat)
    let name = try call.string("fill_mode") ?? "constant"
    guard let fill = ImageFill(rawValue: name) else { throw call.unsupported("filled by \(name)") }
    let method = try call.string("interpolation") ?? "bilinear"
    guard method == "bilinear" || method == "nearest" else { throw call.unsupported("\(method) interpolation") }
    guard let dims = x.fact.type.shape.dims, let height = dims[1].value, let width = dims[2].value, let channels = dims[3].value,
      height > 0, width > 0, (1...(1 << 16)).contains(channels), let places = checkedProduct([height, width]), places <= 1 << 24,
      let mapDims = maps.fact.type.shape.dims, mapDims.count == 2, mapDims[1] == .fixed(8)
    else { throw call.unsupported("of images of unknown size or by other than eight numbers each") }
    let lookup = Lookup(
      height: height, width: width, channels: channels, fill: fill, isShared: mapDims[0] == .fixed(1),
      outside: try context.scalar(try call.double("fill_value", default: 0), like: x),
      flat: try context.reshape(x, [-1, places, channels]))

    // Where each place comes from: `[maps, places]`.
    func axis(_ value: (Int) -> Int) throws -> Value {
      try context.constant(NDArray((0..<places).map { Float(value($0)) }, [1, places]))
    }
    let across = try axis { $0 % width }, down = try axis { $0 / width }
    func number(_ index: Int) throws -> Value { try context.slice(maps, axis: 1, start: index, end: index + 1) }
    func line(_ first: Int) throws -> Value {
      try context.add(try context.mul(try number(first), across), try context.mul(try number(first + 1), down))
    }
    let one = try context.scalar(1, dtype: .float32), zero = try context.scalar(0, dtype: .float32)
    let depth = try context.add(try line(6), one), isLost = try context.apply(EqualOp(), depth, zero)
    let safe = try context.select(isLost, one, depth)
    let h = try lookup.mapped(try context.div(try context.add(try line(0), try number(2)), safe), width, in: &context)
    let v = try lookup.mapped(try context.div(try context.add(try line(3), try number(5)), safe), height, in: &context)

    var y: Value
    if method == "nearest" {
      func rounded(_ x: Value) throws -> Value {
        // Halves go away from zero.
        let size = try context.apply(FloorOp(), try context.add(try context.apply(AbsOp(), x), try context.scalar(0.5, dtype: .float32)))
        return try context.mul(try context.apply(SignOp(), x), size)
      }
      y = try lookup.taken(try rounded(v), try rounded(h), in: &context)
    } else {
      let top = try context.apply(FloorOp(), v), left = try context.apply(FloorOp(), h)
      func weight(_ x: Value, _ floor: Value) throws -> Value {
        try context.unsqueeze(try context.cast(try context.sub(x, floor), to: lookup.flat.fact.type.dtype), [2])
      }
      let right = try weight(h, left), low = try weight(v, top)
      func blend(_ a: Value, _ b: Value, _ share: Value) throws -> Value {
        try context.add(try context.mul(a, try context.sub(try context.scalar(1, like: share), share)), try context.mul(b, share))
      }
      let below = try context.add(top, one), beside = try context.add(left, one)
      let upper = try blend(try lookup.taken(top, left, in: &context), try lookup.taken(top, beside, in: &context), right)
      let lower = try blend(try lookup.taken(below, left, in: &context), try lookup.taken(below, beside, in: &context), right)
      y = try blend(upper, lower, low)
    }
    y = try context.select(try context.unsqueeze(isLost, [2]), lookup.outside, y)
    y = try context.cast(try context.reshape(y, [-1, height, width, channels]), to: given.fact.type.dtype)
    if layout == .channelsFirst { y = try context.transpose(y, [0, 3, 1, 2]) }
    return rank == 3 ? try context.squeeze(y, [0]) : y
  }

  /// An image as rows of channels, and what stands outside it.
  private struct Lookup {
    var height, width, channels: Int
    var fill: ImageFill
    /// Whether one map serves all images.
    var isShared: Bool
    var outside: Value
    /// `[images, height · width, channels]`.
    var flat: Value

    /// A coordinate brought into the image, as the fill says.
    func mapped(_ x: Value, _ extent: Int, in context: inout RecordingContext) throws -> Value {
      let length = Double(extent), last = length - 1
      func number(_ value: Double) throws -> Value { try context.scalar(value, like: x) }
      func whole(_ x: Value) throws -> Value { try context.apply(TruncOp(), x) }
      func negative(_ x: Value) throws -> Value { try context.apply(NegOp(), x) }
      let isBefore = try context.apply(LessOp(), x, try number(0)), isBehind = try context.apply(GreaterOp(), x, try number(last))
      let before: Value, behind: Value
      switch fill {
      case .constant: return try context.clip(x, min: -2, max: length + 1)
      case .nearest: return try context.clip(x, min: 0, max: last)
      case .reflect, .wrap:
        if extent == 1 { return try context.mul(x, try number(0)) }
        if fill == .reflect {
          let period = 2 * length
          func turned(_ x: Value, _ count: Value) throws -> Value { try context.add(x, try context.mul(count, try number(period))) }
          let near = try turned(x, try whole(try context.div(try negative(x), try number(period))))
          before = try context.select(
            try context.apply(LessOp(), near, try number(-length)), try context.add(near, try number(period)),
            try context.sub(try negative(near), try number(1)))
          let far = try turned(x, try negative(try whole(try context.div(x, try number(period)))))
          behind = try context.select(
            try context.apply(GreaterOrEqualOp(), far, try number(length)), try context.sub(try number(period - 1), far), far)
        } else {
          let turns = try context.add(try whole(try context.div(try negative(x), try number(last))), try number(1))
          before = try context.add(x, try context.mul(turns, try number(length)))
          behind = try context.sub(x, try context.mul(try whole(try context.div(x, try number(last))), try number(length)))
        }
      }
      return try context.clip(try context.select(isBefore, before, try context.select(isBehind, behind, x)), min: 0, max: last)
    }

    /// The channels at whole coordinates: `[images, places, channels]`.
    func taken(_ row: Value, _ column: Value, in context: inout RecordingContext) throws -> Value {
      let lastRow = try context.clip(row, min: 0, max: Double(height - 1))
      let lastColumn = try context.clip(column, min: 0, max: Double(width - 1))
      let isInside = try context.apply(
        LogicalAndOp(), try context.apply(EqualOp(), row, lastRow), try context.apply(EqualOp(), column, lastColumn))
      let down = try context.mul(try context.cast(lastRow, to: .int64), try context.scalar(Double(width), dtype: .int64))
      let index = try context.add(down, try context.cast(lastColumn, to: .int64))
      let values: Value
      if isShared {
        values = try context.gather(flat, try context.squeeze(index, [0]), axis: 1)
      } else {
        let wide = try context.constant(NDArray([Int64](repeating: 0, count: channels), [1, 1, channels]))
        values = try context.apply(GatherElementsOp(axis: 1), flat, try context.add(try context.unsqueeze(index, [2]), wide))
      }
      return try context.select(try context.unsqueeze(isInside, [2]), values, outside)
    }
  }
}

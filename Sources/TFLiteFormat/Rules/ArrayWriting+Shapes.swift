import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension OperatorWriter {
  /// A reshape to a type whose extents are known but for one; else to the shape that `computed` gives.
  mutating func reshapedTo(
    _ type: TensorType, _ value: OutValue, computed: ((OutValue, inout OperatorWriter) throws -> OutValue)? = nil
  ) throws -> OutValue {
    if value.type.shape == type.shape, type.shape.extents != nil { return value }
    if let tensor = value.fact.constant, let extents = type.shape.extents { return try constant(tensor.reshaped(extents)) }
    if let dims = type.shape.dims, dims.filter({ $0.value == nil }).count <= 1, !(dims.contains(0) && dims.contains { $0.value == nil }) {
      let wanted = dims.map { $0.value ?? -1 }
      var options = ReshapeOptions()
      options.newShape = wanted.map { Int32(clamping: $0) }
      return try emit(.reshape, [value, try int32s(wanted)], .reshapeOptions(options), as: type)
    }
    guard let computed else { throw UnsupportedError("a reshape to several unknown extents") }
    return try emit(.reshape, [value, try computed(value, &self)], as: type)
  }

  mutating func reshaped(_ op: ReshapeOp, _ x: RuleInputs) throws -> OutValue {
    let value = try x.required(0), shape = try x.required(1)
    var type = try types(op, x)[0]
    // What the rank of the shape tells, when nothing else does.
    if type.shape.rank == nil, let count = shape.type.shape.dims?.first?.value {
      type.shape = .ranked([Dim](repeating: .unknown, count: count))
    }
    return try reshapedTo(type, value) { value, w in
      guard let wanted = shape.fact.integers else {
        // A 0 that copies an extent may hide among computed entries only where it is known to be one.
        guard !op.allowZero, let elements = shape.fact.elements, elements.contains(where: { $0.value == 0 }) else {
          return try w.cast(shape, to: .int32)
        }
        let parts = try elements.enumerated().map { index, element in
          element.value == 0 ? try w.dim(of: value, index) : try w.slice(shape, axis: 0, start: index, end: index + 1)
        }
        return try w.cast(try w.concat(parts, axis: 0), to: .int32)
      }
      guard !op.allowZero, wanted.contains(0) else { return try w.int32s(wanted) }
      let parts = try wanted.enumerated().map { index, extent -> OutValue in
        extent == 0 ? try w.dim(of: value, index) : try w.ints([extent])
      }
      return try w.int32Vector(try w.concat(parts, axis: 0))
    }
  }

  /// One value everywhere; the shape is a vector of whole numbers.
  mutating func filled(_ value: OutValue, _ shape: OutValue, _ type: TensorType) throws -> OutValue {
    if let like = shapeSource(shape), like.dtype == value.dtype, [.float32, .int32, .int64].contains(value.dtype),
      let number = value.fact.constant, number.elementCount == 1, try number.array().doubles() == [0]
    {
      return try emit(.zerosLike, [like], .zerosLikeOptions(ZerosLikeOptions()), as: type)
    }
    let own: Set<DType> = [.float32, .int32, .int64, .bool, .string, .int8, .int16]
    let inner: DType = own.contains(value.dtype) ? value.dtype : value.dtype.isInteger ? .int64 : .float32
    let made = try emit(.fill, [try int32Vector(shape), try cast(value, to: inner)], as: TensorType(inner, type.shape))
    return try cast(made, to: type.dtype)
  }

  /// What a shape was taken of: LiteRT knows the size of what is made like it before it runs.
  private func shapeSource(_ shape: OutValue) -> OutValue? {
    guard shape.frame == frame.id else { return nil }
    var place = shape.index
    for _ in 0..<3 {
      guard let step = frame.steps.last(where: { $0.outputs == [place] }), let input = step.inputs.first, input >= 0 else { return nil }
      if step.builtin == .shape {
        let entry = frame.entries[input]
        return entry.isVariable ? nil : OutValue(frame: frame.id, index: input, fact: Fact(entry.type, constant: entry.constant))
      }
      guard step.builtin == .cast else { return nil }
      place = input
    }
    return nil
  }

  mutating func broadcast(_ value: OutValue, _ shape: OutValue, _ type: TensorType) throws -> OutValue {
    if value.dtype == .string || value.dtype == .bool && false { throw UnsupportedError("TFLite does not broadcast strings") }
    return try emit(.broadcastTo, [value, shape], as: TensorType(value.dtype, type.shape))
  }

  /// Channels `[…, C/b², b, b]` picked as `[…, b, b, C/b²]`, which is how the operator takes them.
  mutating func depthFirst(_ value: OutValue, block b: Int) throws -> OutValue {
    guard let channels = value.type.shape.dims?.last?.value, b > 0, channels % (b * b) == 0 else {
      throw UnsupportedError("blocks of an unknown number of channels")
    }
    let depth = channels / (b * b)
    if depth == 1 || b == 1 { return value }
    let order = (0..<b * b).flatMap { place in (0..<depth).map { $0 * b * b + place } }
    return try gathered(value, try int32s(order), axis: 3, batchDims: 0, as: value.type)
  }

  mutating func blocksToSpace(_ op: DepthToSpaceOp, _ value: OutValue, _ type: TensorType) throws -> OutValue {
    guard let dims = value.type.shape.dims, dims.count == 4 else { throw UnsupportedError("blocks of a tensor of unknown rank") }
    let b = op.blockSize, isFirst = op.layout == .channelsFirst
    guard let c = dims[isFirst ? 1 : 3].value, let h = dims[isFirst ? 2 : 1].value, let width = dims[isFirst ? 3 : 2].value, b > 0,
      c % (b * b) == 0
    else { throw UnsupportedError("blocks of a tensor of unknown extents") }
    let depth = c / (b * b)
    // To [n·h, w, …], as six axes are the most that can be turned.
    if isFirst {
      let parts = op.mode == .dcr ? [-1, b, b, depth, h * width] : [-1, depth, b, b, h * width]
      let spread = try reshape(value, parts)
      let turned = try transpose(spread, op.mode == .dcr ? [0, 3, 4, 1, 2] : [0, 1, 4, 2, 3])
      let rows = try transpose(try reshape(turned, [-1, width, b, b]), [0, 2, 1, 3])
      return try reshape(rows, [-1, depth, h * b, width * b])
    }
    // [n·h, w, d, b, b] → [n·h, b, w, b, d]
    let parts = op.mode == .dcr ? [-1, width, b, b, depth] : [-1, width, depth, b, b]
    let turned = try transpose(try reshape(value, parts), op.mode == .dcr ? [0, 2, 1, 3, 4] : [0, 3, 1, 4, 2])
    return try reshape(turned, [-1, h * b, width * b, depth])
  }
}

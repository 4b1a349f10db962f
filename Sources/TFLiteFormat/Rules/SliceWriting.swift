import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Slices, paddings, and what is picked by index.
let sliceWriting: [WritingRule] = [
  .writes(SliceOp.self) { op, x, w in [try w.slicedPairs(op, x) ?? w.rows(op, x) ?? w.known(op, x) ?? w.sliced(op, x)] },
  .writes(PadOp.self) { op, x, w in [try w.known(op, x) ?? w.padded(op, x)] },
  .writes(GatherOp.self) { op, x, w in
    let value = try x.required(0), axis = try normalizeAxis(op.axis, rank: try w.rank(of: value))
    let indices = try w.frontIndices(try x.required(1), extent: try w.extentScalar(value, axis))
    return [try w.gathered(value, indices, axis: axis, batchDims: 0, as: try w.types(op, x)[0])]
  },
  .writes(GatherNDOp.self) { op, x, w in [try w.gathered(op, x)] },
  .writes(GatherElementsOp.self) { op, x, w in
    let value = try x.required(0), type = try w.types(op, x)[0]
    return [try w.picked(value, try w.grid(try x.required(1), along: op.axis, of: value), as: type)]
  },
  .writes(CompressOp.self) { op, x, w in
    var value = try x.required(0)
    if op.axis == nil { value = try w.reshape(value, [-1]) }
    let kept = try w.emit(.where, [try w.cast(try x.required(1), to: .bool)], as: TensorType(.int64, .ranked([.unknown, 1])))
    let places = try w.reshape(kept, [-1])
    let axis = try normalizeAxis(op.axis ?? 0, rank: try w.rank(of: value))
    return [try w.gathered(value, places, axis: axis, batchDims: 0, as: try w.types(op, x)[0])]
  },
  .writes(TriluOp.self) { op, x, w in
    let value = try x.required(0)
    let offset = try w.diagonalOffsets(of: value)
    let bound = try x[1].map { try w.cast(try w.reshape($0, []), to: .int64) } ?? w.constant(NDArray(scalar: Int64(0)))
    let isKept = try w.apply(op.upper ? GreaterOrEqualOp() : LessOrEqualOp(), offset, bound)
    if value.dtype == .bool { return [try w.apply(LogicalAndOp(), value, isKept)] }
    return [try w.select(isKept, value, try w.scalar(0, like: value))]
  },
]

extension OperatorWriter {
  /// An extent as an int64 scalar.
  mutating func extentScalar(_ value: OutValue, _ axis: Int) throws -> OutValue {
    if let known = value.type.shape.dims.flatMap({ axis < $0.count ? $0[axis].value : nil }) {
      return try constant(NDArray(scalar: Int64(known)))
    }
    return try reshape(try dim(of: value, axis), [])
  }

  mutating func gathered(
    _ value: OutValue, _ indices: OutValue, axis: Int, batchDims: Int, as type: TensorType
  ) throws -> OutValue {
    let own: Set<DType> = [.float32, .uint8, .int8, .int16, .int32, .int64, .bool, .string]
    let inner: DType = own.contains(value.dtype) ? value.dtype : value.dtype.isInteger ? .int64 : .float32
    if value.dtype == .string, value.type.shape.rank != 1 { throw UnsupportedError("TFLite picks strings from vectors only") }
    var options = GatherOptions()
    options.axis = Int32(clamping: axis)
    options.batchDims = Int32(clamping: batchDims)
    let places = indices.dtype == .int32 || indices.dtype == .int64 ? indices : try cast(indices, to: .int32)
    let made = try emit(.gather, [try cast(value, to: inner), places], .gatherOptions(options), as: TensorType(inner, type.shape))
    return try cast(made, to: type.dtype)
  }

  /// Slices at index tuples that count from the front.
  mutating func picked(_ value: OutValue, _ tuples: OutValue, as type: TensorType) throws -> OutValue {
    let own: Set<DType> = [.float32, .uint8, .int8, .int16, .int32, .int64, .bool, .string]
    let inner: DType = own.contains(value.dtype) ? value.dtype : value.dtype.isInteger ? .int64 : .float32
    let made = try emit(.gatherNd, [try cast(value, to: inner), tuples], as: TensorType(inner, type.shape))
    return try cast(made, to: type.dtype)
  }

  /// Within batch dimensions: by `GATHER` where one index does, by tuples that name the batch otherwise.
  fileprivate mutating func gathered(_ op: GatherNDOp, _ x: RuleInputs) throws -> OutValue {
    let value = try x.required(0), type = try types(op, x)[0]
    var indices = try x.required(1)
    if op.batchDims == 0 { return try picked(value, try counted(indices, in: value), as: type) }
    let rank = try rank(of: indices)
    if indices.type.shape.dims?.last?.value == 1 {
      let flat = try frontIndices(try squeeze(indices, [rank - 1]), extent: try extentScalar(value, op.batchDims))
      return try gathered(value, flat, axis: op.batchDims, batchDims: op.batchDims, as: type)
    }
    indices = try cast(indices, to: .int64)
    let leading = try concat([try apply(ShapeOp(start: 0, end: rank - 1), indices), try ints([1])], axis: 0)
    let batch = try (0..<op.batchDims).map { axis in
      var extents = [Int](repeating: 1, count: rank)
      extents[axis] = -1
      return try expand(try reshape(try positions(indices, axis: axis), extents), to: leading)
    }
    return try picked(value, try concat(batch + [indices], axis: rank - 1), as: type)
  }

  /// `0, 1, …` along an axis of `x`, as an int64 vector.
  mutating func positions(_ x: OutValue, axis: Int) throws -> OutValue {
    if let dims = x.type.shape.dims, dims.indices.contains(axis), let extent = dims[axis].value, extent <= 4096 {
      return try ints(Array(0..<extent))
    }
    let zero = try scalar(0, dtype: .int64), one = try scalar(1, dtype: .int64)
    return try apply(RangeOp(), zero, try extentScalar(x, axis), one)
  }

  /// Indices that count from the end, counted from the front: LiteRT knows no others.
  mutating func frontIndices(_ indices: OutValue, extent: OutValue) throws -> OutValue {
    if let known = indices.fact.constant, let values = try? known.array().integers() {
      if values.allSatisfy({ $0 >= 0 }) { return indices }
      if let extents = extent.fact.integers, extents.count == 1 || extents.count == indices.type.shape.dims?.last?.value {
        let front = values.enumerated().map { $1 < 0 ? $1 + extents[$0 % extents.count] : $1 }
        return try constant(NDArray(front.map { Int64($0) }, known.extents))
      }
    }
    guard indices.dtype == .int32 || indices.dtype == .int64 else { return try frontIndices(try cast(indices, to: .int64), extent: extent) }
    if isFromFront(indices, extent) { return indices }
    let isNegative = try apply(LessOp(), indices, try scalar(0, like: indices))
    let known = extent.type.shape.elementCount == 1 ? extent.fact.scalar : nil
    let length = try known.map { try scalar($0, like: indices) } ?? cast(extent, to: indices.dtype)
    return try select(isNegative, try add(indices, length), indices)
  }

  /// Whether indices have been counted from the front already: layers of Keras do so themselves.
  private func isFromFront(_ indices: OutValue, _ extent: OutValue) -> Bool {
    guard indices.frame == frame.id, extent.type.shape.elementCount == 1, let length = extent.fact.scalar else { return false }
    func maker(_ value: Int) -> SubgraphFrame.Step? { frame.steps.last { $0.outputs == [value] } }
    func constant(_ value: Int) -> Double? {
      guard let array = try? frame.entries[value].constant?.array(), array.count == 1 else { return nil }
      return array.doubles().first
    }
    guard let choice = maker(indices.index), choice.builtin == .selectV2, choice.inputs.count == 3,
      let question = maker(choice.inputs[0]), question.builtin == .less, let sum = maker(choice.inputs[1]), sum.builtin == .add
    else { return false }
    return question.inputs[0] == choice.inputs[2] && constant(question.inputs[1]) == 0 && sum.inputs[0] == choice.inputs[2]
      && constant(sum.inputs[1]) == length
  }

  /// Index tuples for the leading axes of `x`, counted from the front.
  mutating func counted(_ indices: OutValue, in x: OutValue) throws -> OutValue {
    guard let depth = indices.type.shape.dims?.last?.value, depth > 0 else { return indices }
    let extents: OutValue
    if let dims = x.type.shape.dims, depth <= dims.count, dims[..<depth].allSatisfy({ $0.value != nil }) {
      extents = try ints(dims[..<depth].compactMap(\.value))
    } else {
      extents = try apply(ShapeOp(start: 0, end: depth), x)
    }
    return try frontIndices(indices, extent: extents)
  }

  /// The index tuples of an array of indices along one axis.
  mutating func grid(_ indices: OutValue, along axis: Int, of x: OutValue) throws -> OutValue {
    let rank = try rank(of: x), place = try normalizeAxis(axis, rank: rank)
    guard indices.type.shape.rank ?? rank == rank else {
      throw GraphError(.shapeMismatch, "indices \(indices.type) into \(x.type), which has another rank")
    }
    let own = try cast(try frontIndices(indices, extent: try extentScalar(x, place)), to: .int64)
    let shape = try self.shape(of: own)
    let columns = try (0..<rank).map { column -> OutValue in
      if column == place { return own }
      var extents = [Int](repeating: 1, count: rank)
      extents[column] = -1
      return try expand(try reshape(try positions(own, axis: column), extents), to: shape)
    }
    var options = PackOptions()
    options.valuesCount = Int32(clamping: rank)
    options.axis = Int32(clamping: rank)
    let dims = own.type.shape.dims.map { Shape.ranked($0 + [.fixed(rank)]) } ?? .unranked
    return try emit(.pack, columns, .packOptions(options), as: TensorType(.int64, dims))
  }

  /// For each place of the last two axes: its column less its row, int64.
  mutating func diagonalOffsets(of x: OutValue) throws -> OutValue {
    let rank = try rank(of: x)
    guard rank >= 2 else { throw GraphError(.shapeMismatch, "a matrix of rank \(rank)") }
    return try sub(try unsqueeze(try positions(x, axis: rank - 1), [0]), try unsqueeze(try positions(x, axis: rank - 2), [1]))
  }

  /// A slice by `STRIDED_SLICE` over all leading axes: bounds of other axes are masked out.
  fileprivate mutating func sliced(_ op: SliceOp, _ x: RuleInputs) throws -> OutValue {
    var value = try x.required(0)
    let type = try types(op, x)[0]
    let elements = op.inferElements(x.values.map { $0?.fact }).first ?? nil
    if let known = Fact(type, elements: elements).integers, type.shape.rank == 1 {
      let array = NDArray(known.map { Int64($0) }, [known.count])
      return try constant(try array.cast(to: type.dtype, in: ExecutionContext(primitives: ReferencePrimitives())))
    }
    guard let rank = value.type.shape.rank else { throw UnsupportedError("a slice of a value of unknown rank") }
    guard rank <= 5 else { return try slicedWide(op, x, rank) }
    let starts = try x.required(1), ends = try x.required(2)
    let listed: [Int]
    if let axes = x[3] {
      guard let known = axes.fact.integers else { throw UnsupportedError("a slice along axes that are computed") }
      listed = try known.map { try normalizeAxis($0, rank: rank) }
    } else {
      listed = Array(0..<(starts.type.shape.dims?.first.flatMap { $0.value } ?? rank))
    }
    var steps = [Int](repeating: 1, count: listed.count)
    if let given = x[4] {
      guard let known = given.fact.integers, known.count == listed.count else { throw UnsupportedError("a slice with computed steps") }
      steps = known
    }
    let depth = (listed.max() ?? -1) + 1
    guard depth > 0 else { return value }
    var begin: [OutValue] = [], end: [OutValue] = [], strides = [Int](repeating: 1, count: depth), options = StridedSliceOptions()
    for axis in 0..<depth {
      guard let index = listed.firstIndex(of: axis) else {
        options.beginMask |= 1 << Int32(axis)
        options.endMask |= 1 << Int32(axis)
        begin.append(try int32s([0]))
        end.append(try int32s([0]))
        continue
      }
      strides[axis] = steps[index]
      func bound(_ all: OutValue, _ mask: inout Int32, isEnd: Bool) throws -> OutValue {
        guard let known = all.fact.elements, index < known.count, let place = known[index].value else {
          let part = listed.count == 1 ? all : try slice(all, axis: 0, start: index, end: index + 1)
          // An open end is the largest int64: as far as int32 reaches is far enough.
          let wide = try cast(part, to: .int64)
          let top = try ints([Int(Int32.max)]), bottom = try ints([-Int(Int32.max)])
          return try cast(try maximum(try minimum(wide, top), bottom), to: .int32)
        }
        let isOpen =
          isEnd ? (steps[index] > 0 ? place >= Int(Int32.max) : place <= -Int(Int32.max)) : steps[index] < 0 && place >= Int(Int32.max)
        if isOpen { mask |= 1 << Int32(axis) }
        return try int32s([isOpen ? 0 : max(-Int(Int32.max), min(Int(Int32.max), place))])
      }
      begin.append(try bound(starts, &options.beginMask, isEnd: false))
      end.append(try bound(ends, &options.endMask, isEnd: true))
    }
    func joined(_ parts: [OutValue]) throws -> OutValue {
      if parts.allSatisfy({ $0.fact.constant != nil }) { return try int32s(parts.map { $0.fact.integers?.first ?? 0 }) }
      return try concat(parts, axis: 0)
    }
    let own: Set<DType> = [.float32, .int32, .int64, .uint8, .int8, .int16, .bool, .string, .uint32]
    let inner: DType = own.contains(value.dtype) ? value.dtype : value.dtype.isInteger ? .int64 : .float32
    value = try cast(value, to: inner)
    let made = try emit(
      .stridedSlice, [value, try joined(begin), try joined(end), try int32s(strides)], .stridedSliceOptions(options),
      as: TensorType(inner, type.shape))
    return try cast(made, to: type.dtype)
  }

  /// More axes than the kernels take: those that are not cut are joined first.
  private mutating func slicedWide(_ op: SliceOp, _ x: RuleInputs, _ rank: Int) throws -> OutValue {
    let value = try x.required(0), type = try types(op, x)[0]
    guard let extents = value.type.shape.extents, let result = type.shape.extents,
      let axes = x[3]?.fact.integers ?? Optional(Array(0..<rank)),
      let starts = x[1]?.fact.integers, let ends = x[2]?.fact.integers, axes.count == starts.count
    else { throw UnsupportedError("a slice of more than five axes of unknown extents") }
    let steps = x[4]?.fact.integers ?? axes.map { _ in 1 }
    var current = value, shape = extents
    for (index, listed) in axes.enumerated() {
      let axis = try normalizeAxis(listed, rank: rank)
      let before = shape[..<axis].reduce(1, *), after = shape[(axis + 1)...].reduce(1, *)
      let flat = try reshape(current, [before, shape[axis], after])
      let cut = try slice(flat, axis: 1, start: starts[index], end: ends[index], step: steps[index])
      shape[axis] = result[axis]
      current = try reshape(cut, shape)
    }
    return current
  }
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension NodeReader {
  /// An integer input as int64, as canonical shapes and bounds are.
  func int64(_ index: Int, in graph: inout GraphContext) throws -> ValueID {
    let value = try input(index)
    if let known = graph.fact(of: value).integers, graph.type(of: value).shape.rank == 1 { return try graph.ints(known) }
    return try graph.cast(value, to: .int64)
  }

  /// An axis counted from the front.
  func axis(_ axis: Int, of value: ValueID?, in graph: GraphContext) throws -> Int {
    guard let rank = value.flatMap({ graph.type(of: $0).shape.rank }) else {
      guard axis < 0 else { return axis }
      throw UnsupportedError("\(type) along axis \(axis) of a value of unknown rank")
    }
    return try normalizeAxis(axis, rank: rank)
  }

  /// How many parts an attribute asks for.
  /// - Throws: `FormatError` for impossible numbers.
  func count(_ name: String, from least: Int = 1) throws -> Int {
    let count = try int(name)
    guard (least...65536).contains(count) else { throw FormatError(.invalidValue, "\(type): \(name) is \(count)") }
    return count
  }

  func gathered(axis: Int, batchDims: Int, in g: inout GraphContext) throws -> [ValueID] {
    let x = try input(0), indices = try input(1)
    let place = try self.axis(axis, of: x, in: g)
    if batchDims == 0 { return [try g.gather(x, indices, axis: place)] }
    guard let rank = g.type(of: indices).shape.rank else { throw UnsupportedError("\(type) with indices of unknown rank") }
    let shared = batchDims < 0 ? batchDims + rank : batchDims
    if place == shared { return [try g.apply(GatherNDOp(batchDims: shared), x, try g.unsqueeze(indices, [rank]))] }
    // The axis is brought to stand behind the batch, and what stood between behind the indices is taken back.
    guard let whole = g.type(of: x).shape.rank, shared >= 0, shared <= min(place, rank), place < whole else {
      throw FormatError(.invalidValue, "\(type) along axis \(place) with \(shared) batch dimensions")
    }
    let moved = try g.transpose(x, Array(0..<shared) + [place] + (shared..<whole).filter { $0 != place })
    let picked = try g.apply(GatherNDOp(batchDims: shared), moved, try g.unsqueeze(indices, [rank]))
    let between = rank + place - shared, end = rank + whole - shared - 1
    return [try g.transpose(picked, Array(0..<shared) + (rank..<between) + (shared..<rank) + (between..<end))]
  }

  /// `x[begin:end:strides]` with TensorFlow's five masks (`tensorflow/core/util/strided_slice_op.cc`): bounds that are left out,
  /// an ellipsis, new axes, and axes that one index takes away.
  ///
  /// - Parameter given: what is sliced in place of the first input.
  func stridedSlice(of given: ValueID? = nil, in g: inout GraphContext) throws -> [ValueID] {
    let x = try given ?? input(0)
    let strideValues = try int64(3, in: &g), knownStrides = g.fact(of: strideValues).elements
    guard let count = knownStrides?.count ?? g.type(of: strideValues).shape.dims?.first?.value else {
      throw UnsupportedError("StridedSlice over an unknown number of axes")
    }
    func mask(_ name: String) throws -> Int { try int(name) }
    let (beginMask, endMask) = (try mask("begin_mask"), try mask("end_mask"))
    let (ellipsis, newAxis, shrink) = (try mask("ellipsis_mask"), try mask("new_axis_mask"), try mask("shrink_axis_mask"))
    func has(_ mask: Int, _ bit: Int) -> Bool { bit < 64 && mask >> bit & 1 == 1 }
    guard count <= 32 else { throw FormatError(.limitExceeded, "StridedSlice over \(count) axes") }
    let begins = try int64(1, in: &g), ends = try int64(2, in: &g)
    let knownBegins = g.fact(of: begins).elements, knownEnds = g.fact(of: ends).elements
    func bound(_ all: ValueID, _ known: [Dim]?, _ index: Int, _ g: inout GraphContext) throws -> ValueID {
      if let value = known.flatMap({ index < $0.count ? $0[index].value : nil }) { return try g.ints([value]) }
      return try g.slice(all, axis: 0, start: index, end: index + 1)
    }
    // Which axis of `x` each entry is for.
    let own = (0..<count).filter { !has(ellipsis, $0) && (!has(newAxis, $0) || has(ellipsis, $0)) }.count
    var starts: [ValueID] = [], stops: [ValueID] = [], axes: [Int] = [], steps: [ValueID] = []
    // Of the result before new axes: which of `x`'s axes disappear, and where new ones stand.
    var squeezed: [Int] = [], inserted: [Int] = [], axis = 0, place = 0
    for index in 0..<count {
      if has(ellipsis, index) {
        guard let rank = g.type(of: x).shape.rank else { throw UnsupportedError("StridedSlice with an ellipsis over an unknown rank") }
        let skipped = max(0, rank - own)
        axis += skipped
        place += skipped
      } else if has(newAxis, index) {
        inserted.append(place)
        place += 1
      } else {
        defer { axis += 1 }
        let step = has(shrink, index) ? 1 : knownStrides?[index].value
        guard step != 0 else { throw FormatError(.invalidValue, "StridedSlice with a stride of 0") }
        let start = try bound(begins, knownBegins, index, &g)
        if has(shrink, index) {
          squeezed.append(axis)
          starts.append(start)
          // The last element's successor is the end, not 0.
          let next = try g.add(start, try g.ints([1]))
          if let known = g.fact(of: start).integers?.first {
            stops.append(try g.ints([known == -1 ? Int.max : known + 1]))
          } else {
            let isLast = try g.apply(EqualOp(), start, try g.ints([-1]))
            stops.append(try g.select(isLast, try g.ints([Int.max]), next))
          }
          axes.append(axis)
          steps.append(try g.ints([1]))
          continue
        }
        place += 1
        if has(beginMask, index), has(endMask, index), step == 1 { continue }
        axes.append(axis)
        let stop = has(endMask, index) ? nil : try bound(ends, knownEnds, index, &g)
        if let step {
          starts.append(has(beginMask, index) ? try g.ints([step > 0 ? 0 : Int.max]) : start)
          stops.append(try stop ?? g.ints([step > 0 ? Int.max : Int.min]))
          steps.append(try g.ints([step]))
        } else {
          // Which end an open bound stands for depends on the direction.
          let by = try g.slice(strideValues, axis: 0, start: index, end: index + 1)
          let goesForward = try g.apply(GreaterOp(), by, try g.ints([0]))
          starts.append(has(beginMask, index) ? try g.select(goesForward, try g.ints([0]), try g.ints([Int.max])) : start)
          stops.append(try stop ?? g.select(goesForward, try g.ints([Int.max]), try g.ints([Int.min])))
          steps.append(by)
        }
      }
    }
    var result = x
    if !axes.isEmpty {
      let start = try g.concat(starts, axis: 0), stop = try g.concat(stops, axis: 0)
      result = try g.apply(SliceOp(), x, start, stop, try g.ints(axes), try g.concat(steps, axis: 0))
    }
    if !squeezed.isEmpty { result = try g.squeeze(result, squeezed) }
    if !inserted.isEmpty { result = try g.unsqueeze(result, inserted) }
    if result == x { result = try g.apply(IdentityOp(), x) }
    return [result]
  }

  func padded(_ mode: PadMode, _ value: ValueID?, in g: inout GraphContext) throws -> [ValueID] {
    let pads = try input(1)
    let turned: ValueID
    if let constant = g.fact(of: pads).constant, let values = try? constant.array().integers() {
      turned = try g.ints(
        values.indices.filter { $0 % 2 == 0 }.map { values[$0] } + values.indices.filter { $0 % 2 == 1 }.map { values[$0] })
    } else {
      turned = try g.reshape(try g.transpose(try g.cast(pads, to: .int64), [1, 0]), [-1])
    }
    return [try g.apply(PadOp(mode: mode), try input(0), turned, value)]
  }
}

extension GraphContext {
  /// A tensor of the shape and dtype of `x`.
  mutating func filled(_ value: Double, like x: ValueID) throws -> ValueID {
    let scalar: ValueID
    switch type(of: x).dtype {
    case .bool: scalar = try constant(NDArray(scalar: value != 0))
    case .string: scalar = try constant(NDArray(strings: [[]], []))
    default: scalar = try self.scalar(value, like: x)
    }
    return try expand(scalar, to: try shape(of: x))
  }
}

extension NodeWriter {
  func types(_ op: any Op, _ x: RuleInputs) throws -> [TensorType] { try op.infer(x.values.map { $0?.fact }) }

  mutating func reshaped(_ op: ReshapeOp, _ x: RuleInputs) throws -> [OutValue] {
    let value = try x.required(0), shape = try x.required(1), type = try types(op, x)[0]
    guard let wanted = shape.fact.integers else {
      guard !op.allowZero, let elements = shape.fact.elements, elements.contains(where: { $0.value == 0 }) else {
        return [try emit("Reshape", [value, shape], as: type)]
      }
      throw UnsupportedError("Reshape to a computed shape that copies extents")
    }
    guard !op.allowZero, wanted.contains(0) else { return [try emit("Reshape", [value, try int32s(wanted)], as: type)] }
    // A 0 copies the extent: from what is known, or at run time.
    let parts = try wanted.enumerated().map { index, extent -> OutValue in
      extent == 0 ? try dim(of: value, index) : try ints([extent])
    }
    return [try emit("Reshape", [value, try concat(parts, axis: 0)], as: type)]
  }

  /// Indices that count from the end as ones that count from the front, unless they are known to be that already.
  mutating func nonNegative(_ indices: OutValue, along axis: Int, of value: OutValue) throws -> OutValue {
    if let known = indices.fact.integers, known.allSatisfy({ $0 >= 0 }) { return indices }
    guard indices.fact.integers != nil else { return indices }
    let extent = try cast(try reshape(try dim(of: value, try normalizeAxis(axis, rank: try rank(of: value))), []), to: indices.type.dtype)
    let isNegative = try apply(LessOp(), indices, try scalar(0, like: indices))
    return try select(isNegative, try add(indices, extent), indices)
  }

  /// A slice by `StridedSlice` over all leading axes: bounds of other axes are masked out.
  mutating func sliced(_ op: SliceOp, _ x: RuleInputs) throws -> [OutValue] {
    let value = try x.required(0), type = try types(op, x)[0]
    guard let rank = value.type.shape.rank else { throw UnsupportedError("a slice of a value of unknown rank") }
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
      guard let known = given.fact.integers, known.count == listed.count else {
        return [try computedSlice(value, starts, ends, given, listed, type)]
      }
      steps = known
    }
    let depth = (listed.max() ?? -1) + 1
    guard depth > 0 else { return [try emit("Identity", [value], as: type)] }
    var begin: [OutValue] = [], end: [OutValue] = [], strides = [Int](repeating: 1, count: depth), beginMask = 0, endMask = 0
    for axis in 0..<depth {
      guard let index = listed.firstIndex(of: axis) else {
        beginMask |= 1 << axis
        endMask |= 1 << axis
        begin.append(try int32s([0]))
        end.append(try int32s([0]))
        continue
      }
      strides[axis] = steps[index]
      func bound(_ all: OutValue, _ mask: inout Int, isEnd: Bool) throws -> OutValue {
        guard let known = all.fact.elements, index < known.count, let place = known[index].value else {
          let part =
            listed.count == 1
            ? all
            : try emit(
              "StridedSlice", [all, try int32s([index]), try int32s([index + 1]), try int32s([1])], as: TensorType(all.type.dtype, [1]))
          // As wide as it is: an open end is the largest int64.
          return try cast(part, to: .int64)
        }
        let isOpen =
          isEnd == (steps[index] > 0) ? place >= Int(Int32.max) : place <= -Int(Int32.max)
        if isOpen { mask |= 1 << axis }
        // A bound before the first element, going backwards, takes that in as well.
        return try int32s([isOpen ? 0 : max(-Int(Int32.max), min(Int(Int32.max), place))])
      }
      begin.append(try bound(starts, &beginMask, isEnd: false))
      end.append(try bound(ends, &endMask, isEnd: true))
    }
    let isKnown = begin.allSatisfy { $0.fact.constant != nil } && end.allSatisfy { $0.fact.constant != nil }
    func joined(_ parts: [OutValue]) throws -> OutValue {
      if isKnown { return try int32s(parts.map { $0.fact.integers?.first ?? 0 }) }
      return try concat(try parts.map { try cast($0, to: .int64) }, axis: 0)
    }
    return [
      try emit(
        "StridedSlice", [value, try joined(begin), try joined(end), try isKnown ? int32s(strides) : ints(strides)],
        ["begin_mask": .int(beginMask), "end_mask": .int(endMask)], as: type)
    ]
  }

  /// A slice whose steps are computed: bounds beyond an end are cut there by TensorFlow, too, and none is left out.
  private mutating func computedSlice(
    _ x: OutValue, _ starts: OutValue, _ ends: OutValue, _ steps: OutValue, _ axes: [Int], _ type: TensorType
  ) throws -> OutValue {
    let depth = (axes.max() ?? -1) + 1
    var begin: [OutValue] = [], end: [OutValue] = [], strides: [OutValue] = []
    for axis in 0..<depth {
      guard let index = axes.firstIndex(of: axis) else {
        begin.append(try ints([0]))
        end.append(try ints([Int.max]))
        strides.append(try ints([1]))
        continue
      }
      for (all, part) in [(starts, 0), (ends, 1), (steps, 2)] {
        let one = try cast(try slice(all, axis: 0, start: index, end: index + 1), to: .int64)
        if part == 0 { begin.append(one) } else if part == 1 { end.append(one) } else { strides.append(one) }
      }
    }
    // Beyond the first element going backwards: the least int64 overflows when the extent is added to it.
    let least = try ints(Array(repeating: -Int(Int64.max) + 1, count: depth))
    let stop = try maximum(try concat(end, axis: 0), least)
    return try emit("StridedSlice", [x, try concat(begin, axis: 0), stop, try concat(strides, axis: 0)], as: type)
  }

  mutating func padded(_ op: PadOp, _ x: RuleInputs) throws -> [OutValue] {
    let value = try x.required(0), type = try types(op, x)[0]
    guard let rank = value.type.shape.rank else { throw UnsupportedError("padding of a value of unknown rank") }
    guard let given = try x.required(1).fact.integers, given.count % 2 == 0 else {
      guard x[3] == nil, op.mode != .edge, op.mode != .wrap else { throw UnsupportedError("padding by computed amounts") }
      let rows = try transpose(try reshape(try x.required(1), [2, rank]), [1, 0])
      return [try padded(op.mode, value, rows, x[2], type)]
    }
    var axes = Array(0..<rank)
    if let listed = x[3] {
      guard let known = listed.fact.integers else { throw UnsupportedError("padding along axes that are computed") }
      axes = try known.map { try normalizeAxis($0, rank: rank) }
    }
    guard given.count == 2 * axes.count else { throw GraphError(.shapeMismatch, "Pad by \(given.count) amounts") }
    var pads = [Int](repeating: 0, count: 2 * rank)
    for (index, axis) in axes.enumerated() { (pads[2 * axis], pads[2 * axis + 1]) = (given[index], given[axes.count + index]) }
    guard pads.allSatisfy({ $0 >= 0 }) else {
      // What is taken away is cut first.
      let ends = (0..<rank).map { pads[2 * $0 + 1] < 0 ? pads[2 * $0 + 1] : Int(Int32.max) }
      let starts = (0..<rank).map { max(0, -pads[2 * $0]) }
      let cut = try apply(SliceOp(), to: [value, try ints(starts), try ints(ends)])[0]
      let rest = pads.map { max(0, $0) }
      let before = rest.indices.filter { $0 % 2 == 0 }.map { rest[$0] }, behind = rest.indices.filter { $0 % 2 == 1 }.map { rest[$0] }
      return try apply(PadOp(mode: op.mode), to: [cut, try ints(before + behind), x[2]])
    }
    let rows = try constant(NDArray(pads.map { Int32(clamping: $0) }, [rank, 2]))
    guard op.mode == .edge || op.mode == .wrap else { return [try padded(op.mode, value, rows, x[2], type)] }
    // Axis by axis, what is picked: the nearest element, or the one a whole turn away.
    var result = value
    for axis in 0..<rank where pads[2 * axis] > 0 || pads[2 * axis + 1] > 0 {
      let extent = try reshape(try dim(of: result, axis), []), one = try scalar(1, dtype: .int64), zero = try scalar(0, dtype: .int64)
      let first = try constant(NDArray(scalar: Int64(-pads[2 * axis]))), last = try constant(NDArray(scalar: Int64(pads[2 * axis + 1])))
      let places = try apply(RangeOp(), first, try add(extent, last), one)
      let picked = try op.mode == .wrap ? apply(ModOp(), places, extent) : minimum(try maximum(places, zero), try sub(extent, one))
      result = try gather(result, picked, axis: axis)
    }
    return [result]
  }

  private mutating func padded(
    _ mode: PadMode, _ value: OutValue, _ rows: OutValue, _ filler: OutValue?, _ type: TensorType
  ) throws -> OutValue {
    switch mode {
    case .reflect: return try emit("MirrorPad", [value, rows], ["mode": .string("REFLECT")], as: type)
    case .symmetric: return try emit("MirrorPad", [value, rows], ["mode": .string("SYMMETRIC")], as: type)
    case .constant, .edge, .wrap:
      guard let filler, filler.fact.scalar != 0 else { return try emit("Pad", [value, rows], as: type) }
      return try emit("PadV2", [value, rows, filler.type.shape.rank == 0 ? filler : try reshape(filler, [])], as: type)
    }
  }

  /// Within batch dimensions: by `GatherV2` where one index does, by tuples that name the batch otherwise.
  mutating func gathered(_ op: GatherNDOp, _ x: RuleInputs) throws -> [OutValue] {
    let value = try x.required(0), type = try types(op, x)[0]
    var indices = try x.required(1)
    if op.batchDims == 0 { return [try emit("GatherNd", [value, try counted(indices, in: value)], as: type)] }
    let rank = try rank(of: indices)
    if indices.type.shape.dims?.last?.value == 1 {
      let flat = try squeeze(indices, [rank - 1])
      return [try emit("GatherV2", [value, flat, try int32(op.batchDims)], ["batch_dims": .int(op.batchDims)], as: type)]
    }
    indices = try cast(indices, to: .int64)
    let leading = try concat([try apply(ShapeOp(start: 0, end: rank - 1), indices), try ints([1])], axis: 0)
    let batch = try (0..<op.batchDims).map { axis in
      var extents = [Int](repeating: 1, count: rank)
      extents[axis] = -1
      return try expand(try reshape(try positions(indices, axis: axis), extents), to: leading)
    }
    return [try emit("GatherNd", [value, try concat(batch + [indices], axis: rank - 1)], as: type)]
  }
}

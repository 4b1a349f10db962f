import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import TensorFlowGraph

/// Parts of tensors, and places in them.
let arrayIndexRules: [OperatorRule] = [
  .moves(.slice) { n, g in
    let x = try n.input(0), begin = try n.int64(1, in: &g), size = try n.int64(2, in: &g)
    if let starts = g.fact(of: begin).integers, let sizes = g.fact(of: size).integers, starts.count == sizes.count {
      try checkSlice(starts, sizes, g.type(of: x).shape.dims)
      let ends = zip(starts, sizes).map { start, size in
        let (end, overflow) = start.addingReportingOverflow(size)
        return size < 0 || overflow ? Int.max : end
      }
      return [try g.apply(SliceOp(), x, begin, try g.ints(ends))]
    }
    let zero = try g.ints([0]), all = try g.ints([Int.max])
    let ends = try g.select(try g.apply(LessOp(), size, zero), all, try g.add(begin, size))
    return [try g.apply(SliceOp(), x, begin, ends)]
  },
  .moves(.stridedSlice) { n, g in [try n.stridedSlice(in: &g)] },
  .moves(.gather) { n, g in
    let options = n.options(GatherOptions.self)
    return [try n.gathered(axis: Int(options.axis), batchDims: Int(options.batchDims), in: &g)]
  },
  .moves(.gatherNd) { n, g in [try g.apply(GatherNDOp(), try n.input(0), try n.input(1))] },
  .moves(.embeddingLookup) { n, g in
    let table = try n.input(1)
    if try n.output(0).dtype != g.type(of: table).dtype {
      // A row is dequantised as it is looked up.
      guard try n.output(0).dtype == .float32, let type = QuantizedType(g.type(of: table)) else {
        throw UnsupportedError("a lookup in a table of \(g.type(of: table).dtype) that gives another type")
      }
      return [try g.gather(try g.dequantize(table, type), try n.input(0), axis: 0)]
    }
    return [try g.gather(table, try n.input(0), axis: 0)]
  },
  .reads(.oneHot) { n, g in
    let values = try g.concat([try g.reshape(try n.input(3), [1]), try g.reshape(try n.input(2), [1])], axis: 0)
    // Below zero nothing is hot; canonically such an index counts from the end.
    let indices = try g.cast(try n.input(0), to: .int64), depth = try n.scalar64(1, in: &g)
    let isNegative = try g.apply(LessOp(), indices, try g.scalar(0, like: indices))
    let outside = try g.select(isNegative, try g.scalar(Double(Int32.max), like: indices), indices)
    return [try g.apply(OneHotOp(axis: Int(n.options(OneHotOptions.self).axis)), outside, depth, values)]
  }.onAnyType,
  .moves(.spaceToDepth) { n, g in
    let block = try n.count(Int(n.options(SpaceToDepthOptions.self).blockSize))
    return [try g.apply(SpaceToDepthOp(blockSize: block, layout: .channelsLast), try n.input(0))]
  },
  .moves(.depthToSpace) { n, g in
    let block = try n.count(Int(n.options(DepthToSpaceOptions.self).blockSize))
    return [try g.apply(DepthToSpaceOp(blockSize: block, layout: .channelsLast), try n.input(0))]
  },
  .moves(.spaceToBatchNd) { n, g in
    var x = try n.input(0), pads = try n.blockPads(in: &g)
    // What stands for 0 is the zero point: padded beforehand.
    if let type = QuantizedType(g.type(of: x)), type.zeroPoint != 0 {
      let rank = try g.rank(of: x)
      guard let axes = g.type(of: pads).shape.dims?.first?.value else {
        throw UnsupportedError("SPACE_TO_BATCH_ND over a number of axes that is computed")
      }
      guard axes < rank else { throw FormatError(.invalidValue, "SPACE_TO_BATCH_ND over \(axes) axes of a value of rank \(rank)") }
      let zero = try g.scalar(Double(type.zeroPoint), dtype: type.dtype), outer = try g.ints([0])
      g.graph[zero].type.quantization = type.quantization
      let rest = [Int](repeating: 0, count: rank - 1 - axes), all: ValueID
      if let rows = g.fact(of: pads).constant, let values = try rows.array().integers(), values.count == 2 * axes {
        all = try g.ints([0] + (0..<axes).map { values[2 * $0] } + rest + [0] + (0..<axes).map { values[2 * $0 + 1] } + rest)
      } else {
        let ends = try (0..<2).map { try g.reshape(try g.slice(pads, axis: 1, start: $0, end: $0 + 1), [-1]) }
        let others = try g.ints(rest)
        all = try g.concat([outer, ends[0], others, outer, ends[1], others], axis: 0)
      }
      x = try g.apply(PadOp(), x, all, zero)
      g.graph[x].type.quantization = type.quantization
      pads = try g.constant(NDArray([Int64](repeating: 0, count: 2 * axes), [axes, 2]))
    }
    return [try g.apply(SpaceToBatchOp(block: try n.block(in: g)), x, pads)]
  },
  .moves(.batchToSpaceNd) { n, g in
    let x = try n.input(0), block = try n.block(in: g), crops = try n.blockPads(in: &g)
    if g.type(of: x).quantization == nil, let whole = try g.dilated(x, block: block, crops: crops) { return [whole] }
    return [try g.apply(BatchToSpaceOp(block: block), x, crops)]
  },
]

extension OperatorReader {
  fileprivate func block(in g: GraphContext) throws -> [Int] {
    let block = try constantInts(1, in: g)
    guard block.allSatisfy({ (1...(1 << 24)).contains($0) }) else { throw FormatError(.invalidValue, "\(type) with a block of \(block)") }
    return block
  }
  fileprivate func blockPads(in g: inout GraphContext) throws -> ValueID {
    let pads = try input(2)
    if let known = g.fact(of: pads).constant, let values = try known.array().integers() {
      return try g.constant(NDArray(values.map { Int64($0) }, known.extents))
    }
    return try g.cast(pads, to: .int64)
  }

  fileprivate func gathered(axis: Int, batchDims: Int, in g: inout GraphContext) throws -> ValueID {
    let x = try input(0), indices = try input(1), place = try self.axis(axis, of: x, in: g)
    if batchDims == 0 { return try g.gather(x, indices, axis: place) }
    let rank = try self.rank(1, in: g)
    let shared = batchDims < 0 ? batchDims + rank : batchDims
    if place == shared { return try g.apply(GatherNDOp(batchDims: shared), x, try g.unsqueeze(indices, [rank])) }
    // The axis is brought to stand behind the batch, and what stood between behind the indices is taken back.
    guard let whole = g.type(of: x).shape.rank, shared >= 0, shared <= min(place, rank), place < whole else {
      throw FormatError(.invalidValue, "\(type) along axis \(place) with \(shared) batch dimensions")
    }
    let moved = try g.transpose(x, Array(0..<shared) + [place] + (shared..<whole).filter { $0 != place })
    let picked = try g.apply(GatherNDOp(batchDims: shared), moved, try g.unsqueeze(indices, [rank]))
    let between = rank + place - shared, end = rank + whole - shared - 1
    return try g.transpose(picked, Array(0..<shared) + (rank..<between) + (shared..<rank) + (between..<end))
  }

  /// `x[begin:end:strides]` with five masks: bounds that are left out, an ellipsis, new axes, and axes that one index takes away.
  fileprivate func stridedSlice(in g: inout GraphContext) throws -> ValueID {
    let x = try input(0), options = options(StridedSliceOptions.self)
    let strides = try int64(3, in: &g), knownStrides = g.fact(of: strides).elements
    guard let count = knownStrides?.count ?? g.type(of: strides).shape.dims?.first?.value else {
      throw UnsupportedError("\(type) over a number of axes that is computed")
    }
    guard count <= 32 else { throw FormatError(.limitExceeded, "\(type) over \(count) axes") }
    func has(_ mask: Int32, _ bit: Int) -> Bool { mask >> Int32(bit) & 1 == 1 }
    let begins = try int64(1, in: &g)
    var ends = try int64(2, in: &g)
    // Ends may be given as lengths.
    if options.offset { ends = try g.add(begins, ends) }
    let knownBegins = g.fact(of: begins).elements, knownEnds = g.fact(of: ends).elements
    func bound(_ all: ValueID, _ known: [Dim]?, _ index: Int, _ g: inout GraphContext) throws -> ValueID {
      if let value = known.flatMap({ index < $0.count ? $0[index].value : nil }) { return try g.ints([value]) }
      return try g.slice(all, axis: 0, start: index, end: index + 1)
    }
    // Which axis of `x` each entry is for.
    let own = (0..<count).filter { !has(options.ellipsisMask, $0) && !has(options.newAxisMask, $0) }.count
    var starts: [ValueID] = [], stops: [ValueID] = [], axes: [Int] = [], steps: [ValueID] = []
    // Of the result before new axes: which of `x`'s axes disappear, and where new ones stand.
    var squeezed: [Int] = [], inserted: [Int] = [], axis = 0, place = 0
    for index in 0..<count {
      if has(options.ellipsisMask, index) {
        let skipped = max(0, try rank(0, in: g) - own)
        axis += skipped
        place += skipped
        continue
      }
      if has(options.newAxisMask, index) {
        inserted.append(place)
        place += 1
        continue
      }
      defer { axis += 1 }
      let isSingle = has(options.shrinkAxisMask, index), step = isSingle ? 1 : knownStrides?[index].value
      guard step != 0 else { throw FormatError(.invalidValue, "\(type) with a stride of 0") }
      // An open begin is the first element, also where one element is taken: TensorFlow goes by the index there.
      let isFirst = isSingle && has(options.beginMask, index)
      let start = isFirst ? try g.ints([0]) : try bound(begins, knownBegins, index, &g)
      if isSingle {
        squeezed.append(axis)
        starts.append(start)
        // The last element's successor is the end, not 0.
        if let known = g.fact(of: start).integers?.first {
          stops.append(try g.ints([known == -1 ? Int.max : known &+ 1]))
        } else {
          let next = try g.add(start, try g.ints([1])), isLast = try g.apply(EqualOp(), start, try g.ints([-1]))
          stops.append(try g.select(isLast, try g.ints([Int.max]), next))
        }
        axes.append(axis)
        steps.append(try g.ints([1]))
        continue
      }
      place += 1
      let isOpen = (begin: has(options.beginMask, index), end: has(options.endMask, index))
      if isOpen.begin, isOpen.end, step == 1 { continue }
      axes.append(axis)
      let stop = isOpen.end ? nil : try bound(ends, knownEnds, index, &g)
      if let step {
        starts.append(isOpen.begin ? try g.ints([step > 0 ? 0 : Int.max]) : start)
        stops.append(try stop ?? g.ints([step > 0 ? Int.max : Int.min]))
        steps.append(try g.ints([step]))
      } else {
        // Which end an open bound stands for depends on the direction.
        let by = try g.slice(strides, axis: 0, start: index, end: index + 1), goesForward = try g.apply(GreaterOp(), by, try g.ints([0]))
        starts.append(isOpen.begin ? try g.select(goesForward, try g.ints([0]), try g.ints([Int.max])) : start)
        stops.append(try stop ?? g.select(goesForward, try g.ints([Int.max]), try g.ints([Int.min])))
        steps.append(by)
      }
    }
    var result = x
    if !axes.isEmpty {
      let start = try g.concat(starts, axis: 0), stop = try g.concat(stops, axis: 0)
      result = try g.apply(SliceOp(), x, start, stop, try g.ints(axes), try g.concat(steps, axis: 0))
    }
    if !squeezed.isEmpty { result = try g.squeeze(result, squeezed) }
    if !inserted.isEmpty { result = try g.unsqueeze(result, inserted) }
    return result == x ? try g.apply(IdentityOp(), x) : result
  }
}

/// LiteRT reads no slice that goes beyond what is there.
private func checkSlice(_ starts: [Int], _ sizes: [Int], _ dims: [Dim]?) throws {
  for (axis, (start, size)) in zip(starts, sizes).enumerated() {
    let extent = dims.flatMap { axis < $0.count ? $0[axis].value : nil } ?? Int(Int32.max)
    guard start >= 0, size >= -1, start <= extent, size <= extent - start else {
      throw FormatError(.invalidValue, "a slice of \(size) elements from \(start) along axis \(axis), which has \(extent)")
    }
  }
}

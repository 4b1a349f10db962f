import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension OperationRules {
  static let shapingWriters: [OperationWriteRule] = [
    OperationWriteRule(IdentityOp.self) { op, inputs, writer in
      let x = try inputs.at(0)
      return op.stopsGradient && !x.isConstant ? try writer.call(.core, "StopGradient", [.tensor(x)]) : x
    },
    OperationWriteRule(CastOp.self) { op, inputs, writer in
      let x = try inputs.at(0)
      guard x.dtype.isKeras, op.dtype.isKeras else {
        throw OperationWriter.unsupported(op, "Keras does not cast \(x.dtype) to \(op.dtype)")
      }
      return try writer.cast(x, to: op.dtype)
    },
    OperationWriteRule(ReshapeOp.self) { op, inputs, writer in
      let x = try inputs.at(0)
      guard var wanted = try inputs.at(1).fact.elements else { throw OperationWriter.unsupported(op, "its shape is computed at run time") }
      // What is inferred may be known beforehand.
      if let result = try op.infer(inputs.map(\.fact)).at(0).shape.dims, result.count == wanted.count {
        for (index, dim) in result.enumerated() where wanted[index] == .fixed(-1) && dim.value != nil { wanted[index] = dim }
      }
      return try reshape(x, to: wanted, allowZero: op.allowZero, op, &writer)
    },
    OperationWriteRule(FlattenOp.self) { op, inputs, writer in
      let x = try inputs.at(0), dims = try x.dims()
      let axis = op.axis < 0 ? op.axis + dims.count : op.axis
      guard (0...dims.count).contains(axis) else { throw GraphError(.invalidAttribute, "Flatten at axis \(axis)") }
      let rows = checkedProduct(dims[..<axis].map { $0.value ?? -1 }), columns = checkedProduct(dims[axis...].map { $0.value ?? -1 })
      guard rows != nil || columns != nil else { throw OperationWriter.unsupported(op, "two extents are unknown") }
      return try writer.reshape(x, [rows ?? -1, columns ?? -1])
    },
    OperationWriteRule(TransposeOp.self) { op, inputs, writer in try writer.transpose(try inputs.at(0), op.permutation) },
    OperationWriteRule(UnsqueezeOp.self) { op, inputs, writer in
      let x = try inputs.at(0), rank = try x.rank() + op.axes.count
      return try writer.expandDims(x, try op.axes.map { try normalizeAxis($0, rank: rank) }.sorted())
    },
    OperationWriteRule(SqueezeOp.self) { op, inputs, writer in
      let x = try inputs.at(0), dims = try x.dims()
      let axes = try op.axes.map { try $0.map { try normalizeAxis($0, rank: dims.count) } } ?? dims.indices.filter { dims[$0] == .fixed(1) }
      // Keras refuses to squeeze an extent it does not know to be 1.
      guard axes.allSatisfy({ dims[$0] == .fixed(1) }) else {
        return try writer.getItem(x, dims.indices.map { axes.contains($0) ? 0 : OperationWriter.slice(nil, nil) })
      }
      return try writer.squeeze(x, axes)
    },
    OperationWriteRule(ConcatOp.self) { op, inputs, writer in
      try writer.concatenate(inputs, axis: op.axis)
    },
    OperationWriteRule(
      SplitOp.self,
      many: { op, inputs, writer in
        guard let x = inputs.first ?? nil else { throw GraphError(.wrongInputCount, "Split takes a tensor") }
        let dims = try x.dims(), axis = try normalizeAxis(op.axis, rank: dims.count)
        if op.count == 1 { return [x] }
        var sizes: [Int]?
        if inputs.count > 1, let given = inputs[1] { sizes = try OperationWriter.integers(given, "sizes", of: op) }
        if sizes == nil, let extent = dims[axis].value, extent % op.count != 0 {
          let size = (extent + op.count - 1) / op.count
          sizes = (0..<op.count).map { max(0, min(size, extent - $0 * size)) }
        }
        if let all = sizes, Set(all).count == 1 { sizes = nil }
        var places: [Int] = []
        for size in (sizes ?? []).dropLast() { places.append((places.last ?? 0) + size) }
        return try writer.calls(
          .numpy, "Split", [.tensor(x)],
          ["indices_or_sections": sizes == nil ? .int(op.count) : places.configValue, "axis": .int(axis)])
      }),
    OperationWriteRule(TileOp.self) { op, inputs, writer in
      let x = try inputs.at(0), fact = try inputs.at(1).fact
      guard let elements = fact.elements else { throw OperationWriter.unsupported(op, "its repeats are computed at run time") }
      // How often an axis of extent 1 is repeated is what its extent becomes.
      let open = elements.indices.filter { elements[$0].value == nil }, dims = try x.dims()
      guard elements.count == dims.count, open.allSatisfy({ dims[$0] == .fixed(1) }) else {
        throw OperationWriter.unsupported(op, "its repeats are computed at run time")
      }
      let repeats = elements.map { $0.value ?? 1 }
      var y = x
      if repeats.contains(where: { $0 != 1 }) {
        if let array = x.isConstant ? try x.fact.constant?.array() : nil {
          var context = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
          y = writer.constant(try context.apply(TileOp(), array, NDArray(repeats.map(Int64.init), [repeats.count])))
        } else {
          y = try writer.call(.numpy, "Tile", [.tensor(x)], ["repeats": repeats.configValue])
        }
      }
      if open.isEmpty { return y }
      return try expand(y, to: elements.indices.map { open.contains($0) ? elements[$0] : .fixed(1) }, op, &writer)
    },
    OperationWriteRule(RangeOp.self) { op, inputs, writer in
      let start = try inputs.at(0), limit = try inputs.at(1), step = try inputs.at(2)
      if let a = start.fact.integers?.first, let b = limit.fact.integers?.first, let d = step.fact.integers?.first, start.dtype.isInteger {
        var context = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
        let ends = try [a, b, d].map { try context.scalar(Double($0), dtype: start.dtype) }
        return writer.constant(try context.apply(op, to: ends).at(0))
      }
      guard start.dtype == .int64 || start.dtype == .int32, start.fact.integers == [0], step.fact.integers == [1],
        let extent = limit.fact.elements?.first,
        let (source, place) = writer.sources[extent]
      else { throw OperationWriter.unsupported(op, "its bounds are computed at run time") }
      // The places of an axis: ones along it are summed up.
      return try writer.places(of: source, place, start.dtype)
    },
    OperationWriteRule(ExpandOp.self) { op, inputs, writer in
      guard let wanted = try inputs.at(1).fact.elements else { throw OperationWriter.unsupported(op, "its shape is computed at run time") }
      return try expand(try inputs.at(0), to: wanted, op, &writer)
    },
    OperationWriteRule(PadOp.self, many: { op, inputs, writer in [try pad(op, inputs, &writer)] }),
    OperationWriteRule(ReverseOp.self) { op, inputs, writer in
      try writer.call(.numpy, "Flip", [.tensor(try inputs.at(0))], ["axis": op.axes.count == 1 ? .int(op.axes[0]) : op.axes.configValue])
    },
    OperationWriteRule(SizeOp.self) { op, inputs, writer in
      let x = try inputs.at(0)
      if let count = x.fact.type.shape.elementCount { return writer.constant(NDArray(scalar: Int64(count))) }
      return try writer.cast(try writer.unary("Size", x), to: .int64)
    },
    OperationWriteRule(ShapeOp.self) { op, inputs, writer in
      let x = try inputs.at(0), dims = try x.dims()
      func clamp(_ axis: Int) -> Int { max(0, min(dims.count, axis < 0 ? axis &+ dims.count : axis)) }
      let first = clamp(op.start), last = max(first, op.end.map(clamp) ?? dims.count)
      if let known = Shape.ranked(Array(dims[first..<last])).extents {
        return writer.constant(NDArray(known.map(Int64.init), [known.count]))
      }
      return try writer.concatenate(try (first..<last).map { try extent(of: x, $0, &writer) }, axis: 0)
    },
    OperationWriteRule(ConstantOfShapeOp.self) { op, inputs, writer in
      guard let shape = try inputs.at(0).fact.integers, let count = checkedProduct(shape), count <= ArrayConfig.elementLimit else {
        guard let wanted = try inputs.at(0).fact.elements else {
          throw OperationWriter.unsupported(op, "its shape is computed at run time")
        }
        return try expand(writer.constant(op.value.reshaped([])), to: wanted, op, &writer)
      }
      var context = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
      return writer.constant(try context.apply(op, NDArray(shape.map(Int64.init), [shape.count])))
    },
    OperationWriteRule(
      TriluOp.self,
      many: { op, inputs, writer in
        guard let x = inputs.first ?? nil else { throw GraphError(.wrongInputCount, "Trilu takes a tensor") }
        let k = try inputs.count > 1 && inputs[1] != nil ? OperationWriter.integers(inputs[1], "diagonal", of: op).at(0) : 0
        return [try writer.call(.numpy, op.upper ? "Triu" : "Tril", [.tensor(x)], ["k": .int(k)])]
      }),
    OperationWriteRule(DepthToSpaceOp.self) { op, inputs, writer in
      var x = try inputs.at(0)
      if op.blockSize == 1 { return x }
      let dims = try x.dims()
      guard op.layout == .channelsLast, dims.count == 4, let channels = dims[3].value, op.blockSize > 0 else {
        throw OperationWriter.unsupported(op, "its channels are not known to stand last")
      }
      if op.mode == .crd {
        // The channels in the order that Keras splits them in.
        let block = op.blockSize * op.blockSize, rest = channels / block
        let order = (0..<channels).map { ($0 % rest) * block + $0 / rest }
        x = try writer.call(
          .numpy, "Take", [.tensor(x), .tensor(writer.constant(NDArray(order.map(Int32.init), [channels])))], ["axis": 3])
      }
      return try writer.call(.nn, "DepthToSpace", [.tensor(x)], ["block_size": .int(op.blockSize), "data_format": "channels_last"])
    },
    OperationWriteRule(SpaceToDepthOp.self) { op, inputs, writer in
      guard op.layout == .channelsLast else { throw OperationWriter.unsupported(op, "its channels do not stand last") }
      return try writer.call(
        .nn, "SpaceToDepth", [.tensor(try inputs.at(0))], ["block_size": .int(op.blockSize), "data_format": "channels_last"])
    },
    OperationWriteRule(EyeLikeOp.self) { op, inputs, writer in
      let x = try inputs.at(0)
      guard let shape = x.fact.type.shape.extents, let count = checkedProduct(shape), count <= ArrayConfig.elementLimit else {
        throw OperationWriter.unsupported(op, "its shape is unknown")
      }
      var context = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
      return writer.constant(try context.apply(EyeLikeOp(dtype: op.dtype ?? x.dtype, k: op.k), NDArray(zeros: x.dtype, shape)))
    },
  ]

  private static func reshape(
    _ x: WrittenTensor, to wanted: [Dim], allowZero: Bool, _ op: any Op, _ writer: inout OperationWriter
  ) throws -> WrittenTensor {
    let dims = x.fact.type.shape.dims
    var shape: [Int] = []
    for (index, dim) in wanted.enumerated() {
      if dim == .fixed(0), !allowZero {
        shape.append(dims.flatMap { index < $0.count ? $0[index].value : nil } ?? -1)
      } else {
        shape.append(dim.value ?? -1)
      }
    }
    // One extent may follow from the others.
    if shape.filter({ $0 == -1 }).count > 1, let dims, dims.count == shape.count,
      zip(dims, wanted).allSatisfy({ $0 == $1 || $1 == .fixed(0) && !allowZero })
    {
      return x
    }
    if let open = shape.firstIndex(of: -1), shape.filter({ $0 == -1 }).count == 1, let total = x.fact.type.shape.elementCount {
      let rest = checkedProduct(shape.enumerated().filter { $0.offset != open }.map(\.element)) ?? 0
      if rest > 0, total % rest == 0 { shape[open] = total / rest }
    }
    if shape.filter({ $0 == -1 }).count > 1, let dims, let same = try writer.reranked(x, dims, wanted, allowZero: allowZero) { return same }
    if shape.filter({ $0 == -1 }).count > 1, let dims, let same = try writer.regrouped(x, dims, wanted, allowZero: allowZero) {
      return same
    }
    if shape.filter({ $0 == -1 }).count > 1, let apart = try takenApart(x, shape, wanted, &writer) { return apart }
    guard shape.filter({ $0 == -1 }).count <= 1 else { throw OperationWriter.unsupported(op, "more than one extent is unknown") }
    return try writer.reshape(x, shape)
  }

  /// Rows of a matrix as a grid of two unknown extents that other tensors have, as behind a layer that is run at each step: `[n · t, …]`
  /// becomes `[n, t, …]`. Keras reshapes to numbers alone, so each place of the grid takes its row.
  private static func takenApart(
    _ x: WrittenTensor, _ shape: [Int], _ wanted: [Dim], _ writer: inout OperationWriter
  ) throws -> WrittenTensor? {
    guard shape.count >= 2, shape[0] == -1, shape[1] == -1, shape[2...].allSatisfy({ $0 > 0 }) else { return nil }
    let known = (0..<2).compactMap { axis in
      writer.sources[wanted[axis]] ?? (writer.traced.indices.contains(axis) ? writer.traced[axis] : nil)
    }
    guard known.count == 2 else { return nil }
    let rows = try writer.places(of: known[0].tensor, known[0].axis, .int32)
    let columns = try writer.places(of: known[1].tensor, known[1].axis, .int32)
    let count = try writer.cast(try extent(of: known[1].tensor, known[1].axis, &writer), to: .int32)
    let starts = try writer.binary("Multiply", rows, count)
    let grid = try writer.sum(try writer.expandDims(starts, [1]), try writer.expandDims(columns, [0]))
    return try writer.call(.numpy, "Take", [.tensor(try writer.reshape(x, [-1] + shape[2...])), .tensor(grid)], ["axis": 0])
  }

  /// One extent as an int64 vector of one element. Keras has no operation for a shape: what is not
  /// known beforehand is counted.
  static func extent(of x: WrittenTensor, _ axis: Int, _ writer: inout OperationWriter) throws -> WrittenTensor {
    let dims = try x.dims()
    if let known = dims[axis].value { return writer.constant(NDArray([Int64(known)], [1])) }
    let line = try writer.getItem(x, dims.indices.map { $0 == axis ? OperationWriter.slice(nil, nil) : 0 })
    let ones = try writer.call(.numpy, "OnesLike", [.tensor(line)], ["dtype": "int64"])
    return try writer.reduce("Sum", ones, [0], keepDims: true)
  }

  private static func expand(
    _ x: WrittenTensor, to wanted: [Dim], _ op: any Op, _ writer: inout OperationWriter
  ) throws -> WrittenTensor {
    let dims = try x.dims()
    guard case .ranked(let result) = try broadcast([.ranked(dims), .ranked(wanted)]) else {
      throw OperationWriter.unsupported(op, "its shape is unknown")
    }
    if result == dims { return x }
    if !x.isConstant, x.fact.type.shape.extents != nil, let extents = Shape.ranked(result).extents {
      return try writer.call(.numpy, "BroadcastTo", [.tensor(x)], ["shape": extents.configValue])
    }
    // Known extents are repeated. Unknown ones stay as they are, or come from another tensor that has them.
    let own = Array(repeating: .fixed(1), count: result.count - dims.count) + dims
    var repeats: [Int] = [], open: [Int] = [], perhaps: [Int] = []
    for (axis, (from, to)) in zip(own, result).enumerated() {
      repeats.append(from == .fixed(1) ? to.value ?? 1 : 1)
      if from != to, to.value == nil { open.append(axis) }
      if from.value == nil, to.value != nil { perhaps.append(axis) }
    }
    var y = x
    if let array = x.isConstant ? try x.fact.constant?.array() : nil {
      var context = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
      let shape = NDArray(zip(own, repeats).map { Int64(max($0.value ?? 1, $1)) }, [own.count])
      y = writer.constant(try context.apply(ExpandOp(), array, shape))
    } else {
      if result.count > dims.count { y = try writer.expandDims(y, Array(0..<(result.count - dims.count))) }
      if repeats.contains(where: { $0 != 1 }) { y = try writer.call(.numpy, "Tile", [.tensor(y)], ["repeats": repeats.configValue]) }
    }
    // An extent that is not known beforehand may be 1 or the wanted one already.
    for axis in perhaps {
      guard let extent = result[axis].value, extent <= ArrayConfig.elementLimit else {
        throw OperationWriter.unsupported(op, "an unknown extent is to be repeated")
      }
      let zeros = NDArray(zeros: y.dtype, result.indices.map { $0 == axis ? extent : 1 })
      let spread = writer.constant(zeros)
      y = y.dtype == .bool ? try writer.call(.numpy, "LogicalOr", [.tensor(y), .tensor(spread)]) : try writer.sum(y, spread)
    }
    for axis in open {
      let element = axis - (result.count - wanted.count)
      guard let (source, place) = writer.sources[result[axis]] ?? (writer.traced.indices.contains(element) ? writer.traced[element] : nil)
      else {
        throw OperationWriter.unsupported(op, "an unknown extent is to be repeated")
      }
      let line = try writer.getItem(source, try (0..<source.rank()).map { $0 == place ? OperationWriter.slice(nil, nil) : 0 })
      let zeros = try writer.call(.numpy, "ZerosLike", [.tensor(line)], ["dtype": .string(y.dtype.rawValue)])
      let others = (0..<result.count).filter { $0 != axis }
      let spread = try writer.expandDims(zeros, others)
      y = y.dtype == .bool ? try writer.call(.numpy, "LogicalOr", [.tensor(y), .tensor(spread)]) : try writer.sum(y, spread)
    }
    return y
  }

  private static func pad(_ op: PadOp, _ inputs: [WrittenTensor?], _ writer: inout OperationWriter) throws -> WrittenTensor {
    guard var x = inputs.first ?? nil, inputs.count > 1 else { throw GraphError(.wrongInputCount, "Pad takes a tensor and amounts") }
    let dims = try x.dims(), amounts = try OperationWriter.integers(inputs[1], "amounts", of: op)
    let axes =
      try inputs.count > 3 && inputs[3] != nil
      ? OperationWriter.integers(inputs[3], "axes", of: op).map { try normalizeAxis($0, rank: dims.count) } : Array(dims.indices)
    guard amounts.count == 2 * axes.count else { throw GraphError(.shapeMismatch, "Pad by \(amounts) along \(axes)") }
    var pairs = [[Int]](repeating: [0, 0], count: dims.count)
    for (index, axis) in axes.enumerated() { pairs[axis] = [amounts[index], amounts[index + axes.count]] }
    if pairs.contains(where: { $0[0] < 0 || $0[1] < 0 }) {
      x = try writer.getItem(
        x,
        pairs.map { OperationWriter.slice($0[0] < 0 ? -$0[0] : nil, $0[1] < 0 ? $0[1] : nil) })
      pairs = pairs.map { $0.map { max(0, $0) } }
    }
    if pairs.allSatisfy({ $0 == [0, 0] }) { return x }
    guard [.constant, .reflect, .symmetric].contains(op.mode) else {
      return try padByPieces(x, pairs, op, &writer)
    }
    var value = JSONValue.null
    if op.mode == .constant, inputs.count > 2, let filler = inputs[2] {
      guard let number = filler.fact.scalar else { throw OperationWriter.unsupported(op, "its value is computed at run time") }
      value = x.dtype.isFloatingPoint ? .double(number) : .int(Int(number))
    }
    return try writer.call(
      .numpy, "Pad", [.tensor(x)], ["pad_width": pairs.configValue, "mode": .string(op.mode.rawValue)],
      kwargs: ["constant_values": .json(value)])
  }

  /// Keras does not repeat edges or wrap around: slices of the tensor are put before and behind it.
  private static func padByPieces(
    _ tensor: WrittenTensor, _ pairs: [[Int]], _ op: PadOp, _ writer: inout OperationWriter
  ) throws -> WrittenTensor {
    var x = tensor
    for (axis, pair) in pairs.enumerated() where pair != [0, 0] {
      func piece(_ start: Int?, _ stop: Int?) throws -> WrittenTensor {
        try writer.getItem(x, Array(repeating: OperationWriter.slice(nil, nil), count: axis) + [OperationWriter.slice(start, stop)])
      }
      var parts: [WrittenTensor] = []
      if op.mode == .edge {
        let rank = try x.rank()
        func repeated(_ edge: WrittenTensor, _ count: Int) throws -> WrittenTensor {
          if count == 1 { return edge }
          var repeats = [Int](repeating: 1, count: rank)
          repeats[axis] = count
          return try writer.call(.numpy, "Tile", [.tensor(edge)], ["repeats": repeats.configValue])
        }
        if pair[0] > 0 { parts.append(try repeated(try piece(0, 1), pair[0])) }
        parts.append(x)
        if pair[1] > 0 { parts.append(try repeated(try piece(-1, nil), pair[1])) }
      } else {
        guard let extent = try x.dims()[axis].value, pair[0] <= extent, pair[1] <= extent else {
          throw OperationWriter.unsupported(op, "it wraps around by more than an extent")
        }
        if pair[0] > 0 { parts.append(try piece(-pair[0], nil)) }
        parts.append(x)
        if pair[1] > 0 { parts.append(try piece(0, pair[1])) }
      }
      x = try writer.concatenate(parts, axis: axis)
    }
    return x
  }
}

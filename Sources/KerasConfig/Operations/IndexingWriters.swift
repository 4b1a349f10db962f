import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension OperationRules {
  static let indexingWriters: [OperationWriteRule] = [
    OperationWriteRule(SliceOp.self, many: { op, inputs, writer in [try slice(op, inputs, &writer)] }),
    OperationWriteRule(GatherOp.self) { op, inputs, writer in
      let x = try inputs.at(0), indices = try inputs.at(1)
      let axis = try normalizeAxis(op.axis, rank: try x.rank())
      if let index = indices.fact.integers?.first, indices.fact.type.shape.rank == 0, !x.isConstant {
        return try writer.getItem(x, Array(repeating: OperationWriter.slice(nil, nil), count: axis) + [.int(index)])
      }
      return try writer.call(.numpy, "Take", [.tensor(x), .tensor(indices)], ["axis": .int(axis)])
    },
    OperationWriteRule(GatherElementsOp.self) { op, inputs, writer in
      var x = try inputs.at(0)
      let indices = try inputs.at(1), a = try x.dims(), b = try indices.dims(), axis = try normalizeAxis(op.axis, rank: a.count)
      guard a.count == b.count else { throw GraphError(.shapeMismatch, "GatherElements of ranks \(a.count) and \(b.count)") }
      // The indices may cover less than the tensor.
      var key: [JSONValue] = []
      for (place, (from, to)) in zip(a, b).enumerated() {
        if place == axis || from == to {
          key.append(OperationWriter.slice(nil, nil))
        } else if let count = to.value, from.value.map({ $0 > count }) ?? (count != 1) {
          key.append(OperationWriter.slice(nil, count))
        } else if to.value == nil || from.value == nil {
          key.append(OperationWriter.slice(nil, nil))
        } else {
          throw OperationWriter.unsupported(op, "its indices are larger than its tensor")
        }
      }
      if key.contains(where: { $0 != OperationWriter.slice(nil, nil) }) { x = try writer.getItem(x, key) }
      return try writer.call(.numpy, "TakeAlongAxis", [.tensor(x), .tensor(indices)], ["axis": .int(axis)])
    },
    OperationWriteRule(GatherNDOp.self) { op, inputs, writer in
      let x = try inputs.at(0), indices = try inputs.at(1), dims = try x.dims()
      guard op.batchDims == 0, let width = try indices.dims().last?.value, width >= 1, width <= dims.count else {
        throw OperationWriter.unsupported(op, "its tuples are not of a known width, or it has batch axes")
      }
      guard let lead = Shape.ranked(Array(dims[..<width])).extents else {
        guard let rest = Shape.ranked(Array(dims[width...])).extents else {
          throw OperationWriter.unsupported(op, "what it picks is of unknown extents")
        }
        let rows = width == 1 ? x : try writer.reshape(x, [-1] + rest)
        return try writer.call(.numpy, "Take", [.tensor(rows), .tensor(try openIndices(indices, in: x, width, &writer))], ["axis": 0])
      }
      return try writer.call(
        .numpy, "Take",
        [.tensor(try flattenLead(x, width, &writer)), .tensor(try flatIndices(indices, lead, &writer))], ["axis": 0])
    },
    OperationWriteRule(ScatterNDOp.self) { op, inputs, writer in
      let x = try inputs.at(0), indices = try countedFromFront(op, try inputs.at(1), try x.dims(), &writer)
      return try writer.call(
        .core, "ScatterUpdate", [.tensor(x), .tensor(indices), .tensor(try inputs.at(2))],
        ["reduction": op.reduction == .none ? .null : .string(op.reduction.rawValue)])
    },
    OperationWriteRule(ScatterElementsOp.self) { op, inputs, writer in
      let x = try inputs.at(0), updates = try inputs.at(2)
      var indices = try inputs.at(1)
      let dims = try x.dims(), axis = try normalizeAxis(op.axis, rank: dims.count)
      guard let extents = indices.fact.type.shape.extents, let count = checkedProduct(extents), count <= 1 << 18,
        let length = dims[axis].value
      else { throw OperationWriter.unsupported(op, "the shape of its indices is unknown") }
      var columns: [WrittenTensor] = []
      let places = coordinates(extents)
      indices = try writer.cast(try writerReshape(indices, [count, 1], &writer), to: .int64)
      if let known = indices.fact.constant, let values = try known.array().integers() {
        indices = writer.constant(NDArray(values.map { Int64($0 < 0 ? $0 + length : $0) }, [count, 1]))
      } else {
        indices = try writer.binary("Mod", indices, try writer.scalar(Double(length), like: indices))
      }
      for place in dims.indices {
        columns.append(
          place == axis
            ? indices : writer.constant(NDArray((0..<count).map { places[$0 * extents.count + place] }, [count, 1])))
      }
      let tuples: WrittenTensor
      if columns.allSatisfy(\.isConstant) {
        let values = try columns.map { try $0.fact.constant?.array().integers() ?? [] }
        tuples = writer.constant(
          NDArray((0..<count).flatMap { row in values.map { Int64($0[row]) } }, [count, columns.count]))
      } else {
        tuples = try writer.concatenate(columns, axis: 1)
      }
      return try writer.call(
        .core, "ScatterUpdate", [.tensor(x), .tensor(tuples), .tensor(try writerReshape(updates, [count], &writer))],
        ["reduction": op.reduction == .none ? .null : .string(op.reduction.rawValue)])
    },
    OperationWriteRule(OneHotOp.self) { op, inputs, writer in
      let depthFact = try inputs.at(1).fact, pair = try inputs.at(2)
      guard let depth = depthFact.scalar.flatMap({ Int(exactly: $0) }), depth > 0 else {
        throw OperationWriter.unsupported(op, "its depth is computed at run time")
      }
      guard let values = try pair.fact.constant?.array().doubles(), values.count == 2 else {
        throw OperationWriter.unsupported(op, "its values are computed at run time")
      }
      var indices = try writer.cast(try inputs.at(0), to: .int64)
      let rank = try indices.rank() + 1, axis = try normalizeAxis(op.axis, rank: rank)
      // Indices from −depth on count from the end; those outside give no class.
      let negative = try writer.binary("Less", indices, try writer.scalar(0, like: indices))
      let moved = try writer.binary("Add", indices, try writer.scalar(Double(depth), like: indices))
      indices = try writer.call(.numpy, "Where", [.tensor(negative), .tensor(moved), .tensor(indices)])
      let isPlain = values == [0, 1]
      let dtype = isPlain ? pair.dtype : .bool
      let hot = try writer.call(
        .nn, "OneHot", [.tensor(indices)],
        ["num_classes": .int(depth), "axis": .int(axis == rank - 1 ? -1 : axis), "dtype": .string(dtype.rawValue), "sparse": false])
      if isPlain { return hot }
      return try writer.call(
        .numpy, "Where",
        [.tensor(hot), .tensor(try writer.scalar(values[1], like: pair)), .tensor(try writer.scalar(values[0], like: pair))])
    },
  ]

  private static func writerReshape(_ x: WrittenTensor, _ shape: [Int], _ writer: inout OperationWriter) throws -> WrittenTensor {
    guard case .constant(let tensor) = x.source else { return try writer.reshape(x, shape) }
    return writer.constant(try tensor.array().reshaped(shape))
  }
  private static func flattenLead(_ x: WrittenTensor, _ width: Int, _ writer: inout OperationWriter) throws -> WrittenTensor {
    let dims = try x.dims()
    if width == 1 { return x }
    guard let lead = checkedProduct(dims[..<width].map { $0.value ?? -1 }), dims[width...].filter({ $0.value == nil }).count <= 1 else {
      throw GraphError(.missingType, "the extents of a tensor are unknown")
    }
    return try writerReshape(x, [lead] + dims[width...].map { $0.value ?? -1 }, &writer)
  }

  /// Index tuples without negative ones, which TensorFlow's scatter does not take: what is computed is taken modulo the extents, if
  /// they are known.
  private static func countedFromFront(
    _ op: any Op, _ indices: WrittenTensor, _ dims: [Dim], _ writer: inout OperationWriter
  ) throws -> WrittenTensor {
    guard let constant = indices.fact.constant else {
      guard let width = try indices.dims().last?.value, width > 0, width <= dims.count,
        let extents = Shape.ranked(Array(dims[..<width])).extents, extents.allSatisfy({ $0 > 0 })
      else { return indices }
      let row = NDArray(extents.map { Int64($0) }, [width])
      return try writer.binary("Mod", indices, try writer.cast(writer.constant(row), to: indices.dtype))
    }
    guard let width = constant.extents.last, width > 0, width <= dims.count,
      var values = try constant.array().integers(), values.contains(where: { $0 < 0 })
    else { return indices }
    for (place, value) in values.enumerated() where value < 0 {
      guard let extent = dims[place % width].value else {
        throw OperationWriter.unsupported(op, "an index counts from the end of an axis of unknown extent")
      }
      values[place] = value &+ extent
    }
    return writer.constant(NDArray(values.map { Int64($0) }, constant.extents))
  }

  /// Index tuples as places in the flattened leading axes.
  private static func flatIndices(_ indices: WrittenTensor, _ lead: [Int], _ writer: inout OperationWriter) throws -> WrittenTensor {
    if let constant = indices.fact.constant, let values = try constant.array().integers() {
      let rows = values.count / lead.count
      let flat = (0..<rows).map { row -> Int64 in
        var place = 0
        for (axis, extent) in lead.enumerated() {
          let index = values[row * lead.count + axis]
          place = place &* extent &+ (index < 0 ? index + extent : index)
        }
        return Int64(place)
      }
      return writer.constant(NDArray(flat, Array((constant.extents).dropLast())))
    }
    var place: WrittenTensor?
    let rank = try indices.rank()
    for (axis, extent) in lead.enumerated() {
      var column = try writer.getItem(indices, Array(repeating: OperationWriter.slice(nil, nil), count: rank - 1) + [.int(axis)])
      column = try writer.binary("Mod", column, try writer.scalar(Double(extent), like: column))
      if let known = place {
        place = try writer.binary("Add", try writer.binary("Multiply", known, try writer.scalar(Double(extent), like: known)), column)
      } else {
        place = column
      }
    }
    guard let place else { throw GraphError(.shapeMismatch, "empty index tuples") }
    return place
  }

  /// The same where extents are known at run time alone: they are counted.
  private static func openIndices(
    _ indices: WrittenTensor, in x: WrittenTensor, _ width: Int, _ writer: inout OperationWriter
  ) throws -> WrittenTensor {
    let whole = Array(repeating: OperationWriter.slice(nil, nil), count: try indices.rank() - 1)
    var place: WrittenTensor?
    for axis in 0..<width {
      let extent = try extent(of: x, axis, &writer)
      var column = try writer.cast(try writer.getItem(indices, whole + [.int(axis)]), to: .int64)
      column = try writer.binary("Mod", column, extent)
      place = try place.map { try writer.sum(try writer.binary("Multiply", $0, extent), column) } ?? column
    }
    guard let place else { throw GraphError(.shapeMismatch, "empty index tuples") }
    return place
  }

  private static func slice(_ op: SliceOp, _ inputs: [WrittenTensor?], _ writer: inout OperationWriter) throws -> WrittenTensor {
    guard let x = inputs.first ?? nil, inputs.count >= 3 else { throw GraphError(.wrongInputCount, "Slice takes a tensor and bounds") }
    let dims = try x.dims()
    func list(_ index: Int, _ what: String) throws -> [Int]? {
      guard index < inputs.count, let tensor = inputs[index] else { return nil }
      return try OperationWriter.integers(tensor, what, of: op)
    }
    let axes = try (try list(3, "axes"))?.map { try normalizeAxis($0, rank: dims.count) }
    guard let starts = inputs[1]?.fact.elements, let ends = inputs[2]?.fact.elements else {
      throw OperationWriter.unsupported(op, "its bounds are computed at run time")
    }
    let steps = try list(4, "steps")
    var key = dims.map { _ in OperationWriter.slice(nil, nil) }
    let far = Int(Int32.max)
    var asLongAs: [(axis: Int, extent: Dim)] = []
    for index in starts.indices {
      let axis = axes.map { index < $0.count ? $0[index] : index } ?? index
      let step = steps.map { index < $0.count ? $0[index] : 1 } ?? 1
      guard axis < dims.count, index < ends.count, step != 0 else { throw GraphError(.shapeMismatch, "Slice of rank \(dims.count)") }
      var stop = ends[index].value
      if stop == nil {
        guard ends[index] != .unknown, step > 0, ends[index] == dims[axis] || step == 1 && starts[index] == .fixed(0) else {
          throw OperationWriter.unsupported(op, "its bounds are computed at run time")
        }
        if ends[index] != dims[axis] { asLongAs.append((axis, ends[index])) }
        stop = far
      }
      guard let start = starts[index].value, let stop else { throw OperationWriter.unsupported(op, "its bounds are computed at run time") }
      if step > 0 {
        key[axis] = OperationWriter.slice(
          start == 0 || start <= -far ? nil : start, stop >= far ? nil : stop <= -far ? 0 : stop, step == 1 ? nil : step)
      } else {
        // −1 as an end counts from behind; what lies before the first element has no number.
        let stopsBeforeFirst = dims[axis].value.map { stop < -$0 } ?? (stop <= -far)
        key[axis] = OperationWriter.slice(start >= far || start == -1 ? nil : start, stopsBeforeFirst ? nil : stop, step)
      }
    }
    while key.last == OperationWriter.slice(nil, nil) { key.removeLast() }
    var y = key.isEmpty ? x : try writer.getItem(x, key)
    // As many elements as another tensor has along an axis: those at its places.
    for (axis, extent) in asLongAs {
      guard let (source, place) = writer.sources[extent] else {
        throw OperationWriter.unsupported(op, "its bounds are computed at run time")
      }
      let places = try writer.places(of: source, place, .int32)
      y = try writer.call(.numpy, "Take", [.tensor(y), .tensor(places)], ["axis": .int(axis)])
    }
    return y
  }
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import OrderedCollections

/// Functions that are several operations, or take what is computed where `keras.ops` takes numbers.
extension TensorFlowFunctions {
  typealias Compose = @Sendable (Call, inout GraphContext) throws -> [ValueID]

  private static let composed: [String: Compose] = [
    shapes, elements, sums, ordering, matrices, windows, images,
  ].reduce(into: [:]) { $0.merge($1) { first, _ in first } }

  /// What a call gives; `nil` for a function that is a list of operations (`operations`).
  static func compose(_ call: Call, in graph: inout GraphContext) throws -> [ValueID]? {
    guard let compose = composed[call.function] else { return nil }
    return try compose(call, &graph)
  }

  /// A function of one result.
  static func one(_ compose: @escaping @Sendable (Call, inout GraphContext) throws -> ValueID) -> Compose {
    { [try compose($0, &$1)] }
  }

  // MARK: Shapes

  private static let shape = one { call, graph in
    try graph.cast(try graph.shape(of: try call.x(in: &graph)), to: try call.dtype("out_type", default: .int32))
  }
  private static func filled(_ value: Double?) -> Compose {
    one { call, graph in
      let dtype = try call.dtype("dtype", default: .float32)
      let filler = try value.map { try graph.scalar($0, dtype: dtype) } ?? call.tensor("value", in: &graph)
      return try graph.expand(filler, to: try call.extents(call.first, in: &graph))
    }
  }
  private static let random: @Sendable (_ isNormal: Bool) -> Compose = { isNormal in
    one { call, graph in
      let dtype = try call.dtype("dtype", default: .float32), extents = try call.extents(call.first, in: &graph)
      if isNormal {
        let op = RandomNormalOp(mean: try call.double("mean", default: 0), scale: try call.double("stddev", default: 1), dtype: dtype)
        return try graph.apply(op, extents)
      }
      let low = try call.double("minval", default: 0), high = try call.double("maxval", default: 1)
      guard dtype.isFloatingPoint else { throw call.unsupported("of integers") }
      return try graph.apply(RandomUniformOp(low: low, high: high, dtype: dtype), extents)
    }
  }
  static let shapes: [String: Compose] = [
    "compat.v1.shape": shape, "shape": shape,
    "compat.v1.size": one { call, graph in
      try graph.cast(try graph.apply(SizeOp(), try call.x(in: &graph)), to: try call.dtype("out_type", default: .int32))
    },
    "ensure_shape": one { call, graph in try call.x(in: &graph) },
    "reshape": one { call, graph in
      let x = try call.x(in: &graph)
      if let shape = call.json("shape"), shape.arrayValue?.allSatisfy({ $0.intValue ?? 0 != 0 }) == true {
        return try call.operation("Reshape", [.tensor(x)], ["newshape": shape], in: &graph)
      }
      return try graph.reshape(x, to: try call.extents(try call.argument("shape"), in: &graph))
    },
    "broadcast_to": one { call, graph in
      try graph.expand(try call.x(in: &graph), to: try call.extents(try call.argument("shape"), in: &graph))
    },
    "tile": one { call, graph in
      let x = try call.x(in: &graph), times = try call.argument("multiples")
      if let plain = times.plain { return try call.operation("Tile", [.tensor(x)], ["repeats": plain], in: &graph) }
      return try graph.apply(TileOp(), x, try call.extents(times, in: &graph))
    },
    "zeros": filled(0), "ones": filled(1), "fill": filled(nil),
    "random.normal": random(true), "random.uniform": random(false),
    "range": one { call, graph in
      var ends = [call.first] + (call.named["limit"].map { [$0] } ?? [])
      if ends.count == 2, ends[1].plain?.isNull == true { ends.removeLast() }
      let dtype = try call.dtype(
        "dtype", default: ends.flatMap(\.tensors).first.map { graph.type(of: $0).dtype } ?? .int32)
      let values = try ends.map { try graph.cast(try call.value($0, dtype: dtype, in: &graph), to: dtype) }
      let step = try call.named["delta"].map { try call.value($0, dtype: dtype, in: &graph) } ?? graph.scalar(1, dtype: dtype)
      let start = values.count == 2 ? values[0] : try graph.scalar(0, dtype: dtype)
      return try graph.apply(RangeOp(), start, try values.at(values.count - 1), step)
    },
    "slice": one { call, graph in
      let x = try call.x(in: &graph), rank = try graph.rank(of: x)
      guard let begin = try call.ints("begin"), let size = try call.ints("size"), begin.count == rank, size.count == rank,
        begin.allSatisfy({ $0 >= 0 }), size.allSatisfy({ $0 >= -1 })
      else { throw call.unsupported("from computed places") }
      let ends = zip(begin, size).map { $1 < 0 ? Int(Int32.max) : $0 + $1 }
      return try graph.apply(
        SliceOp(), x, try graph.ints(begin), try graph.ints(ends), try graph.ints(Array(0..<rank)),
        try graph.ints(begin.map { _ in 1 }))
    },
    "strided_slice": one { call, graph in
      let x = try call.x(in: &graph), rank = try graph.rank(of: x)
      for mask in ["begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"]
      where try call.int(mask, default: 0) != 0 { throw call.unsupported("with a \(mask)") }
      guard let begin = try call.ints("begin"), let end = try call.ints("end"), begin.count == end.count, begin.count <= rank else {
        throw call.unsupported("from computed places")
      }
      let steps = try call.ints("strides") ?? begin.map { _ in 1 }
      guard steps.count == begin.count, !steps.contains(0) else { throw call.unsupported("by other steps") }
      return try graph.apply(
        SliceOp(), x, try graph.ints(begin), try graph.ints(end), try graph.ints(Array(begin.indices)), try graph.ints(steps))
    },
  ]
}

import GraphWriting
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Sequences written as TensorFlow's lists of tensors. The lists themselves keep the types of their items, so that shapes told to the
/// ops may be open (−1).
let sequenceWritingRules: [NodeRule] = [
  .writes(SequenceInsertOp.self) { _, x, w in
    guard x[2] == nil else { throw UnsupportedError("TensorFlow's lists grow at their end only") }
    return [try w.appended(try x.required(1), to: try x.required(0))]
  },
  .writes(SequenceEraseOp.self) { _, x, w in
    guard x[1] == nil else { throw UnsupportedError("TensorFlow's lists shrink at their end only") }
    let list = try x.required(0), item = try w.itemType(of: list)
    let open = try w.int32(-1)
    return try w.emit("TensorListPopBack", [list, open], ["element_dtype": try .dtype(item.dtype)], types: [NodeWriter.listType])
  },
  .writes(SequenceAtOp.self) { _, x, w in
    let list = try x.required(0)
    return [try w.item(of: list, at: try x.required(1), try w.itemType(of: list))]
  },
  .writes(SequenceLengthOp.self) { _, x, w in [try w.cast(try w.length(of: try x.required(0)), to: .int64)] },
  .writes(SequenceEmptyOp.self) { op, _, w in [try w.emptyCollection(TensorType(op.dtype, .unranked))] },
  .writes(SequenceConstructOp.self) { _, x, w in
    let items = try x.rest(0)
    guard let first = items.first else { throw UnsupportedError("a sequence of nothing") }
    var list = try w.emptyCollection(TensorType(first.type.dtype, .unranked))
    for item in items { list = try w.appended(item, to: list) }
    return [list]
  },
  .writes(ConcatFromSequenceOp.self) { op, x, w in
    let list = try x.required(0), item = try w.itemType(of: list)
    if op.newAxis {
      let stacked = try w.stacked(list, item), rank = try w.rank(of: stacked), axis = try normalizeAxis(op.axis, rank: rank)
      return [axis == 0 ? stacked : try w.transpose(stacked, AxisOrder.behind(axis, rank))]
    }
    guard op.axis == 0 || item.shape.rank.map({ op.axis == -$0 }) == true else {
      throw UnsupportedError("TensorFlow joins the items of a list along their first axis only")
    }
    return Array(try w.joined(list, item).prefix(1))
  },
  .writes(SequenceExtentsOp.self) { _, x, w in
    let list = try x.required(0)
    return Array(try w.joined(list, try w.itemType(of: list)).dropFirst())
  },
  .writes(SequenceScatterOp.self) { _, x, w in
    let tensor = try x.required(1), places = try w.cast(try x.required(2), to: .int32)
    return [
      try w.emit(
        "TensorListScatterIntoExistingList", [try x.required(0), tensor, places], ["element_dtype": try .dtype(tensor.type.dtype)],
        as: NodeWriter.listType)
    ]
  },
]

extension NodeWriter {
  /// What a list holds.
  fileprivate func itemType(of list: OutValue) throws -> TensorType {
    guard case .sequence(let item)? = list.type.variant else { throw UnsupportedError("a list whose items are of an unknown type") }
    return item
  }

  /// How many items a list has: an int32 scalar.
  fileprivate mutating func length(of list: OutValue) throws -> OutValue {
    try emit("TensorListLength", [list], as: TensorType(.int32, []))
  }

  /// The item at a place, which may count from the end.
  mutating func item(of list: OutValue, at place: OutValue, shape: OutValue? = nil, _ item: TensorType) throws -> OutValue {
    var index = try cast(place, to: .int32)
    if index.type.shape.rank != 0 { index = try reshape(index, []) }
    let known = place.fact.integers?.first
    if let known, known < 0 {
      index = try add(try length(of: list), try int32(known))
    } else if known == nil {
      let isNegative = try apply(LessOp(), index, try int32(0))
      index = try select(isNegative, try add(index, try length(of: list)), index)
    }
    let shape = try shape ?? int32(-1)
    return try emit(
      "TensorListGetItem", [list, index, try cast(shape, to: .int32)], ["element_dtype": try .dtype(item.dtype)], as: item)
  }

  /// The items one behind the other along their first axis, and the extent of each.
  fileprivate mutating func joined(_ list: OutValue, _ item: TensorType) throws -> [OutValue] {
    let open = try int32(-1), none = try constant(NDArray([Int64](), [0]))
    let dims = item.shape.dims.map { Shape.ranked([.unknown] + $0.dropFirst()) } ?? .unranked
    return try emit(
      "TensorListConcatV2", [list, open, none], ["element_dtype": try .dtype(item.dtype), "shape_type": try .dtype(.int32)],
      types: [TensorType(item.dtype, dims), TensorType(.int64, .ranked([.unknown]))])
  }
}

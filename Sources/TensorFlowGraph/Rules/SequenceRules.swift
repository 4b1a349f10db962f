import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Lists of tensors: read as sequences, sequences written as lists.
let sequenceRules: [NodeRule] = [
  .rule(
    "TensorListReserve", SequenceReserveOp.self,
    read: { n, g in [try g.apply(SequenceReserveOp(dtype: try n.dtype("element_dtype")), try n.input(0), try n.input(1))] },
    write: { op, x, w in
      let count = try w.cast(try x.required(1), to: .int32)
      return [
        try w.emit("TensorListReserve", [try x.required(0), count], ["element_dtype": try .dtype(op.dtype)], as: NodeWriter.listType)
      ]
    }),
  .reads("EmptyTensorList") { n, g in
    let none = try g.constant(NDArray(scalar: Int32(0)))
    return [try g.apply(SequenceReserveOp(dtype: try n.dtype("element_dtype")), try n.input(0), none)]
  },
  .rule(
    "TensorListFromTensor", SplitToSequenceOp.self,
    read: { n, g in [try g.apply(SplitToSequenceOp(axis: 0, keepDims: false), try n.input(0))] },
    write: { op, x, w in
      let tensor = try x.required(0)
      guard op.axis == 0 else { throw UnsupportedError("TensorFlow splits into items along the first axis") }
      if let lengths = x[1] {
        guard lengths.type.shape.rank == 1 else { throw UnsupportedError("TensorFlow splits into items of told lengths") }
        let open = try w.int32(-1), lengths = try w.cast(lengths, to: .int64)
        return [
          try w.emit(
            "TensorListSplit", [tensor, open, lengths], ["element_dtype": try .dtype(tensor.type.dtype)], as: NodeWriter.listType)
        ]
      }
      if op.keepDims {
        let rows = try w.unsqueeze(tensor, [1])
        return [try w.emit("TensorListFromTensor", [rows, try w.int32(-1)], as: NodeWriter.listType)]
      }
      let shape = try w.elementShape(.ranked(Array((tensor.type.shape.dims ?? []).dropFirst())))
      return [
        try w.emit("TensorListFromTensor", [tensor, tensor.type.shape.dims == nil ? try w.int32(-1) : shape], as: NodeWriter.listType)
      ]
    }),
  .rule(
    "TensorListSetItem", SequenceSetOp.self,
    read: { n, g in
      let op = SequenceSetOp(grows: try n.flag("resize_if_index_out_of_bounds"))
      return [try g.apply(op, try n.input(0), try n.input(1), try n.input(2))]
    },
    write: { op, x, w in
      let place = try w.cast(try x.required(1), to: .int32)
      return [
        try w.emit(
          "TensorListSetItem", [try x.required(0), place, try x.required(2)],
          ["element_dtype": try .dtype(try x.required(2).type.dtype), "resize_if_index_out_of_bounds": .bool(op.grows)],
          as: NodeWriter.listType)
      ]
    }),
  .rule(
    "TensorListGetItem", SequenceGetOp.self,
    read: { n, g in
      [try g.apply(SequenceGetOp(dtype: try n.dtype("element_dtype")), try n.input(0), try n.input(1), try n.input(2))]
    },
    write: { op, x, w in
      let type = TensorType(op.dtype, .unranked)
      if try x.required(1).fact.integers?.first ?? 0 < 0 {
        return [try w.item(of: try x.required(0), at: try x.required(1), shape: x[2], type)]
      }
      let place = try w.cast(try x.required(1), to: .int32), shape = try x[2] ?? w.int32(-1)
      return [
        try w.emit(
          "TensorListGetItem", [try x.required(0), place, try w.cast(shape, to: .int32)], ["element_dtype": try .dtype(op.dtype)], as: type)
      ]
    }),
  .rule(
    "TensorListStack", SequenceStackOp.self,
    read: { n, g in [try g.apply(SequenceStackOp(dtype: try n.dtype("element_dtype")), try n.input(0), try n.input(1))] },
    write: { op, x, w in
      let shape = try w.cast(try x[1] ?? w.int32(-1), to: .int32), type = TensorType(op.dtype, .unranked)
      if let places = x[2] {
        let places = try w.cast(places, to: .int32)
        return [
          try w.emit("TensorListGather", [try x.required(0), places, shape], ["element_dtype": try .dtype(op.dtype)], as: type)
        ]
      }
      return [try w.emit("TensorListStack", [try x.required(0), shape], ["element_dtype": try .dtype(op.dtype)], as: type)]
    }),
  .reads("TensorListGather") { n, g in
    [
      try g.apply(
        SequenceStackOp(dtype: try n.dtype("element_dtype")), try n.input(0), try n.input(2), try n.input(1))
    ]
  },
  .reads("TensorListPushBack") { n, g in [try g.apply(SequenceInsertOp(), try n.input(0), try n.input(1))] },
  .reads("TensorListPopBack") { n, g in
    let last = try g.constant(NDArray(scalar: Int32(-1)))
    let item = try g.apply(SequenceGetOp(dtype: try n.dtype("element_dtype")), try n.input(0), last, try n.input(1))
    return [try g.apply(SequenceEraseOp(), try n.input(0)), item]
  },
  .reads("TensorListLength") { n, g in [try g.cast(try g.apply(SequenceLengthOp(), try n.input(0)), to: .int32)] },
  .rule(
    "TensorListResize", SequenceResizeOp.self,
    read: { n, g in [try g.apply(SequenceResizeOp(), try n.input(0), try n.input(1))] },
    write: { _, x, w in
      let size = try w.cast(try x.required(1), to: .int32)
      return [try w.emit("TensorListResize", [try x.required(0), size], as: NodeWriter.listType)]
    }),
  .reads("TensorListConcat", readConcat),
  .reads("TensorListConcatV2", readConcat),
  .reads("TensorListSplit") { n, g in
    [try g.apply(SplitToSequenceOp(axis: 0, keepDims: true), try n.input(0), try n.input(2))]
  },
  .reads("TensorListScatterIntoExistingList") { n, g in
    [try g.apply(SequenceScatterOp(), try n.input(0), try n.input(1), try n.input(2))]
  },
  .reads("TensorListScatter") { n, g in
    let none = try g.constant(NDArray(scalar: Int32(0)))
    let empty = try g.apply(SequenceReserveOp(dtype: try n.dtype("element_dtype")), try n.input(2), none)
    return [try g.apply(SequenceScatterOp(), empty, try n.input(0), try n.input(1))]
  },
  .reads("TensorListScatterV2") { n, g in
    // A number below zero stands for as many as are needed.
    let zero = try g.constant(NDArray(scalar: Int32(0)))
    let count = try g.maximum(try g.cast(try n.input(3), to: .int32), zero)
    let places = try g.apply(SequenceReserveOp(dtype: try n.dtype("element_dtype")), try n.input(2), count)
    return [try g.apply(SequenceScatterOp(), places, try n.input(0), try n.input(1))]
  },
  .reads("TensorListElementShape") { n, g in
    guard case .sequence(let element)? = g.type(of: try n.input(0)).variant, let dims = element.shape.dims else {
      throw UnsupportedError("the shape of the list's items is not known")
    }
    let extents = try g.ints(dims.map { $0.value ?? -1 })
    return [try g.cast(extents, to: try n.dtype("shape_type"))]
  },
]

private let readConcat: NodeRule.Read = { n, g in
  [
    try g.apply(ConcatFromSequenceOp(axis: 0), try n.input(0)),
    try g.apply(SequenceExtentsOp(), try n.input(0)),
  ]
}

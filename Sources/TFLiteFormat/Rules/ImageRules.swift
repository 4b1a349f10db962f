import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let imageRules: [OperatorRule] = [
  .computes(.resizeBilinear) { n, g in
    let o = n.options(ResizeBilinearOptions.self)
    let mode: CoordinateMode = o.alignCorners ? .alignCorners : o.halfPixelCenters ? .halfPixel : .asymmetric
    let op = ResizeOp(mode: .linear, coordinateMode: mode, axes: [1, 2])
    return Computation(op, [try n.input(0), nil, nil, try n.int64(1, in: &g)])
  },
  .computes(.resizeNearestNeighbor) { n, g in
    let o = n.options(ResizeNearestNeighborOptions.self)
    var op = ResizeOp(mode: .nearest, coordinateMode: .asymmetric, axes: [1, 2])
    op.nearestMode = .floor
    if o.alignCorners {
      (op.coordinateMode, op.nearestMode) = (.alignCorners, .roundPreferCeil)
    } else if o.halfPixelCenters {
      op.coordinateMode = .tfHalfPixelForNN
    }
    return Computation(op, [try n.input(0), nil, nil, try n.int64(1, in: &g)])
  },
  .reads(.nonMaxSuppressionV4) { n, g in
    let indices = try n.suppressed(&g), count = try g.cast(try g.apply(SizeOp(), indices), to: .int32)
    return [try n.filledUp(indices, &g), count]
  },
  .reads(.nonMaxSuppressionV5) { n, g in
    guard g.fact(of: try n.input(5)).scalar == 0 else {
      let picked = try g.apply(SoftSuppressionOp(), to: n.inputs), count = try g.cast(try g.apply(SizeOp(), picked[0]), to: .int32)
      return try picked.map { try n.filledUp($0, &g) } + [count]
    }
    let indices = try n.suppressed(&g), count = try g.cast(try g.apply(SizeOp(), indices), to: .int32)
    let scores = try g.gather(try n.input(1), indices, axis: 0)
    return [try n.filledUp(indices, &g), try n.filledUp(scores, &g), count]
  },
]

extension OperatorReader {
  /// Boxes `[B, 4]` and scores `[B]` as one batch and one class.
  fileprivate func suppressed(_ g: inout GraphContext) throws -> ValueID {
    let boxes = try g.unsqueeze(try input(0), [0]), scores = try g.unsqueeze(try input(1), [0, 1])
    let limit = try scalar64(2, in: &g)
    let picked = try g.apply(NonMaxSuppressionOp(), boxes, scores, limit, try input(3), try input(4))
    return try g.cast(try g.squeeze(try g.slice(picked, axis: 1, start: 2, end: 3), [1]), to: .int32)
  }

  /// The vector, with zeros up to the number of boxes that were asked for.
  fileprivate func filledUp(_ values: ValueID, _ g: inout GraphContext) throws -> ValueID {
    let limit = try g.reshape(try scalar64(2, in: &g), [1])
    let missing = try g.sub(limit, try g.shape(of: values))
    let none = try NDArray([0.0], [1]).cast(to: g.type(of: values).dtype, in: ExecutionContext(primitives: ReferencePrimitives()))
    return try g.concat([values, try g.apply(ConstantOfShapeOp(value: none), missing)], axis: 0)
  }
}

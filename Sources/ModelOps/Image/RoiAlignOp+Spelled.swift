import ModelGraph
import ModelSupport
import ModelTensor

extension RoiAlignOp: SpelledOp {
  /// Averages of bilinear samples are products: with the weights of the rows in front, and with those of the columns behind.
  ///
  ///     regions ── weights of rows [R, 1, outputHeight, H], of columns [R, 1, outputWidth, W]      y = rows · x[batchIndices] · columnsᵀ
  ///
  /// A pixel weighs `max(0, 1 − |place − pixel|)` for a sample at a place within the image, as an average over the samples of a bin.
  public func spelled<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value]? {
    guard !takesMaximum, (1...64).contains(samplingRatio), (1...(1 << 12)).contains(outputHeight), (1...(1 << 12)).contains(outputWidth),
      inputs.count == 3, let x = inputs[0], let regions = inputs[1], let batches = inputs[2], let dims = context.type(of: x).shape.dims,
      dims.count == 4, let height = dims[2].value, let width = dims[3].value, (1...(1 << 16)).contains(height),
      (1...(1 << 16)).contains(width), context.type(of: regions).shape.rank == 2
    else { return nil }
    var box = try context.cast(regions, to: context.type(of: x).dtype)
    if spatialScale != 1 { box = try context.mul(box, try context.scalar(spatialScale, like: box)) }
    if halfPixel { box = try context.sub(box, try context.scalar(0.5, like: box)) }
    let rows = try weights(box, from: 1, bins: outputHeight, extent: height, in: &context)
    let columns = try weights(box, from: 0, bins: outputWidth, extent: width, in: &context)
    // One image goes with all regions as it is.
    let images = dims[0].value == 1 ? x : try context.gather(x, batches, axis: 0)
    return [try context.matmul(rows, try context.matmul(images, columns, transposeB: true))]
  }

  /// How much each pixel of an axis weighs in each bin, `[R, 1, bins, extent]`.
  private func weights<C: OpContext>(
    _ box: C.Value, from axis: Int, bins: Int, extent: Int, in context: inout C
  ) throws -> C.Value {
    let dtype = context.type(of: box).dtype, environment = ExecutionContext(primitives: ReferencePrimitives())
    func numbers(_ values: [Double], _ shape: [Int]) throws -> C.Value {
      try context.constant(try NDArray(values, shape).cast(to: dtype, in: environment))
    }
    let first = try context.slice(box, axis: 1, start: axis, end: axis + 1)
    var size = try context.sub(try context.slice(box, axis: 1, start: axis + 2, end: axis + 3), first)
    if !halfPixel { size = try context.maximum(size, try context.scalar(1, like: size)) }
    let step = try context.div(size, try context.scalar(Double(bins), like: size)), count = bins * samplingRatio
    let places = (0..<count).map { (Double($0) + 0.5) / Double(samplingRatio) }
    let at = try context.add(first, try context.mul(step, try numbers(places, [1, count])))
    let isInside = try context.apply(
      LogicalAndOp(), try context.apply(GreaterOrEqualOp(), at, try context.scalar(-1, like: at)),
      try context.apply(LessOrEqualOp(), at, try context.scalar(Double(extent), like: at)))
    let near = try context.unsqueeze(try context.clip(at, min: 0, max: Double(extent - 1)), [2])
    let distance = try context.apply(AbsOp(), try context.sub(near, try numbers((0..<extent).map(Double.init), [1, 1, extent])))
    let one = try context.scalar(1, like: at)
    var share = try context.maximum(try context.sub(one, distance), try context.scalar(0, like: at))
    share = try context.mul(share, try context.unsqueeze(try context.cast(isInside, to: dtype), [2]))
    let samples = try context.reshape(share, [-1, bins, samplingRatio, extent])
    return try context.unsqueeze(try context.reduce(.mean, samples, axes: [2]), [1])
  }
}

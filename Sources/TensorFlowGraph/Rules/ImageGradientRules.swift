import GraphWriting
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Gradients of resizing, mirrored borders and local response normalisation, as tapes within a model leave them.
///
/// Source: `tensorflow/core/ops/image_ops.cc`, `array_ops.cc`, `nn_ops.cc`, and `lrn_op.cc` for the formula.
let imageGradientRules: [NodeRule] = [
  .reads("ResizeNearestNeighborGrad") { n, g in
    let dy = try n.input(0)
    guard let size = g.fact(of: try n.input(1)).integers, size.count == 2 else { throw UnsupportedError("\(n.type) to a computed size") }
    return [try n.resizeSlope(.nearest, dy, size, in: &g)]
  },
  .reads("ResizeBilinearGrad") { n, g in [try n.resizeSlope(.linear, in: &g)] },
  .reads("ResizeBicubicGrad") { n, g in [try n.resizeSlope(.cubic, in: &g)] },
  // Every element of the border adds to the one that it mirrors.
  .reads("MirrorPadGrad") { n, g in
    let dy = try n.input(0)
    guard let padded = g.type(of: dy).shape.extents,
      let pads = try g.fact(of: try n.input(1)).constant?.array().integers(), pads.count == 2 * padded.count,
      (pads + padded).allSatisfy({ (0..<(1 << 40)).contains($0) })
    else { throw UnsupportedError("MirrorPadGrad of unknown extents") }
    let extents = padded.indices.map { padded[$0] - pads[2 * $0] - pads[2 * $0 + 1] }
    guard extents.allSatisfy({ $0 >= 0 }), let count = checkedProduct(extents), checkedProduct(padded) != nil else {
      throw FormatError(.invalidValue, "MirrorPadGrad takes \(pads) from a tensor \(padded)")
    }
    let mode: PadMode = try n.string("mode").uppercased() == "SYMMETRIC" ? .symmetric : .reflect
    let all = try g.apply(
      RangeOp(), try g.scalar(0, dtype: .int64), try g.scalar(Double(count), dtype: .int64), try g.scalar(1, dtype: .int64))
    let turned = padded.indices.map { pads[2 * $0] } + padded.indices.map { pads[2 * $0 + 1] }
    let places = try g.apply(PadOp(mode: mode), try g.reshape(all, extents), try g.ints(turned))
    let start = try g.expand(try g.scalar(0, like: dy), to: try g.ints([count]))
    let sums = try g.apply(ScatterNDOp(reduction: .add), start, try g.reshape(places, [-1, 1]), try g.reshape(dy, [-1]))
    return [try g.reshape(sums, extents)]
  },
  .reads("LRNGrad") { n, g in
    let dy = try n.input(0), x = try n.input(1), y = try n.input(2), radius = try n.int("depth_radius")
    guard let channels = g.type(of: x).shape.dims?.last?.value, channels < 1 << 12, radius >= 0 else {
      throw UnsupportedError("LRNGrad of unknown or many channels")
    }
    let alpha = try n.float("alpha"), beta = try n.float("beta"), bias = try n.float("bias")
    // Which channels are neighbours.
    let band = (0..<channels).flatMap { i in (0..<channels).map { j in Float((i - j).magnitude <= radius.magnitude ? 1 : 0) } }
    let near = try g.cast(try g.constant(NDArray(band, [channels, channels])), to: g.type(of: x).dtype)
    let squares = try g.matmul(try g.mul(x, x), near)
    let norm = try g.add(try g.mul(squares, try g.scalar(alpha, like: x)), try g.scalar(bias, like: x))
    let own = try g.mul(dy, try g.apply(PowOp(), norm, try g.scalar(-beta, like: x)))
    let shared = try g.mul(try g.matmul(try g.div(try g.mul(dy, y), norm), near), try g.scalar(2 * alpha * beta, like: x))
    return [try g.apply(SubOp(), own, try g.mul(shared, x))]
  },
]

extension NodeReader {
  /// Inputs: the slope of the result, and the image that was resized.
  fileprivate func resizeSlope(_ mode: ResizeMode, in g: inout GraphContext) throws -> ValueID {
    let image = try g.type(of: input(1))
    guard let from = image.shape.dims, from.count == 4, let rows = from[1].value, let columns = from[2].value else {
      throw UnsupportedError("\(type) of unknown extents")
    }
    return try g.cast(try resizeSlope(mode, try input(0), [rows, columns], in: &g), to: image.dtype)
  }

  /// Resizing is a product with a matrix along each axis: what resizing makes of the identity. Its gradient is that with their transposes.
  fileprivate func resizeSlope(_ mode: ResizeMode, _ dy: ValueID, _ size: [Int], in g: inout GraphContext) throws -> ValueID {
    guard let dims = g.type(of: dy).shape.dims, dims.count == 4, let rows = dims[1].value, let columns = dims[2].value,
      size.allSatisfy({ (1..<(1 << 12)).contains($0) }), rows > 0, columns > 0
    else { throw UnsupportedError("\(type) of unknown extents") }
    let dtype = g.type(of: dy).dtype
    func matrix(_ extent: Int, _ result: Int, along axis: Int) throws -> ValueID {
      let identity = (0..<extent).flatMap { i in (0..<extent).map { Float($0 == i ? 1 : 0) } }
      let image = try g.constant(NDArray(identity, axis == 0 ? [1, extent, 1, extent] : [1, 1, extent, extent]))
      let resized = try resized(image, to: try g.ints(axis == 0 ? [result, 1] : [1, result]), mode, self, &g)
      return try g.cast(try g.reshape(resized, [result, extent]), to: dtype)
    }
    let down = try matrix(size[0], rows, along: 0), across = try matrix(size[1], columns, along: 1)
    let half = try g.apply(EinsumOp(equation: "noxc,oh->nhxc"), dy, down)
    return try g.apply(EinsumOp(equation: "nhxc,xw->nhwc"), half, across)
  }
}

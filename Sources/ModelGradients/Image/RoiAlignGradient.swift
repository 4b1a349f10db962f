import ModelGraph
import ModelOps
import ModelTensor

extension RoiAlignOp: DifferentiableOp {
  /// Pixels have gradients, regions none, as with `torchvision.ops.roi_align`.
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let x = try call.x(0)
    guard try c.extents(of: x).count == 4 else { throw GraphError(.shapeMismatch, "RoiAlign of \(c.type(of: x))") }
    var result = call.none
    if call.needs(0) { result[0] = try c.apply(RoiAlignGradientOp(of: self), x, try call.x(1), try call.x(2), try call.g()) }
    return result
  }
}

/// The transpose of `RoiAlignOp`; for the largest corner of a bin, what leads to it.
///
/// Inputs: `x`, `regions`, `batchIndices`, `g` (as the op's result). Result: as `x`.
public struct RoiAlignGradientOp: PrimitiveOp, DifferentiableOp {
  public static let name = "RoiAlignGradient"
  public static let family = OpFamily.image
  var forward: RoiAlignOp
  init(of forward: RoiAlignOp) { self.forward = forward }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), regions = try inputs.required(1, of: self), g = try inputs.required(3, of: self)
    let count = regions.shape.first ?? 0, bins = forward.outputHeight * forward.outputWidth
    guard x.rank == 4, regions.shape == [count, 4], let batches = try inputs.required(2, of: self).integers(), batches.count == count,
      batches.allSatisfy({ (0..<x.shape[0]).contains($0) }), g.shape == [count, x.shape[1], forward.outputHeight, forward.outputWidth]
    else { throw ExecutionError(.shapeMismatch, "RoiAlignGradient of \(g.type) for \(x.type) at \(regions.type)") }
    let channels = x.shape[1], height = x.shape[2], width = x.shape[3]
    try context.demand(.float64, x.shape)
    var out = [Double](repeating: 0, count: x.count)
    let slopes = g.doubles(), corners = regions.doubles(), values = forward.takesMaximum ? x.doubles() : []
    for region in 0..<count {
      let base = batches[region] * channels, first = region * channels
      let box = Array(corners[(region * 4)..<(region * 4 + 4)])
      var largest: [(value: Double, place: Int, weight: Double)?] = Array(repeating: nil, count: forward.takesMaximum ? channels : 0)
      try forward.forEachSample(box, height, width) { bin, near, sample in
        for channel in 0..<channels {
          let start = (base + channel) * height * width, slope = slopes[(first + channel) * bins + bin]
          if !forward.takesMaximum {
            for corner in near { out[start + corner.place] += slope * corner.weight / Double(sample.all) }
            continue
          }
          if sample.index == 0 { largest[channel] = nil }
          for corner in near {
            let value = corner.weight * values[start + corner.place]
            if let old = largest[channel], old.value >= value { continue }
            largest[channel] = (value, start + corner.place, corner.weight)
          }
          if sample.index == sample.all - 1, let found = largest[channel] { out[found.place] += slope * found.weight }
        }
      } empty: { _ in
      }
    }
    return [try NDArray(out, x.shape).cast(to: x.dtype, in: context)]
  }
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    guard !forward.takesMaximum else { throw GraphError(.invalidStructure, "the largest samples of RoiAlign have no second gradient") }
    return [nil, nil, nil, try c.apply(forward, try call.g(), try call.x(1), try call.x(2))]
  }
}

import ModelGraph
import ModelTensor

/// Adds up columns of blocks into images (the inverse of taking blocks as columns).
///
/// Inputs: `x` (`[N, C·Πblock, L]`), `imageShape` and `blockShape` (integer vectors, one entry per spatial axis).
/// Result: `[N, C, image…]`.
public struct Col2ImOp: PrimitiveOp {
  public static let name = "Col2Im"
  public static let family = OpFamily.array
  public var strides: [Int]
  public var dilations: [Int]
  public var before: [Int]
  public var after: [Int]
  public init(strides: [Int] = [], dilations: [Int] = [], before: [Int] = [], after: [Int] = []) {
    self.strides = strides
    self.dilations = dilations
    self.before = before
    self.after = after
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard let image = try inputs.required(1, of: self).elements else { return [TensorType(x.dtype, .unranked)] }
    var channels = Dim.unknown
    if let block = try inputs.required(2, of: self).integers.flatMap(checkedProduct), block > 0,
      let rows = x.shape.dims?.dropFirst().first?.value
    {
      channels = .fixed(rows / block)
    }
    return [TensorType(x.dtype, .ranked([x.shape.dims?.first ?? .unknown, channels] + image))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype.isFloatingPoint else { throw noKernel(x.dtype) }
    guard x.rank == 3, let image = try inputs.required(1, of: self).integers(), let block = try inputs.required(2, of: self).integers(),
      let taps = checkedProduct(block), taps > 0, x.shape[1] % taps == 0, block.count == image.count
    else { throw ExecutionError(.shapeMismatch, "Col2Im of \(x.type)") }
    let n = image.count, zeros = [Int](repeating: 0, count: n)
    let geometry = try WindowGeometry(
      input: image, kernel: block, strides: strides, dilations: dilations,
      padding: .explicit(before: before.isEmpty ? zeros : before, after: after.isEmpty ? zeros : after), op: self)
    guard checkedProduct(geometry.output) == x.shape[2] else {
      throw ExecutionError(.shapeMismatch, "Col2Im of \(x.type): \(geometry.output) blocks fit the image")
    }
    let channels = x.shape[1] / taps, columns = x.shape[2]
    let result = try context.allocate(.float64, [x.shape[0], channels] + image)
    let volume = image.reduce(1, *), values = x.doubles()
    let blockSteps = StridedView.steps(of: block), outputSteps = StridedView.steps(of: geometry.output)
    let imageSteps = StridedView.steps(of: image)
    result.withMutable(Double.self) { y in
      for i in 0..<y.count { y[i] = 0 }
      for tap in 0..<taps {
        for column in 0..<columns {
          var place = 0, isInside = true
          for i in 0..<n {
            let at =
              column / outputSteps[i] % geometry.output[i] * geometry.strides[i]
              + tap / blockSteps[i] % block[i] * geometry.dilations[i] - geometry.before[i]
            isInside = isInside && at >= 0 && at < image[i]
            place += at * imageSteps[i]
          }
          guard isInside else { continue }
          for plane in 0..<(x.shape[0] * channels) { y[plane * volume + place] += values[(plane * taps + tap) * columns + column] }
        }
      }
    }
    return [try result.cast(to: x.dtype, in: context)]
  }
}

import ModelGraph
import ModelTensor

/// A max pooling that also tells where each maximum stood.
///
/// Results: `y`; `indices` (int64), flat in the whole input as it is laid out, of the first of equals. With `columnMajor` the
/// spatial axes count as if the first ran fastest.
public struct MaxPoolWithIndicesOp: PrimitiveOp {
  public static let name = "MaxPoolWithIndices"
  public static let family = OpFamily.pooling
  public var kernel: [Int]
  public var strides: [Int]
  public var dilations: [Int]
  public var padding: Padding
  public var ceilMode: Bool
  public var columnMajor: Bool
  public var layout: DataLayout
  public init(
    kernel: [Int], strides: [Int] = [], dilations: [Int] = [], padding: Padding = .valid, ceilMode: Bool = false,
    columnMajor: Bool = false, layout: DataLayout
  ) {
    self.kernel = kernel
    self.strides = strides
    self.dilations = dilations
    self.padding = padding
    self.ceilMode = ceilMode
    self.columnMajor = columnMajor
    self.layout = layout
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let pool = PoolOp(
      .max, kernel: kernel, strides: strides, dilations: dilations, padding: padding, ceilMode: ceilMode, layout: layout)
    let type = try pool.infer(inputs)[0]
    return [type, TensorType(.int64, type.shape)]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.rank == kernel.count + 2 else {
      throw ExecutionError(.shapeMismatch, "MaxPoolWithIndices with window \(kernel) of \(x.type)")
    }
    guard x.dtype.isFloatingPoint || x.dtype.isInteger else { throw noKernel(x.dtype) }
    let geometry = try WindowGeometry(
      input: layout.spatialAxes(rank: x.rank).map { x.shape[$0] }, kernel: kernel, strides: strides, dilations: dilations,
      padding: padding, ceilMode: ceilMode, op: self)
    let channels = x.shape[layout.channelAxis(rank: x.rank)], n = kernel.count
    let shape = layout.shape(batch: x.shape[0], spatial: geometry.output, channels: channels)
    let result = try context.allocate(.int64, shape)
    // Of a row of elements the first of the greatest; a NaN is greater than all.
    let whole = x.orderedIntegers(), real = whole == nil ? x.doubles() : []
    func isGreater(_ a: Int, _ b: Int) -> Bool {
      if let whole { return whole[a] > whole[b] }
      return real[a] > real[b] || real[a].isNaN && !real[b].isNaN
    }
    let inputSteps = StridedView.steps(of: geometry.input), outputSteps = StridedView.steps(of: geometry.output)
    let volume = geometry.input.reduce(1, *), positions = geometry.output.reduce(1, *)
    let last = layout == .channelsLast
    var columnSteps = [Int](repeating: 1, count: n)
    for i in 1..<max(1, n) { columnSteps[i] = columnSteps[i - 1] * geometry.input[i - 1] }
    var places: [Int] = Array(repeating: 0, count: result.count)
    try result.withMutable(Int64.self) { indices in
      for plane in 0..<(x.shape[0] * channels) {
        let batch = plane / channels, channel = plane % channels
        for position in 0..<positions {
          var found: (place: Int, column: Int)?
          let starts = (0..<n).map { position / outputSteps[$0] % geometry.output[$0] * geometry.strides[$0] - geometry.before[$0] }
          let inside = (0..<n).map {
            WindowGeometry.inside(starts[$0], kernel: kernel[$0], dilation: geometry.dilations[$0], extent: geometry.input[$0])
          }
          let counts = inside.map(\.count), steps = StridedView.steps(of: counts)
          for tap in 0..<counts.reduce(1, *) {
            var place = 0, column = 0
            for i in 0..<n {
              let at = starts[i] + (inside[i].lowerBound + tap / steps[i] % counts[i]) * geometry.dilations[i]
              place += at * inputSteps[i]
              column += at * columnSteps[i]
            }
            let flat = last ? (batch * volume + place) * channels + channel : plane * volume + place
            if let found, !isGreater(flat, found.place) { continue }
            found = (flat, last ? (batch * volume + column) * channels + channel : plane * volume + column)
          }
          guard let found else {
            throw ExecutionError(.invalidValue, "MaxPoolWithIndices: a window lies in the padding")
          }
          let to = last ? (batch * positions + position) * channels + channel : plane * positions + position
          places[to] = found.place
          indices[to] = Int64(columnMajor ? found.column : found.place)
        }
      }
    }
    return [try x.reshaped([x.count]).picking(places, shape: shape, in: context), result]
  }
}

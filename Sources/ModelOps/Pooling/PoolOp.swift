import ModelGraph
import ModelTensor
import RealModule

public enum PoolKind: Sendable, Hashable, AttributeConvertible {
  case max, average
  /// The `p`-th root of the sum of the `p`-th powers of magnitudes.
  case lp(Int)
  public var attributeValue: AttributeValue { .string(String(describing: self)) }
}

/// Combines the elements of sliding windows over one to three spatial axes.
///
/// Padding never wins a maximum, and counts in an average only with `countIncludePad`.
public struct PoolOp: PreparedOp {
  public static let name = "Pool"
  public static let family = OpFamily.pooling
  public var kind: PoolKind
  public var kernel: [Int]
  public var strides: [Int]
  public var dilations: [Int]
  public var padding: Padding
  public var ceilMode: Bool
  public var countIncludePad: Bool
  public var layout: DataLayout
  public init(
    _ kind: PoolKind, kernel: [Int], strides: [Int] = [], dilations: [Int] = [], padding: Padding = .valid,
    ceilMode: Bool = false, countIncludePad: Bool = false, layout: DataLayout
  ) {
    self.kind = kind
    self.kernel = kernel
    self.strides = strides
    self.dilations = dilations
    self.padding = padding
    self.ceilMode = ceilMode
    self.countIncludePad = countIncludePad
    self.layout = layout
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    try requireWindow(kernel: kernel, strides: strides, dilations: dilations, padding: padding, rank: kernel.count)
    guard let dims = x.shape.dims else {
      return [TensorType(x.dtype, .ranked(Array(repeating: .unknown, count: kernel.count + 2)))]
    }
    guard dims.count == kernel.count + 2 else { throw GraphError(.shapeMismatch, "Pool with window \(kernel) of \(x)") }
    let output = try WindowGeometry.infer(
      layout.spatialAxes(rank: dims.count).map { dims[$0] }, kernel: kernel, strides: strides, dilations: dilations,
      padding: padding, ceilMode: ceilMode, op: self)
    return [
      TensorType(x.dtype, .ranked(layout.shape(batch: dims[0], spatial: output, channels: dims[layout.channelAxis(rank: dims.count)])))
    ]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let x = try inputs.required(0, of: self)
    guard x.rank == kernel.count + 2 else { throw ExecutionError(.shapeMismatch, "Pool with window \(kernel) of \(x.type)") }
    // Single precision holds integers of up to 24 bits.
    if kind == .max, x.dtype.isInteger, (x.dtype.bitWidth ?? 0) > 16 {
      let places = MaxPoolWithIndicesOp(
        kernel: kernel, strides: strides, dilations: dilations, padding: padding, ceilMode: ceilMode, layout: layout)
      results.append(try places.evaluate(inputs, in: context)[0])
      return
    }
    if x.dtype != .float32, x.dtype != .float64 {
      let wide = try evaluate([try x.cast(to: .float32, in: context)], in: context)
      results.append(try wide[0].cast(to: x.dtype, in: context))
      return
    }
    let plan = try memo.prepared(inputs) { try Plan(self, x.shape, in: context) }
    if x.dtype == .float64 {
      results.append(try evaluateDouble(x, plan.geometry, in: context))
      return
    }
    let result = try context.allocate(.float32, plan.result)
    if result.count > 0 {
      if case .lp(let power) = kind {
        sumPowers(plan.geometry, power, x, result, in: context)
      } else {
        combine(plan, x, result, in: context)
      }
    }
    results.append(result)
  }

  /// What the windows over one shape look like.
  private struct Plan {
    let geometry: WindowGeometry
    let shape: ConvolutionShape
    let result: [Int]
    /// The elements of each window, where they are averaged.
    let counts: [Float]
    /// For windows that are large and overlap.
    let sliding: SlidingWindows?

    init(_ op: PoolOp, _ x: [Int], in context: ExecutionContext) throws {
      geometry = try WindowGeometry(
        input: op.layout.spatialAxes(rank: x.count).map { x[$0] }, kernel: op.kernel, strides: op.strides, dilations: op.dilations,
        padding: op.padding, ceilMode: op.ceilMode, op: op)
      let channels = x[op.layout.channelAxis(rank: x.count)]
      result = op.layout.shape(batch: x[0], spatial: geometry.output, channels: channels)
      shape = ConvolutionShape(
        batch: x[0], input: geometry.input, kernel: geometry.kernel, output: geometry.output, strides: geometry.strides,
        dilations: geometry.dilations, padding: geometry.before, inputChannels: channels, outputChannels: channels, groups: channels,
        layout: op.layout, kernelLayout: .spatialInputOutput)
      // Before as many counts are made as there are results.
      try context.demand(.float32, result)
      counts = op.kind == .average && !result.contains(0) ? geometry.counts(padded: op.countIncludePad) : []
      let windows = SlidingWindows(geometry: geometry, maximum: op.kind == .max)
      sliding = !result.contains(0) && windows.isWorthwhile ? windows : nil
    }
  }

  private func sumPowers(_ geometry: WindowGeometry, _ power: Int, _ x: NDArray, _ result: NDArray, in context: ExecutionContext) {
    let channels = x.shape[layout.channelAxis(rank: x.rank)]
    let input = geometry.input.padded, window = geometry.kernel.padded, output = geometry.output.padded
    let stride = geometry.strides.padded, dilation = geometry.dilations.padded, before = geometry.before.padded(with: 0)
    // At most the elements that lie inside are looked at.
    let taps = zip(window, input).reduce(1) { $0 * min($1.0, $1.1) }
    // Channels last: lanes are channels. Channels first: each plane by itself.
    let lanes = layout == .channelsLast ? channels : 1
    let planes = layout == .channelsLast ? x.shape[0] : x.shape[0] * channels
    let inputPlane = input.reduce(1, *) * lanes, outputPlane = output.reduce(1, *) * lanes
    x.with(Float.self) { source in
      result.withMutable(Float.self) { y in
        guard let source = source.baseAddress, let y = y.baseAddress else { return }
        nonisolated(unsafe) let source_ = source, y_ = y
        context.primitives.parallel(planes * output[0] * output[1], grain: max(1, 16384 / max(1, output[2] * lanes * taps))) { rows in
          for row in rows {
            let plane = row / (output[0] * output[1]), od = row / output[1] % output[0], oh = row % output[1]
            let from = source_ + plane * inputPlane
            for ow in 0..<output[2] {
              let to = y_ + plane * outputPlane + ((od * output[1] + oh) * output[2] + ow) * lanes
              pool(
                from, to, lanes, power, at: (od * stride[0] - before[0], oh * stride[1] - before[1], ow * stride[2] - before[2]),
                input, window, dilation)
            }
          }
        }
      }
    }
  }

  /// Maxima and averages by the primitive; an average is a sum divided by the number of elements of its window.
  private func combine(_ plan: Plan, _ x: NDArray, _ result: NDArray, in context: ExecutionContext) {
    x.with(Float.self) { source in
      result.withMutable(Float.self) { y in
        guard let source = source.baseAddress, let to = y.baseAddress else { return }
        if let sliding = plan.sliding {
          let channels = plan.shape.inputChannels, isLast = layout == .channelsLast
          sliding.run(source, to, planes: isLast ? x.shape[0] : x.shape[0] * channels, lanes: isLast ? channels : 1, in: context)
        } else {
          context.primitives.pool(plan.shape, maximum: kind == .max, source, to)
        }
        guard kind == .average else { return }
        let counts = plan.counts, channels = plan.shape.inputChannels
        let lanes = layout == .channelsLast ? channels : 1, plane = counts.count * lanes
        for start in stride(from: 0, to: result.count, by: plane) {
          for (place, count) in counts.enumerated() {
            for lane in 0..<lanes { to[start + place * lanes + lane] /= count }
          }
        }
      }
    }
  }

  private func pool(
    _ from: UnsafePointer<Float>, _ to: UnsafeMutablePointer<Float>, _ lanes: Int, _ power: Int, at start: (Int, Int, Int),
    _ input: [Int], _ window: [Int], _ dilation: [Int]
  ) {
    for c in 0..<lanes { to[c] = 0 }
    func inside(_ axis: Int, _ start: Int) -> Range<Int> {
      WindowGeometry.inside(start, kernel: window[axis], dilation: dilation[axis], extent: input[axis])
    }
    for kd in inside(0, start.0) {
      for kh in inside(1, start.1) {
        let row = ((start.0 + kd * dilation[0]) * input[1] + start.1 + kh * dilation[1]) * input[2]
        for kw in inside(2, start.2) {
          let x = from + (row + start.2 + kw * dilation[2]) * lanes
          for c in 0..<lanes { to[c] += Float.pow(abs(x[c]), power) }
        }
      }
    }
    for c in 0..<lanes { to[c] = Float.root(to[c], power) }
  }
}

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
public struct PoolOp: PrimitiveOp {
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

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.rank == kernel.count + 2 else { throw ExecutionError(.shapeMismatch, "Pool with window \(kernel) of \(x.type)") }
    if x.dtype != .float32 {
      let wide = try evaluate([try x.cast(to: .float32, in: context)], in: context)
      return [try wide[0].cast(to: x.dtype, in: context)]
    }
    let geometry = try WindowGeometry(
      input: layout.spatialAxes(rank: x.rank).map { x.shape[$0] }, kernel: kernel, strides: strides, dilations: dilations,
      padding: padding, ceilMode: ceilMode, op: self)
    let channels = x.shape[layout.channelAxis(rank: x.rank)]
    let result = try context.allocate(.float32, layout.shape(batch: x.shape[0], spatial: geometry.output, channels: channels))
    let input = geometry.input.padded, window = geometry.kernel.padded, output = geometry.output.padded
    let stride = geometry.strides.padded, dilation = geometry.dilations.padded, before = geometry.before.padded(with: 0)
    let after = geometry.after.padded(with: 0)
    // Channels last: lanes are channels. Channels first: each plane by itself.
    let lanes = layout == .channelsLast ? channels : 1
    let planes = layout == .channelsLast ? x.shape[0] : x.shape[0] * channels
    let inputPlane = input.reduce(1, *) * lanes, outputPlane = output.reduce(1, *) * lanes
    guard result.count > 0 else { return [result] }
    x.with(Float.self) { source in
      result.withMutable(Float.self) { y in
        guard let source = source.baseAddress, let y = y.baseAddress else { return }
        nonisolated(unsafe) let source_ = source, y_ = y
        context.primitives.parallel(planes * output[0] * output[1], grain: max(1, 16384 / max(1, output[2] * lanes * window.reduce(1, *)))) { rows in
          for row in rows {
            let plane = row / (output[0] * output[1]), od = row / output[1] % output[0], oh = row % output[1]
            let from = source_ + plane * inputPlane
            for ow in 0..<output[2] {
              let to = y_ + plane * outputPlane + ((od * output[1] + oh) * output[2] + ow) * lanes
              pool(
                from, to, lanes, at: (od * stride[0] - before[0], oh * stride[1] - before[1], ow * stride[2] - before[2]),
                input, window, dilation, after)
            }
          }
        }
      }
    }
    return [result]
  }

  @inline(__always)
  private func pool(
    _ from: UnsafePointer<Float>, _ to: UnsafeMutablePointer<Float>, _ lanes: Int, at start: (Int, Int, Int), _ input: [Int],
    _ window: [Int], _ dilation: [Int], _ after: [Int]
  ) {
    let isMax = kind == .max
    for c in 0..<lanes { to[c] = isMax ? -.infinity : 0 }
    var inside = 0, counted = 0
    for kd in 0..<window[0] {
      let d = start.0 + kd * dilation[0]
      for kh in 0..<window[1] {
        let h = start.1 + kh * dilation[1]
        for kw in 0..<window[2] {
          let w = start.2 + kw * dilation[2]
          // Elements beyond the padding behind (ceil mode) never count.
          if d < input[0] + after[0], h < input[1] + after[1], w < input[2] + after[2] { counted += 1 }
          guard d >= 0, d < input[0], h >= 0, h < input[1], w >= 0, w < input[2] else { continue }
          inside += 1
          let x = from + ((d * input[1] + h) * input[2] + w) * lanes
          switch kind {
          case .max: for c in 0..<lanes { let v = x[c]; if v > to[c] || v.isNaN { to[c] = v } }
          case .average: for c in 0..<lanes { to[c] += x[c] }
          case .lp(let p): for c in 0..<lanes { to[c] += Float.pow(abs(x[c]), p) }
          }
        }
      }
    }
    switch kind {
    case .max: break
    case .average:
      let divisor = Float(countIncludePad ? counted : inside)
      for c in 0..<lanes { to[c] /= divisor }
    case .lp(let p): for c in 0..<lanes { to[c] = Float.root(to[c], p) }
    }
  }
}

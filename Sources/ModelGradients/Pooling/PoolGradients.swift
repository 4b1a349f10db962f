import ModelGraph
import ModelOps
import ModelTensor

extension PoolOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    [try c.apply(PoolGradientOp(self), try call.x(), try call.y(), try call.g())]
  }
}
extension MaxPoolWithIndicesOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    guard let g = call.gradients.first ?? nil else { return call.none }
    let pool = PoolOp(.max, kernel: kernel, strides: strides, dilations: dilations, padding: padding, ceilMode: ceilMode, layout: layout)
    return [try c.apply(PoolGradientOp(pool), try call.x(), try call.y(), g)]
  }
}
extension MaxUnpoolOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let g = try call.g(), x = try call.x(), e = try c.extents(of: x)
    guard call.inputs.count < 3 || call.inputs[2] == nil else {
      throw GraphError(.invalidStructure, "MaxUnpool to a larger shape has no gradient")
    }
    let flat = try c.gather(
      try c.reshaped(g, [try c.extents(of: g).reduce(1, *)]), try c.reshaped(try call.x(1), [e.reduce(1, *)]), axis: 0)
    var result = call.none
    result[0] = try c.reshaped(flat, e)
    return result
  }
}

/// The gradient of a pooling's input. Inputs: `x`, `y` (what the pooling gave), `g`. Result: as `x`.
///
/// The first of equal maxima gets it all, as in TensorFlow.
public struct PoolGradientOp: PreparedOp, DifferentiableOp {
  public static let name = "PoolGradient"
  public static let family = OpFamily.pooling
  public var pool: PoolOp
  public init(_ pool: PoolOp) { self.pool = pool }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type.plain] }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let x = try inputs.required(0, of: self), y = try inputs.required(1, of: self), g = try inputs.required(2, of: self)
    guard x.dtype == y.dtype, x.dtype == g.dtype, x.rank == pool.kernel.count + 2, y.shape == g.shape, x.rank == y.rank else {
      throw ExecutionError(.shapeMismatch, "PoolGradient of \(x.type), \(y.type) and \(g.type)")
    }
    switch x.dtype {
    case .float32: results.append(try spread(x, y, g, Float.self, try memo.prepared(inputs) { try maxShape(x, y) }, in: context))
    case .float64: results.append(try spread(x, y, g, Double.self, nil, in: context))
    default:
      let wide = try [x, y, g].map { try CastOp(to: .float32).evaluate([$0], in: context)[0] }
      let shape = try maxShape(wide[0], wide[1])
      results = try CastOp(to: x.dtype).evaluate([try spread(wide[0], wide[1], wide[2], Float.self, shape, in: context)], in: context)
    }
  }

  /// The windows of a maximum over channels that stand last, which the primitive takes.
  private func maxShape(_ x: NDArray, _ y: NDArray) throws -> ConvolutionShape? {
    guard pool.kind == .max, pool.layout == .channelsLast, x.count > 0, y.count > 0 else { return nil }
    var shape = try geometry(Array(x.shape[1..<(x.rank - 1)]))
    let channels = x.shape[x.rank - 1]
    (shape.batch, shape.inputChannels, shape.outputChannels) = (x.shape[0], channels, channels)
    shape.output = Array(y.shape[1..<(y.rank - 1)])
    return shape
  }

  /// The geometry of a convolution with this window; ceil mode only adds windows behind.
  private func geometry(_ spatial: [Int]) throws -> ConvolutionShape {
    try ConvOp(
      strides: pool.strides, dilations: pool.dilations, padding: pool.padding, groups: 1, layout: .channelsLast,
      kernelLayout: .spatialInputOutput
    ).resolve([1] + spatial + [1], pool.kernel + [1, 1])
  }

  private func spread<T: ProductScalar>(
    _ x: NDArray, _ y: NDArray, _ g: NDArray, _: T.Type, _ maximum: ConvolutionShape?, in context: ExecutionContext
  ) throws -> NDArray {
    let result = try context.allocate(T.dtype, x.shape)
    result.withMutable(T.self) { $0.update(repeating: 0) }
    guard x.count > 0, g.count > 0 else { return result }
    if let maximum {
      x.with(Float.self) { xs in
        y.with(Float.self) { ys in
          g.with(Float.self) { gs in
            result.withMutable(Float.self) { zs in
              guard let x = xs.baseAddress, let y = ys.baseAddress, let g = gs.baseAddress, let z = zs.baseAddress else { return }
              context.primitives.maxPoolGradient(maximum, x, y, g, z)
            }
          }
        }
      }
      return result
    }
    let last = pool.layout == .channelsLast
    let channels = last ? x.shape[x.rank - 1] : x.shape[1]
    let spatial = last ? Array(x.shape[1..<(x.rank - 1)]) : Array(x.shape[2...])
    let geometry = try geometry(spatial)
    func three(_ list: [Int], _ filler: Int) -> [Int] { Array(repeating: filler, count: 3 - list.count) + list }
    let input = three(spatial, 1), output = three(last ? Array(y.shape[1..<(y.rank - 1)]) : Array(y.shape[2...]), 1)
    let kernel = three(geometry.kernel, 1), strides = three(geometry.strides, 1), dilations = three(geometry.dilations, 1)
    let before = three(geometry.padding, 0), counts = counts(input, output, kernel, strides, dilations, before)
    let lanes = last ? channels : 1, planes = last ? x.shape[0] : x.shape[0] * channels
    let volume = input.reduce(1, *) * lanes, positions = output.reduce(1, *)
    x.with(T.self) { xs in
      y.with(T.self) { ys in
        g.with(T.self) { gs in
          result.withMutable(T.self) { target in
            guard let x = xs.baseAddress, let y = ys.baseAddress, let g = gs.baseAddress, let z = target.baseAddress else { return }
            nonisolated(unsafe) let (xs, ys, gs, to) = (x, y, g, z)
            context.primitives.parallel(planes, grain: max(1, 16384 / max(1, volume))) { part in
              var done = [Bool](repeating: false, count: lanes)
              for plane in part {
                for position in 0..<positions {
                  let ow = position % output[2], oh = position / output[2] % output[1], od = position / output[2] / output[1]
                  let place = (plane * positions + position) * lanes
                  if pool.kind == .max { for c in 0..<lanes { done[c] = false } }
                  for kd in 0..<kernel[0] {
                    let d = od * strides[0] + kd * dilations[0] - before[0]
                    guard d >= 0, d < input[0] else { continue }
                    for kh in 0..<kernel[1] {
                      let h = oh * strides[1] + kh * dilations[1] - before[1]
                      guard h >= 0, h < input[1] else { continue }
                      for kw in 0..<kernel[2] {
                        let w = ow * strides[2] + kw * dilations[2] - before[2]
                        guard w >= 0, w < input[2] else { continue }
                        let at = plane * volume + ((d * input[1] + h) * input[2] + w) * lanes
                        switch pool.kind {
                        case .max:
                          for c in 0..<lanes where !done[c] && xs[at + c] == ys[place + c] {
                            to[at + c] += gs[place + c]
                            done[c] = true
                          }
                        case .average:
                          let share = 1 / T(counts[position])
                          for c in 0..<lanes { to[at + c] += gs[place + c] * share }
                        case .lp(let p):
                          for c in 0..<lanes where ys[place + c] != 0 {
                            let value = xs[at + c], ratio = abs(value) / ys[place + c]
                            var slope: T = 1
                            for _ in 1..<Swift.max(1, p) { slope *= ratio }
                            to[at + c] += (value < 0 ? -slope : slope) * gs[place + c]
                          }
                        }
                      }
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
    return result
  }

  /// How many elements each average counts.
  private func counts(
    _ input: [Int], _ output: [Int], _ kernel: [Int], _ strides: [Int], _ dilations: [Int], _ before: [Int]
  ) -> [Float] {
    guard pool.kind == .average else { return [] }
    let axes = (0..<3).map { axis -> [Int] in
      let span = (kernel[axis] - 1) * dilations[axis] + 1, offset = axis - (3 - pool.kernel.count)
      var after = 0
      switch pool.padding {
      case .valid: break
      case .same, .sameLower: after = Swift.max(0, (output[axis] - 1) * strides[axis] + span - input[axis]) - before[axis]
      case .explicit(_, let behind): after = offset >= 0 && offset < behind.count ? behind[offset] : 0
      }
      return (0..<output[axis]).map { place in
        (0..<kernel[axis]).filter { k in
          let at = place * strides[axis] + k * dilations[axis] - before[axis]
          return pool.countIncludePad ? at < input[axis] + after : at >= 0 && at < input[axis]
        }.count
      }
    }
    return axes.reduce([Float(1)]) { outer, axis in outer.flatMap { o in axis.map { o * Float($0) } } }
  }

  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let x = try call.x(0), h = try call.g()
    switch pool.kind {
    case .average: return [nil, nil, try c.apply(pool, h)]
    case .max:
      // Where each maximum stood.
      let found = try c.apply(
        MaxPoolWithIndicesOp(
          kernel: pool.kernel, strides: pool.strides, dilations: pool.dilations, padding: pool.padding, ceilMode: pool.ceilMode,
          layout: pool.layout), to: [x])
      guard found.count == 2 else { throw GraphError(.invalidStructure, "a pooling without indices") }
      let flat = try c.reshaped(h, [try c.extents(of: h).reduce(1, *)])
      return [nil, nil, try c.gather(flat, found[1], axis: 0)]
    case .lp: throw GraphError(.invalidStructure, "Pool by powers has no second gradient")
    }
  }
}

extension TensorType {
  var plain: TensorType { TensorType(dtype, shape) }
}

import ModelGraph
import ModelOps
import ModelTensor

/// Batch normalisation as it trains, over the last axis: by the mean and the variance of the batch itself.
///
/// Inputs: `x`, `gamma?`, `beta?` (`[channels]`). Results: `y`, and the mean and the variance (of the whole batch, not of a sample),
/// through which no gradient flows.
public struct BatchMomentsOp: PreparedOp, CompositeOp, DifferentiableOp {
  public static let name = "BatchMoments"
  public static let family = OpFamily.normalization
  public var epsilon: Double
  public init(epsilon: Double) { self.epsilon = epsilon }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard let channels = x.shape.dims?.last else { throw GraphError(.shapeMismatch, "BatchMoments of \(x)") }
    let moments = TensorType(x.dtype, .ranked([channels]))
    return [x.plain, moments, moments]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .float32, x.count > 0, let channels = x.shape.last else {
      var eager = EagerContext(context)
      results = try decompose(inputs, in: &eager)
      return
    }
    let gamma = try inputs.channels(1, channels, of: self), beta = try inputs.channels(2, channels, of: self)
    let rows = x.count / channels
    let result = try context.allocate(.float32, x.shape)
    let plan = try memo.prepared(inputs) { try Plan(channels, factors: 2, in: context) }
    let mean = try context.allocate(.float32, plan.moments), variance = try context.allocate(.float32, plan.moments)
    x.with(Float.self) { xs in
      mean.withMutable(Float.self) { means in
        variance.withMutable(Float.self) { variances in
          result.withMutable(Float.self) { ys in
            plan.sums.withMutable(Double.self) { sums in
              plan.factors.withMutable(Float.self) { factors in
                guard let x = xs.baseAddress, let m = means.baseAddress, let y = ys.baseAddress, let s = sums.baseAddress,
                  let f = factors.baseAddress
                else { return }
                let primitives = context.primitives
                primitives.columnSums(x, centre: nil, g: nil, rows: rows, columns: channels, s, s + channels)
                for c in 0..<channels { m[c] = Float(s[c] / Double(rows)) }
                primitives.columnSums(x, centre: m, g: nil, rows: rows, columns: channels, s, s + channels)
                for c in 0..<channels {
                  variances[c] = Float(s[channels + c] / Double(rows))
                  f[c] = (gamma?[c] ?? 1) / (variances[c] + Float(epsilon)).squareRoot()
                  f[channels + c] = (beta?[c] ?? 0) - m[c] * f[c]
                }
                primitives.scaleShift(x, scale: f, shift: f + channels, y, outer: rows, channels: channels, inner: 1)
              }
            }
          }
        }
      }
    }
    results.append(result)
    results.append(mean)
    results.append(variance)
  }

  public func decompose<C: OpContext>(_ inputs: [C.Value?], in c: inout C) throws -> [C.Value] {
    guard let x = inputs.first ?? nil else { throw GraphError(.wrongInputCount, "BatchMoments takes a tensor") }
    let axes = Array(0..<(try c.rank(of: x) - 1))
    let mean = try c.reduce(.mean, x, axes: axes), difference = try c.sub(x, mean)
    let variance = try c.reduce(.mean, try c.square(difference), axes: axes)
    var factor = try c.apply(RsqrtOp(), try c.shifted(variance, by: epsilon))
    if inputs.count > 1, let gamma = inputs[1] { factor = try c.mul(factor, gamma) }
    var y = try c.mul(difference, factor)
    if inputs.count > 2, let beta = inputs[2] { y = try c.add(y, beta) }
    return [y, mean, variance]
  }

  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    guard call.gradients.first != nil, call.gradients.dropFirst().allSatisfy({ $0 == nil }), call.outputs.count == 3 else {
      throw GraphError(.invalidStructure, "BatchMoments gives no gradient through its moments")
    }
    let gamma = call.inputs.count > 1 ? call.inputs[1] : nil
    let found = try c.apply(
      BatchMomentsGradientOp(epsilon: epsilon), to: [try call.g(), try call.x(), gamma, call.outputs[1], call.outputs[2]])
    var result = call.none
    for index in result.indices where index < found.count && call.inputs[index] != nil { result[index] = found[index] }
    return result
  }
}

/// The gradients of `x`, `gamma` and `beta` of `BatchMomentsOp`. Inputs: `g`, `x`, `gamma?`, and the mean and the variance it gave.
public struct BatchMomentsGradientOp: PreparedOp, DecomposedForGradients {
  public static let name = "BatchMomentsGradient"
  public static let family = OpFamily.normalization
  public var epsilon: Double
  public init(epsilon: Double) { self.epsilon = epsilon }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let moments = try inputs.required(3, of: self).type.plain
    return [try inputs.required(1, of: self).type.plain, moments, moments]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let g = try inputs.required(0, of: self), x = try inputs.required(1, of: self)
    guard x.dtype == .float32, x.count > 0, let channels = x.shape.last else {
      var eager = EagerContext(context)
      results = try decomposeForGradients(inputs, in: &eager)
      return
    }
    guard g.shape == x.shape, g.dtype == x.dtype, let m = try inputs.channels(3, channels, of: self),
      let variance = try inputs.channels(4, channels, of: self)
    else { throw ExecutionError(.shapeMismatch, "BatchMomentsGradient of \(x.type) and \(g.type)") }
    let gamma = try inputs.channels(2, channels, of: self)
    let rows = x.count / channels, result = try context.allocate(.float32, x.shape)
    let plan = try memo.prepared(inputs) { try Plan(channels, factors: 3, in: context) }
    let dGamma = try context.allocate(.float32, plan.moments), dBeta = try context.allocate(.float32, plan.moments)
    x.with(Float.self) { xs in
      g.with(Float.self) { gs in
        result.withMutable(Float.self) { ys in
          dGamma.withMutable(Float.self) { dGamma in
            dBeta.withMutable(Float.self) { dBeta in
              plan.sums.withMutable(Double.self) { sums in
                plan.factors.withMutable(Float.self) { factors in
                  guard let x = xs.baseAddress, let g = gs.baseAddress, let y = ys.baseAddress, let s = sums.baseAddress,
                    let f = factors.baseAddress
                  else { return }
                  withExtendedLifetime((inputs, plan)) {
                    context.primitives.columnSums(x, centre: m, g: g, rows: rows, columns: channels, s, s + channels)
                    for c in 0..<channels {
                      let inverse = 1 / (Double(variance[c]) + epsilon).squareRoot(), slope = Double(gamma?[c] ?? 1) * inverse
                      dBeta[c] = Float(s[c])
                      dGamma[c] = Float(s[channels + c] * inverse)
                      // slope · (g − Σg/n − x̂ · Σ(g·x̂)/n), as g · a + x · b + d.
                      let b = -slope * inverse * inverse * s[channels + c] / Double(rows)
                      f[c] = Float(slope)
                      f[channels + c] = Float(b)
                      f[2 * channels + c] = Float(-slope * s[c] / Double(rows) - b * Double(m[c]))
                    }
                    context.primitives.blendColumns(
                      g, x, a: f, b: f + channels, d: f + 2 * channels, y, rows: rows, columns: channels)
                  }
                }
              }
            }
          }
        }
      }
    }
    results.append(result)
    results.append(dGamma)
    results.append(dBeta)
  }

  /// Through the moments of `x`, which the given ones are.
  public func decomposeForGradients<C: OpContext>(_ inputs: [C.Value?], in c: inout C) throws -> [C.Value] {
    guard inputs.count == 5, let g = inputs[0], let x = inputs[1], let mean = inputs[3] else {
      throw GraphError(.wrongInputCount, "BatchMomentsGradient takes g, x, gamma, mean and variance")
    }
    let gamma = try inputs[2] ?? c.expanded(try c.scalar(1, like: mean), to: try c.extents(of: mean)), beta = try c.zeros(like: mean)
    let op = BatchMomentsOp(epsilon: epsilon)
    let found = try RecordingContext.gradients(of: [x, gamma, beta], from: [g], in: &c) { context, values in
      Array(try op.decompose(values, in: &context).prefix(1))
    }
    return try found.map {
      guard let value = $0 else { throw GraphError(.invalidStructure, "a normalisation without a gradient") }
      return value
    }
  }
}

/// What both need for some number of channels: the shape of the moments, and memory to work in, which nobody else sees.
private struct Plan {
  let moments: [Int]
  let sums: NDArray, factors: NDArray
  init(_ channels: Int, factors count: Int, in context: ExecutionContext) throws {
    moments = [channels]
    sums = try context.allocate(.float64, [2 * channels])
    factors = try context.allocate(.float32, [count * channels])
  }
}

extension Array where Element == NDArray? {
  /// The numbers of an optional vector with one for each channel, which live as long as the array.
  fileprivate func channels(_ index: Int, _ count: Int, of op: some Op) throws -> UnsafePointer<Float>? {
    guard let array = optional(index) else { return nil }
    guard array.dtype == .float32, array.count == count else {
      throw ExecutionError(.shapeMismatch, "\(op.displayName): \(array.type) for \(count) channels")
    }
    return array.with(Float.self) { $0.baseAddress }
  }
}

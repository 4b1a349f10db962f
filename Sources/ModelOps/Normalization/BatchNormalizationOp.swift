import ModelGraph
import ModelTensor

/// `(x − mean) / √(variance + epsilon) · scale + bias`, each of them per index of `axis`.
///
/// Inputs: `x`, `scale?`, `bias?`, `mean`, `variance` (Ioffe and Szegedy, 2015, at inference).
public struct BatchNormalizationOp: PrimitiveOp {
  public static let name = "BatchNormalization"
  public static let family = OpFamily.normalization
  public var epsilon: Double
  public var axis: Int
  public init(epsilon: Double = 1e-5, axis: Int) {
    self.epsilon = epsilon
    self.axis = axis
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    if let rank = x.shape.rank { _ = try normalizeAxis(axis, rank: rank) }
    return [x.unquantized]
  }

  /// The factor and summand per channel that the op amounts to.
  public func coefficients(_ inputs: [NDArray?]) throws -> (scale: [Float], shift: [Float]) {
    let (scale, shift) = try wideCoefficients(inputs)
    return (scale.map { Float($0) }, shift.map { Float($0) })
  }
  private func wideCoefficients(_ inputs: [NDArray?]) throws -> (scale: [Double], shift: [Double]) {
    let mean = try inputs.required(3, of: self).doubles(), variance = try inputs.required(4, of: self).doubles()
    let gamma = inputs.optional(1)?.doubles(), beta = inputs.optional(2)?.doubles()
    guard variance.count == mean.count, gamma == nil || gamma?.count == mean.count, beta == nil || beta?.count == mean.count else {
      throw ExecutionError(.shapeMismatch, "BatchNormalization with \(mean.count) means and \(variance.count) variances")
    }
    var scale: [Double] = [], shift: [Double] = []
    for i in mean.indices {
      let factor = (gamma?[i] ?? 1) / (variance[i] + epsilon).squareRoot()
      scale.append(factor)
      shift.append((beta?[i] ?? 0) - mean[i] * factor)
    }
    return (scale, shift)
  }

  /// The coefficients, computed once when all of them are constants.
  private func kept(_ inputs: [NDArray?], in cache: NodeCache?) throws -> (scale: [Float], shift: [Float]) {
    if let known = cache?.content as? Coefficients { return (known.scale, known.shift) }
    let (scale, shift) = try coefficients(inputs)
    cache?.content = Coefficients(scale, shift)
    return (scale, shift)
  }
  private final class Coefficients {
    let scale: [Float], shift: [Float]
    init(_ scale: [Float], _ shift: [Float]) { (self.scale, self.shift) = (scale, shift) }
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype.isFloatingPoint else { throw noKernel(x.dtype) }
    if x.dtype == .float64 { return [try evaluateDouble(x, inputs, in: context)] }
    let axis = try normalizeAxis(axis, rank: x.rank)
    let (scale, shift) = try kept(inputs, in: context.nodeCache)
    guard axis < x.rank, x.shape[axis] == scale.count else {
      throw ExecutionError(.shapeMismatch, "BatchNormalization of \(x.type) along axis \(axis) with \(scale.count) means")
    }
    let wide = try x.cast(to: .float32, in: context)
    let result = try context.allocate(.float32, x.shape)
    wide.with(Float.self) { source in
      result.withMutable(Float.self) { y in
        guard let from = source.baseAddress, let to = y.baseAddress, x.count > 0 else { return }
        context.primitives.scaleShift(
          from, scale: scale, shift: shift, to, outer: x.shape[..<axis].reduce(1, *), channels: scale.count,
          inner: x.shape[(axis + 1)...].reduce(1, *))
      }
    }
    return [try result.cast(to: x.dtype, in: context)]
  }

  private func evaluateDouble(_ x: NDArray, _ inputs: [NDArray?], in context: ExecutionContext) throws -> NDArray {
    let (scale, shift) = try wideCoefficients(inputs), axis = try normalizeAxis(axis, rank: x.rank)
    guard axis < x.rank, x.shape[axis] == scale.count else {
      throw ExecutionError(.shapeMismatch, "BatchNormalization of \(x.type) along axis \(axis) with \(scale.count) means")
    }
    try context.demand(.float64, x.shape)
    var values = x.doubles()
    let inner = x.shape[(axis + 1)...].reduce(1, *), channels = scale.count
    for place in values.indices {
      let c = place / inner % channels
      values[place] = values[place] * scale[c] + shift[c]
    }
    return NDArray(values, x.shape)
  }
}

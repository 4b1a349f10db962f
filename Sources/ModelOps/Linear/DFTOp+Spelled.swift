import Foundation
import ModelGraph
import ModelSupport
import ModelTensor

/// Matrices of more numbers are not written out.
private let matrixLimit = 1 << 24

extension DFTOp: SpelledOp {
  /// One product with a matrix that takes the parts of all places to the parts of all bins.
  public func spelled<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value]? {
    guard var x = inputs.first ?? nil, let plan = plan(inputs.map { $0.map { context.fact(of: $0) } }) else { return nil }
    let type = context.type(of: x), rank = plan.rank, axis = plan.axis
    if plan.read < plan.extent { x = try context.slice(x, axis: axis, start: 0, end: plan.read) }
    let order = (0..<(rank - 1)).filter { $0 != axis } + [axis, rank - 1], isMoved = axis != rank - 2
    if isMoved { x = try context.transpose(x, order) }
    let kept = Array(repeating: 0, count: rank - 2), outParts = plan.outParts
    x = try context.reshape(x, kept + [plan.read * plan.parts])
    let environment = ExecutionContext(primitives: ReferencePrimitives())
    let matrix = try NDArray(plan.matrix, [plan.read * plan.parts, plan.bins * outParts]).cast(to: type.dtype, in: environment)
    x = try context.reshape(try context.matmul(x, try context.constant(matrix)), kept + [plan.bins, outParts])
    guard isMoved else { return [x] }
    var back = Array(0..<(rank - 2))
    back.insert(rank - 2, at: axis)
    return [try context.transpose(x, back + [rank - 1])]
  }

  /// Whether `spelled` has something for inputs like these.
  public func isSpelled(_ facts: [Fact?]) -> Bool { plan(facts) != nil }

  private struct Plan {
    var rank: Int, axis: Int, extent: Int, read: Int, parts: Int, bins: Int, outParts: Int
    var matrix: [Double]
  }

  private func plan(_ facts: [Fact?]) -> Plan? {
    guard let x = facts.first ?? nil, x.type.dtype.isFloatingPoint, let dims = x.type.shape.dims, dims.count >= 2,
      let parts = dims.last?.value, parts == 1 || parts == 2, !onesided || (parts == 2) == inverse,
      facts.optional(2) == nil || facts.optional(2)?.integers != nil, facts.optional(1) == nil || facts.optional(1)?.integers != nil,
      let axis = try? indexedAxis(facts.optional(2)?.integers?.first ?? self.axis, rank: dims.count), axis < dims.count - 1,
      let extent = dims[axis].value, extent > 0
    else { return nil }
    let hermitian = onesided && inverse
    let length = facts.optional(1)?.integers?.first ?? (hermitian ? 2 &* (extent &- 1) : extent)
    guard length >= 1, length < 1 << 20 else { return nil }
    let read = min(extent, hermitian ? length / 2 + 1 : length), bins = onesided && !inverse ? length / 2 + 1 : length
    let outParts = hermitian ? 1 : 2
    guard let size = checkedProduct([read, parts, bins, outParts]), size <= matrixLimit else { return nil }
    var matrix = [Double](repeating: 0, count: size)
    for t in 0..<read {
      // Bins that are given once stand for two, but the first and, of an even length, the middle one.
      let weight = (inverse ? 1 / Double(length) : 1) * (hermitian && t != 0 && 2 * t != length ? 2 : 1)
      for k in 0..<bins {
        let (cosine, sine) = turn(t * k, of: length), c = weight * cosine, s = weight * (inverse ? -sine : sine)
        func put(_ part: Int, _ outPart: Int, _ value: Double) {
          matrix[((t * parts + part) * bins + k) * outParts + outPart] = value
        }
        put(0, 0, c)
        if outParts == 2 { put(0, 1, -s) }
        if parts == 2 { put(1, 0, s) }
        if parts == 2, outParts == 2 { put(1, 1, c) }
      }
    }
    return Plan(
      rank: dims.count, axis: axis, extent: extent, read: read, parts: parts, bins: bins, outParts: outParts, matrix: matrix)
  }
}

extension STFTOp: SpelledOp {
  /// A convolution with the waves of every bin, under the window.
  public func spelled<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value]? {
    let facts = inputs.map { $0.map { context.fact(of: $0) } }
    guard var x = inputs.first ?? nil, let dims = context.type(of: x).shape.dims, dims.count == 2 || dims.count == 3,
      let step = facts.optional(1)?.integers?.first, step > 0,
      let length = facts.optional(3)?.integers?.first ?? facts.optional(2)?.type.shape.extents?.first, length > 0,
      dims.count == 2 || dims[2].value != nil
    else { return nil }
    let dtype = context.type(of: x).dtype, parts = dims.count == 2 ? 1 : dims[2].value ?? 1
    var window: [Double]?
    if let given = facts.optional(2) {
      guard let known = try given.constant?.array().doubles(), known.count == length else { return nil }
      window = known
    }
    let bins = onesided ? length / 2 + 1 : length
    guard dtype.isFloatingPoint, parts == 1 || parts == 2, let size = checkedProduct([bins, 2, parts, length]), size <= matrixLimit else {
      return nil
    }
    var kernel: [Double] = []
    kernel.reserveCapacity(size)
    for k in 0..<bins {
      let waves = (0..<length).map { t in
        let (cosine, sine) = turn(t * k, of: length), weight = window?[t] ?? 1
        return (weight * cosine, weight * sine)
      }
      kernel += waves.map(\.0) + (parts == 2 ? waves.map(\.1) : [])
      kernel += waves.map { -$0.1 } + (parts == 2 ? waves.map(\.0) : [])
    }
    let environment = ExecutionContext(primitives: ReferencePrimitives())
    let weights = try NDArray(kernel, [2 * bins, parts, length]).cast(to: dtype, in: environment)
    x = dims.count == 2 ? try context.unsqueeze(x, [1]) : try context.transpose(x, [0, 2, 1])
    let convolution = ConvOp(strides: [step], dilations: [1], layout: .channelsFirst, kernelLayout: .outputInputSpatial)
    let spectrum = try context.transpose(try context.apply(convolution, x, try context.constant(weights)), [0, 2, 1])
    return [try context.reshape(spectrum, [0, 0, bins, 2])]
  }
}

/// The cosine and sine of `steps` parts of a circle cut into `count`.
private func turn(_ steps: Int, of count: Int) -> (Double, Double) {
  let angle = 2 * Double.pi * Double(steps % count) / Double(count)
  return (cos(angle), sin(angle))
}

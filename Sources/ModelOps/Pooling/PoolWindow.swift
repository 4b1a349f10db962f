import ModelGraph
import ModelTensor

/// The padding that makes a pooling one without padding, and what its averages must be multiplied by
/// where padding does not count.
public struct PoolWindow: Sendable {
  public var before: [Int] = [], after: [Int] = [], output: [Int] = []
  /// `nil` where every window is full.
  public var divisors: [Float]?

  public init(_ op: PoolOp, spatial: [Int]) throws {
    let rank = spatial.count, strides = op.strides.isEmpty ? Array(repeating: 1, count: rank) : op.strides
    var counts: [[Int]] = [], counted: [[Int]] = []
    guard op.kernel.count == rank, strides.count == rank, strides.allSatisfy({ $0 > 0 }), op.kernel.allSatisfy({ $0 > 0 }) else {
      throw GraphError(.invalidAttribute, "Pool with window \(op.kernel) and strides \(op.strides)")
    }
    for axis in 0..<rank {
      let extent = spatial[axis], span = op.kernel[axis], stride = strides[axis]
      var front = 0, back = 0
      switch op.padding {
      case .valid: break
      case .same, .sameLower:
        let total = max(0, ((extent + stride - 1) / stride - 1) * stride + span - extent)
        front = op.padding == .same ? total / 2 : total - total / 2
        back = total - front
      case .explicit(let b, let a):
        guard b.count == rank, a.count == rank else { throw GraphError(.invalidAttribute, "Pool padded by \(b) and \(a)") }
        front = b[axis]
        back = a[axis]
      }
      let room = extent + front + back - span
      let misfit = GraphError(.shapeMismatch, "Pool with window \(op.kernel) of \(spatial)")
      guard room >= 0 || op.ceilMode && room > -stride else { throw misfit }
      var count = room < 0 ? 0 : room / stride + 1
      // A last window may start behind the end when it still starts inside or in the padding in front.
      if op.ceilMode, room % stride != 0, count * stride < extent + front { count += 1 }
      guard count > 0 else { throw misfit }
      before.append(front)
      after.append(max(0, (count - 1) * stride + span - extent - front))
      output.append(count)
      guard count <= 1 << 26 else { throw GraphError(.shapeMismatch, "Pool of \(spatial) to \(count) places") }
      counts.append(
        (0..<count).map { WindowGeometry.inside($0 * stride - front, kernel: span, dilation: 1, extent: extent).count })
      counted.append((0..<count).map { min(span, max(0, extent + front + back - $0 * stride)) })
    }
    let whole = op.kernel.reduce(1.0) { $0 * Double($1) }
    let basis = op.countIncludePad ? counted : counts
    // A table with a number for each place: one that nobody has room for is no model.
    guard let places = checkedProduct(output), places <= 1 << 26 else {
      throw GraphError(.shapeMismatch, "Pool of \(spatial) to \(output) places")
    }
    var all = [1.0]
    for axis in 0..<rank { all = all.flatMap { outer in basis[axis].map { outer * Double($0) } } }
    if all.contains(where: { $0 != whole }) { divisors = all.map { $0 == 0 ? 0 : Float(whole) / Float($0) } }
  }
}

import ModelGraph
import ModelOps
import ModelTensor

extension TensorFlowFamilyWriter {
  /// Each element as often as `factors` says along each axis: an axis behind it is tiled and both become one.
  /// - Parameter dims: those of the result.
  public mutating func repeated(_ x: Value, _ factors: [Int], to dims: [Dim]) throws -> Value {
    var y = x
    for (axis, factor) in factors.enumerated() where factor > 1 {
      let rank = try self.rank(of: y)
      var shape: [Extent<Value>] = []
      for place in 0..<rank {
        let extent = try self.extent(of: y, place)
        switch extent {
        case .number(let number) where place == axis: shape.append(.number(number &* factor))
        case .value(let value) where place == axis: shape.append(.value(try mul(try cast(value, to: .int32), try int32s([factor]))))
        default: shape.append(extent)
        }
      }
      var times = [Int](repeating: 1, count: rank + 1)
      times[axis + 1] = factor
      let tiled = try apply(TileOp(), try unsqueeze(y, [axis + 1]), try int32s(times))
      y = try reshape(tiled, to: try int32s(shape))
    }
    return y
  }
}

import ModelGraph
import ModelOps
import ModelTensor

/// Adds zeros before and behind along each spatial axis.
public struct ZeroPadding<R: SpatialRank>: ConfigurableLayer {
  public static var className: String { "ZeroPadding\(R.rank)D" }
  /// A pair for each axis.
  public var padding = [[Int]](repeating: [1, 1], count: R.rank)
  public var layout = DataLayout.channelsLast
  public init() {}

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    var before = [Int](repeating: 0, count: R.rank + 2), after = before
    for (axis, pair) in zip(layout.spatialAxes(rank: R.rank + 2), padding) where pair.count == 2 {
      before[axis] = pair[0]
      after[axis] = pair[1]
    }
    return [try context.pad(try call.input(), before: before, after: after)]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}
public typealias ZeroPadding1D = ZeroPadding<Rank1>
public typealias ZeroPadding2D = ZeroPadding<Rank2>
public typealias ZeroPadding3D = ZeroPadding<Rank3>

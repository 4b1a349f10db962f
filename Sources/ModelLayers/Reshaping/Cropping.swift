import ModelGraph
import ModelOps
import ModelTensor

/// Drops elements before and behind along each spatial axis.
public struct Cropping<R: SpatialRank>: ConfigurableLayer {
  public static var className: String { "Cropping\(R.rank)D" }
  /// A pair for each axis.
  public var cropping = [[Int]](repeating: [0, 0], count: R.rank)
  public var layout = DataLayout.channelsLast
  public init() {}

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let pairs = Array(zip(layout.spatialAxes(rank: R.rank + 2), cropping)).filter { $0.1.count == 2 && $0.1 != [0, 0] }
    guard !pairs.isEmpty else { return [try call.input()] }
    let starts = try context.ints(pairs.map { $0.1[0] })
    let ends = try context.ints(pairs.map { $0.1[1] == 0 ? Int.max : -$0.1[1] })
    let axes = try context.ints(pairs.map(\.0))
    return [try context.apply(SliceOp(), try call.input(), starts, ends, axes)]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}
public typealias Cropping1D = Cropping<Rank1>
public typealias Cropping2D = Cropping<Rank2>
public typealias Cropping3D = Cropping<Rank3>

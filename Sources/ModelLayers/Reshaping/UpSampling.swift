import ModelGraph
import ModelOps
import ModelTensor

/// Repeats each element `size` times along each spatial axis, or (two axes only) interpolates.
public struct UpSampling<R: SpatialRank>: ConfigurableLayer {
  public static var className: String { "UpSampling\(R.rank)D" }
  public var size = [Int](repeating: 2, count: R.rank)
  public var layout = DataLayout.channelsLast
  public var interpolation = Interpolation.nearest
  public init() {}

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let x = try call.input(), rank = try context.rank(of: x)
    guard rank == R.rank + 2 else { throw GraphError(.shapeMismatch, "\(Self.className) of rank \(rank)") }
    let axes = Array(layout.spatialAxes(rank: rank))
    return [try context.upsample(x, axes: axes, factors: size, interpolation: interpolation)]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}
public typealias UpSampling1D = UpSampling<Rank1>
public typealias UpSampling2D = UpSampling<Rank2>
public typealias UpSampling3D = UpSampling<Rank3>

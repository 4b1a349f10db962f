import ModelGraph
import ModelOps
import ModelTensor

/// The maximum or average over all spatial axes.
///
/// `GlobalAveragePooling1D` averages only the steps its mask keeps.
public struct GlobalPooling<K: PoolingKind, R: SpatialRank>: ConfigurableLayer {
  public static var className: String { "Global\(K.word)Pooling\(R.rank)D" }
  public var layout = DataLayout.channelsLast
  public var keepDims = false
  public init() {}

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let x = try call.input()
    let axes = Array(layout.spatialAxes(rank: R.rank + 2))
    guard K.self == AverageKind.self, R.rank == 1, let mask = call.named["mask"] ?? call.mask() else {
      return [try context.reduce(K.reduction, x, axes: axes, keepDims: keepDims)]
    }
    let keep = try context.unsqueeze(try context.cast(mask, to: .bool), [layout == .channelsLast ? 2 : 1])
    let kept = try context.select(keep, x, try context.scalar(0, like: x))
    let sum = try context.reduce(.sum, kept, axes: axes, keepDims: keepDims)
    let weights = try context.cast(keep, to: context.dtype(of: x))
    return [try context.div(sum, try context.reduce(.sum, weights, axes: axes, keepDims: keepDims))]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}
public typealias GlobalMaxPooling1D = GlobalPooling<MaxKind, Rank1>
public typealias GlobalMaxPooling2D = GlobalPooling<MaxKind, Rank2>
public typealias GlobalMaxPooling3D = GlobalPooling<MaxKind, Rank3>
public typealias GlobalAveragePooling1D = GlobalPooling<AverageKind, Rank1>
public typealias GlobalAveragePooling2D = GlobalPooling<AverageKind, Rank2>
public typealias GlobalAveragePooling3D = GlobalPooling<AverageKind, Rank3>

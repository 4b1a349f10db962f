import ModelGraph
import ModelOps
import ModelTensor

/// Pools to an output of fixed extents: bin `i` of `n` spans `⌊i·in/n⌋ ..< ⌈(i+1)·in/n⌉`.
public struct AdaptivePooling<K: PoolingKind, R: SpatialRank>: ConfigurableLayer {
  public static var className: String { "Adaptive\(K.word)Pooling\(R.rank)D" }
  public var outputSize = [Int](repeating: 1, count: R.rank)
  public var layout = DataLayout.channelsLast
  public init() {}

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    var x = try call.input()
    let axes = Array(layout.spatialAxes(rank: R.rank + 2))
    let dims = try context.dims(of: x)
    guard dims.count == R.rank + 2 else {
      throw GraphError(.shapeMismatch, "\(Self.className) takes rank \(R.rank + 2), found \(dims.count)")
    }
    let extents = try axes.map { axis in
      guard let extent = dims[axis].value else {
        throw GraphError(.missingType, "\(Self.className): axis \(axis) of \(dims) must be known")
      }
      return extent
    }
    if zip(extents, outputSize).allSatisfy({ $0 % $1 == 0 && $0 >= $1 }) {
      let window = zip(extents, outputSize).map { $0 / $1 }
      return [try context.apply(PoolOp(K.pool, kernel: window, strides: window, layout: layout), x)]
    }
    // Bins of different widths: an axis at a time. An average of averages is right because every bin
    // of one axis has one width for all positions of the others.
    for (index, axis) in axes.enumerated() {
      let extent = extents[index], count = outputSize[index]
      var bins: [C.Value] = []
      for i in 0..<count {
        let bin = try context.slice(x, axis: axis, start: i * extent / count, end: ((i + 1) * extent + count - 1) / count)
        bins.append(try context.reduce(K.reduction, bin, axes: [axis], keepDims: true))
      }
      x = try context.concat(bins, axis: axis)
    }
    return [x]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}
public typealias AdaptiveMaxPooling1D = AdaptivePooling<MaxKind, Rank1>
public typealias AdaptiveMaxPooling2D = AdaptivePooling<MaxKind, Rank2>
public typealias AdaptiveMaxPooling3D = AdaptivePooling<MaxKind, Rank3>
public typealias AdaptiveAveragePooling1D = AdaptivePooling<AverageKind, Rank1>
public typealias AdaptiveAveragePooling2D = AdaptivePooling<AverageKind, Rank2>
public typealias AdaptiveAveragePooling3D = AdaptivePooling<AverageKind, Rank3>

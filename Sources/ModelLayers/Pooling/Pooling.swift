import ModelGraph
import ModelOps
import ModelTensor

/// The maximum or average of windows, as a type.
public protocol PoolingKind: Sendable {
  static var word: String { get }
  static var pool: PoolKind { get }
  static var reduction: ReductionKind { get }
}
public enum MaxKind: PoolingKind {
  public static let word = "Max"
  public static var pool: PoolKind { .max }
  public static let reduction = ReductionKind.max
}
public enum AverageKind: PoolingKind {
  public static let word = "Average"
  public static var pool: PoolKind { .average }
  public static let reduction = ReductionKind.mean
}

/// Pools windows over one to three spatial axes. Padding never counts.
public struct Pooling<K: PoolingKind, R: SpatialRank>: ConfigurableLayer {
  public static var className: String { "\(K.word)Pooling\(R.rank)D" }
  public var poolSize = [Int](repeating: 2, count: R.rank)
  /// The pool size when `nil`.
  public var strides: [Int]?
  public var padding = ConvPadding.valid
  public var layout = DataLayout.channelsLast
  public init() {}

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let op = PoolOp(
      K.pool, kernel: poolSize, strides: strides ?? poolSize,
      padding: padding == .same ? .same : .valid, layout: layout)
    return [try context.apply(op, try call.input())]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}
public typealias MaxPooling1D = Pooling<MaxKind, Rank1>
public typealias MaxPooling2D = Pooling<MaxKind, Rank2>
public typealias MaxPooling3D = Pooling<MaxKind, Rank3>
public typealias AveragePooling1D = Pooling<AverageKind, Rank1>
public typealias AveragePooling2D = Pooling<AverageKind, Rank2>
public typealias AveragePooling3D = Pooling<AverageKind, Rank3>

import ModelGraph
import ModelTensor

/// A layer that only acts while training; at inference its input passes through.
protocol TrainingOnlyLayer: ConfigurableLayer {}
extension TrainingOnlyLayer {
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    [try call.input()]
  }
}

/// Drops elements while training (Srivastava et al., 2014).
public struct Dropout: TrainingOnlyLayer {
  public static let className = "Dropout"
  public var rate = 0.5
  /// Which axes share one decision: extents of 1; `nil` everywhere is independent.
  public var noiseShape: [Int?]?
  public var seed: Int?
  public init() {}
}

/// Drops whole feature maps while training (Tompson et al., 2015).
public struct SpatialDropout<R: SpatialRank>: TrainingOnlyLayer {
  public static var className: String { "SpatialDropout\(R.rank)D" }
  public var rate = 0.5
  public var layout = DataLayout.channelsLast
  public var seed: Int?
  public init() {}
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [call.mask()] }
}
public typealias SpatialDropout1D = SpatialDropout<Rank1>
public typealias SpatialDropout2D = SpatialDropout<Rank2>
public typealias SpatialDropout3D = SpatialDropout<Rank3>

/// Keeps mean and variance of SELU activations while it drops (Klambauer et al., 2017).
public struct AlphaDropout: TrainingOnlyLayer {
  public static let className = "AlphaDropout"
  public var rate = 0.5
  public var noiseShape: [Int?]?
  public var seed: Int?
  public init() {}
}

/// Multiplies with noise around 1 while training.
public struct GaussianDropout: TrainingOnlyLayer {
  public static let className = "GaussianDropout"
  public var rate = 0.5
  public var seed: Int?
  public init() {}
}

/// Adds noise around 0 while training.
public struct GaussianNoise: TrainingOnlyLayer {
  public static let className = "GaussianNoise"
  public var stddev = 1.0
  public var seed: Int?
  public init() {}
}

/// Adds a penalty on its input to the loss.
public struct ActivityRegularization: TrainingOnlyLayer {
  public static let className = "ActivityRegularization"
  public var l1 = 0.0
  public var l2 = 0.0
  public init() {}
}

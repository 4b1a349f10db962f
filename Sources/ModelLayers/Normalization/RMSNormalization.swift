import ModelGraph
import ModelOps
import ModelTensor

/// `x / √(mean(x²) + epsilon) · scale` over `axes` (Zhang and Sennrich, 2019).
///
/// Weights: `scale` of the extents of the axes.
public struct RMSNormalization: ConfigurableLayer {
  public static let className = "RMSNormalization"
  public var axes = [-1]
  public var epsilon = 1e-6
  public init() {}

  public var castsInputs: Bool { false }
  public var castsWeights: Bool { false }
  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    [WeightSpec("scale", try checked(try axes.map { try extent(inputs, axis: $0) }), path: "vars/0")]
  }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let own = context.dtype(of: try call.input()), x = try context.widened(try call.input()), rank = try context.rank(of: x)
    let normal = try axes.map { try normalizeAxis($0, rank: rank) }
    let y = try context.apply(RMSNormalizationOp(axes: normal, epsilon: epsilon), x)
    let scale = try context.cast(try context.broadcast(try call.weight(0), axes: normal, rank: rank), to: context.dtype(of: x))
    return [try context.cast(try context.mul(y, scale), to: own)]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}

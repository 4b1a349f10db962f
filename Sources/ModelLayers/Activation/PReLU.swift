import ModelGraph
import ModelOps
import ModelTensor

/// `x` where positive, `alpha · x` elsewhere, with a learnt `alpha`.
///
/// Weights: `alpha`, of the shape of a sample with 1 at `sharedAxes` (counted with the batch as 0).
public struct PReLU: ConfigurableLayer {
  public static let className = "PReLU"
  public var sharedAxes: [Int]?
  public init() {}

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let rank = try dims(inputs).count
    guard rank >= 1 else { throw GraphError(.shapeMismatch, "PReLU takes a batch, found a scalar") }
    let shared = Set(try (sharedAxes ?? []).map { try normalizeAxis($0, rank: rank) })
    let shape = try (1..<max(1, rank)).map { shared.contains($0) ? 1 : try extent(inputs, axis: $0) }
    return [WeightSpec("alpha", try checked(shape), path: "vars/0")]
  }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    [try context.apply(PReluOp(), try call.input(), try call.weight(0))]
  }
}

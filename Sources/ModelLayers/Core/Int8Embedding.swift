import ModelGraph
import ModelOps
import ModelTensor

/// An `Embedding` in int8: each row has its scale.
///
/// Weights: `embeddings` `[inputDim, outputDim]` of int8, `embeddings_scale` `[inputDim]`.
public struct Int8Embedding: Int8Layer {
  public static let className = "Embedding"
  public var base = Embedding()
  public var quantizesInputs = false
  public init() {}

  public var castsInputs: Bool { false }
  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    int8Weights(try base.weights(for: inputs), scales: ("embeddings_scale", [base.inputDim]))
  }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let indices = try context.embeddingIndices(try call.input())
    let scale = try context.unsqueeze(try context.gather(try call.weight(1), indices, axis: 0), [-1])
    let rows = try context.gather(try call.weight(0), indices, axis: 0)
    return [try context.div(try context.int8Weight(rows, like: scale), scale)]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] {
    try base.mask(call, in: &context)
  }
}

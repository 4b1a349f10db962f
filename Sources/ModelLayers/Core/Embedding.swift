import ModelGraph
import ModelOps
import ModelTensor

/// Rows of a table: integers `[…]` to `[…, outputDim]`.
///
/// Weights: `embeddings` `[inputDim, outputDim]`. With `maskZero`, index 0 is masked.
public struct Embedding: ConfigurableLayer {
  public static let className = "Embedding"
  public var inputDim = 1
  public var outputDim = 1
  public var maskZero = false
  /// Keras 1 and 2: the length of the sequences, which only the input's shape needs.
  public var inputLength: Int?
  public init() {}

  public var castsInputs: Bool { false }
  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    [WeightSpec("embeddings", try checked([inputDim, outputDim]), path: "vars/0")]
  }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let indices = try context.embeddingIndices(try call.input())
    return [try context.gather(try call.weight(0), indices, axis: 0)]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] {
    guard maskZero else { return [nil] }
    let x = try call.input()
    return [try context.apply(NotEqualOp(), x, try context.scalar(0, like: x))]
  }
}

extension OpContext {
  /// Indices as an integer tensor: models feed floats too.
  mutating func embeddingIndices(_ x: Value) throws -> Value {
    let dtype = type(of: x).dtype
    return dtype == .int32 || dtype == .int64 ? x : try cast(x, to: .int32)
  }
}

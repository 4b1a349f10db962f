import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// An embedding that can also project back: with the option `reverse`, `[…, outputDim]` to
/// `[…, inputDim]`.
///
/// Weights: `embeddings` `[inputDim, outputDim]`, and `reverse_embeddings` `[outputDim, inputDim]`
/// unless they are tied.
public struct ReversibleEmbedding: ConfigurableLayer {
  public static let className = "ReversibleEmbedding"
  public var inputDim = 1
  public var outputDim = 1
  public var tieWeights = true
  public var maskZero = false
  /// The dtype of the projection back; `nil` is the compute dtype.
  public var reverseDType: DType?
  /// Logits are squashed to `cap · tanh(logits / cap)`.
  public var logitSoftCap: Double?
  public init() {}

  public var castsInputs: Bool { false }
  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let table = WeightSpec("embeddings", try checked([inputDim, outputDim]), path: "vars/0")
    return tieWeights ? [table] : [table, WeightSpec("reverse_embeddings", [outputDim, inputDim], path: "vars/1")]
  }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    var x = try call.input()
    guard call.options["reverse"]?.boolValue == true else {
      return [try context.gather(try call.weight(0), try context.embeddingIndices(x), axis: 0)]
    }
    var kernel = try call.weight(tieWeights ? 0 : 1)
    let dtype = reverseDType ?? context.dtype(of: kernel)
    x = try context.cast(x, to: dtype)
    kernel = try context.cast(kernel, to: dtype)
    var logits = try context.matmul(x, kernel, transposeB: tieWeights)
    if let cap = logitSoftCap {
      let limit = try context.scalar(cap, like: logits)
      logits = try context.mul(try context.apply(TanhOp(), try context.div(logits, limit)), limit)
    }
    return [logits]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] {
    guard maskZero, call.options["reverse"]?.boolValue != true else { return [nil] }
    let x = try call.input()
    return [try context.apply(NotEqualOp(), x, try context.scalar(0, like: x))]
  }
}

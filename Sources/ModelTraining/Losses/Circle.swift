import ModelSupport
import ModelTensor
import OrderedCollections

extension Losses {
  /// Draws embeddings of one class together and those of others apart (Sun and others, 2020); targets are classes' numbers.
  public struct Circle: Loss {
    public let gamma: Double, margin: Double, removesDiagonal: Bool
    public let name: String, reduction: Reduction
    public init(
      gamma: Double = 80, margin: Double = 0.4, removeDiagonal: Bool = true, reduction: Reduction = .sumOverBatchSize,
      name: String = "circle"
    ) {
      self.gamma = gamma
      self.margin = margin
      removesDiagonal = removeDiagonal
      self.name = name
      self.reduction = reduction
    }
    public func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
      let labels = try yTrue.cast(to: .int32).reshape([-1, 1])
      let distance = try (1 - yPred.matmul(yPred, transposeB: true)).maximum(0)
      var same = try labels .== labels.transpose()
      let other = try same.logicalNot()
      if removesDiagonal { same = try same.logicalAnd(try Tensor.eye(yPred.shape[0]) .== 0) }
      let positive = try same.cast(to: distance.dtype), negative = try other.cast(to: distance.dtype)
      let near = try ((distance + margin) * positive).maximum(0), far = try ((1 + margin - distance) * negative).maximum(0)
      // As good as minus infinity, and sums of it stay numbers.
      let never = -1e30
      let p = try Tensor.where(same, try near * (margin - distance) * -gamma, never).reduceLogSumExp(axis: 1)
      let n = try Tensor.where(other, try far * ((1 - margin) - distance) * gamma, never).reduceLogSumExp(axis: 1)
      var result = try (p + n).softplus()
      result.mask = try result .> 0
      return result
    }
    public var ownConfig: OrderedDictionary<String, JSONValue> {
      ["gamma": .double(gamma), "margin": .double(margin), "remove_diagonal": .bool(removesDiagonal)]
    }
  }
}

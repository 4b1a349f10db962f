import ModelTensor

extension Losses {
  /// Connectionist temporal classification (Graves and others, 2006) of logits `[batch, time, classes]`; targets
  /// `[batch, length]` hold classes' numbers and zeros behind them, class 0 is the blank.
  public struct CTC: Loss {
    public let name: String, reduction: Reduction
    public init(reduction: Reduction = .sumOverBatchSize, name: String = "ctc") {
      self.name = name
      self.reduction = reduction
    }
    public func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
      guard yTrue.rank == 2, yPred.rank == 3, !yPred.shape.contains(-1), yPred.shape[1] > 0 else {
        throw TensorError(
          .shapeMismatch,
          "CTC: expected targets [batch, length] and predictions [batch, time, classes], found \(yTrue.type) and \(yPred.type)")
      }
      let batch = yPred.shape[0], steps = yPred.shape[1], length = yTrue.shape[1], places = 2 * length + 1
      let labels = try yTrue.cast(to: .int64), never = -1e30
      // Blanks between, before and behind the labels.
      let blanks = try Tensor.zeros([batch, length, 1], dtype: .int64)
      let pairs = try Tensor.concat([blanks, try labels.expandDims(axis: -1)], axis: -1).reshape([batch, 2 * length])
      let path = try Tensor.concat([pairs, try Tensor.zeros([batch, 1], dtype: .int64)], axis: 1)
      let scores = try yPred.logSoftmax()
      // A label may follow another one directly unless they are the same.
      let skipped = try Tensor.concat([try Tensor.zeros([batch, 2], dtype: .int64), try path[Axis.all, 0..<(places - 2)]], axis: 1)
      let mayJump = length == 0 ? try path .!= path : try (try path .!= 0).logicalAnd(try path .!= skipped)
      let wall = try Tensor.full([batch, 1], never, dtype: yPred.dtype)
      func emitted(_ time: Int) throws -> Tensor { try scores[Axis.all, time].takeAlong(path) }
      func logSum(_ parts: [Tensor]) throws -> Tensor { try Tensor.stack(parts, axis: -1).reduceLogSumExp(axis: -1) }
      let isFirst = try Tensor((0..<places).map { $0 < 2 }).reshape([1, places]).broadcast(to: [batch, places])
      var alpha = try Tensor.where(isFirst, try emitted(0), never)
      for time in 1..<Swift.max(1, steps) {
        let one = try Tensor.concat([wall, try alpha[Axis.all, 0..<(places - 1)]], axis: 1)
        var ways = [alpha, one]
        if places > 2 {
          let two = try Tensor.concat([wall, wall, try alpha[Axis.all, 0..<(places - 2)]], axis: 1)
          ways.append(try Tensor.where(mayJump, two, never))
        }
        alpha = try logSum(ways) + emitted(time)
      }
      // The path ends at the last label or the blank behind it.
      let count = try (try labels .!= 0).cast(to: .int64).reduceSum(axis: 1, keepDims: true)
      let end = try count * 2, before = try (end - 1).maximum(0)
      let last = try alpha.takeAlong(end).squeeze(axis: 1)
      let other = try Tensor.where(
        try count.squeeze(axis: 1) .== 0, try Tensor.full([batch], never, dtype: yPred.dtype), try alpha.takeAlong(before).squeeze(axis: 1))
      let loss = try -logSum([last, other])
      return try Tensor.where(try loss .> 1e29, Double.infinity, loss)
    }
  }
}

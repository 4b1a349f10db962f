import GraphWriting
import ModelGraph
import ModelOps
import ModelTensor

extension NodeWriter {
  /// `ReverseSequence` where there is no such op: each sequence's steps are picked from where they stand after the turn.
  mutating func reversed(_ op: ReverseSequenceOp, _ x: OutValue, _ lengths: OutValue) throws -> OutValue {
    let rank = try rank(of: x)
    let batch = try normalizeAxis(op.batchAxis, rank: rank), time = try normalizeAxis(op.timeAxis, rank: rank)
    let order = [batch, time] + (0..<rank).filter { $0 != batch && $0 != time }
    let isPlain = order == Array(0..<rank)
    let rows = isPlain ? x : try transpose(x, order)
    let lengths = try reshape(try cast(lengths, to: .int32), [-1, 1])
    let steps = try reshape(try cast(try positions(x, axis: time), to: .int32), [1, -1])
    let turned = try sub(try sub(lengths, try int32(1)), steps), isInside = try apply(LessOp(), steps, lengths)
    let places = try unsqueeze(try select(isInside, turned, steps), [2])
    let picked = try apply(GatherNDOp(batchDims: 1), rows, places)
    return isPlain ? picked : try transpose(picked, (0..<rank).map { order.firstIndex(of: $0) ?? $0 })
  }
}

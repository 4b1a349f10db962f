import ModelGraph
import ModelTensor

/// Runs body 0 on each item of a sequence.
///
/// Inputs: the sequence, `extraCount` more sequences of that length or tensors taken as they are, then captures. The body takes one item of
/// each sequence, the tensors, and the captures. Results: for each of the body's results the sequence of them.
public struct SequenceMapOp: BodyOp {
  public static let name = "SequenceMap"
  public static let family = OpFamily.control
  /// Inputs after the first whose items are taken, when they are sequences; what follows are captures.
  public var extraCount: Int
  public var resultCount: Int
  public init(extraCount: Int = 0, resultCount: Int) {
    self.extraCount = extraCount
    self.resultCount = resultCount
  }
  public func infer(_ inputs: [Fact?], bodies: [Graph]) throws -> [TensorType] {
    try requireBodies(bodies, 1, inputs: inputs.count)
    _ = try elementType(inputs, 0)
    guard bodies[0].outputs.count == resultCount else {
      throw GraphError(.invalidStructure, "SequenceMap: the body does not give \(resultCount) results")
    }
    return bodies[0].outputTypes.map { .sequence(of: $0) }
  }
  public func evaluate(_ inputs: [NDArray?], bodies: Int, in context: ExecutionContext) throws -> [NDArray] {
    let items = try sequence(inputs, 0)
    guard extraCount >= 0, extraCount < inputs.count else {
      throw ExecutionError(.invalidInput, "SequenceMap with \(inputs.count) inputs")
    }
    let values = try inputs.indices.map { try inputs.required($0, of: self) }
    var results: [[NDArray]] = []
    for index in items.indices {
      let taken = try values.enumerated().map { position, value in
        guard position <= extraCount, let row = value.sequence else { return value }
        guard row.count == items.count else {
          throw ExecutionError(.invalidInput, "SequenceMap over sequences of \(items.count) and \(row.count) items")
        }
        return row[index]
      }
      results.append(try runBody(0, taken, in: context))
    }
    guard resultCount >= 0, results.allSatisfy({ $0.count == resultCount }) else {
      throw ExecutionError(.invalidInput, "SequenceMap: the body does not give \(resultCount) results")
    }
    return (0..<resultCount).map { column in NDArray(.sequence(results.map { $0[column] })) }
  }
}

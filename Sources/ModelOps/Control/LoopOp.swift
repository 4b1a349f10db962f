import ModelGraph
import ModelTensor

/// ONNX's Loop: a trip count, a condition, or both.
///
/// Inputs: `tripCount?` (int64), `condition?` (bool), `carriedCount` carried values, captures. Body 0 takes the iteration (int64
/// scalar), the condition (bool scalar), the carried values and the captures, and gives the next condition, the
/// carried values, and one slice for each of `scanTypes` (the types of the slices). Results: the carried values
/// at the end, then the slices stacked.
public struct LoopOp: BodyOp {
  public static let name = "Loop"
  public static let family = OpFamily.control
  public var carriedCount: Int
  public var scanTypes: [TensorType]
  public init(carriedCount: Int, scanTypes: [TensorType]) {
    self.carriedCount = carriedCount
    self.scanTypes = scanTypes
  }
  public func infer(_ inputs: [Fact?], bodies: [Graph]) throws -> [TensorType] {
    try requireBodies(bodies, 1, inputs: inputs.count)
    let types = bodies[0].outputTypes
    guard carriedCount >= 0, inputs.count >= 2 + carriedCount, types.count == 1 + carriedCount + scanTypes.count else {
      throw GraphError(.invalidStructure, "Loop with \(inputs.count) inputs and \(types.count) body outputs")
    }
    let carried = try (0..<carriedCount).map { index in
      let start = try inputs.required(2 + index, of: self).type, next = types[1 + index]
      // An optional that the body fills is what the body gives.
      if case .optional? = start.variant, next.variant != start.variant { return next }
      return try merged(start, next)
    }
    let rows = inputs[1] == nil ? inputs[0]?.integers?.first.map(Dim.fixed) ?? .unknown : .unknown
    let scans = types.dropFirst(1 + carriedCount).map { type in
      TensorType(type.dtype, type.shape.dims.map { .ranked([rows] + $0) } ?? .unranked)
    }
    return carried + scans
  }

  public func evaluate(_ inputs: [NDArray?], bodies: Int, in context: ExecutionContext) throws -> [NDArray] {
    guard carriedCount >= 0, inputs.count >= 2 + carriedCount else {
      throw ExecutionError(.invalidInput, "Loop with \(inputs.count) inputs")
    }
    let iterationLimit = min(iterationLimit, LoopPatience.turns ?? iterationLimit)
    var limit = iterationLimit
    if let count = inputs[0] {
      guard let given = count.integers()?.first else { throw ExecutionError(.invalidInput, "Loop: no trip count") }
      limit = max(0, given)
    }
    var goesOn = try inputs[1].map { try truth($0) } ?? true
    var carried = try (0..<carriedCount).map { try inputs.required(2 + $0, of: self) }
    let captures = try inputs.indices.dropFirst(2 + carriedCount).map { try inputs.required($0, of: self) }
    var collector = ScanCollector(scanTypes.count)
    var iteration = 0
    while goesOn, iteration < limit {
      guard iteration < iterationLimit else {
        throw ExecutionError(.limitExceeded, "Loop went on for \(iteration) iterations")
      }
      let results = try runBody(
        0, [NDArray(scalar: Int64(iteration)), NDArray(scalar: goesOn)] + carried + captures, in: context)
      guard results.count == 1 + carriedCount + scanTypes.count else {
        throw ExecutionError(.invalidInput, "Loop: the body gives \(results.count) values")
      }
      goesOn = try truth(results[0])
      carried = Array(results[1..<(1 + carriedCount)])
      try collector.append(results[(1 + carriedCount)...], op: self, in: context)
      iteration += 1
    }
    guard !goesOn || iteration >= limit, iteration < iterationLimit else {
      throw ExecutionError(.limitExceeded, "Loop went on for \(iteration) iterations")
    }
    return carried + (try collector.stacked(scanTypes, in: context))
  }
}

/// How long loops may go on where inputs are made up: some values would never end one.
public enum LoopPatience {
  @TaskLocal public static var turns: Int?
}

import ModelSupport
import OrderedCollections

/// One rate up to each boundary, and another after the last.
public struct PiecewiseConstantDecay: LearningRateSchedule {
  public let boundaries: [Double], values: [Double]
  public let name: String
  /// - Throws: `TensorError` unless there is one value more than boundaries.
  public init(boundaries: [Double], values: [Double], name: String = "PiecewiseConstant") throws {
    guard !boundaries.isEmpty, boundaries.count == values.count - 1 else {
      throw TensorError(.invalidArgument, "PiecewiseConstantDecay: \(values.count) values for \(boundaries.count) boundaries")
    }
    self.boundaries = boundaries
    self.values = values
    self.name = name
  }
  public func callAsFunction(_ step: Tensor) throws -> Tensor {
    let now = try step.cast(to: .float64)
    var result = try Tensor.constant(values[values.count - 1])
    // Boundaries become integers as steps are.
    for (boundary, value) in zip(boundaries, values).reversed() {
      result = try Tensor.where(try now .<= boundary.rounded(.towardZero), try Tensor.constant(value), result)
    }
    return result
  }
  public var config: OrderedDictionary<String, JSONValue> {
    [
      "boundaries": .array(boundaries.map { Schedules.number($0) }), "values": .array(values.map { .double($0) }), "name": .string(name),
    ]
  }
}

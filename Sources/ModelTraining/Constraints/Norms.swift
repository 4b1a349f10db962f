import ModelSupport
import OrderedCollections

/// The norm along `axes`, kept as axes of extent 1.
private func norms(_ weight: Tensor, _ axes: [Int]) throws -> Tensor { try weight.square().reduceSum(axes: axes, keepDims: true).sqrt() }
/// Keras's `epsilon()`.
private let epsilon = 1e-7
private func json(_ axes: [Int]) -> JSONValue { axes.count == 1 ? .int(axes[0]) : .array(axes.map { .int($0) }) }

/// Norms of at most `maxValue`.
public struct MaxNorm: SerializableConstraint {
  public let maxValue: Double
  public let axes: [Int]
  /// - Parameter axes: `[0]` for the columns of a matrix, `[0, 1, 2]` for the filters of a convolution.
  public init(_ maxValue: Double = 2, axes: [Int] = [0]) {
    self.maxValue = maxValue
    self.axes = axes
  }
  public func callAsFunction(_ weight: Tensor) throws -> Tensor {
    let norms = try norms(weight, axes)
    return try weight * (norms.minimum(maxValue) / (norms + epsilon))
  }
  public var config: OrderedDictionary<String, JSONValue> { ["max_value": .double(maxValue), "axis": json(axes)] }
}

/// Norms between two bounds, approached at `rate`.
public struct MinMaxNorm: SerializableConstraint {
  public let minValue: Double
  public let maxValue: Double
  public let rate: Double
  public let axes: [Int]
  public init(minValue: Double = 0, maxValue: Double = 1, rate: Double = 1, axes: [Int] = [0]) {
    self.minValue = minValue
    self.maxValue = maxValue
    self.rate = rate
    self.axes = axes
  }
  public func callAsFunction(_ weight: Tensor) throws -> Tensor {
    let norms = try norms(weight, axes)
    let desired = try norms.maximum(minValue).minimum(maxValue) * rate + norms * (1 - rate)
    return try weight * (desired / (norms + epsilon))
  }
  public var config: OrderedDictionary<String, JSONValue> {
    ["min_value": .double(minValue), "max_value": .double(maxValue), "rate": .double(rate), "axis": json(axes)]
  }
}

/// Norms of 1.
public struct UnitNorm: SerializableConstraint {
  public let axes: [Int]
  public init(axes: [Int] = [0]) { self.axes = axes }
  public func callAsFunction(_ weight: Tensor) throws -> Tensor { try weight / (norms(weight, axes) + epsilon) }
  public var config: OrderedDictionary<String, JSONValue> { ["axis": json(axes)] }
}

/// No weight below 0.
public struct NonNeg: SerializableConstraint {
  public init() {}
  public func callAsFunction(_ weight: Tensor) throws -> Tensor { try weight.maximum(0) }
  public var config: OrderedDictionary<String, JSONValue> { [:] }
}

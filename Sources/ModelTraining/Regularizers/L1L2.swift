import ModelSupport
import OrderedCollections

/// `l1 · Σ|w|`.
public struct L1: SerializableRegularizer {
  public let l1: Double
  public init(_ l1: Double = 0.01) { self.l1 = l1 }
  public func callAsFunction(_ weight: Tensor) throws -> Tensor { try weight.abs().reduceSum() * l1 }
  public var config: OrderedDictionary<String, JSONValue> { ["l1": .double(Double(Float(l1)))] }
}

/// `l2 · Σw²`.
public struct L2: SerializableRegularizer {
  public let l2: Double
  public init(_ l2: Double = 0.01) { self.l2 = l2 }
  public func callAsFunction(_ weight: Tensor) throws -> Tensor { try weight.square().reduceSum() * l2 }
  public var config: OrderedDictionary<String, JSONValue> { ["l2": .double(l2)] }
}

/// `l1 · Σ|w| + l2 · Σw²`.
public struct L1L2: SerializableRegularizer {
  public let l1: Double
  public let l2: Double
  public init(l1: Double = 0, l2: Double = 0) {
    self.l1 = l1
    self.l2 = l2
  }
  public func callAsFunction(_ weight: Tensor) throws -> Tensor {
    var penalty = try Tensor.scalar(0, dtype: weight.dtype)
    if l1 != 0 { penalty = try penalty + weight.abs().reduceSum() * l1 }
    if l2 != 0 { penalty = try penalty + weight.square().reduceSum() * l2 }
    return penalty
  }
  public var config: OrderedDictionary<String, JSONValue> { ["l1": .double(l1), "l2": .double(l2)] }
}

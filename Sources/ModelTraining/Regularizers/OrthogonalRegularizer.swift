import ModelSupport
import OrderedCollections

/// The mean of the products of rows (or columns) of length 1 with each other.
public struct OrthogonalRegularizer: SerializableRegularizer {
  public enum Mode: String, Sendable { case rows, columns }
  public let factor: Double
  public let mode: Mode
  public init(factor: Double = 0.01, mode: Mode = .rows) {
    self.factor = factor
    self.mode = mode
  }
  /// - Throws: `TensorError` for what is no matrix.
  public func callAsFunction(_ weight: Tensor) throws -> Tensor {
    guard weight.rank == 2 else {
      throw TensorError(.shapeMismatch, "OrthogonalRegularizer takes matrices, found the shape \(weight.shape)")
    }
    let axis = mode == .rows ? 1 : 0
    // A row of zeros stays one.
    let unit = try weight / (weight.square().reduceSum(axis: axis, keepDims: true)).maximum(1e-14).sqrt()
    let turned = try unit.transpose([1, 0])
    let products = mode == .rows ? try unit • turned : try turned • unit
    let size = weight.shape[1 - axis], pairs = Double(size) * (Double(size) - 1) / 2
    let others = try products * (1 - Tensor.eye(size, dtype: weight.dtype))
    return try others.abs().reduceSum() * (factor * 0.5) / pairs
  }
  public var config: OrderedDictionary<String, JSONValue> {
    ["factor": .double(Double(Float(factor))), "mode": .string(mode.rawValue)]
  }
}

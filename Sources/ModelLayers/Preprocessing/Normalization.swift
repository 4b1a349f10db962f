import ModelGraph
import ModelOps
import ModelTensor

/// `(x − mean) / max(√variance, ε)` per index of `axes`, or its inverse.
///
/// Weights, unless mean and variance are configured: `mean`, `variance` (extents of `axes`), `count`.
public struct Normalization: ConfigurableLayer {
  public static let className = "Normalization"
  /// Empty for one mean of everything.
  public var axes: [Int] = [-1]
  public var invert = false
  public var mean: FixedArray?
  public var variance: FixedArray?
  public init() {}

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    guard mean == nil else { return [] }
    let rank = try dims(inputs).count
    let kept = try axes.map { try normalizeAxis($0, rank: rank) }.sorted()
    let shape = try kept.map { try extent(inputs, axis: $0) }
    return [
      WeightSpec("mean", shape, isTrainable: false, path: "vars/0"),
      WeightSpec("variance", shape, isTrainable: false, path: "vars/1"),
      WeightSpec("count", [], isTrainable: false, path: "vars/2", dtype: .int32),
    ]
  }

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    var x = try call.input()
    if !context.dtype(of: x).isFloatingPoint { x = try context.cast(x, to: .float32) }
    let rank = try context.rank(of: x)
    let kept = try axes.map { try normalizeAxis($0, rank: rank) }.sorted()
    func spread(_ value: C.Value) throws -> C.Value {
      let value = try context.cast(value, to: context.dtype(of: x))
      let shape = try context.extents(of: value)
      guard !shape.isEmpty else { return value }
      // Fewer axes than are kept belong to the last of them.
      guard shape.count <= kept.count else { throw GraphError(.shapeMismatch, "Normalization with a mean of shape \(shape)") }
      var wide = [Int](repeating: 1, count: rank)
      for (axis, extent) in zip(kept.suffix(shape.count), shape) { wide[axis] = extent }
      return try context.reshape(value, wide)
    }
    let mean = try spread(try self.mean.map { try context.constant(try $0.array()) } ?? call.weight(0))
    let variance = try spread(try self.variance.map { try context.constant(try $0.array()) } ?? call.weight(1))
    let deviation = try context.apply(SqrtOp(), variance)
    if invert { return [try context.add(mean, try context.mul(x, try context.maximum(deviation, try context.scalar(1e-7, like: x))))] }
    return [try context.div(try context.sub(x, mean), try context.maximum(deviation, try context.scalar(1e-7, like: x)))]
  }
}

/// Numbers of a configuration with a shape: a scalar, a list, lists of lists.
public struct FixedArray: Sendable, Hashable {
  public var values: [Double]
  public var shape: [Int]
  public init(_ values: [Double], _ shape: [Int]) {
    self.values = values
    self.shape = shape
  }
  /// - Throws: `GraphError` when the values do not fill the shape.
  func array() throws -> NDArray {
    guard checkedProduct(shape) == values.count else { throw GraphError(.invalidAttribute, "\(values.count) numbers of shape \(shape)") }
    return NDArray(values.map { Float($0) }, shape)
  }
}

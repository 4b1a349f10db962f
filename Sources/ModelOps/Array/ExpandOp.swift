import ModelGraph
import ModelTensor

/// `x` repeated to the shape that it and `shape` (int64 vector) broadcast to.
public struct ExpandOp: PreparedOp {
  public static let name = "Expand"
  public static let family = OpFamily.array
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self), shape = try inputs.required(1, of: self)
    // Of a shape that is computed the length tells the rank at least.
    let length = shape.type.shape.dims?.first?.value.flatMap { (0...64).contains($0) ? $0 : nil }
    guard let wanted = shape.elements ?? length.map({ [Dim](repeating: .unknown, count: $0) }) else {
      return [TensorType(x.type.dtype, .unranked)]
    }
    return [TensorType(x.type.dtype, try broadcast([x.type.shape, .ranked(wanted)]))]
  }
  /// One number, repeated as often as a vector of a known length has it.
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] {
    guard let x = inputs.first ?? nil, let elements = x.elements, elements.count == 1, inputs.count > 1,
      let shape = inputs[1]?.integers, shape.count <= 1, x.type.shape.rank.map({ $0 <= 1 }) ?? false
    else { return [nil] }
    guard let count = shape.first else { return [elements] }
    return [(0...1024).contains(count) ? Array(repeating: elements[0], count: count) : nil]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let x = try inputs.required(0, of: self)
    let walk = try memo.prepared(inputs, vectors: 1..<2) {
      guard let shape = try inputs.required(1, of: self).integers(), shape.allSatisfy({ $0 >= 0 }), checkedProduct(shape) != nil
      else { throw ExecutionError(.invalidValue, "Expand to a shape that is none") }
      let walk = try BroadcastWalk([x.shape, shape])
      guard checkedProduct(walk.shape) != nil else { throw ExecutionError(.limitExceeded, "Expand to \(walk.shape)") }
      return walk
    }
    results.append(try StridedView(x, shape: walk.shape, steps: walk.steps[0]).copy(in: context))
  }
}

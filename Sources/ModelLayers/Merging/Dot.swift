import ModelGraph
import ModelOps
import ModelTensor

/// The product of two tensors, sample by sample, summed over one axis of each; with `normalize` both
/// are unit vectors along it first.
///
/// The result has the first input's axes but the summed one, then the second's but the batch and the
/// summed one; `[batch, 1]` when none is left.
public struct Dot: ConfigurableLayer {
  public static let className = "Dot"
  /// One axis for both inputs or one for each.
  public var axes = [-1]
  public var normalize = false
  public init() {}

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    guard call.inputs.count == 2, let first = axes.first, let second = axes.last, axes.count <= 2 else {
      throw GraphError(.wrongInputCount, "Dot of \(call.inputs.count) tensors over axes \(axes), not 2")
    }
    var a = call.inputs[0], b = call.inputs[1]
    let p = try context.rank(of: a), q = try context.rank(of: b)
    let i = try normalizeAxis(first, rank: p), j = try normalizeAxis(second, rank: q)
    guard p >= 2, q >= 2, p + q <= 20, i > 0, j > 0 else {
      throw GraphError(.invalidAttribute, "Dot over axes \(axes) of tensors of rank \(p) and \(q)")
    }
    if normalize {
      a = try context.unit(a, axes: [i], epsilon: 1e-7)
      b = try context.unit(b, axes: [j], epsilon: 1e-7)
    }
    let letters = Array("abcdefghijklmnopqrstuvwxyz")
    var left = Array(letters[0..<p]), right = [letters[0]] + letters[p..<(p + q - 1)]
    left[i] = "z"
    right[j] = "z"
    let result = left.filter { $0 != "z" } + right.dropFirst().filter { $0 != "z" }
    let y = try context.apply(EinsumOp(equation: "\(String(left)),\(String(right))->\(String(result))"), a, b)
    return [result.count == 1 ? try context.unsqueeze(y, [1]) : y]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}

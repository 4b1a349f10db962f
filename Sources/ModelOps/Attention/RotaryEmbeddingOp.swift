import ModelGraph
import ModelTensor

/// Turns pairs of elements of each head by angles that depend on the position (Su et al., 2021; ONNX RotaryEmbedding).
///
/// Inputs: `x` (`[B, heads, T, D]`, or `[B, T, heads·D]` with `heads`), `cos`, `sin` (`[positions, D/2]`, or `[B, T, D/2]` without positions),
/// `positions?` (`[B, T]`).
public struct RotaryEmbeddingOp: CompositeOp {
  public static let name = "RotaryEmbedding"
  public static let family = OpFamily.attention
  /// Whether neighbours make a pair, not elements of the two halves.
  public var interleaved: Bool
  /// How many elements of a head are turned; 0 for all.
  public var rotaryWidth: Int
  public var heads: Int
  public init(interleaved: Bool = false, rotaryWidth: Int = 0, heads: Int = 0) {
    self.interleaved = interleaved
    self.rotaryWidth = rotaryWidth
    self.heads = heads
  }
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard inputs.count >= 3, let given = inputs[0], var cos = inputs[1], var sin = inputs[2] else {
      throw GraphError(.wrongInputCount, "RotaryEmbedding takes a tensor, cosines and sines")
    }
    let isFlat = try context.rank(of: given) == 3
    guard !isFlat || heads > 0 else { throw GraphError(.invalidAttribute, "RotaryEmbedding of rank 3 needs its number of heads") }
    // [B, T, heads, D], so that the angles broadcast over the heads.
    let x = isFlat ? try context.reshape(given, [0, 0, heads, -1]) : try context.transpose(given, [0, 2, 1, 3])
    guard let width = context.type(of: x).shape.dims?.last?.value else {
      throw GraphError(.missingType, "RotaryEmbedding over heads of unknown width")
    }
    let turned = rotaryWidth > 0 ? rotaryWidth : width
    guard turned <= width, turned % 2 == 0 else { throw GraphError(.invalidAttribute, "RotaryEmbedding of \(turned) of \(width) elements") }
    if inputs.count > 3, let positions = inputs[3] {
      cos = try context.gather(cos, positions, axis: 0)
      sin = try context.gather(sin, positions, axis: 0)
    }
    (cos, sin) = (try context.unsqueeze(cos, [2]), try context.unsqueeze(sin, [2]))
    let part = turned == width ? x : try context.slice(x, axis: 3, start: 0, end: turned)
    let first: C.Value, second: C.Value
    if interleaved {
      first = try context.slice(part, axis: 3, start: 0, end: turned, step: 2)
      second = try context.slice(part, axis: 3, start: 1, end: turned, step: 2)
    } else {
      first = try context.slice(part, axis: 3, start: 0, end: turned / 2)
      second = try context.slice(part, axis: 3, start: turned / 2, end: turned)
    }
    let real = try context.sub(try context.mul(cos, first), try context.mul(sin, second))
    let imaginary = try context.add(try context.mul(sin, first), try context.mul(cos, second))
    var y: C.Value
    if interleaved {
      let pairs = try context.concat([try context.unsqueeze(real, [4]), try context.unsqueeze(imaginary, [4])], axis: 4)
      let shape = try context.concat(
        [try context.ints([0, 0]), try context.dim(of: x, 2), try context.ints([turned])], axis: 0)
      y = try context.reshape(pairs, to: shape)
    } else {
      y = try context.concat([real, imaginary], axis: 3)
    }
    if turned < width { y = try context.concat([y, try context.slice(x, axis: 3, start: turned, end: width)], axis: 3) }
    return [isFlat ? try context.reshape(y, [0, 0, -1]) : try context.transpose(y, [0, 2, 1, 3])]
  }
}

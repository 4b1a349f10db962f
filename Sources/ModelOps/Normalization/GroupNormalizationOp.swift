import ModelGraph
import ModelTensor

/// Normalises each of `groups` groups of channels of a sample (Wu and He, 2018): `x`, `scale?`, `bias?` per channel.
public struct GroupNormalizationOp: CompositeOp {
  public static let name = "GroupNormalization"
  public static let family = OpFamily.normalization
  public var groups: Int
  public var epsilon: Double
  public var axis: Int
  public init(groups: Int, epsilon: Double = 1e-5, axis: Int = 1) {
    self.groups = groups
    self.epsilon = epsilon
    self.axis = axis
  }
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard let x = inputs.first ?? nil, let dims = context.type(of: x).shape.dims else {
      throw GraphError(.missingType, "GroupNormalization of a tensor of unknown rank")
    }
    let axis = try normalizeAxis(axis, rank: dims.count)
    guard groups > 0, axis < dims.count, (dims[axis].value ?? 0) % groups == 0 else {
      throw GraphError(.shapeMismatch, "GroupNormalization of \(dims) in \(groups) groups")
    }
    // [N, …, C, …] → [N, …, G, C/G, …], normalised over all but N and G.
    let shape = try context.shape(of: x)
    let front = try context.slice(shape, axis: 0, start: 0, end: axis)
    let back = try context.slice(shape, axis: 0, start: axis + 1, end: dims.count)
    let middle = try context.ints([groups, -1])
    let split = try context.reshape(x, to: try context.concat([front, middle, back], axis: 0))
    let axes = (1...dims.count).filter { $0 != axis }
    let normal = try context.apply(LayerNormalizationOp(axes: axes, epsilon: epsilon), split)
    var y = try context.reshape(normal, to: shape)
    var place = [Int](repeating: 1, count: dims.count)
    place[axis] = -1
    if inputs.count > 1, let scale = inputs[1] { y = try context.mul(y, try context.reshape(scale, place)) }
    if inputs.count > 2, let bias = inputs[2] { y = try context.add(y, try context.reshape(bias, place)) }
    return [y]
  }
}

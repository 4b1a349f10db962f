import ModelGraph
import ModelOps
import ModelTensor

/// Integers in a graph, and what they stand for.
struct StoredValue {
  var value: ValueID
  var type: QuantizedType
}

/// Finds the integers behind the floats of a graph that spells its quantisation out.
///
///     q ── DequantizeLinear(s, z) ── Transpose ── x        x is q transposed, as (q − z) · s
///
/// 1. A dequantisation by constants. 2. A bias of int64: cast and multiplied. 3. What is moved after it: constants lazily, other
/// values by the same move on integers.
struct StoredValues {
  private var known: [ValueID: StoredValue] = [:]

  /// - Returns: `nil` for a value that is no dequantised one.
  mutating func find(_ value: ValueID, in context: inout GraphContext, depth: Int = 0) throws -> StoredValue? {
    if let stored = known[value] { return stored }
    guard depth < 16, let producer = context.graph.producer(of: value) else { return nil }
    let node = context.graph[producer]
    var result: StoredValue?
    switch node.op {
    case let op as DequantizeLinearOp: result = try dequantized(op, node, context)
    case is MulOp: result = try wideBias(node, context)
    case is IdentityOp:
      guard let input = node.inputs.first ?? nil else { return nil }
      result = try find(input, in: &context, depth: depth + 1)
    case let op where OperatorSpecification.isMove(op):
      guard let input = node.inputs.first ?? nil, let stored = try find(input, in: &context, depth: depth + 1) else { return nil }
      result = try moved(stored, by: op, node, in: &context)
    default: return nil
    }
    known[value] = result
    return result
  }

  private func dequantized(_ op: DequantizeLinearOp, _ node: Node, _ context: GraphContext) throws -> StoredValue? {
    guard op.blockSize == 0, op.dtype ?? .float32 == .float32, let x = node.inputs.first ?? nil,
      let type = try context.quantizedType(context.graph[x].type.dtype, node, axis: op.axis, of: x), type.isOfLiteRT
    else { return nil }
    return StoredValue(value: x, type: type)
  }

  private func wideBias(_ node: Node, _ context: GraphContext) throws -> StoredValue? {
    guard node.inputs.count == 2, let left = node.inputs[0], let right = node.inputs[1], let caster = context.graph.producer(of: left),
      context.graph[caster].op is CastOp, let x = context.graph[caster].inputs.first ?? nil, context.graph[x].type.dtype == .int64,
      context.graph[x].type.shape.rank == 1, let scales = try context.floats(right), !scales.isEmpty
    else { return nil }
    return StoredValue(value: x, type: QuantizedType(.int64, Quantization(scales: scales, axis: scales.count > 1 ? 0 : nil)))
  }

  private func moved(_ stored: StoredValue, by op: any Op, _ node: Node, in context: inout GraphContext) throws -> StoredValue? {
    guard let result = node.outputs.first,
      let type = Self.type(
        stored.type, movedBy: op, from: context.graph[stored.value].type.shape,
        to: context.graph[result].type.shape)
    else { return nil }
    if let tensor = context.model.tensor(stored.value, in: context.graph), let extents = context.graph[result].type.shape.extents {
      let plain = Tensor(tensor.type.unquantized, source: tensor.source)
      let made: Tensor
      if let op = op as? TransposeOp { made = plain.transposed(op.permutation) } else { made = plain.reshaped(extents) }
      return StoredValue(value: context.graph.addConstant(made, name: context.graph[result].name), type: type)
    }
    guard !type.isPerAxis else { return nil }
    context.place(node, pass: RecognizeQuantized.passName)
    let moved = QuantizedOp(op, inputs: node.inputs.indices.map { $0 == 0 ? stored.type : nil }, outputs: [type])
    let values = try context.apply(moved, to: [stored.value] + node.inputs.dropFirst())
    return values.first.map { StoredValue(value: $0, type: type) }
  }

  /// The quantised type behind a move: scales of an axis follow it.
  private static func type(_ type: QuantizedType, movedBy op: any Op, from: Shape, to: Shape) -> QuantizedType? {
    guard type.isPerAxis, let axis = type.quantization.axis else { return type }
    var result = type
    if let op = op as? TransposeOp {
      guard let place = op.permutation.firstIndex(of: axis) else { return nil }
      result.quantization.axis = place
      return result
    }
    // The axis that is as long, with as many elements behind it.
    guard let old = from.extents, let new = to.extents, old.indices.contains(axis) else { return nil }
    let inner = old[(axis + 1)...].reduce(1, *)
    guard let place = new.indices.first(where: { new[$0] == old[axis] && new[($0 + 1)...].reduce(1, *) == inner }) else { return nil }
    result.quantization.axis = place
    return result
  }
}

extension GraphContext {
  /// What the constant scale and zero point of a (de)quantisation make of a dtype; `nil` where they are computed.
  func quantizedType(_ dtype: DType, _ node: Node, axis: Int, of x: ValueID) throws -> QuantizedType? {
    guard dtype.isInteger, node.inputs.count >= 2, let scale = node.inputs[1], let scales = try floats(scale), !scales.isEmpty,
      graph[scale].type.shape.rank ?? 2 <= 1, scales.allSatisfy({ $0.isFinite && $0 > 0 })
    else { return nil }
    var zeros: [Int64] = []
    if node.inputs.count > 2, let zero = node.inputs[2] {
      guard let values = try model.tensor(zero, in: graph)?.array().integers(), values.count == scales.count else { return nil }
      if values.contains(where: { $0 != 0 }) { zeros = values.map { Int64($0) } }
    }
    guard scales.count > 1 else { return QuantizedType(dtype, Quantization(scales: scales, zeroPoints: zeros)) }
    guard let rank = graph[x].type.shape.rank, rank > 0, axis >= -rank, axis < rank else { return nil }
    return QuantizedType(dtype, Quantization(scales: scales, zeroPoints: zeros, axis: axis < 0 ? axis + rank : axis))
  }

  /// The elements of a constant of floats, up to a million.
  func floats(_ value: ValueID) throws -> [Float]? {
    guard let tensor = model.tensor(value, in: graph), tensor.dtype == .float32, tensor.elementCount <= 1 << 20 else { return nil }
    return try tensor.array().values(Float.self)
  }

  /// From now on, nodes are made on behalf of `node`.
  mutating func place(_ node: Node, pass: String) {
    namePrefix = node.name
    scope = node.scope
    origin = node.origin
    origin.passes.append(pass)
  }
}

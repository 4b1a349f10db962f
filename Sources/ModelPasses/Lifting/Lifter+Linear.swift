import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

extension Lifter {
  mutating func liftLinear(_ node: Node) throws -> Bool {
    switch node.op {
    case let op as MatMulOp where !op.transposeA:
      return try liftDense(node, transposed: op.transposeB, alpha: 1, beta: 1, bias: nil)
    case let op as GemmOp where !op.transposeA:
      let bias = op.beta != 0 ? node.input(2) : nil
      return try liftDense(node, transposed: op.transposeB, alpha: op.alpha, beta: op.beta, bias: bias)
    case let op as EinsumOp: return try liftEinsum(op, node)
    default: return false
    }
  }

  private mutating func liftDense(_ node: Node, transposed: Bool, alpha: Double, beta: Double, bias: ValueID?) throws -> Bool {
    guard let x = node.input(0), let weightID = node.input(1), let weight = tensor(weightID), weight.dtype.isFloatingPoint,
      weight.extents.count == 2, !weight.extents.contains(0), !isConstant(x), (dims(x)?.count ?? 0) >= 2
    else { return false }
    let kernel = Self.scaled(transposed ? weight.transposed([1, 0]) : weight, by: alpha)
    let units = kernel.extents[1]
    if let bias {
      guard let tensor = tensor(bias), tensor.elementCount == units, tensor.extents.last == units else { return false }
    }
    let name = layerName(node, "dense")
    var tail = takeTail(node, channels: units, bias: bias)
    if bias != nil, let own = tail.bias { tail.bias?.tensor = Self.scaled(own.tensor, by: beta) }
    let layer = Dense(units: units, activation: tail.activation, useBias: tail.bias != nil)
    let weights = [Weight(kernel, [weightID])] + (tail.bias.map { [$0] } ?? [])
    values[tail.result] = try add(layer, named: name, [try resolve(x)], weights, result: tail.result)
    return true
  }

  /// Every element times `factor`.
  static func scaled(_ tensor: Tensor, by factor: Double) -> Tensor {
    if factor == 1 { return tensor }
    return tensor.mapped(to: tensor.type) { array in
      var context = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
      return try context.mul(array, try context.scalar(factor, like: array))
    }
  }

  /// A product with weights along axes that an equation names.
  private mutating func liftEinsum(_ op: EinsumOp, _ node: Node) throws -> Bool {
    guard node.inputs.count == 2, let x = node.input(0), let weightID = node.input(1), let weight = tensor(weightID), !isConstant(x),
      weight.dtype.isFloatingPoint, let xDims = dims(x), let result = dims(node.outputs[0])
    else { return false }
    let equation = op.equation.filter { $0 != " " }
    let sides = equation.split(separator: ">").map { $0.filter { $0 != "-" } }
    guard sides.count == 2, let comma = sides[0].firstIndex(of: ","), !equation.contains(".") else { return false }
    let left = Array(sides[0][..<comma]), right = Array(sides[0][sides[0].index(after: comma)...]), output = Array(sides[1])
    guard left.count == xDims.count, right.count == weight.extents.count, output.count == result.count, let batch = left.first,
      output.first == batch, !right.contains(batch), Set(left).count == left.count, Set(right).count == right.count,
      right.allSatisfy({ left.contains($0) || output.contains($0) })
    else { return false }
    var layer = EinsumDense(equation: equation, outputShape: result.dropFirst().map(\.value))
    var final = node.outputs[0], weights = [Weight(weight, [weightID])]
    // A bias over trailing axes.
    if let id = soleUser(final), source[id].op is AddOp, let other = source[id].input(source[id].input(0) == final ? 1 : 0),
      let bias = tensor(other), sameOwner(node, source[id]), valueType(source[id].outputs[0]) == valueType(final)
    {
      let shape = Array(bias.extents.drop { $0 == 1 })
      let trailing = Array(result.suffix(shape.count)).map(\.value)
      if !shape.isEmpty, shape.count < result.count, trailing == shape.map(Optional.some) {
        layer.biasAxes = String(output.suffix(shape.count))
        weights.append(Weight(bias.reshaped(shape), [other]))
        taken.insert(id)
        final = source[id].outputs[0]
      }
    }
    takeActivation(&layer.activation, &final, owner: node)
    values[final] = try add(layer, named: layerName(node, "einsum_dense"), [try resolve(x)], weights, result: final)
    return true
  }
}

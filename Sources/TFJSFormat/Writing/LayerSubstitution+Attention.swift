import ModelGraph
import ModelLayers
import ModelTensor

extension LayerSubstitution {
  /// Attention by products of matrices. TensorFlow.js multiplies tensors of three axes at most, so each head has layers of its own.
  mutating func attention(_ op: LayerOp, isCausal: Bool) throws -> ValueID? {
    let inputs = node.inputs.prefix(op.roles.count).compactMap { $0 }
    guard op.roles.allSatisfy(\.isEmpty), inputs.count == op.roles.count, inputs.count >= 2,
      inputs.allSatisfy({ tensor($0) == nil && rank($0) == 3 && type($0).dtype == .float32 }), let weights = weights(op)
    else { return nil }
    let (query, value, key) = (inputs[0], inputs[1], inputs.count > 2 ? inputs[2] : inputs[1])
    switch op.layer {
    case let layer as MultiHeadAttention: return try heads(layer, query, value, key, weights, isCausal)
    case let layer as Attention where layer.scoreMode == .dot:
      var scores = try dot(query, key, [2, 2])
      if layer.useScale {
        guard let scale = try weights.first?.array().doubles().first else { return nil }
        scores = try rescale(scores, scale)
      }
      return try weighted(scores, value, isCausal)
    case let layer as Attention:
      guard weights.count == (layer.useScale ? 2 : 1), let width = dims(query)?[2].value,
        let sum = try weights.last?.array().doubles().first
      else { return nil }
      let inner = layer.useScale ? try weights[0].array().doubles().first ?? 1 : 1
      return try additive(query, value, key, inner: inner, [Float](repeating: Float(sum), count: width), isCausal)
    case let layer as AdditiveAttention:
      guard let width = dims(query)?[2].value, !layer.useScale || weights.first?.elementCount == width else { return nil }
      let scale = try layer.useScale ? weights[0].array().doubles().map { Float($0) } : [Float](repeating: 1, count: width)
      return try additive(query, value, key, inner: 1, scale, isCausal)
    default: return nil
    }
  }

  private mutating func dot(_ a: ValueID, _ b: ValueID, _ axes: [Int]) throws -> ValueID {
    var layer = Dot()
    layer.axes = axes
    return try add(layer, [a, b])
  }

  private mutating func weighted(_ scores: ValueID, _ value: ValueID, _ isCausal: Bool) throws -> ValueID {
    try dot(try add(ActivationLayer(.softmax()), [isCausal ? try causal(scores) : scores]), value, [2, 1])
  }

  /// Scores, less a large number where a key comes later than the query. Their numbers have to be known.
  private mutating func causal(_ scores: ValueID) throws -> ValueID {
    guard let rows = dims(scores)?[1].value, let columns = dims(scores)?[2].value, rows <= 1 << 10, columns <= 1 << 10 else {
      throw GraphError(.missingType, "a causal mask of unknown extents")
    }
    let far = (0..<(rows * columns)).map { Float($0 % columns > $0 / columns ? -1e9 : 0) }
    let flat = try affine(try reshape(scores, [rows * columns]), offset: Tensor(NDArray(far, [rows * columns])), part: "causal")
    return try reshape(flat, [rows, columns])
  }

  /// The sum over `scale · tanh(inner · (query + key))`: each query beside each key, for which their numbers have to be known.
  private mutating func additive(
    _ query: ValueID, _ value: ValueID, _ key: ValueID, inner: Double, _ scale: [Float], _ isCausal: Bool
  ) throws -> ValueID? {
    guard let rows = dims(query)?[1].value, let columns = dims(key)?[1].value, rows > 0, columns > 0 else { return nil }
    var across = UpSampling2D(), down = UpSampling2D()
    (across.size, down.size) = ([1, columns], [rows, 1])
    let a = try add(across, [try reshape(query, [rows, 1, scale.count])])
    let b = try add(down, [try reshape(key, [1, columns, scale.count])])
    let curve = try add(ActivationLayer(.tanh), [try rescale(try add(Add(), [a, b]), inner)])
    let kernel = Tensor(NDArray(scale, [scale.count, 1]))
    let sums = try add(Dense(units: 1, useBias: false), [curve], [kernel], part: "score")
    return try weighted(try reshape(sums, [rows, columns]), value, isCausal)
  }

  private mutating func heads(
    _ layer: MultiHeadAttention, _ query: ValueID, _ value: ValueID, _ key: ValueID, _ weights: [Tensor],
    _ isCausal: Bool
  ) throws -> ValueID? {
    let step = layer.useBias ? 2 : 1, width = layer.valueDim ?? layer.keyDim
    guard layer.slidingWindow == nil, !layer.useGate, layer.attentionAxes ?? [1] == [1], (layer.outputShape?.count ?? 1) == 1,
      weights.count == 4 * step, layer.heads >= 1, layer.heads <= 64, layer.keyDim > 0
    else { return nil }
    func project(_ x: ValueID, _ projection: Int, _ head: Int, _ size: Int, _ name: String) throws -> ValueID {
      let kernel = weights[projection * step]
      guard let count = dims(x)?[2].value, kernel.extents == [count, layer.heads, size] else {
        throw GraphError(.shapeMismatch, "a projection with a kernel of shape \(kernel.extents)")
      }
      var parts = [Self.slice(kernel.reshaped([count, layer.heads * size]), axis: 1, head * size, size)]
      if layer.useBias {
        parts.append(Self.slice(weights[projection * step + 1].reshaped([layer.heads * size]), axis: 0, head * size, size))
      }
      return try add(Dense(units: size, useBias: layer.useBias), [x], parts, part: "head_\(head)_\(name)")
    }
    var results: [ValueID] = []
    for head in 0..<layer.heads {
      let q = try project(query, 0, head, layer.keyDim, "query"), k = try project(key, 1, head, layer.keyDim, "key")
      let scores = try rescale(try dot(q, k, [2, 2]), 1 / Double(layer.keyDim).squareRoot())
      results.append(try weighted(scores, try project(value, 2, head, width, "value"), isCausal))
    }
    let joined = results.count == 1 ? results[0] : try add(Concatenate(axis: -1), results)
    guard let size = weights[3 * step].extents.last else { return nil }
    var output = [weights[3 * step].reshaped([layer.heads * width, size])]
    if layer.useBias { output.append(weights[3 * step + 1]) }
    return try add(Dense(units: size, useBias: layer.useBias), [joined], output, part: "output")
  }

  /// Some of a matrix's columns or of a vector's elements.
  static func slice(_ tensor: Tensor, axis: Int, _ start: Int, _ count: Int) -> Tensor {
    let extents = tensor.extents, width = extents.last ?? 1, rows = axis == 0 ? 1 : extents.first ?? 1
    return tensor.mapped(to: TensorType(tensor.dtype, axis == 0 ? [count] : [rows, count])) { array in
      let all = array.doubles()
      return NDArray(
        (0..<rows).flatMap { row in (0..<count).map { Float(all[row * width + start + $0]) } }, axis == 0 ? [count] : [rows, count])
    }
  }
}

import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

extension LayerSubstitution {
  /// What an operation of `keras.ops` is as layers.
  mutating func operation() throws -> ValueID? {
    guard let x = input(0) else { return nil }
    if let function = function(of: node.op) {
      guard tensor(x) == nil, let rank = rank(x), rank >= 2 else { return nil }
      switch function {
      case .softmax(let axis) where axis == rank - 1: return try apply(.softmax(), x)
      case .logSoftmax(let axis) where axis == rank - 1: return try apply(.logSoftmax(), x)
      default: return try apply(function, x)
      }
    }
    switch node.op {
    case is AddOp, is SubOp, is MulOp, is DivOp, is MaximumOp, is MinimumOp: return try arithmetic()
    case is ConcatOp: return try concatenation()
    case let op as MatMulOp: return try product(op)
    default: break
    }
    guard tensor(x) == nil, let dims = dims(x), dims.count >= 2 else { return nil }
    switch node.op {
    case is NegOp: return try rescale(x, -1)
    case is SquareOp: return try add(Multiply(), [x, x])
    case is PowOp:
      guard let power = scalar(input(1)), power == 2 || power == 3 else { return nil }
      return try add(Multiply(), Array(repeating: x, count: Int(power)))
    case is ClipOp:
      guard let low = scalar(input(1)), let high = scalar(input(2)), high > low else { return nil }
      return try rescale(try relu(try rescale(x, 1, -low), max: high - low), 1, low)
    case is ReshapeOp, is FlattenOp, is SqueezeOp, is UnsqueezeOp: return try reshaping(x, dims)
    case let op as TransposeOp: return op.permutation.first == 0 ? try permute(x, op.permutation) : nil
    case let op as ReduceOp: return try reduction(op, x, dims)
    default: return nil
    }
  }

  private func scalar(_ value: ValueID?) -> Double? {
    guard let tensor = tensor(value), tensor.elementCount == 1, tensor.dtype.isFloatingPoint || tensor.dtype.isInteger else { return nil }
    return (try? tensor.array())?.doubles().first
  }

  /// One number for each index of the last axis.
  private func vector(_ value: ValueID, for x: ValueID) -> Tensor? {
    guard let tensor = tensor(value), tensor.dtype == .float32, let channels = dims(x)?.last?.value, tensor.elementCount == channels,
      tensor.extents.last == channels, tensor.extents.count <= rank(x) ?? 0
    else { return nil }
    return tensor.reshaped([channels])
  }

  private static func mapped(_ tensor: Tensor, _ function: @escaping @Sendable (Float) -> Float) -> Tensor {
    tensor.mapped(to: tensor.type) { array in NDArray(array.doubles().map { function(Float($0)) }, array.shape) }
  }

  // MARK: Arithmetic

  private mutating func arithmetic() throws -> ValueID? {
    guard let a = input(0), let b = input(1) else { return nil }
    if tensor(a) == nil, tensor(b) == nil { return try merge(a, b) }
    let isTurned = tensor(b) == nil
    let (x, constant) = isTurned ? (b, a) : (a, b)
    guard tensor(x) == nil, let rank = rank(x), rank >= 2, type(x).dtype == .float32 else { return nil }
    if let number = scalar(constant), tensor(constant).map({ $0.extents.count <= rank }) ?? false {
      switch node.op {
      case is AddOp: return try rescale(x, 1, number)
      case is SubOp: return isTurned ? try rescale(x, -1, number) : try rescale(x, 1, -number)
      case is MulOp: return try rescale(x, number)
      case is DivOp: return isTurned || number == 0 ? nil : try rescale(x, 1 / number)
      case is MaximumOp: return try rescale(try relu(try rescale(x, 1, -number)), 1, number)
      case is MinimumOp: return try rescale(try relu(try rescale(x, -1, number)), -1, number)
      default: return nil
      }
    }
    guard let vector = vector(constant, for: x) else { return nil }
    switch node.op {
    case is AddOp: return try affine(x, offset: vector)
    case is SubOp: return isTurned ? try affine(try rescale(x, -1), offset: vector) : try affine(x, mean: vector)
    case is MulOp: return try affine(x, scale: vector)
    case is DivOp: return isTurned ? nil : try affine(x, scale: Self.mapped(vector) { 1 / $0 })
    default: return nil
    }
  }

  private mutating func merge(_ a: ValueID, _ b: ValueID) throws -> ValueID? {
    guard let p = dims(a), let q = dims(b), p.count == q.count, p.count >= 2, p[0] == q[0], type(a).dtype == .float32,
      type(b).dtype == .float32
    else { return nil }
    switch node.op {
    case is AddOp: return try add(Add(), [a, b])
    case is SubOp: return try add(Add(), [a, try rescale(b, -1)])
    case is MulOp: return try add(Multiply(), [a, b])
    case is MaximumOp: return try add(Maximum(), [a, b])
    case is MinimumOp: return try add(Minimum(), [a, b])
    default: return nil
    }
  }

  // MARK: Others

  private mutating func concatenation() throws -> ValueID? {
    let values = node.inputs.compactMap { $0 }
    guard let op = node.op as? ConcatOp, values.count == node.inputs.count, values.count >= 2, values.allSatisfy({ tensor($0) == nil }),
      let rank = rank(values[0]), case let axis = try normalizeAxis(op.axis, rank: rank), axis > 0
    else { return nil }
    return try add(Concatenate(axis: axis), values)
  }

  private mutating func product(_ op: MatMulOp) throws -> ValueID? {
    guard !op.transposeA, let a = input(0), let b = input(1), tensor(a) == nil, let p = rank(a), let q = rank(b) else { return nil }
    if let kernel = tensor(b) {
      guard !op.transposeB, p >= 2, q == 2, kernel.dtype == .float32 else { return nil }
      return try add(Dense(units: kernel.extents[1], useBias: false), [a], [kernel])
    }
    guard p == 3, q == 3 else { return nil }
    var layer = Dot()
    layer.axes = [2, op.transposeB ? 2 : 1]
    return try add(layer, [a, b])
  }

  /// What leaves samples whole.
  private mutating func reshaping(_ x: ValueID, _ dims: [Dim]) throws -> ValueID? {
    guard let target = self.dims(node.outputs[0]), target.count >= 2 else { return nil }
    let old = dims.dropFirst().map(\.value), new = target.dropFirst().map(\.value)
    if let before = Self.product(old), let after = Self.product(new), before == after { return try reshape(x, new.compactMap { $0 }) }
    // An open axis that stays one: only axes of extent 1 come and go.
    guard node.op is SqueezeOp || node.op is UnsqueezeOp, dims[0] == target[0], new.count(where: { $0 == nil }) == 1,
      old.filter({ $0 != 1 }) == new.filter({ $0 != 1 })
    else { return nil }
    return try reshape(x, new.map { $0 ?? -1 })
  }
  private static func product(_ extents: [Int?]) -> Int? {
    let known = extents.compactMap { $0 }
    return known.count == extents.count ? checkedProduct(known) : nil
  }

  /// Means and maxima over all spatial axes.
  private mutating func reduction(_ op: ReduceOp, _ x: ValueID, _ dims: [Dim]) throws -> ValueID? {
    guard let axes = try op.axes?.map({ try normalizeAxis($0, rank: dims.count) }).sorted(), axes == Array(1..<(dims.count - 1)),
      type(x).dtype == .float32, [.mean, .max].contains(op.kind), let channels = dims.last?.value
    else { return nil }
    let isMean = op.kind == .mean
    let pooled: ValueID
    switch dims.count {
    case 3: pooled = try add(isMean ? GlobalAveragePooling1D() as any Layer : GlobalMaxPooling1D(), [x])
    case 4: pooled = try add(isMean ? GlobalAveragePooling2D() as any Layer : GlobalMaxPooling2D(), [x])
    default: return nil
    }
    return op.keepDims ? try reshape(pooled, Array(repeating: 1, count: dims.count - 2) + [channels]) : pooled
  }
}

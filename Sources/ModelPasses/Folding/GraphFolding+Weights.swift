import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

/// Up to here a result may be larger than what it is made of.
private let smallBytes = 2048
/// Up to here constants are computed at once.
private let eagerBytes = 1 << 16
/// A sum of sizes, which stays at more than anything holds: joined constants that nobody has computed may claim any size.
private func added(_ a: Int, _ b: Int) -> Int {
  let (sum, overflow) = a.addingReportingOverflow(b)
  return overflow ? 1 << 60 : min(sum, 1 << 60)
}

extension GraphFolding {
  /// A constant or parameter for each result of a node whose inputs are all known; `nil` leaves the node alone.
  mutating func fold(_ id: NodeID) throws -> [ValueID]? {
    let node = context.graph[id]
    // A list stays what makes it: places that nothing has been put in have no constant form.
    guard isFoldable(node.op), !node.outputs.contains(where: { context.graph[$0].type.dtype == .variant }) else { return nil }
    guard !isMadeOfKeptWeights(node) else { return nil }
    var tensors: [Tensor?] = [], real = 0, all = 0, usesVirtual = false
    for input in node.inputs {
      guard let input else {
        tensors.append(nil)
        continue
      }
      if let tensor = context.model.tensor(input, in: context.graph) {
        real = added(real, tensor.source.byteCount)
        all = added(all, tensor.source.byteCount)
        tensors.append(tensor)
      } else if let tensor = virtual[input] {
        usesVirtual = true
        all = added(all, tensor.source.byteCount)
        tensors.append(tensor)
      } else {
        return nil
      }
    }
    guard !tensors.isEmpty || node.op is ConstantOfShapeOp else { return nil }
    if let key = key(of: node), let same = known[key] { return same }

    guard let results = try evaluate(node, tensors, bytes: all) else { return nil }
    let size = results.reduce(0) { added($0, $1.source.byteCount) }
    let limit = usesVirtual ? 2 * real + (1 << 16) : max(real, smallBytes)
    guard size <= (storesBroadcasts ? max(limit, 1 << 28) : limit) else {
      if node.outputs.count == 1, size <= 1 << 28 { virtual[node.outputs[0]] = results[0] }
      return nil
    }
    let values = zip(node.outputs, results).map { store($1, for: node, output: $0) }
    if let key = key(of: node) { known[key] = values }
    return values
  }

  private func isMadeOfKeptWeights(_ node: Node) -> Bool {
    guard keepsParameters || !keepsWeightsOf.isEmpty else { return false }
    return node.inputs.contains { input in
      guard let input, case .parameter(let id) = context.graph[input].definition else { return false }
      if keepsParameters { return true }
      var scope = context.model[id].scope
      for _ in 0..<32 {
        guard let current = scope else { return false }
        if keepsWeightsOf.contains(context.model[current].kind) { return true }
        scope = context.model[current].parent
      }
      return false
    }
  }

  private func isFoldable(_ op: any Op) -> Bool {
    guard op is any PrimitiveOp || op is any CompositeOp else { return false }
    let family = type(of: op).family
    if op is FakeQuantOp { return roundsWeights }
    return !(op is LayerOp) && family != .random && family != .quantization && family != .recurrent
  }

  /// What tells two foldable nodes apart.
  private func key(of node: Node) -> String? {
    var parts = [node.op.displayName]
    for (name, value) in node.op.attributes {
      if case .tensor = value { return nil }
      parts.append("\(name)=\(value)")
    }
    for input in node.inputs {
      guard let input else {
        parts.append("-")
        continue
      }
      if case .constant = context.graph[input].definition, let elements = context.graph[input].elements {
        parts.append("\(context.graph[input].type)\(elements)")
      } else {
        parts.append("#\(input.raw)")
      }
    }
    return parts.joined(separator: "|")
  }

  /// Floats made of a parameter are a parameter.
  private mutating func store(_ tensor: Tensor, for node: Node, output: ValueID) -> ValueID {
    let name = context.graph[output].name
    var parents: [ParameterID] = []
    for case let input? in node.inputs {
      if case .parameter(let id) = context.graph[input].definition { parents.append(id) }
    }
    guard let first = parents.first, tensor.dtype.isFloatingPoint else { return context.graph.addConstant(tensor, name: name) }
    let isAlone = Set(parents.map { context.model[$0].name }).count == 1
    let parameter = Parameter(
      name: isAlone ? context.model[first].name : name, tensor: tensor,
      isTrainable: parents.contains { context.model[$0].isTrainable }, scope: context.model[first].scope)
    return context.graph.addParameter(context.model.add(parameter), of: context.model)
  }

  // MARK: Evaluation

  /// The results, lazily where they are large; `nil` when they can't be told beforehand.
  private func evaluate(_ node: Node, _ inputs: [Tensor?], bytes: Int) throws -> [Tensor]? {
    let types = node.outputs.map { context.graph[$0].type }
    if types.count == 1, let x = inputs.first ?? nil, let moved = Self.move(node.op, x, inputs, to: types[0]) { return [moved] }
    let isSmall = types.allSatisfy { type in
      type.shape.elementCount.map { $0 <= eagerBytes / (type.dtype.arrayStride ?? 8) } ?? true
    }
    if bytes <= eagerBytes, isSmall {
      do {
        let arrays = try inputs.map { try $0?.array() }
        return try Self.compute(node.op, arrays).prefix(types.count).map { Tensor($0) }
      } catch is ExecutionError { return nil } catch is GraphError { return nil }
    }
    guard types.count == 1, let count = types[0].shape.elementCount, isReliable(node.op, inputs),
      types[0].dtype.byteCount(of: count) != nil
    else { return nil }
    let op = node.op
    return [
      Tensor(computing: types[0].unquantized) {
        guard let result = try Self.compute(op, try inputs.map { try $0?.array() }).first else {
          throw ExecutionError(.noKernel, "\(op.displayName) has no result")
        }
        return result
      }
    ]
  }

  static func compute(_ op: any Op, _ inputs: [NDArray?]) throws -> [NDArray] {
    var eager = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
    return try eager.apply(op, to: inputs)
  }

  /// Whether computing it later is sure to succeed.
  private func isReliable(_ op: any Op, _ inputs: [Tensor?]) -> Bool {
    guard inputs.allSatisfy({ $0.map { $0.dtype.bitWidth ?? 0 >= 8 } ?? true }) else { return false }
    if Self.isMove(op) { return true }
    switch op {
    case is CastOp: return inputs.allSatisfy { $0.map { $0.dtype != .string } ?? true }
    // Weights are normalised by PyTorch's `batch_norm` in standardised convolutions.
    case is any ArithmeticOp, is any UnaryElementwiseOp, is ReduceOp, is BatchNormalizationOp, is FakeQuantOp:
      return inputs.allSatisfy { $0.map { $0.dtype == .float32 || $0.dtype == .float64 } ?? true }
    default: return false
    }
  }

  /// Whether an op gives elements that it was given, and no others.
  static func isMove(_ op: any Op) -> Bool {
    switch op {
    case is TransposeOp, is ReshapeOp, is SliceOp, is ConcatOp, is GatherOp, is PadOp, is ReverseOp, is ExpandOp, is TileOp,
      is ConstantOfShapeOp, is SqueezeOp, is UnsqueezeOp, is FlattenOp, is IdentityOp:
      true
    default: false
    }
  }

  /// Ops that only move bytes, without loading any.
  static func move(_ op: any Op, _ x: Tensor, _ inputs: [Tensor?], to type: TensorType) -> Tensor? {
    guard x.dtype.bitWidth ?? 0 >= 8, x.dtype != .string, let extents = type.shape.extents, type.dtype == x.dtype else {
      return nil
    }
    switch op {
    case let op as TransposeOp: return x.transposed(op.permutation)
    case is ReshapeOp, is SqueezeOp, is UnsqueezeOp, is FlattenOp, is IdentityOp:
      return checkedProduct(extents) == x.elementCount ? x.reshaped(extents) : nil
    case is SliceOp: return leadingSlice(x, inputs, extents)
    case let op as ConcatOp: return leadingConcat(op, inputs.compactMap { $0 })
    default: return nil
    }
  }

  /// A slice along the first axis that is longer than 1 is a range of bytes.
  private static func leadingSlice(_ x: Tensor, _ inputs: [Tensor?], _ extents: [Int]) -> Tensor? {
    guard inputs.count >= 3, extents.count == x.extents.count, x.elementCount > 0 else { return nil }
    func ints(_ index: Int) -> [Int]? {
      guard index < inputs.count, let tensor = inputs[index] else { return nil }
      return (try? tensor.array())?.integers()
    }
    let cut = x.extents.indices.filter { x.extents[$0] != extents[$0] }
    guard cut.count == 1, let axis = cut.first, x.extents[..<axis].allSatisfy({ $0 == 1 }), let starts = ints(1), let ends = ints(2)
    else { return nil }
    let axes = ints(3) ?? Array(starts.indices), steps = ints(4) ?? starts.map { _ in 1 }
    let normal = axes.map { $0 < 0 ? $0 + extents.count : $0 }
    guard let place = normal.firstIndex(of: axis), starts.indices.contains(place), ends.count == starts.count,
      steps.count == starts.count, steps.allSatisfy({ $0 == 1 })
    else { return nil }
    let extent = x.extents[axis]
    let start = max(0, min(extent, starts[place] < 0 ? starts[place] + extent : starts[place]))
    guard start + extents[axis] <= extent else { return nil }
    let flat = x.reshaped([extent] + x.extents[(axis + 1)...])
    return flat.rows(start..<(start + extents[axis])).reshaped(extents)
  }

  /// So is a concatenation along it.
  private static func leadingConcat(_ op: ConcatOp, _ parts: [Tensor]) -> Tensor? {
    guard let first = parts.first else { return nil }
    let rank = first.extents.count, axis = op.axis < 0 ? op.axis + rank : op.axis
    guard axis >= 0, axis < rank,
      parts.allSatisfy({ $0.extents.count == rank && $0.dtype == first.dtype && $0.extents[..<axis].allSatisfy { $0 == 1 } })
    else { return nil }
    guard let joined = Tensor.joined(parts.map { $0.reshaped(Array($0.extents[axis...])) }) else { return nil }
    return joined.reshaped(Array(repeating: 1, count: axis) + joined.extents)
  }
}

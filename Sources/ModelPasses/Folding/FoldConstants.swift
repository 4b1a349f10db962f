import ModelGraph
import ModelOps
import ModelTensor

/// Computes what is known before anything runs, and drops what does nothing.
///
///     kernel ── Transpose ─┐                            kernelᵀ (lazy) ─┐
///     x ── Shape ── Gather │                                            │
///     x ── Reshape(…) ── MatMul ── Identity ── y    becomes   x ── MatMul ── y
///
/// - Weights stay where they are: a transpose, reshape, slice or concatenation of parameters is a parameter whose
///   tensor is a lazy transform. Nothing is loaded.
/// - Small constants and everything made of known extents are computed at once.
/// - Nothing is folded that would take more room than what it was made of: repeated and broadcast constants stay ops,
///   unless what they are joined into is little larger than the weights in it.
/// - Quantised weights stay quantised, random numbers random.
/// - Images resized to a multiple of their own extents are resized by that factor.
/// - Initial states of zeros are left out.
/// - Reshapes to a computed shape become reshapes to `[0, −1, 8]` where the extents are provably those of the input.
public struct FoldConstants: Pass {
  public let name = "fold-constants"
  /// Whether repeated and broadcast constants are stored too: for formats whose weights must be weights.
  public var storesBroadcasts: Bool
  /// Kinds of layers whose weights are not rearranged: for formats whose variables are to be the layer's own.
  public var keepsWeightsOf: Set<String> = []
  /// Whether nothing is made of parameters: for models whose parameters go on changing.
  public var keepsParameters = false
  /// Whether weights are rounded as quantisation-aware training rounds them in each run: for formats in which nothing is trained.
  public var roundsWeights = false
  public init(storesBroadcasts: Bool = false) { self.storesBroadcasts = storesBroadcasts }

  /// Whether floats are computed from weights alone, as they are or moved, and by more than moving them.
  static func isNeeded(_ model: Model) -> Bool {
    model.graphs.values.contains { graph in
      var moved: Set<ValueID> = []
      for case let node? in graph.nodeSlots where !node.inputs.isEmpty && node.outputs.count == 1 && node.bodies.isEmpty {
        guard node.inputs.allSatisfy({ $0.map { moved.contains($0) || model.tensor($0, in: graph) != nil } ?? true }) else { continue }
        if node.op is any ArithmeticOp || node.op is any UnaryElementwiseOp || node.op is FakeQuantOp {
          if graph[node.outputs[0]].type.dtype.isFloatingPoint { return true }
        } else if GraphFolding.isMove(node.op) {
          moved.insert(node.outputs[0])
        }
      }
      return false
    }
  }

  public func run(_ model: inout Model) throws {
    for id in model.graphs.keys {
      // What one walk makes known, another may use further up; that ends soon.
      for _ in 0..<4 {
        guard let graph = model.graphs[id] else { break }
        var folding = GraphFolding(model, graph, pass: name, storesBroadcasts: storesBroadcasts)
        folding.keepsWeightsOf = keepsWeightsOf
        folding.keepsParameters = keepsParameters
        folding.roundsWeights = roundsWeights
        do { try folding.run() } catch let error as GraphError { throw error.within("graph \(id)") }
        guard folding.isChanged else { break }
        folding.context.handOver(id, to: &model)
      }
    }
    try RemoveDeadCode().run(&model)
  }
}

/// One graph, folded from its inputs to its outputs.
struct GraphFolding {
  var context: GraphContext
  let pass: String
  var isChanged = false
  /// What stands in for values that were folded or passed by.
  var replacements: [ValueID: ValueID] = [:]
  /// Values whose facts became sharper.
  private var sharpened: Set<ValueID> = []
  /// Broadcast constants that are too large to be stored, but known.
  var virtual: [ValueID: Tensor] = [:]
  /// Folded values by what they were made of, so that what is shared stays shared.
  var known: [String: [ValueID]] = [:]

  let storesBroadcasts: Bool
  var keepsWeightsOf: Set<String> = []
  var keepsParameters = false
  var roundsWeights = false

  init(_ model: Model, _ graph: Graph, pass: String, storesBroadcasts: Bool = false) {
    context = GraphContext(model, graph: graph)
    self.pass = pass
    self.storesBroadcasts = storesBroadcasts
  }

  mutating func run() throws {
    for id in try context.graph.order() {
      var node = context.graph[id]
      let inputs = node.inputs.map { $0.map { replacements[$0] ?? $0 } }
      if zip(inputs, node.inputs).contains(where: { $0 != $1 }) {
        node.inputs = inputs
        context.graph[id] = node
        isChanged = true
      }
      if inputs.contains(where: { $0.map(sharpened.contains) ?? false }) { try sharpen(id) }
      if try foldKnownElements(id) { continue }
      if let same = try passThrough(id) {
        replace(node.outputs[0], by: same)
        continue
      }
      if let folded = try fold(id) {
        for (old, new) in zip(node.outputs, folded) { replace(old, by: new) }
        continue
      }
      try simplifyShape(id)
      try simplifySizes(id)
      dropZeroStates(id)
    }
    guard isChanged else { return }
    context.graph.replaceUses(replacements)
    context.graph.removeDeadNodes()
  }

  mutating func replace(_ old: ValueID, by new: ValueID) {
    replacements[old] = new
    sharpened.insert(new)
    isChanged = true
  }

  func fact(_ value: ValueID) -> Fact { context.fact(of: value) }

  /// Infers a node's results anew.
  mutating func sharpen(_ id: NodeID) throws {
    let node = context.graph[id]
    guard !(node.op is any BodyOp), !(node.op is OpaqueOp) else { return }
    let facts = node.inputs.map { $0.map { fact($0) } }
    let types: [TensorType]
    do { types = try node.op.infer(facts) } catch let error as GraphError where error.code == .missingType { return }
    let elements = node.op.inferElements(facts)
    for (index, output) in node.outputs.enumerated() where index < types.count {
      let old = context.graph[output]
      let type = types[index].refined(by: old.type)
      let inferred = index < elements.count ? elements[index] : nil
      guard type != old.type || inferred != nil && inferred != old.elements else { continue }
      context.graph[output].type = type
      if let inferred { context.graph[output].elements = inferred }
      sharpened.insert(output)
    }
  }

  /// An integer vector or scalar whose elements are all known is a constant, and so is a small identity matrix.
  private mutating func foldKnownElements(_ id: NodeID) throws -> Bool {
    let node = context.graph[id]
    guard !node.outputs.isEmpty, !(node.op is any BodyOp) else { return false }
    if let eye = node.op as? EyeLikeOp, let x = node.inputs.first ?? nil, let shape = fact(x).type.shape.extents, shape.count == 2,
      let count = checkedProduct(shape), count <= 1 << 16
    {
      let matrix = EyeLikeOp(dtype: eye.dtype ?? fact(x).type.dtype, k: eye.k), like = NDArray([UInt8](repeating: 0, count: count), shape)
      let array = try matrix.evaluate([like], in: ExecutionContext(primitives: ReferencePrimitives()))[0]
      replace(node.outputs[0], by: context.graph.addConstant(Tensor(array), name: context.graph[node.outputs[0]].name))
      return true
    }
    var constants: [NDArray] = []
    for output in node.outputs {
      let value = context.graph[output]
      guard value.type.dtype == .int64 || value.type.dtype == .int32, let rank = value.type.shape.rank, rank <= 1,
        let elements = Fact(value.type, elements: value.elements).integers
      else { return false }
      let shape = rank == 0 ? [] : [elements.count]
      guard rank == 1 || elements.count == 1 else { return false }
      if value.type.dtype == .int64 {
        constants.append(NDArray(elements.map(Int64.init), shape))
      } else {
        guard elements.allSatisfy({ Int32(exactly: $0) != nil }) else { return false }
        constants.append(NDArray(elements.map(Int32.init(truncatingIfNeeded:)), shape))
      }
    }
    for (output, array) in zip(node.outputs, constants) {
      replace(output, by: context.graph.addConstant(Tensor(array), name: context.graph[output].name))
    }
    return true
  }
}

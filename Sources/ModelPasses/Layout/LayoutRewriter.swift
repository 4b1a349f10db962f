import ModelGraph
import ModelOps
import ModelTensor

/// Rebuilds one graph with its values' axes in other orders; see `ConvertLayout`.
struct LayoutRewriter {
  let pass: ConvertLayout
  let source: Graph
  var context: GraphContext
  let uses: [ValueID: [NodeID]]
  /// What stands for each value of the old graph, by the order of its axes.
  private var forms: [ValueID: [Permutation: ValueID]] = [:]
  /// The order in which each value was computed.
  private var native: [ValueID: Permutation] = [:]
  private var leaves: [LeafKey: ValueID] = [:]
  /// Values whose name something in the new graph has. What a transpose only renamed has none until it is made.
  private var named: Set<ValueID> = []
  /// Flattened tensors whose elements stand in another order: the extents behind the batch, and that order.
  var flattened: [ValueID: (extents: [Int], order: Permutation)] = [:]

  private struct LeafKey: Hashable {
    var value: ValueID, permutation: Permutation
  }

  init(_ model: Model, _ graph: Graph, to pass: ConvertLayout) {
    self.pass = pass
    source = graph
    context = GraphContext(model, graph: Graph(name: graph.name))
    uses = graph.uses()
  }

  mutating func run() throws {
    for port in source.inputs {
      let value = source[port.value]
      let new = context.graph.addInput(port.name, value.type)
      context.graph[new].name = value.name
      context.graph[new].elements = value.elements
      define(port.value, new, .identity(value.type.shape.rank ?? 0))
      named.insert(port.value)
    }
    for id in try source.order() {
      let node = source[id]
      context.scope = node.scope
      context.origin = node.origin
      do { try rewrite(node) } catch let error as GraphError where error.path.isEmpty {
        throw error.within("node \(node.name) (\(node.op.displayName))")
      }
    }
    for port in source.outputs { context.graph.addOutput(port.name, try plain(port.value)) }
    context.graph.states = source.states
  }

  private mutating func rewrite(_ node: Node) throws {
    if let spatial = SpatialForm(node.op) { return try rewrite(node, spatial) }
    if try rewriteNormalization(node) { return }
    if try rewriteAxes(node) { return }
    if try rewriteOperands(node) { return }
    if try rewriteReshape(node) { return }
    if try rewriteMatMul(node) { return }
    try emit(node.op, node, try node.inputs.map { try $0.map { try plain($0) } }, [])
  }

  // MARK: Values

  func type(_ value: ValueID) -> TensorType { source[value].type }
  func rank(_ value: ValueID) -> Int? { source[value].type.shape.rank }
  func isLeaf(_ value: ValueID) -> Bool {
    switch source[value].definition {
    case .constant, .parameter: true
    case .input, .result: false
    }
  }
  func integers(_ value: ValueID?) -> [Int]? { value.flatMap { context.model.fact($0, in: source).integers } }

  /// The order in which the value of a first input was computed.
  func order(_ value: ValueID) -> Permutation { native[value] ?? .identity(rank(value) ?? 0) }

  mutating func define(_ old: ValueID, _ new: ValueID, _ order: Permutation) {
    forms[old, default: [:]][order] = new
    if native[old] == nil { native[old] = order }
  }

  func has(_ value: ValueID, _ order: Permutation) -> Bool { isLeaf(value) || forms[value]?[order] != nil }

  /// A value in the order of the old graph.
  mutating func plain(_ value: ValueID) throws -> ValueID {
    try form(value, .identity(order(value).rank))
  }

  /// A value with its axes in a given order; transposed when it is not there yet.
  mutating func form(_ value: ValueID, _ wanted: Permutation) throws -> ValueID {
    if let known = forms[value]?[wanted] { return known }
    if isLeaf(value) { return try leaf(value, wanted) }
    guard var native = native[value], let base = forms[value]?[native] else {
      throw GraphError(.invalidStructure, "'\(source[value].name)' is used before it is computed")
    }
    if rank(value) == nil {
      // Whoever uses it knows the rank better; its axes stand as they did.
      if wanted.isIdentity { return base }
      native = .identity(wanted.rank)
    }
    guard native.rank == wanted.rank else {
      throw GraphError(.shapeMismatch, "'\(source[value].name)' of rank \(native.rank) is used as one of rank \(wanted.rank)")
    }
    let inverse = wanted.inverse
    let new = try transposed(base, (0..<native.rank).map { native[inverse[$0]] }, name: source[value].name)
    forms[value, default: [:]][wanted] = new
    if named.insert(value).inserted, context.graph.producer(of: new) != nil { context.graph[new].name = source[value].name }
    return new
  }

  /// A constant or parameter with its axes in a given order; a higher rank puts axes of extent 1 in front first.
  mutating func leaf(_ value: ValueID, _ wanted: Permutation) throws -> ValueID {
    let key = LeafKey(value: value, permutation: wanted)
    if let known = leaves[key] { return known }
    guard let tensor = context.model.tensor(value, in: source) else {
      throw GraphError(.invalidStructure, "'\(source[value].name)' is no constant")
    }
    let missing = wanted.rank - tensor.extents.count
    var moved = tensor
    if !wanted.isIdentity || missing > 0 {
      guard missing >= 0, tensor.dtype.bitWidth ?? 0 >= 8 else {
        throw GraphError(.invalidStructure, "a \(tensor.dtype) constant can't be transposed")
      }
      if missing > 0 { moved = moved.reshaped(Array(repeating: 1, count: missing) + tensor.extents) }
      moved = moved.transposed(wanted.inverse.axes)
      // Axes of extent 1 in front that the operand did not have are of no use.
      let leading = moved.extents.prefix { $0 == 1 }.count
      if min(leading, missing) > 0 { moved = moved.reshaped(Array(moved.extents.dropFirst(min(leading, missing)))) }
    }
    let new: ValueID
    switch source[value].definition {
    case .parameter(let id) where wanted.isIdentity && missing <= 0:
      new = context.graph.addParameter(id, of: context.model, name: source[value].name)
    case .parameter(let id):
      var parameter = context.model[id]
      parameter.tensor = moved
      new = context.graph.addParameter(context.model.add(parameter), of: context.model, name: source[value].name)
    default: new = context.graph.addConstant(moved, name: source[value].name)
    }
    leaves[key] = new
    return new
  }

  /// A leaf that a rule has changed by other means.
  mutating func derived(_ value: ValueID, _ tensor: Tensor) -> ValueID {
    if case .parameter(let id) = source[value].definition {
      var parameter = context.model[id]
      parameter.tensor = tensor
      return context.graph.addParameter(context.model.add(parameter), of: context.model, name: source[value].name)
    }
    return context.graph.addConstant(tensor, name: source[value].name)
  }

  // MARK: Nodes

  /// The transpose of a value of the new graph; a reshape, when only axes of extent 1 move.
  mutating func transposed(_ value: ValueID, _ permutation: [Int], name: String) throws -> ValueID {
    if permutation == Array(0..<permutation.count) { return value }
    let origin = context.origin
    defer { context.origin = origin }
    context.origin.passes.append(pass.name)
    if let dims = context.graph[value].type.shape.dims, let shape = movedOnes(dims, permutation) {
      let constant = context.graph.addConstant(Tensor(NDArray(shape.map(Int64.init), [shape.count])), name: "\(name)/shape")
      return try context.append(ReshapeOp(), [value, constant], name: "\(name)/Reshape")[0]
    }
    return try context.append(TransposeOp(permutation: permutation), [value], name: "\(name)/Transpose")[0]
  }

  private func movedOnes(_ dims: [Dim], _ permutation: [Int]) -> [Int]? {
    let moving = permutation.filter { dims[$0] != 1 }
    guard moving == moving.sorted() else { return nil }
    var shape: [Int] = [], open = 0
    for (index, axis) in permutation.enumerated() {
      switch dims[axis] {
      case .fixed(let extent) where extent > 0: shape.append(extent)
      case .fixed: return nil
      default:
        if axis == index {
          shape.append(0)
        } else {
          shape.append(-1)
          open += 1
        }
      }
    }
    return open <= 1 ? shape : nil
  }

  /// Appends a node and says in which order its results are; `orders` left out are those of the old graph.
  mutating func emit(_ op: any Op, _ node: Node, _ inputs: [ValueID?], _ orders: [Permutation]) throws {
    let facts = inputs.map { $0.map { context.fact(of: $0) } }
    let old = node.outputs.map { source[$0] }
    let wanted = old.indices.map { (index: Int) -> Permutation in
      index < orders.count ? orders[index] : .identity(old[index].type.shape.rank ?? 0)
    }
    var types = zip(old, wanted).map { $1.arrange($0.type) }
    if let body = op as? any BodyOp {
      let inferred = try body.infer(facts, bodies: node.bodies.compactMap { context.model.graphs[$0] })
      types = zip(inferred, types).map { $0.refined(by: $1) }
    } else {
      do { types = zip(try op.infer(facts), types).map { $0.refined(by: $1) } } catch let error as GraphError
        where error.code == .missingType
      {}
    }
    let inferred = op.inferElements(facts)
    let elements = old.indices.map { (index: Int) -> [Dim]? in
      (index < inferred.count ? inferred[index] : nil) ?? old[index].elements
    }
    var origin = node.origin
    if wanted.contains(where: { !$0.isIdentity }) { origin.passes.append(pass.name) }
    let id = context.graph.append(
      op, inputs, types: types, names: old.map(\.name), elements: elements, name: node.name, bodies: node.bodies,
      scope: node.scope, origin: origin)
    for (index, new) in context.graph[id].outputs.enumerated() {
      define(node.outputs[index], new, wanted[index])
      named.insert(node.outputs[index])
    }
  }

  mutating func ints(_ values: [Int], name: String) -> ValueID {
    context.graph.addConstant(Tensor(NDArray(values.map(Int64.init), [values.count])), name: name)
  }
}

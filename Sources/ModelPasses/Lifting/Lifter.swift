import ModelGraph
import ModelLayers
import ModelOps
import ModelSupport
import ModelTensor

/// One graph on its way to layers: walks the old graph in order and builds the new one.
struct Lifter {
  let model: Model
  let source: Graph
  var context: GraphContext
  let uses: [ValueID: [NodeID]]
  private let results: Set<ValueID>
  /// What stands for the old graph's values.
  var values = Additions<ValueID, ValueID>()
  /// Old nodes that an earlier one's layer has taken in.
  var taken = TakenNodes()
  private var names: Set<String> = []
  private var counters: [String: Int] = [:]
  /// Names of the graph's results, for the layers that give them: a Keras model's results are known by those.
  private var resultNames: [ValueID: String] = [:]
  private var reserved: Set<String> = []
  private var layers: [String: SharedLayer] = [:]
  /// Layers of one configuration, whatever their weights.
  private var twins: [String: [SharedLayer]] = [:]
  private var constants: [ValueID: ValueID] = [:]
  private var holders: [ValueID: ValueID] = [:]
  private var zeroIndex: ValueID?
  /// Results of ops on constants.
  private var folded: [ValueID: Tensor] = [:]

  private struct SharedLayer {
    var name: String
    /// The name it was to have, before it was made unique.
    var wanted: String
    var scope: ScopeID
    var parameters: [ParameterID]
  }

  /// A weight on its way into a layer: bytes made from those of `sources`.
  struct Weight {
    var tensor: Tensor
    /// Which old values it is made of: the same ones make the same layer.
    var sources: [ValueID]
    init(_ tensor: Tensor, _ sources: [ValueID]) {
      self.tensor = tensor
      self.sources = sources
    }
  }

  init(_ model: Model, _ source: Graph) throws {
    self.model = model
    self.source = source
    var empty = model
    empty.graphs[model.main] = nil
    context = GraphContext(empty, graph: Graph(name: source.name))
    uses = source.uses()
    results = Set(source.outputs.map(\.value))
    for port in source.outputs where resultNames[port.value] == nil {
      resultNames[port.value] = Self.sanitized(port.name, or: "output")
    }
    reserved = Set(resultNames.values)
  }

  mutating func run() throws {
    for port in source.inputs {
      // An input keeps its name though a result has the same, which it may be itself.
      let wanted = Self.sanitized(port.name, or: "input")
      reserved.remove(wanted)
      let name = unique(wanted)
      let value = context.graph.addInput(name, source[port.value].type)
      context.graph[value].name = name
      values[port.value] = value
    }
    for id in try source.order() where !taken.contains(id) {
      let node = source[id]
      if fold(node) { continue }
      context.origin = node.origin
      context.origin.sources.append(node.name)
      context.origin.passes.append("lift-layers")
      if try !lift(node, id) { try copy(node) }
    }
    try addOutputs()
  }

  /// Takes what an op makes of constants for a constant, computed when its bytes are asked for: weights that were
  /// dequantised, transposed or filled in the graph.
  private mutating func fold(_ node: Node) -> Bool {
    guard !node.inputs.isEmpty, node.bodies.isEmpty, !(node.op is OpaqueOp), type(of: node.op).family != .random else { return false }
    var operands: [Tensor?] = []
    for input in node.inputs {
      guard let input else {
        operands.append(nil)
        continue
      }
      guard let tensor = tensor(input) else { return false }
      operands.append(tensor)
    }
    let types = node.outputs.map { source[$0].type }
    guard types.allSatisfy({ ($0.shape.elementCount ?? .max) <= 1 << 30 && $0.dtype.bitWidth != nil }) else { return false }
    let op = node.op, inputs = operands
    for (index, (output, type)) in zip(node.outputs, types).enumerated() {
      folded[output] = Tensor(computing: TensorType(type.dtype, type.shape)) {
        var context = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
        let results = try context.apply(op, to: try inputs.map { try $0?.array() })
        guard index < results.count else { throw GraphError(.invalidStructure, "\(op.displayName) gives \(results.count) results") }
        return results[index]
      }
    }
    return true
  }

  /// Tries every family; `false` leaves the node as it is.
  private mutating func lift(_ node: Node, _ id: NodeID) throws -> Bool {
    values.mark()
    taken.mark()
    do {
      switch type(of: node.op).family {
      case .convolution: return try liftConvolution(node)
      case .linear: return try liftLinear(node)
      case .normalization: return try liftNormalization(node)
      case .pooling: return try liftPooling(node)
      case .reduction: return try liftReduction(node)
      case .recurrent: return try liftRecurrent(node, id)
      case .activation: return try liftActivation(node)
      case .arithmetic: return try liftArithmetic(node, id)
      case .array: return try liftArray(node, id)
      case .image: return try liftImage(node)
      case .text: return try liftText(node)
      case .comparison: return try liftWord(node)
      default: return false
      }
    } catch is GraphError {
      // A layer that would not fit its tensors: the op itself is sure to.
      values.revert()
      taken.revert()
      return false
    }
  }

  // MARK: Looking at the old graph

  func valueType(_ id: ValueID) -> TensorType { source[id].type }
  func dims(_ id: ValueID) -> [Dim]? { source[id].type.shape.dims }
  func tensor(_ id: ValueID?) -> Tensor? { id.flatMap { folded[$0] ?? model.tensor($0, in: source) } }
  func isConstant(_ id: ValueID) -> Bool { tensor(id) != nil }
  func node(_ id: ValueID?) -> Node? { id.flatMap { source.producer(of: $0) }.map { source[$0] } }
  /// The one constant element of a value.
  func scalar(_ id: ValueID?) -> Double? {
    guard let id, let tensor = tensor(id), tensor.elementCount == 1 else { return nil }
    return (try? tensor.array())?.doubles().first
  }
  /// The one node that uses a value which is no output of the graph.
  func soleUser(_ id: ValueID) -> NodeID? {
    guard !results.contains(id), let users = uses[id], users.count == 1, !taken.contains(users[0]) else { return nil }
    return users[0]
  }
  func isUsed(_ id: ValueID) -> Bool { results.contains(id) || !(uses[id] ?? []).isEmpty }
  func isOutput(_ id: ValueID) -> Bool { results.contains(id) }

  /// What stands in front of the last slash of a node's name: the layer it is part of.
  static func owner(_ name: String) -> String {
    guard let slash = name.lastIndex(of: "/") else { return "" }
    return String(name[..<slash])
  }
  /// Whether two nodes are named as parts of one layer.
  func sameOwner(_ a: Node, _ b: Node) -> Bool {
    let owner = Self.owner(a.name)
    return owner.contains { $0 != "/" } && owner == Self.owner(b.name)
  }
  /// The last part of the owner's name, which tells what layer a node was: `re_lu_1`.
  func ownerName(_ node: Node) -> Substring { Self.owner(node.name).split(separator: "/").last ?? "" }

  // MARK: Names

  /// A name Keras takes: no slashes, nothing TensorFlow refuses in a scope.
  static func sanitized(_ name: String, or fallback: String) -> String {
    var result = ""
    for character in name {
      let isSafe = character.isASCII && (character.isLetter || character.isNumber) || "._-".contains(character)
      result.append(isSafe ? character : "_")
    }
    while let first = result.first, "_-.".contains(first) { result.removeFirst() }
    while let last = result.last, "_-.".contains(last) { result.removeLast() }
    return result.isEmpty ? fallback : result
  }
  mutating func unique(_ name: String) -> String {
    var title = name, count = counters[name] ?? 0
    if count > 0 { title = "\(name)_\(count)" }
    while reserved.contains(title) || !names.insert(title).inserted {
      count += 1
      title = "\(name)_\(count)"
    }
    // Thousands may ask for the same: the search goes on where it ended.
    counters[name] = count
    return title
  }
  /// The name of what makes an old value first of all: the graph's own name for it, if it is a result.
  private mutating func unique(_ name: String, for value: ValueID?) -> String {
    if let value, let title = resultNames[value], reserved.remove(title) != nil, names.insert(title).inserted { return title }
    return unique(name)
  }
  /// The name of the layer that a node becomes.
  func layerName(_ node: Node, _ className: String) -> String {
    var owner = Self.owner(node.name)
    // An op that was made of an op: `gru/GRU/GRU`.
    while let last = owner.split(separator: "/").last, owner.split(separator: "/").count > 1,
      last.prefix(while: { $0 != "_" }) == node.op.displayName.prefix(while: { $0 != "_" }), last.first?.isUppercase == true
    { owner = Self.owner(owner) }
    let whole = owner.contains { $0 != "/" } ? owner : node.name
    return Self.sanitized(whole, or: className.lowercased())
  }

  // MARK: Building the new graph

  mutating func resolve(_ id: ValueID?) throws -> ValueID? {
    guard let id else { return nil }
    return try resolve(id)
  }
  mutating func resolve(_ id: ValueID) throws -> ValueID {
    if let known = values[id] { return known }
    guard let tensor = tensor(id) else {
      throw GraphError(.invalidStructure, "'\(source[id].name)' is used before it is computed")
    }
    if isWeight(id), tensor.dtype.isFloatingPoint, tensor.elementCount > Self.smallWeight {
      return try holder(id, tensor)
    }
    if let known = constants[id] { return known }
    let value = context.graph.addConstant(tensor, name: source[id].name)
    constants[id] = value
    return value
  }

  private func isWeight(_ id: ValueID) -> Bool {
    if case .parameter = source[id].definition { return true }
    return folded[id] != nil
  }

  /// Weights of at most so many elements that no layer takes are constants.
  static let smallWeight = 32

  /// A weight that no layer takes, as one of a layer of its own: row 0 of an Embedding of one row, whose index is a 0
  /// made from the model's first input, so that Keras sees a call. It trains, and it loads without custom classes.
  private mutating func holder(_ id: ValueID, _ tensor: Tensor) throws -> ValueID {
    if let known = holders[id] { return known }
    let origin = context.origin
    defer { context.origin = origin }
    guard let index = try makeZeroIndex() else { return context.graph.addConstant(tensor, name: source[id].name) }
    var layer = Embedding()
    layer.inputDim = 1
    layer.outputDim = tensor.elementCount
    let name = Self.sanitized(source[id].name, or: "weight")
    let rows = try add(
      layer, named: name, [index], [Weight(tensor.reshaped([1, tensor.elementCount]), [id])], result: nil)
    let shaped = try context.reshape(rows, tensor.extents)
    nameNode(of: shaped, "\(name)_reshape")
    holders[id] = shaped
    return shaped
  }
  private mutating func makeZeroIndex() throws -> ValueID? {
    if let zeroIndex { return zeroIndex }
    let isNumeric = { (port: Port) in ![DType.string, .variant, .resource].contains(context.fact(of: port.value).type.dtype) }
    guard let port = context.graph.inputs.first(where: isNumeric) else { return nil }
    var x = port.value
    if context.fact(of: x).type.dtype == .bool { x = try context.cast(x, to: .int32) }
    // Nothing is less than itself, NaN neither.
    let never = try context.apply(LessOp(), x, x)
    let any = context.fact(of: never).type.shape.rank == 0 ? never : try context.reduce(.any, never, axes: nil)
    let index = try context.cast(any, to: .int32)
    for (value, name) in [(never, "weight_index_less"), (any, "weight_index_any"), (index, "weight_index")] { nameNode(of: value, name) }
    zeroIndex = index
    return index
  }

  /// Names the node that made a new value, uniquely.
  mutating func nameNode(of value: ValueID, _ name: String) {
    guard let producer = context.graph.producer(of: value) else { return }
    let name = unique(Self.sanitized(name, or: "operation"))
    context.graph[producer].name = name
    context.graph[value].name = name
  }

  /// Appends a call of a layer. The same layer with the same weights is shared.
  /// - Parameters:
  ///   - inputs: new values, in the order of `roles`.
  ///   - result: the old value it makes, if it makes one.
  mutating func add(
    _ layer: any Layer, named name: String, _ inputs: [ValueID], _ weights: [Weight], roles: [String]? = nil, result: ValueID?
  ) throws -> ValueID {
    try addAll(layer, named: name, inputs, weights, roles: roles, results: [result])[0]
  }

  mutating func addAll(
    _ layer: any Layer, named name: String, _ inputs: [ValueID], _ weights: [Weight], roles: [String]? = nil, policy: DTypePolicy? = nil,
    results: [ValueID?]
  ) throws -> [ValueID] {
    let types = inputs.map { context.fact(of: $0).type }
    let className = type(of: layer).className
    let dtype = types.first.map(\.dtype).flatMap { $0.isFloatingPoint ? $0 : nil } ?? weights.first?.tensor.dtype ?? .float32
    let op = LayerOp(
      layer, policy: policy ?? DTypePolicy(variable: weights.first?.tensor.dtype ?? dtype, compute: dtype),
      roles: roles ?? inputs.map { _ in "" })
    let kind = className + " " + op.attributes.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
    let key = kind + " " + weights.flatMap(\.sources).map { String($0.raw) }.joined(separator: ",")
    let specs = weights.isEmpty ? [] : try layer.weights(for: types)
    guard specs.count == weights.count, zip(specs, weights).allSatisfy({ $0.shape == $1.tensor.extents }) else {
      throw GraphError(.shapeMismatch, "\(className) takes weights \(specs.map(\.shape)), not \(weights.map(\.tensor.extents))")
    }
    let facts = inputs.map { context.fact(of: $0) } + weights.map { Fact($0.tensor.type) }
    let inferred = try op.infer(facts)
    for (old, new) in zip(results, inferred) {
      guard let old else { continue }
      let expected = source[old].type
      guard expected.dtype == new.dtype, expected.shape.rank == nil || new.shape.rank == nil || expected.shape.rank == new.shape.rank else {
        throw GraphError(.shapeMismatch, "\(className) would make \(new), not \(expected)")
      }
      for (a, b) in zip(expected.shape.dims ?? [], new.shape.dims ?? []) {
        if let a = a.value, let b = b.value, a != b { throw GraphError(.shapeMismatch, "\(className) would make \(new), not \(expected)") }
      }
    }
    let shared: SharedLayer
    if !weights.isEmpty, let known = try layers[key] ?? twin(kind, name, weights) {
      shared = known
    } else {
      let wanted = name, name = unique(wanted, for: results.first ?? nil)
      let scope = context.model.add(Scope(name: name, kind: className))
      let parameters = zip(specs, weights).map { spec, weight in
        context.model.add(
          Parameter(name: "\(name)/\(spec.name)", tensor: weight.tensor, isTrainable: spec.isTrainable, scope: scope))
      }
      shared = SharedLayer(name: name, wanted: wanted, scope: scope, parameters: parameters)
      layers[key] = shared
      if !weights.isEmpty { twins[kind, default: []].append(shared) }
    }
    context.scope = shared.scope
    defer { context.scope = nil }
    let weightValues = shared.parameters.map { context.graph.addParameter($0, of: context.model) }
    let types_ = inferred.enumerated().map { index, type -> TensorType in
      guard index < results.count, let old = results[index] else { return type }
      return TensorType(type.dtype, source[old].type.shape.rank == nil ? type.shape : source[old].type.shape)
    }
    let id = context.graph.append(
      op, inputs + weightValues, types: types_, name: shared.name, scope: shared.scope, origin: context.origin)
    return context.graph[id].outputs
  }

  /// A layer of the same name and configuration whose weights are the same bytes: a call of it, whose weights an
  /// earlier pass has copied. Equal bytes alone would make one of any two fresh layers.
  private func twin(_ kind: String, _ name: String, _ weights: [Weight]) throws -> SharedLayer? {
    try twins[kind]?.first { layer in
      guard layer.wanted == name, layer.parameters.count == weights.count else { return false }
      return try zip(layer.parameters, weights).allSatisfy { try context.model[$0].tensor.hasSameBytes(as: $1.tensor) }
    }
  }

  /// Applies a canonical op under a name of its own.
  mutating func apply(_ op: any Op, _ inputs: [ValueID?], named name: String) throws -> ValueID {
    let values = try context.append(op, inputs, name: unique(Self.sanitized(name, or: op.displayName.lowercased())))
    guard let first = values.first else { throw GraphError(.invalidStructure, "\(op.displayName) has no result") }
    return first
  }

  /// Leaves an op as it is.
  mutating func copy(_ node: Node) throws {
    let inputs = try node.inputs.map { try resolve($0) }
    let old = node.outputs.map { source[$0] }
    let name = unique(Self.sanitized(node.name, or: node.op.displayName.lowercased()), for: node.outputs.first)
    let id = context.graph.append(
      node.op, inputs, types: old.map(\.type), names: old.indices.map { $0 == 0 ? name : "\(name):\($0)" },
      elements: old.map(\.elements), name: name, bodies: node.bodies, origin: context.origin)
    for (from, to) in zip(node.outputs, context.graph[id].outputs) { values[from] = to }
  }

  private mutating func addOutputs() throws {
    var used: Set<String> = []
    for port in source.outputs {
      var value = try resolve(port.value)
      context.origin = Origin(passes: ["lift-layers"])
      if context.graph.producer(of: value) == nil {
        // An input as an output passes through a layer.
        if isConstant(port.value), let index = try makeZeroIndex() {
          let dtype = valueType(port.value).dtype
          let zero = try context.cast(index, to: dtype), name = unique(Self.sanitized(port.name, or: "output"), for: port.value)
          value = try context.append(dtype == .bool ? LogicalOrOp() : AddOp(), [value, zero], name: name)[0]
        } else {
          value = try add(Identity(), named: Self.sanitized(port.name, or: "output"), [value], [], result: port.value)
        }
      }
      let base = context.graph.producer(of: value).map { context.graph[$0].name } ?? port.name
      var name = base, count = 1
      while !used.insert(name).inserted {
        name = "\(base)_\(count)"
        count += 1
      }
      context.graph.addOutput(name, value)
    }
  }
}

extension Tensor {
  /// Whether both hold the same elements. Most that differ do so at once, so the first bytes are looked at first.
  fileprivate func hasSameBytes(as other: Tensor) throws -> Bool {
    guard type == other.type, source.byteCount == other.source.byteCount else { return false }
    let count = source.byteCount
    func equal(_ range: Range<Int>) throws -> Bool {
      var result = true
      try source.withBytes(in: range) { a in
        try other.source.withBytes(in: range) { b in result = a.elementsEqual(b) }
      }
      return result
    }
    guard try equal(0..<min(count, 4096)) else { return false }
    return try count <= 4096 || equal(4096..<count)
  }
}

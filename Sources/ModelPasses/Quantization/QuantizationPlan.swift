import ModelGraph
import ModelOps
import ModelTensor

/// Which nodes of a graph of whole operators are quantised, and which type every value gets.
///
/// The order of decisions is TensorFlow's: ranges are dropped where an operator fixes or shares them, forwards through operators
/// of one operand, backwards through those of several; what is left is spread until nothing changes. Where an operator then
/// meets a value of another type, the value is requantised.
struct QuantizationPlan {
  /// A value as operators of one dtype see it.
  struct Key: Hashable {
    var value: ValueID
    var dtype: DType
  }
  /// One operator.
  struct Entry {
    var id: NodeID
    var op: any Op
    var activation: FusedActivation
    var specification: OperatorSpecification
    var scheme: LayerScheme
    var dtype: DType
    /// The places of the operands that stand for numbers; weights and biases among them.
    var operands: [Int]
    /// The places of float results.
    var results: [Int]
  }

  let model: Model
  let graph: Graph
  let order: [NodeID]
  var ranges: [ValueID: ValueRange]
  private(set) var entries: [NodeID: Entry] = [:]
  private(set) var reasons: [NodeID: String] = [:]
  private(set) var types: [Key: QuantizedType] = [:]
  private var fixed: Set<Key> = []
  /// Operands that keep a quantisation of their own although their operator asks for its result's.
  private var whole: [NodeID: Set<Key>] = [:]
  /// What is computed for the initial states of LSTMs alone.
  let initialStates: Set<ValueID>

  /// - Parameter scheme: what each node (by its name and operator) is to become.
  init(_ model: Model, _ graph: Graph, ranges: [ValueID: ValueRange], scheme: (Node, String) -> LayerScheme) throws {
    self.model = model
    self.graph = graph
    self.ranges = ranges
    order = try graph.order()
    initialStates = Self.initialStates(graph, order)
    for id in order {
      let node = graph[id], op = node.wholeOp
      guard touchesFloats(node), !makesState(node) else { continue }
      let wanted = scheme(node, op.displayName)
      guard wanted != .float, let dtype = wanted.activations else { continue }
      do { entries[id] = try entry(id, node, wanted, dtype) } catch let reason as Refusal { reasons[id] = reason.text }
    }
    widenNarrowResults()
    keepWhole()
    settle()
  }

  /// The greater (or lesser, or selected) of two numbers may leave out much of what either is: an operand that others need whole keeps its
  /// own quantisation, and is brought to that of the result.
  private mutating func keepWhole() {
    let uses = graph.uses(), ports = Set(graph.outputs.map(\.value))
    for id in order {
      guard let entry = entries[id], entry.specification.sharesQuantization, prefersResult(entry), !(entry.op is ConcatOp),
        let result = resultKeys(entry).first, let range = ranges[result.value]
      else { continue }
      for operand in operandKeys(entry) where isNeededWhole(operand.value, uses, ports) {
        guard let own = ranges[operand.value], own.low < range.low || own.high > range.high else { continue }
        whole[id, default: []].insert(operand)
      }
    }
  }

  /// Whether others than the one that clamps it see a value, or what it shares its quantisation with: through operators that only move
  /// numbers, clamping goes as well before as behind, but not through means and interpolation.
  private func isNeededWhole(_ value: ValueID, _ uses: [ValueID: [NodeID]], _ ports: Set<ValueID>) -> Bool {
    var waiting = [value], seen: Set<ValueID> = []
    while let value = waiting.popLast() {
      guard seen.insert(value).inserted, constant(value) == nil else { continue }
      if ports.contains(value) || uses[value, default: []].count > 1 { return true }
      guard let id = graph.producer(of: value), let maker = entries[id], maker.specification.sharesQuantization else { continue }
      if let pool = maker.op as? PoolOp, pool.kind == .average { return true }
      if let resize = maker.op as? ResizeOp, resize.mode != .nearest { return true }
      waiting += activations(maker).compactMap { graph[id].inputs[$0] }
    }
    return false
  }

  struct Refusal: Error { var text: String }

  /// Whether a node takes or gives float32 values that are no constants.
  func touchesFloats(_ node: Node) -> Bool {
    // These ask for extents only.
    if node.op is ShapeOp || node.op is SizeOp { return false }
    let inputs = node.inputs.contains { $0.map { isActivation($0) } ?? false }
    return inputs || node.outputs.contains { graph[$0].type.dtype == .float32 }
  }
  private func isActivation(_ value: ValueID) -> Bool { graph[value].type.dtype == .float32 && model.tensor(value, in: graph) == nil }
  func constant(_ value: ValueID) -> Tensor? { model.tensor(value, in: graph) }
  func range(of value: ValueID) -> ValueRange? { ranges[value] }

  private func entry(_ id: NodeID, _ node: Node, _ scheme: LayerScheme, _ dtype: DType) throws -> Entry {
    let op = node.wholeOp, activation = (node.op as? QuantizedOp)?.activation ?? .none
    guard node.bodies.isEmpty else { throw Refusal(text: "it has a body of its own") }
    let weightRank = node.inputs.count > 1 ? node.inputs[1].flatMap { graph[$0].type.shape.rank } : nil
    guard let specification = OperatorSpecification.of(op, weightRank: weightRank) else {
      throw Refusal(text: "LiteRT has no kernel for integers")
    }
    if let cell = op as? SequenceLSTMOp, let reason = reasonForFloats(cell, node) { throw Refusal(text: reason) }
    guard specification.dtypes.contains(dtype) else { throw Refusal(text: "LiteRT has no kernel for \(dtype)") }
    switch activation {
    case .none: break
    case .relu, .relu6, .reluN1To1: guard specification.takesActivation else { throw Refusal(text: "its activation can't be fused") }
    default: throw Refusal(text: "its activation \(activation.rawValue) has no kernel for integers")
    }
    if op is PadOp, node.inputs.count > 2, let filler = node.inputs[2], constant(filler) == nil {
      throw Refusal(text: "what it pads with is computed")
    }
    let operands = node.inputs.indices.filter { index in
      node.inputs[index].map { graph[$0].type.dtype == .float32 && op.isData(operand: index) } ?? false
        && (!(op is SequenceLSTMOp) || index == SequenceLSTMOp.Input.x)
    }
    let results = node.outputs.indices.filter { graph[node.outputs[$0]].type.dtype == .float32 && (!(op is SequenceLSTMOp) || $0 == 0) }
    guard !operands.isEmpty else { throw Refusal(text: "it takes no numbers that could be quantised") }
    if let weights = specification.weights {
      guard operands.contains(weights.operand), let value = node.inputs[weights.operand], let tensor = constant(value) else {
        throw Refusal(text: "its weights are computed")
      }
      guard tensor.dtype == .float32 else { throw Refusal(text: "its weights are \(tensor.dtype)") }
    }
    if let place = specification.bias, place < node.inputs.count, let bias = node.inputs[place], constant(bias) == nil {
      throw Refusal(text: "its bias is computed")
    }
    for index in operands where index != specification.weights?.operand && index != specification.bias {
      guard let tensor = node.inputs[index].flatMap({ constant($0) }) else { continue }
      guard try WeightQuantization.isFinite(tensor) else { throw Refusal(text: "it takes a constant that is not finite") }
    }
    let values = operands.compactMap { node.inputs[$0] } + results.map { node.outputs[$0] }
    for value in values where constant(value) == nil && ranges[value] == nil {
      let isFixed = specification.fixedResult != nil && results.contains { node.outputs[$0] == value }
      guard !isFixed else { continue }
      throw Refusal(text: "no range was recorded for '\(graph[value].name)'")
    }
    return Entry(
      id: id, op: op, activation: activation, specification: specification, scheme: scheme, dtype: dtype, operands: operands,
      results: results)
  }

  // MARK: Types

  /// The operands that are no weights and no bias.
  func activations(_ entry: Entry) -> [Int] {
    entry.operands.filter { $0 != entry.specification.weights?.operand && $0 != entry.specification.bias }
  }
  private func operandKeys(_ entry: Entry) -> [Key] {
    activations(entry).compactMap { graph[entry.id].inputs[$0] }.filter { constant($0) == nil }.map { Key(value: $0, dtype: entry.dtype) }
  }
  func resultKeys(_ entry: Entry) -> [Key] { entry.results.map { Key(value: graph[entry.id].outputs[$0], dtype: entry.dtype) } }
  /// Whether several numbers meet, so that the result's range counts.
  func prefersResult(_ entry: Entry) -> Bool { activations(entry).count > 1 }

  private mutating func settle() {
    let listed = order.compactMap { entries[$0] }
    var users: [Key: [Entry]] = [:], makers: [Key: Entry] = [:], keys: [Key] = [], seen: Set<Key> = []
    for entry in listed {
      for key in operandKeys(entry) {
        users[key, default: []].append(entry)
        if seen.insert(key).inserted { keys.append(key) }
      }
      for key in resultKeys(entry) {
        makers[key] = entry
        if seen.insert(key).inserted { keys.append(key) }
      }
    }
    let redundant = dropped(keys, users, makers)
    for entry in listed {
      for key in resultKeys(entry) {
        if let type = entry.specification.fixedResult?(entry.dtype) { (types[key], _) = (type, fixed.insert(key)) }
      }
      // What is taken from a table has been seen, else the table's own range holds.
      guard entry.specification.sharesQuantization, !prefersResult(entry), let place = activations(entry).first,
        let value = graph[entry.id].inputs[place], let tensor = constant(value)
      else { continue }
      for key in resultKeys(entry) where ranges[key.value] == nil { ranges[key.value] = try? WeightQuantization.range(tensor) }
    }
    for key in keys where !redundant.contains(key) && types[key] == nil {
      guard let range = ranges[key.value] else { continue }
      types[key] = range.quantizedActivation(as: key.dtype)
      fixed.insert(key)
    }
    spread(listed)
    for key in keys where types[key] == nil { types[key] = ranges[key.value]?.quantizedActivation(as: key.dtype) }
  }

  /// The values whose ranges don't count.
  private func dropped(_ keys: [Key], _ users: [Key: [Entry]], _ makers: [Key: Entry]) -> Set<Key> {
    var redundant: Set<Key> = [], waiting = keys, visited: Set<Key> = []
    while let key = waiting.popLast() {
      if makers[key]?.specification.fixedResult != nil { redundant.insert(key) }
      guard visited.insert(key).inserted else { continue }
      for user in users[key] ?? [] where user.specification.sharesQuantization && !prefersResult(user) {
        for result in resultKeys(user) {
          redundant.insert(result)
          waiting.append(result)
        }
      }
    }
    // With 16 bits TensorFlow requantises what is concatenated instead.
    waiting = keys.filter { !redundant.contains($0) && $0.dtype == .int8 }
    visited = []
    while let key = waiting.popLast() {
      guard visited.insert(key).inserted, let maker = makers[key], maker.specification.sharesQuantization else { continue }
      for operand in operandKeys(maker) where !(whole[maker.id]?.contains(operand) ?? false) {
        redundant.insert(operand)
        waiting.append(operand)
      }
    }
    return redundant
  }

  /// Gives the values around operators that share their quantisation the type of the one that has one.
  ///
  /// Where several numbers meet, the result tells: an operand's own type may be far too narrow for another. It is taken only where
  /// nothing else is known.
  private mutating func spread(_ listed: [Entry]) {
    var isChanged = true, rounds = 0, isGuessing = false
    while isChanged || !isGuessing, rounds <= 2 * listed.count + 2 {
      isGuessing = !isChanged
      isChanged = false
      rounds += 1
      for entry in listed.reversed() where entry.specification.sharesQuantization {
        let operands = operandKeys(entry).filter { !(whole[entry.id]?.contains($0) ?? false) }, results = resultKeys(entry)
        guard let type = shared(operands, results, isGuessing) else { continue }
        for key in operands + results where types[key] == nil {
          types[key] = type
          isChanged = true
        }
        if isGuessing, isChanged { break }
      }
    }
  }

  private func shared(_ operands: [Key], _ results: [Key], _ isGuessing: Bool) -> QuantizedType? {
    func known(_ keys: [Key], _ isFixed: Bool) -> QuantizedType? {
      keys.lazy.filter { fixed.contains($0) == isFixed }.compactMap { types[$0] }.first
    }
    if operands.count > 1 {
      if let type = known(results, true) ?? known(results, false) { return type }
      return isGuessing ? known(operands, true) ?? known(operands, false) : nil
    }
    return known(operands, true) ?? known(results, true) ?? known(operands, false) ?? known(results, false)
  }

  /// The type in which an operator computes that shares it among operands and results.
  func sharedType(_ entry: Entry) -> QuantizedType? {
    guard entry.specification.sharesQuantization else { return nil }
    let results = resultKeys(entry)
    if !prefersResult(entry) {
      if let key = operandKeys(entry).first { return types[key] }
      return results.first.flatMap { types[$0] }
    }
    return results.first.flatMap { types[$0] }
  }
}

extension Node {
  /// The op, without the activation behind it.
  var wholeOp: any Op {
    guard let whole = op as? QuantizedOp, whole.isFloat else { return op }
    return whole.op
  }
}

extension Op {
  /// Whether an operand stands for numbers: others are indices, bounds, factors.
  func isData(operand index: Int) -> Bool {
    switch self {
    case is ResizeOp, is TopKOp, is ReduceOp, is ClipOp, is PadOp: index == 0
    default: true
    }
  }
}

import ModelGraph
import ModelOps
import ModelTensor

/// Control flow of a graph that is trained: branches and loops are run on tensors, so that tapes see what they compute.
///
/// A loop is written out: how often it runs must follow from what is known when a step is traced. Of a branch whose condition is not known then,
/// both sides are computed.
final class ControlLayer: Layer {
  let op: any BodyOp
  private let bodies: [Graph]
  private let source: ModelGraph.Model
  private let variables: [ParameterID: Variable]

  init(_ op: any BodyOp, bodies: [Graph], of source: ModelGraph.Model, variables: [ParameterID: Variable], name: String) {
    self.op = op
    self.bodies = bodies
    self.source = source
    self.variables = variables
    super.init(name: name)
    for (_, variable) in variables.sorted(by: { $0.key < $1.key }) { adopt(variable, trainable: variable.isTrainable) }
    isBuilt = true
  }
  override var className: String { op.displayName }

  override func call(_ inputs: [Tensor], training: Bool) throws -> [Tensor] {
    switch op {
    case is CallOp: return try run(0, inputs)
    case is IfOp: return try branch(inputs)
    case let op as WhileOp: return try loop(inputs, op.stateCount)
    case let op as LoopOp: return try loop(inputs, op)
    case let op as ScanOp: return try scan(inputs, op)
    default: throw TensorError(.notSupported, "'\(name)' (\(op.displayName)) can't be trained")
    }
  }

  private static let turnLimit = 1 << 16

  /// What a body computes.
  private func run(_ index: Int, _ inputs: [Tensor]) throws -> [Tensor] {
    guard bodies.indices.contains(index), bodies[index].inputs.count == inputs.count else {
      throw TensorError(.invalidArgument, "'\(name)' has no body \(index) for \(inputs.count) values")
    }
    let graph = bodies[index]
    var values: [ValueID: Tensor] = [:]
    for (port, input) in zip(graph.inputs, inputs) { values[port.value] = input }
    func value(_ id: ValueID) throws -> Tensor {
      if let known = values[id] { return known }
      if case .parameter(let parameter) = graph[id].definition, let variable = variables[parameter] { return variable.tensor }
      guard let tensor = source.tensor(id, in: graph) else {
        throw TensorError(.invalidArgument, "'\(graph[id].name)' is used before it is computed")
      }
      let made = Tensor(try tensor.array())
      values[id] = made
      return made
    }
    for id in try graph.order() {
      let node = graph[id]
      let operands = try node.inputs.map { try $0.map(value) }
      let results: [Tensor]
      if let inner = node.op as? any BodyOp {
        guard operands.allSatisfy({ $0 != nil }) || inner is LoopOp else {
          throw TensorError(.notSupported, "'\(node.name)' leaves values out")
        }
        let layer = ControlLayer(
          inner, bodies: node.bodies.compactMap { source.graphs[$0] }, of: source, variables: variables, name: node.name)
        results = try layer.call(operands.compactMap { $0 }, training: false)
      } else {
        results = try Dispatch.apply(node.op, to: operands)
      }
      for (output, result) in zip(node.outputs, results) { values[output] = result }
    }
    return try graph.outputs.map { try value($0.value) }
  }

  private func truth(_ tensor: Tensor) throws -> Bool {
    guard !tensor.isSymbolic else {
      throw TensorError(.notSupported, "'\(name)' (\(op.displayName)): how often it runs depends on the data, so it can't be trained")
    }
    return try tensor.item() != 0
  }

  private func branch(_ inputs: [Tensor]) throws -> [Tensor] {
    guard let condition = inputs.first else { throw TensorError(.invalidArgument, "'\(name)' has no condition") }
    let captures = Array(inputs.dropFirst())
    if !condition.isSymbolic { return try run(try truth(condition) ? 0 : 1, captures) }
    let flag = try condition.reshape([])
    return try zip(try run(0, captures), try run(1, captures)).map { try Tensor.where(flag, $0, $1) }
  }

  private func loop(_ inputs: [Tensor], _ count: Int) throws -> [Tensor] {
    guard count >= 0, inputs.count >= count else { throw TensorError(.invalidArgument, "'\(name)' with \(inputs.count) values") }
    var states = Array(inputs.prefix(count)), turns = 0
    let captures = Array(inputs.dropFirst(count))
    while let goesOn = try run(0, states + captures).first, try truth(goesOn) {
      states = try run(1, states + captures)
      turns += 1
      guard turns <= Self.turnLimit else { throw TensorError(.notSupported, "'\(name)' runs more than \(Self.turnLimit) times") }
    }
    return states
  }

  private func loop(_ inputs: [Tensor], _ op: LoopOp) throws -> [Tensor] {
    // Trip count and condition stand in front, given or not.
    guard inputs.count >= 2 + op.carriedCount else { throw TensorError(.notSupported, "'\(name)' without a trip count or a condition") }
    guard !inputs[0].isSymbolic else { return [try truthOfCount()] }
    let limit = try inputs[0].item()
    var goesOn = try truth(inputs[1]), carried = Array(inputs[2..<(2 + op.carriedCount)]), turn = 0
    let captures = Array(inputs.dropFirst(2 + op.carriedCount))
    var slices = [[Tensor]](repeating: [], count: op.scanTypes.count)
    while goesOn, Double(turn) < limit {
      let results = try run(0, [Tensor(NDArray(scalar: Int64(turn))), Tensor(NDArray(scalar: goesOn))] + carried + captures)
      guard results.count == 1 + op.carriedCount + slices.count else {
        throw TensorError(.invalidArgument, "'\(name)' gives too few values")
      }
      goesOn = try truth(results[0])
      carried = Array(results[1..<(1 + op.carriedCount)])
      for index in slices.indices { slices[index].append(results[1 + op.carriedCount + index]) }
      turn += 1
      guard turn <= Self.turnLimit else { throw TensorError(.notSupported, "'\(name)' runs more than \(Self.turnLimit) times") }
    }
    return carried + (try slices.map { try Tensor.stack($0) })
  }
  private func truthOfCount() throws -> Tensor {
    throw TensorError(.notSupported, "'\(name)' (\(op.displayName)): how often it runs depends on the data, so it can't be trained")
  }

  private func scan(_ inputs: [Tensor], _ op: ScanOp) throws -> [Tensor] {
    let count = op.stateCount, tensors = Array(inputs.dropFirst(count).prefix(op.inputAxes.count))
    guard tensors.count == op.inputAxes.count, !tensors.isEmpty else {
      throw TensorError(.invalidArgument, "'\(name)' with \(inputs.count) values")
    }
    var states = Array(inputs.prefix(count))
    let captures = Array(inputs.dropFirst(count + tensors.count))
    let cut = try zip(tensors, zip(op.inputAxes, op.inputsReversed)).map { tensor, how in
      let parts = try tensor.unstack(axis: how.0)
      return how.1 ? Array(parts.reversed()) : parts
    }
    var slices = [[Tensor]](repeating: [], count: op.scanTypes.count)
    for step in 0..<(cut.map(\.count).min() ?? 0) {
      let results = try run(0, states + cut.map { $0[step] } + captures)
      guard results.count == count + slices.count else { throw TensorError(.invalidArgument, "'\(name)' gives too few values") }
      states = Array(results.prefix(count))
      for index in slices.indices { slices[index].append(results[count + index]) }
    }
    let stacks = try slices.enumerated().map { index, parts in
      try Tensor.stack(op.outputsReversed[index] ? parts.reversed() : parts, axis: op.outputAxes[index])
    }
    return states + stacks
  }
}

/// A layer some of whose operands are variables.
final class FedLayer: Layer {
  private let inner: Layer
  private let fed: [Variable?]
  init(_ inner: Layer, weights: [Variable?], name: String) {
    self.inner = inner
    fed = weights
    super.init(name: name)
    for case let weight? in weights { adopt(weight, trainable: weight.isTrainable) }
    track(inner)
    isBuilt = true
  }
  override var className: String { inner.className }
  override func call(_ inputs: [Tensor], training: Bool) throws -> [Tensor] {
    var given = inputs.makeIterator()
    let operands = try fed.map { variable -> Tensor in
      if let variable { return variable.tensor }
      guard let next = given.next() else { throw TensorError(.invalidArgument, "'\(name)' is called on too few tensors") }
      return next
    }
    return try inner.call(operands, training: training)
  }
}

import ModelGraph
import ModelOps
import ModelPasses
import ModelTensor

/// Lets what follows a convolution or a product happen as its results are stored.
///
///     x ── Conv ── BatchNorm ── Add ── Relu ── y      becomes      x ── Fused Conv ── y
///                               │                                       │
///                           residual                                residual
///
/// Taken along, in this order, each only when nothing else uses the value before it:
/// 1. a constant that is multiplied or added and has one element, or one for each output channel;
/// 2. a BatchNormalization over the output channels whose statistics are constants;
/// 3. one addition of another tensor (after which 1 and 2 end);
/// 4. a ReLU, a ReLU cut off at a constant, or SiLU (also written as `x · sigmoid(x)`).
///
/// A zero padding in front of a convolution becomes its own. Left alone: weights that are computed, dtypes other than
/// float32, and everything in a graph whose shapes have no rank.
struct FuseEpilogues: Pass {
  let name = "fuse-epilogues"

  func run(_ model: inout Model) throws {
    for id in model.graphs.keys {
      guard let graph = model.graphs[id] else { continue }
      var fusion = GraphFusion(model, graph, pass: name)
      try fusion.run()
      model.graphs[id] = fusion.graph
    }
  }
}

/// One graph in which nodes are fused.
private struct GraphFusion {
  let model: Model
  var graph: Graph
  let pass: String
  private var uses: [ValueID: [NodeID]]
  private var results: Set<ValueID>
  private var replacements: [ValueID: ValueID] = [:]

  init(_ model: Model, _ graph: Graph, pass: String) {
    self.model = model
    self.graph = graph
    self.pass = pass
    uses = graph.uses()
    results = Set(graph.outputs.map(\.value))
  }

  mutating func run() throws {
    for id in try graph.order() where graph.contains(id) {
      let node = graph[id]
      switch node.op {
      case is ConvOp: fuseConvolution(id)
      case is MatMulOp, is GemmOp: fuseProduct(id)
      case is MulOp: fuseSilu(id)
      default: break
      }
    }
    graph.replaceUses(replacements)
  }

  private func constant(_ value: ValueID?) -> Tensor? { value.flatMap { model.tensor($0, in: graph) } }
  private func type(_ value: ValueID) -> TensorType { graph[value].type }

  /// The node that alone uses `value`, which is no output.
  private func onlyUse(of value: ValueID) -> NodeID? {
    guard !results.contains(value), let users = uses[value], users.count == 1, graph.contains(users[0]) else { return nil }
    return users[0]
  }

  // MARK: Heads

  private mutating func fuseConvolution(_ id: NodeID) {
    var node = graph[id]
    guard var op = node.op as? ConvOp, node.inputs.count >= 2, let x = node.inputs[0], let w = constant(node.inputs[1]),
      w.dtype == .float32, type(x).dtype == .float32, let rank = type(x).shape.rank, rank == w.extents.count,
      let channels = op.outputChannels(w.extents)
    else { return }
    var absorbed: [NodeID] = []
    if let (padding, source, pad) = padding(before: x, op, rank: rank) {
      op.padding = padding
      node.inputs[0] = source
      absorbed.append(pad)
    }
    if node.inputs.count > 2, let bias = node.inputs[2], constant(bias)?.dtype != .float32 { return }
    finish(id, node, .convolution(op), channels: channels, channelAxis: op.layout.channelAxis(rank: rank), rank: rank, absorbed)
  }

  private mutating func fuseProduct(_ id: NodeID) {
    var node = graph[id]
    guard node.inputs.count >= 2, let a = node.inputs[0], let b = constant(node.inputs[1]), type(a).dtype == .float32,
      b.dtype == .float32, b.extents.count == 2, let rank = type(a).shape.rank, rank >= 2
    else { return }
    let transposeB: Bool
    switch node.op {
    case let op as MatMulOp where !op.transposeA: transposeB = op.transposeB
    case let op as GemmOp where !op.transposeA && op.alpha == 1:
      transposeB = op.transposeB
      if node.inputs.count > 2, let c = node.inputs[2], op.beta != 0 {
        // The bias becomes the first link of the chain.
        let columns = b.extents[transposeB ? 0 : 1]
        guard op.beta == 1, let bias = constant(c), bias.dtype == .float32, bias.elementCount == 1 || bias.elementCount == columns,
          bias.extents.last == columns || bias.elementCount == 1
        else { return }
      } else if node.inputs.count > 2 {
        node.inputs.removeLast()
      }
    default: return
    }
    finish(
      id, node, .product(transposeB: transposeB), channels: b.extents[transposeB ? 0 : 1], channelAxis: rank - 1, rank: rank, [])
  }

  /// The convolution's padding with that of a constant zero padding in front.
  private func padding(before x: ValueID, _ op: ConvOp, rank: Int) -> (Padding, ValueID, NodeID)? {
    guard let id = graph.producer(of: x), onlyUse(of: x) != nil, let pad = graph[id].op as? PadOp, pad.mode == .constant else { return nil }
    let inputs = graph[id].inputs
    guard inputs.count >= 2, let source = inputs[0], let amounts = try? constant(inputs[1])?.array().integers() else { return nil }
    var axes = Array(0..<rank)
    if inputs.count > 3, let given = inputs[3] {
      guard let listed = try? constant(given)?.array().integers(), let normal = try? listed.map({ try normalizeAxis($0, rank: rank) }),
        Set(normal).count == normal.count
      else { return nil }
      axes = normal
    }
    guard amounts.count == 2 * axes.count else { return nil }
    var pads = [Int](repeating: 0, count: 2 * rank)
    for (index, axis) in axes.enumerated() {
      pads[axis] = amounts[index]
      pads[rank + axis] = amounts[axes.count + index]
    }
    if inputs.count > 2, let value = inputs[2] {
      guard let value = try? constant(value)?.array().doubles(), value.allSatisfy({ $0 == 0 }) else { return nil }
    }
    let spatial = op.layout.spatialAxes(rank: rank)
    guard pads.allSatisfy({ $0 >= 0 && $0 < 1 << 20 }),
      (0..<rank).allSatisfy({ spatial.contains($0) || pads[$0] == 0 && pads[rank + $0] == 0 })
    else { return nil }
    var before = spatial.map { pads[$0] }, after = spatial.map { pads[rank + $0] }
    switch op.padding {
    case .valid: break
    case .explicit(let front, let back):
      guard front.count == before.count, back.count == after.count else { return nil }
      for i in before.indices {
        before[i] += front[i]
        after[i] += back[i]
      }
    case .same, .sameLower: return nil
    }
    return (.explicit(before: before, after: after), source, id)
  }

  // MARK: The chain behind

  private mutating func finish(
    _ id: NodeID, _ node: Node, _ head: FusedOp.Head, channels: Int, channelAxis: Int, rank: Int, _ before: [NodeID]
  ) {
    guard node.outputs.count == 1 else { return }
    var inputs = node.inputs
    let headInputs = inputs.count
    var chain = EpilogueChain(channels: channels, channelAxis: channelAxis, rank: rank)
    var value = node.outputs[0]
    var absorbed = before + [id]
    while let next = onlyUse(of: value) ?? siluUse(of: value) {
      let user = graph[next]
      guard user.outputs.count == 1 else { break }
      if user.op is SigmoidOp {
        // x · sigmoid(x): both use the value.
        guard chain.activation == nil, let product = siluProduct(of: value, sigmoid: next) else { break }
        chain.activation = .silu
        absorbed += [next, product]
        value = graph[product].outputs[0]
        break
      }
      guard let link = chain.link(user, value, inputs: inputs.count, constant: constant) else { break }
      // The residual must be there already: it may not depend on what is fused.
      if case .residual(let other) = link {
        guard type(other).dtype == .float32, type(other).shape.rank == rank, sameShape(other, user.outputs[0]) else { break }
        inputs.append(other)
        chain.residual = inputs.count - 1
      } else if case .operands(let more) = link {
        inputs += more
      }
      absorbed.append(next)
      value = user.outputs[0]
      if chain.activation != nil { break }
    }
    guard absorbed.count > 1 || node.op is GemmOp || headInputs > 2 else { return }
    let op = FusedOp(head: head, headInputs: headInputs, chain: chain)
    let last = graph[value]
    let fused = graph.append(
      op, inputs, types: [last.type], names: [last.name], elements: [nil], name: node.name, scope: node.scope,
      origin: Origin(sources: node.origin.sources, passes: node.origin.passes + [pass]))
    let result = graph[fused].outputs[0]
    uses[result] = uses[value]
    if results.contains(value) { results.insert(result) }
    for case let input? in inputs { uses[input] = uses[input, default: []].filter { !absorbed.contains($0) } + [fused] }
    // Later matches look at the graph as it is now.
    for user in Set(uses[result] ?? []) where graph.contains(user) {
      graph[user].inputs = graph[user].inputs.map { $0 == value ? result : $0 }
    }
    for index in graph.outputs.indices where graph.outputs[index].value == value { graph.outputs[index].value = result }
    for dead in absorbed.reversed() { graph.remove(dead) }
  }

  /// Types alone can't promise equal extents when they are unknown; the kernel looks again.
  private func sameShape(_ a: ValueID, _ b: ValueID) -> Bool {
    guard let x = type(a).shape.dims, let y = type(b).shape.dims, x.count == y.count else { return false }
    return zip(x, y).allSatisfy { $0 == $1 || $0.value == nil || $1.value == nil }
  }

  /// The sigmoid of `x · sigmoid(x)`, when just the two use `value`.
  private func siluUse(of value: ValueID) -> NodeID? {
    guard !results.contains(value), let users = uses[value], Set(users).count == 2 else { return nil }
    return users.first { graph.contains($0) && graph[$0].op is SigmoidOp }
  }
  private func siluProduct(of value: ValueID, sigmoid: NodeID) -> NodeID? {
    guard let product = onlyUse(of: graph[sigmoid].outputs[0]), graph[product].op is MulOp, graph[product].outputs.count == 1 else {
      return nil
    }
    let operands = graph[product].inputs
    return operands == [value, graph[sigmoid].outputs[0]] || operands == [graph[sigmoid].outputs[0], value] ? product : nil
  }

  /// `x · sigmoid(x)` behind anything else.
  private mutating func fuseSilu(_ id: NodeID) {
    let node = graph[id]
    guard node.inputs.count == 2, let a = node.inputs[0], let b = node.inputs[1] else { return }
    for (x, y) in [(a, b), (b, a)] {
      guard let producer = graph.producer(of: y), graph[producer].op is SigmoidOp, graph[producer].inputs == [x], onlyUse(of: y) == id
      else { continue }
      graph[id].op = SiluOp()
      graph[id].inputs = [x]
      uses[x] = uses[x, default: []].filter { $0 != producer }
      graph.remove(producer)
      return
    }
  }
}

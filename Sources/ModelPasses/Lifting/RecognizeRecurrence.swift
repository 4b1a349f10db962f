import ModelGraph
import ModelOps
import ModelTensor

/// Puts LSTM, GRU and RNN in the place of loops that are one: ONNX's own operators know lengths but no
/// masks, so our writer says a masked layer of Keras as a `Scan`.
///
///     h′ = Where(mask_t, step(x_t·Wᵀ + b, h), h),  y_t = Where(mask_t, step(…), last output or 0)
///
/// Cells whose activations ONNX does not name are loops too, without masks.
///
/// The body is matched by what it computes, not by names. Loops that do anything else stay.
public struct RecognizeRecurrence: Pass {
  public let name = "recognize-recurrence"
  public init() {}

  public func run(_ model: inout Model) throws {
    for id in model.graphs.keys {
      guard let graph = model.graphs[id] else { continue }
      var context = GraphContext(model, graph: graph), replacements: [ValueID: ValueID] = [:]
      for nodeID in graph.nodeIDs where graph[nodeID].op is ScanOp {
        let node = graph[nodeID]
        guard let op = node.op as? ScanOp, let bodyID = node.bodies.first, let body = model.graphs[bodyID] else { continue }
        var attempt = context
        attempt.namePrefix = node.name
        attempt.origin = node.origin
        attempt.origin.passes.append(name)
        var match = ScanMatch(context: attempt, body: body, scan: op, node: node)
        guard let found = try match.replace() else { continue }
        context = match.context
        replacements.merge(found) { $1 }
      }
      guard !replacements.isEmpty else { continue }
      context.graph.replaceUses(replacements)
      context.graph.removeDeadNodes()
      model = context.model
      model.graphs[id] = context.graph
    }
    try RemoveDeadCode().run(&model)
  }
}

/// One loop, compared with what `RecurrentScan` of the ONNX writer makes.
private struct ScanMatch: ScanStep {
  var context: GraphContext
  let body: Graph
  let scan: ScanOp
  let node: Node
  var imported: [ValueID: ValueID] = [:]

  /// What a step of a cell was found to be.
  private struct Cell {
    var op: any Op
    var hidden: Int
    /// `[gates·H, H]`, in the graph around the loop.
    var recurrent: ValueID
    /// A bias of the last gate's recurrent part, `[H]`.
    var apart: ValueID?
    var maskInput: Int
    var stateInputs: [Int]
  }

  init(context: GraphContext, body: Graph, scan: ScanOp, node: Node) {
    self.context = context
    self.body = body
    self.scan = scan
    self.node = node
  }

  /// What stands for the loop's results; `nil` when it is something else.
  mutating func replace() throws -> [ValueID: ValueID]? {
    let count = scan.stateCount
    if count <= 2, scan.inputAxes == [0] { return try replaceUnmasked() }
    guard (1...3).contains(count), scan.inputAxes == [0, 0], scan.outputAxes == [0], scan.outputsReversed == [scan.inputsReversed[0]],
      scan.inputsReversed[0] == scan.inputsReversed[1], body.outputs.count == count + 1, body.inputs.count == node.inputs.count,
      let projected = node.input(count), let live = node.input(count + 1)
    else { return nil }
    let formals = body.inputs.map(\.value), outputs = body.outputs.map { plain($0.value) }
    let states = Array(formals.prefix(count)), goes = formals[count + 1]
    // y: the new state where the mask says so, else 0 or what was last given.
    guard let y = choice(outputs[count], goes) else { return nil }
    let repeats = count > 1 && y.otherwise == states[count - 1]
    guard repeats || isZero(y.otherwise), let mask = timeMask(live) else { return nil }
    let real = repeats ? count - 1 : count
    var next: [ValueID] = []
    for index in 0..<real {
      guard let pair = choice(outputs[index], goes), pair.otherwise == states[index] else { return nil }
      next.append(pair.then)
    }
    guard next[0] == y.then else { return nil }
    if repeats {
      guard let pair = choice(outputs[real], goes), pair.otherwise == states[real], pair.then == y.then, isUnused(node.outputs[real]),
        let start = node.input(real), isZeroOutside(start)
      else { return nil }
    }
    guard let cell = try matched(next, Array(states.prefix(real)), formals[count], zeroes: !repeats),
      let inputs = try operands(projected, cell, mask)
    else { return nil }
    return try results(cell, inputs, real: real)
  }

  /// A loop without a mask: what the writer makes of cells whose activations ONNX does not name.
  private mutating func replaceUnmasked() throws -> [ValueID: ValueID]? {
    let count = scan.stateCount
    guard (1...2).contains(count), scan.outputAxes == [0], scan.outputsReversed == scan.inputsReversed, scan.inputsReversed.count == 1,
      body.outputs.count == count + 1, body.inputs.count == node.inputs.count, let projected = node.input(count)
    else { return nil }
    let formals = body.inputs.map(\.value), next = body.outputs.map { plain($0.value) }
    guard next[count] == next[0],
      let cell = try matched(Array(next.prefix(count)), Array(formals.prefix(count)), formals[count], zeroes: false),
      let inputs = try operands(projected, cell, nil)
    else { return nil }
    return try results(cell, inputs, real: count)
  }

  private mutating func matched(_ next: [ValueID], _ states: [ValueID], _ projected: ValueID, zeroes: Bool) throws -> Cell? {
    let direction: RecurrentDirection = scan.inputsReversed[0] ? .reverse : .forward
    if states.count == 2 { return try lstm(next, states, projected, direction, zeroes: zeroes) }
    return try gru(next[0], states[0], projected, direction, zeroes: zeroes)
      ?? rnn(next[0], states[0], projected, direction, zeroes: zeroes)
  }

  /// The cell's op in the graph, and what it stands for.
  private mutating func results(_ cell: Cell, _ inputs: [ValueID?], real: Int) throws -> [ValueID: ValueID] {
    let count = scan.stateCount, results = try context.append(cell.op, inputs, name: node.name)
    var replacements: [ValueID: ValueID] = [:]
    let olds = Array(node.outputs.prefix(real)) + [node.outputs[count]], news = Array(results[1...real]) + [results[0]]
    for (index, (old, new)) in zip(olds, news).enumerated() {
      let axis = index == real ? 1 : 0
      replacements[old] = try context.squeeze(new, [axis])
      // What the writer inserts behind the loop goes with the squeeze.
      for user in context.graph.nodeIDs
      where (context.graph[user].op as? UnsqueezeOp)?.axes == [axis] && context.graph[user].inputs == [old] {
        replacements[context.graph[user].outputs[0]] = new
      }
    }
    return replacements
  }

  /// `x`, weights, biases, states and mask in the op's places.
  private mutating func operands(_ projected: ValueID, _ cell: Cell, _ mask: ValueID?) throws -> [ValueID?]? {
    let gates = cell.maskInput == 8 ? 4 : cell.op is GRUOp ? 3 : 1, width = gates * cell.hidden
    var product = projected, biases: [ValueID] = []
    while let add = outer(product), add.op is AddOp, let a = add.input(0), let b = add.input(1) {
      if isVector(b, width) {
        biases.append(b)
        product = a
      } else if isVector(a, width) {
        biases.append(a)
        product = b
      } else {
        return nil
      }
    }
    guard let matmul = outer(product), let form = matmul.op as? MatMulOp, !form.transposeA, let x = matmul.input(0),
      let weight = matmul.input(1),
      context.fact(of: x).type.shape.rank == 3, context.fact(of: weight).type.shape.rank == 2
    else { return nil }
    let w = form.transposeB ? weight : try context.transpose(weight, [1, 0])
    guard context.fact(of: w).type.shape.dims?.first == .fixed(width) else { return nil }
    var inputs: [ValueID?] = [x, try context.unsqueeze(w, [0]), try context.unsqueeze(cell.recurrent, [0]), nil, nil]
    if !biases.isEmpty || cell.apart != nil {
      let dtype = context.fact(of: x).type.dtype
      func zeros(_ count: Int) throws -> ValueID { try context.constant(NDArray(zeros: dtype, [count])) }
      var first = try biases.first ?? zeros(width)
      for more in biases.dropFirst() where cell.apart == nil || biases.count > 2 { first = try context.add(first, more) }
      var second = try zeros(width)
      if let apart = cell.apart {
        // The recurrent biases of the other gates, as the writer adds them: with 0 for the last one.
        if biases.count == 2 { first = try context.add(biases[0], biases[1]) }
        second = try context.concat([try zeros(width - cell.hidden), apart], axis: 0)
      }
      inputs[3] = try context.unsqueeze(try context.concat([first, second], axis: 0), [0])
    }
    while inputs.count < cell.maskInput { inputs.append(nil) }
    for (index, place) in cell.stateInputs.enumerated() {
      guard let state = node.input(index) else { return nil }
      inputs[place] = try context.unsqueeze(state, [0])
    }
    return mask.map { inputs + [$0] } ?? inputs
  }

  // MARK: Cells

  private mutating func lstm(
    _ next: [ValueID], _ states: [ValueID], _ projected: ValueID, _ direction: RecurrentDirection, zeroes: Bool
  ) throws -> Cell? {
    guard let (a, b) = pair(next[1], AddOp.self), let (p, q) = pair(next[0], MulOp.self) else { return nil }
    for (kept, added) in [(a, b), (b, a)] {
      guard let (k, l) = pair(kept, MulOp.self), let (m, n) = pair(added, MulOp.self) else { continue }
      for (forget, old) in [(k, l), (l, k)] where old == states[1] {
        for (input, candidate) in [(m, n), (n, m)] {
          for (output, end) in [(p, q), (q, p)] {
            for squash in activations(end) where squash.range == nil && squash.inner == next[1] {
              guard let i = gate(input), let f = gate(forget), let o = gate(output), i.kind == f.kind, i.kind == o.kind, i.z == f.z,
                i.z == o.z,
                i.place == 0, o.place == 1, f.place == 2, let g = gate(candidate), g.z == i.z, g.place == 3, g.width == i.width,
                let (_, r) = try preactivation(i.z, projected, states[0]), f.width == i.width, o.width == i.width
              else { continue }
              return Cell(
                op: LSTMOp(
                  hiddenSize: i.width, direction: direction, activations: [i.kind, g.kind, squash.kind], zeroOutputForMask: zeroes),
                hidden: i.width, recurrent: r, maskInput: 8, stateInputs: [5, 6])
            }
          }
        }
      }
    }
    return nil
  }

  private mutating func gru(
    _ next: ValueID, _ state: ValueID, _ projected: ValueID, _ direction: RecurrentDirection, zeroes: Bool
  ) throws -> Cell? {
    guard let (a, b) = pair(next, AddOp.self) else { return nil }
    for (fresh, kept) in [(a, b), (b, a)] {
      guard let (k, l) = pair(kept, MulOp.self), let (m, n) = pair(fresh, MulOp.self) else { continue }
      for (update, old) in [(k, l), (l, k)] where old == state {
        for (rest, candidate) in [(m, n), (n, m)] {
          guard let sub = producer(rest), sub.op is SubOp, isOne(sub.input(0)), sub.input(1).map(plain) == update,
            let u = range(update), u.start == 0, case let h = u.count
          else { continue }
          for gates in activations(u.x) where gates.range == nil {
            for function in activations(candidate) where function.range == nil {
              guard let (share, inner) = pair(function.inner, AddOp.self) else { continue }
              for (share, inner) in [(share, inner), (inner, share)] {
                guard let s = range(share), s.x == projected, s.start == 2 * h, s.count == h,
                  let front = try gatesProduct(gates.inner, projected, state, 2 * h),
                  let back = try reset(inner, u.x, state, h)
                else { continue }
                let r = try context.concat([front, back.weights], axis: 0)
                return Cell(
                  op: GRUOp(
                    hiddenSize: h, direction: direction, activations: [gates.kind, function.kind], linearBeforeReset: back.isLinear,
                    zeroOutputForMask: zeroes),
                  hidden: h, recurrent: r, apart: back.bias, maskInput: 6, stateInputs: [5])
              }
            }
          }
        }
      }
    }
    return nil
  }
  /// `projected[:, :width] + h·Rᵀ`: R.
  private mutating func gatesProduct(_ z: ValueID, _ projected: ValueID, _ state: ValueID, _ width: Int) throws -> ValueID? {
    guard let (a, b) = pair(z, AddOp.self) else { return nil }
    for (share, product) in [(a, b), (b, a)] {
      if let part = range(share), part.x == projected, part.start == 0, part.count == width { return try matrix(product, state) }
    }
    return nil
  }
  /// The candidate's recurrent part: `r · (h·Rᵀ + b)` or `(r · h)·Rᵀ`.
  private mutating func reset(
    _ value: ValueID, _ gates: ValueID, _ state: ValueID, _ h: Int
  ) throws -> (weights: ValueID, bias: ValueID?, isLinear: Bool)? {
    func isReset(_ value: ValueID) -> Bool { range(value).map { $0.x == gates && $0.start == h && $0.count == h } ?? false }
    if let (a, b) = pair(value, MulOp.self) {
      for (factor, inner) in [(a, b), (b, a)] where isReset(factor) {
        if let weights = try matrix(inner, state) { return (weights, nil, true) }
        guard let (c, d) = pair(inner, AddOp.self) else { continue }
        for (product, bias) in [(c, d), (d, c)] {
          if let bias = try outside(bias), isVector(bias, h), let weights = try matrix(product, state) { return (weights, bias, true) }
        }
      }
      return nil
    }
    guard let matmul = producer(value), matmul.op is MatMulOp, let left = matmul.input(0).map(plain),
      let (a, b) = pair(left, MulOp.self),
      isReset(a) && b == state || isReset(b) && a == state, let weights = try matrix(value, left)
    else { return nil }
    return (weights, nil, false)
  }

  private mutating func rnn(
    _ next: ValueID, _ state: ValueID, _ projected: ValueID, _ direction: RecurrentDirection, zeroes: Bool
  ) throws -> Cell? {
    for function in activations(next) where function.range == nil {
      guard let (h, r) = try preactivation(function.inner, projected, state) else { continue }
      return Cell(
        op: RNNOp(hiddenSize: h, direction: direction, activations: [function.kind], zeroOutputForMask: zeroes), hidden: h,
        recurrent: r, maskInput: 6, stateInputs: [5])
    }
    return nil
  }

  /// `projected + h·Rᵀ`: H and R.
  private mutating func preactivation(_ z: ValueID, _ projected: ValueID, _ state: ValueID) throws -> (hidden: Int, weights: ValueID)? {
    guard let (a, b) = pair(z, AddOp.self) else { return nil }
    for (given, product) in [(a, b), (b, a)] where given == projected {
      guard let r = try matrix(product, state), let h = context.fact(of: r).type.shape.dims?.last?.value else { continue }
      return (h, r)
    }
    return nil
  }
  /// The `R` of `left·Rᵀ`, brought outside.
  private mutating func matrix(_ value: ValueID, _ left: ValueID) throws -> ValueID? {
    guard let matmul = producer(value), let op = matmul.op as? MatMulOp, !op.transposeA, matmul.input(0).map(plain) == left,
      let right = matmul.input(1), let weights = try outside(right), context.fact(of: weights).type.shape.rank == 2
    else { return nil }
    return op.transposeB ? weights : try context.transpose(weights, [1, 0])
  }

  private struct Gate {
    var kind: RecurrentActivation
    var z: ValueID
    var place: Int
    var width: Int
  }
  private func gate(_ value: ValueID) -> Gate? {
    for function in activations(value) where function.range == nil {
      guard let part = range(function.inner), case let width = part.count, width > 0, part.start % width == 0 else { continue }
      return Gate(kind: function.kind, z: part.x, place: part.start / width, width: width)
    }
    return nil
  }

  // MARK: Looking inside

  private func choice(_ value: ValueID, _ goes: ValueID) -> (then: ValueID, otherwise: ValueID)? {
    guard let node = producer(value), node.op is WhereOp, node.input(0).map(plain) == goes, let a = node.input(1), let b = node.input(2)
    else { return nil }
    return (plain(a), plain(b))
  }
  /// Part of the last of two axes.
  private func range(_ value: ValueID) -> (x: ValueID, start: Int, count: Int)? {
    guard let part = columns(plain(value)), body[part.x].type.shape.rank == 2 else { return nil }
    return (plain(part.x), part.range.lowerBound, part.range.count)
  }

  // MARK: Looking outside

  private func isVector(_ value: ValueID, _ count: Int) -> Bool { context.fact(of: value).type.shape.extents == [count] }
  /// `[T, B]` of a mask that the loop takes as `[T, B, 1]`.
  private func timeMask(_ live: ValueID) -> ValueID? {
    guard let node = outer(live), let op = node.op as? UnsqueezeOp, op.axes == [2] || op.axes == [-1], let mask = node.input(0),
      context.fact(of: mask).type.shape.rank == 2, context.fact(of: mask).type.dtype == .bool
    else { return nil }
    return mask
  }
}

import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

extension Lifter {
  /// What LSTM, GRU and plain RNN have in common, however many gates they have.
  struct Recurrence {
    var className: String
    var hidden: Int
    var direction: RecurrentDirection
    var gates: Int
    /// Keras's gates as the op's.
    var order: [Int]
    /// The cell for one direction.
    var makeLayer: (_ direction: Int) -> (any RecurrentLayer)?
    /// Inputs that hold initial states.
    var stateInputs: [Int]
    var keepsBothBiases: Bool
    /// `[T, B]`: which steps count.
    var mask: ValueID?
    var zeroOutputForMask = false
  }

  private func recurrence(_ node: Node) -> Recurrence? {
    func activation(_ given: RecurrentActivation) -> Activation? {
      switch given.kind {
      case .sigmoid: return .sigmoid
      case .tanh: return .tanh
      case .relu: return .relu()
      case .linear: return .linear
      case .softsign: return .softsign
      case .softplus: return .softplus
      case .selu: return .selu
      case .gelu: return .gelu()
      case .silu: return .silu
      case .exponential: return .exponential
      case .mish: return .mish
      case .hardSwish: return .hardSilu
      case .relu6: return .relu6
      case .elu: return given.alpha == 1 ? .elu() : nil
      case .hardSigmoid:
        guard given.beta == 0.5 else { return nil }
        if abs(given.alpha - 0.2) < 1e-6 { return .hardSigmoidKeras2 }
        return abs(given.alpha - 1.0 / 6) < 1e-6 ? .hardSigmoid() : nil
      case .affine: return given.alpha == 1 && given.beta == 0 ? .linear : nil
      default: return nil
      }
    }
    switch node.op {
    case let op as LSTMOp:
      guard op.clip == nil, !op.inputForget, !op.batchFirst, node.input(7) == nil, node.input(8) == nil || op.direction != .bidirectional,
        node.input(4) == nil,
        op.activations.count == 3 * op.direction.count
      else { return nil }
      return Recurrence(
        className: "lstm", hidden: op.hiddenSize, direction: op.direction, gates: 4, order: [0, 2, 3, 1],
        makeLayer: { d in
          guard let gate = activation(op.activations[3 * d]), let cell = activation(op.activations[3 * d + 1]),
            op.activations[3 * d + 1] == op.activations[3 * d + 2]
          else { return nil }
          var layer = LSTM()
          layer.cell.units = op.hiddenSize
          layer.cell.activation = cell
          layer.cell.recurrentActivation = gate
          layer.cell.useBias = node.input(3) != nil
          return layer
        }, stateInputs: [5, 6], keepsBothBiases: false, mask: node.input(8), zeroOutputForMask: op.zeroOutputForMask)
    case let op as GRUOp:
      guard op.clip == nil, !op.batchFirst, node.input(4) == nil, node.input(6) == nil || op.direction != .bidirectional,
        op.activations.count == 2 * op.direction.count
      else { return nil }
      return Recurrence(
        className: "gru", hidden: op.hiddenSize, direction: op.direction, gates: 3, order: [0, 1, 2],
        makeLayer: { d in
          guard let gate = activation(op.activations[2 * d]), let candidate = activation(op.activations[2 * d + 1]) else { return nil }
          var layer = GRU()
          layer.cell.units = op.hiddenSize
          layer.cell.activation = candidate
          layer.cell.recurrentActivation = gate
          layer.cell.useBias = node.input(3) != nil
          layer.cell.resetAfter = op.linearBeforeReset
          return layer
        }, stateInputs: [5], keepsBothBiases: op.linearBeforeReset, mask: node.input(6), zeroOutputForMask: op.zeroOutputForMask)
    case let op as RNNOp:
      guard op.clip == nil, !op.batchFirst, node.input(4) == nil, node.input(6) == nil || op.direction != .bidirectional,
        op.activations.count == op.direction.count
      else { return nil }
      return Recurrence(
        className: "simple_rnn", hidden: op.hiddenSize, direction: op.direction, gates: 1, order: [0],
        makeLayer: { d in
          guard let function = activation(op.activations[d]) else { return nil }
          var layer = SimpleRNN()
          layer.cell.units = op.hiddenSize
          layer.cell.activation = function
          layer.cell.useBias = node.input(3) != nil
          return layer
        }, stateInputs: [5], keepsBothBiases: false, mask: node.input(6), zeroOutputForMask: op.zeroOutputForMask)
    default: return nil
    }
  }

  // MARK: Weights

  private func weights(_ node: Node, _ r: Recurrence, direction d: Int) -> [Weight]? {
    guard let wID = node.input(1), let rID = node.input(2), let w = tensor(wID), let u = tensor(rID), w.extents.count == 3,
      u.extents == [r.direction.count, r.gates * r.hidden, r.hidden], w.extents[1] == r.gates * r.hidden, w.dtype.isFloatingPoint
    else { return nil }
    let h = r.hidden, order = r.order, gates = r.gates
    func matrix(_ tensor: Tensor) -> Tensor {
      let columns = tensor.extents[2]
      let part = tensor.mapped(to: TensorType(tensor.dtype, [gates * h, columns])) { array in
        try Self.gates(array.slice(d..<(d + 1)).reshaped([gates * h, columns]), order: order, size: h)
      }
      return part.transposed([1, 0])
    }
    var result = [Weight(matrix(w), [wID]), Weight(matrix(u), [rID])]
    if let bID = node.input(3) {
      guard let b = tensor(bID), b.extents == [r.direction.count, 2 * r.gates * h] else { return nil }
      let both = r.keepsBothBiases, count = r.gates * h
      let type = TensorType(b.dtype, both ? [2, count] : [count])
      result.append(
        Weight(
          b.mapped(to: type) { array in
            let row = array.slice(d..<(d + 1)).reshaped([2, count])
            let input = try Self.gates(row.slice(0..<1).reshaped([count, 1]), order: order, size: h)
            let recurrent = try Self.gates(row.slice(1..<2).reshaped([count, 1]), order: order, size: h)
            var context = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
            if both { return try context.concat([input.reshaped([1, count]), recurrent.reshaped([1, count])], axis: 0) }
            return try context.add(input, recurrent).reshaped([count])
          }, [bID]))
    }
    return result
  }
  /// The blocks of rows in another order.
  private static func gates(_ array: NDArray, order: [Int], size: Int) throws -> NDArray {
    if order == Array(order.indices) { return array }
    var context = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
    return try context.concat(order.map { array.slice(($0 * size)..<(($0 + 1) * size)) }, axis: 0)
  }

  /// Whether a state is known to be zero, which is what layers start from.
  private func isZero(_ id: ValueID, depth: Int = 0) -> Bool {
    if let tensor = tensor(id) {
      guard tensor.elementCount <= 1 << 20, let array = try? tensor.array() else { return false }
      return array.doubles().allSatisfy { $0 == 0 }
    }
    guard depth < 16, let node = node(id) else { return false }
    switch node.op {
    case let op as ConstantOfShapeOp: return op.value.doubles().allSatisfy { $0 == 0 }
    case is ExpandOp, is SliceOp, is UnsqueezeOp, is SqueezeOp, is TransposeOp, is ReshapeOp, is IdentityOp, is TileOp, is GatherOp,
      is CastOp:
      return node.input(0).map { isZero($0, depth: depth + 1) } ?? false
    case is ConcatOp: return node.inputs.allSatisfy { $0.map { isZero($0, depth: depth + 1) } ?? false }
    default: return false
    }
  }

  // MARK: The layer

  mutating func liftRecurrent(_ node: Node, _ id: NodeID) throws -> Bool {
    guard let r = recurrence(node), let x = node.input(0), !isConstant(x), dims(x)?.count == 3,
      let weights0 = weights(node, r, direction: 0), var layer = r.makeLayer(0)
    else { return false }
    let initial = r.stateInputs.map { node.input($0) }
    let hasInitial = initial.contains { $0.map { !isZero($0) } ?? false }
    let name = layerName(node, r.className)

    // Another one of the same layer that runs the other way.
    if r.direction == .forward, !hasInitial, let done = try liftPair(node, id, r, layer, weights0), done { return true }

    let sequence = node.outputs[0], states = Array(node.outputs.dropFirst())
    let wantsSequence = isUsed(sequence), wantsStates = states.contains { isUsed($0) }
    let batchFirst = try swapped(try resolve(x), named: "\(name)_batch_first")
    var inputs = [batchFirst], roles = [""]
    if hasInitial {
      for (index, state) in initial.enumerated() {
        guard let state else { return false }
        let resolved = try resolve(state)
        for d in 0..<r.direction.count {
          let part =
            r.direction.count == 1
            ? try applySqueeze(resolved, [0], named: "\(name)_state_\(index)")
            : try sliceFirst(resolved, d, named: "\(name)_state_\(index)_\(d)")
          inputs.append(part)
        }
      }
      if r.direction.count == 2, initial.count == 2 { inputs = [inputs[0], inputs[1], inputs[3], inputs[2], inputs[4]] }
      roles += (0..<(inputs.count - 1)).map { "initial_state/\($0)" }
    }
    let mask = try r.mask.map { try batchFirstMask($0, named: "\(name)_mask") }
    if let mask {
      inputs.append(mask)
      roles.append("mask")
    }

    if r.direction != .bidirectional {
      layer.options.goBackwards = r.direction == .reverse
      layer.options.returnSequences = wantsSequence
      // From zeros on, the last output is the last state.
      let isLastState = mask == nil || !hasInitial && !r.zeroOutputForMask
      let onlyLast = !wantsSequence && isLastState && states.dropFirst().allSatisfy { !isUsed($0) }
      layer.options.returnState = wantsStates && !onlyLast
      let results = try addAll(layer, named: name, inputs, weights0, roles: roles, results: [])
      if wantsSequence {
        var output = results[0]
        if r.direction == .reverse { output = try applyReverse(output, named: "\(name)_forwards") }
        // Layers repeat their last output at masked steps.
        if let mask, r.zeroOutputForMask {
          let wide = try apply(UnsqueezeOp(axes: [2]), [mask], named: "\(name)_mask_wide")
          output = try apply(WhereOp(), [wide, output, try context.scalar(0, like: output)], named: "\(name)_masked")
        }
        // What follows undoes what would be done here. One that runs backwards may yet be half of a Bidirectional, told by its end.
        if r.direction == .forward || !isHalf(node, r), let (nodes, result) = batchFirstEnd(sequence) {
          taken.formUnion(nodes)
          values[result] = output
        } else {
          let timeFirst = try swapped(output, named: "\(name)_time_first")
          values[sequence] = try apply(UnsqueezeOp(axes: [1]), [timeFirst], named: "\(name)_direction")
        }
      }
      for (index, state) in states.enumerated() where isUsed(state) {
        let value = layer.options.returnState ? results[1 + index] : results[0]
        values[state] = try apply(UnsqueezeOp(axes: [0]), [value], named: "\(name)_state")
      }
      return true
    }

    guard let weights1 = weights(node, r, direction: 1), let backward = r.makeLayer(1), type(of: backward) == type(of: layer),
      String(describing: backward) == String(describing: layer)
    else { return false }
    layer.options.returnSequences = wantsSequence
    layer.options.returnState = wantsStates
    var both = Bidirectional()
    both.forward = layer
    // A consumer that lays both directions side by side takes the layer's own way to do so.
    let merged = wantsSequence ? mergedSequence(sequence, hidden: r.hidden) : nil
    both.mergeMode = merged == nil && wantsSequence ? nil : .concat
    let results = try addAll(both, named: name, inputs, weights0 + weights1, roles: roles, results: [])
    if let merged {
      taken.formUnion(merged.nodes)
      values[merged.result] = merged.isBatchFirst ? results[0] : try swapped(results[0], named: "\(name)_time_first")
    } else if wantsSequence {
      var parts: [ValueID] = []
      for (index, part) in results.prefix(2).enumerated() {
        parts.append(
          try apply(UnsqueezeOp(axes: [1]), [try swapped(part, named: "\(name)_time_first")], named: "\(name)_direction_\(index)"))
      }
      values[sequence] = try apply(ConcatOp(axis: 1), parts.map { $0 }, named: "\(name)_directions")
    }
    if wantsStates {
      // Behind the outputs: the forward states, then the backward ones.
      let first = both.mergeMode == nil ? 2 : 1
      for (index, state) in states.enumerated() where isUsed(state) {
        let parts = try [results[first + index], results[first + states.count + index]].enumerated().map { place, value in
          try apply(UnsqueezeOp(axes: [0]), [value], named: "\(name)_state_\(index)_\(place)")
        }
        values[state] = try apply(ConcatOp(axis: 0), parts.map { $0 }, named: "\(name)_states_\(index)")
      }
    }
    return true
  }

  /// `[T, 2, B, H]` laid side by side: `Transpose(0, 2, 1, 3)`, a reshape to `[T, B, 2H]`, and perhaps `Transpose(1, 0, 2)`.
  private func mergedSequence(_ sequence: ValueID, hidden: Int) -> (nodes: [NodeID], result: ValueID, isBatchFirst: Bool)? {
    guard let first = soleUser(sequence), (source[first].op as? TransposeOp)?.permutation == [0, 2, 1, 3],
      let second = soleUser(source[first].outputs[0]), source[second].op is ReshapeOp,
      let to = dims(source[second].outputs[0]), to.count == 3, to[2] == .fixed(2 * hidden)
    else { return nil }
    if let third = soleUser(source[second].outputs[0]), (source[third].op as? TransposeOp)?.permutation == [1, 0, 2] {
      return ([first, second, third], source[third].outputs[0], true)
    }
    return ([first, second], source[second].outputs[0], false)
  }

  /// `[T, 1, B, H]` with the batch first and no axis of directions, in either order.
  private func batchFirstEnd(_ sequence: ValueID) -> (nodes: [NodeID], result: ValueID)? {
    guard let first = soleUser(sequence), let second = soleUser(source[first].outputs[0]) else { return nil }
    let result = source[second].outputs[0]
    if (source[first].op as? SqueezeOp)?.axes == [1], (source[second].op as? TransposeOp)?.permutation == [1, 0, 2] {
      return ([first, second], result)
    }
    if (source[first].op as? TransposeOp)?.permutation == [2, 0, 1, 3], let axes = (source[second].op as? SqueezeOp)?.axes,
      axes == [2] || axes == [-2]
    {
      return ([first, second], result)
    }
    return nil
  }

  // MARK: Two ops that are one Bidirectional

  /// What of an op a Bidirectional merges.
  private enum Part: CaseIterable { case sequence, state, lastStep }

  /// What one op gives in the end, behind the reshuffling that follows every recurrent op.
  private func end(of node: Node, _ part: Part) -> (value: ValueID, nodes: [NodeID])? {
    if part == .state {
      guard node.outputs.count > 1, !isUsed(node.outputs[0]), node.outputs.dropFirst(2).allSatisfy({ !isUsed($0) }),
        let squeeze = soleUser(node.outputs[1]), (source[squeeze].op as? SqueezeOp)?.axes == [0]
      else { return nil }
      return (source[squeeze].outputs[0], [squeeze])
    }
    guard node.outputs.dropFirst().allSatisfy({ !isUsed($0) }), var (nodes, value) = batchFirstEnd(node.outputs[0]) else { return nil }
    if part == .lastStep {
      // The first step is the last one of what runs backwards.
      let isBackward = recurrence(node)?.direction == .reverse
      guard let slice = soleUser(value), source[slice].op is SliceOp, integers(source[slice].input(3)) == [1],
        let start = integers(source[slice].input(1)), start == [isBackward ? 0 : -1], let end = integers(source[slice].input(2))?.first,
        isBackward ? end == 1 : end >= 1 << 31, source[slice].input(4) == nil || integers(source[slice].input(4)) == [1],
        let last = soleUser(source[slice].outputs[0]), (source[last].op as? SqueezeOp)?.axes == [1]
      else { return nil }
      return (source[last].outputs[0], nodes + [slice, last])
    }
    // Backwards twice.
    if let a = soleUser(value), (source[a].op as? ReverseOp)?.axes == [1], let b = soleUser(source[a].outputs[0]),
      (source[b].op as? ReverseOp)?.axes == [1]
    {
      nodes += [a, b]
      value = source[b].outputs[0]
    }
    return (value, nodes)
  }
  private func integers(_ id: ValueID?) -> [Int]? {
    guard let tensor = tensor(id), tensor.elementCount <= 1 << 10 else { return nil }
    return try? tensor.array().integers()
  }
  /// What `[T, B]` is the transpose of.
  private func maskSource(_ mask: ValueID?) -> ValueID? {
    if let mask, let swap = node(mask), (swap.op as? TransposeOp)?.permutation == [1, 0] { return swap.input(0) }
    return mask
  }
  private mutating func batchFirstMask(_ mask: ValueID, named name: String) throws -> ValueID {
    if let inner = maskSource(mask), inner != mask { return try resolve(inner) }
    return try apply(TransposeOp(permutation: [1, 0]), [try resolve(mask)], named: name)
  }
  /// Whether a Bidirectional computes this part as the op does.
  private func isMergeable(_ part: Part, _ r: Recurrence) -> Bool {
    switch part {
    case .sequence: r.mask == nil || r.zeroOutputForMask
    // States start from 0, as the last output does that masked steps repeat.
    case .state: r.mask == nil || !r.zeroOutputForMask
    case .lastStep: r.mask != nil && !r.zeroOutputForMask
    }
  }

  /// Whether an op that runs backwards is merged with one that runs forwards, which then makes one layer of both.
  private func isHalf(_ node: Node, _ r: Recurrence) -> Bool {
    Part.allCases.contains { part in
      guard let there = end(of: node, part), let mergeID = soleUser(there.value) else { return false }
      let merge = source[mergeID]
      guard merge.inputs.count == 2, merge.input(1) == there.value, let other = merge.input(0) else { return false }
      return source.nodeIDs.contains { id in
        let candidate = source[id]
        guard type(of: candidate.op) == type(of: node.op), let forward = recurrence(candidate) else { return false }
        return forward.direction == .forward && forward.hidden == r.hidden && end(of: candidate, part)?.value == other
      }
    }
  }

  private mutating func liftPair(
    _ node: Node, _ id: NodeID, _ r: Recurrence, _ layer: any RecurrentLayer, _ weights: [Weight]
  ) throws -> Bool? {
    for part in Part.allCases where isMergeable(part, r) {
      guard let there = end(of: node, part), let mergeID = soleUser(there.value) else { continue }
      let merge = source[mergeID]
      guard merge.inputs.count == 2, merge.input(0) == there.value, let other = merge.input(1) else { continue }
      guard
        let partnerID = source.nodeIDs.first(where: { candidate in
          guard candidate != id, type(of: source[candidate].op) == type(of: node.op), let back = end(of: source[candidate], part) else {
            return false
          }
          return back.value == other
        })
      else { continue }
      let partner = source[partnerID]
      guard let back = recurrence(partner), back.direction == .reverse, back.hidden == r.hidden, let partnerEnd = end(of: partner, part),
        isMergeable(part, back),
        maskSource(back.mask) == maskSource(r.mask),
        back.stateInputs.allSatisfy({ partner.input($0).map { isZero($0) } ?? true }), sequenceSource(partner) == sequenceSource(node),
        let weights1 = self.weights(partner, back, direction: 0), let mirror = back.makeLayer(0),
        String(describing: mirror) == String(describing: layer)
      else { continue }
      var both = Bidirectional(), forward = layer, result = merge.outputs[0], nodes = there.nodes + partnerEnd.nodes + [mergeID, partnerID]
      forward.options.returnSequences = part == .sequence
      both.forward = forward
      let rank = part == .sequence ? 3 : 2
      switch merge.op {
      case let op as ConcatOp where op.axis == rank - 1 || op.axis == -1: both.mergeMode = .concat
      case is MulOp: both.mergeMode = .mul
      case is AddOp:
        both.mergeMode = .sum
        if let half = soleUser(result),
          source[half].op is DivOp && scalar(source[half].input(1)) == 2 || source[half].op is MulOp && scalar(source[half].input(1)) == 0.5
        {
          both.mergeMode = .ave
          nodes.append(half)
          result = source[half].outputs[0]
        }
      default: continue
      }
      guard let x = sequenceSource(node) else { continue }
      let name = layerName(node, "bidirectional")
      let input = x.isSwapped ? try resolve(x.value) : try swapped(try resolve(x.value), named: "\(name)_batch_first")
      var inputs = [input], roles = [""]
      if let mask = r.mask {
        inputs.append(try batchFirstMask(mask, named: "\(name)_mask"))
        roles.append("mask")
      }
      values[result] = try add(both, named: name, inputs, weights + weights1, roles: roles, result: result)
      taken.formUnion(nodes)
      return true
    }
    return nil
  }
  /// What a recurrent op runs over, and whether a transpose of time and batch lies between.
  private struct SequenceSource: Equatable {
    var value: ValueID
    var isSwapped: Bool
  }
  private func sequenceSource(_ node: Node) -> SequenceSource? {
    guard let x = node.input(0) else { return nil }
    if let swap = self.node(x), (swap.op as? TransposeOp)?.permutation == [1, 0, 2], let inner = swap.input(0) {
      return SequenceSource(value: inner, isSwapped: true)
    }
    return SequenceSource(value: x, isSwapped: false)
  }

  // MARK: Ops that undo each other

  /// `[T, B, …]` from `[B, T, …]` or back; two in a row are none.
  mutating func swapped(_ x: ValueID, named name: String) throws -> ValueID {
    if let producer = context.graph.producer(of: x), (context.graph[producer].op as? TransposeOp)?.permutation == [1, 0, 2],
      let inner = context.graph[producer].inputs.first ?? nil
    {
      return inner
    }
    return try apply(TransposeOp(permutation: [1, 0, 2]), [x], named: name)
  }
  private mutating func applyReverse(_ x: ValueID, named name: String) throws -> ValueID {
    if let producer = context.graph.producer(of: x), (context.graph[producer].op as? ReverseOp)?.axes == [1],
      let inner = context.graph[producer].inputs.first ?? nil
    {
      return inner
    }
    return try apply(ReverseOp(axes: [1]), [x], named: name)
  }
  private mutating func applySqueeze(_ x: ValueID, _ axes: [Int], named name: String) throws -> ValueID {
    if let producer = context.graph.producer(of: x), (context.graph[producer].op as? UnsqueezeOp)?.axes == axes,
      let inner = context.graph[producer].inputs.first ?? nil
    {
      return inner
    }
    return try apply(SqueezeOp(axes: axes), [x], named: name)
  }
  private mutating func sliceFirst(_ x: ValueID, _ index: Int, named name: String) throws -> ValueID {
    let place = try context.scalar(Double(index), dtype: .int64)
    return try apply(GatherOp(axis: 0), [x, place], named: name)
  }
}

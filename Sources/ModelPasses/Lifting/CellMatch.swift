import ModelGraph
import ModelOps
import ModelTensor

/// One step of a recurrent cell, found in a graph by what it computes.
struct CellMatch {
  enum Kind: Equatable {
    case lstm, rnn
    case gru(resetAfter: Bool)
  }
  var kind: Kind
  var activations: [RecurrentActivation]
  /// In the order of the op's gates.
  var gates: [GateSum]
  /// The states after the step, and before it.
  var next: [ValueID]
  var previous: [ValueID]
  /// The sequence that the step reads.
  var sequence: ValueID
  /// A GRU's recurrent product that the reset gate multiplies.
  var candidate: GateSum?
}

extension StepPlace {
  /// The cell whose output is `value`.
  mutating func cell(_ value: ValueID) throws -> CellMatch? { try lstm(value) ?? gru(value) ?? rnn(value) }

  //  h′ = o·g(c′),  c′ = f·c + i·g(z)
  private mutating func lstm(_ h: ValueID) throws -> CellMatch? {
    guard let (p, q) = pair(h, MulOp.self) else { return nil }
    for (output, end) in [(p, q), (q, p)] {
      for squash in activations(end) where squash.range == nil {
        guard let (a, b) = pair(squash.inner, AddOp.self) else { continue }
        for o in try gates(output) {
          for (kept, added) in [(a, b), (b, a)] {
            guard let (k, l) = pair(kept, MulOp.self), let (m, n) = pair(added, MulOp.self) else { continue }
            for (forget, old) in [(k, l), (l, k)] {
              for f in try gates(forget, left: o.left) where f.kind == o.kind {
                for (input, candidate) in [(m, n), (n, m)] {
                  for i in try gates(input, left: o.left) where i.kind == o.kind {
                    for g in try gates(candidate, left: o.left) {
                      // Alike but for their columns: the first is the input gate.
                      if g.kind == i.kind, g.sum.kernels[0].weight.range.lowerBound < i.sum.kernels[0].weight.range.lowerBound,
                        input == m
                      {
                        continue
                      }
                      guard [i, f, g].allSatisfy({ $0.sequence == o.sequence }) else { continue }
                      return CellMatch(
                        kind: .lstm, activations: [o.kind, g.kind, squash.kind], gates: [i.sum, o.sum, f.sum, g.sum],
                        next: [plain(h), plain(squash.inner)], previous: [o.left, old], sequence: o.sequence)
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
    return nil
  }

  //  h′ = z·h + (1 − z)·g(…)
  private mutating func gru(_ h: ValueID) throws -> CellMatch? {
    guard let (a, b) = pair(h, AddOp.self) else { return nil }
    for (fresh, kept) in [(a, b), (b, a)] {
      guard let (k, l) = pair(kept, MulOp.self), let (m, n) = pair(fresh, MulOp.self) else { continue }
      for (update, old) in [(k, l), (l, k)] {
        for (rest, candidate) in [(m, n), (n, m)] {
          guard let sub = producer(rest), sub.op is SubOp, isOne(sub.input(0)), sub.input(1).map(plain) == update else { continue }
          for z in try gates(update, left: old) {
            for function in activations(candidate) where function.range == nil {
              guard let sum = try sum(function.inner), sum.kernels.count == 1, sum.kernels[0].sequence == z.sequence else { continue }
              guard let (reset, inner) = try reset(sum, z, old) else { continue }
              return CellMatch(
                kind: .gru(resetAfter: inner != nil), activations: [z.kind, function.kind], gates: [z.sum, reset, sum], next: [plain(h)],
                previous: [old], sequence: z.sequence, candidate: inner)
            }
          }
        }
      }
    }
    return nil
  }

  /// The reset gate of a candidate's sum, and what it multiplies when that is a product: `r·(h·R + b)`; else `(r·h)·R`.
  private mutating func reset(_ sum: GateSum, _ z: CellGate, _ old: ValueID) throws -> (GateSum, GateSum?)? {
    let product: ValueID
    if sum.recurrent.isEmpty, sum.others.count == 1 {
      product = sum.others[0]
    } else if sum.recurrent.count == 1, sum.others.isEmpty {
      product = sum.recurrent[0].left
    } else {
      return nil
    }
    guard let (a, b) = pair(product, MulOp.self) else { return nil }
    for (gate, inner) in [(a, b), (b, a)] {
      for r in try gates(gate, left: old) where r.kind == z.kind && r.sequence == z.sequence {
        if !sum.recurrent.isEmpty {
          if inner == old { return (r.sum, nil) }
        } else if let part = try self.sum(inner), part.kernels.isEmpty, part.others.isEmpty, part.recurrent.count == 1,
          part.recurrent[0].left == old
        {
          return (r.sum, part)
        }
      }
    }
    return nil
  }

  //  h′ = g(x·K + h·R + b)
  private mutating func rnn(_ h: ValueID) throws -> CellMatch? {
    for gate in try gates(h) {
      return CellMatch(
        kind: .rnn, activations: [gate.kind], gates: [gate.sum], next: [plain(h)], previous: [gate.left], sequence: gate.sequence)
    }
    return nil
  }

  // MARK: The op

  /// The number of units, when all of the cell's weights agree about it.
  func units(_ cell: CellMatch) -> Int? {
    guard let h = cell.gates.first?.kernels.first?.weight.range.count, h > 0 else { return nil }
    let sums = cell.gates + (cell.candidate.map { [$0] } ?? [])
    for sum in sums {
      for weight in sum.kernels.map(\.weight) + sum.biases where weight.range.count != h { return nil }
      for (_, weight) in sum.recurrent {
        guard weight.range.count == h, context.fact(of: weight.whole).type.shape.dims?.first == .fixed(h) else { return nil }
      }
    }
    return h
  }

  /// The recurrent ops compute in single precision: what is more precise stays a loop.
  private static var dtypes: Set<DType> { [.float32, .float16, .bfloat16] }

  /// The cell as a recurrent op over `x` `[T, B, I]`.
  mutating func append(
    _ cell: CellMatch, over x: ValueID, direction: RecurrentDirection, initial: [ValueID?], mask: ValueID?, zeroOutputForMask: Bool,
    name: String
  ) throws -> [ValueID]? {
    guard let h = units(cell), context.fact(of: x).type.shape.rank == 3, Self.dtypes.contains(context.fact(of: x).type.dtype) else {
      return nil
    }
    var kernels: [ValueID] = [], recurrent: [ValueID] = [], first: [ValueID?] = [], second: [ValueID?] = []
    for (index, gate) in cell.gates.enumerated() {
      let isCandidate = cell.candidate != nil && index == cell.gates.count - 1
      guard let kernel = gate.kernels.first?.weight, let weight = (isCandidate ? cell.candidate : gate)?.recurrent.first?.weight else {
        return nil
      }
      kernels.append(try context.transpose(try columns(of: kernel), [1, 0]))
      recurrent.append(try context.transpose(try columns(of: weight), [1, 0]))
      var biases = try gate.biases.map { try vector(of: $0) }, apart: [ValueID] = []
      if isCandidate {
        apart = try cell.candidate?.biases.map { try vector(of: $0) } ?? []
      } else if case .gru(resetAfter: true) = cell.kind, biases.count > 1 {
        apart = [biases.removeLast()]
      }
      first.append(try total(biases))
      second.append(try total(apart))
    }
    let w = try context.unsqueeze(try context.concat(kernels, axis: 0), [0])
    let r = try context.unsqueeze(try context.concat(recurrent, axis: 0), [0])
    var inputs: [ValueID?] = [x, w, r, nil, nil]
    if (first + second).contains(where: { $0 != nil }) {
      let zero = NDArray(zeros: context.fact(of: x).type.dtype, [h])
      let parts = try (first + second).map { try $0 ?? context.constant(zero) }
      inputs[3] = try context.unsqueeze(try context.concat(parts, axis: 0), [0])
    }
    inputs += try initial.map { try $0.map { try context.unsqueeze($0, [0]) } }
    let op: any Op
    switch cell.kind {
    case .lstm:
      op = LSTMOp(hiddenSize: h, direction: direction, activations: cell.activations, zeroOutputForMask: zeroOutputForMask)
      if mask != nil { inputs.append(nil) }
    case .gru(let resetAfter):
      op = GRUOp(
        hiddenSize: h, direction: direction, activations: cell.activations, linearBeforeReset: resetAfter,
        zeroOutputForMask: zeroOutputForMask)
    case .rnn:
      op = RNNOp(hiddenSize: h, direction: direction, activations: cell.activations, zeroOutputForMask: zeroOutputForMask)
    }
    if let mask { inputs.append(mask) }
    return try context.append(op, inputs, name: name)
  }
  private mutating func columns(of part: WeightPart) throws -> ValueID {
    if part.range == 0..<part.width { return part.whole }
    return try context.slice(part.whole, axis: 1, start: part.range.lowerBound, end: part.range.upperBound)
  }
  private mutating func vector(of part: WeightPart) throws -> ValueID {
    if part.range == 0..<part.width { return part.whole }
    return try context.slice(part.whole, axis: 0, start: part.range.lowerBound, end: part.range.upperBound)
  }
  private mutating func total(_ values: [ValueID]) throws -> ValueID? {
    guard var result = values.first else { return nil }
    for value in values.dropFirst() { result = try context.add(result, value) }
    return result
  }
}

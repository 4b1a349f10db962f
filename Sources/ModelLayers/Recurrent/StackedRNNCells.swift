import ModelGraph
import ModelOps
import ModelTensor

/// Cells on top of each other: the output of each is the input of the next.
///
/// Weights: those of the cells, in order. States: those of the cells, in order.
public struct StackedRNNCells: RecurrentCell {
  public static let className = "StackedRNNCells"
  public var cells: [any RecurrentCell] = []
  public init() {}
  public var stateSizes: [Int] { cells.flatMap(\.stateSizes) }

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    guard var input = inputs.first else { throw GraphError(.wrongInputCount, "StackedRNNCells of nothing") }
    var result: [WeightSpec] = [], used: [String: Int] = [:]
    for cell in cells {
      // Keras names a list's elements by class: `lstm_cell`, `lstm_cell_1`.
      let base = kerasSnakeCase(type(of: cell).className), count = used[base, default: 0]
      used[base] = count + 1
      let name = count == 0 ? base : "\(base)_\(count)"
      for var spec in try cell.weights(for: [input]) {
        spec.path = "cells/\(name)/\(spec.path)"
        result.append(spec)
      }
      let dims = input.shape.dims ?? []
      input = TensorType(input.dtype, .ranked(dims.dropLast() + [.fixed(cell.stateSizes.first ?? 1)]))
    }
    return result
  }

  /// The weights of each cell.
  private func split<V>(_ weights: [V]) throws -> [[V]] {
    var rest = weights[...], result: [[V]] = []
    for cell in cells {
      // How many a cell has does not depend on its input.
      let count = try cell.weights(for: [TensorType(.float32, Shape([1, 1]))]).count
      guard rest.count >= count else { throw GraphError(.wrongInputCount, "StackedRNNCells: \(weights.count) weights") }
      result.append(Array(rest.prefix(count)))
      rest = rest.dropFirst(count)
    }
    return result
  }
  private func split<V>(states: [V]) throws -> [[V]] {
    var rest = states[...], result: [[V]] = []
    for cell in cells {
      guard rest.count >= cell.stateSizes.count else { throw GraphError(.wrongInputCount, "StackedRNNCells: \(states.count) states") }
      result.append(Array(rest.prefix(cell.stateSizes.count)))
      rest = rest.dropFirst(cell.stateSizes.count)
    }
    return result
  }

  public func step<C: OpContext>(
    _ x: C.Value, states: [C.Value], weights: [C.Value], in context: inout C
  ) throws -> (output: C.Value, states: [C.Value]) {
    var x = x, next: [C.Value] = []
    for (cell, (states, weights)) in zip(cells, zip(try split(states: states), try split(weights))) {
      let result = try cell.step(x, states: states, weights: weights, in: &context)
      x = result.output
      next += result.states
    }
    return (x, next)
  }

  /// Sequence after sequence: the same as step after step, because masks hold for every cell alike.
  public func sequence<C: OpContext>(
    _ x: C.Value, _ run: RecurrentRun<C.Value>, in context: inout C
  ) throws -> (outputs: C.Value, states: [C.Value])? {
    var x = x, states: [C.Value] = []
    let initial = run.initial.isEmpty ? nil : try split(states: run.initial)
    for (index, weights) in try split(run.weights).enumerated() {
      var own = run
      own.weights = weights
      own.initial = initial?[index] ?? []
      own.zeroOutputForMask = index == cells.count - 1 && run.zeroOutputForMask
      let result = try cells[index].run(x, own, in: &context)
      x = result.outputs
      states += result.states
    }
    return (x, states)
  }
}

/// Keras's `to_snake_case`: `LSTMCell` is `lstm_cell`, `Conv2DTranspose` is `conv2d_transpose`.
public func kerasSnakeCase(_ name: String) -> String {
  let letters = Array(name.filter { $0.isLetter || $0.isNumber || $0 == "_" })
  var result = ""
  for (index, letter) in letters.enumerated() {
    if letter.isUppercase, index > 0, letters[index - 1] != "_" {
      let before = letters[index - 1], after = index + 1 < letters.count ? letters[index + 1] : " "
      if before.isLowercase || (after.isLowercase && (before.isUppercase || before.isNumber)) { result += "_" }
    }
    result += letter.lowercased()
  }
  return result
}

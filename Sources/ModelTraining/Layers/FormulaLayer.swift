import ModelGraph
import ModelTensor

/// What an op makes of weights and constants alone: a scale out of batch normalisation's weights, a kernel that is turned or normalised.
final class WeightFormula {
  enum Operand {
    case variable(Variable), constant(Tensor)
    case result(WeightFormula, Int)
  }
  private let op: any Op
  private let operands: [Operand?]
  init(_ op: any Op, _ operands: [Operand?]) {
    self.op = op
    self.operands = operands
  }

  /// The results of formulas that were computed already: several ops may share one.
  typealias Results = [ObjectIdentifier: [Tensor]]

  static func value(_ operand: Operand, _ results: inout Results) throws -> Tensor {
    switch operand {
    case .variable(let variable): return variable.tensor
    case .constant(let tensor): return tensor
    case .result(let formula, let index):
      if let known = results[ObjectIdentifier(formula)] { return known[index] }
      let inputs = try formula.operands.map { try $0.map { try value($0, &results) } }
      let made = try Dispatch.apply(formula.op, to: inputs)
      results[ObjectIdentifier(formula)] = made
      return made[index]
    }
  }

  /// The variables behind operands, each once.
  static func variables(_ operands: [Operand]) -> [Variable] {
    var found: [Variable] = [], seen: Set<ObjectIdentifier> = [], waiting = Array(operands.reversed())
    while let operand = waiting.popLast() {
      switch operand {
      case .variable(let variable): if seen.insert(ObjectIdentifier(variable)).inserted { found.append(variable) }
      case .constant: break
      case .result(let formula, _):
        if seen.insert(ObjectIdentifier(formula)).inserted { waiting += formula.operands.reversed().compactMap { $0 } }
      }
    }
    return found
  }
}

/// An op of a graph among whose operands are some that are made of weights: they are computed anew each time, so that the weights train.
final class FormulaLayer: Layer {
  private let op: any Op
  /// For each operand: the formula, a tensor that flows (no formula), or nothing.
  private let operands: [(formula: WeightFormula.Operand?, isGiven: Bool)]

  init(_ op: any Op, _ operands: [(formula: WeightFormula.Operand?, isGiven: Bool)], name: String) {
    self.op = op
    self.operands = operands
    super.init(name: name)
    for weight in WeightFormula.variables(operands.compactMap(\.formula)) { adopt(weight, trainable: weight.isTrainable) }
    isBuilt = true
  }
  override var className: String { op.displayName }
  override func call(_ inputs: [Tensor], training: Bool) throws -> [Tensor] {
    var flowing = inputs.makeIterator(), results: WeightFormula.Results = [:]
    let values = try operands.map { operand -> Tensor? in
      if let formula = operand.formula { return try WeightFormula.value(formula, &results) }
      return operand.isGiven ? flowing.next() : nil
    }
    return try Dispatch.apply(op, to: values)
  }
}

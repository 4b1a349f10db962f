import ModelGraph
import ModelOps
import ModelTensor

/// Notes down the ops that an operation stands for, so that a table of plain closures can serve every
/// kind of context: `replay` applies them in another one.
struct RecordingContext: OpContext {
  /// A value by number, and what is known of it.
  struct Value: Sendable {
    var index: Int
    var fact: Fact
  }
  private enum Step {
    case constant(NDArray)
    case apply(any Op, [Int?], results: Int)
  }
  private var steps: [Step] = []
  private var inputCount = 0
  private var valueCount = 0

  init() {}

  /// A value of the other context. Before any op.
  mutating func input(_ fact: Fact) -> Value {
    inputCount += 1
    valueCount += 1
    return Value(index: valueCount - 1, fact: fact)
  }

  mutating func apply(_ op: any Op, to inputs: [Value?]) throws -> [Value] {
    var facts = FactContext()
    let results = try facts.apply(op, to: inputs.map { $0?.fact })
    steps.append(.apply(op, inputs.map { $0?.index }, results: results.count))
    return results.map { fact in
      valueCount += 1
      return Value(index: valueCount - 1, fact: fact)
    }
  }

  mutating func constant(_ array: NDArray) throws -> Value {
    steps.append(.constant(array))
    valueCount += 1
    return Value(index: valueCount - 1, fact: Fact(array.type, constant: Tensor(array)))
  }

  func fact(of value: Value) -> Fact { value.fact }

  /// Applies all that was noted to `inputs`, and gives what `results` are there.
  func replay<C: OpContext>(_ inputs: [C.Value], results: [Value], in context: inout C) throws -> [C.Value] {
    var values = inputs
    for step in steps {
      switch step {
      case .constant(let array): values.append(try context.constant(array))
      case .apply(let op, let operands, let count):
        let made = try context.apply(op, to: operands.map { $0.map { values[$0] } })
        guard made.count == count else {
          throw GraphError(.invalidStructure, "\(op.displayName) gives \(made.count) results, not \(count)")
        }
        values += made
      }
    }
    return results.map { values[$0.index] }
  }
}

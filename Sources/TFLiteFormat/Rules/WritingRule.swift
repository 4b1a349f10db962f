import GraphWriting
import ModelGraph
import ModelSupport
import ModelTensor

/// How a canonical op becomes operators. It gets the op, its inputs and a writer; it emits one or several operators and gives
/// the results. It throws `UnsupportedError` for what no builtin operator says.
struct WritingRule: Sendable {
  typealias Write = @Sendable (any Op, RuleInputs, inout OperatorWriter) throws -> [OutValue]
  var op: ObjectIdentifier
  var write: Write

  static func writes<O: Op>(
    _ op: O.Type, _ write: @escaping @Sendable (O, RuleInputs, inout OperatorWriter) throws -> [OutValue]
  ) -> WritingRule {
    WritingRule(op: ObjectIdentifier(op), write: erased(write))
  }

  /// An operator on one float32 tensor that gives one alike.
  static func float<O: Op>(_ builtin: BuiltinOperator, _ op: O.Type) -> WritingRule {
    writes(op) { _, x, w in
      let x = try x.required(0)
      guard x.dtype != .float32 else { return [try w.emit(builtin, [x])] }
      return [try w.inFloat(x) { try $1.emit(builtin, [$0]) }]
    }
  }
}

typealias RuleInputs = GraphWriting.RuleInputs<OutValue>

/// All rules of writing, found by the canonical op.
struct WritingTable: Sendable {
  private var writers: [ObjectIdentifier: WritingRule.Write] = [:]

  static let all = WritingTable([
    activationWriting, arithmeticWriting, arrayWriting, attentionWriting, bitwiseWriting, comparisonWriting, controlWriting,
    convolutionWriting,
    imageWriting, linearWriting, fourierWriting, normalizationWriting, poolingWriting, quantizationWriting, randomWriting, recurrentWriting,
    reductionWriting, sliceWriting, scatterWriting, textWriting,
  ])

  init(_ families: [[WritingRule]]) {
    for rule in families.joined() { writers[rule.op] = rule.write }
  }

  func writer(_ op: any Op) -> WritingRule.Write? { writers[ObjectIdentifier(type(of: op))] }
}

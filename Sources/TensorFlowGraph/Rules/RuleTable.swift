import ModelGraph

/// All rules, found by TensorFlow's op when reading and by the canonical op when writing.
struct RuleTable: Sendable {
  private var readers: [String: NodeRule.Read] = [:]
  private var writers: [ObjectIdentifier: NodeRule.Write] = [:]

  static let all = RuleTable([
    activationRules, arithmeticRules, arrayRules, bodyRules, comparisonRules, convolutionRules, exampleRules, gradientRules,
    imageRules, linearRules, normalizationRules, passThroughRules, poolingRules, quantizationRules, raggedRules, randomRules,
    recurrentRules, reductionRules, scatterRules, segmentRules, sequenceRules, sequenceWritingRules, setRules, sortingRules,
    sparseRules, sparseElementRules, spatialGradientRules, imageGradientRules, specialRules, tableRules, textRules, wordRules,
  ])

  init(_ families: [[NodeRule]]) {
    for rule in families.joined() {
      if let type = rule.type, let read = rule.read { readers[type] = read }
      if let op = rule.op, let write = rule.write { writers[op] = write }
    }
  }

  func reader(_ type: String) -> NodeRule.Read? { readers[type] }
  func writer(_ op: any Op) -> NodeRule.Write? { writers[ObjectIdentifier(Swift.type(of: op))] }
}

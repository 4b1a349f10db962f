import ModelGraph

/// All rules, found by LiteRT's operator when reading.
struct RuleTable: Sendable {
  private var readings: [OperatorRule.Key: OperatorRule.Reading] = [:]

  static let all = RuleTable([
    activationRules, arithmeticRules, arrayRules, arrayIndexRules, comparisonRules, convolutionRules, customRules, imageRules,
    landmarkRules, linearRules, normalizationRules, poolingRules, quantizationRules, randomRules, reductionRules, scatterRules,
    signalRules, stableHLORules, textRules,
  ])

  init(_ families: [[OperatorRule]]) {
    for rule in families.joined() { readings[rule.key] = rule.reading }
  }

  func reading(_ key: OperatorRule.Key) -> OperatorRule.Reading? {
    if let reading = readings[key] { return reading }
    guard case .custom(let name) = key else { return nil }
    return FlexRules.rule(name)?.reading
  }
}

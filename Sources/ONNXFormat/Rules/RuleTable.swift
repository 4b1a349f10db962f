import ModelGraph

/// All rules, found by operator when reading and by op when writing.
struct RuleTable: Sendable {
  struct Key: Hashable { var domain: String, type: String }
  private var readers: [Key: NodeRule.Read] = [:]
  private var writers: [ObjectIdentifier: NodeRule.Write] = [:]

  static let all = RuleTable([
    activationRules, arithmeticRules, arrayRules, attentionRules, comparisonRules, controlRules, convolutionRules,
    imageRules, linearRules, normalizationRules, poolingRules, quantizationRules, randomRules, recurrentRules,
    reductionRules, textRules, microsoftRules, transformerRules, contributedAttentionRules, packedAttentionRules, sequenceRules,
    mlRules, supportVectorRules,
  ])

  init(_ families: [[NodeRule]]) {
    for rule in families.joined() {
      if let type = rule.type, let read = rule.read { readers[Key(domain: rule.domain, type: type)] = read }
      if let op = rule.op, let write = rule.write { writers[op] = write }
    }
  }

  /// - Parameter domain: normalised, `""` for the default one.
  func reader(_ type: String, domain: String) -> NodeRule.Read? { readers[Key(domain: domain, type: type)] }
  func writer(_ op: any Op) -> NodeRule.Write? { writers[ObjectIdentifier(Swift.type(of: op))] }
}

/// The default domain under its one name.
func normalizedDomain(_ domain: String?) -> String { domain == "ai.onnx" ? "" : domain ?? "" }

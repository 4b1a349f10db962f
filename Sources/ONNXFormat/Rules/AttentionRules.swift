let attentionRules: [NodeRule] = []

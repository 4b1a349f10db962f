let normalizationRules: [NodeRule] = []

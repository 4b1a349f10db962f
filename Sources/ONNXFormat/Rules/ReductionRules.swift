let reductionRules: [NodeRule] = []

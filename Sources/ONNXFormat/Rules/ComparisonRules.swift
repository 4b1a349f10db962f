let comparisonRules: [NodeRule] = []

let convolutionRules: [NodeRule] = []

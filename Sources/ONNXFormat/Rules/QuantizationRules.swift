let quantizationRules: [NodeRule] = []

let linearRules: [NodeRule] = []

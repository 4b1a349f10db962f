let randomRules: [NodeRule] = []

let controlRules: [NodeRule] = []

let poolingRules: [NodeRule] = []

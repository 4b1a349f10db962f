let recurrentRules: [NodeRule] = []

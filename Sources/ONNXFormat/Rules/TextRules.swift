let textRules: [NodeRule] = []

let imageRules: [NodeRule] = []

let microsoftRules: [NodeRule] = []

import ModelGraph
import ModelOps
import ModelTensor

let arrayRules: [NodeRule] = [
  .same("Identity", IdentityOp()),
]

import ModelGraph
import ModelOps
import ModelTensor

let arithmeticRules: [NodeRule] = [
  .same("Add", AddOp()), .same("Sub", SubOp()), .same("Mul", MulOp()), .same("Div", DivOp()),
  .same("Erf", ErfOp()),
]

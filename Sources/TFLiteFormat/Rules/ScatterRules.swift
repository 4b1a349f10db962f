import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let scatterRules: [OperatorRule] = []

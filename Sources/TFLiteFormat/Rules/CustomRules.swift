import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let customRules: [OperatorRule] = []

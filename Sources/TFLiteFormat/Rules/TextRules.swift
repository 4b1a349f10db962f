import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let textRules: [OperatorRule] = []

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let attentionWriting: [WritingRule] = []
let quantizationWriting: [WritingRule] = []
let randomWriting: [WritingRule] = []
let textWriting: [WritingRule] = []

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Attention is written as what it decomposes into.
let attentionWriting: [WritingRule] = []
let textWriting: [WritingRule] = []
let randomWriting: [WritingRule] = []

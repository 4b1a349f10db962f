import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let linearRules: [NodeRule] = [
  .reads("MatMul") { n, g in
    [
      try g.matmul(
        try n.input(0), try n.input(1), transposeA: try n.flag("transpose_a"), transposeB: try n.flag("transpose_b"))
    ]
  }
]

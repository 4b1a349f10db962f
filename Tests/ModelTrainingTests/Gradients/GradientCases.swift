import ModelGraph
import ModelOps
import ModelTraining

/// The operations of `fixtures/gradients/generate.py`, by the names of its cases.
enum GradientCases {
  typealias Operation = @Sendable ([Tensor]) throws -> Tensor
  static func one(_ op: any Op, _ inputs: Tensor?...) throws -> Tensor { try Tensor.apply(op, to: inputs)[0] }
  static func ints(_ values: Int...) -> Tensor { Tensor(values.map(Int64.init)) }

  static let all: [String: Operation] = unary.merging(shaping) { $1 }.merging(binary) { $1 }.merging(spatial) { $1 }
    .merging(FactorizationCases.all) { $1 }.merging(SpecialCases.all) { $1 }

  static let unary: [String: Operation] = [
    "abs": { try $0[0].abs() }, "neg": { try -$0[0] }, "square": { try $0[0].square() }, "sqrt": { try $0[0].sqrt() },
    "rsqrt": { try $0[0].rsqrt() }, "reciprocal": { try $0[0].reciprocal() }, "exp": { try $0[0].exp() }, "expm1": { try $0[0].expm1() },
    "log": { try $0[0].log() }, "log1p": { try $0[0].log1p() }, "sin": { try $0[0].sin() }, "cos": { try $0[0].cos() },
    "tan": { try $0[0].tan() }, "asin": { try $0[0].asin() }, "acos": { try $0[0].acos() }, "atan": { try $0[0].atan() },
    "sinh": { try $0[0].sinh() }, "cosh": { try $0[0].cosh() }, "asinh": { try one(AsinhOp(), $0[0]) },
    "acosh": { try one(AcoshOp(), $0[0] + 1) }, "atanh": { try one(AtanhOp(), $0[0]) }, "tanh": { try $0[0].tanh() },
    "erf": { try $0[0].erf() }, "erfc": { try one(ErfcOp(), $0[0]) }, "erfinv": { try one(ErfinvOp(), $0[0]) },
    "lgamma": { try $0[0].lgamma() }, "digamma": { try $0[0].digamma() }, "relu": { try $0[0].relu() },
    "relu6": { try ($0[0] * 5).clip(min: 0, max: 6) }, "sigmoid": { try $0[0].sigmoid() }, "softplus": { try $0[0].softplus() },
    "softsign": { try $0[0].softsign() }, "elu": { try one(EluOp(), $0[0]) }, "selu": { try one(SeluOp(), $0[0]) },
    "leaky_relu": { try one(LeakyReluOp(alpha: 0.1), $0[0]) }, "silu": { try one(SiluOp(), $0[0]) }, "gelu": { try one(GeluOp(), $0[0]) },
    "gelu_tanh": { try one(GeluOp(approximate: true), $0[0]) }, "softmax": { try $0[0].softmax() },
    "softmax_axis": { try $0[0].softmax(axis: 0) }, "log_softmax": { try $0[0].logSoftmax() },
    "clip": { try $0[0].clip(min: -0.5, max: 0.7) }, "floor": { try $0[0].floor() + $0[0] },
    "diamond": { try $0[0] * $0[0] + $0[0].sin() * $0[0] },
  ]

  static let shaping: [String: Operation] = [
    "cumsum": { try $0[0].cumSum(axis: 1, exclusive: true) },
    "cumprod": { try one(CumProdOp(reverse: true), $0[0], Tensor([Int64(1)], shape: [])) }, "sum": { try $0[0].reduceSum(axis: 0) },
    "mean": { try $0[0].reduceMean(axis: 1, keepDims: true) },
    "max": { try ($0[0] * 2).round().reduceMax(axis: 1) + $0[0].reduceMax(axis: 1) }, "min": { try $0[0].reduceMin(axis: 0) },
    "prod": { try $0[0].reduceProd(axis: 1) }, "logsumexp": { try $0[0].reduceLogSumExp(axis: 1) },
    "l2": { try one(ReduceOp(.l2, axes: [1], keepDims: false), $0[0]) }, "all_sum": { try $0[0].reduceSum() },
    "transpose": { try $0[0].transpose() }, "reverse": { try $0[0].reverse(axis: 1) }, "tile": { try $0[0].tile([2, 3]) },
    "slice": { try $0[0][1..., Axis.step(-2)] }, "pad": { try $0[0].pad([(1, 0), (2, 1)]) },
    "pad_reflect": { try one(PadOp(mode: .reflect), $0[0], ints(1, 0, 2, 3)) },
    "pad_symmetric": { try one(PadOp(mode: .symmetric), $0[0], ints(1, 0, 2, 3)) },
    "split": { try Tensor.apply(SplitOp(axis: 1, count: 2), to: [$0[0], ints(2, 3)])[1] }, "top_k": { try $0[0].topK(3).values },
    "band": { try one(TriluOp(), $0[0]) }, "where": { try Tensor.where($0[0], $0[1], $0[2]) },
    "concat": { try Tensor.concat([$0[0], $0[1], $0[0]], axis: 1) }, "gather": { try $0[0].gather($0[1], axis: 1) },
    "gather_nd": { try $0[0].gatherND($0[1]) }, "scatter_add": { try one(ScatterNDOp(reduction: .add), $0[0], $0[1], $0[2]) },
    "scatter": { try one(ScatterNDOp(), $0[0], $0[1], $0[2]) },
    "depth_to_space": { try one(DepthToSpaceOp(blockSize: 2, layout: .channelsLast), $0[0]) },
    "space_to_depth": { try one(SpaceToDepthOp(blockSize: 2, layout: .channelsLast), $0[0]) },
  ]

  static let binary: [String: Operation] = [
    "add": { try $0[0] + $0[1] }, "sub": { try $0[0] - $0[1] }, "mul": { try $0[0] * $0[1] }, "div": { try $0[0] / $0[1] },
    "maximum": { try $0[0].maximum($0[1]) }, "minimum": { try $0[0].minimum($0[1]) },
    "squared_difference": { try $0[0].squaredDifference($0[1]) }, "atan2": { try one(Atan2Op(), $0[0], $0[1]) },
    "floormod": { try $0[0] % $0[1] }, "pow": { try $0[0] ** $0[1] }, "matmul": { try $0[0] • $0[1] },
    "matmul_ta": { try $0[0].matmul($0[1], transposeA: true) }, "matmul_tb": { try $0[0].matmul($0[1], transposeB: true) },
    "matmul_both": { try $0[0].matmul($0[1], transposeA: true, transposeB: true) }, "matmul_batch": { try $0[0] • $0[1] },
    "einsum": { try Tensor.einsum("bij,bkj->bik", $0[0], $0[1]) }, "det": { try one(DetOp(), $0[0]) },
    "inverse": { try one(MatrixInverseOp(), $0[0]) }, "solve": { try one(MatrixSolveOp(), $0[0], $0[1]) },
    "cholesky": { try one(CholeskyOp(), ($0[0] + $0[0].transpose()) / 2) },
  ]

  static func conv(_ strides: [Int] = [], _ dilations: [Int] = [], _ padding: Padding = .valid, groups: Int = 1) -> ConvOp {
    ConvOp(
      strides: strides, dilations: dilations, padding: padding, groups: groups, layout: .channelsLast, kernelLayout: .spatialInputOutput)
  }
  static func transposed(_ padding: Padding) -> ConvTransposeOp {
    ConvTransposeOp(strides: [2, 2], padding: padding, layout: .channelsLast, kernelLayout: .spatialOutputInput)
  }
  static func pool(_ kind: PoolKind, _ kernel: [Int], _ strides: [Int], _ padding: Padding) -> PoolOp {
    PoolOp(kind, kernel: kernel, strides: strides, padding: padding, layout: .channelsLast)
  }

  static let spatial: [String: Operation] = [
    "conv": { try one(conv(), $0[0], $0[1]) }, "conv_same": { try one(conv([2, 2], [], .same), $0[0], $0[1]) },
    "conv_dilated": { try one(conv([], [2, 2], .same), $0[0], $0[1]) }, "conv_one": { try one(conv(), $0[0], $0[1]) },
    "conv_groups": { try one(conv([], [], .same, groups: 2), $0[0], $0[1]) },
    "depthwise": { inputs in
      // TensorFlow's [h, w, channels, multiplier] is [h, w, 1, channels · multiplier].
      try one(conv([2, 2], [], .same, groups: 4), inputs[0], inputs[1].reshape([3, 3, 1, 8]))
    },
    "conv1d": { try one(conv([2], [], .same), $0[0], $0[1]) }, "conv3d": { try one(conv([1, 2, 1], [], .same), $0[0], $0[1]) },
    "conv_transpose": { try one(transposed(.valid), $0[0], $0[1]) }, "conv_transpose_same": { try one(transposed(.same), $0[0], $0[1]) },
    "max_pool": { try one(pool(.max, [3, 3], [2, 2], .same), $0[0]) },
    "max_pool_ties": {
      try one(pool(.max, [2, 2], [2, 2], .valid), $0[0].round()) + one(pool(.max, [2, 2], [2, 2], .valid), $0[0])
    },
    "average_pool": { try one(pool(.average, [3, 3], [2, 2], .same), $0[0]) },
    "average_pool_valid": { try one(pool(.average, [2, 3], [1, 2], .valid), $0[0]) },
    // TensorFlow's radius and coefficient, for a sum instead of a mean.
    "lrn": { try one(LRNOp(size: 5, alpha: 1, beta: 0.75, bias: 1, axis: 3), $0[0]) },
    "batch_norm": { try one(BatchNormalizationOp(epsilon: 1e-3, axis: 3), $0[0], $0[4], $0[3], $0[1], $0[2]) },
    "resize_bilinear": { try one(ResizeOp(mode: .linear), $0[0], nil, nil, ints(2, 5, 9, 4)) },
    "resize_nearest": { try one(ResizeOp(mode: .nearest), $0[0], nil, nil, ints(2, 14, 12, 4)) },
  ]
}

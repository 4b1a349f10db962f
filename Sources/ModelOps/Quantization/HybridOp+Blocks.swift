import ModelGraph
import ModelTensor

extension HybridOp {
  /// `rows · weightsᵀ`, the weights having a scale for each `block` of their depth: a block's products are summed as integers, blocks in
  /// float32, and the zero points of the rows come off last (`EvalBlockwise4Bit`).
  ///
  /// - Throws: `ExecutionError.noKernel` when the blocks don't fill the depth, or have no scale each.
  func multiplyBlocks(
    of block: Int, _ x: NDArray, _ w: NDArray, _ bias: NDArray?, into result: NDArray, rows: Int, in context: ExecutionContext
  ) throws {
    let units = w.shape[0], depth = w.shape[1], scales = weights.quantization.scales
    guard block > 0, depth % block == 0, weights.quantization.axis == 1, scales.count == units * (depth / block), !weights.hasZeroPoints
    else {
      throw ExecutionError(.noKernel, "\(displayName): \(scales.count) scales for blocks of \(block) of \(w.type)")
    }
    let blocks = depth / block, start = bias?.values(Float.self)
    let input = x.with(Float.self) { QuantizedRows($0, count: rows, width: depth, asymmetric: true, in: context) }
    w.with(Int8.self) { w in
      input.values.withUnsafeBufferPointer { x in
        result.withMutable(Float.self) { y in
          for row in 0..<rows {
            for unit in 0..<units {
              var sum: Float = 0, offset: Float = 0
              for place in 0..<blocks {
                let scale = scales[unit * blocks + place], first = place * block
                var products: Int32 = 0, total: Int32 = 0
                for i in first..<(first + block) {
                  let weight = Int32(w[unit * depth + i])
                  total &+= weight
                  products &+= weight &* Int32(x[row * depth + i])
                }
                sum += Float(products) * scale
                offset += scale * Float(total)
              }
              sum -= Float(input.zeroPoints[row]) * offset
              y[row * units + unit] = sum * input.scales[row] + (start?[unit] ?? 0)
            }
          }
        }
      }
    }
  }
}

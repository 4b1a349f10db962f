import ModelGraph
import ModelOps
import ModelTensor

/// A convolution or a matrix product with a bias and a ReLU, all of which may be computed: in training, weights are inputs. Only the
/// runtime makes it, while it plans.
///
/// Inputs: `x`, the weights, `bias?` (one number for each channel).
struct BiasedOp: PreparedOp {
  static let name = "Biased"
  static let family = OpFamily.foreign
  enum Head: Sendable {
    case convolution(ConvOp)
    case product(MatMulOp)
  }
  let head: Head
  let hasRelu: Bool

  var displayName: String {
    switch head {
    case .convolution: "Conv"
    case .product: "MatMul"
    }
  }
  func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    throw GraphError(.invalidStructure, "a fused node keeps the type it was made with")
  }

  func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let x = try inputs.required(0, of: self), w = try inputs.required(1, of: self), bias = inputs.optional(2)
    switch head {
    case .convolution(let op):
      let plan = try memo.prepared(inputs) { try op.plan(x.shape, w.shape) }
      // One number for each channel, whatever its shape.
      results.append(
        try op.evaluate(x, w, plan, scale: nil, shift: bias, residual: nil, activation: hasRelu ? .relu : .none, in: context))
    case .product(let op):
      let shape = try memo.prepared(inputs) { try productShape(op, x, w, bias) }
      let n = shape.last ?? 1, k = x.shape.last ?? 1
      let result = try context.allocate(.float32, shape)
      let m = result.count / max(1, n)
      x.with(Float.self) { source in
        w.with(Float.self) { weights in
          result.withMutable(Float.self) { y in
            guard let source = source.baseAddress, let weights = weights.baseAddress, let y = y.baseAddress, result.count > 0 else {
              return
            }
            withExtendedLifetime(bias) {
              let epilogue = Epilogue(
                shift: bias.flatMap { $0.with(Float.self) { $0.baseAddress } }, activation: hasRelu ? .relu : .none)
              context.primitives.gemm(
                source, weights, y, m: m, n: n, k: k, transposeB: op.transposeB, epilogue, cache: context.nodeCache)
            }
          }
        }
      }
      results.append(result)
    }
  }

  private func productShape(_ op: MatMulOp, _ x: NDArray, _ w: NDArray, _ bias: NDArray?) throws -> [Int] {
    guard x.rank >= 2, w.rank == 2, x.dtype == .float32, w.dtype == .float32, x.shape.last == w.shape[op.transposeB ? 1 : 0] else {
      throw ExecutionError(.shapeMismatch, "MatMul of \(x.type) and \(w.type)")
    }
    let n = w.shape[op.transposeB ? 0 : 1]
    guard bias.map({ $0.count == n && $0.dtype == .float32 }) ?? true else {
      throw ExecutionError(.shapeMismatch, "MatMul with \(n) columns and a bias of \(bias?.count ?? 0) numbers")
    }
    return x.shape.dropLast() + [n]
  }
}

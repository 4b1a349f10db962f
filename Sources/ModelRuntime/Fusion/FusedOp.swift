import ModelGraph
import ModelOps
import ModelTensor

/// A convolution or a matrix product with what follows it. Only the runtime makes it, and only while it
/// plans: it is in no file.
struct FusedOp: PreparedOp {
  static let name = "Fused"
  static let family = OpFamily.foreign
  enum Head: Sendable {
    case convolution(ConvOp)
    case product(transposeB: Bool)
  }
  let head: Head
  /// Inputs of the head: `x`, weights, and perhaps a bias; those of the chain come behind.
  let headInputs: Int
  let chain: EpilogueChain
  private let coefficients = FusedCoefficients()

  init(head: Head, headInputs: Int, chain: EpilogueChain) {
    self.head = head
    self.headInputs = headInputs
    self.chain = chain
  }

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
    let (scale, shift) = try coefficients.get { try makeCoefficients(inputs) }
    let residual = try chain.residual.map { try inputs.required($0, of: self) }
    let activation: EpilogueActivation =
      switch chain.activation {
      case .relu: .relu
      case .reluUpTo(let top): .reluUpTo(top)
      case .silu: .silu
      case nil: .none
      }
    let x = try inputs.required(0, of: self), w = try inputs.required(1, of: self)
    switch head {
    case .convolution(let op):
      let plan = try memo.prepared(inputs) { try op.plan(x.shape, w.shape) }
      if let residual, residual.shape != plan.result {
        // A residual that broadcasts is added afterwards.
        let sum = try op.evaluate(x, w, plan, scale: scale, shift: shift, residual: nil, activation: .none, in: context)
        results.append(try activated(try AddOp().evaluate([sum, residual], in: context)[0], activation, in: context))
        return
      }
      results.append(
        try op.evaluate(x, w, plan, scale: scale, shift: shift, residual: residual, activation: activation, in: context))
    case .product(let transposeB):
      let shape = try memo.prepared(inputs) { try productShape(x, w, transposeB) }
      results.append(try product(x, w, transposeB, shape, scale, shift, residual, activation, in: context))
    }
  }

  private func productShape(_ x: NDArray, _ w: NDArray, _ transposeB: Bool) throws -> [Int] {
    guard x.rank >= 2, w.rank == 2, x.dtype == .float32, w.dtype == .float32, x.shape.last == w.shape[transposeB ? 1 : 0] else {
      throw ExecutionError(.shapeMismatch, "MatMul of \(x.type) and \(w.type)")
    }
    return x.shape.dropLast() + [w.shape[transposeB ? 0 : 1]]
  }

  private func product(
    _ x: NDArray, _ w: NDArray, _ transposeB: Bool, _ shape: [Int], _ scale: NDArray?, _ shift: NDArray?, _ residual: NDArray?,
    _ activation: EpilogueActivation, in context: ExecutionContext
  ) throws -> NDArray {
    let n = shape.last ?? 1, k = x.shape.last ?? 1
    let result = try context.allocate(.float32, shape)
    let m = result.count / max(1, n), inside = residual == nil || residual?.shape == shape
    func pointer(_ array: NDArray?) -> UnsafePointer<Float>? { array?.with(Float.self) { $0.baseAddress } }
    x.with(Float.self) { source in
      w.with(Float.self) { weights in
        result.withMutable(Float.self) { y in
          guard let source = source.baseAddress, let weights = weights.baseAddress, let y = y.baseAddress, result.count > 0 else { return }
          withExtendedLifetime((scale, shift, residual)) {
            let epilogue = Epilogue(
              scale: pointer(scale), shift: pointer(shift), residual: inside ? pointer(residual) : nil,
              activation: inside ? activation : .none)
            context.primitives.gemm(
              source, weights, y, m: m, n: n, k: k, transposeB: transposeB, epilogue, cache: context.nodeCache)
          }
        }
      }
    }
    guard let residual, !inside else { return result }
    return try activated(try AddOp().evaluate([result, residual], in: context)[0], activation, in: context)
  }

  private func activated(_ x: NDArray, _ activation: EpilogueActivation, in context: ExecutionContext) throws -> NDArray {
    switch activation {
    case .none: return x
    case .relu: return try ReluOp().evaluate([x], in: context)[0]
    case .reluUpTo(let top):
      return try ClipOp().evaluate([x, NDArray(scalar: Float(0)), NDArray(scalar: top)], in: context)[0]
    case .silu: return try SiluOp().evaluate([x], in: context)[0]
    }
  }

  /// `((sum + bias) · a + b) · c …` as one factor and one summand for each channel.
  private func makeCoefficients(_ inputs: [NDArray?]) throws -> (scale: NDArray?, shift: NDArray?) {
    let channels = chain.channels
    var scale: [Double]?, shift: [Double]?
    func spread(_ index: Int) throws -> [Double] {
      let values = try inputs.required(index, of: self).doubles()
      guard values.count == 1 || values.count == channels else {
        throw ExecutionError(.shapeMismatch, "\(displayName): \(values.count) factors for \(channels) channels")
      }
      return values.count == 1 ? Array(repeating: values[0], count: channels) : values
    }
    func times(_ factor: [Double]) {
      scale = scale.map { zip($0, factor).map { $0 * $1 } } ?? factor
      shift = shift.map { zip($0, factor).map { $0 * $1 } }
    }
    func plus(_ summand: [Double]) { shift = shift.map { zip($0, summand).map { $0 + $1 } } ?? summand }
    if headInputs > 2, inputs.count > 2, inputs[2] != nil { plus(try spread(2)) }
    for step in chain.steps {
      switch step {
      case .multiply(let index): times(try spread(index))
      case .divide(let index): times(try spread(index).map { 1 / $0 })
      case .add(let index): plus(try spread(index))
      case .subtract(let index): plus(try spread(index).map { -$0 })
      case .normalize(let op, let gamma, let beta, let mean, let variance):
        let mean = try spread(mean), variance = try spread(variance)
        let factor = try zip(variance, gamma.map { try spread($0) } ?? Array(repeating: 1, count: channels)).map {
          $1 / ($0 + op.epsilon).squareRoot()
        }
        times(factor)
        plus(try zip(zip(mean, factor), beta.map { try spread($0) } ?? Array(repeating: 0, count: channels)).map { $1 - $0.0 * $0.1 })
      }
    }
    return (
      scale.map { NDArray($0.map(Float.init), [channels]) }, shift.map { NDArray($0.map(Float.init), [channels]) }
    )
  }
}

/// Factors and summands, computed in the first run: their sources are constants.
final class FusedCoefficients: @unchecked Sendable {
  // Runs of one executor take turns, so nothing else is looking.
  private var known: (scale: NDArray?, shift: NDArray?)?
  func get(_ make: () throws -> (scale: NDArray?, shift: NDArray?)) rethrows -> (scale: NDArray?, shift: NDArray?) {
    if let known { return known }
    let made = try make()
    known = made
    return made
  }
}

import ModelGraph
import ModelTensor

/// The weights of one gate: floats, 8-bit integers with a scale, or the diagonal of a matrix.
enum CellMatrix {
  case float([Float], rows: Int, columns: Int)
  case quantized(QuantizedMatrix)
  case diagonal([Float])

  /// - Throws: `ExecutionError` unless the array is `[rows, columns]`, or `[rows]` where a diagonal may stand.
  init(_ array: NDArray, rows: Int, columns: Int, scale: Float?, mayBeDiagonal: Bool = false, _ op: any Op) throws {
    if mayBeDiagonal, array.shape == [rows], rows == columns {
      self = .diagonal(try array.cellVector(count: rows, scale: scale, op))
      return
    }
    guard array.shape == [rows, columns] else {
      throw ExecutionError(.shapeMismatch, "\(op.displayName): weights \(array.type) where [\(rows), \(columns)] belongs")
    }
    switch array.dtype {
    case .float32: self = .float(array.values(Float.self), rows: rows, columns: columns)
    case .int8, .uint8, .int4:
      // Old files call symmetric int8 weights uint8.
      guard let scale else { throw ExecutionError(.invalidInput, "\(op.displayName): integer weights without a scale") }
      self = .quantized(
        QuantizedMatrix(
          array.reinterpreted(as: .int8).values(Int8.self), rows: rows, columns: columns, scales: [scale]))
    default: throw noKernelFor(op, array.dtype)
    }
  }

  /// Adds the product with each row of `x` to each row of `sums`.
  func multiplyAccumulate(_ x: CellInput, _ sums: inout [Float], in context: ExecutionContext) {
    sums.withUnsafeMutableBufferPointer { sums in
      guard let y = sums.baseAddress else { return }
      switch self {
      case .float(let weights, let rows, let columns):
        guard !x.isZero else { return }
        x.values.withUnsafeBufferPointer { x0 in
          weights.withUnsafeBufferPointer { w in
            guard let x0 = x0.baseAddress, let w = w.baseAddress else { return }
            context.primitives.gemm(
              x0, w, y, m: x.count, n: rows, k: columns, transposeA: false, transposeB: true, alpha: 1, beta: 1)
          }
        }
      case .quantized(let matrix):
        guard !x.isZero else { return }
        matrix.multiplyAccumulate(x.quantized(in: context), y, in: context)
      case .diagonal(let weights):
        for b in 0..<x.count { for i in weights.indices { y[b * weights.count + i] += weights[i] * x.values[b * weights.count + i] } }
      }
    }
  }
}

/// What one step multiplies weights with: rows of floats, quantised once when integer weights ask for it.
final class CellInput {
  let values: [Float]
  let count: Int, width: Int
  let isZero: Bool
  private let asymmetric: Bool
  private var known: QuantizedRows?
  init(_ values: [Float], count: Int, width: Int, asymmetric: Bool) {
    self.values = values
    self.count = count
    self.width = width
    self.asymmetric = asymmetric
    isZero = values.allSatisfy { $0 == 0 }
  }
  func quantized(in context: ExecutionContext) -> QuantizedRows {
    if let known { return known }
    let made = values.withUnsafeBufferPointer { QuantizedRows($0, count: count, width: width, asymmetric: asymmetric, in: context) }
    known = made
    return made
  }
}

extension NDArray {
  /// A vector of `count` floats; integers are multiplied with `scale`.
  func cellVector(count: Int, scale: Float?, _ op: any Op) throws -> [Float] {
    guard self.count == count else {
      throw ExecutionError(.shapeMismatch, "\(op.displayName): \(type) where \(count) elements belong")
    }
    switch dtype {
    case .float32: return values(Float.self)
    case .int8, .uint8:
      let scale = scale ?? 1
      return reinterpreted(as: .int8).values(Int8.self).map { scale * Float($0) }
    default: throw noKernelFor(op, dtype)
    }
  }
}

func noKernelFor(_ op: any Op, _ dtype: DType) -> ExecutionError {
  ExecutionError(.noKernel, "\(op.displayName) takes no \(dtype) here")
}

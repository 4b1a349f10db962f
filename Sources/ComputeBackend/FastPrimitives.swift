import CKernels
import ModelGraph

/// The primitives on OpenBLAS and `CKernels`, over several threads.
///
/// Results differ from `ReferencePrimitives` by rounding: sums are taken in another order, and elementary functions
/// are within a few units in the last place. See `docs/numerics.md`.
public struct FastPrimitives: ComputePrimitives {
  let pool: ThreadPool
  public var threads: Int { pool.count }
  /// Whether the sums of products are as good as exact, which takes up to a third longer.
  public let compensates: Bool

  /// - Parameter threads: `nil` takes every processor.
  public init(threads: Int? = nil, compensates: Bool = false) {
    pool = ThreadPool(count: min(256, threads ?? ThreadPool.processors))
    self.compensates = compensates
  }

  /// The instruction set that the kernels use: `avx512`, `avx2`, `portable`.
  public static var instructionSet: String { String(cString: ck_instruction_set()) }

  public func parallel(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    pool.run(count, grain: max(grain, 1), body)
  }

  /// A grain that gives each thread a few pieces of at least `least` items.
  func grain(_ count: Int, least: Int, multiple: Int = 1) -> Int {
    let even = (count + 4 * threads - 1) / (4 * threads)
    let wanted = max(even, least)
    return max(1, (wanted + multiple - 1) / multiple * multiple)
  }

  public func unary(_ function: UnaryFunction, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, count: Int) {
    let code = Int32(bitPattern: function.code.rawValue)
    nonisolated(unsafe) let (x, y) = (x, y)
    parallel(count, grain: grain(count, least: function.isCheap ? 32768 : 4096, multiple: 64)) { part in
      ck_unary(code, x + part.lowerBound, y + part.lowerBound, part.count)
    }
  }

  public func binary(
    _ function: BinaryFunction, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    count: Int, aIsScalar: Bool, bIsScalar: Bool
  ) {
    if aIsScalar, bIsScalar {
      for i in 0..<count { y[i] = function(a[0], b[0]) }
      return
    }
    binary(
      function, a, b, y, rows: 1, count: count, aRow: 0, bRow: 0, aStep: aIsScalar ? 0 : 1, bStep: bIsScalar ? 0 : 1)
  }

  public func binary(
    _ function: BinaryFunction, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    rows: Int, count: Int, aRow: Int, bRow: Int, aStep: Int, bStep: Int
  ) {
    let code = Int32(bitPattern: function.code.rawValue)
    nonisolated(unsafe) let (a, b, y) = (a, b, y)
    if rows == 1 {
      parallel(count, grain: grain(count, least: 32768, multiple: 64)) { part in
        let start = part.lowerBound
        ck_binary(code, a + start * aStep, b + start * bStep, y + start, 1, part.count, 0, 0, aStep, bStep)
      }
      return
    }
    parallel(rows, grain: grain(rows, least: max(1, 32768 / max(1, count)))) { part in
      let start = part.lowerBound
      ck_binary(code, a + start * aRow, b + start * bRow, y + start * count, part.count, count, aRow, bRow, aStep, bStep)
    }
  }

  public func scaleShift(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    outer: Int, channels: Int, inner: Int
  ) {
    let size = channels * inner
    nonisolated(unsafe) let (x, y, scale, shift) = (x, y, scale, shift)
    parallel(outer, grain: grain(outer, least: max(1, 32768 / max(1, size)))) { part in
      let start = part.lowerBound * size
      ck_scale_shift(x + start, scale, shift, y + start, part.count, channels, inner)
    }
  }

  public func softmax(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, rows: Int, count: Int, log: Bool) {
    nonisolated(unsafe) let (x, y) = (x, y)
    parallel(rows, grain: grain(rows, least: max(1, 4096 / max(1, count)))) { part in
      let start = part.lowerBound * count
      ck_softmax(x + start, y + start, part.count, count, log)
    }
  }

  public func normalize(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>?, shift: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>,
    rows: Int, count: Int, epsilon: Float
  ) {
    nonisolated(unsafe) let (x, y, scale, shift) = (x, y, scale, shift)
    parallel(rows, grain: grain(rows, least: max(1, 8192 / max(1, count)))) { part in
      let start = part.lowerBound * count
      ck_layer_norm(x + start, scale, shift, y + start, part.count, count, epsilon)
    }
  }

  public func reduce(
    _ function: ReductionFunction, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, outer: Int, count: Int,
    inner: Int
  ) {
    let code = Int32(bitPattern: function.code.rawValue)
    nonisolated(unsafe) let (x, y) = (x, y)
    // One long column of rows is cut: sums of the parts are summed.
    if outer == 1, threads > 1, inner >= 16, count >= 1024, count * inner >= 1 << 17, function == .sum,
      let parts = PackedBuffer.take(threads * inner)
    {
      nonisolated(unsafe) let sums = parts.pointer
      let step = (count + threads - 1) / threads
      parallel(threads, grain: 1) { range in
        for part in range {
          let start = min(count, part * step)
          ck_reduce(code, x + start * inner, sums + part * inner, 1, min(step, count - start), inner)
        }
      }
      ck_reduce(code, sums, y, 1, threads, inner)
      return PackedBuffer.recycle(parts)
    }
    parallel(outer, grain: grain(outer, least: max(1, 16384 / max(1, count * inner)))) { part in
      ck_reduce(code, x + part.lowerBound * count * inner, y + part.lowerBound * inner, part.count, count, inner)
    }
  }

  public func transpose(
    _ x: UnsafePointer<UInt32>, _ y: UnsafeMutablePointer<UInt32>, batch: Int, rows: Int, columns: Int
  ) {
    let size = rows * columns
    nonisolated(unsafe) let (x, y) = (x, y)
    if batch == 1 {
      parallel(columns, grain: grain(columns, least: max(16, 16384 / max(1, rows)), multiple: 16)) { part in
        ck_transpose32(x, y, rows, columns, part.lowerBound, part.upperBound)
      }
      return
    }
    parallel(batch, grain: grain(batch, least: max(1, 16384 / max(1, size)))) { part in
      for b in part { ck_transpose32(x + b * size, y + b * size, rows, columns, 0, columns) }
    }
  }

  public func pool(
    _ shape: ConvolutionShape, maximum: Bool, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
  ) {
    var geometry = shape.geometry
    let lanes = shape.layout == .channelsLast ? shape.inputChannels : 1
    if shape.layout == .channelsFirst { geometry.batch *= shape.inputChannels }
    let rows = geometry.batch * geometry.output.0 * geometry.output.1
    let work = geometry.output.2 * lanes * geometry.kernel.0 * geometry.kernel.1 * geometry.kernel.2
    let kind = Int32(bitPattern: maximum ? CK_MAX.rawValue : CK_SUM.rawValue)
    nonisolated(unsafe) let (x, y) = (x, y)
    let fixed = geometry
    parallel(rows, grain: grain(rows, least: max(1, 16384 / max(1, work)))) { part in
      withUnsafePointer(to: fixed) { ck_pool($0, kind, lanes, x, y, part.lowerBound, part.upperBound) }
    }
  }
}

extension UnaryFunction {
  var code: ck_unary_code {
    switch self {
    case .exp: CK_EXP
    case .tanh: CK_TANH
    case .sigmoid: CK_SIGMOID
    case .relu: CK_RELU_FUNCTION
    case .silu: CK_SILU_FUNCTION
    case .erf: CK_ERF
    case .gelu: CK_GELU
    case .geluTanh: CK_GELU_TANH
    case .sqrt: CK_SQRT
    case .neg: CK_NEG
    case .abs: CK_ABS
    case .square: CK_SQUARE
    case .log: CK_LOG
    }
  }
  var isCheap: Bool {
    switch self {
    case .relu, .sqrt, .neg, .abs, .square: true
    default: false
    }
  }
}
extension BinaryFunction {
  var code: ck_binary_code {
    switch self {
    case .add: CK_ADD
    case .sub: CK_SUB
    case .mul: CK_MUL
    case .div: CK_DIV
    case .maximum: CK_MAXIMUM
    case .minimum: CK_MINIMUM
    case .gate: CK_GATE
    }
  }
}
extension ReductionFunction {
  var code: ck_reduction_code {
    switch self {
    case .sum: CK_REDUCE_SUM
    case .maximum: CK_REDUCE_MAX
    case .minimum: CK_REDUCE_MIN
    case .sumSquare: CK_REDUCE_SUM_SQUARE
    }
  }
}

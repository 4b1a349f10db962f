import ModelTensor

/// The handful of loops in which an execution spends its time. The engine's kernels call them; a
/// backend makes them fast. Every requirement has a plain Swift definition, which is what a fast one
/// is tested against.
///
/// Buffers are dense and row-major. Sizes are checked by the caller.
public protocol ComputePrimitives: Sendable {
  /// How many threads loops are split over.
  var threads: Int { get }

  /// `c = alpha · op(a) · op(b) + beta · c`, with `op(a)` of `[m, k]` and `op(b)` of `[k, n]`.
  func gemm(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>,
    m: Int, n: Int, k: Int, transposeA: Bool, transposeB: Bool, alpha: Float, beta: Float)
  func gemm(
    _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ c: UnsafeMutablePointer<Double>,
    m: Int, n: Int, k: Int, transposeA: Bool, transposeB: Bool, alpha: Double, beta: Double)

  /// `c = epilogue(a · op(b))`, where `c` is `[m, n]` and the epilogue's channels are its columns. A cache says that `b` is
  /// the same in every run of the node.
  func gemm(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>,
    m: Int, n: Int, k: Int, transposeB: Bool, _ epilogue: Epilogue, cache: NodeCache?)
  /// `c = a · b` of integers, which wrap.
  func gemm(
    _ a: UnsafePointer<Int32>, _ b: UnsafePointer<Int32>, _ c: UnsafeMutablePointer<Int32>, m: Int, n: Int, k: Int)

  /// `c[i, j] = Σ a[i, p] · b[j, p]` of 16-bit integers over `k` of the `stride` elements of a row; sums wrap.
  func gemm(
    _ a: UnsafePointer<Int16>, _ b: UnsafePointer<Int16>, _ c: UnsafeMutablePointer<Int32>, m: Int, n: Int, k: Int, stride: Int)

  /// `sums[c] += x[c] · w[c]` of 16-bit integers; sums wrap.
  func accumulate(_ x: UnsafePointer<Int16>, _ w: UnsafePointer<Int16>, _ sums: UnsafeMutablePointer<Int32>, count: Int)
  /// `(sums[r, c] + bias[c]) · factor[c] · 2^(left[c] − right[c] − 31) + zero`, clamped, in place. The product is rounded as its high
  /// half is taken, halves upwards, and again as it is shifted right (by at most 31), halves away from zero.
  func requantize(_ sums: UnsafeMutablePointer<Int32>, rows: Int, columns: Int, _ scheme: Requantization)

  /// The same with factors in float64: `(sums[r, c] + bias[c]) · factor[c]` is rounded once, halves away from zero.
  func requantize(
    _ sums: UnsafeMutablePointer<Int32>, rows: Int, columns: Int, bias: UnsafePointer<Int32>, factor: UnsafePointer<Double>, zero: Int32,
    range: ClosedRange<Int32>)
  /// The least and the greatest of `count` numbers and of zero; NaN is passed over.
  func rangeWithZero(_ x: UnsafePointer<Float>, count: Int) -> (low: Float, high: Float)
  /// `y = nudge + x · inverse`, rounded with halves away from zero, from `least` to 127; NaN becomes `least`.
  func quantize(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Int8>, count: Int, inverse: Float, nudge: Float, least: Int8)

  /// Hyperbolic tangents (of 0 to 6 integer bits) or logistic functions (of 1 to 7) of fixed-point numbers, in place; the results have no
  /// integer bits. See `FixedPoint16`.
  func gates(_ x: UnsafeMutablePointer<Int16>, count: Int, integerBits: Int, tanh: Bool)

  /// A convolution of stored integers, channels last, whose sums wrap. The weights have 8 bits and are given as `[output, tap, input of
  /// the group]`, widened, whatever the shape says of their layout.
  func convolve(
    _ shape: ConvolutionShape, _ x: StoredIntegers, _ w: UnsafePointer<Int16>, _ scheme: Requantization, _ y: StoredResults,
    cache: NodeCache?)
  /// The sums of such a convolution as they are.
  func convolve(
    _ shape: ConvolutionShape, _ x: StoredIntegers, _ w: UnsafePointer<Int16>, sums: UnsafeMutablePointer<Int32>, cache: NodeCache?)
  /// `y[offset + i] = scheme(a[aStart + i · aStep], b[bStart + i · bStep])`; steps are 0 or 1. All have the kind of `y`.
  func combine(
    _ scheme: IntegerCombination, _ a: StoredIntegers, _ b: StoredIntegers, _ y: StoredResults, offset: Int, count: Int, aStart: Int,
    bStart: Int, aStep: Int, bStep: Int)

  /// A convolution or correlation as Keras and ONNX define it, see `ConvolutionShape`.
  func convolve(
    _ shape: ConvolutionShape, _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>,
    _ epilogue: Epilogue, _ y: UnsafeMutablePointer<Float>, cache: NodeCache?)

  func unary(_ function: UnaryFunction, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, count: Int)
  /// `y = a ∘ b`, contiguous, or with one side a single element.
  func binary(
    _ function: BinaryFunction, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, count: Int, aIsScalar: Bool, bIsScalar: Bool)
  /// `y[r, i] = a[r · aRow + i · aStep] ∘ b[r · bRow + i · bStep]`; steps are 0 or 1, not both 0.
  func binary(
    _ function: BinaryFunction, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    rows: Int, count: Int, aRow: Int, bRow: Int, aStep: Int, bStep: Int)
  /// `y = x · scale[c] + shift[c]` for `x` of `[outer, channels, inner]`.
  func scaleShift(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    outer: Int, channels: Int, inner: Int)
  /// Maxima or sums of windows; the geometry is that of a convolution with as many outputs as inputs. Padding counts for
  /// nothing.
  func pool(
    _ shape: ConvolutionShape, maximum: Bool, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>)
  /// `x` of `[outer, count, inner]` to `[outer, inner]`. NaN wins a maximum or minimum.
  func reduce(
    _ function: ReductionFunction, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, outer: Int, count: Int,
    inner: Int)
  /// `(x − mean) / √(variance + epsilon) · scale + shift` of each row of `count` elements.
  func normalize(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>?, shift: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>,
    rows: Int, count: Int, epsilon: Float)
  /// `y[b, j, i] = x[b, i, j]` of four-byte elements.
  func transpose(
    _ x: UnsafePointer<UInt32>, _ y: UnsafeMutablePointer<UInt32>, batch: Int, rows: Int, columns: Int)
  /// Softmax (or its logarithm) of each of `rows` rows of `count` elements.
  func softmax(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, rows: Int, count: Int, log: Bool)

  // What training adds.

  /// `dw[k…, i, o] = Σ x[n, o…·stride + k·dilation − padding, i] · g[n, o…, o]`, channels last and in one group: the gradient of a
  /// convolution's weights, laid out as `.spatialInputOutput` whatever the shape says.
  func filterGradient(_ shape: ConvolutionShape, _ x: UnsafePointer<Float>, _ g: UnsafePointer<Float>, _ dw: UnsafeMutablePointer<Float>)
  /// `dx` gets each `g` where the first maximum of its window stood, 0 elsewhere. Channels last; `y` is what `pool` gave.
  func maxPoolGradient(
    _ shape: ConvolutionShape, _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ g: UnsafePointer<Float>,
    _ dx: UnsafeMutablePointer<Float>)
  /// Sums over the rows of `x`: of `x − centre` and its square, or with `g` of `g` and `g · (x − centre)`.
  func columnSums(
    _ x: UnsafePointer<Float>, centre: UnsafePointer<Float>?, g: UnsafePointer<Float>?, rows: Int, columns: Int,
    _ first: UnsafeMutablePointer<Double>, _ second: UnsafeMutablePointer<Double>)
  /// `y = g · a[c] + x · b[c] + d[c]`.
  func blendColumns(
    _ g: UnsafePointer<Float>, _ x: UnsafePointer<Float>, a: UnsafePointer<Float>, b: UnsafePointer<Float>, d: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, rows: Int, columns: Int)
  /// One step of an LSTM with the usual activations. Rows of `gates` hold i, o, f, c, and are activated in place.
  func lstmCell(
    _ gates: UnsafeMutablePointer<Float>, before: UnsafePointer<Float>, _ cells: UnsafeMutablePointer<Float>,
    _ hidden: UnsafeMutablePointer<Float>, rows: Int, units: Int)
  /// The way back of `lstmCell`: from `dh` and `dc` to `dz`, the gradient of the gates before they were activated, and to that of the
  /// cells before the step, which `dc` becomes.
  func lstmCellGradient(
    _ gates: UnsafePointer<Float>, before: UnsafePointer<Float>, _ cells: UnsafePointer<Float>, dh: UnsafePointer<Float>,
    dc: UnsafeMutablePointer<Float>, dz: UnsafeMutablePointer<Float>, rows: Int, units: Int)
  /// The numbers of Philox4x32-10, four for each of `blocks` blocks from the counter on.
  func philox(key: UInt64, counter: (UInt64, UInt64), _ y: UnsafeMutablePointer<UInt32>, blocks: Int)

  /// Runs `body` over `0..<count` in chunks of at least `grain`, on several threads.
  func parallel(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void)
}

/// How integer sums become stored integers again; one entry for each column.
public struct Requantization {
  public var bias: UnsafePointer<Int32>, factor: UnsafePointer<Int32>
  public var left: UnsafePointer<Int32>, right: UnsafePointer<Int32>
  public var zero: Int32
  public var range: ClosedRange<Int32>
  public init(
    bias: UnsafePointer<Int32>, factor: UnsafePointer<Int32>, left: UnsafePointer<Int32>, right: UnsafePointer<Int32>, zero: Int32,
    range: ClosedRange<Int32>
  ) {
    self.bias = bias
    self.factor = factor
    self.left = left
    self.right = right
    self.zero = zero
    self.range = range
  }
}

public enum UnaryFunction: Sendable, CaseIterable { case exp, tanh, sigmoid, relu, silu, erf, gelu, geluTanh, sqrt, neg, abs, square, log }
public enum ReductionFunction: Sendable, CaseIterable { case sum, maximum, minimum, sumSquare }
public enum BinaryFunction: Sendable, CaseIterable {
  case add, sub, mul, div, maximum, minimum
  /// The first where the second is positive, else 0.
  case gate
}

/// A convolution over one to three spatial axes; missing ones have extent 1.
///
/// `y[n, o…, c] = Σ x[n, o·stride + k·dilation − padding…, i] · w[k…, i, c]`, within each group.
/// The input is `[batch, spatial…, channels]` for `.channelsLast`, `[batch, channels, spatial…]` otherwise; the
/// weights are laid out as `kernelLayout` says, with `channels/groups` inputs.
public struct ConvolutionShape: Sendable, Hashable {
  public var batch: Int
  public var input: [Int], kernel: [Int], output: [Int]
  public var strides: [Int], dilations: [Int], padding: [Int]
  public var inputChannels: Int, outputChannels: Int, groups: Int
  public var layout: DataLayout
  public var kernelLayout: KernelLayout
  public init(
    batch: Int, input: [Int], kernel: [Int], output: [Int], strides: [Int], dilations: [Int], padding: [Int],
    inputChannels: Int, outputChannels: Int, groups: Int, layout: DataLayout, kernelLayout: KernelLayout
  ) {
    self.batch = batch
    self.input = input
    self.kernel = kernel
    self.output = output
    self.strides = strides
    self.dilations = dilations
    self.padding = padding
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.groups = groups
    self.layout = layout
    self.kernelLayout = kernelLayout
  }
}

/// What happens to each output element before it is stored:
/// `y = activation(sum · scale[c] + shift[c] + residual)`.
public struct Epilogue {
  public var scale: UnsafePointer<Float>?
  public var shift: UnsafePointer<Float>?
  public var residual: UnsafePointer<Float>?
  public var activation: EpilogueActivation
  public init(
    scale: UnsafePointer<Float>? = nil, shift: UnsafePointer<Float>? = nil, residual: UnsafePointer<Float>? = nil,
    activation: EpilogueActivation = .none
  ) {
    self.scale = scale
    self.shift = shift
    self.residual = residual
    self.activation = activation
  }
}

public enum EpilogueActivation: Sendable, Equatable {
  case none, relu
  /// Clamped to `0…maximum`.
  case reluUpTo(Float)
  case silu
}

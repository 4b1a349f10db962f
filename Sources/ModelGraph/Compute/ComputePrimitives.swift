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

  /// A convolution or correlation as Keras and ONNX define it, see `ConvolutionShape`.
  func convolve(
    _ shape: ConvolutionShape, _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>,
    _ epilogue: Epilogue, _ y: UnsafeMutablePointer<Float>, cache: NodeCache?)

  func unary(_ function: UnaryFunction, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, count: Int)
  /// `y = a ∘ b`, contiguous, or with one side a single element.
  func binary(
    _ function: BinaryFunction, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, count: Int, aIsScalar: Bool, bIsScalar: Bool)
  /// Softmax (or its logarithm) of each of `rows` rows of `count` elements.
  func softmax(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, rows: Int, count: Int, log: Bool)
  /// Runs `body` over `0..<count` in chunks of at least `grain`, on several threads.
  func parallel(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void)
}

public enum UnaryFunction: Sendable { case exp, tanh, sigmoid, relu, silu, erf, gelu, geluTanh, sqrt, neg, abs, square, log }
public enum BinaryFunction: Sendable { case add, sub, mul, div, maximum, minimum }

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

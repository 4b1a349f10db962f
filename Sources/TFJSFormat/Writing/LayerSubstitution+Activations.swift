import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

extension LayerSubstitution {
  /// Whether TF.js has a function of this name that does the same. Its `hard_sigmoid` is that of Keras 2.
  static func knows(_ function: Activation) -> Bool {
    if function == .hardSigmoidKeras2 { return true }
    guard function.isPlain, function != .hardSigmoid() else { return false }
    return LayerClasses.activations.contains(function == .silu ? "swish" : function.name)
  }

  /// A function of `x`; `nil` where no layers of TF.js compute it.
  mutating func apply(_ function: Activation, _ x: ValueID) throws -> ValueID? {
    if Self.knows(function) { return function == .linear ? x : try add(ActivationLayer(function), [x]) }
    switch function {
    case .hardSigmoid(let alpha, let beta): return try relu(try rescale(x, alpha, beta), max: 1)
    case .hardSilu: return try add(Multiply(), [x, try relu(try rescale(x, 1 / 6, 0.5), max: 1)])
    case .hardTanh: return try rescale(try relu(try rescale(x, 1, 1), max: 2), 1, -1)
    case .relu(let max, let slope, 0):
      guard slope != 0 else { return try relu(x, max: max) }
      guard max != nil else { return try leaky(x, slope) }
      return try add(Add(), [try relu(x, max: max), try rescale(try negativePart(x), slope)])
    case .leakyRelu(let slope): return try leaky(x, slope)
    case .elu(let alpha):
      return try add(Add(), [try relu(x), try rescale(try add(ActivationLayer(.elu()), [try negativePart(x)]), alpha)])
    case .celu(let alpha) where alpha != 0:
      let inner = try rescale(try negativePart(x), 1 / alpha)
      return try add(Add(), [try relu(x), try rescale(try add(ActivationLayer(.elu()), [inner]), alpha)])
    case .logSigmoid: return try rescale(try add(ActivationLayer(.softplus), [try rescale(x, -1)]), -1)
    case .tanhShrink: return try add(Add(), [x, try rescale(try add(ActivationLayer(.tanh), [x]), -1)])
    case .softShrink(let threshold):
      let above = try relu(try rescale(x, 1, -threshold)), below = try relu(try rescale(x, -1, -threshold))
      return try add(Add(), [above, try rescale(below, -1)])
    case .gelu(approximate: true):
      let inner = try add(Add(), [x, try rescale(try add(Multiply(), [x, x, x]), 0.044715)])
      let tanh = try add(ActivationLayer(.tanh), [try rescale(inner, (2 / Double.pi).squareRoot())])
      return try add(Multiply(), [x, try rescale(tanh, 0.5, 0.5)])
    case .softmax(let axis): return try onLastAxis(x, axis) { try $0.add(ActivationLayer(.softmax()), [$1]) }
    case .logSoftmax(let axis): return try onLastAxis(x, axis) { try $0.add(ActivationLayer(.logSoftmax()), [$1]) }
    default: return nil
    }
  }

  private mutating func leaky(_ x: ValueID, _ slope: Double) throws -> ValueID {
    var layer = LeakyReLU()
    layer.negativeSlope = slope
    return try add(layer, [x])
  }

  /// `min(x, 0)`.
  private mutating func negativePart(_ x: ValueID) throws -> ValueID { try rescale(try relu(try rescale(x, -1)), -1) }

  /// What works on the last axis, on another one.
  mutating func onLastAxis(
    _ x: ValueID, _ axis: Int, _ body: (inout Self, ValueID) throws -> ValueID
  ) throws -> ValueID? {
    guard let rank = rank(x) else { return nil }
    let axis = try normalizeAxis(axis, rank: rank)
    guard axis > 0 else { return nil }
    if axis == rank - 1 { return try body(&self, x) }
    let order = (0..<rank).filter { $0 != axis } + [axis]
    let back = (0..<rank).map { index in order.firstIndex(of: index) ?? index }
    return try permute(try body(&self, try permute(x, order)), back)
  }

  /// The function that an operation of `keras.ops` is.
  func function(of op: any Op) -> Activation? {
    switch op {
    case is ReluOp: .relu()
    case is SigmoidOp: .sigmoid
    case is TanhOp: .tanh
    case is SoftplusOp: .softplus
    case is SoftsignOp: .softsign
    case is HardSwishOp: .hardSilu
    case is MishOp: .mish
    case let op as SiluOp where op.alpha == 1: .silu
    case let op as SwishOp where op.alpha == 1: .silu
    case let op as GeluOp: .gelu(approximate: op.approximate)
    case let op as EluOp: .elu(alpha: op.alpha)
    case let op as CeluOp: .celu(alpha: op.alpha)
    case let op as SeluOp where op.alpha == SeluOp().alpha && op.gamma == SeluOp().gamma: .selu
    case let op as LeakyReluOp: .leakyRelu(negativeSlope: op.alpha)
    case let op as HardSigmoidOp: .hardSigmoid(alpha: op.alpha, beta: op.beta)
    case let op as SoftmaxOp: .softmax(axis: op.axis)
    case let op as LogSoftmaxOp: .logSoftmax(axis: op.axis)
    case let op as ShrinkOp where op.bias == op.lambd: .softShrink(threshold: op.lambd)
    default: nil
    }
  }
}

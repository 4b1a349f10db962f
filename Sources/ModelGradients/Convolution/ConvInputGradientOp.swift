import ModelGraph
import ModelOps
import ModelTensor

/// The gradient of a convolution's input: the transpose of the convolution by its weights.
///
/// Inputs: `g` (as the convolution's result), `w`. Result: `inputShape`.
public struct ConvInputGradientOp: PreparedOp, DifferentiableOp {
  public static let name = "ConvInputGradient"
  public static let family = OpFamily.convolution
  public var convolution: ConvOp
  public var inputShape: [Int]
  public init(_ convolution: ConvOp, inputShape: [Int]) {
    self.convolution = convolution
    self.inputShape = inputShape
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    [TensorType(try inputs.required(0, of: self).type.dtype, inputShape)]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let g = try inputs.required(0, of: self), w = try inputs.required(1, of: self)
    let columns = try memo.prepared(inputs) { try ConvolutionColumns(convolution, x: inputShape, w: w.shape, g: g.shape) }
    results.append(
      try ConvolutionColumns.widened(g, w, op: self, in: context) { try columns.inputGradient($0, $1, in: context) })
  }
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let g = try call.x(0), w = try call.x(1), h = try call.g()
    return [
      call.needs(0) ? try c.apply(convolution, h, w) : nil,
      call.needs(1) ? try c.apply(ConvFilterGradientOp(convolution, filterShape: try c.extents(of: w)), h, g) : nil,
    ]
  }
}

/// The gradient of a convolution's weights.
///
/// Inputs: `x`, `g` (as the convolution's result). Result: `filterShape`.
public struct ConvFilterGradientOp: PreparedOp, DifferentiableOp {
  public static let name = "ConvFilterGradient"
  public static let family = OpFamily.convolution
  public var convolution: ConvOp
  public var filterShape: [Int]
  public init(_ convolution: ConvOp, filterShape: [Int]) {
    self.convolution = convolution
    self.filterShape = filterShape
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    [TensorType(try inputs.required(0, of: self).type.dtype, filterShape)]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let x = try inputs.required(0, of: self), g = try inputs.required(1, of: self)
    let columns = try memo.prepared(inputs) { try ConvolutionColumns(convolution, x: x.shape, w: filterShape, g: g.shape) }
    results.append(
      try ConvolutionColumns.widened(x, g, op: self, in: context) { try columns.filterGradient($0, $1, in: context) })
  }
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let x = try call.x(0), g = try call.x(1), v = try call.g()
    return [
      call.needs(0) ? try c.apply(ConvInputGradientOp(convolution, inputShape: try c.extents(of: x)), g, v) : nil,
      call.needs(1) ? try c.apply(convolution, x, v) : nil,
    ]
  }
}

import ModelGraph
import ModelTensor

/// A convolution (cross-correlation) over one to three spatial axes.
///
/// Inputs: `x`, `w`, `bias?` (`[out]`). Layouts as the attributes say; `groups` splits the channels.
public struct ConvOp: PreparedOp {
  public static let name = "Conv"
  public static let family = OpFamily.convolution
  public var strides: [Int]
  public var dilations: [Int]
  public var padding: Padding
  public var groups: Int
  public var layout: DataLayout
  public var kernelLayout: KernelLayout
  public init(
    strides: [Int] = [], dilations: [Int] = [], padding: Padding = .valid, groups: Int = 1, layout: DataLayout,
    kernelLayout: KernelLayout
  ) {
    self.strides = strides
    self.dilations = dilations
    self.padding = padding
    self.groups = groups
    self.layout = layout
    self.kernelLayout = kernelLayout
  }

  public func outputChannels<T>(_ w: [T]) -> T? {
    switch kernelLayout {
    case .outputInputSpatial: w.first
    case .spatialInputOutput: w.last
    case .spatialOutputInput: w.dropLast().last
    }
  }
  func groupInputs<T>(_ w: [T]) -> T? {
    switch kernelLayout {
    case .outputInputSpatial: w.dropFirst().first
    case .spatialInputOutput: w.dropLast().last
    case .spatialOutputInput: w.last
    }
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type, w = try inputs.required(1, of: self).type
    guard let weights = w.shape.dims, weights.count >= 3 else { return [TensorType(x.dtype, .unranked)] }
    try requireWindow(strides: strides, dilations: dilations, padding: padding, others: [groups], rank: weights.count - 2)
    guard let dims = x.shape.dims else {
      return [TensorType(x.dtype, .ranked(weights.map { _ in .unknown }))]
    }
    guard dims.count == weights.count, groups >= 1 else { throw GraphError(.shapeMismatch, "Conv of \(x) with weights \(w)") }
    if let c = dims[layout.channelAxis(rank: dims.count)].value, let i = groupInputs(weights)?.value {
      let (all, overflow) = i.multipliedReportingOverflow(by: groups)
      guard !overflow, c == all else { throw GraphError(.shapeMismatch, "Conv of \(x) with weights \(w) in \(groups) groups") }
    }
    let spatial = layout.spatialAxes(rank: dims.count).map { dims[$0] }
    guard let kernel = Shape.ranked(kernelLayout.spatial(weights)).extents else {
      return [
        TensorType(
          x.dtype,
          .ranked(layout.shape(batch: dims[0], spatial: spatial.map { _ in .unknown }, channels: outputChannels(weights) ?? .unknown)))
      ]
    }
    let output = try WindowGeometry.infer(
      spatial, kernel: kernel, strides: strides, dilations: dilations, padding: padding, op: self)
    return [TensorType(x.dtype, .ranked(layout.shape(batch: dims[0], spatial: output, channels: outputChannels(weights) ?? .unknown)))]
  }

  /// What the primitive needs to know, checked.
  public func resolve(_ x: [Int], _ w: [Int]) throws -> ConvolutionShape {
    guard x.count == w.count, x.count >= 3, groups >= 1, let outputs = outputChannels(w), let perGroup = groupInputs(w) else {
      throw ExecutionError(.shapeMismatch, "Conv of \(x) with weights \(w)")
    }
    let channels = x[layout.channelAxis(rank: x.count)]
    let (all, overflow) = perGroup.multipliedReportingOverflow(by: groups)
    guard !overflow, all == channels, outputs % groups == 0 else {
      throw ExecutionError(.shapeMismatch, "Conv of \(x) with weights \(w) in \(groups) groups")
    }
    let geometry = try WindowGeometry(
      input: layout.spatialAxes(rank: x.count).map { x[$0] }, kernel: kernelLayout.spatial(w), strides: strides,
      dilations: dilations, padding: padding, op: self)
    return ConvolutionShape(
      batch: x[0], input: geometry.input, kernel: geometry.kernel, output: geometry.output, strides: geometry.strides,
      dilations: geometry.dilations, padding: geometry.before, inputChannels: channels, outputChannels: outputs,
      groups: groups, layout: layout, kernelLayout: kernelLayout)
  }

  /// What a convolution of these extents looks like, and its result.
  public struct Plan: Sendable {
    public let shape: ConvolutionShape
    public let result: [Int]
  }
  public func plan(_ x: [Int], _ w: [Int]) throws -> Plan {
    let shape = try resolve(x, w)
    return Plan(shape: shape, result: layout.shape(batch: shape.batch, spatial: shape.output, channels: shape.outputChannels))
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let x = try inputs.required(0, of: self), w = try inputs.required(1, of: self)
    let plan = try memo.prepared(inputs) { try self.plan(x.shape, w.shape) }
    results.append(
      try evaluate(x, w, plan, scale: nil, shift: inputs.optional(2), residual: nil, activation: .none, in: context))
  }

  /// The convolution with what follows it folded into its last step; see `Epilogue`. `shift` is, or holds, its bias.
  public func evaluate(
    _ x: NDArray, _ w: NDArray, _ plan: Plan, scale: NDArray?, shift bias: NDArray?, residual: NDArray?, activation: EpilogueActivation,
    in context: ExecutionContext
  ) throws -> NDArray {
    if x.dtype == .float64 {
      return try evaluateDouble(x, w, bias: bias, scale: scale, residual: residual, activation: activation, in: context)
    }
    if x.dtype != .float32 {
      guard x.dtype.isFloatingPoint else { throw noKernel(x.dtype) }
      return try evaluate(
        try x.cast(to: .float32, in: context), try w.cast(to: .float32, in: context), plan, scale: scale,
        shift: try bias?.cast(to: .float32, in: context), residual: residual, activation: activation, in: context
      ).cast(to: x.dtype, in: context)
    }
    let shape = plan.shape
    guard w.dtype == .float32, bias == nil || bias?.dtype == .float32 && bias?.count == shape.outputChannels else {
      throw ExecutionError(.shapeMismatch, "Conv: a bias of \(bias.map { $0.type.description } ?? "") for \(shape.outputChannels) channels")
    }
    let result = try context.allocate(.float32, plan.result)
    func pointer(_ array: NDArray?) -> UnsafePointer<Float>? { array?.with(Float.self) { $0.baseAddress } }
    x.with(Float.self) { source in
      w.with(Float.self) { weights in
        result.withMutable(Float.self) { y in
          guard let source = source.baseAddress, let weights = weights.baseAddress, let y = y.baseAddress, result.count > 0 else { return }
          // The arrays outlive the call, so their pointers may.
          withExtendedLifetime((bias, scale, residual)) {
            let epilogue = Epilogue(
              scale: pointer(scale), shift: pointer(bias), residual: pointer(residual), activation: activation)
            context.primitives.convolve(shape, source, weights, epilogue, y, cache: context.nodeCache)
          }
        }
      }
    }
    return result
  }
}

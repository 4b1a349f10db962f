import ModelGraph
import ModelOps

/// What spatial ops have in common: a layout, and maybe weights with one of their own.
struct SpatialForm {
  var op: any Op
  var layout: DataLayout
  var kernelLayout: KernelLayout?
  /// Which input the weights are.
  var kernelInput = 1
  var isTransposed = false

  init?(_ op: any Op) {
    self.op = op
    switch op {
    case let op as ConvOp: (layout, kernelLayout) = (op.layout, op.kernelLayout)
    case let op as ConvTransposeOp:
      (layout, kernelLayout) = (op.layout, op.kernelLayout)
      isTransposed = true
    case let op as ConvIntegerOp: (layout, kernelLayout) = (op.layout, op.kernelLayout)
    case let op as QLinearConvOp:
      (layout, kernelLayout) = (op.layout, op.kernelLayout)
      kernelInput = 3
    case let op as PoolOp: layout = op.layout
    case let op as MaxPoolWithIndicesOp: layout = op.layout
    case let op as DepthToSpaceOp: layout = op.layout
    case let op as SpaceToDepthOp: layout = op.layout
    default: return nil
    }
  }

  /// The rank that the op itself implies for its input.
  func rank(weights: Int?) -> Int? {
    switch op {
    case let op as PoolOp: op.kernel.count + 2
    case let op as MaxPoolWithIndicesOp: op.kernel.count + 2
    case is DepthToSpaceOp, is SpaceToDepthOp: 4
    default: weights
    }
  }

  func kernelLayout(for layout: DataLayout) -> KernelLayout {
    if layout == .channelsFirst { return .outputInputSpatial }
    return isTransposed ? .spatialOutputInput : .spatialInputOutput
  }
  func kernelNeedsChange(to layout: DataLayout) -> Bool {
    kernelLayout.map { $0 != kernelLayout(for: layout) } ?? false
  }

  /// The same op in another layout.
  func converted(to layout: DataLayout) -> any Op {
    let kernel = kernelLayout(for: layout)
    switch op {
    case var op as ConvOp:
      (op.layout, op.kernelLayout) = (layout, kernel)
      return op
    case var op as ConvTransposeOp:
      (op.layout, op.kernelLayout) = (layout, kernel)
      return op
    case var op as ConvIntegerOp:
      (op.layout, op.kernelLayout) = (layout, kernel)
      return op
    case var op as QLinearConvOp:
      (op.layout, op.kernelLayout) = (layout, kernel)
      return op
    case var op as PoolOp:
      op.layout = layout
      return op
    case var op as MaxPoolWithIndicesOp:
      op.layout = layout
      return op
    case var op as DepthToSpaceOp:
      op.layout = layout
      return op
    case var op as SpaceToDepthOp:
      op.layout = layout
      return op
    default: return op
    }
  }

  /// How the axes of the weights lie in weights of the layout wanted.
  func kernelPermutation(rank: Int, to layout: DataLayout) -> Permutation {
    guard let kernelLayout, rank >= 3 else { return .identity(rank) }
    let old = axes(of: kernelLayout, rank: rank), new = axes(of: self.kernelLayout(for: layout), rank: rank)
    var result = Array(0..<rank)
    for (role, axis) in old { result[axis] = new[role] ?? axis }
    return Permutation(result)
  }

  private enum Role: Hashable {
    case input, output, spatial(Int)
  }
  private func axes(of layout: KernelLayout, rank: Int) -> [Role: Int] {
    var roles: [Role]
    let spatial = (0..<(rank - 2)).map { Role.spatial($0) }
    switch layout {
    // ONNX has a transposed convolution's weights the other way round.
    case .outputInputSpatial: roles = (isTransposed ? [.input, .output] : [.output, .input]) + spatial
    case .spatialInputOutput: roles = spatial + [.input, .output]
    case .spatialOutputInput: roles = spatial + [.output, .input]
    }
    return Dictionary(roles.enumerated().map { ($1, $0) }) { first, _ in first }
  }
}

import ModelGraph
import ModelTensor

/// How the channels split: as `[b, b, C/b²]` (depth, column, row) or as `[C/b², b, b]`.
public enum DepthToSpaceMode: String, Sendable, AttributeConvertible {
  case dcr, crd
  public var attributeValue: AttributeValue { .string(rawValue) }
}

/// Moves blocks of channels into space: `[N, H, W, C]` to `[N, H·b, W·b, C/b²]`, in either layout.
public struct DepthToSpaceOp: PrimitiveOp {
  public static let name = "DepthToSpace"
  public static let family = OpFamily.array
  public var blockSize: Int
  public var mode: DepthToSpaceMode
  public var layout: DataLayout
  public init(blockSize: Int, mode: DepthToSpaceMode = .dcr, layout: DataLayout) {
    self.blockSize = blockSize
    self.mode = mode
    self.layout = layout
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard let dims = x.shape.dims else { return [x] }
    guard dims.count == 4, blockSize > 0, blockSize < 1 << 20, (dims[layout.channelAxis(rank: 4)].value ?? 0) % (blockSize * blockSize) == 0
    else { throw GraphError(.shapeMismatch, "DepthToSpace of \(x) by \(blockSize)") }
    func grown(_ dim: Dim) throws -> Dim {
      guard let extent = dim.value else { return .unknown }
      let (product, overflow) = extent.multipliedReportingOverflow(by: blockSize)
      guard !overflow else { throw GraphError(.shapeMismatch, "DepthToSpace of \(x) by \(blockSize)") }
      return .fixed(product)
    }
    let spatial = try layout.spatialAxes(rank: 4).map { try grown(dims[$0]) }
    let channels: Dim = dims[layout.channelAxis(rank: 4)].value.map { .fixed($0 / (blockSize * blockSize)) } ?? .unknown
    return [TensorType(x.dtype, .ranked(layout.shape(batch: dims[0], spatial: spatial, channels: channels)))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), b = blockSize
    guard x.rank == 4, b > 0, b < 1 << 20, x.shape[layout.channelAxis(rank: 4)] % (b * b) == 0 else {
      throw ExecutionError(.shapeMismatch, "DepthToSpace of \(x.type) by \(b)")
    }
    let spatial = layout.spatialAxes(rank: 4).map { x.shape[$0] }, c = x.shape[layout.channelAxis(rank: 4)] / (b * b)
    // Axes: N, then H and W, and the channels as row, column, rest, wherever the layout has them.
    let split = mode == .dcr ? [b, b, c] : [c, b, b]
    let (row, column, rest) = mode == .dcr ? (0, 1, 2) : (1, 2, 0)
    let shape: [Int], order: [Int]
    if layout == .channelsLast {
      shape = [x.shape[0]] + spatial + split
      order = [0, 1, 3 + row, 2, 3 + column, 3 + rest]
    } else {
      shape = [x.shape[0]] + split + spatial
      order = [0, 1 + rest, 4, 1 + row, 5, 1 + column]
    }
    let moved = try StridedView(x.reshaped(shape)).permuted(order).copy(in: context)
    return [moved.reshaped(layout.shape(batch: x.shape[0], spatial: spatial.map { $0 * b }, channels: c))]
  }
}

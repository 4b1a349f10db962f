import ModelGraph
import ModelTensor

/// Moves blocks of space into channels, the block's position varying slower than the channel:
/// `[N, H, W, C]` to `[N, H/b, W/b, b²·C]`, in either layout.
public struct SpaceToDepthOp: PrimitiveOp {
  public static let name = "SpaceToDepth"
  public static let family = OpFamily.array
  public var blockSize: Int
  public var layout: DataLayout
  public init(blockSize: Int, layout: DataLayout) {
    self.blockSize = blockSize
    self.layout = layout
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard let dims = x.shape.dims else { return [x] }
    let spatial = layout.spatialAxes(rank: 4)
    guard dims.count == 4, blockSize > 0, blockSize < 1 << 20, spatial.allSatisfy({ (dims[$0].value ?? 0) % blockSize == 0 })
    else { throw GraphError(.shapeMismatch, "SpaceToDepth of \(x) by \(blockSize)") }
    var channels = Dim.unknown
    if let extent = dims[layout.channelAxis(rank: 4)].value {
      let (product, overflow) = extent.multipliedReportingOverflow(by: blockSize * blockSize)
      guard !overflow else { throw GraphError(.shapeMismatch, "SpaceToDepth of \(x) by \(blockSize)") }
      channels = .fixed(product)
    }
    let shrunk = spatial.map { dims[$0].value.map { .fixed($0 / blockSize) } ?? Dim.unknown }
    return [TensorType(x.dtype, .ranked(layout.shape(batch: dims[0], spatial: shrunk, channels: channels)))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), b = blockSize
    guard x.rank == 4, b > 0, b < 1 << 20, layout.spatialAxes(rank: 4).allSatisfy({ x.shape[$0] % b == 0 }) else {
      throw ExecutionError(.shapeMismatch, "SpaceToDepth of \(x.type) by \(b)")
    }
    let spatial = layout.spatialAxes(rank: 4).map { x.shape[$0] / b }, c = x.shape[layout.channelAxis(rank: 4)]
    let blocks = [spatial[0], b, spatial[1], b]
    let moved =
      layout == .channelsLast
      ? try StridedView(x.reshaped([x.shape[0]] + blocks + [c])).permuted([0, 1, 3, 2, 4, 5]).copy(in: context)
      : try StridedView(x.reshaped([x.shape[0], c] + blocks)).permuted([0, 3, 5, 1, 2, 4]).copy(in: context)
    return [moved.reshaped(layout.shape(batch: x.shape[0], spatial: spatial, channels: c * b * b))]
  }
}

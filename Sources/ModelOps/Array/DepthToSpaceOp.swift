import ModelGraph
import ModelTensor

/// Moves blocks of channels into space: `[N, H, W, C]` to `[N, H·b, W·b, C/b²]` (in either layout). With
/// `depthFirst` (DCR) the channel splits as `[b, b, C/b²]`, else (CRD) as `[C/b², b, b]`.
public struct DepthToSpaceOp: CompositeOp {
  public static let name = "DepthToSpace"
  public static let family = OpFamily.array
  public var blockSize: Int
  public var depthFirst: Bool
  public var layout: DataLayout
  public init(blockSize: Int, depthFirst: Bool = true, layout: DataLayout) {
    self.blockSize = blockSize
    self.depthFirst = depthFirst
    self.layout = layout
  }
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard let x = inputs.first ?? nil, let dims = context.type(of: x).shape.dims, dims.count == 4, blockSize > 0, blockSize < 1 << 20 else {
      throw GraphError(.shapeMismatch, "DepthToSpace takes four axes and a positive block")
    }
    let b = blockSize
    guard let channels = dims[layout.channelAxis(rank: 4)].value, channels % (b * b) == 0 else {
      throw GraphError(.shapeMismatch, "DepthToSpace of \(Shape.ranked(dims)) by \(b)")
    }
    let c = channels / (b * b)
    let spatial = layout.spatialAxes(rank: 4)
    guard let h = dims[spatial.lowerBound].value, let w = dims[spatial.lowerBound + 1].value else {
      throw GraphError(.missingType, "DepthToSpace of unknown extents")
    }
    switch layout {
    case .channelsLast:
      let split = try context.reshape(x, [-1, h, w] + (depthFirst ? [b, b, c] : [c, b, b]))
      let moved = try context.transpose(split, depthFirst ? [0, 1, 3, 2, 4, 5] : [0, 1, 4, 2, 5, 3])
      return [try context.reshape(moved, [-1, h * b, w * b, c])]
    case .channelsFirst:
      let split = try context.reshape(x, [-1] + (depthFirst ? [b, b, c] : [c, b, b]) + [h, w])
      let moved = try context.transpose(split, depthFirst ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3])
      return [try context.reshape(moved, [-1, c, h * b, w * b])]
    }
  }
}

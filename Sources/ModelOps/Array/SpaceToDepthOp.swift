import ModelGraph
import ModelTensor

/// Moves blocks of space into channels, the block's position varying slower than the channel:
/// `[N, H, W, C]` to `[N, H/b, W/b, b²·C]` (in either layout).
public struct SpaceToDepthOp: CompositeOp {
  public static let name = "SpaceToDepth"
  public static let family = OpFamily.array
  public var blockSize: Int
  public var layout: DataLayout
  public init(blockSize: Int, layout: DataLayout) {
    self.blockSize = blockSize
    self.layout = layout
  }
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard let x = inputs.first ?? nil, let dims = context.type(of: x).shape.dims, dims.count == 4, blockSize > 0, blockSize < 1 << 20 else {
      throw GraphError(.shapeMismatch, "SpaceToDepth takes four axes and a positive block")
    }
    let b = blockSize, spatial = layout.spatialAxes(rank: 4)
    guard let h = dims[spatial.lowerBound].value, let w = dims[spatial.lowerBound + 1].value,
      let c = dims[layout.channelAxis(rank: 4)].value, h % b == 0, w % b == 0
    else { throw GraphError(.shapeMismatch, "SpaceToDepth of \(Shape.ranked(dims)) by \(b)") }
    switch layout {
    case .channelsLast:
      let split = try context.reshape(x, [-1, h / b, b, w / b, b, c])
      return [try context.reshape(try context.transpose(split, [0, 1, 3, 2, 4, 5]), [-1, h / b, w / b, b * b * c])]
    case .channelsFirst:
      let split = try context.reshape(x, [-1, c, h / b, b, w / b, b])
      return [try context.reshape(try context.transpose(split, [0, 3, 5, 1, 2, 4]), [-1, b * b * c, h / b, w / b])]
    }
  }
}

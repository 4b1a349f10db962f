import ModelGraph
import ModelTensor

// Ops that move stored numbers as they are.
extension ReshapeOp: MovingKernel {}
extension TransposeOp: MovingKernel {}
extension SqueezeOp: MovingKernel {}
extension UnsqueezeOp: MovingKernel {}
extension FlattenOp: MovingKernel {}
extension SliceOp: MovingKernel {}
extension SplitOp: MovingKernel {}
extension GatherOp: MovingKernel {}
extension GatherNDOp: MovingKernel {}
extension GatherElementsOp: MovingKernel {}
extension ExpandOp: MovingKernel {}
extension TileOp: MovingKernel {}
extension ReverseOp: MovingKernel {}
extension ReverseSequenceOp: MovingKernel {}
extension SpaceToDepthOp: MovingKernel {}
extension DepthToSpaceOp: MovingKernel {}
extension BatchToSpaceOp: MovingKernel {}
extension WhereOp: MovingKernel {}
extension TopKOp: MovingKernel {}
extension ShapeOp: MovingKernel {}
extension SizeOp: MovingKernel {}
extension ScatterNDOp: MovingKernel {}
extension ScatterElementsOp: MovingKernel {}

/// CONCATENATION: as they are, save for uint8, which is brought to the result's scale.
extension ConcatOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let to = try types.output(of: self)
    guard to.dtype == .uint8 else {
      guard types.activation == .none else { throw noKernel(to.dtype) }
      return try evaluate(inputs, in: context)
    }
    guard types.activation == .none else { throw noKernel(to.dtype) }
    let inverse = 1 / to.scale, range = try to.range(of: self)
    let parts = try inputs.enumerated().map { index, input -> NDArray? in
      guard let input, let from = types.optional(index), from.scale != to.scale || from.zeroPoint != to.zeroPoint else { return input }
      let scale = from.scale * inverse, bias = Float(0 &- from.offset) * scale
      return try mapStored(input, as: .uint8, for: self, in: context) {
        range.clamp(convert((Float($0) * scale + bias).rounded(.toNearestOrAwayFromZero)) &+ to.offset)
      }
    }
    return try evaluate(parts, in: context)
  }
}

/// PAD, PADV2 and MIRROR_PAD: what is added is the zero point unless a value is given.
extension PadOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let to = try types.output(of: self)
    guard types.activation == .none else { throw noKernel(to.dtype) }
    var inputs = inputs
    while inputs.count < 3 { inputs.append(nil) }
    if mode == .constant, inputs[2] == nil || inputs[2]?.count == 0 {
      inputs[2] = try .storing([to.offset], as: to.dtype, [], for: self, in: context)
    }
    return try evaluate(inputs, in: context)
  }
}

/// SPACE_TO_BATCH_ND, padded with the zero point.
extension SpaceToBatchOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), to = try types.output(of: self), zero = to.offset
    // 0 is what the op pads with.
    let shifted = try mapStored(x, as: .int32, for: self, in: context) { $0 &- zero }
    var eager = EagerContext(context)
    guard let moved = try eager.apply(self, to: [shifted] + inputs.dropFirst()).first else { throw noKernel(x.dtype) }
    return [try mapStored(moved, as: to.dtype, for: self, in: context) { $0 &+ zero }]
  }
}

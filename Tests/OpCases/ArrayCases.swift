import ModelGraph
import ModelOps
import ModelTensor

/// The ops of `fixtures/ops/Array.json`.
public enum ArrayCases {
  public static let ops: [String: any Op] = [
    "Unique": UniqueOp(), "Unique/unsorted": UniqueOp(sorted: false), "Unique/axis0": UniqueOp(axis: 0),
    "Unique/axis2": UniqueOp(axis: 2), "EyeLike/1": EyeLikeOp(dtype: .float32, k: 1), "EyeLike/-1": EyeLikeOp(k: -1),
    "ReverseSequence": ReverseSequenceOp(), "ReverseSequence/batch0": ReverseSequenceOp(batchAxis: 0, timeAxis: 1),
    "Compress/1": CompressOp(axis: 1), "Compress": CompressOp(), "CenterCropPad": CenterCropPadOp(),
    "CenterCropPad/axes": CenterCropPadOp(axes: [-1, 0]), "Col2Im": Col2ImOp(strides: [2, 1]),
    "Col2Im/pads": Col2ImOp(dilations: [2, 2], before: [1, 1], after: [1, 1]), "Gather": GatherOp(axis: 1),
    "GatherND": GatherNDOp(), "GatherElements": GatherElementsOp(axis: 0), "Tile": TileOp(), "Slice": SliceOp(),
    "Pad/constant": PadOp(mode: .constant), "Pad/reflect": PadOp(mode: .reflect), "Pad/edge": PadOp(mode: .edge),
    "Pad/wrap": PadOp(mode: .wrap),
    "DepthToSpace/DCR": DepthToSpaceOp(blockSize: 2, mode: .dcr, layout: .channelsFirst),
    "DepthToSpace/CRD": DepthToSpaceOp(blockSize: 2, mode: .crd, layout: .channelsFirst),
    "SpaceToDepth": SpaceToDepthOp(blockSize: 2, layout: .channelsFirst),
  ]
  public static func op(_ recorded: RecordedCase) -> (any Op)? { ops.op(recorded.name) }
}

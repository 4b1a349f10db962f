"""The operators that tf2onnx and TensorFlow.js name in their lists, and what becomes of the names that are no rows of the sweep.

tf2onnx 1.16: the names in `tf2onnx/onnx_opset/*.py` and `custom_opsets`; TensorFlow.js: `op_list/*.json` of tensorflowjs 4.22, which stand
in `Sources/TensorFlowGraph/Rules/TensorFlowJSOps.swift`.
"""
import pathlib
import re

TF2ONNX = """
Abs Acos Acosh Add AddN AddV2 AdjustContrastv2 AdjustHue AdjustSaturation All Any ArgMax ArgMin Asin Asinh AsString Atan Atan2 Atanh AvgPool
AvgPool3D BatchMatMul BatchMatMulV2 BatchMatMulV3 BatchToSpaceND BiasAdd BiasAddV1 Bincount BitwiseAnd BitwiseOr BitwiseXor BroadcastTo Cast Ceil CheckNumerics ClipByValue
CombinedNonMaxSuppression ComplexAbs Concat ConcatV2 Const ConstV2 Conv1D Conv2D Conv2DBackpropInput Conv3D Conv3DBackpropInputV2 Cos Cosh
CropAndResize CTCGreedyDecoder CudnnRNN Cumsum DenseBincount DenseToDenseSetOperation DepthToSpace DepthwiseConv2d DepthwiseConv2dNative Div
DivNoNan Dropout DynamicPartition DynamicStitch Einsum Elu EnsureShape Equal Erf Exp ExpandDims FakeQuantWithMinMaxArgs
FakeQuantWithMinMaxVars FFT FIFOQueueV2 Fill Flatten Floor FloorDiv FloorMod FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 Gather
GatherNd GatherV2 Greater GreaterEqual HardSwish HashTableV2 Identity IdentityN If InvertPermutation IsFinite IsInf IsNan IteratorGetNext
IteratorV2 LeakyRelu LeftShift Less LessEqual Log LogicalAnd LogicalNot LogicalOr LogSoftmax LookupTableFindV2 LookupTableSizeV2 Loop LRN
LSTMBlockCell MatMul MatrixBandPart MatrixDeterminant MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3
MatrixInverse MatrixSetDiagV3 Max Maximum MaxPool MaxPool3D MaxPoolV2 MaxPoolWithArgmax Mean Min Minimum MirrorPad Mul Multinomial Neg
NonMaxSuppressionV2 NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5 NoOp NotEqual OneHot Pack Pad PadV2 ParallelDynamicStitch
Placeholder PlaceholderV2 PlaceholderWithDefault Pow Prelu Prod QueueDequeueManyV2 QueueDequeueUpToV2 QueueDequeueV2 RaggedGather
RaggedRange RaggedTensorFromVariant RaggedTensorToSparse RaggedTensorToTensor RaggedTensorToVariant RandomNormal RandomNormalLike
RandomShuffle RandomStandardNormal RandomUniform RandomUniformInt RandomUniformLike Range RealDiv Reciprocal RegexSplitWithOffsets Relu
Relu6 Reshape ResizeBicubic ResizeBilinear ResizeNearestNeighbor ReverseSequence ReverseV2 RFFT RFFT2D RightShift Rint Roll Round Rsqrt
SampleDistortedBoundingBox SampleDistortedBoundingBoxV2 Scan ScatterNd SegmentMax SegmentMean SegmentMin SegmentProd SegmentSum Select
SelectV2 Selu SentencepieceOp SentencepieceTokenizeOp Shape Sigmoid Sign Sin Sinh Size Slice Softmax SoftmaxCrossEntropyWithLogits Softplus
Softsign SpaceToBatchND SpaceToDepth SparseFillEmptyRows SparseReshape SparseSegmentMean SparseSegmentMeanWithNumSegments SparseSegmentSqrtN
SparseSegmentSqrtNWithNumSegments SparseSegmentSum SparseSegmentSumWithNumSegments SparseSoftmaxCrossEntropyWithLogits SparseToDense Split
SplitV Sqrt Square SquaredDifference SquaredDistance Squeeze StatelessIf StatelessWhile StaticRegexReplace StopGradient StridedSlice
StringJoin StringLower StringSplit StringSplitV2 StringToHashBucketFast StringToNumber StringUpper Sub Sum Tan Tanh TensorListFromTensor
TensorListGetItem TensorListLength TensorListReserve TensorListResize TensorListSetItem TensorListStack TensorScatterAdd TensorScatterUpdate
Tile TopKV2 Transpose TruncateDiv Unique Unpack UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum Where While
WordpieceTokenizeWithOffsets ZerosLike Cumprod ExtractImagePatches Invert L2Normalization OnesLike ReduceJoin ResizeArea TensorScatterMax
TensorScatterMin TensorScatterSub UniqueWithCounts
""".split()

#: Names that no row of the sweep can have, and why. A text instead of `None` among the refusals is what modelctl says of a graph with it.
TEXT = "an op of the library tensorflow_text: refused, named with its count"
FOREST = "an op of the library TensorFlow Decision Forests: refused, named with its count"
INNER = "a name inside tf2onnx, of a pattern it has put together or of ONNX: in no file of TensorFlow's"
FED = "what a session fills: refused, with the note that the graph is to be fed where it is read"
OLD = "an older spelling that TensorFlow's registry no longer has"
ELSEWHERE = {
    **{name: INNER for name in ["ConstV2", "Dropout", "Flatten", "HardSwish", "L2Normalization", "Loop", "Prelu", "RandomNormal", "RandomNormalLike",
                                "RandomUniformLike", "Scan", "SquaredDistance", "DepthwiseConv2d"]},
    **{name: TEXT for name in ["RegexSplitWithOffsets", "SentencepieceOp", "SentencepieceTokenizeOp", "WordpieceTokenizeWithOffsets"]},
    **{name: FOREST for name in ["SimpleMLCreateModelResource", "SimpleMLInferenceOpWithHandle", "SimpleMLLoadModelFromPathWithHandle"]},
    **{name: FED for name in ["FIFOQueueV2", "QueueDequeueManyV2", "QueueDequeueUpToV2", "QueueDequeueV2", "IteratorGetNext", "IteratorV2"]},
    "CudnnRNN": "runs on graphics cards alone: refused, as its parameters are laid out by their library",
    "PlaceholderV2": OLD,
    "Ones": "a name of TensorFlow.js's interface: no node of a graph", "Zeros": "a name of TensorFlow.js's interface: no node of a graph",
    "FusedDepthwiseConv2dNative": "TensorFlow.js's own: read and run in its graph models",
}
ELSEWHERE["Prelu"] = "TensorFlow.js's own: read and run in its graph models"

#: What is refused when it is met, in graphs made by hand.
REFUSED = [name for name, why in ELSEWHERE.items() if why in (TEXT, FOREST, FED)] + ["CudnnRNN"]


def tensorflowjs():
    source = pathlib.Path(__file__).parents[2] / "Sources/TensorFlowGraph/Rules/TensorFlowJSOps.swift"
    return re.search(r'"""\n(.*?)"""', source.read_text(), re.S).group(1).split()


def table():
    """Lines of the report: the names that are no rows, by what is said of them."""
    lines = ["", "Names in the lists of tf2onnx and of TensorFlow.js that are no rows above:", "", "| name | what it is |", "| --- | --- |"]
    return lines + [f"| `{name}` | {why} |" for name, why in sorted(ELSEWHERE.items(), key=lambda item: item[0].lower())]

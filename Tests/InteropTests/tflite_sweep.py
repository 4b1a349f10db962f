"""Functions of TensorFlow as TensorFlow's converter writes them, many in one file: the operator sweep, layers and networks."""
import logging
import pathlib

import keras
import tensorflow as tf

import layer_cases
import networks
import op_sweep
import peers
import seeded

#: Dtypes that LiteRT's builtin operators take.
DTYPES = {"float32", "int32", "int64", "bool", "string", "int8", "uint8", "int16"}

#: TensorFlow's operators that the converter turns into no builtin ones.
NOT_BUILTIN = set("""
AccumulateNV2 Acos Acosh AdjustContrastv2 AdjustHue AdjustSaturation ApproximateEqual AsString Asin Asinh Atan Atan2 Atanh
AvgPool3D Bincount BitwiseAnd BitwiseOr BlockLSTM BlockLSTMV2 CTCGreedyDecoder ClipByValue CombinedNonMaxSuppression ConcatOffset Cosh Cumprod CumulativeLogsumexp DecodeBase64 DecodeRaw
DenseBincount Diag DiagPart Digamma Dilation2D DynamicPartition EncodeBase64 Erf Erfc Erfinv EuclideanNorm ExtractImagePatches
FakeQuantWithMinMaxVarsPerChannel FusedBatchNormV2 GRUBlockCell HSVToRGB InTopK InTopKV2 Invert LSTMBlockCell LeftShift ListDiff
LogMatrixDeterminant LowerBound Lu MatrixDeterminant MatrixDiagPart MatrixDiagPartV3 MaxPool3D MaxPoolV2 MaxPoolWithArgmax Mod Ndtri NonMaxSuppression
Complex NonMaxSuppressionV2 NthElement ParseExample ParseExampleV2 ParseSingleExample PopulationCount Qr QuantizeAndDequantizeV3 RGBToHSV
RaggedTensorToSparse ReduceJoin RegexFullMatch RegexReplace ResizeArea ResizeBicubic Reverse
SegmentMax SegmentMean SegmentMin SegmentProd SelfAdjointEigV2 Sinh SparseConcat SparseDenseCwiseDiv
SparseDenseCwiseMul SparseFillEmptyRows SparseReduceSum SparseReorder SparseReshape SparseSegmentMean
SparseSegmentMeanWithNumSegments SparseSegmentSqrtN SparseSegmentSqrtNWithNumSegments SparseSegmentSum
SparseSegmentSumWithNumSegments SparseTensorDenseAdd SparseTensorDenseMatMul StatelessRandomNormal StatelessRandomNormalV2 StatelessRandomUniform
StatelessRandomUniformFullIntV2 StatelessRandomUniformIntV2 StatelessRandomUniformV2 StatelessTruncatedNormal
StatelessTruncatedNormalV2 StaticRegexFullMatch StaticRegexReplace StringJoin StringLength StringLower StringSplit StringSplitV2 StringStrip
StringToHashBucketFast StringToHashBucketStrong StringToNumber StringUpper Substr Svd Tan TensorScatterMax TensorScatterMin
TensorScatterSub TruncateMod UniqueV2 UniqueWithCounts UniqueWithCountsV2 UpperBound
""".split())

#: Cases of other operators for which that is so.
NOT_CONVERTED = set("""
SegmentSum-float32 SegmentSum-int32
Abs-int64 Add-strings-string AddV2-int8 AddV2-uint8 ArgMax-int64 ArgMin-int64 BitwiseXor-int64
Conv2DBackpropInput-explicit-float32 Div-int64 Einsum-ii_i-float32 Equal-uint8 FloorDiv-int64 FloorDiv-uint8
FusedBatchNorm-training-float32 FusedBatchNormV3-half-float32 FusedBatchNormV3-training-float32 Greater-uint8 GreaterEqual-uint8
Less-uint8 LessEqual-uint8 LinSpace-float32 LinSpace-one-float32 MatMul-00-int32 MatMul-00-int64 MatMul-01-int32 MatMul-01-int64
MatMul-10-int32 MatMul-10-int64 MatMul-11-int32 MatMul-11-int64 MatrixDiagV3-k-2-float32 MatrixDiagV3-k1-float32
MatrixSetDiagV3-k-2-float32 MatrixSetDiagV3-k1-float32 MaxPool-explicit-float32 Mul-int8 Mul-uint8 NotEqual-uint8
OneHot-flags-uint8 Relu-int8 Relu-uint8 ResizeBilinear-uint8 ResizeNearestNeighbor-int32 RightShift-far-int64 RightShift-int64 Roll-computed-int32
ScatterNd-float64-int32 SegmentSum-int64 SelectV2-strings-bool Sign-int64 StridedSlice-empty-float32 StridedSlice-empty-int32
TruncateDiv-int16 TruncateDiv-int64 TruncateDiv-int8 TruncateDiv-uint8 Unpack-int64 UnsortedSegmentMax-int64
UnsortedSegmentMin-int64 UnsortedSegmentProd-int64 UnsortedSegmentSum-int64
""".split())

#: Activations of four bits, which the engine has no kernels for.
FOUR_BITS = {"FakeQuantWithMinMaxArgs-4-float32", "FakeQuantWithMinMaxVars-4-float32"}

#: Layers that the converter turns into no builtin operators, or whose functions it does not take.
NOT_CONVERTED_LAYERS = {"max pool 3d valid", "average pool 3d valid", "max pool 3d same", "average pool 3d same", "LSTM unrolled", "GRU unrolled", "SimpleRNN unrolled",
                        "ops math"}
#: Half floats that are computed with.
NOT_CONVERTED_NETWORKS = {"mixed precision"}


#: Parts of the sweep whose operators the converter knows. It has no builtin ones for those of the later parts, over some of which it ends the process.
PARTS = ["op_sweep_a", "op_sweep_b", "op_sweep_c"]


def operators():
    return [case for case in op_sweep.cases(PARTS)
            if case.dtype in DTYPES and not case.refusal and case.op not in NOT_BUILTIN and case.name not in NOT_CONVERTED | FOUR_BITS]


def of_model(name, model, inputs, tolerance=(1e-5, 1e-4)):
    """A case that runs a Keras model in inference mode."""
    made = op_sweep.Case(name, name, lambda *x: flat(model(list(x) if len(x) > 1 else x[0], training=False)), inputs, tolerance)
    made.model = model  # Functions hold their variables weakly.
    return made


def flat(outputs):
    if isinstance(outputs, dict):
        outputs = list(outputs.values())
    return [y for x in outputs for y in flat(x)] if isinstance(outputs, (list, tuple)) else [outputs]


def layers(names=None):
    for case in layer_cases.CASES:
        if case.name in NOT_CONVERTED_LAYERS or names is not None and case.name not in names:
            continue
        yield of_model(case.name, peers.build(case, keras), peers.batches(case.name, case.inputs), case.tolerance)


def network(name):
    build, specs, _ = networks.NETWORKS[name]
    keras.backend.clear_session()
    inputs = peers.batches(name, specs)
    model = seeded.calibrate(seeded.fill_weights(build(keras), name), name, inputs)
    return of_model(name, model, inputs)


def convert(group, path):
    """The cases in one file. Gives the prefix of each one's inputs and outputs, and the names of the outputs in order."""
    prefixes = [f"c{index}_" for index in range(len(group))]
    function = op_sweep.concrete(group, prefixes)
    logging.disable(logging.CRITICAL)
    try:
        content = tf.lite.TFLiteConverter.from_concrete_functions([function]).convert()
    finally:
        logging.disable(logging.NOTSET)
    pathlib.Path(path).write_bytes(content)
    # A dictionary's entries are flattened in the order of its keys.
    return prefixes, sorted(function.structured_outputs)


def convert_quantised(case, mode, path):
    """A network in a mode of the converter's quantisation, calibrated on what it is fed. Gives that."""
    prefix = "c0_"
    feeds = case.feeds(prefix)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([op_sweep.concrete([case], [prefix])])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if mode == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if mode in ("int8", "int16x8"):
        converter.representative_dataset = lambda: iter([list(feeds.values())])
    if mode == "int16x8":
        converter.target_spec.supported_ops = [tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8, tf.lite.OpsSet.TFLITE_BUILTINS]
    logging.disable(logging.CRITICAL)
    try:
        pathlib.Path(path).write_bytes(converter.convert())
    finally:
        logging.disable(logging.NOTSET)
    return feeds

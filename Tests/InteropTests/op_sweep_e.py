"""Cases of the operator sweep: special functions, bands of diagonals, computed axes, windows of volumes, quantised values, sets and
distances of sequences, integers in products and windows."""
import numpy as np
import tensorflow as tf

from op_sweep_making import floats, ints, part

raw = tf.raw_ops
CASES, case = part()

# MARK: Special functions

WIDE = np.array([-30, -7.9, -3.1, -0.7, -1e-3, 0, 0.2, 1.3, 4.5, 8.1, 25], "float64")
POSITIVE = np.array([1e-3, 0.2, 0.7, 1.3, 2.9, 4.5, 8.1, 25], "float64")
for dtype in ["float32", "float64"]:
    for op in ["BesselI0", "BesselI1", "BesselI0e", "BesselI1e", "BesselJ0", "BesselJ1"]:
        case(op, lambda x, op=op: getattr(raw, op)(x=x), WIDE.astype(dtype))
    for op in ["BesselK0", "BesselK1", "BesselK0e", "BesselK1e", "BesselY0", "BesselY1"]:
        case(op, lambda x, op=op: getattr(raw, op)(x=x), POSITIVE.astype(dtype))
    for op in ["Dawsn", "FresnelSin", "FresnelCos", "Expint", "Spence"]:
        case(op, lambda x, op=op: getattr(raw, op)(x=x), (POSITIVE if op in ("Expint", "Spence") else WIDE).astype(dtype))
    for op in ["Igamma", "Igammac"]:
        case(op, lambda a, x, op=op: getattr(raw, op)(a=a, x=x), np.array([[0.1], [0.9], [3.5], [12], [80]], dtype), np.array([0, 0.05, 0.8, 3.1, 11, 95], dtype))
    case("Betainc", lambda a, b, x: raw.Betainc(a=a, b=b, x=x), np.array([0.3, 0.5, 1, 2.5, 9, 40, 3], dtype), np.array([0.4, 3, 1, 0.7, 11, 25, 2], dtype),
         np.array([0.1, 0.9, 0.37, 0.5, 0.42, 0.6, 0], dtype))
    case("Zeta", lambda x, q: raw.Zeta(x=x, q=q), np.array([[1.2], [2], [4.7], [11]], dtype), np.array([0.3, 1, 2.6, 14], dtype))
    case("Polygamma", lambda a, x: raw.Polygamma(a=a, x=x), np.array([[0], [1], [2], [5]], dtype), np.array([0.3, 1, 2.6, 14], dtype))
    case("NextAfter", lambda a, b: raw.NextAfter(x1=a, x2=b), np.array([1, 1, 0, -2.5, 3, np.inf], dtype), np.array([2, 0, 1, -9, 3, 0], dtype))

# MARK: Diagonals

for adjoint in [False, True]:
    case("MatrixInverse", lambda x, a=adjoint: raw.MatrixInverse(input=x, adjoint=a), floats(2, 4, 4) + 3 * np.eye(4, dtype="float32"), name="adjoint" if adjoint else "")

for dtype in ["float32", "int32"]:
    matrix = (floats(2, 3, 5) * 9).astype(dtype)
    for low, high in [(-1, 1), (0, 2), (-2, -1), (-2, 4), (2, 2)] if dtype == "float32" else [(-1, 1)]:
        band = np.array([low, high], "int32")
        for align in ["RIGHT_LEFT", "LEFT_RIGHT", "LEFT_LEFT", "RIGHT_RIGHT"] if dtype == "float32" else ["RIGHT_LEFT"]:
            case("MatrixDiagPartV3", lambda x, k=band, a=align: raw.MatrixDiagPartV3(input=x, k=k, padding_value=tf.cast(7, x.dtype), align=a), matrix, name=f"{low}..{high} {align}")
            part = raw.MatrixDiagPartV3(input=matrix, k=band, padding_value=0, align=align).numpy()
            case("MatrixSetDiagV3", lambda x, d, k=band, a=align: raw.MatrixSetDiagV3(input=x, diagonal=d * 2, k=k, align=a), matrix, part, name=f"{low}..{high} {align}")
            case("MatrixDiagV3", lambda d, k=band, a=align: raw.MatrixDiagV3(
                diagonal=d, k=k, num_rows=3, num_cols=5, padding_value=tf.cast(7, d.dtype), align=a), part, name=f"{low}..{high} {align}")
        case("MatrixDiagPartV2", lambda x, k=band: raw.MatrixDiagPartV2(input=x, k=k, padding_value=tf.cast(7, x.dtype)), matrix, name=f"{low}..{high}")
        left = raw.MatrixDiagPartV2(input=matrix, k=band, padding_value=0).numpy()
        case("MatrixSetDiagV2", lambda x, d, k=band: raw.MatrixSetDiagV2(input=x, diagonal=d * 2, k=k), matrix, left, name=f"{low}..{high}")
        case("MatrixDiagV2", lambda d, k=band: raw.MatrixDiagV2(diagonal=d, k=k, num_rows=3, num_cols=5, padding_value=tf.cast(7, d.dtype)), left, name=f"{low}..{high}")
case("MatrixDiagV3", lambda d: raw.MatrixDiagV3(diagonal=d, k=[-1, 1], num_rows=-1, num_cols=-1, padding_value=np.float32(0), align="RIGHT_LEFT"), floats(2, 3, 4), name="square")
case("MatrixDiagPartV3", lambda x: raw.MatrixDiagPartV3(input=x, k=[-1, 1], padding_value=np.float32(0)), floats(4, 4), name="unknown rows", dynamic=True, refusal="bands of matrices of unknown extents")
case("Diag", lambda x: raw.Diag(diagonal=x), floats(2, 3), name="matrix")
case("DiagPart", lambda x: raw.DiagPart(input=x), floats(2, 3, 2, 3), name="matrix")

# MARK: Computed axes

case("Transpose", lambda x, p: raw.Transpose(x=x, perm=p), floats(2, 3, 5), np.array([2, 0, 1], "int32"), name="computed")
case("ExpandDims", lambda x, i: raw.ExpandDims(input=x, axis=i), floats(2, 3), np.int32(1), name="computed")
case("ExpandDims", lambda x, i: raw.ExpandDims(input=x, axis=i), floats(2, 3), np.int32(-1), name="computed back")
case("ConcatV2", lambda x, y, i: raw.ConcatV2(values=[x, y], axis=i), floats(2, 3), floats(2, 3, seed=2), np.int32(1), name="computed")
case("GatherV2", lambda x, i, a: raw.GatherV2(params=x, indices=i, axis=a), floats(2, 3), np.array([1, 0], "int32"), np.int32(1), name="computed")
case("ReverseV2", lambda x, a: raw.ReverseV2(tensor=x, axis=a), floats(2, 3, 5), np.array([1, -1], "int32"), name="computed")
case("ArgMax", lambda x, a: raw.ArgMax(input=x, dimension=a), floats(2, 3, 5), np.int32(1), name="computed")
case("Cumsum", lambda x, a: raw.Cumsum(x=x, axis=a), floats(2, 3, 5), np.int32(1), name="computed")
case("Roll", lambda x, s, a: raw.Roll(input=x, shift=s, axis=a), floats(2, 3, 5), np.array([1, 2], "int32"), np.array([1, 2], "int32"), name="computed")
for label, mapped in {"products": lambda v: tf.linalg.matvec(v[0], v[1]), "sums": lambda v: tf.reduce_sum(v[0], 1) + v[1][0], "turned": lambda v: tf.transpose(v[0]),
                      "stacked": lambda v: tf.stack([v[0][0], v[1]]), "widened": lambda v: v[1][:, None] * v[0][0]}.items():
    case("Transpose" if label == "turned" else "ExpandDims", lambda x, y, f=mapped: tf.vectorized_map(f, (x, y)), floats(3, 4, 4), floats(3, 4), name=f"vectorized {label}")

# MARK: Windows

case("ExtractVolumePatches", lambda x: raw.ExtractVolumePatches(input=x, ksizes=[1, 2, 3, 2, 1], strides=[1, 1, 2, 3, 1], padding="VALID"), floats(2, 4, 5, 6, 3))
case("ExtractVolumePatches", lambda x: raw.ExtractVolumePatches(input=x, ksizes=[1, 2, 3, 2, 1], strides=[1, 2, 1, 1, 1], padding="SAME"), floats(2, 3, 5, 4, 2), name="same")
for dtype in ["int32", "uint8", "int64", "float64", "float16"]:
    case("ExtractImagePatches", lambda x: raw.ExtractImagePatches(images=x, ksizes=[1, 2, 3, 1], strides=[1, 2, 1, 1], rates=[1, 1, 2, 1], padding="SAME"),
         ints(2, 4, 5, 3, dtype=dtype, low=0, high=200) if dtype != "float16" else ints(2, 4, 5, 3, dtype=dtype))
case("Conv2D", lambda x, f: raw.Conv2D(input=x, filter=f, strides=[1, 1, 2, 1], padding="SAME"), ints(2, 5, 6, 3), ints(3, 2, 3, 4))
for dtype in ["int32", "int64", "int16", "uint8"]:
    if dtype not in ("uint8",):
        case("BatchMatMulV2", lambda x, y: raw.BatchMatMulV2(x=x, y=y, adj_y=True), ints(2, 3, 4, dtype=dtype), ints(2, 5, 4, dtype=dtype))
    if dtype in ("int32", "int64"):
        case("MatMul", lambda x, y: raw.MatMul(a=x, b=y, transpose_a=True), ints(4, 3, dtype=dtype), ints(4, 5, dtype=dtype))
case("BatchMatMul", lambda x, y: raw.BatchMatMul(x=x, y=y), ints(2, 3, 4), ints(2, 4, 5))
case("MaxPool", lambda x: raw.MaxPool(input=x, ksize=[1, 2, 2, 1], strides=[1, 2, 1, 1], padding="SAME"), ints(2, 5, 6, 3))
case("Dilation2D", lambda x, f: raw.Dilation2D(input=x, filter=f, strides=[1, 1, 2, 1], rates=[1, 2, 1, 1], padding="SAME"), floats(2, 6, 5, 3), floats(2, 3, 3))

# MARK: Quantised values

RANGE = np.array([-1.9, -1.2, -0.31, 0, 0.07, 0.55, 1.21, 1.9, 2.6, -3], "float32")
for signed in [True, False]:
    for narrow in [True, False]:
        case("QuantizeAndDequantizeV2", lambda x, s=signed, n=narrow: raw.QuantizeAndDequantizeV2(
            input=x, input_min=-2.0 if s else 0.0, input_max=1.5, signed_input=s, num_bits=6, range_given=True, narrow_range=n), RANGE, name=f"signed {signed} narrow {narrow}")
        case("QuantizeAndDequantizeV3", lambda x, s=signed, n=narrow: raw.QuantizeAndDequantizeV3(
            input=x if s else tf.abs(x), input_min=-2.0, input_max=1.5, num_bits=7, signed_input=s, range_given=False, narrow_range=n), RANGE, name=f"signed {signed} narrow {narrow}")
case("QuantizeAndDequantizeV2", lambda x: raw.QuantizeAndDequantizeV2(input=x, input_min=-1.0, input_max=1.5, range_given=True, round_mode="HALF_UP"), floats(2, 3, 4), name="half up")
case("QuantizeAndDequantizeV4", lambda x: raw.QuantizeAndDequantizeV4(input=x, input_min=-1.0, input_max=2.0, range_given=True, round_mode="HALF_TO_EVEN"), RANGE, name="range")
case("QuantizeAndDequantizeV4", lambda x: raw.QuantizeAndDequantizeV4(input=x, input_min=np.zeros(3, "f"), input_max=np.zeros(3, "f"), axis=1, range_given=False), floats(2, 3, 4), name="axis")


def quantized(x, kind, mode, rounding="HALF_AWAY_FROM_ZERO", low=-1.5, high=2.0, **options):
    q = raw.QuantizeV2(input=x, min_range=low, max_range=high, T=kind, mode=mode, round_mode=rounding, **options)
    return [tf.bitcast(q.output, {tf.qint8: tf.int8, tf.quint8: tf.uint8}[kind]), q.output_min, q.output_max,
            raw.Dequantize(input=q.output, min_range=q.output_min, max_range=q.output_max, mode=mode)]


for kind in [tf.qint8, tf.quint8]:
    for mode in ["MIN_COMBINED", "MIN_FIRST", "SCALED"]:
        case("QuantizeV2", lambda x, k=kind, m=mode: quantized(x, k, m, "HALF_TO_EVEN" if m == "SCALED" else "HALF_AWAY_FROM_ZERO"), RANGE, name=f"{kind.name} {mode}")
case("Dequantize", lambda x: raw.Dequantize(input=tf.bitcast(x, tf.qint8), min_range=-1.5, max_range=2.0, mode="SCALED"), ints(3, 5, dtype="int8", low=-128, high=127))
case("FakeQuantWithMinMaxVarsPerChannel", lambda x: raw.FakeQuantWithMinMaxVarsPerChannel(inputs=x, min=[-1.0, -2.0, 0.0], max=[1.5, 1.0, 2.0], num_bits=5), floats(4, 3))

# MARK: Sets, sequences

for name in ["a-b", "b-a", "intersection", "union"]:
    for dtype in ["int32", "int64", "string"]:
        first, second = np.array([[1, 5, 3, 1], [2, 2, 2, 7]], "int64"), np.array([[3, 9, 1], [8, 7, 7]], "int64")
        convert = (lambda v: v.astype("U").astype(object)) if dtype == "string" else lambda v: v.astype(dtype)
        case("DenseToDenseSetOperation", lambda a, b, n=name: list(raw.DenseToDenseSetOperation(set1=a, set2=b, set_operation=n)), convert(first), convert(second), name=name)
case("DenseToDenseSetOperation", lambda a, b: list(raw.DenseToDenseSetOperation(set1=a, set2=b, set_operation="a-b")), ints(2, 3, 4, low=0, high=5), ints(2, 3, 2, low=0, high=5, seed=3), name="deep")
SET = [np.array([[0, 0], [0, 1], [1, 0]], "int64"), np.array([3, 1, 7], "int64"), np.array([2, 2], "int64")]
case("DenseToSparseSetOperation", lambda a: list(raw.DenseToSparseSetOperation(set1=a, set2_indices=SET[0], set2_values=SET[1], set2_shape=SET[2], set_operation="intersection")),
     np.array([[1, 5, 3], [2, 7, 2]], "int64"))
case("SetSize", lambda v: raw.SetSize(set_indices=SET[0], set_values=v, set_shape=SET[2]), np.array([3, 3, 7], "int64"))


def distance(a, b, normalize, kind=None):
    return raw.EditDistance(hypothesis_indices=np.array([[0, 0], [0, 1], [0, 2], [2, 0], [2, 1]], "int64"), hypothesis_values=a, hypothesis_shape=np.array([4, 3], "int64"),
                            truth_indices=np.array([[0, 0], [0, 1], [1, 0], [2, 0], [2, 1]], "int64"), truth_values=b, truth_shape=np.array([4, 2], "int64"), normalize=normalize)


for normalize in [True, False]:
    case("EditDistance", lambda a, b, n=normalize: distance(a, b, n), np.array([1, 2, 3, 4, 5], "int64"), np.array([1, 3, 9, 5, 4], "int64"), name=str(normalize).lower())
case("EditDistance", lambda a, b: distance(a, b, True), np.array(["k", "i", "t", "x", "y"], object), np.array(["k", "t", "q", "x", "y"], object), name="words")
case("ListDiff", lambda a, b: list(raw.ListDiff(x=a, y=b)), np.array(["a", "b", "c", "a"], object), np.array(["c", "d"], object))

# MARK: Sparse tensors

PLACES, SHAPE = np.array([[0, 1], [0, 3], [2, 0], [2, 2]], "int64"), np.array([3, 4], "int64")
case("SparseTensorDenseMatMul", lambda v, d: raw.SparseTensorDenseMatMul(a_indices=PLACES, a_values=v, a_shape=SHAPE, b=d), floats(4), floats(4, 5))
case("SparseTensorDenseMatMul", lambda v, d: raw.SparseTensorDenseMatMul(a_indices=PLACES, a_values=v, a_shape=SHAPE, b=d, adjoint_a=True, adjoint_b=True), floats(4), floats(5, 3), name="adjoint")
case("SparseAdd", lambda v, w: list(raw.SparseAdd(a_indices=PLACES, a_values=v, a_shape=SHAPE, b_indices=PLACES[1:], b_values=w, b_shape=SHAPE, thresh=0.0)), floats(4), floats(3))
case("SparseSlice", lambda v: list(raw.SparseSlice(indices=PLACES, values=v, shape=SHAPE, start=np.array([0, 1], "int64"), size=np.array([3, 2], "int64"))), floats(4))
case("SparseSoftmax", lambda v: raw.SparseSoftmax(sp_indices=PLACES, sp_values=v, sp_shape=SHAPE), floats(4))
case("SparseReduceMax", lambda v: raw.SparseReduceMax(input_indices=PLACES, input_values=v, input_shape=SHAPE, reduction_axes=[1]), floats(4), refusal="no kernel")
case("SparseSplit", lambda v: [y for part in raw.SparseSplit(split_dim=np.int64(1), indices=PLACES, values=v, shape=SHAPE, num_split=2) for y in part], floats(4))
case("SparseToDense", lambda v: raw.SparseToDense(sparse_indices=PLACES, output_shape=SHAPE, sparse_values=v, default_value=np.float32(3)), floats(4))
case("SparseBincount", lambda v: raw.SparseBincount(indices=PLACES, values=v, dense_shape=SHAPE, size=np.int32(6), weights=np.array([], "float32")), np.array([1, 5, 1, 2], "int32"), refusal="no kernel")
case("SparseMatMul", lambda a, b: raw.SparseMatMul(a=a, b=b), floats(3, 4), floats(4, 5))

# MARK: Gradients that saved training graphs hold

DOWN = floats(3, 5, seed=4)
for op in ["EluGrad", "SeluGrad"]:
    case(op, lambda d, y, op=op: getattr(raw, op)(gradients=d, outputs=y), DOWN, floats(3, 5, low=-0.9))
for op in ["ReluGrad", "Relu6Grad", "SoftplusGrad", "SoftsignGrad"]:
    case(op, lambda d, x, op=op: getattr(raw, op)(gradients=d, features=x), DOWN, floats(3, 5, low=-3, high=8))
case("LeakyReluGrad", lambda d, x: raw.LeakyReluGrad(gradients=d, features=x, alpha=0.3), DOWN, floats(3, 5))
for op in ["SigmoidGrad", "TanhGrad", "SqrtGrad", "RsqrtGrad", "ReciprocalGrad", "InvGrad"]:
    case(op, lambda y, d, op=op: getattr(raw, op)(y=y, dy=d), floats(3, 5, low=0.1, high=0.9), DOWN)
case("BiasAddGrad", lambda d: raw.BiasAddGrad(out_backprop=d), floats(2, 3, 4, 5))
case("BiasAddGrad", lambda d: raw.BiasAddGrad(out_backprop=d, data_format="NCHW"), floats(2, 3, 4, 5), name="NCHW")
case("StridedSliceGrad", lambda d: raw.StridedSliceGrad(
    shape=[4, 7], begin=[1, 0], end=[4, 6], strides=[2, 3], dy=d), floats(2, 2))
case("BroadcastGradientArgs", lambda a, b: tf.raw_ops.BroadcastGradientArgs(s0=a, s1=b).r0, np.array([2, 1, 5], "int32"), np.array([3, 5], "int32"))

IMAGE = floats(2, 7, 6, 3)
for padding, size, stride in [("SAME", 3, 2), ("VALID", 2, 2), ("SAME", 3, 1)]:
    name, steps, window = f"{padding} {size} by {stride}", [1, stride, stride, 1], [1, size, size, 1]
    pooled = tf.nn.max_pool2d(IMAGE, size, stride, padding).numpy()
    down = floats(*pooled.shape, seed=3)
    case("MaxPoolGrad", lambda x, d, y=pooled, w=window, s=steps, p=padding: raw.MaxPoolGrad(
        orig_input=x, orig_output=y, grad=d, ksize=w, strides=s, padding=p), IMAGE, down, name=name)
    case("AvgPoolGrad", lambda d, w=window, s=steps, p=padding: raw.AvgPoolGrad(
        orig_input_shape=list(IMAGE.shape), grad=d, ksize=w, strides=s, padding=p), down, name=name)
    filtered = floats(*down.shape[:3], 5, seed=6)
    case("Conv2DBackpropFilter", lambda x, d, k=size, s=steps, p=padding: raw.Conv2DBackpropFilter(
        input=x, filter_sizes=[k, k, 3, 5], out_backprop=d, strides=s, padding=p), IMAGE, filtered, name=name)
    filtered = floats(*down.shape[:3], 6, seed=6)
    case("DepthwiseConv2dNativeBackpropFilter", lambda x, d, k=size, s=steps, p=padding: raw.DepthwiseConv2dNativeBackpropFilter(
        input=x, filter_sizes=[k, k, 3, 2], out_backprop=d, strides=s, padding=p), IMAGE, filtered, name=name)
    case("DepthwiseConv2dNativeBackpropInput", lambda k, d, s=steps, p=padding: raw.DepthwiseConv2dNativeBackpropInput(
        input_sizes=list(IMAGE.shape), filter=k, out_backprop=d, strides=s, padding=p), floats(size, size, 3, 2), filtered, name=name)
case("MaxPoolGradV2", lambda x, d: raw.MaxPoolGradV2(
    orig_input=x, orig_output=raw.MaxPool(input=x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID"), grad=d,
    ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID"), IMAGE, floats(2, 3, 3, 3))
case("ResizeNearestNeighborGrad", lambda d: raw.ResizeNearestNeighborGrad(grads=d, size=[7, 6]), floats(2, 5, 9, 3))
case("ResizeNearestNeighborGrad", lambda d: raw.ResizeNearestNeighborGrad(grads=d, size=[7, 6], half_pixel_centers=True), floats(2, 5, 9, 3), name="centres")
for used in [{}, {"align_corners": True}, {"half_pixel_centers": True}]:
    name = next(iter(used), "")
    case("ResizeBilinearGrad", lambda d, x, u=used: raw.ResizeBilinearGrad(grads=d, original_image=x, **u), floats(2, 5, 9, 3), IMAGE, name=name)
    case("ResizeBicubicGrad", lambda d, x, u=used: raw.ResizeBicubicGrad(grads=d, original_image=x, **u), floats(2, 5, 9, 3), IMAGE, name=name)
for mode in ["REFLECT", "SYMMETRIC"]:
    case("MirrorPadGrad", lambda d, m=mode: raw.MirrorPadGrad(input=d, paddings=[[0, 1], [2, 2]], mode=m), floats(5, 9), name=mode)
case("LRNGrad", lambda d, x: raw.LRNGrad(
    input_grads=d, input_image=x, output_image=raw.LRN(input=x, depth_radius=1, bias=1.5, alpha=0.4, beta=0.7), depth_radius=1, bias=1.5, alpha=0.4,
    beta=0.7), floats(2, 7, 6, 3), IMAGE)
case("IgammaGradA", lambda a, x: raw.IgammaGradA(a=a, x=x), floats(3, 5, low=0.2, high=9), floats(3, 5, low=0.1, high=12))
for op, used in [("FusedBatchNormGrad", {}), ("FusedBatchNormGradV2", {}), ("FusedBatchNormGradV3", {"reserve_space_3": np.zeros(0, "float32")})]:
    for training in (False, True):
        case(op, lambda d, x, s, m, v, op=op, used=used, t=training: list(getattr(raw, op)(
            y_backprop=d, x=x, scale=s, reserve_space_1=m, reserve_space_2=v, epsilon=0.01, is_training=t, **used))[:3],
            floats(2, 7, 6, 3, seed=8), IMAGE, floats(3), floats(3, seed=5), floats(3, low=0.5, seed=7), name="training" * training)

case("DataFormatVecPermute", lambda x: raw.DataFormatVecPermute(x=x), ints(4))
case("DataFormatVecPermute", lambda x: raw.DataFormatVecPermute(x=x, src_format="NCHW", dst_format="NHWC"), ints(4, 2), name="pairs")
case("DataFormatVecPermute", lambda x: raw.DataFormatVecPermute(x=x), ints(2), name="spatial")
case("DataFormatDimMap", lambda x: raw.DataFormatDimMap(x=x), np.array([3, 0, -2, 1], "int32"))
case("DataFormatDimMap", lambda x: raw.DataFormatDimMap(x=x, src_format="NCHW", dst_format="NHWC"), np.array([1, -1, 2], "int32"), name="back")
case("Cross", lambda a, b: raw.Cross(a=a, b=b), floats(2, 5, 3), floats(2, 5, 3, seed=9))
case("UnravelIndex", lambda x: raw.UnravelIndex(indices=x, dims=[3, 4, 5]), np.array([0, 59, 17, 33], "int32"))

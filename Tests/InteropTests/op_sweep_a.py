"""Cases of the operator sweep: activations, arithmetic, comparison, convolution, pooling, normalisation, linear algebra, images,
quantisation."""
import numpy as np
import tensorflow as tf

from op_sweep_making import bools, floats, ints, part

raw = tf.raw_ops
CASES, case = part()

FLOATS = ["float32", "float64", "float16"]
# Half floats are computed in single precision and rounded once, or rounded after each step.
HALF = (2e-3, 2e-3)


def tolerance(dtype):
    return HALF if dtype == "float16" else (1e-5, 1e-4)


# MARK: Activation

for name, function in {
    "Relu": lambda x: raw.Relu(features=x), "Relu6": lambda x: raw.Relu6(features=x * 5), "Elu": lambda x: raw.Elu(features=x),
    "Selu": lambda x: raw.Selu(features=x), "Softplus": lambda x: raw.Softplus(features=x), "Softsign": lambda x: raw.Softsign(features=x),
    "LeakyRelu": lambda x: raw.LeakyRelu(features=x, alpha=0.3), "Sigmoid": lambda x: raw.Sigmoid(x=x), "Tanh": lambda x: raw.Tanh(x=x),
    "Softmax": lambda x: raw.Softmax(logits=x), "LogSoftmax": lambda x: raw.LogSoftmax(logits=x),
}.items():
    for dtype in FLOATS:
        case(name, function, floats(3, 5, dtype=dtype), tolerance=tolerance(dtype))
for dtype in ["int32", "int64", "int8", "uint8"]:
    case("Relu", lambda x: raw.Relu(features=x), ints(3, 5, dtype=dtype, low=0 if dtype == "uint8" else -9))
case("Softmax", lambda x: tf.nn.softmax(x, axis=1), floats(2, 4, 3), name="axis1")
case("Relu", lambda x: raw.Relu(features=x), floats(3, 5), name="dynamic", dynamic=True)
case("SoftmaxCrossEntropyWithLogits",
     lambda x, y: list(raw.SoftmaxCrossEntropyWithLogits(features=x, labels=tf.nn.softmax(y))), floats(3, 5), floats(3, 5, seed=2))
case("SparseSoftmaxCrossEntropyWithLogits",
     lambda x, y: list(raw.SparseSoftmaxCrossEntropyWithLogits(features=x, labels=y)), floats(3, 5), np.array([4, 0, 2], "int32"))
case("Gelu", lambda x: tf.nn.gelu(x), floats(3, 5), name="exact")
case("Gelu", lambda x: tf.nn.gelu(x, approximate=True), floats(3, 5), name="tanh")

# MARK: Arithmetic

anywhere = dict(low=-3, high=3)
UNARY = {
    "Abs": {}, "Neg": {}, "Sign": {}, "Ceil": {}, "Floor": {}, "Round": {}, "Rint": {}, "Exp": {}, "Expm1": {}, "Square": {},
    "Log": dict(low=0.1, high=5), "Log1p": dict(low=-0.9, high=5), "Sqrt": dict(low=0, high=5), "Rsqrt": dict(low=0.1, high=5),
    "Reciprocal": dict(low=0.2, high=3), "Inv": dict(low=0.2, high=3), "Sin": anywhere, "Cos": anywhere, "Tan": dict(low=-1.2, high=1.2),
    "Asin": dict(low=-1, high=1), "Acos": dict(low=-1, high=1), "Atan": anywhere, "Sinh": anywhere, "Cosh": anywhere, "Asinh": anywhere,
    "Acosh": dict(low=1, high=4), "Atanh": dict(low=-0.95, high=0.95), "Erf": anywhere, "Erfc": anywhere,
    "Lgamma": dict(low=0.2, high=9), "Digamma": dict(low=0.2, high=9),
}
for name, bounds in UNARY.items():
    for dtype in FLOATS if name != "Rint" else ["float32", "float64"]:
        case(name, lambda x, name=name: getattr(raw, name)(x=x), floats(3, 7, dtype=dtype, **bounds), tolerance=tolerance(dtype))
for name in ["Abs", "Neg", "Sign", "Square"]:
    for dtype in ["int32", "int64"]:
        case(name, lambda x, name=name: getattr(raw, name)(x=x), ints(3, 7, dtype=dtype))
case("Round", lambda x: raw.Round(x=x), np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.4999], "float32"), name="halves")
case("Rint", lambda x: raw.Rint(x=x), np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5], "float32"), name="halves")
case("Erfinv", lambda x: raw.Erfinv(x=x), floats(3, 7, low=-0.99, high=0.99))
case("Ndtri", lambda x: raw.Ndtri(x=x), floats(3, 7, low=0.02, high=0.98))
case("Lgamma", lambda x: raw.Lgamma(x=x), np.array([-3.3, -1.7, -0.4, 0.5, 30.0], "float32"), name="negative")
case("Digamma", lambda x: raw.Digamma(x=x), np.array([-3.3, -1.7, -0.4, 0.5, 30.0], "float32"), name="negative")
for dtype in ["int32", "int64", "uint8", "int8", "uint16"]:
    low = 0 if dtype.startswith("u") else -9
    case("Invert", lambda x: raw.Invert(x=x), ints(3, 7, dtype=dtype, low=low))
    for name in ["BitwiseAnd", "BitwiseOr", "BitwiseXor"]:
        case(name, lambda x, y, name=name: getattr(raw, name)(x=x, y=y), ints(3, 7, dtype=dtype, low=low), ints(7, dtype=dtype, low=low, seed=4))
    case("LeftShift", lambda x, y: raw.LeftShift(x=x, y=y), ints(3, 7, dtype=dtype, low=low), ints(3, 7, dtype=dtype, low=0, high=4))
    case("RightShift", lambda x, y: raw.RightShift(x=x, y=y), ints(3, 7, dtype=dtype, low=low), ints(3, 7, dtype=dtype, low=0, high=4))
    # Places beyond the last bit, which TensorFlow's kernel holds back.
    case("LeftShift", lambda x, y: raw.LeftShift(x=x, y=y), ints(3, 7, dtype=dtype, low=low), ints(3, 7, dtype=dtype, low=max(low, -3), high=99), name="far")
    case("RightShift", lambda x, y: raw.RightShift(x=x, y=y), ints(3, 7, dtype=dtype, low=low), ints(3, 7, dtype=dtype, low=max(low, -3), high=99), name="far")
    case("PopulationCount", lambda x: raw.PopulationCount(x=x), ints(3, 7, dtype=dtype, low=low))

BINARY = {
    "Add": {}, "AddV2": {}, "Sub": {}, "Mul": {}, "Maximum": {}, "Minimum": {}, "SquaredDifference": {}, "RealDiv": dict(low=0.3, high=3),
    "Div": dict(low=0.3, high=3), "FloorDiv": dict(low=0.3, high=3), "FloorMod": dict(low=0.3, high=3), "Mod": dict(low=0.3, high=3),
    "Pow": dict(low=0.2, high=3), "Atan2": {}, "Xdivy": dict(low=0.3, high=3), "Xlogy": dict(low=0.3, high=3), "Xlog1py": dict(low=0.3, high=3),
    "MulNoNan": {}, "DivNoNan": {},
}
for name, bounds in BINARY.items():
    for dtype in FLOATS if name != "Mod" else ["float32", "float64"]:
        case(name, lambda x, y, name=name: getattr(raw, name)(x=x, y=y), floats(2, 3, 5, dtype=dtype, **bounds),
             floats(3, 1, dtype=dtype, seed=9, **bounds), tolerance=tolerance(dtype))
for name in ["AddV2", "Sub", "Mul", "Maximum", "Minimum", "SquaredDifference", "FloorDiv", "FloorMod", "TruncateDiv", "Div"]:
    for dtype in ["int32", "int64"]:
        case(name, lambda x, y, name=name: getattr(raw, name)(x=x, y=y), ints(2, 3, 5, dtype=dtype), ints(3, 1, dtype=dtype, low=1, seed=9))
for name in ["AddV2", "Mul", "FloorDiv", "TruncateDiv"]:
    for dtype in ["uint8", "int8", "int16"]:
        case(name, lambda x, y, name=name: getattr(raw, name)(x=x, y=y), ints(2, 3, 5, dtype=dtype, low=0), ints(3, 1, dtype=dtype, low=1, seed=9))
for name in ["Mod", "TruncateMod", "FloorMod", "FloorDiv"]:
    case(name, lambda x, y, name=name: getattr(raw, name)(x=x, y=y), ints(3, 5), ints(3, 5, seed=3, low=-7, high=-1), name="signs")
case("Pow", lambda x, y: raw.Pow(x=x, y=y), ints(3, 5), ints(3, 5, low=0, high=4))
case("Add", lambda x, y: raw.Add(x=x, y=y), np.array(["a", "bc", ""]), np.array(["x", "", "yz"]), name="strings")
zeros = np.array([0, 1, 0, -2, 0], "float32")
odd = np.array([np.nan, 2, np.inf, 3, 5], "float32")
for name in ["MulNoNan", "DivNoNan"]:
    case(name, lambda x, y, name=name: getattr(raw, name)(x=x, y=y), odd, zeros, name="zeros")
for name in ["Xdivy", "Xlogy", "Xlog1py"]:
    case(name, lambda x, y, name=name: getattr(raw, name)(x=x, y=y), zeros, np.abs(odd), name="zeros")
case("AddN", lambda x, y, z: raw.AddN(inputs=[x, y, z]), floats(3, 5), floats(3, 5, seed=2), floats(3, 5, seed=3))
case("AccumulateNV2", lambda x, y: raw.AccumulateNV2(inputs=[x, y], shape=[3, 5]), floats(3, 5), floats(3, 5, seed=2))
case("BiasAdd", lambda x, b: raw.BiasAdd(value=x, bias=b), floats(2, 3, 4, 5), floats(5))
case("BiasAdd", lambda x, b: raw.BiasAdd(value=x, bias=b, data_format="NCHW"), floats(2, 3, 4, 5), floats(3), name="nchw")
for dtype in FLOATS:
    case("ClipByValue", lambda x: raw.ClipByValue(t=x, clip_value_min=tf.cast(-0.5, x.dtype), clip_value_max=tf.cast(0.7, x.dtype)),
         floats(3, 5, dtype=dtype), tolerance=tolerance(dtype))
case("ClipByValue", lambda x, y: raw.ClipByValue(t=x, clip_value_min=y - 1, clip_value_max=y), ints(3, 5), ints(3, 5, seed=4), name="tensors")
for dtype in ["float32", "float64", "int32"]:
    make = ints if dtype == "int32" else floats
    for exclusive in [False, True]:
        for reverse in [False, True]:
            mark = f"{'exclusive' if exclusive else 'inclusive'}{'reverse' if reverse else ''}"
            for name in ["Cumsum", "Cumprod"]:
                case(name, lambda x, name=name, e=exclusive, r=reverse: getattr(raw, name)(x=x, axis=1, exclusive=e, reverse=r),
                     make(2, 4, 3, dtype=dtype), name=mark)

# MARK: Comparison

for name in ["Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual"]:
    for dtype in ["float32", "float64", "int32", "int64", "uint8"]:
        case(name, lambda x, y, name=name: getattr(raw, name)(x=x, y=y), ints(3, 5, dtype=dtype, low=0, high=3),
             ints(3, 1, dtype=dtype, low=0, high=3, seed=8))
case("Equal", lambda x, y: raw.Equal(x=x, y=y), np.array(["a", "b"]), np.array(["a", "c"]), name="strings")
case("NotEqual", lambda x, y: raw.NotEqual(x=x, y=y), bools(3, 5), bools(3, 5, seed=5), name="bools")
case("LogicalAnd", lambda x, y: raw.LogicalAnd(x=x, y=y), bools(3, 5), bools(1, 5, seed=5))
case("LogicalOr", lambda x, y: raw.LogicalOr(x=x, y=y), bools(3, 5), bools(1, 5, seed=5))
case("LogicalXor", lambda x, y: tf.math.logical_xor(x, y), bools(3, 5), bools(3, 5, seed=5))
case("LogicalNot", lambda x: raw.LogicalNot(x=x), bools(3, 5))
special = np.array([np.nan, np.inf, -np.inf, 0, -3.5, 1e30], "float32")
for name in ["IsNan", "IsInf", "IsFinite"]:
    case(name, lambda x, name=name: getattr(raw, name)(x=x), special)
    case(name, lambda x, name=name: getattr(raw, name)(x=x), special.astype("float64"))
case("ApproximateEqual", lambda x, y: raw.ApproximateEqual(x=x, y=y, tolerance=0.5), floats(3, 5), floats(3, 5, seed=2))
for dtype in ["float32", "int32", "bool"]:
    make = {"float32": floats, "int32": ints, "bool": bools}[dtype]
    case("SelectV2", lambda c, x, y: raw.SelectV2(condition=c, t=x, e=y), bools(3, 1), make(2, 3, 5), make(5, seed=3), dtype=dtype)
    case("Select", lambda c, x, y: raw.Select(condition=c, x=x, y=y), bools(3, 5), make(3, 5), make(3, 5, seed=3), dtype=dtype)
case("Select", lambda c, x, y: raw.Select(condition=c, x=x, y=y), bools(4), floats(4, 5), floats(4, 5, seed=3), name="rows")
case("SelectV2", lambda c, x, y: raw.SelectV2(condition=c, t=x, e=y), bools(2), np.array(["a", "b"]), np.array(["c", "d"]), name="strings")
case("Where", lambda x: raw.Where(condition=x), bools(3, 5), name="coordinates")
case("Where", lambda x: raw.Where(condition=x), ints(2, 3, 4, low=0, high=1), name="coordinates")

# MARK: Convolution

image = floats(2, 9, 8, 4)
for padding in ["SAME", "VALID"]:
    for strides, dilations in [((1, 1), (1, 1)), ((2, 3), (1, 1)), ((1, 1), (2, 3))]:
        mark = f"{padding.lower()}-{strides[0]}{strides[1]}-{dilations[0]}{dilations[1]}"
        case("Conv2D", lambda x, w, p=padding, s=strides, d=dilations: raw.Conv2D(
            input=x, filter=w, strides=[1, *s, 1], padding=p, dilations=[1, *d, 1]), image, floats(3, 2, 4, 5), name=mark)
    case("DepthwiseConv2dNative", lambda x, w, p=padding: raw.DepthwiseConv2dNative(
        input=x, filter=w, strides=[1, 2, 2, 1], padding=p), image, floats(3, 2, 4, 3), name=padding.lower())
    case("Conv3D", lambda x, w, p=padding: raw.Conv3D(input=x, filter=w, strides=[1, 1, 2, 2, 1], padding=p),
         floats(2, 5, 6, 7, 3), floats(2, 3, 2, 3, 4), name=padding.lower())
    case("Conv1D", lambda x, w, p=padding: tf.nn.conv1d(x, w, 2, p), floats(2, 9, 3), floats(3, 3, 5), name=padding.lower())
    case("MaxPool", lambda x, p=padding: raw.MaxPool(input=x, ksize=[1, 3, 2, 1], strides=[1, 2, 2, 1], padding=p), image, name=padding.lower())
    case("AvgPool", lambda x, p=padding: raw.AvgPool(value=x, ksize=[1, 3, 2, 1], strides=[1, 2, 2, 1], padding=p), image, name=padding.lower())
    volume = floats(2, 5, 6, 7, 3)
    case("MaxPool3D", lambda x, p=padding: raw.MaxPool3D(input=x, ksize=[1, 2, 3, 2, 1], strides=[1, 2, 2, 1, 1], padding=p), volume, name=padding.lower())
    case("AvgPool3D", lambda x, p=padding: raw.AvgPool3D(input=x, ksize=[1, 2, 3, 2, 1], strides=[1, 2, 2, 1, 1], padding=p), volume, name=padding.lower())
    case("MaxPoolV2", lambda x, p=padding: raw.MaxPoolV2(input=x, ksize=[1, 3, 2, 1], strides=[1, 2, 2, 1], padding=p), image, name=padding.lower())
    for batched in [False, True]:
        case("MaxPoolWithArgmax", lambda x, p=padding, b=batched: list(raw.MaxPoolWithArgmax(
            input=x, ksize=[1, 3, 2, 1], strides=[1, 2, 2, 1], padding=p, include_batch_in_index=b)), image,
            name=padding.lower() + ("-batch" if batched else ""))
    case("Dilation2D", lambda x, w, p=padding: raw.Dilation2D(input=x, filter=w, strides=[1, 2, 1, 1], rates=[1, 1, 2, 1], padding=p),
         image, floats(3, 2, 4), name=padding.lower())
    case("ExtractImagePatches", lambda x, p=padding: raw.ExtractImagePatches(
        images=x, ksizes=[1, 3, 2, 1], strides=[1, 2, 1, 1], rates=[1, 1, 2, 1], padding=p), image, name=padding.lower())
    case("Conv2DBackpropInput", lambda w, y, p=padding: raw.Conv2DBackpropInput(
        input_sizes=[2, 9, 8, 3], filter=w, out_backprop=y, strides=[1, 2, 2, 1], padding=p),
        floats(3, 2, 3, 5), floats(2, 5 if padding == "SAME" else 4, 4, 5), name=padding.lower())
    case("Conv3DBackpropInputV2", lambda w, y, p=padding: raw.Conv3DBackpropInputV2(
        input_sizes=[2, 5, 6, 7, 3], filter=w, out_backprop=y, strides=[1, 1, 2, 2, 1], padding=p),
        floats(2, 3, 2, 3, 4), floats(2, *((5, 3, 4) if padding == "SAME" else (4, 2, 3)), 4), name=padding.lower())
case("Conv2D", lambda x, w: raw.Conv2D(input=x, filter=w, strides=[1, 1, 2, 1], padding="EXPLICIT", explicit_paddings=[0, 0, 1, 2, 0, 3, 0, 0]),
     image, floats(3, 2, 4, 5), name="explicit")
case("Conv2D", lambda x, w: raw.Conv2D(input=x, filter=w, strides=[1, 1, 1, 1], padding="SAME"), image, floats(3, 2, 2, 6), name="groups")
case("Conv2D", lambda x, w: raw.Conv2D(input=x, filter=w, strides=[1, 1, 1, 1], padding="SAME"), image, floats(3, 2, 4, 5), name="dynamic", dynamic=(0,))
case("Conv2D", lambda x, w: raw.Conv2D(input=x, filter=w, strides=[1, 1, 1, 1], padding="SAME"), image.astype("float64"), floats(3, 2, 4, 5, dtype="float64"))
case("Conv2D", lambda x, w: raw.Conv2D(input=x, filter=w, strides=[1, 1, 1, 1], padding="SAME"), image.astype("float16"),
     floats(3, 2, 4, 5, dtype="float16"), tolerance=(2e-2, 2e-2))  # Sums of 24 products in half precision.
case("DepthwiseConv2dNative", lambda x, w: raw.DepthwiseConv2dNative(input=x, filter=w, strides=[1, 1, 1, 1], padding="SAME", dilations=[1, 2, 2, 1]),
     image, floats(3, 3, 4, 2), name="dilated")
case("Conv2DTranspose", lambda x, w: tf.nn.conv2d_transpose(
    x, w, tf.stack([tf.shape(x)[0], tf.shape(x)[1] * 2, tf.shape(x)[2] * 2, 3]), 2, "SAME"), floats(2, 4, 5, 4), floats(3, 3, 3, 4), name="dynamic", dynamic=(0,))
case("Conv2DBackpropInput", lambda w, y: raw.Conv2DBackpropInput(
    input_sizes=[2, 9, 8, 3], filter=w, out_backprop=y, strides=[1, 2, 2, 1], padding="EXPLICIT", explicit_paddings=[0, 0, 1, 0, 1, 1, 0, 0]),
    floats(3, 2, 3, 5), floats(2, 4, 5, 5), name="explicit")
case("MaxPool", lambda x: raw.MaxPool(input=x, ksize=[1, 3, 2, 1], strides=[1, 2, 2, 1], padding="EXPLICIT", explicit_paddings=[0, 0, 1, 0, 1, 1, 0, 0]),
     image, name="explicit")
case("SpaceToBatchND", lambda x, w: tf.batch_to_space(tf.nn.conv2d(tf.space_to_batch(x, [2, 2], [[2, 3], [2, 2]]), w, 1, "VALID"), [2, 2], [[0, 1], [0, 0]]),
     image, floats(3, 3, 4, 5), name="dilated-convolution")

# MARK: Normalisation

statistics = [floats(4, low=0.5), floats(4, seed=2), floats(4, seed=3), floats(4, low=0.2, seed=4)]
for version in ["FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"]:
    case(version, lambda x, s, o, m, v, version=version: getattr(raw, version)(
        x=x, scale=s, offset=o, mean=m, variance=v, epsilon=0.01, is_training=False)[0], image, *statistics)
    case(version, lambda x, s, o, version=version: list(getattr(raw, version)(
        x=x, scale=s, offset=o, mean=tf.zeros([0]), variance=tf.zeros([0]), epsilon=0.01, is_training=True))[:3], image, *statistics[:2], name="training",
        tolerance=(1e-4, 1e-4))  # Sums over 144 elements, in another order.
case("FusedBatchNormV3", lambda x, s, o, m, v: raw.FusedBatchNormV3(
    x=tf.cast(x, tf.float16), scale=s, offset=o, mean=m, variance=v, epsilon=0.01, is_training=False)[0], image, *statistics, name="half", tolerance=HALF)
case("BatchNormWithGlobalNormalization", lambda x, s, o, m, v: tf.nn.batch_norm_with_global_normalization(x, m, v, o, s, 0.01, True), image, *statistics)
case("LRN", lambda x: raw.LRN(input=x, depth_radius=2, bias=1.5, alpha=0.3, beta=0.6), floats(2, 3, 4, 7))
case("LRN", lambda x: raw.LRN(input=x), floats(2, 3, 4, 12), name="default")
case("L2Loss", lambda x: raw.L2Loss(t=x), floats(3, 5))

# MARK: Linear

for dtype in ["float32", "float64", "int32", "int64"]:
    make = floats if dtype.startswith("f") else ints
    for ta, tb in [(False, False), (True, False), (False, True), (True, True)]:
        case("MatMul", lambda x, y, ta=ta, tb=tb: raw.MatMul(a=x, b=y, transpose_a=ta, transpose_b=tb),
             make(*((4, 3) if ta else (3, 4)), dtype=dtype), make(*((5, 4) if tb else (4, 5)), dtype=dtype), name=f"{int(ta)}{int(tb)}")
case("BatchMatMul", lambda x, y: raw.BatchMatMul(x=x, y=y, adj_y=True), floats(2, 3, 4), floats(2, 5, 4))
case("BatchMatMulV2", lambda x, y: raw.BatchMatMulV2(x=x, y=y, adj_x=True), floats(3, 1, 4, 3), floats(2, 4, 5))
case("BatchMatMulV3", lambda x, y: raw.BatchMatMulV3(x=x, y=y, Tout=tf.int32), ints(2, 3, 4, dtype="int8"), ints(2, 4, 5, dtype="int8"))
for equation, shapes in {"ab,bc->ac": [(3, 4), (4, 5)], "abc,cde->abde": [(2, 3, 4), (4, 2, 5)], "bhqd,bhkd->bhqk": [(2, 3, 4, 5), (2, 3, 6, 5)],
                         "...ij,jk->...ik": [(2, 3, 4), (4, 5)], "ij->ji": [(3, 4)], "ij->i": [(3, 4)], "ii->i": [(4, 4)]}.items():
    case("Einsum", lambda *xs, e=equation: raw.Einsum(inputs=list(xs), equation=e), *[floats(*s) for s in shapes], name=equation.replace("->", "_").replace(",", "_").replace("...", "z"))
for low, high in [(0, -1), (-1, 0), (1, 2), (0, 0)]:
    case("MatrixBandPart", lambda x, l=low, h=high: raw.MatrixBandPart(input=x, num_lower=l, num_upper=h), floats(2, 4, 5), name=f"{low}_{high}")
case("MatrixDiag", lambda x: raw.MatrixDiag(diagonal=x), floats(2, 4))
case("Diag", lambda x: raw.Diag(diagonal=x), floats(4))
case("DiagPart", lambda x: raw.DiagPart(input=x), floats(4, 4))
case("MatrixDiagPart", lambda x: raw.MatrixDiagPart(input=x), floats(2, 4, 5))
case("MatrixSetDiag", lambda x, d: raw.MatrixSetDiag(input=x, diagonal=d), floats(2, 4, 5), floats(2, 4))
for k in [0, 1, -2]:
    case("MatrixDiagV3", lambda x, k=k: tf.linalg.diag(x, k=k), floats(2, 3), name=f"k{k}")
    case("MatrixDiagPartV3", lambda x, k=k: tf.linalg.diag_part(x, k=k), floats(2, 4, 5), name=f"k{k}")
    case("MatrixSetDiagV3", lambda x, d, k=k: tf.linalg.set_diag(x, d, k=k), floats(2, 4, 5), floats(2, {0: 4, 1: 4, -2: 2}[k], seed=3), name=f"k{k}")
case("MatrixDeterminant", lambda x: raw.MatrixDeterminant(input=x), floats(2, 4, 4))

# MARK: Image

for method in ["ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic"]:
    for corners, centres in [(False, False), (True, False), (False, True)]:
        for size in [(7, 11), (3, 3)]:
            case(method, lambda x, m=method, c=corners, h=centres, s=size: getattr(raw, m)(
                images=x, size=list(s), align_corners=c, half_pixel_centers=h), floats(2, 5, 6, 3), name=f"{'corners' if corners else 'centres' if centres else 'plain'}-{size[0]}")
case("ResizeBilinear", lambda x: raw.ResizeBilinear(images=x, size=[7, 4], half_pixel_centers=True), ints(2, 5, 6, 3, dtype="uint8", low=0, high=255),
     tolerance=(1e-3, 1e-4))  # Values to 255.
case("ResizeBilinear", lambda x: raw.ResizeBilinear(images=x, size=tf.shape(x)[1:3] * 2, half_pixel_centers=True), floats(2, 5, 6, 3), name="dynamic", dynamic=(0,))
case("ResizeNearestNeighbor", lambda x: raw.ResizeNearestNeighbor(images=x, size=[7, 4]), ints(2, 5, 6, 3))
for layout in ["NHWC"]:
    case("DepthToSpace", lambda x: raw.DepthToSpace(input=x, block_size=2), floats(2, 3, 4, 12))
    case("SpaceToDepth", lambda x: raw.SpaceToDepth(input=x, block_size=2), floats(2, 6, 4, 3))
corner = floats(12, 2, low=0, high=6, seed=4)
boxes = np.concatenate([corner, corner + floats(12, 2, low=0.5, high=4, seed=5)], 1)
scores = floats(12, low=0, high=1, seed=6)
case("NonMaxSuppression", lambda b, s: raw.NonMaxSuppression(boxes=b, scores=s, max_output_size=5, iou_threshold=0.3), boxes, scores)
case("NonMaxSuppressionV2", lambda b, s: raw.NonMaxSuppressionV2(boxes=b, scores=s, max_output_size=5, iou_threshold=0.3), boxes, scores)
case("NonMaxSuppressionV3", lambda b, s: raw.NonMaxSuppressionV3(boxes=b, scores=s, max_output_size=9, iou_threshold=0.3, score_threshold=0.2), boxes, scores)
for padded in [False, True]:
    case("NonMaxSuppressionV4", lambda b, s, p=padded: list(raw.NonMaxSuppressionV4(
        boxes=b, scores=s, max_output_size=10, iou_threshold=0.3, score_threshold=0.2, pad_to_max_output_size=p)), boxes, scores, name="padded" if padded else "")
    case("NonMaxSuppressionV5", lambda b, s, p=padded: list(raw.NonMaxSuppressionV5(
        boxes=b, scores=s, max_output_size=10, iou_threshold=0.3, score_threshold=0.2, soft_nms_sigma=0.0, pad_to_max_output_size=p)), boxes, scores, name="padded" if padded else "")
colours = floats(2, 4, 5, 3, low=0, high=1)
case("RGBToHSV", lambda x: raw.RGBToHSV(images=x), colours)
case("HSVToRGB", lambda x: raw.HSVToRGB(images=x), colours)
case("AdjustContrastv2", lambda x: raw.AdjustContrastv2(images=x, contrast_factor=1.7), colours)
case("AdjustHue", lambda x: raw.AdjustHue(images=x, delta=0.3), colours)
case("AdjustSaturation", lambda x: raw.AdjustSaturation(images=x, scale=1.7), colours)

# MARK: Quantisation

for bits, narrow in [(8, False), (8, True), (4, False)]:
    mark = f"{bits}{'narrow' if narrow else ''}"
    case("FakeQuantWithMinMaxArgs", lambda x, b=bits, n=narrow: raw.FakeQuantWithMinMaxArgs(inputs=x, min=-1.3, max=1.6, num_bits=b, narrow_range=n), floats(3, 7), name=mark)
    case("FakeQuantWithMinMaxVars", lambda x, b=bits, n=narrow: raw.FakeQuantWithMinMaxVars(inputs=x, min=-1.3, max=1.6, num_bits=b, narrow_range=n), floats(3, 7), name=mark)
    case("FakeQuantWithMinMaxVarsPerChannel", lambda x, l, h, b=bits, n=narrow: raw.FakeQuantWithMinMaxVarsPerChannel(
        inputs=x, min=l, max=h, num_bits=b, narrow_range=n), floats(3, 7), floats(7, low=-2, high=-1), floats(7, low=1, high=2), name=mark)
for signed in [True, False]:
    for given in [True, False]:
        case("QuantizeAndDequantizeV2", lambda x, s=signed, g=given: raw.QuantizeAndDequantizeV2(
            input=x, input_min=-1.3 if s else 0.0, input_max=1.6, signed_input=s, range_given=g), floats(3, 7, low=-2 if signed else 0),
            name=f"{'signed' if signed else 'unsigned'}-{'range' if given else 'free'}")
case("QuantizeAndDequantizeV3", lambda x: raw.QuantizeAndDequantizeV3(input=x, input_min=-1.3, input_max=1.6, num_bits=6), floats(3, 7))
case("QuantizeAndDequantizeV4", lambda x: raw.QuantizeAndDequantizeV4(input=x, input_min=-1.3, input_max=1.6, range_given=True), floats(3, 7))

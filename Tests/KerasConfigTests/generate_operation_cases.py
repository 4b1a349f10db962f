"""Records what the real Keras computes for keras.ops operations: fixtures/operations/<module>.json.

Each case is a small functional model: the entries of its `layers` that are operations, as Keras serialises
them, with inputs and outputs. A case whose model Keras itself can't
rebuild from its configuration is left out, with a word on why.

Run with a Python that has keras and tensorflow:  $PYTHON Tests/KerasConfigTests/generate_operation_cases.py
"""
import base64, json, os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
from keras import ops as K
from keras.src.ops import nn as N, numpy as P

rng = np.random.default_rng(11)
families = {}


def encode(a):
    a = np.asarray(a)
    name = a.dtype.name
    return {"dtype": name, "shape": list(a.shape), "data": base64.b64encode(a.tobytes()).decode()}


def x(*shape):
    return (rng.normal(size=shape) * 1.5).astype("float32")


def pos(*shape):
    return (np.abs(rng.normal(size=shape)) + 0.2).astype("float32")


def unit(*shape):
    return rng.uniform(-0.9, 0.9, size=shape).astype("float32")


def ints(low, high, *shape, dtype="int32"):
    return rng.integers(low, high, size=shape).astype(dtype)


def flags(*shape):
    return rng.random(size=shape) > 0.5


def case(name, *arguments):
    """A case that Keras fails at is named and left out."""
    try:
        record(name, *arguments)
    except Exception as error:
        print(f"left out: {name}: {str(error).strip().splitlines()[0]}")


def record(name, function, *inputs):
    """`inputs` are batches: their first axis is unknown to the model."""
    keras.backend.clear_session()
    symbolic = [keras.Input(batch_shape=(None,) + a.shape[1:], dtype=a.dtype.name, name=f"x{i}") for i, a in enumerate(inputs)]
    outputs = function(*symbolic)
    flat = keras.tree.flatten(outputs)
    model = keras.Model(symbolic, flat)
    text = model.to_json()
    rebuilt = keras.models.model_from_json(text)
    values = [np.asarray(v) for v in keras.tree.flatten(model([K.convert_to_tensor(a) for a in inputs]))]
    again = [np.asarray(v) for v in keras.tree.flatten(rebuilt([K.convert_to_tensor(a) for a in inputs]))]
    for a, b in zip(values, again):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)
    config = json.loads(text)["config"]
    operations = [l for l in config["layers"] if l["class_name"] != "InputLayer"]
    outs = config["output_layers"]
    if isinstance(outs[0], str):
        outs = [outs]
    module = operations[-1]["module"].rsplit(".", 1)[-1]
    families.setdefault(module, []).append({
        "name": name, "operations": operations, "output_layers": outs,
        "inputs": [encode(a) for a in inputs], "outputs": [encode(v) for v in values],
    })


# Arithmetic: tensors, Python's numbers, arrays, mixed dtypes.
for word in ["add", "subtract", "multiply", "divide", "maximum", "minimum", "floor_divide", "mod", "arctan2", "hypot", "logaddexp"]:
    f = getattr(K, word)
    case(word, lambda a, b: f(a, b), x(3, 4), pos(3, 4))
    case(f"{word}/broadcast", lambda a: f(a, np.array([1.5, 2.0, -0.5, 3.0], "float32")), x(3, 2, 4))
for word in ["add", "subtract", "multiply", "divide", "maximum", "floor_divide", "mod", "power"]:
    f = getattr(K, word)
    case(f"{word}/number", lambda a: f(a, 2), pos(3, 4))
    case(f"{word}/reversed", lambda a: f(2.5, a), pos(3, 4))
    case(f"{word}/ints", lambda a, b: f(a, b), ints(-9, 9, 3, 4) if word != "power" else ints(0, 4, 3, 4), ints(1, 5, 3, 4))
case("operators", lambda a: (1 - a) * 2 / (a + 3.5) - a ** 2, pos(3, 4))
case("mixed dtypes", lambda a, b: a + b, x(3, 4), ints(0, 9, 3, 4))
case("int and float", lambda a: a * 0.5, ints(0, 9, 3, 4))
case("fmod", lambda a, b: K.fmod(a, b) if hasattr(K, "fmod") else P.Fmod()(a, b), x(3, 4), pos(3, 4))
for word in ["bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift"]:
    f = getattr(K, word)
    case(word, lambda a, b: f(a, b), ints(0, 50, 3, 4), ints(0, 5, 3, 4))
case("bitwise_not", lambda a: K.bitwise_not(a), ints(0, 50, 3, 4))
for word in ["absolute", "negative", "sign", "square", "exp", "expm1", "sin", "cos", "tan", "arctan", "sinh", "cosh", "tanh",
             "arcsinh", "ceil", "floor", "trunc", "round", "exp2", "deg2rad", "rad2deg", "sinc", "cbrt", "erf", "erfc", "isfinite",
             "isnan", "isinf", "nan_to_num", "reciprocal"]:
    f = getattr(K, word, None)
    if f is not None:
        case(word, lambda a: f(a), x(3, 5))
for word in ["sqrt", "rsqrt", "log", "log1p", "log2", "log10", "reciprocal"]:
    f = getattr(K, word)
    case(word, lambda a: f(a), pos(3, 5))
for word in ["arcsin", "arccos", "arctanh", "erfinv"]:
    f = getattr(K, word)
    case(word, lambda a: f(a), unit(3, 5))
case("arccosh", lambda a: K.arccosh(a), pos(3, 5) + 1)
for word in ["absolute", "negative", "sign", "square", "sqrt", "ceil", "floor", "round"]:
    f = getattr(K, word)
    case(f"{word}/ints", lambda a: f(a), ints(0, 9, 3, 5))
case("round/decimals", lambda a: K.round(a, 1), x(3, 5))
case("divide_no_nan", lambda a, b: K.divide_no_nan(a, b), x(3, 4), ints(0, 2, 3, 4).astype("float32"))

# Comparison and selection.
for word in ["equal", "not_equal", "greater", "greater_equal", "less", "less_equal"]:
    f = getattr(K, word)
    case(word, lambda a, b: f(a, b), ints(0, 3, 3, 4), ints(0, 3, 3, 4))
    case(f"{word}/number", lambda a: f(a, 0.5), x(3, 4))
for word in ["logical_and", "logical_or", "logical_xor"]:
    f = getattr(K, word)
    case(word, lambda a, b: f(a, b), flags(3, 4), flags(3, 4))
case("logical_not", lambda a: K.logical_not(a), flags(3, 4))
case("where", lambda c, a, b: K.where(c, a, b), flags(3, 4), x(3, 4), x(3, 4))
case("where/numbers", lambda a: K.where(a > 0, a, 0.1 * a), x(3, 4))
case("where/scalar", lambda a: K.where(a > 0, a, -1e9), x(3, 4))
case("isclose", lambda a, b: K.isclose(a, b), ints(0, 2, 3, 4).astype("float32"), ints(0, 2, 3, 4).astype("float32"))

# Activations.
for word in ["relu", "relu6", "sigmoid", "sparse_sigmoid", "softplus", "softsign", "soft_shrink", "sparse_plus", "silu", "squareplus",
             "log_sigmoid", "leaky_relu", "hard_sigmoid", "hard_silu", "elu", "selu", "gelu", "celu", "glu", "tanh_shrink", "hard_tanh",
             "hard_shrink", "softmax", "log_softmax", "sparsemax"]:
    f = getattr(K, word)
    case(word, lambda a: f(a), x(3, 6))
case("gelu/exact", lambda a: K.gelu(a, approximate=False), x(3, 6))
case("leaky_relu/slope", lambda a: K.leaky_relu(a, 0.3), x(3, 6))
case("elu/alpha", lambda a: K.elu(a, 0.3), x(3, 6))
case("threshold", lambda a: K.threshold(a, 0.3, -1.0), x(3, 6))
case("softmax/axis", lambda a: K.softmax(a, axis=1), x(3, 4, 5))
case("log_softmax/axis", lambda a: K.log_softmax(a, axis=-2), x(3, 4, 5))
case("clip", lambda a: K.clip(a, -0.5, 0.7), x(3, 6))
case("clip/ints", lambda a: K.clip(a, 1, 3), ints(-5, 9, 3, 6))

# Reductions.
for word in ["sum", "mean", "max", "min", "prod", "var", "std", "logsumexp", "amax", "amin"]:
    f = getattr(K, word)
    case(word, lambda a: f(a, axis=-1), x(3, 4, 5))
    case(f"{word}/axes", lambda a: f(a, axis=(1, 2), keepdims=True), x(3, 4, 5))
    case(f"{word}/all", lambda a: f(a), x(3, 4))
for word in ["sum", "prod", "max"]:
    f = getattr(K, word)
    case(f"{word}/ints", lambda a: f(a, axis=1), ints(-3, 4, 3, 4))
    case(f"{word}/int8", lambda a: f(a, axis=1), ints(-3, 4, 3, 4, dtype="int8"))
case("mean/ints", lambda a: K.mean(a, axis=1), ints(-3, 4, 3, 4))
for word in ["any", "all"]:
    f = getattr(K, word)
    case(word, lambda a: f(a, axis=1), flags(3, 4))
case("argmax", lambda a: K.argmax(a, axis=-1), x(3, 4))
case("argmin", lambda a: K.argmin(a, axis=1, keepdims=True), x(3, 4, 2))
case("argmax/all", lambda a: K.argmax(a), x(3, 4))
case("cumsum", lambda a: K.cumsum(a, axis=1), x(3, 4, 2))
case("top_k", lambda a: K.top_k(a, 3), x(3, 7))
case("sort", lambda a: K.sort(a, axis=1), x(3, 5, 2))
case("argsort", lambda a: K.argsort(a, axis=-1), x(3, 5))
case("count_nonzero", lambda a: K.count_nonzero(a, axis=1), ints(0, 3, 3, 5))
case("moments", lambda a: K.moments(a, axes=[1], keepdims=True), x(3, 5, 2))
case("ptp", lambda a: P.Ptp(axis=1)(a), x(3, 5))
case("average", lambda a: K.average(a, axis=1, weights=np.array([1.0, 2.0, 3.0], "float32")), x(2, 3))
case("norm", lambda a: K.norm(a, axis=-1), x(3, 5))
case("norm/1", lambda a: K.norm(a, ord=1, axis=-1, keepdims=True), x(3, 5))
case("diff", lambda a: K.diff(a, axis=1), x(3, 5))

# Shapes.
case("reshape", lambda a: K.reshape(a, (-1, 2, 6)), x(3, 3, 4))
case("reshape/flat", lambda a: K.reshape(a, (-1,)), x(3, 3, 4))
case("ravel", lambda a: K.ravel(a), x(3, 4))
case("transpose", lambda a: K.transpose(a, (0, 2, 1)), x(2, 3, 4))
case("transpose/reversed", lambda a: K.transpose(a), x(2, 3, 4))
case("swapaxes", lambda a: K.swapaxes(a, -1, 1), x(2, 3, 4, 5))
case("moveaxis", lambda a: K.moveaxis(a, 1, -1), x(2, 3, 4, 5))
case("moveaxis/two", lambda a: K.moveaxis(a, (1, 2), (-1, 1)), x(2, 3, 4, 5))
case("expand_dims", lambda a: K.expand_dims(a, 1), x(2, 3))
case("expand_dims/two", lambda a: K.expand_dims(a, (1, -1)), x(2, 3))
case("squeeze", lambda a: K.squeeze(a, 1), x(2, 1, 3))
case("concatenate", lambda a, b: K.concatenate([a, b], axis=1), x(2, 3), x(2, 4))
case("concatenate/dtypes", lambda a, b: K.concatenate([a, b], axis=-1), x(2, 3), ints(0, 4, 2, 3))
case("append", lambda a, b: K.append(a, b, axis=1), x(2, 3), x(2, 4))
case("stack", lambda a, b: K.stack([a, b], axis=1), x(2, 3), x(2, 3))
case("hstack", lambda a, b: K.hstack([a, b]), x(2, 3), x(2, 4))
case("vstack", lambda a, b: K.vstack([a, b]), x(2, 3), x(3, 3))
case("split", lambda a: K.split(a, 3, axis=1), x(2, 6))
case("split/places", lambda a: K.split(a, [1, 4], axis=-1), x(2, 6))
case("array_split", lambda a: K.array_split(a, 4, axis=1), x(2, 6))
case("unstack", lambda a: K.unstack(a, axis=1), x(2, 3, 4))
case("tile", lambda a: K.tile(a, (1, 3)), x(2, 3))
case("tile/longer", lambda a: K.tile(a, (2, 1, 3)), x(2, 3))
case("repeat", lambda a: K.repeat(a, 3, axis=1), x(2, 3, 2))
case("repeat/each", lambda a: K.repeat(a, np.array([1, 0, 2]), axis=1), x(2, 3))
case("pad", lambda a: K.pad(a, ((0, 0), (1, 2), (0, 1))), x(2, 3, 4))
case("pad/value", lambda a: K.pad(a, ((0, 0), (1, 2)), constant_values=-1.5), x(2, 3))
case("pad/reflect", lambda a: K.pad(a, ((0, 0), (1, 2)), mode="reflect"), x(2, 4))
case("pad/symmetric", lambda a: K.pad(a, ((0, 0), (1, 2)), mode="symmetric"), x(2, 4))
case("pad/one pair", lambda a: K.pad(a, 1), x(2, 4))
case("flip", lambda a: K.flip(a, axis=1), x(2, 4, 3))
case("roll", lambda a: K.roll(a, 1, axis=1), x(2, 4, 3))
case("roll/back", lambda a: K.roll(a, -2, axis=1), x(2, 5))
case("broadcast_to", lambda a: K.broadcast_to(a, (3, 2, 4)), x(2, 4))
case("cast", lambda a: K.cast(a, "int32"), x(2, 4))
case("cast/bool", lambda a: K.cast(a, "bool"), ints(0, 2, 2, 4))
case("saturate_cast", lambda a: K.saturate_cast(a, "uint8"), x(2, 4) * 300)
case("ones_like", lambda a: K.ones_like(a) + a, x(2, 4))
case("zeros_like", lambda a: K.zeros_like(a, dtype="int32"), x(2, 4))
case("full_like", lambda a: K.full_like(a, 2.5), x(2, 4))
case("size", lambda a: P.Size()(a) if hasattr(P, "Size") else K.size(a), x(2, 4))
case("tril", lambda a: K.tril(a, k=1), x(2, 4, 4))
case("triu", lambda a: K.triu(a, k=-1), x(2, 4, 4))
case("stop_gradient", lambda a: K.stop_gradient(a) + 1, x(2, 4))
case("copy", lambda a: K.copy(a) * 2, x(2, 4))
if hasattr(N, "DepthToSpace"):
    case("depth_to_space", lambda a: N.DepthToSpace(2)(a), x(2, 3, 4, 8))
    case("space_to_depth", lambda a: N.SpaceToDepth(2)(a), x(2, 4, 6, 3))

# Indexing.
case("getitem", lambda a: a[:, 0], x(2, 3, 4))
case("getitem/last", lambda a: a[:, -1], x(2, 3, 4))
case("getitem/slices", lambda a: a[:, 1:, ::2], x(2, 3, 4))
case("getitem/new axis", lambda a: a[:, None, ..., 1:3], x(2, 3, 4))
case("getitem/ellipsis", lambda a: a[..., 0], x(2, 3, 4))
case("getitem/backwards", lambda a: a[:, ::-1], x(2, 5))
case("getitem/backwards from", lambda a: a[:, 3:0:-1], x(2, 5))
case("getitem/inner", lambda a: a[:, 1:-1, 1:-1, :], x(2, 5, 5, 2))
case("take", lambda a: K.take(a, np.array([0, 2, -1]), axis=1), x(2, 4, 3))
case("take/tensor", lambda a, i: K.take(a, i, axis=0), x(4, 3), ints(0, 4, 5))
case("take_along_axis", lambda a, i: K.take_along_axis(a, i, axis=1), x(2, 4), ints(0, 4, 2, 3))
case("slice", lambda a: K.slice(a, [0, 1, 0], [2, 2, 3]), x(2, 4, 3))
case("slice_update", lambda a, u: K.slice_update(a, [0, 1], K.reshape(u, (2, 2))), x(2, 4), x(2, 2))
case("scatter_update", lambda a: K.scatter_update(a, np.array([[0, 1], [1, 0]]), np.array([5.0, 6.0], "float32")), x(2, 3))
case("scatter_update/add", lambda a: K.scatter_update(a, np.array([[0, 1], [0, 1]]), np.array([5.0, 6.0], "float32"), reduction="add"), x(2, 3))
case("scatter", lambda a: K.scatter(np.array([[1], [3]]), K.reshape(a, (2, 3)), (5, 3)), x(2, 3))
case("one_hot", lambda a: K.one_hot(a, 5), ints(-1, 6, 2, 3))
case("one_hot/axis", lambda a: K.one_hot(a, 4, axis=1, dtype="int32"), ints(0, 4, 2, 3))
case("diagonal", lambda a: K.diagonal(a, axis1=1, axis2=2), x(2, 3, 3))
case("trace", lambda a: K.trace(a, axis1=1, axis2=2), x(2, 3, 3))

# Linear algebra.
case("matmul", lambda a, b: K.matmul(a, b), x(2, 3, 4), x(2, 4, 5))
case("matmul/array", lambda a: a @ np.asarray(x(4, 3)), x(2, 5, 4))
case("dot", lambda a: K.dot(a, np.asarray(x(4, 3))), x(2, 5, 4))
case("dot/high", lambda a, b: K.dot(a, b), x(2, 5, 4), x(3, 4, 2))
case("tensordot", lambda a: K.tensordot(a, np.asarray(x(4, 3)), axes=1), x(2, 5, 4))
case("tensordot/axes", lambda a: K.tensordot(a, np.asarray(x(4, 5, 3)), axes=[[1, 2], [1, 0]]), x(2, 5, 4))
case("einsum", lambda a, b: K.einsum("abc,adc->abd", a, b), x(2, 3, 4), x(2, 5, 4))
case("einsum/dots", lambda a: K.einsum("...ij,jk->...ik", a, np.asarray(x(4, 3))), x(2, 3, 4))
case("outer", lambda a: K.outer(a, np.array([1.0, 2.0], "float32")), x(3))
case("inner", lambda a: K.inner(a, np.asarray(x(3, 4))), x(2, 4))
case("det", lambda a: K.det(a), x(2, 3, 3))
case("attention", lambda q, k, v: K.dot_product_attention(q, k, v), x(2, 5, 3, 4), x(2, 6, 3, 4), x(2, 6, 3, 4))
case("attention/causal", lambda q, k, v: K.dot_product_attention(q, k, v, is_causal=True), x(2, 5, 3, 4), x(2, 5, 3, 4), x(2, 5, 3, 4))

# Convolution, pooling, normalisation.
case("conv1d", lambda a: K.conv(a, np.asarray(x(3, 4, 5)), padding="same"), x(2, 7, 4))
case("conv2d", lambda a: K.conv(a, np.asarray(x(3, 2, 4, 5)), strides=2), x(2, 7, 6, 4))
case("conv2d/same", lambda a: K.conv(a, np.asarray(x(3, 3, 4, 5)), strides=2, padding="same"), x(2, 7, 6, 4))
case("conv2d/groups", lambda a: K.conv(a, np.asarray(x(3, 3, 2, 6)), dilation_rate=2, padding="same"), x(2, 7, 6, 4))
case("depthwise", lambda a: K.depthwise_conv(a, np.asarray(x(3, 3, 4, 2)), padding="same"), x(2, 7, 6, 4))
case("separable", lambda a: K.separable_conv(a, np.asarray(x(3, 3, 4, 1)), np.asarray(x(1, 1, 4, 6))), x(2, 7, 6, 4))
case("conv_transpose", lambda a: K.conv_transpose(a, np.asarray(x(3, 3, 5, 4)), 2, padding="same"), x(2, 4, 5, 4))
case("conv_transpose/valid", lambda a: K.conv_transpose(a, np.asarray(x(3, 3, 5, 4)), 2), x(2, 4, 5, 4))
case("max_pool", lambda a: K.max_pool(a, 2), x(2, 6, 6, 3))
case("max_pool/same", lambda a: K.max_pool(a, 3, 2, padding="same"), x(2, 7, 6, 3))
case("average_pool", lambda a: K.average_pool(a, (3, 2), 2, padding="same"), x(2, 7, 6, 3))
case("batch_norm", lambda a: K.batch_normalization(a, unit(3), pos(3), -1, offset=unit(3), scale=pos(3)), x(2, 4, 3))
case("batch_norm/plain", lambda a: K.batch_normalization(a, unit(4), pos(4), 1, epsilon=1e-2), x(2, 4, 3))
case("layer_norm", lambda a: K.layer_normalization(a, gamma=pos(4), beta=unit(4), epsilon=1e-5), x(2, 3, 4))
case("layer_norm/plain", lambda a: K.layer_normalization(a), x(2, 3, 4))
case("rms_norm", lambda a: K.rms_normalization(a, scale=pos(4), epsilon=1e-5), x(2, 3, 4))
case("normalize", lambda a: K.normalize(a, axis=-1), x(2, 3, 4))

# Images.
case("resize/nearest", lambda a: K.image.resize(a, (6, 9), interpolation="nearest"), x(2, 4, 5, 3))
case("resize/bilinear", lambda a: K.image.resize(a, (6, 9)), x(2, 4, 5, 3))
case("resize/down", lambda a: K.image.resize(a, (3, 2)), x(2, 7, 5, 3))
case("resize/bicubic", lambda a: K.image.resize(a, (6, 9), interpolation="bicubic"), x(2, 4, 5, 3))
case("grayscale", lambda a: K.image.rgb_to_grayscale(a), pos(2, 4, 5, 3))
case("pad_images", lambda a: K.image.pad_images(a, 1, 2, target_height=8, target_width=9), x(2, 4, 5, 3))
case("crop_images", lambda a: K.image.crop_images(a, 1, 2, target_height=2, target_width=2), x(2, 4, 5, 3))

# Spectra.
case("fft", lambda a, b: K.fft((a, b)), x(2, 3, 7), x(2, 3, 7))
case("fft2", lambda a, b: K.fft2((a, b)), x(2, 4, 6), x(2, 4, 6))
case("ifft2", lambda a, b: K.ifft2((a, b)), x(2, 4, 6), x(2, 4, 6))
case("rfft", lambda a: K.rfft(a), x(2, 9))
case("rfft/cut", lambda a: K.rfft(a, fft_length=6), x(2, 9))
case("rfft/filled", lambda a: K.rfft(a, fft_length=16), x(2, 9))
case("irfft", lambda a, b: K.irfft((a, b)), x(2, 6), x(2, 6))
case("irfft/odd", lambda a, b: K.irfft((a, b), fft_length=7), x(2, 6), x(2, 6))
case("stft", lambda a: K.stft(a, 8, 4, 16), x(2, 40))
case("stft/hamming", lambda a: K.stft(a, 7, 3, 8, window="hamming", center=False), x(2, 3, 40))
case("extract_sequences", lambda a: K.extract_sequences(a, 5, 3), x(2, 3, 20))

# Matrices.
case("inv", lambda a: K.inv(a + 4 * K.eye(3)), x(2, 3, 3))
case("cholesky", lambda a: K.cholesky(K.matmul(a, K.swapaxes(a, 1, 2)) + K.eye(3)), x(2, 3, 3))
case("solve", lambda a, b: K.solve(a + 4 * K.eye(3), b), x(2, 3, 3), x(2, 3, 2))
case("solve_triangular", lambda a, b: K.solve_triangular(a + 4 * K.eye(3), b, lower=True), x(2, 3, 3), x(2, 3, 2))
case("svd", lambda a: K.svd(a, compute_uv=False), x(2, 4, 3))
case("eigh", lambda a: K.eigh(a + K.swapaxes(a, 1, 2))[0], x(2, 3, 3))
case("logdet", lambda a: K.logdet(K.matmul(a, K.swapaxes(a, 1, 2)) + K.eye(3)), x(2, 3, 3))
case("cdist", lambda a, b: K.cdist(a, b) if hasattr(K, "cdist") else K.norm(a[:, :, None] - b[:, None], axis=-1), x(2, 4, 3), x(2, 5, 3))
case("trace/oblong", lambda a: K.trace(a, axis1=1, axis2=2), x(2, 4, 5))
case("trace/beside", lambda a: K.trace(a, offset=2, axis1=1, axis2=2), x(2, 4, 5))
case("diagonal/below", lambda a: K.diagonal(a, offset=-1, axis1=1, axis2=2), x(2, 4, 5))

# Rarer ones.
case("quantile", lambda a: K.quantile(a, 0.3, axis=1), x(2, 6, 3))
case("quantile/keepdims", lambda a: K.quantile(a, 0.75, axis=-1, keepdims=True), x(2, 6, 3))
for k in range(-1, 3):
    case(f"rot90/{k}", lambda a: K.rot90(a, k=k, axes=(1, 2)), x(2, 4, 4 if k == 2 else 5, 3))
case("meshgrid", lambda a, b: K.meshgrid(K.mean(a, axis=0), K.mean(b, axis=0)), x(2, 4), x(2, 3))
case("meshgrid/ij", lambda a, b: K.meshgrid(K.mean(a, axis=0), K.mean(b, axis=0), indexing="ij"), x(2, 4), x(2, 3))
case("kron", lambda a, b: K.kron(K.mean(a, axis=0), K.mean(b, axis=0)), x(2, 4, 3), x(2, 2, 5))
for side in ["left", "right"]:
    case(f"searchsorted/{side}", lambda a: K.searchsorted(np.array([-1, 0, 1, 3], "float32"), a, side=side), ints(-2, 4, 7).astype("float32"))
case("psnr", lambda a, b: K.psnr(a, b, 2.0), x(2, 4, 3), x(2, 4, 3))
case("rgb_to_hsv", lambda a: K.image.rgb_to_hsv(a), rng.random((2, 4, 5, 3)).astype("float32"))
case("hsv_to_rgb", lambda a: K.image.hsv_to_rgb(a), rng.random((2, 4, 5, 3)).astype("float32"))
case("gaussian_blur", lambda a: K.image.gaussian_blur(a, (3, 5), (1.0, 0.7)), x(2, 6, 7, 3))
case("attention/grouped", lambda q, k, v: K.dot_product_attention(q, k, v), x(2, 5, 4, 6), x(2, 7, 2, 6), x(2, 7, 2, 6))
for word in ["segment_min", "segment_prod"]:
    f = getattr(K, word, None)
    if f is not None:
        case(word, lambda a, b: f(a, b, num_segments=4), x(6, 3), np.array([0, 0, 1, 3, 3, 3], "int32"))

# Norms and other functions of matrices.
for order in [0, 1, -1, 2, 3, 1.5, float("inf"), float("-inf")]:
    case(f"norm/vector {order}", lambda a: K.norm(a * K.cast(K.abs(a) > 0.4, "float32") if order == 0 else a, ord=order, axis=1), x(3, 5, 2))
for order in ["fro", "nuc", 1, -1, 2, -2, float("inf"), float("-inf")]:
    case(f"norm/matrix {order}", lambda a: K.norm(a, ord=order, axis=(1, 2)), x(2, 3, 4))
    case(f"norm/matrix {order} turned", lambda a: K.norm(a, ord=order, axis=(-1, 1), keepdims=order not in ("nuc", 2, -2)), x(2, 3, 2, 4))
case("norm/ints", lambda a: K.norm(a, ord=3, axis=-1, keepdims=True), ints(-5, 6, 3, 4))
case("slogdet", lambda a: K.slogdet(a), x(5, 4, 4))
case("slogdet/great", lambda a: K.slogdet(a)[1], x(2, 12, 12) * np.float32(1e5))
for upper in [False, True]:
    case(f"cholesky_inverse/{'upper' if upper else 'lower'}", lambda a: K.cholesky_inverse(
        (K.triu if upper else K.tril)(a) + 3 * K.eye(4), upper=upper), x(2, 4, 4))

# Numbers.
for dtype in ["int8", "uint8", "int32", "int64"]:
    low = 0 if dtype[0] == "u" else -100
    case(f"gcd/{dtype}", lambda a, b: K.gcd(a, b), ints(low, 100, 4, 6, dtype=dtype) * 1, ints(low, 100, 4, 6, dtype=dtype))
case("gcd/Fibonacci", lambda a, b: K.gcd(a, b), np.array([[1134903170, 12, 0], [1836311903, 0, 0]], "int32"),
     np.array([[1836311903, 18, 0], [1134903170, 7, 5]], "int32"))
case("lcm", lambda a, b: K.lcm(a, b), ints(-9, 9, 4, 5), ints(-9, 9, 4, 5))
case("unravel_index", lambda a: K.unravel_index(a, (3, 4, 5)), ints(0, 60, 7))
case("angle", lambda a: K.angle(a), x(3, 4))
case("angle/ints", lambda a: K.angle(a), ints(-3, 3, 3, 4))
case("conj", lambda a: K.conj(a) + 1, x(3, 4))
case("signbit", lambda a: K.signbit(a), np.array([[0.0, -0.0, 2.5], [-1.5, np.inf, -np.inf]], "float32"))
case("dstack", lambda a, b: K.dstack([a, b]), x(2, 3), ints(0, 4, 2, 3))
for mode in ["valid", "same", "full"]:
    case(f"correlate/{mode}", lambda a, b: K.correlate(K.mean(a, axis=0), K.mean(b, axis=0), mode=mode), x(2, 9), x(2, 4))
case("correlate/ints", lambda a: K.correlate(K.sum(a, axis=0), np.array([1, -2, 3], "int32"), mode="full"), ints(-5, 6, 2, 5))
case("trapezoid", lambda a: K.trapezoid(a, dx=0.5, axis=1), x(3, 5, 2))
case("vander", lambda a: K.vander(a, N=4), x(3))
case("vander/ints", lambda a: K.vander(a, N=3, increasing=True), ints(-4, 5, 3))
case("corrcoef", lambda a: K.corrcoef(a), x(3, 7))
case("linspace", lambda a, b: K.linspace(a, b, 5, axis=1), x(3, 2), x(3, 2))
case("linspace/open", lambda a: K.linspace(a, 3.0, 4, endpoint=False, axis=-1), x(3, 2))
holes = x(4, 5)
holes[0, 2] = holes[1, 0] = holes[1, 4] = np.nan
holes[3] = np.nan
for word in ["nanargmax", "nanargmin"]:
    f = getattr(K, word)
    case(word, lambda a: f(a, axis=1), holes)
    case(f"{word}/keepdims", lambda a: f(a, axis=0, keepdims=True), holes)
for word in ["nanvar", "nanstd"]:
    f = getattr(K, word)
    case(word, lambda a: f(a, axis=1, keepdims=True), holes[:3])

case("percentile", lambda a: K.percentile(a, 30, axis=1) if hasattr(K, "percentile") else P.Percentile(axis=1)(a, 30), x(2, 6, 3))
case("percentile/several", lambda a: P.Percentile(axis=1, keepdims=True)(a, [12.5, 80.0]), x(2, 6, 3))

# Losses.
case("categorical_crossentropy", lambda a, b: K.categorical_crossentropy(a, K.softmax(b)), pos(3, 5), x(3, 5))
case("categorical_crossentropy/logits", lambda a, b: K.categorical_crossentropy(a, b, from_logits=True, axis=1), pos(3, 5, 2), x(3, 5, 2))
case("sparse_categorical_crossentropy", lambda a, b: K.sparse_categorical_crossentropy(a, b), ints(0, 5, 4), pos(4, 5))
case("sparse_categorical_crossentropy/logits", lambda a, b: K.sparse_categorical_crossentropy(a, b, from_logits=True),
     ints(0, 5, 4, 3, 1), 30 * x(4, 3, 5))
case("binary_crossentropy", lambda a, b: K.binary_crossentropy(a, b), unit(3, 5), rng.uniform(0, 1, (3, 5)).astype("float32"))
case("binary_crossentropy/logits", lambda a, b: K.binary_crossentropy(a, b, from_logits=True), unit(3, 5), 30 * x(3, 5))
case("in_top_k/strange", lambda a, b: K.in_top_k(a, b, 2), np.array([0, 4, -1, 5, 2, 3], "int32"), ints(0, 4, 6, 5).astype("float32"))

# Windows and groups. Keras rearranges tensors of known extents alone.
case("unfold", lambda a: K.unfold(a, 2), x(2, 3, 4, 5))
case("unfold/strides", lambda a: K.unfold(a, (3, 2), dilation=(1, 2), padding=(1, 0), stride=(2, 1)), x(2, 3, 5, 6))
if hasattr(N, "Fold"):
    case("fold", lambda a: N.Fold((4, 5), (2, 2), (1, 1), (0, 0), (1, 1))(a), x(2, 12, 12))
    case("fold/strides", lambda a: N.Fold((5, 6), (3, 2), (1, 2), (1, 0), (2, 1))(a), x(2, 12, 12))
case("sobel_edges", lambda a: K.image.sobel_edges(a) if hasattr(K.image, "sobel_edges") else a, x(2, 4, 5, 3))
case("hsplit", lambda a: K.hsplit(a, 2) if hasattr(K, "hsplit") else [a], x(2, 6, 2))
case("dsplit", lambda a: K.dsplit(a, [1, 3]) if hasattr(K, "dsplit") else [a], x(2, 3, 4))
case("rearrange", lambda a: K.rearrange(K.reshape(a, (2, 4, 6, 3)), "b (h p) (w q) c -> b (h w) (p q c)", p=2, q=3), x(2, 4, 6, 3))
case("rearrange/heads", lambda a: K.rearrange(K.reshape(a, (2, 3, 8)), "b s (n h) -> (b n) s h", n=2), x(2, 3, 8))
case("rearrange/turned", lambda a: K.rearrange(K.reshape(a, (2, 3, 4, 5)), "b h w c -> b c h w"), x(2, 3, 4, 5))

# Maps of images.
turn = np.array([0.9, -0.3, 0.7, 0.25, 1.1, -0.8, 0, 0], "float32")
for fill in ["constant", "nearest", "reflect", "wrap"]:
    for method in ["bilinear", "nearest"]:
        case(f"affine_transform/{fill} {method}", lambda a: K.image.affine_transform(
            a, turn * np.float32(1.5), interpolation=method, fill_mode=fill, fill_value=0.5), x(2, 5, 6, 3))
case("affine_transform/each", lambda a, m: K.image.affine_transform(a, K.reshape(m, (-1, 8))), x(3, 5, 6, 2), np.stack(
    [turn, np.array([1, 0, 1.5, 0, 1, -0.5, 0.02, 0.05], "float32"), np.array([1, 0, 0, 0, 1, 0, -0.5, 0], "float32")]))
case("affine_transform/first", lambda a: K.image.affine_transform(a, turn, data_format="channels_first"), x(2, 3, 5, 6))
case("affine_transform/bytes", lambda a: K.image.affine_transform(a, turn[None]), ints(0, 256, 2, 5, 6, 3, dtype="uint8"))

# Back from spectra.
case("istft", lambda a, b: K.istft((a, b), 8, 4, 16), x(2, 5, 9), x(2, 5, 9))
case("istft/hamming", lambda a, b: K.istft((a, b), 7, 3, 8, length=17, window="hamming"), x(2, 3, 6, 5), x(2, 3, 6, 5))
case("istft/plain", lambda a, b: K.istft((a, b), 8, 3, 8, window=None, center=False), x(2, 5, 5), x(2, 5, 5))

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "fixtures", "operations")
os.makedirs(root, exist_ok=True)
for family, cases in families.items():
    with open(os.path.join(root, f"{family}.json"), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
    print(family, len(cases))

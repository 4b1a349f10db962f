"""Records what the real Keras computes for each layer: fixtures/layers/<family>.json.

Run with a Python that has keras and tensorflow:  $PYTHON Tests/KerasConfigTests/generate_layer_cases.py
"""
import base64, json, os, sys, tempfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import h5py
import keras
import numpy as np
from keras import layers as L
from keras.src import backend

rng = np.random.default_rng(7)
families = {}


def encode(a):
    a = np.asarray(a)
    if a.dtype == np.float64:
        a = a.astype(np.float32)
    return {"dtype": a.dtype.name, "shape": list(a.shape), "data": base64.b64encode(a.tobytes()).decode()}


def x(*shape):
    return rng.normal(size=shape).astype("float32") * 1.5


def ints(high, *shape):
    return rng.integers(0, high, size=shape).astype("int32")


def mask(*shape):
    m = rng.random(size=shape) > 0.35
    m[..., 0] = True
    return m


def weight_paths(layer, values):
    """Where the layer's weights stand in a weights file, below the layer's group."""
    model = keras.Sequential([layer]) if False else None
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "m.weights.h5")
        wrapper = keras.Model()
        wrapper.inner = layer
        wrapper.built = True
        wrapper.save_weights(path)
        found = {}
        with h5py.File(path) as f:
            def visit(name, obj):
                if isinstance(obj, h5py.Dataset):
                    found[name.split("/", 1)[1]] = np.asarray(obj)
            f.visititems(visit)
    result = []
    for v in values:
        matches = sorted((k for k, a in found.items() if a.shape == v.shape and np.array_equal(a, v)), key=lambda k: (-k.count("/"), k))
        result.append(matches[0] if matches else None)
    return result


def case(family, name, layer, *inputs, masks=None, kwargs=None, named=None, as_list=False, keep=False):
    kwargs, named = kwargs or {}, named or {}
    tensors = [keras.ops.convert_to_tensor(i) for i in inputs]
    for t, m in zip(tensors, masks or []):
        if m is not None:
            backend.set_keras_mask(t, keras.ops.convert_to_tensor(m))
    extra = {k: [keras.ops.convert_to_tensor(v) for v in vs] if isinstance(vs, list) else keras.ops.convert_to_tensor(vs) for k, vs in named.items()}
    args = [tensors] if as_list else tensors
    layer(*args, **kwargs, **extra)
    if not keep:
        for w in layer.weights:
            v = rng.normal(size=w.shape) * 0.5
            if "variance" in w.path or "moving_stddev" in w.path:
                v = np.abs(v) + 0.3
            if w.dtype in ("int32", "int64"):
                v = np.asarray(w)
            w.assign(v.astype(w.dtype))
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()
    # Some layers take the masks off their inputs.
    for t, m in zip(tensors, masks or []):
        if m is not None:
            backend.set_keras_mask(t, keras.ops.convert_to_tensor(m))
    outputs = layer(*args, **kwargs, **extra)
    outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    flat_named = {}
    for k, vs in named.items():
        if isinstance(vs, list):
            for i, v in enumerate(vs):
                flat_named[f"{k}/{i}"] = encode(v)
        else:
            flat_named[k] = encode(vs)
    weights = [np.asarray(w) for w in layer.weights]
    config = layer.get_config()
    record = {
        "name": name,
        "class_name": type(layer).__name__,
        "config": json.loads(json.dumps(keras.src.saving.serialization_lib.serialize_dict(config))),
        "inputs": [encode(i) for i in inputs],
        "masks": [None if m is None else encode(m) for m in (masks or [])],
        "named": flat_named,
        "options": kwargs,
        "weights": [encode(w) for w in weights],
        "paths": weight_paths(layer, weights),
        "outputs": [encode(o) for o in outputs],
        "output_masks": [None if backend.get_keras_mask(o) is None else encode(backend.get_keras_mask(o)) for o in outputs],
    }
    families.setdefault(family, []).append(record)


# Core
case("core", "dense", L.Dense(5, activation="relu"), x(3, 4))
case("core", "dense 3d no bias", L.Dense(5, use_bias=False, activation="gelu"), x(2, 3, 4), masks=[mask(2, 3)])
case("core", "einsum", L.EinsumDense("abc,cd->abd", output_shape=(None, 5), bias_axes="d"), x(2, 3, 4))
case("core", "einsum left", L.EinsumDense("...x,xy->...y", output_shape=(5,), bias_axes="y", activation="tanh"), x(2, 3, 4))
case("core", "einsum two", L.EinsumDense("abc,cde->abde", output_shape=(None, 3, 5), bias_axes="de"), x(2, 3, 4))
case("core", "einsum axis", L.EinsumDense("abc,bd->adc", output_shape=(6, 4), bias_axes="d"), x(2, 3, 4))
case("core", "embedding", L.Embedding(11, 4, mask_zero=True), ints(11, 3, 5))
case("core", "embedding plain", L.Embedding(11, 4), ints(11, 3, 5))
case("core", "reversible", L.ReversibleEmbedding(11, 4), ints(11, 3, 5))
case("core", "reversible back", L.ReversibleEmbedding(11, 4, tie_weights=True, logit_soft_cap=2.0), x(3, 5, 4), kwargs={"reverse": True})
case("core", "reversible untied", L.ReversibleEmbedding(11, 4, tie_weights=False), x(3, 5, 4), kwargs={"reverse": True})
m = x(3, 5, 2); m[0, 1] = 0; m[2, 3:] = 0
case("core", "masking", L.Masking(0.0), m)
case("core", "identity", L.Identity(), x(3, 4), masks=[mask(3)])

# Activations
for a in ["celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "tanh", "tanh_shrink"]:
    case("activation", a, L.Activation(a), x(3, 4) * 4)
case("activation", "ReLU", L.ReLU(), x(3, 4), masks=[mask(3)])
case("activation", "ReLU max", L.ReLU(max_value=1.0), x(3, 4))
case("activation", "ReLU slope", L.ReLU(max_value=1.0, negative_slope=0.2), x(3, 4))
case("activation", "ReLU all", L.ReLU(max_value=1.5, negative_slope=0.2, threshold=0.4), x(3, 4))
case("activation", "ReLU threshold", L.ReLU(threshold=0.4), x(3, 4))
case("activation", "LeakyReLU", L.LeakyReLU(0.15), x(3, 4))
case("activation", "ELU", L.ELU(0.7), x(3, 4))
case("activation", "PReLU", L.PReLU(), x(2, 3, 4))
case("activation", "PReLU shared", L.PReLU(shared_axes=[1, 2]), x(2, 3, 4, 5))
case("activation", "Softmax", L.Softmax(axis=1), x(2, 3, 4))
case("activation", "Softmax two", L.Softmax(axis=[1, 2]), x(2, 3, 4))
case("activation", "Softmax mask", L.Softmax(), x(2, 3), named={"mask": mask(2, 3)})
case("activation", "Dense LeakyReLU", L.Dense(3, activation=L.LeakyReLU(0.1)), x(2, 3))

# Convolutions
case("convolution", "Conv1D", L.Conv1D(3, 2, strides=2, padding="same", activation="relu"), x(2, 7, 4))
case("convolution", "Conv1D causal", L.Conv1D(3, 3, padding="causal", dilation_rate=2), x(2, 7, 4))
case("convolution", "Conv1D groups", L.Conv1D(6, 3, groups=2), x(2, 7, 4))
case("convolution", "Conv2D", L.Conv2D(3, (2, 3), strides=(2, 1), padding="same"), x(2, 5, 6, 4))
case("convolution", "Conv2D valid", L.Conv2D(3, (2, 3), dilation_rate=(1, 2), use_bias=False), x(2, 5, 7, 4))
case("convolution", "Conv3D", L.Conv3D(3, (2, 1, 2), strides=2, padding="same"), x(1, 4, 5, 6, 2))
for n, s, k in [("a", 2, 3), ("b", 3, 2), ("c", 1, 3), ("d", 2, 4)]:
    for p in ["valid", "same"]:
        case("convolution", f"Conv2DTranspose {n} {p}", L.Conv2DTranspose(3, (k, k + 1), strides=s, padding=p), x(1, 3, 4, 2))
case("convolution", "Conv2DTranspose out", L.Conv2DTranspose(3, 3, strides=2, padding="same", output_padding=1), x(1, 3, 4, 2))
case("convolution", "Conv2DTranspose out valid", L.Conv2DTranspose(3, 3, strides=(3, 2), output_padding=(2, 1)), x(1, 3, 4, 2))
case("convolution", "Conv1DTranspose", L.Conv1DTranspose(3, 3, strides=2, padding="same", activation="tanh"), x(2, 5, 4))
case("convolution", "Conv3DTranspose", L.Conv3DTranspose(2, 2, strides=2, padding="valid"), x(1, 2, 3, 4, 2))
case("convolution", "DepthwiseConv1D", L.DepthwiseConv1D(3, depth_multiplier=2), x(2, 7, 4))
case("convolution", "DepthwiseConv2D", L.DepthwiseConv2D((3, 2), strides=2, padding="same", depth_multiplier=2, activation="relu6"), x(2, 6, 5, 3))
case("convolution", "SeparableConv1D", L.SeparableConv1D(5, 3, padding="same", depth_multiplier=2), x(2, 7, 4))
case("convolution", "SeparableConv2D", L.SeparableConv2D(5, 3, strides=2, padding="same", depth_multiplier=2), x(2, 7, 6, 3))

# Pooling
for cls in (L.MaxPooling1D, L.AveragePooling1D):
    case("pooling", cls.__name__, cls(3, strides=2, padding="same"), x(2, 7, 3))
    case("pooling", cls.__name__ + " valid", cls(2), x(2, 7, 3))
for cls in (L.MaxPooling2D, L.AveragePooling2D):
    case("pooling", cls.__name__, cls((2, 3), strides=(1, 2), padding="same"), x(2, 5, 6, 3))
    case("pooling", cls.__name__ + " valid", cls(2), x(2, 5, 6, 3))
for cls in (L.MaxPooling3D, L.AveragePooling3D):
    case("pooling", cls.__name__, cls((2, 1, 2), padding="same"), x(1, 5, 4, 3, 2))
for cls in (L.GlobalMaxPooling1D, L.GlobalAveragePooling1D):
    case("pooling", cls.__name__, cls(), x(2, 7, 3))
case("pooling", "GlobalAveragePooling1D mask", L.GlobalAveragePooling1D(), x(2, 7, 3), masks=[mask(2, 7)])
for cls in (L.GlobalMaxPooling2D, L.GlobalAveragePooling2D):
    case("pooling", cls.__name__, cls(keepdims=True), x(2, 3, 4, 5))
    case("pooling", cls.__name__ + " first", cls(data_format="channels_first"), x(2, 3, 4, 5))
for cls in (L.GlobalMaxPooling3D, L.GlobalAveragePooling3D):
    case("pooling", cls.__name__, cls(), x(2, 3, 4, 2, 3))
for cls in (L.AdaptiveMaxPooling2D, L.AdaptiveAveragePooling2D):
    case("pooling", cls.__name__, cls((3, 2)), x(2, 7, 6, 3))
    case("pooling", cls.__name__ + " even", cls((2, 3)), x(2, 4, 6, 3))
case("pooling", "AdaptiveAveragePooling1D", L.AdaptiveAveragePooling1D(3), x(2, 7, 3))
case("pooling", "AdaptiveMaxPooling3D", L.AdaptiveMaxPooling3D((2, 1, 2)), x(1, 4, 3, 5, 2))

# Normalisation
case("normalization", "BatchNormalization", L.BatchNormalization(epsilon=0.01), x(2, 3, 4, 5))
case("normalization", "BatchNormalization axis", L.BatchNormalization(axis=1, center=False), x(2, 3, 4))
case("normalization", "BatchNormalization plain", L.BatchNormalization(scale=False, center=False), x(2, 3))
case("normalization", "LayerNormalization", L.LayerNormalization(), x(2, 3, 4), masks=[mask(2, 3)])
case("normalization", "LayerNormalization axes", L.LayerNormalization(axis=[1, 2], epsilon=1e-5), x(2, 3, 4))
case("normalization", "LayerNormalization axis 1", L.LayerNormalization(axis=1, center=False), x(2, 3, 4))
case("normalization", "LayerNormalization rms", L.LayerNormalization(rms_scaling=True), x(2, 3, 4))
case("normalization", "RMSNormalization", L.RMSNormalization(), x(2, 3, 4))
case("normalization", "RMSNormalization axes", L.RMSNormalization(axis=[1, 2], epsilon=1e-4), x(2, 3, 4))
case("normalization", "GroupNormalization", L.GroupNormalization(2), x(2, 3, 5, 4))
case("normalization", "GroupNormalization axis", L.GroupNormalization(3, axis=1, scale=False), x(2, 6, 5, 4))
case("normalization", "GroupNormalization instance", L.GroupNormalization(-1), x(2, 5, 4))
case("normalization", "UnitNormalization", L.UnitNormalization(axis=1), x(2, 3, 4))
case("normalization", "UnitNormalization axes", L.UnitNormalization(axis=[1, 2]), x(2, 3, 4))
case("normalization", "SpectralNormalization", L.SpectralNormalization(L.Dense(3)), x(2, 4))

# Merging
for cls in (L.Add, L.Multiply, L.Average, L.Maximum, L.Minimum):
    case("merging", cls.__name__, cls(), x(2, 3, 4), x(2, 3, 4), x(2, 3, 4), as_list=True)
    case("merging", cls.__name__ + " ranks", cls(), x(2, 4), x(2, 3, 4), as_list=True)
    case("merging", cls.__name__ + " masks", cls(), x(2, 3, 4), x(2, 3, 4), masks=[mask(2, 3), mask(2, 3)], as_list=True)
    case("merging", cls.__name__ + " one mask", cls(), x(2, 3, 4), x(2, 3, 4), masks=[mask(2, 3), None], as_list=True)
case("merging", "Subtract", L.Subtract(), x(2, 3, 4), x(2, 1, 4), as_list=True)
case("merging", "Concatenate", L.Concatenate(axis=1), x(2, 3, 4), x(2, 2, 4), as_list=True)
case("merging", "Concatenate masks", L.Concatenate(axis=1), x(2, 3, 4), x(2, 2, 4), masks=[mask(2, 3), None], as_list=True)
case("merging", "Concatenate last", L.Concatenate(), x(2, 3, 4), x(2, 3, 2), masks=[mask(2, 3), mask(2, 3)], as_list=True)
case("merging", "Dot", L.Dot(axes=(2, 1)), x(2, 3, 4), x(2, 4, 5), as_list=True)
case("merging", "Dot flat", L.Dot(axes=1, normalize=True), x(2, 4), x(2, 4), as_list=True)
case("merging", "Dot mixed", L.Dot(axes=(1, 1)), x(2, 4), x(2, 4, 5), as_list=True)
case("merging", "Dot last", L.Dot(axes=-1), x(2, 3, 4), x(2, 5, 4), as_list=True)

# Reshaping
case("reshaping", "Flatten", L.Flatten(), x(2, 3, 4))
case("reshaping", "Flatten first", L.Flatten(data_format="channels_first"), x(2, 3, 4, 5))
case("reshaping", "Flatten one", L.Flatten(), x(3))
case("reshaping", "Reshape", L.Reshape((4, 3)), x(2, 3, 4))
case("reshaping", "Reshape open", L.Reshape((-1, 2)), x(2, 3, 4))
case("reshaping", "Permute", L.Permute((3, 1, 2)), x(2, 3, 4, 5))
case("reshaping", "RepeatVector", L.RepeatVector(3), x(2, 4))
case("reshaping", "ZeroPadding1D", L.ZeroPadding1D((1, 2)), x(2, 3, 4))
case("reshaping", "ZeroPadding2D", L.ZeroPadding2D(((1, 2), (0, 3))), x(2, 3, 4, 2))
case("reshaping", "ZeroPadding2D first", L.ZeroPadding2D((1, 2), data_format="channels_first"), x(2, 3, 4, 2))
case("reshaping", "ZeroPadding3D", L.ZeroPadding3D(1), x(1, 2, 3, 4, 2))
case("reshaping", "Cropping1D", L.Cropping1D((1, 2)), x(2, 6, 4))
case("reshaping", "Cropping2D", L.Cropping2D(((1, 0), (0, 2))), x(2, 5, 6, 3))
case("reshaping", "Cropping3D", L.Cropping3D((1, 0, 1)), x(1, 4, 3, 5, 2))
case("reshaping", "UpSampling1D", L.UpSampling1D(3), x(2, 3, 4))
case("reshaping", "UpSampling2D", L.UpSampling2D((2, 3)), x(2, 3, 4, 2))
case("reshaping", "UpSampling2D first", L.UpSampling2D((2, 3), data_format="channels_first"), x(2, 3, 4, 2))
case("reshaping", "UpSampling2D bilinear", L.UpSampling2D((2, 3), interpolation="bilinear"), x(2, 3, 4, 2))
case("reshaping", "UpSampling2D bicubic", L.UpSampling2D((2, 3), interpolation="bicubic"), x(2, 3, 4, 2))
case("reshaping", "UpSampling2D lanczos", L.UpSampling2D((2, 3), interpolation="lanczos3"), x(2, 3, 4, 2))
case("reshaping", "UpSampling3D", L.UpSampling3D((1, 2, 3)), x(1, 2, 3, 2, 2))

# Regularisation
case("regularization", "Dropout", L.Dropout(0.5), x(2, 3), masks=[mask(2)])
case("regularization", "Dropout noise", L.Dropout(0.5, noise_shape=(None, 1, 3)), x(2, 4, 3))
case("regularization", "SpatialDropout1D", L.SpatialDropout1D(0.3), x(2, 3, 4), masks=[mask(2, 3)])
case("regularization", "SpatialDropout2D", L.SpatialDropout2D(0.3), x(2, 3, 4, 2))
case("regularization", "SpatialDropout3D", L.SpatialDropout3D(0.3), x(1, 2, 3, 4, 2))
case("regularization", "AlphaDropout", L.AlphaDropout(0.3), x(2, 3))
case("regularization", "GaussianDropout", L.GaussianDropout(0.3), x(2, 3))
case("regularization", "GaussianNoise", L.GaussianNoise(0.3), x(2, 3))
case("regularization", "ActivityRegularization", L.ActivityRegularization(0.1, 0.2), x(2, 3))

# Recurrent
def both(n, cls, **kw):
    case("recurrent", n, cls(3, **kw), x(2, 5, 4))
for cls in (L.LSTM, L.GRU, L.SimpleRNN):
    n = cls.__name__
    both(n, cls)
    both(n + " sequences", cls, return_sequences=True)
    both(n + " backwards", cls, return_sequences=True, go_backwards=True, return_state=True)
    both(n + " backwards last", cls, go_backwards=True)
    both(n + " no bias", cls, use_bias=False, return_sequences=True)
    both(n + " relu", cls, activation="relu", return_state=True)
    both(n + " unroll", cls, unroll=True, return_sequences=True)
    case("recurrent", n + " mask", cls(3, return_sequences=True, return_state=True), x(2, 5, 4), masks=[mask(2, 5)])
    end = np.array([[1, 1, 1, 0, 0], [0, 1, 1, 1, 1]], bool)
    case("recurrent", n + " mask last", cls(3), x(2, 5, 4), masks=[end])
    case("recurrent", n + " mask backwards", cls(3, go_backwards=True, return_sequences=True), x(2, 5, 4), masks=[end])
    states = [x(2, 3), x(2, 3)] if cls is L.LSTM else [x(2, 3)]
    case("recurrent", n + " initial", cls(3, return_sequences=True), x(2, 5, 4), named={"initial_state": states})
    case("recurrent", n + " time distributed", L.TimeDistributed(cls(3)), x(2, 3, 5, 4))
    case("recurrent", n + " bidirectional", L.Bidirectional(cls(3, return_sequences=True)), x(2, 5, 4))
    case("recurrent", n + " bidirectional last", L.Bidirectional(cls(3), merge_mode="sum"), x(2, 5, 4))
    case("recurrent", n + " bidirectional mask", L.Bidirectional(cls(3, return_sequences=True, return_state=True), merge_mode="ave"), x(2, 5, 4), masks=[end])
    case("recurrent", n + " bidirectional none", L.Bidirectional(cls(3, return_sequences=True), merge_mode=None), x(2, 5, 4))
case("recurrent", "bidirectional two", L.Bidirectional(L.LSTM(3, return_sequences=True), backward_layer=L.GRU(3, go_backwards=True, return_sequences=True), merge_mode="mul"), x(2, 5, 4))
both("LSTM hard", L.LSTM, recurrent_activation="hard_sigmoid", activation="softsign", return_sequences=True)
both("LSTM unusual", L.LSTM, activation="hard_tanh", return_sequences=True)
both("GRU v1", L.GRU, reset_after=False, return_sequences=True)
both("GRU v1 no bias", L.GRU, reset_after=False, use_bias=False)
both("GRU unusual", L.GRU, activation="hard_tanh", reset_after=False)
both("GRU unusual after", L.GRU, activation="hard_tanh")
case("recurrent", "RNN cell", L.RNN(L.LSTMCell(3), return_sequences=True, return_state=True), x(2, 5, 4))
case("recurrent", "RNN zero", L.RNN(L.GRUCell(3), return_sequences=True, zero_output_for_mask=True), x(2, 5, 4), masks=[end])
case("recurrent", "RNN stacked", L.RNN([L.LSTMCell(3), L.GRUCell(2)], return_sequences=True), x(2, 5, 4))
case("recurrent", "RNN stacked same", L.RNN([L.LSTMCell(3), L.LSTMCell(2)]), x(2, 5, 4), masks=[end])
case("recurrent", "TimeDistributed Dense", L.TimeDistributed(L.Dense(3)), x(2, 5, 4), masks=[mask(2, 5)])
case("recurrent", "TimeDistributed Conv", L.TimeDistributed(L.Conv2D(3, 2, activation="relu")), x(2, 3, 5, 4, 2))
case("recurrent", "ConvLSTM1D", L.ConvLSTM1D(3, 2, padding="same", return_sequences=True), x(2, 3, 5, 2))
case("recurrent", "ConvLSTM2D", L.ConvLSTM2D(3, (2, 3), return_state=True), x(2, 3, 5, 6, 2))
case("recurrent", "ConvLSTM2D stride", L.ConvLSTM2D(2, 3, strides=2, padding="same", return_sequences=True, go_backwards=True), x(1, 3, 5, 6, 2))
case("recurrent", "ConvLSTM2D first", L.ConvLSTM2D(2, 3, padding="same", data_format="channels_last", return_sequences=True, activation="relu"), x(1, 3, 5, 6, 2), masks=[np.array([[True, True, False]])])
case("recurrent", "ConvLSTM3D", L.ConvLSTM3D(2, 2), x(1, 2, 4, 3, 3, 2))

# Attention
case("attention", "MHA", L.MultiHeadAttention(2, 3), x(2, 5, 4), x(2, 6, 7))
case("attention", "MHA key", L.MultiHeadAttention(2, 3, value_dim=5, use_bias=False), x(2, 5, 4), x(2, 6, 7), x(2, 6, 3))
case("attention", "MHA causal", L.MultiHeadAttention(2, 3), x(2, 5, 4), x(2, 5, 4), kwargs={"use_causal_mask": True})
case("attention", "MHA scores", L.MultiHeadAttention(2, 3, dropout=0.1), x(2, 5, 4), x(2, 6, 4), kwargs={"return_attention_scores": True})
case("attention", "MHA mask", L.MultiHeadAttention(2, 3), x(2, 5, 4), x(2, 6, 4), named={"attention_mask": mask(2, 5, 6)})
case("attention", "MHA value mask", L.MultiHeadAttention(2, 3, dropout=0.1), x(2, 5, 4), x(2, 6, 4), masks=[None, mask(2, 6)])
case("attention", "MHA both masks", L.MultiHeadAttention(2, 3), x(2, 5, 4), x(2, 6, 4), masks=[mask(2, 5), mask(2, 6)])
case("attention", "MHA output", L.MultiHeadAttention(2, 3, output_shape=5), x(2, 5, 4), x(2, 6, 4))
case("attention", "MHA axes", L.MultiHeadAttention(2, 3, attention_axes=(2,)), x(2, 3, 5, 4), x(2, 3, 6, 4))
case("attention", "MHA 2d", L.MultiHeadAttention(2, 3), x(2, 3, 2, 4), x(2, 2, 2, 4))
case("attention", "MHA gate", L.MultiHeadAttention(2, 3, use_gate=True), x(2, 5, 4), x(2, 6, 4))
case("attention", "MHA window", L.MultiHeadAttention(2, 3, sliding_window=2), x(2, 5, 4), x(2, 5, 4), kwargs={"use_causal_mask": True})
case("attention", "GQA", L.GroupQueryAttention(3, 4, 2), x(2, 5, 4), x(2, 6, 4))
case("attention", "GQA causal", L.GroupQueryAttention(3, 4, 2, use_gate=True), x(2, 5, 4), x(2, 5, 4), kwargs={"use_causal_mask": True})
case("attention", "Attention", L.Attention(), x(2, 5, 4), x(2, 6, 4), as_list=True)
case("attention", "Attention scale", L.Attention(use_scale=True), x(2, 5, 4), x(2, 6, 4), x(2, 6, 4), as_list=True, kwargs={"return_attention_scores": True})
case("attention", "Attention concat", L.Attention(score_mode="concat", use_scale=True), x(2, 5, 4), x(2, 6, 4), as_list=True)
case("attention", "Attention causal", L.Attention(), x(2, 5, 4), x(2, 5, 4), as_list=True, kwargs={"use_causal_mask": True})
case("attention", "Attention masks", L.Attention(), x(2, 5, 4), x(2, 6, 4), masks=[mask(2, 5), mask(2, 6)], as_list=True)
case("attention", "AdditiveAttention", L.AdditiveAttention(), x(2, 5, 4), x(2, 6, 4), as_list=True)
case("attention", "AdditiveAttention plain", L.AdditiveAttention(use_scale=False), x(2, 5, 4), x(2, 6, 4), as_list=True)

# Preprocessing
case("preprocessing", "Rescaling", L.Rescaling(1 / 127.5, offset=-1.0), x(2, 3, 4))
case("preprocessing", "Rescaling list", L.Rescaling([0.5, 1.5, 2.0], offset=[0.1, 0.2, 0.3]), x(2, 2, 3))
case("preprocessing", "Normalization", L.Normalization(), x(4, 3))
case("preprocessing", "Normalization given", L.Normalization(mean=[1.0, 2.0, 3.0], variance=[2.0, 0.5, 1.0]), x(4, 3))
case("preprocessing", "Normalization invert", L.Normalization(axis=1, invert=True, mean=[1.0, 2.0, 3.0], variance=[2.0, 0.5, 1.0]), x(4, 3, 2))
case("preprocessing", "Normalization none", L.Normalization(axis=None, mean=1.5, variance=2.0), x(4, 3))
case("preprocessing", "Resizing", L.Resizing(5, 7), x(2, 3, 4, 2))
case("preprocessing", "Resizing nearest", L.Resizing(5, 7, interpolation="nearest"), x(2, 3, 4, 2))
case("preprocessing", "Resizing down", L.Resizing(3, 4, interpolation="bicubic"), x(2, 7, 9, 2))
case("preprocessing", "Resizing crop", L.Resizing(3, 3, crop_to_aspect_ratio=True), x(2, 6, 9, 2))
case("preprocessing", "Resizing pad", L.Resizing(5, 5, pad_to_aspect_ratio=True, fill_value=0.5), x(2, 3, 6, 2))
case("preprocessing", "CenterCrop", L.CenterCrop(3, 4), x(2, 6, 9, 2))
case("preprocessing", "CenterCrop up", L.CenterCrop(5, 4), x(2, 3, 9, 2))
case("preprocessing", "CategoryEncoding one", L.CategoryEncoding(5, output_mode="one_hot"), ints(5, 4, 1))
case("preprocessing", "CategoryEncoding one append", L.CategoryEncoding(5, output_mode="one_hot"), ints(5, 4))
case("preprocessing", "CategoryEncoding multi", L.CategoryEncoding(5, output_mode="multi_hot"), ints(5, 4, 3))
case("preprocessing", "CategoryEncoding count", L.CategoryEncoding(5, output_mode="count"), ints(5, 4, 3))
case("preprocessing", "Discretization", L.Discretization(bin_boundaries=[-1.0, 0.0, 1.0]), x(3, 4))
case("preprocessing", "Discretization one", L.Discretization(bin_boundaries=[-1.0, 0.0, 1.0], output_mode="one_hot"), x(3, 1))
for layer, shape in [
    (L.RandomFlip(), (2, 4, 5, 3)), (L.RandomRotation(0.1), (2, 4, 5, 3)), (L.RandomZoom(0.1), (2, 4, 5, 3)),
    (L.RandomTranslation(0.1, 0.1), (2, 4, 5, 3)), (L.RandomContrast(0.1), (2, 4, 5, 3)),
    (L.RandomBrightness(0.1), (2, 4, 5, 3)), (L.RandomCrop(3, 4), (2, 6, 9, 3)), (L.RandomCrop(5, 4), (2, 3, 4, 2)),
    (L.RandomErasing(), (2, 4, 5, 3)), (L.RandomHue(0.5), (2, 4, 5, 3)), (L.RandomSaturation(0.5), (2, 4, 5, 3)),
    (L.RandomSharpness(0.5), (2, 4, 5, 3)), (L.RandomShear(0.2, 0.2), (2, 4, 5, 3)), (L.RandomColorJitter(), (2, 4, 5, 3)),
    (L.RandomColorDegeneration(0.5), (2, 4, 5, 3)), (L.RandomPerspective(), (2, 4, 5, 3)), (L.RandomElasticTransform(), (2, 4, 5, 3)),
    (L.RandomGaussianBlur(), (2, 4, 5, 3)), (L.RandomPosterization(4), (2, 4, 5, 3)), (L.RandomGrayscale(), (2, 4, 5, 3)),
    (L.RandomInvert(), (2, 4, 5, 3)), (L.Solarization(), (2, 4, 5, 3)), (L.AugMix(), (2, 4, 5, 3)), (L.RandAugment(), (2, 4, 5, 3)),
    (L.MixUp(), (2, 4, 5, 3)), (L.CutMix(), (2, 4, 5, 3)),
]:
    case("preprocessing", f"{type(layer).__name__} {shape}", layer, np.abs(x(*shape)), kwargs={"training": False})
case("preprocessing", "Resizing lanczos", L.Resizing(5, 7, interpolation="lanczos3"), x(2, 3, 4, 2))
case("preprocessing", "Resizing lanczos5 down", L.Resizing(3, 4, interpolation="lanczos5", antialias=True), x(2, 7, 9, 2))
case("preprocessing", "Resizing antialias", L.Resizing(3, 4, antialias=True), x(2, 7, 9, 2))
case("preprocessing", "Resizing cubic antialias", L.Resizing(3, 4, interpolation="bicubic", antialias=True), x(2, 7, 9, 2))
case("preprocessing", "Resizing bytes", L.Resizing(5, 7), ints(255, 2, 3, 4, 2).astype("uint8"))
case("preprocessing", "Resizing first", L.Resizing(5, 7, data_format="channels_first"), x(2, 2, 3, 4))
case("preprocessing", "CategoryEncoding weights", L.CategoryEncoding(5, output_mode="count"), ints(5, 4, 3), named={"count_weights": x(4, 3)})
case("preprocessing", "Discretization multi", L.Discretization(bin_boundaries=[-1.0, 0.0, 1.0], output_mode="multi_hot"), x(3, 4))
case("preprocessing", "Normalization axes", L.Normalization(axis=(1, 2)), x(4, 3, 2))

out = os.path.join(os.path.dirname(__file__), "..", "..", "fixtures", "layers")
os.makedirs(out, exist_ok=True)
for family, cases in families.items():
    with open(os.path.join(out, family + ".json"), "w") as f:
        json.dump(cases, f, separators=(",", ":"))
        f.write("\n")
    print(family, len(cases), file=sys.stderr)

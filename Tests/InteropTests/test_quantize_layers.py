"""Every family of Keras layers quantised to int8: what LiteRT's reference kernels make of it, our engine makes to the last bit; and what
stays float is what LiteRT has no kernel for integers for.

Several families share a network, so that the file is quick.
"""
import keras
import numpy as np
import pytest
from keras import layers as L

import litert
import modelctl
import quantizing

K = keras.ops


def network(shape, body, tail=3):
    x = keras.Input(shape, name="x")
    y = body(x)
    y = y[0] if isinstance(y, list) and len(y) == 1 else y
    if isinstance(y, list):
        y = L.Concatenate()([L.Flatten()(part) for part in y])
    return keras.Model(x, L.Dense(tail, name="y")(y))


def each(first, *layers):
    """A copy of each layer behind a copy of the first: the layers here have the names of another session."""
    return lambda x: [type(layer).from_config(layer.get_config() | {"name": f"layer_{index}"})(first()(x)) for index, layer in enumerate(layers)]


def activations(*names):
    return lambda x: [L.Activation(name)(L.Dense(8)(x)) for name in names]


def projection():
    return L.Dense(8)


def picture():
    return L.Conv2D(8, 3, activation="relu")


def before_activation(x):
    """A value that a rectifier takes, and a sum."""
    y = L.Conv2D(8, 3)(x)
    z = L.BatchNormalization()(L.Conv2D(8, 3, padding="same")(L.ReLU()(y)))
    return [L.Conv2D(3, 1)(L.ReLU()(L.Add()([y, z])))]


def attention(x):
    y = projection()(x)
    return [L.LayerNormalization()(L.Add()([y, L.MultiHeadAttention(2, 4)(y, y)])), L.Attention()([y, projection()(x)])]


def moves(x):
    y = projection()(x)
    return [
        K.flip(y, 1), K.transpose(y, (0, 2, 1)), K.repeat(y, 2, -1), y[:, ::2], K.take(y, [3, 1, 1, 0], axis=1),
        K.pad(y[:, 1:-1], ((0, 0), (1, 1), (0, 0))), K.stack(K.split(y, 2, -1), 1)]


def choices(x):
    """Comparisons choose among integers, bounds clamp them, minus and reciprocals of constants are products."""
    y = projection()(x)
    return [K.where(y > 0, y, y * 0.5), K.clip(y, -0.5, 0.7), -y, y / 2.0, K.square(y)]


def merges(x):
    a, b = projection()(x), L.Dense(8, activation="tanh")(x)
    return [L.Add()([a, b]), L.Subtract()([a, b]), L.Multiply()([a, b]), L.Average()([a, b]), L.Maximum()([a, b]), L.Minimum()([a, b])]


def squeeze_and_excitation(x):
    y = L.Conv2D(8, 3, activation="silu")(x)
    z = L.Conv2D(2, 1, activation="silu")(L.GlobalAveragePooling2D(keepdims=True)(y))
    return [L.Multiply()([y, L.Conv2D(8, 1, activation="sigmoid")(z)])]


PICTURE, ROWS = (12, 10, 6), (6, 8)
#: name → input, network, what stays float.
CASES = {
    "attention": (ROWS, attention, []),
    "activations": (ROWS, activations("relu", "relu6", "sigmoid", "tanh", "gelu", "silu", "softmax", "hard_silu"), []),
    "more activations": (ROWS, activations("leaky_relu", "softplus", "mish", "log_softmax", "hard_tanh"), []),
    "slopes": (PICTURE, each(picture, L.PReLU(shared_axes=[1, 2]), L.LeakyReLU(), L.ReLU(max_value=4)), []),
    "before activation": (PICTURE, before_activation, []),
    "normalisations": (PICTURE, each(lambda: L.Conv2D(8, 3), L.GroupNormalization(2), L.LayerNormalization(), L.BatchNormalization()), []),
    "one axis": (
        (16, 6), each(lambda: L.Conv1D(8, 3), L.Conv1D(4, 3, padding="causal", dilation_rate=2), L.SeparableConv1D(4, 3), L.MaxPooling1D(2),
                      L.AveragePooling1D(2), L.GlobalMaxPooling1D(), L.DepthwiseConv1D(3), L.Conv1DTranspose(4, 3, strides=2)), []),
    "windows": (
        PICTURE, each(picture, L.Conv2D(4, 2, dilation_rate=2), L.DepthwiseConv2D(3, padding="same", depth_multiplier=2),
                      L.SeparableConv2D(4, 3, strides=2), L.Conv2D(8, 3, groups=4), L.Conv2DTranspose(4, 3, strides=2, padding="same"),
                      L.Conv2DTranspose(4, 2, strides=2)), []),
    "pools": (
        PICTURE, each(picture, L.MaxPooling2D(2), L.AveragePooling2D(3, strides=2, padding="same"), L.GlobalMaxPooling2D(),
                      L.GlobalAveragePooling2D(), L.UpSampling2D(2), L.UpSampling2D(2, interpolation="bilinear"), L.Resizing(9, 7)), []),
    "moved pictures": (
        PICTURE, each(picture, L.ZeroPadding2D(((1, 2), (0, 3))), L.Cropping2D(((1, 2), (0, 3))), L.Permute((2, 1, 3)), L.Reshape((-1,)),
                      L.Rescaling(0.5, offset=1)), []),
    "squeeze and excitation": (PICTURE, squeeze_and_excitation, []),
    "merges": (ROWS, merges, []),
    "moves": (ROWS, moves, []),
    "choices": (ROWS, choices, []),
    "three axes": ((6, 8, 8, 2), each(lambda: L.Conv3D(4, 2), L.MaxPooling3D(2)), ["Conv"]),
    "no kernel": (ROWS, lambda x: [K.sin(projection()(x)), K.cumsum(projection()(x), 1)], ["CumSum", "Sin"]),
    "units": (ROWS, lambda x: [L.GRU(6)(x), L.SimpleRNN(6, return_sequences=True)(x), L.Bidirectional(L.LSTM(6))(x)], []),
}


@pytest.mark.parametrize("name", CASES)
def test_layers(name, tmp_path):
    shape, body, floats = CASES[name]
    model = quantizing.seeded(network(shape, body))
    data = quantizing.samples(model, count=6)
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "samples.npz", **data)
    path = tmp_path / "y.tflite"
    report = modelctl.convert(tmp_path / "model.keras", path, "--quantize", "int8", "--representative", tmp_path / "samples.npz")
    report = report["quantization"]
    assert sorted({entry["operator"] for entry in report["float"]}) == floats
    x = data["x"]
    tolerance = 0
    try:
        expected = quantizing.invoke(path, x)
    except (RuntimeError, ValueError):
        # The reference resolver lacks a few operators that move numbers; the other rounds the last dequantisation in another place.
        expected, tolerance = quantizing.invoke(path, x, litert.PLAIN), 1e-6
    (found,) = quantizing.ours(path, {"x": x}, tmp_path).values()
    if floats:
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=0.02 * np.abs(expected).max())
    else:
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=0)
    exact = model(x, training=False).numpy()
    assert quantizing.relative(exact, expected) < 0.06, quantizing.relative(exact, expected)


def test_indices_of_integers(tmp_path):
    """What gives no numbers (the place of the largest) takes integers, too, and may be the last."""
    x = keras.Input(ROWS, name="x")
    model = quantizing.seeded(keras.Model(x, K.argmax(projection()(x), -1)))
    data = quantizing.samples(model)
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "samples.npz", **data)
    report = modelctl.convert(
        tmp_path / "model.keras", tmp_path / "y.tflite", "--quantize", "int8", "--representative", tmp_path / "samples.npz")
    assert report["quantization"]["float"] == []
    found = quantizing.invoke(tmp_path / "y.tflite", data["x"])
    assert np.mean(found == model(data["x"], training=False).numpy()) > 0.9


def test_embedding(tmp_path):
    """A table of integers: indices stay as they are."""
    x = keras.Input((7,), dtype="int32", name="x")
    y = L.GlobalAveragePooling1D()(L.Embedding(30, 16)(x))
    model = quantizing.seeded(keras.Model(x, L.Dense(4, activation="softmax", name="y")(y)))
    data = {"x": np.random.default_rng(3).integers(0, 30, (12, 7)).astype("i4")}
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "samples.npz", **data)
    path = tmp_path / "y.tflite"
    report = modelctl.convert(tmp_path / "model.keras", path, "--quantize", "int8", "--representative", tmp_path / "samples.npz")
    assert report["quantization"]["float"] == []
    expected = quantizing.invoke(path, data["x"][:3])
    (found,) = quantizing.ours(path, {"x": data["x"][:3]}, tmp_path).values()
    np.testing.assert_array_equal(found, expected)
    assert quantizing.relative(model(data["x"][:3], training=False).numpy(), expected) < 0.04

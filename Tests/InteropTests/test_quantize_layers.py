"""Every family of Keras layers quantised to int8: what LiteRT's reference kernels make of it, our engine makes to the last bit; and what
stays float is what LiteRT has no kernel for integers for.

Several families share a network, so that the file is quick.
"""
from collections import Counter

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


def shared():
    """An encoder that two inputs share."""
    a, b = keras.Input((9, 9, 1), name="x"), keras.Input((9, 9, 1), name="z")
    encoder = keras.Sequential([L.Conv2D(6, 3, activation="relu"), L.Flatten(), L.Dense(24)])
    return keras.Model([a, b], L.Dense(1, name="y")(K.abs(encoder(a) - encoder(b))))


def in_a_row(*layers, shape=(12, 12, 3)):
    def build():
        x = y = keras.Input(shape, name="x")
        for layer in layers:
            y = type(layer).from_config(layer.get_config())(y)
        return keras.Model(x, y)

    return build


def branches():
    """What rectifies and pools one value for each of several branches."""
    x = keras.Input((12, 12, 4), name="x")
    y = L.Conv2D(8, 3)(x)
    paths = [L.Conv2D(4, 1)(L.ReLU()(y)), L.Conv2D(4, 3, padding="same")(L.ReLU()(y)), L.AveragePooling2D(3, 1, "same")(y),
             L.Conv2D(4, 1)(L.AveragePooling2D(3, 1, "same")(y))]
    return keras.Model(x, L.Concatenate()(paths))


def products():
    """Products with turned matrices, values side by side, one place of several, and what broadcasts."""
    x = keras.Input((6, 8), name="x")
    y = L.Dense(8)(x)
    parts = [K.matmul(x, K.transpose(y, (0, 2, 1))), K.matmul(K.transpose(x, (0, 2, 1)), y), K.stack([x, y], 2)[:, 2], L.AdditiveAttention()([y, y])]
    return keras.Model(x, L.Dense(3)(L.Concatenate()([L.Flatten()(part) for part in parts])))


SCALE = L.Rescaling(1 / 255)
#: Networks of which both converters make the same operators.
ALIKE = {
    "scaled, convolved": in_a_row(SCALE, L.Conv2D(4, 3, padding="same")),
    "scaled, padded as said": in_a_row(SCALE, L.ZeroPadding2D(((0, 1), (0, 1))), L.Conv2D(4, 3, strides=2)),
    "scaled, padded otherwise": in_a_row(SCALE, L.ZeroPadding2D(3), L.Conv2D(4, 7, strides=2)),
    "scaled, depthwise": in_a_row(SCALE, L.DepthwiseConv2D(3)),
    "scaled, dense": in_a_row(SCALE, L.Dense(3)),
    "shifted": in_a_row(L.Rescaling(1 / 127.5, offset=-1), L.Conv2D(4, 3)),
    "shifted beside zeros": in_a_row(L.Rescaling(1 / 127.5, offset=-1), L.Conv2D(4, 3, padding="same")),
    "normalised, dense": in_a_row(L.BatchNormalization(), L.Dense(4)),
    "normalised, convolved": in_a_row(L.BatchNormalization(), L.Conv2D(4, 3)),
    "pooled": in_a_row(L.Conv2D(8, 3), L.GlobalAveragePooling2D(), L.Reshape((1, 1, 8)), L.Conv2D(4, 1)),
    "pooled otherwise": in_a_row(L.Conv2D(8, 3), L.GlobalMaxPooling2D(), L.Reshape((8, 1, 1)), L.Conv2D(4, 1)),
    "gates": in_a_row(L.Conv2D(8, 3), L.Activation("hard_sigmoid")),
    "branches": branches,
    "products": products,
    "no bias": in_a_row(L.Dense(8, use_bias=False), L.LeakyReLU(), L.Dense(3, use_bias=False), shape=(12,)),
}


@pytest.mark.parametrize("name", ALIKE)
def test_operators_of_float_files_are_tensorflows(name, tmp_path):
    """What is done to each number in front of weights is in the weights, axes that come back are kept, nothing is computed twice."""
    model = quantizing.seeded(ALIKE[name]())
    quantizing.one_at_a_time(model).save(tmp_path / "m.keras")
    modelctl.convert(tmp_path / "m.keras", tmp_path / "m.tflite")
    (tmp_path / "t.tflite").write_bytes(quantizing.tensorflow(model, None, float_model=True))
    assert Counter(litert.operators(tmp_path / "m.tflite")) == Counter(litert.operators(tmp_path / "t.tflite"))
    x = quantizing.samples(model)["x"][:1]
    found, expected = [quantizing.invoke(tmp_path / file, x, litert.PLAIN) for file in ("m.tflite", "t.tflite")]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def token(x):
    return L.Embedding(300, 16)(x)


def clamped(x):
    """Others see what is clamped, through a concatenation and an interpolation."""
    y = L.Conv2D(6, 3)(x)
    y = L.UpSampling2D(2, interpolation="bilinear")(L.Concatenate()([L.Conv2D(4, 3, padding="same")(y), L.MaxPooling2D(3, 1, "same")(y)]))
    return K.clip(y, 0.0, 1.5)


def greater(x):
    """The larger of two numbers that others use, too."""
    y = L.Dense(8)(x)
    return K.maximum(y, 0.1 * y) + K.minimum(y, 0.5)


def normalised(x):
    return L.LayerNormalization(name="n")(L.Dense(16, activation="relu")(x))


#: Input, network, and which scales of ours TensorFlow's file has not: it lets the operands of an extreme be clamped for whoever uses them.
TOGETHER = {
    "token": ((7,), token, 0), "clamped": (PICTURE, clamped, 1), "greater": (ROWS, greater, 2), "normalised": (ROWS, normalised, 0),
    "attention": (ROWS, lambda x: L.Add()([x, L.MultiHeadAttention(2, 4)(x, x)]), 1), "stacked": (ROWS, lambda x: K.stack([x, L.Dense(8)(x)], 1), 0),
    "nothing": (ROWS, lambda x: K.relu(L.Dense(8, activation="relu")(x) * -1.0), 0),
}


@pytest.mark.parametrize("name", TOGETHER)
def test_as_near_as_tensorflow(name, tmp_path):
    """As TensorFlow's converter has it: scales, size, and how far from the float network on samples that nobody calibrated with."""
    shape, body, own = TOGETHER[name]
    random, whole = np.random.default_rng(4), name == "token"
    x = keras.Input(shape, name="x", dtype="int32" if whole else "float32")
    model = quantizing.seeded(keras.Model(x, L.Dense(3, name="y")(L.Flatten()(body(x)))))
    data, fresh = [
        {"x": random.integers(0, 300, (count, *shape)).astype("i4")} if whole else quantizing.samples(model, count, seed=seed)
        for count, seed in ((12, 5), (40, 9))]
    port = keras.Input(batch_shape=(1, *shape), name="x", dtype=x.dtype)
    fixed = keras.models.clone_model(model, input_tensors=port)
    fixed.set_weights(model.get_weights())
    fixed.save(tmp_path / "m.keras")
    np.savez(tmp_path / "samples.npz", **data)
    path, theirs = tmp_path / "ours.tflite", tmp_path / "theirs.tflite"
    report = modelctl.convert(
        tmp_path / "m.keras", path, "--quantize", "int8", "--representative", tmp_path / "samples.npz")["quantization"]
    theirs.write_bytes(quantizing.tensorflow(model, data))
    assert report["float"] == []
    assert path.stat().st_size <= 1.02 * theirs.stat().st_size
    known = [q for step in quantizing.steps(theirs) for q in step[3] + step[4] if q is not None]
    # The mean is taken away instead of added with the other sign: zero points are mirrored.
    known += [(scale, [-zero - 1 for zero in zeros]) for scale, zeros in known]
    ours = [q for step in quantizing.steps(path) for q in step[4] if q is not None]
    absent = [q for q in ours if not any(quantizing.same(q, other) for other in known)]
    assert len({float(scale[0]) for scale, _ in absent}) <= own, absent
    exact = model(fresh["x"], training=False).numpy()
    found, tf_ = [np.concatenate([quantizing.invoke(file, row[None], litert.PLAIN) for row in fresh["x"]]) for file in (path, theirs)]
    assert quantizing.relative(exact, found) <= 1.02 * quantizing.relative(exact, tf_) + 1e-6
    (engine,) = quantizing.ours(path, {"x": fresh["x"][:1]}, tmp_path).values()
    np.testing.assert_array_equal(engine, quantizing.invoke(path, fresh["x"][:1]))


def test_weights_inside_loops(tmp_path):
    """A dynamic file has all large weights as integers, those of a GRU's steps, too."""
    x = keras.Input((6, 12), name="x")
    model = quantizing.seeded(keras.Model(x, L.Dense(3, name="y")(L.GRU(48)(x))))
    quantizing.one_at_a_time(model).save(tmp_path / "m.keras")
    path, theirs = tmp_path / "ours.tflite", tmp_path / "theirs.tflite"
    modelctl.convert(tmp_path / "m.keras", path, "--quantize", "dynamic")
    theirs.write_bytes(quantizing.tensorflow(model, None, mode="dynamic"))
    assert path.stat().st_size <= 1.02 * theirs.stat().st_size
    fresh = quantizing.samples(model, 20, seed=9)["x"]
    exact = model(fresh, training=False).numpy()
    found, tf_ = [np.concatenate([quantizing.invoke(file, row[None], litert.PLAIN) for row in fresh]) for file in (path, theirs)]
    assert quantizing.relative(exact, found) <= 1.05 * quantizing.relative(exact, tf_)
    (engine,) = quantizing.ours(path, {"x": fresh[:1]}, tmp_path).values()
    np.testing.assert_allclose(engine, found[:1], rtol=1e-4, atol=1e-5)


def test_shared_weights_are_stored_once(tmp_path):
    model = quantizing.seeded(shared())
    model.save(tmp_path / "m.keras")
    np.savez(tmp_path / "samples.npz", **quantizing.samples(model))
    for mode in ("none", "int8", "dynamic", "float16"):
        options = [] if mode == "none" else ["--quantize", mode, "--representative", tmp_path / "samples.npz"]
        path = tmp_path / f"{mode}.tflite"
        modelctl.convert(tmp_path / "m.keras", path, *options)
        content = litert.model(path)
        # 7 · 7 · 6 numbers for each of 24 units.
        least = 7056 * {"none": 4, "float16": 2}.get(mode, 1)
        assert [len(buffer.data) for buffer in content.buffers if buffer.data is not None and len(buffer.data) >= least] == [least], mode


def test_tables_of_dynamic_files(tmp_path):
    """A table whose rows are looked up has 8 bits, as TensorFlow's has; indices are counted from the front once."""
    x = keras.Input((7,), dtype="int32", name="x")
    model = quantizing.seeded(keras.Model(x, L.Dense(4, name="y")(L.GlobalAveragePooling1D()(L.Embedding(300, 16)(x)))))
    model.save(tmp_path / "m.keras")
    report = modelctl.convert(tmp_path / "m.keras", tmp_path / "y.tflite", "--quantize", "dynamic")["quantization"]
    assert report["bytes_after"] < 0.5 * report["bytes_before"]
    names = Counter(litert.operators(tmp_path / "y.tflite"))
    assert names["GATHER"] == names["DEQUANTIZE"] == names["LESS"] == 1 and names["CAST"] == 0, names
    (table,) = [steps[3][0] for steps in quantizing.steps(tmp_path / "y.tflite") if steps[0] == "GATHER"]
    weights = model.layers[1].get_weights()[0]
    np.testing.assert_allclose(table[0], np.abs(weights).max() / 127, rtol=1e-6)
    assert table[1] == [0]
    rows = np.array([[0, 299, -1, 5, 5, -300, 17]], "i4")
    expected = quantizing.invoke(tmp_path / "y.tflite", rows)
    (found,) = quantizing.ours(tmp_path / "y.tflite", {"x": rows}, tmp_path).values()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    exact = model(rows, training=False).numpy()
    assert quantizing.relative(exact, expected) < 0.02


def test_slopes_with_wide_activations(tmp_path):
    """LiteRT's PRELU of 16 bits takes slopes of 8 and misreads others: such a layer stays float, as in TensorFlow's files, and is listed."""
    x = keras.Input(PICTURE, name="x")
    model = quantizing.seeded(keras.Model(x, L.Dense(4, name="y")(L.PReLU(shared_axes=[1, 2])(L.Conv2D(8, 3)(x)))))
    data = quantizing.samples(model)
    model.save(tmp_path / "m.keras")
    np.savez(tmp_path / "samples.npz", **data)
    report = modelctl.convert(
        tmp_path / "m.keras", tmp_path / "y.tflite", "--quantize", "int16x8", "--representative", tmp_path / "samples.npz")["quantization"]
    assert [entry["operator"] for entry in report["float"]] == ["PRelu"]
    exact = model(data["x"], training=False).numpy()
    assert quantizing.relative(exact, quantizing.invoke(tmp_path / "y.tflite", data["x"])) < 0.02

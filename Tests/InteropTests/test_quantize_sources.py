"""The same network quantised from every format that can hold it: the same file each time, and LiteRT's reference kernels give our engine's bits."""
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as L

import litert
import modelctl
import quantizing
from quantizing import relative

SOURCES = {"h5": "m.h5", "savedmodel": "m-saved", "onnx": "m.onnx", "tfjs-layers": "m-layers", "tfjs-graph": "m-graph", "tflite": "m.tflite"}


def attention():
    """Products of values with values, layer normalisation, softmax."""
    x = keras.Input((8, 16), name="x")
    y = L.LayerNormalization()(L.Add()([x, L.MultiHeadAttention(2, 8)(x, x)]))
    y = L.LayerNormalization()(L.Add()([y, L.Dense(16)(L.Dense(32, activation="relu")(y))]))
    return keras.Model(x, L.Dense(3, name="y")(L.GlobalAveragePooling1D()(y)))


def recurrent():
    x = keras.Input((6, 40), name="x")
    return keras.Model(x, L.Dense(4, name="y")(L.LSTM(34)(L.LSTM(33, return_sequences=True)(x))))


NETWORKS = quantizing.NETWORKS | {"attention": attention, "recurrent": recurrent}
#: TensorFlow.js has no such layers, or holds them in pieces alone.
ABSENT = {("attention", "tfjs-layers"), ("unet", "tfjs-layers")}


def size(path):
    """Bytes of a file without its tensors' names (each with a length, an end and padding), which are longer in some formats than in others."""
    names = sum(-(-(len(tensor.name) + 5) // 4) * 4 for graph in litert.model(path).subgraphs for tensor in graph.tensors)
    return path.stat().st_size - names


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")

    @functools.cache
    def make(name):
        model = quantizing.seeded(NETWORKS[name]())
        data = quantizing.samples(model)
        home = folder / name
        home.mkdir()
        model.save(home / "m.keras")
        np.savez(home / "samples.npz", **data)
        return home, model, data

    @functools.cache
    def quantized(name, source, mode):
        home, _, _ = make(name)
        path = home / f"{source}-{mode}.tflite"
        place = home / SOURCES.get(source, "m.keras")
        if not place.exists():
            modelctl.convert(home / "m.keras", place, *([] if place.suffix == ".onnx" else ["--to", source]))
        return path, modelctl.convert(place, path, "--quantize", mode, "--representative", home / "samples.npz")["quantization"]

    return make, quantized


@pytest.mark.parametrize("name, source", [(name, source) for name in NETWORKS for source in SOURCES if (name, source) not in ABSENT])
def test_every_source(name, source, made, tmp_path):
    make, quantized = made
    _, model, data = make(name)
    feeds = {key: array[:2] for key, array in data.items()}
    (array,) = data.values()
    exact = model(array, training=False).numpy()
    for mode in ("int8", "int16x8", "dynamic", "float16"):
        (reference, known), (path, report) = quantized(name, "keras", mode), quantized(name, source, mode)
        assert report["float"] == known["float"] == []
        # TensorFlow.js has no layer that subtracts: a product with −1 and a sum stand for it where floats are kept.
        if (name, source) != ("gates", "tfjs-layers") or mode.startswith("int"):
            assert litert.operators(path).count("SUB") == litert.operators(reference).count("SUB")
            # What a TFLite cell's last step is taken out of all with is written out with it: 7 reshapes among 238 operators.
            room = 0.03 if (name, source, mode) == ("recurrent", "tflite", "int16x8") else 0.02
            assert abs(size(path) - size(reference)) <= room * size(reference), mode
        expected = quantizing.invoke(path, array[:2])
        found = list(quantizing.ours(path, feeds, tmp_path).values())[0]
        if mode in ("int8", "int16x8"):
            np.testing.assert_array_equal(found, expected)
        else:
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
        ours, theirs = [relative(exact, quantizing.invoke(file, array)) for file in (path, reference)]
        assert ours <= 1.02 * theirs + 1e-6, mode


def test_inputs_have_as_many_samples(tmp_path):
    a, b = keras.Input((6,), name="a"), keras.Input((4,), name="b")
    keras.Model([a, b], L.Dense(3)(L.Concatenate()([a, b]))).save(tmp_path / "m.keras")
    np.savez(tmp_path / "d.npz", a=np.ones((9, 6), "f4"), b=np.ones((5, 4), "f4"))
    with pytest.raises(modelctl.Failed) as failed:
        modelctl.convert(tmp_path / "m.keras", tmp_path / "m.tflite", "--quantize", "int8", "--representative", tmp_path / "d.npz")
    assert failed.value.code == 65 and "9 for 'a', 5 for 'b'" in failed.value.errors


class Trained(tf.Module):
    """A network as quantisation-aware training leaves it: ranges of weights by channel, of what they make, and of the input."""

    def __init__(self):
        super().__init__()
        random = np.random.default_rng(8)
        made = lambda *shape: tf.Variable(random.normal(0, 0.3, shape).astype("float32"))
        self.filters, self.windows, self.matrix = made(3, 2, 3, 6), made(3, 3, 6), made(60, 5)
        self.biases = [made(6), made(6), made(5)]
        self.ranges = [tf.Variable(value) for value in ((-1.7, 2.4), (0.0, 3.1), (-0.4, 2.2), (-2.5, 3.6))]

    def rounded(self, x, place):
        return tf.quantization.fake_quant_with_min_max_vars(x, *tf.unstack(self.ranges[place]))

    @staticmethod
    def weights(variable):
        most = tf.reduce_max(tf.abs(variable), list(range(len(variable.shape) - 1)))
        return tf.quantization.fake_quant_with_min_max_vars_per_channel(variable, -most, most, narrow_range=True)

    @tf.function(input_signature=[tf.TensorSpec((1, 9, 8, 3), tf.float32, "x")])
    def call(self, x):
        y = tf.nn.conv2d(self.rounded(x, 0), self.weights(self.filters), 1, "SAME") + self.biases[0]
        y = tf.nn.max_pool2d(self.rounded(tf.nn.relu(y), 1), 2, 2, "SAME")
        y = tf.nn.depthwise_conv2d(y, self.weights(self.windows)[..., None], [1, 1, 1, 1], "SAME") + self.biases[1]
        y = tf.reshape(self.rounded(tf.nn.relu6(y), 2), (1, 20, 6))[:, ::2]
        most = tf.reduce_max(tf.abs(self.matrix))
        matrix = tf.quantization.fake_quant_with_min_max_vars(self.matrix, -most, most, narrow_range=True)
        return {"y": self.rounded(tf.matmul(tf.reshape(y, (1, 60)), matrix) + self.biases[2], 3)}


def test_trained_ranges(tmp_path):
    """Of a network that was trained to be quantised no samples are needed: its integers are those that it was trained for. Unquantised, it is
    rounded by one operator for each range."""
    module, source = Trained(), tmp_path / "trained"
    tf.saved_model.save(module, str(source), signatures=module.call)
    plain, ours = tmp_path / "plain.tflite", tmp_path / "ours.tflite"
    modelctl.convert(source, plain)
    kinds = litert.operators(plain)
    assert kinds.count("FAKE_QUANT") == 4 and not {"FLOOR", "DIV", "SUB"} & set(kinds), kinds
    random = np.random.default_rng(9)
    samples = [random.normal(0.2, 1.0, (1, 9, 8, 3)).astype("float32") for _ in range(8)]
    exact = [module.call(x)["y"].numpy() for x in samples]
    step = (3.6 + 2.5) / 255
    for x, expected in zip(samples, exact):
        (found,) = litert.run(plain, [x])
        # Sums that lie in the middle between two steps, added in another order.
        assert np.abs(found - expected).max() < 1.001 * step and np.mean(np.abs(found - expected) > 1e-5) < 0.3
    report = modelctl.convert(source, ours, "--quantize", "int8", "--full-integer")["quantization"]
    assert report["float"] == [] and litert.operators(ours).count("QUANTIZE") == 1, litert.operators(ours)
    given = [step[3][0] for step in quantizing.steps(ours) if step[0] != "QUANTIZE"] + [list(quantizing.steps(ours))[-1][3][0]]
    for (scales, zeros), (low, high) in zip([given[0], given[1], given[-1]], [(-1.7, 2.4), (0.0, 3.1), (-2.5, 3.6)]):
        np.testing.assert_allclose(scales, [(high - low) / 255], rtol=1e-5)
        assert zeros == [round(-128 - low * 255 / (high - low))]
    off = np.concatenate([litert.run(ours, [x])[0] - expected for x, expected in zip(samples, exact)])
    # Integers are what the floats between roundings stand for: beside a step only where sums are in the middle between two.
    assert np.abs(off).max() < 2.001 * step and np.mean(np.abs(off) > 1e-5) < 0.3, off / step
    # With samples, ranges that were trained count nevertheless.
    np.savez(tmp_path / "samples.npz", x=np.concatenate(samples) / 3)
    modelctl.convert(source, tmp_path / "again.tflite", "--quantize", "int8", "--representative", tmp_path / "samples.npz")
    np.testing.assert_array_equal(litert.run(tmp_path / "again.tflite", [samples[0]])[0], litert.run(ours, [samples[0]])[0])

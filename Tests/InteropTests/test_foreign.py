"""Classes that are not Keras's own, Lambda and lookup layers: shown, carried between the Keras formats with their weights, refused elsewhere."""
import json

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import modelctl
import peers
import seeded

L = keras.layers


@keras.saving.register_keras_serializable("interop")
class Scaled(L.Layer):
    """A layer with a variable of its own and two layers inside."""

    def __init__(self, units=3, **rest):
        super().__init__(**rest)
        self.units, self.first, self.second = units, L.Dense(units, name="one"), L.Dense(units, name="two")

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), name="scale")
        self.first.build(shape)
        self.second.build((None, self.units))

    def call(self, x):
        return self.second(self.first(x * self.scale))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("interop")
class MLP(keras.Model):
    """20-64-32-5, as code."""

    def __init__(self, **rest):
        super().__init__(**rest)
        self.a, self.b, self.out = L.Dense(64, activation="relu"), L.Dense(32, activation="relu"), L.Dense(5, activation="softmax")

    def call(self, x):
        return self.out(self.b(self.a(x)))


@keras.saving.register_keras_serializable("interop")
class Named(keras.Model):
    """A class of its own over a functional model: the file says all that it computes."""


def functional(shape, *layers, dtype="float32", cls=keras.Model):
    x = inputs = L.Input(shape, dtype=dtype)
    for layer in layers:
        x = layer(x)
    return cls(inputs, x)


def subclassed():
    model = MLP()
    model(np.zeros((1, 20), "float32"))
    return model


FLOATS = np.linspace(-1, 1, 8, dtype="float32").reshape(2, 4)
#: name → (model, input, what ONNX refuses)
MODELS = {
    "registered layer": (lambda: functional((4,), Scaled(), L.Dense(2)), FLOATS, "Scaled"),
    "subclassed": (subclassed, np.linspace(-1, 1, 40, dtype="float32").reshape(2, 20), "MLP"),
    "named functional": (lambda: functional((4,), L.Dense(3, activation="tanh"), L.Dense(2), cls=Named), FLOATS, None),
    "lambda": (lambda: functional((4,), L.Lambda(lambda x: x * 2), L.Dense(2)), FLOATS, "Lambda"),
    "string lookup": (lambda: functional((3,), L.StringLookup(vocabulary=["a", "b", "c"]), L.CategoryEncoding(4, "multi_hot"), L.Dense(2), dtype="string"),
                      np.array([["a", "c", "z"], ["b", "b", "a"]]), None),
    "integer lookup": (lambda: functional((3,), L.IntegerLookup(vocabulary=[7, 9, 12]), L.Embedding(4, 3), L.Flatten(), L.Dense(2), dtype="int64"),
                       np.array([[7, 9, 1], [12, 12, 7]]), None),
    "hashing": (lambda: functional((3,), L.Hashing(8), L.Embedding(8, 3), L.Flatten(), L.Dense(2), dtype="int64"), np.array([[7, 9, 1]]), "StringHash"),
}
#: What does not load from the other format, and why.
UNLOADABLE = {
    ("subclassed", "h5", "keras"): "an archive's weights stand under the attributes that hold the layers, which no .h5 file says",
    ("named functional", "h5", "h5"): "Keras 3 leaves the package out of a registered model's class and can't read its own file",
}


def run(path, x):
    return peers.flat(keras.saving.load_model(path, compile=False, safe_mode=False)(x, training=False))


@pytest.mark.parametrize("source", ["keras", "h5"])
@pytest.mark.parametrize("name", MODELS)
def test_carried(name, source, tmp_path):
    build, x, refused = MODELS[name]
    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    model = seeded.fill_weights(build(), name)
    x = tf.constant(x)
    expected = peers.flat(model(x, training=False))
    path = tmp_path / f"model.{source}"
    model.save(path)
    report = modelctl.inspect(path)
    assert report["parameters"] == model.count_params()
    if name == "subclassed" and source == "h5":
        # Keras builds a model before it loads weights, and an .h5 file does not say for which input.
        with pytest.raises(ValueError):
            run(path, x)
        return
    for target in ("keras", "h5"):
        other = tmp_path / f"to.{target}"
        if name == "subclassed" and target == "h5":
            # Keras would not load it, see above.
            modelctl.run("convert", path, other, expect=69)
            assert not other.exists()
            continue
        if (name, source, target) == ("registered layer", "h5", "keras"):
            # An archive's weights stand under the attributes that hold the layers inside a layer, which no .h5 file says.
            with pytest.raises(modelctl.Failed) as failure:
                modelctl.convert(path, other)
            assert failure.value.code == 69 and "attribute" in failure.value.errors and not other.exists()
            continue
        modelctl.convert(path, other)
        assert modelctl.inspect(other)["parameters"] == model.count_params()
        if (name, source, target) in UNLOADABLE:
            continue
        peers.compare(run(other, x), expected, (1e-6, 1e-5), f"{source} → {target}")
    if refused is None:
        modelctl.convert(path, tmp_path / "model.onnx")
    else:
        with pytest.raises(modelctl.Failed) as failure:
            modelctl.convert(path, tmp_path / "model.onnx")
        assert failure.value.code == 69 and refused in failure.value.errors
        assert not (tmp_path / "model.onnx").exists()


def older(*layers, shape=(6,)):
    """A model of Keras 2."""
    peers.tf_keras.utils.set_random_seed(4)
    x = inputs = peers.tf_keras.Input(shape)
    for layer in layers:
        x = layer(x)
    return seeded.fill_weights(peers.tf_keras.Model(inputs, x), "older")


O = peers.tf_keras.layers
#: Keras 2 says neither what a call takes nor, behind code, what shape it gives: stored weights tell.
BEHIND_CODE = {
    "dense and normalisation": lambda: older(O.Lambda(lambda x: x * 2 + 1), O.Dense(4, activation="relu"), O.BatchNormalization(), O.Dense(2)),
    "recurrent": lambda: older(O.Dense(12), O.Reshape((4, 3)), O.Lambda(lambda x: x * 2, output_shape=(4, 3)), O.LSTM(5), O.Dense(2)),
    "convolution": lambda: older(O.Dense(72), O.Reshape((6, 6, 2)), O.Lambda(lambda x: x - 1), O.Conv2D(3, 2), O.Flatten(), O.Dense(2)),
}


@pytest.mark.parametrize("source", ["h5", "keras"])
@pytest.mark.parametrize("name", BEHIND_CODE)
def test_layers_behind_the_code_of_keras_2(name, source, tmp_path):
    model = BEHIND_CODE[name]()
    x = seeded.batch("behind code", (6,), 3)
    expected = peers.flat(model(x, training=False))
    path = tmp_path / f"model.{source}"
    model.save(path)
    modelctl.convert(path, tmp_path / "to.keras")
    peers.compare(run(tmp_path / "to.keras", x), expected, (1e-6, 1e-5), f"{source} → keras")
    modelctl.convert(path, tmp_path / "to.h5")
    other = peers.tf_keras.models.load_model(tmp_path / "to.h5", compile=False, safe_mode=False)
    peers.compare(peers.flat(other(x, training=False)), expected, (1e-6, 1e-5), f"{source} → h5")
    for target in ("onnx", "tflite", "savedmodel", "tfjs-layers", "tfjs-graph"):
        with pytest.raises(modelctl.Failed) as failure:
            modelctl.convert(path, tmp_path / target, "--to", target)
        assert failure.value.code == 69 and "Lambda × 1" in failure.value.errors


def test_initialisers_of_tensorflow_1(tmp_path):
    """They say the dtype of what they make, which Keras 3 refuses; files that Keras 3 reads don't say it."""
    T = tf_keras.layers
    make = lambda name: {"class_name": name, "config": {"dtype": "float32", **({"seed": None} if name != "Zeros" else {})}}
    model = tf_keras.Sequential([T.Input((6, 6, 2)), T.Conv2D(3, 3), T.Flatten(), T.Dense(4)])
    seeded.fill_weights(model, "initialisers")
    model.save(tmp_path / "old.h5")
    with h5py.File(tmp_path / "old.h5", "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            for key in set(layer["config"]) & {"kernel_initializer", "bias_initializer"}:
                layer["config"][key] = make("GlorotUniform" if key[0] == "k" else "Zeros")
        file.attrs["model_config"] = json.dumps(config)
    values = [seeded.batch("initialisers", (6, 6, 2))]
    expected = peers.run_tf_keras(tmp_path / "old.h5", values)
    modelctl.convert(tmp_path / "old.h5", tmp_path / "new.keras")
    peers.compare(peers.run_keras(tmp_path / "new.keras", values), expected)
    modelctl.convert(tmp_path / "old.h5", tmp_path / "layers", "--to", "tfjs-layers")
    modelctl.convert(tmp_path / "layers", tmp_path / "new.h5")
    for run in (peers.run_keras, peers.run_tf_keras):
        peers.compare(run(tmp_path / "new.h5", values), expected)

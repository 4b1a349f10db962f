"""`modelctl train` on models of every format: the real frameworks open what it wrote and measure the loss that it told."""
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import litert
import modelctl
import peers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(256, 12)).astype("float32")
Y = (X @ RNG.normal(size=(12, 3))).argmax(1).astype("int32")
OPTIONS = ["--loss", "sparse_categorical_crossentropy", "--optimizer", "adam", "--learning-rate", "0.01", "--batch-size", "32", "--json"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("train")
    keras.utils.set_random_seed(3)
    model = keras.Sequential([
        keras.Input((12,), name="in0"), keras.layers.Dense(16, activation="relu", name="hidden"), keras.layers.BatchNormalization(name="bn"),
        keras.layers.Dense(3, activation="softmax", name="probs")])
    model.save(folder / "m.keras")
    model.save(folder / "m.h5")
    model.export(folder / "m.savedmodel", verbose=False)
    modelctl.convert(folder / "m.keras", folder / "m.onnx")
    modelctl.convert(folder / "m.keras", folder / "m.tflite")
    modelctl.convert(folder / "m.keras", folder / "m.graph", "--to", "tfjs-graph")
    modelctl.convert(folder / "m.keras", folder / "m.layers", "--to", "tfjs-layers")
    np.savez(folder / "train.npz", x=X[:192], y=Y[:192])
    np.savez(folder / "val.npz", in0=X[192:], probs=Y[192:])
    return folder


def train(folder, name, *options):
    out = folder / f"trained-{name}"
    report = json.loads(modelctl.run(
        "train", folder / name, "--data", folder / "train.npz", "--validation", folder / "val.npz", "--output", out, "--force", *OPTIONS, *options))
    return out, report


def probabilities(path, folder):
    x = X[192:]
    if path.suffix in (".keras", ".h5"):
        return peers.run_keras(path, [x])[0]
    if path.suffix == ".savedmodel":
        return next(iter(tf.saved_model.load(path).signatures["serving_default"](in0=tf.constant(x)).values())).numpy()
    if path.suffix == ".onnx":
        return peers.onnx_session(path).run(None, {"in0": x})[0]
    if path.suffix == ".tflite":
        return litert.run(path, [x])[0]
    # TensorFlow.js: by way of what other tests hold against it.
    modelctl.convert(path, folder / "back.onnx")
    return peers.onnx_session(folder / "back.onnx").run(None, {"in0": x})[0]


@pytest.mark.parametrize("name, keeps", [("m.keras", False), ("m.h5", False), ("m.layers", False), ("m.savedmodel", True)])
def test_statistics_that_stay_are_told(folder, name, keeps):
    """A layer's statistics follow the batches; an exported operator's do not, and the report says so."""
    _, report = train(folder, name, "--epochs", "1")
    assert any("keeps the statistics" in note for note in report["notes"]) == keeps


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.savedmodel", "m.onnx", "m.tflite", "m.graph", "m.layers"])
def test_every_format_learns(folder, name):
    out, report = train(folder, name, "--epochs", "6")
    assert len(report["history"]["loss"]) == 6 and report["history"]["loss"][-1] < report["history"]["loss"][0] / 2
    found = probabilities(out, folder)
    loss = -np.log(np.clip(found[np.arange(64), Y[192:]], 1e-7, 1)).mean()
    assert np.isclose(loss, report["history"]["val_loss"][-1], rtol=1e-4)
    before, after = modelctl.inspect(folder / name), modelctl.inspect(out)
    assert before["format"] == after["format"]
    assert [(p["name"], p["dtype"], p["shape"]) for p in before["inputs"] + before["outputs"]] == [
        (p["name"], p["dtype"], p["shape"]) for p in after["inputs"] + after["outputs"]]


def test_it_follows_keras(folder):
    out, report = train(folder, "m.keras", "--epochs", "4", "--no-shuffle", "--metric", "accuracy")
    model = keras.saving.load_model(folder / "m.keras", compile=False)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(X[:192], Y[:192], batch_size=32, epochs=4, shuffle=False, verbose=0, validation_data=(X[192:], Y[192:])).history
    for name, values in history.items():
        assert np.allclose(values, report["history"][name], rtol=1e-4, atol=1e-5), name
    for ours, theirs in zip(keras.saving.load_model(out, compile=False).get_weights(), model.get_weights()):
        assert np.allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["m.h5", "m.savedmodel", "m.onnx", "m.tflite", "m.graph", "m.layers"])
def test_formats_learn_alike(folder, name):
    """A model without batch normalisation, which graphs fold: every weight has its counterpart."""
    plain = folder / "plain.keras"
    if not plain.exists():
        keras.utils.set_random_seed(4)
        model = keras.Sequential([
            keras.Input((8, 8, 2), name="in0"), keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.Flatten(),
            keras.layers.Dense(5, activation="tanh"), keras.layers.Dense(3)])
        model.save(plain)
        model.export(folder / "plain.savedmodel", verbose=False)
    other = folder / name.replace("m.", "plain.")
    if not other.exists():
        modelctl.convert(plain, other, "--to", {"m.graph": "tfjs-graph", "m.layers": "tfjs-layers"}.get(name, name[2:]))
    report = modelctl.verify(plain, other, "--training", "--steps", "4", "--optimizer", "sgd", "--learning-rate", "0.1")
    assert report["equivalent"] and report["training"]["equivalent"]
    assert len(report["training"]["gradients"]) == 6 and not report["training"]["missing"]


def test_gradients_that_are_rounding_are_left_out(folder):
    """Softmax takes no notice of the bias of attention's keys; Adam makes whole steps of what rounding leaves of its gradient."""
    keras.utils.set_random_seed(6)
    x = keras.Input((5, 8), name="in0")
    model = keras.Model(x, keras.layers.Dense(3)(keras.layers.MultiHeadAttention(2, 4)(x, x)))
    model.save(folder / "attention.keras")
    modelctl.convert(folder / "attention.keras", folder / "attention.onnx")
    page = folder / "attention.html"
    report = modelctl.verify(folder / "attention.keras", folder / "attention.onnx", "--training", "--optimizer", "adam", "--html", page)
    assert report["training"]["equivalent"], report["training"]["parameters"]
    elements = sum(row["elements"] for row in report["training"]["gradients"])
    assert 8 <= report["training"]["rounded"] < elements / 2
    text = page.read_text()
    assert "Gradient max abs" in text and "not compared" in text


def test_a_frozen_weight_is_a_difference(folder):
    model = keras.saving.load_model(folder / "m.keras", compile=False)
    model.get_layer("hidden").trainable = False
    model.save(folder / "frozen.keras")
    report = modelctl.verify(folder / "m.keras", folder / "frozen.keras", "--training", expect=1)
    assert not report["equivalent"] and all(row["mismatched"] == 0 for row in report["outputs"])
    assert len(report["training"]["missing"]) == 2

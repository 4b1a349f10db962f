"""The models of fixtures/trained, which the engine trained and wrote: the real runtimes open every file and compute what was recorded."""
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import litert
import modelctl
import peers

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "fixtures/trained"
CASES = ["attention", "cnn", "gru", "lstm", "mlp"]
# TensorFlow.js has no GRU layer as Keras makes it by default, and no attention.
WITHOUT_TFJS_LAYERS = {"gru", "attention"}


def arrays(case, kind):
    with np.load(FOLDER / case / f"{kind}.npz") as archive:
        return {key: archive[key] for key in archive.files}


def close(found, expected):
    assert np.allclose(found, expected, rtol=1e-4, atol=1e-5), np.abs(found - expected).max()


@pytest.mark.parametrize("case", CASES)
def test_the_runtimes_agree(case):
    (_, x), = arrays(case, "inputs").items()
    (_, expected), = arrays(case, "outputs").items()
    folder = FOLDER / case
    close(peers.run_keras(folder / "model.keras", [x])[0], expected)
    # Files of Keras 3 name the weights of attention as Keras 2 does not.
    package = keras if case == "attention" else tf_keras
    close(peers.run_model(package.models.load_model(folder / "model.h5", compile=False), [x])[0], expected)
    signature = tf.saved_model.load(str(folder / "model-savedmodel")).signatures["serving_default"]
    close(next(iter(signature(**{list(signature.structured_input_signature[1])[0]: tf.constant(x)}).values())).numpy(), expected)
    session = peers.onnx_session(folder / "model.onnx")
    close(session.run(None, {session.get_inputs()[0].name: x})[0], expected)
    close(litert.run(folder / "model.tflite", [x])[0], expected)
    for tfjs in ("model-tfjs-layers", "model-tfjs-graph"):
        if tfjs == "model-tfjs-layers" and case in WITHOUT_TFJS_LAYERS:
            continue
        assert modelctl.verify(folder / "model.keras", folder / tfjs)["equivalent"]


@pytest.mark.parametrize("case", CASES)
def test_it_has_learnt(case):
    (_, x), = arrays(case, "inputs").items()
    (_, y), = arrays(case, "targets").items()
    found = peers.run_keras(FOLDER / case / "model.keras", [x])[0]
    assert (found.argmax(-1) == y).mean() >= 0.8


@pytest.mark.parametrize("case", [case for case in CASES if (FOLDER / case / "model-int8.tflite").exists()])
def test_integers_find_the_same_classes(case):
    (_, x), = arrays(case, "inputs").items()
    (_, expected), = arrays(case, "outputs").items()
    found = litert.run(FOLDER / case / "model-int8.tflite", [x])[0]
    sure = np.sort(expected, -1)[:, -1] - np.sort(expected, -1)[:, -2] > 0.2
    assert (found.argmax(-1) == expected.argmax(-1))[sure].all()
    # Eight bits of probabilities, through several layers.
    assert np.abs(found - expected).mean() < 0.05


def test_training_goes_on_in_keras():
    model = keras.saving.load_model(FOLDER / "mlp/model.keras", compile=False)
    (_, x), = arrays("mlp", "inputs").items()
    (_, y), = arrays("mlp", "targets").items()
    keras.utils.set_random_seed(3)
    model.compile(keras.optimizers.SGD(0.02), "sparse_categorical_crossentropy")
    # In inference mode: a step's own loss has dropout in it.
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=30, verbose=0)
    assert model.evaluate(x, y, verbose=0) < before

"""Loops that Keras writes into ONNX and SavedModels for layers that neither has: they become layers again."""
import keras
import numpy as np
import pytest

import litert
import modelctl
import peers
import seeded
import tfjs

L = keras.layers


def recurrent():
    """GRU resets after the product, which tf2onnx knows of none; cells one behind another; two directions; a state from outside."""
    x, state = L.Input((6, 3), name="x"), L.Input((4,), name="state")
    outputs = [
        L.GRU(4, return_sequences=True)(x, initial_state=state),
        L.Bidirectional(L.GRU(3, return_sequences=True))(x),
        L.RNN([L.LSTMCell(4), L.GRUCell(3), L.SimpleRNNCell(5)], return_sequences=True)(x),
        L.RNN(L.StackedRNNCells([L.LSTMCell(3), L.LSTMCell(2)]), go_backwards=True)(x),
    ]
    return seeded.fill_weights(keras.Model([x, state], outputs), "exported loops")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("loops")
    keras.utils.set_random_seed(7)
    model = recurrent()
    inputs = peers.batches("exported loops", [(6, 3), (4,)])
    model([np.zeros((1, 6, 3), "f"), np.zeros((1, 4), "f")])  # Keras exports what has been called.
    model.export(folder / "source.onnx", format="onnx", verbose=False)
    model.export(folder / "source", format="tf_saved_model", verbose=False)
    return folder, inputs, peers.run_model(model, inputs)


@pytest.mark.parametrize("source", ["source.onnx", "source"])
@pytest.mark.parametrize("target", ["keras", "tflite"])
def test_becomes_layers(exported, source, target):
    folder, inputs, expected = exported
    result = folder / f"{source}.{target}"
    modelctl.run("convert", folder / source, result, "--force")
    # A SavedModel's signature has its inputs in the order of their names.
    named = {"x": inputs[0], "state": inputs[1]}
    if target == "keras":
        names = [layer.name for layer in keras.saving.load_model(result, compile=False).inputs]
    else:
        names = [detail["name"] for detail in litert.open_model(result).get_input_details()]
    given = [named[next(k for k in named if k in name)] for name in names]
    got = peers.run_keras(result, given) if target == "keras" else litert.run(result, given)
    rest = list(expected)
    for value in got:
        place = next(i for i, e in enumerate(rest) if e.shape == value.shape and np.allclose(e, value, rtol=1e-4, atol=1e-5))
        rest.pop(place)
    assert not rest


@tfjs.needed
def test_inert_layers(tmp_path):
    """What acts in training alone does nothing in TensorFlow.js, and that is said."""
    image = L.Input((8, 8, 3), name="image")
    x = L.SpatialDropout2D(0.2)(L.Conv2D(4, 3)(L.RandomRotation(0.1)(L.RandomFlip()(image))))
    model = seeded.fill_weights(keras.Model(image, L.Dense(2)(L.Flatten()(L.Identity()(x)))), "inert")
    model.save(tmp_path / "m.keras")
    losses = str(modelctl.convert(tmp_path / "m.keras", tmp_path / "js", "--to", "tfjs-layers"))
    assert "SpatialDropout2D" in losses and "RandomFlip" in losses
    inputs = peers.batches("inert", [(8, 8, 3)])
    peers.compare(tfjs.run_layers(tmp_path / "js", inputs, tmp_path), peers.run_model(model, inputs))

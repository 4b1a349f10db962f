"""Layers that exports spell in pieces are layers again in Keras 3.

Keras 2 has layer normalisation as batch normalisation of an image with the rows for channels; TensorFlow has gelu as `0.5 x erfc(-x/√2)`.
"""
import keras
import numpy as np
import onnx
import pytest
import tf_keras

import modelctl
import peers

K = tf_keras.layers


@pytest.mark.parametrize("shape,axis", [((6, 4), -1), ((5, 7, 3), -1), ((5, 7, 3), [2, 3])])
def test_layer_normalization_of_keras_2(shape, axis, tmp_path):
    tf_keras.utils.set_random_seed(4)
    model = tf_keras.Sequential([K.Input(shape), K.LayerNormalization(axis=axis), K.Dense(2)])
    rng = np.random.default_rng(6)
    model.set_weights([weight + rng.normal(scale=0.3, size=weight.shape) for weight in model.get_weights()])
    model.export(str(tmp_path / "saved"))
    modelctl.convert(tmp_path / "saved", tmp_path / "model.keras")
    back = keras.saving.load_model(tmp_path / "model.keras")
    assert "LayerNormalization" in [type(layer).__name__ for layer in back.layers]
    x = rng.normal(size=(3, *shape)).astype("float32")
    peers.compare([np.asarray(back(x))], [model(x).numpy()], what="Keras 3")


@pytest.mark.parametrize("library", [tf_keras, keras], ids=["keras2", "keras3"])
def test_gelu(library, tmp_path):
    library.utils.set_random_seed(5)
    model = library.Sequential([library.Input((6, 4)), library.layers.Dense(4, activation="gelu")])
    model.export(str(tmp_path / "saved"))
    modelctl.convert(tmp_path / "saved", tmp_path / "model.keras")
    back = keras.saving.load_model(tmp_path / "model.keras")
    assert len(back.layers) <= 3 and "gelu" in str([layer.get_config().get("activation") for layer in back.layers])
    x = np.random.default_rng(8).normal(size=(3, 6, 4)).astype("float32")
    peers.compare([np.asarray(back(x))], [np.asarray(model(x))], what="Keras 3")


def lifted(text, constants, inputs, folder):
    """A model of ONNX as Keras 3 loads it, and what it gives beside what ONNX Runtime gives; and written back."""
    source = onnx.parser.parse_model(f"<ir_version: 8, opset_import: ['' : 17]>\n{text}".replace("'", '"'))
    source.graph.initializer.extend(onnx.numpy_helper.from_array(value, name) for name, value in constants.items())
    onnx.save(source, folder / "source.onnx")
    expected = peers.run_onnx(folder / "source.onnx", inputs)
    modelctl.convert(folder / "source.onnx", folder / "model.keras")
    back = keras.saving.load_model(folder / "model.keras")
    peers.compare([np.asarray(y) for y in keras.tree.flatten(back(inputs if len(inputs) > 1 else inputs[0]))], expected, what="Keras 3")
    modelctl.convert(folder / "model.keras", folder / "back.onnx")
    peers.compare(peers.run_onnx(folder / "back.onnx", inputs), expected, what="back")


def test_places_of_what_is_not_zero(tmp_path):
    x = np.maximum(np.random.default_rng(3).normal(size=(3, 4)), 0).astype("float32")
    lifted("""g (float[n, 4] x, bool[3] c, bool[5] d) => (int64[2, k] places, float[k] found, float[n, m] columns, float[l] some) {
        places = NonZero (x)
        pairs = Transpose <perm = [1, 0]> (places)
        found = GatherND (x, pairs)
        columns = Compress <axis = 1> (x, c)
        some = Compress (x, d) }""", {}, [x, np.array([True, False, True]), np.array([False, True, True, False, True])], tmp_path)


def test_places_before_an_open_extent(tmp_path):
    """What is picked by places has an extent of its own that nobody knows."""
    x = np.random.default_rng(6).normal(size=(3, 4, 2, 5)).astype("float32")
    lifted("""g (float[3, 4, n, 5] x) => (float[2, 2, n, 5] y) { y = GatherND (x, places) }""",
           {"places": np.array([[[2, 0], [-1, 3]], [[1, -2], [0, 0]]])}, [x], tmp_path)


@pytest.mark.parametrize("extent", [1, 4])
def test_expanding_what_may_be_one(extent, tmp_path):
    """An extent that nobody knows beforehand is that of the result, or 1; the shape is chosen between two that are the same."""
    x = np.random.default_rng(4).normal(size=(1, 1, extent)).astype("float32")
    shape = np.array([2, 3, 4], "int64")
    lifted("""g (float[1, 1, n] x, bool[k] c) => (float[2, 3, 4] y) {
        shape = Where (c, a, b)
        y = Expand (x, shape) }""", {"a": shape, "b": shape.copy()}, [x, np.array([True, False, True])], tmp_path)


def test_constants_as_outputs(tmp_path):
    """They have their names, and depend on an input that is a number: Keras compares no texts."""
    constants = {"c": np.arange(6, dtype="float32").reshape(2, 3), "f": np.array([True, False])}
    lifted("""g (string[n] t, float[n, 3] x) => (float[2, 3] whole, bool[2] flags, float[n, 3] y) {
        whole = Exp (c)
        flags = Not (f)
        y = Relu (x) }""", constants, [np.array(["a", "b"], object), np.ones((2, 3), "float32")], tmp_path)
    assert [output["name"] for output in modelctl.inspect(tmp_path / "model.keras")["outputs"]] == ["whole", "flags", "y"]

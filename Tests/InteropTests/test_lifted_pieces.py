"""Layers that exports spell in pieces are layers again in Keras 3.

Keras 2 has layer normalisation as batch normalisation of an image with the rows for channels; TensorFlow has gelu as `0.5 x erfc(-x/√2)`.
"""
import keras
import numpy as np
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

"""Layers with LoRA: `.h5` files of Keras 3 list the two matrices beside the weight they belong to, `.keras` archives hold the sum."""
import keras
import numpy as np
import pytest

import modelctl

L = keras.layers


def words():
    x = keras.Input((6,), dtype="int32", name="x")
    y = L.Embedding(11, 8)(x)
    y = L.EinsumDense("abc,cd->abd", output_shape=(None, 5), bias_axes="d", activation="relu")(y)
    return keras.Model(x, L.Dense(3)(L.GlobalAveragePooling1D()(y)))


def images():
    x = keras.Input((7, 6, 3), name="x")
    return keras.Model(x, L.Dense(3)(L.GlobalAveragePooling2D()(L.Conv2D(5, 3, activation="relu")(x))))


def adapted(model, rng, **options):
    """The model with LoRA, none of its weights zero."""
    for layer in model.layers:
        if hasattr(layer, "enable_lora"):
            layer.enable_lora(2, **options)
    for weight in model.weights:
        weight.assign(rng.normal(size=weight.shape) * 0.4)
    return model


@pytest.mark.parametrize("options", [{}, {"lora_alpha": 5}], ids=["plain", "scaled"])
@pytest.mark.parametrize("make", [words, images], ids=["words", "images"])
@pytest.mark.parametrize("source", ["h5", "keras"])
def test_lora_is_merged(tmp_path, source, make, options):
    rng = np.random.default_rng(4)
    model = adapted(make(), rng, **options)
    x = rng.integers(0, 11, (4, 6)).astype("int32") if make is words else rng.normal(size=(4, 7, 6, 3)).astype("float32")
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / f"source.{source}")
    modelctl.convert(tmp_path / f"source.{source}", tmp_path / "m.keras")
    modelctl.convert(tmp_path / "m.keras", tmp_path / "m.h5")
    modelctl.convert(tmp_path / f"source.{source}", tmp_path / "direct.h5")
    # A file that is copied stays as it is, and Keras forgets the scale of a Dense when it loads one that lists the matrices.
    copied = keras.models.load_model(tmp_path / "source.h5").predict(x, verbose=0) if source == "h5" else expected
    for name, wanted in (("m.keras", expected), ("m.h5", expected), ("direct.h5", copied)):
        found = keras.models.load_model(tmp_path / name).predict(x, verbose=0)
        np.testing.assert_allclose(found, wanted, 1e-4, 1e-5, err_msg=name)

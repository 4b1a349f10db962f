"""Keras 3 tells a model of one tensor from one of a list of one: what is converted takes and gives the tensor."""
import json
import warnings

import keras
import numpy as np
import pytest

import modelctl
import peers
import seeded


def test_a_single_tensor_is_no_list(tmp_path):
    x = keras.Input((4,), name="x")
    keras.Model(x, keras.layers.Dense(3, activation="relu")(x)).save(tmp_path / "source.keras")
    for extension in ("onnx", "h5", "tflite"):
        modelctl.convert(tmp_path / "source.keras", tmp_path / f"m.{extension}")
        modelctl.convert(tmp_path / f"m.{extension}", tmp_path / "back.keras", "--force")
        model = keras.models.load_model(tmp_path / "back.keras")
        assert not isinstance(model.input, (list, dict)) and not isinstance(model.output, (list, dict)), extension
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert model.predict(np.ones((2, 4), "float32"), verbose=0).shape == (2, 3)


def test_a_nested_one_stands_before_other_layers(tmp_path):
    """Keras 3 would take a nested model's list of one for two tensors."""
    inner = keras.Input((6, 6, 2))
    nested = keras.Model(inner, keras.layers.Conv2D(3, 3)(inner), name="nested")
    first = keras.Sequential([nested, keras.layers.GlobalAveragePooling2D()], name="first")
    model = keras.Sequential([keras.Input((6, 6, 2)), first, keras.Sequential([keras.layers.Dense(2)], name="second")])
    model.save(tmp_path / "source.h5")
    modelctl.convert(tmp_path / "source.h5", tmp_path / "m.keras")
    x = np.random.default_rng(1).standard_normal((2, 6, 6, 2)).astype("float32")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "m.keras")(x), model(x), 1e-4, 1e-5)


class Normalized(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.dense, self.norm = keras.layers.Dense(3), keras.layers.BatchNormalization()

    def call(self, x):
        return self.norm(self.dense(x))


def test_what_a_subclassed_model_trains_is_not_guessed(tmp_path):
    """The archive does not say that two of the four weights of the normalisation are statistics."""
    model = Normalized()
    model(np.zeros((2, 4), "float32"))
    model.save(tmp_path / "subclassed.keras")
    found = json.loads(modelctl.run("inspect", tmp_path / "subclassed.keras", "--json"))
    assert found["parameters"] == model.count_params() == 27
    assert "trainable_parameters" not in found
    assert len(found["warnings"]) == 1


@keras.saving.register_keras_serializable(package="tests")
class Perceptron(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.first, self.second = keras.layers.Dense(64, activation="relu"), keras.layers.Dense(32, activation="relu")
        self.last = keras.layers.Dense(5, activation="softmax")

    def call(self, x):
        return self.last(self.second(self.first(x)))


def test_a_subclassed_perceptron(tmp_path):
    """Its archive holds weights and no architecture: that is said. What it exports holds both."""
    model = Perceptron()
    model(np.zeros((2, 20), "float32"))
    seeded.fill_weights(model, "subclassed").save(tmp_path / "source.keras")
    x = seeded.batch("subclassed", (20,), 3)
    expected = peers.run_model(model, [x])
    assert modelctl.inspect(tmp_path / "source.keras")["parameters"] == 20 * 64 + 64 + 64 * 32 + 32 + 32 * 5 + 5
    with pytest.raises(modelctl.Failed) as failure:
        modelctl.convert(tmp_path / "source.keras", tmp_path / "m.onnx")
    assert failure.value.code == 69 and "a subclassed model: what it computes is code" in failure.value.errors
    modelctl.convert(tmp_path / "source.keras", tmp_path / "same.keras")
    peers.compare(peers.run_keras(tmp_path / "same.keras", [x]), expected, what="keras")
    model.export(tmp_path / "exported", verbose=False)
    for target, run in [("onnx", peers.run_onnx), ("keras", peers.run_keras), ("h5", peers.run_keras)]:
        modelctl.convert(tmp_path / "exported", tmp_path / f"m.{target}")
        peers.compare(run(tmp_path / f"m.{target}", [x]), expected, what=f"exported → {target}")

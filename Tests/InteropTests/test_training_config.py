"""Regularisers, initialisers, constraints, policies and trainable flags pass between the Keras formats."""
import keras
import numpy as np
import tf_keras

import modelctl
import peers
import seeded


def model():
    L = keras.layers
    inputs = L.Input((6,), name="x")
    x = L.Dense(5, kernel_regularizer=keras.regularizers.L1L2(0.01, 0.02), kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_out"),
                bias_constraint=keras.constraints.MinMaxNorm(0.1, 0.9), activity_regularizer="l1", name="regular")(inputs)
    x = L.Dense(4, trainable=False, name="frozen")(x)
    return seeded.fill_weights(keras.Model(inputs, L.BatchNormalization(trainable=False, name="bn")(x)), "configured")


def check(again):
    regular, frozen = again.get_layer("regular"), again.get_layer("frozen")
    assert np.isclose(float(regular.kernel_regularizer.l1), 0.01) and np.isclose(float(regular.kernel_regularizer.l2), 0.02)
    assert regular.kernel_initializer.get_config()["mode"] == "fan_out"
    assert np.isclose(regular.bias_constraint.max_value, 0.9)
    assert regular.activity_regularizer is not None
    assert not frozen.trainable and not again.get_layer("bn").trainable
    assert len(again.trainable_weights) == 2


def test_options_survive(tmp_path):
    original = model()
    original.save(tmp_path / "a.keras")
    check(keras.saving.load_model(tmp_path / "a.keras"))
    modelctl.convert(tmp_path / "a.keras", tmp_path / "b.h5")
    check(keras.saving.load_model(tmp_path / "b.h5"))
    check(tf_keras.models.load_model(tmp_path / "b.h5"))
    modelctl.convert(tmp_path / "b.h5", tmp_path / "c.keras")
    check(keras.saving.load_model(tmp_path / "c.keras"))


def test_weights_only(tmp_path):
    original = model()
    original.save_weights(tmp_path / "a.weights.h5")
    report = modelctl.inspect(tmp_path / "a.weights.h5")
    assert report["parameters"] == original.count_params()
    modelctl.run("convert", tmp_path / "a.weights.h5", tmp_path / "a.onnx", expect=69)
    assert not (tmp_path / "a.onnx").exists()

"""TensorFlow functions between Keras 2's layers, and layers only Keras 2 has, as they are written again."""
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import modelctl
import peers
import seeded

VALUES = np.random.default_rng(7).normal(size=(3, 5, 4)).astype("float32")
FUNCTIONS = {
    "transposed_second": lambda x: tf.matmul(x, x + 1.0, transpose_b=True),
    "transposed_first": lambda x: tf.matmul(x, x + 1.0, transpose_a=True),
    "transposed_both": lambda x: tf.matmul(x[:, :4], x[:, 1:5] + 1.0, transpose_a=True, transpose_b=True),
    "divide_no_nan": lambda x: tf.math.divide_no_nan(x, tf.nn.relu(x)),
    "norm": lambda x: tf.norm(x, axis=-1),
    "norm_of_all": lambda x: tf.norm(x, axis=[1, 2], keepdims=True),
    "top_k": lambda x: tf.math.top_k(x, 2)[0],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name, tmp_path):
    tf_keras.backend.clear_session()
    x = tf_keras.Input((5, 4), name="x")
    model = tf_keras.Model(x, tf_keras.layers.Activation("linear")(FUNCTIONS[name](x)))
    expected = peers.run_model(model, [VALUES])
    model.save(tmp_path / "model.h5")
    for target in ("model.onnx", "back.keras"):
        modelctl.convert(tmp_path / "model.h5", tmp_path / target)
        run = peers.run_onnx if target.endswith("onnx") else peers.run_keras
        peers.compare(run(tmp_path / target, [VALUES]), expected, what=target)


@pytest.mark.parametrize("name", ["ThresholdedReLU", "LocallyConnected1D"])
def test_old_layer(name, tmp_path):
    """Keras 2 reads the `.h5` that is made of its `.keras`."""
    tf_keras.backend.clear_session()
    L = tf_keras.layers
    x = L.Input((5, 4), name="x")
    layer = L.ThresholdedReLU(0.3) if name == "ThresholdedReLU" else L.LocallyConnected1D(2, 3)
    model = seeded.fill_weights(tf_keras.Model(x, layer(x)), name)
    expected = peers.run_model(model, [VALUES])
    model.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "back.h5")
    peers.compare(peers.run_tf_keras(tmp_path / "back.h5", [VALUES]), expected)

"""Layer normalisation of Keras 2, which it spells as batch normalisation of rows, from every format it exports to."""
import keras
import numpy as np
import pytest
import tensorflow as tf
import tf2onnx
import tf_keras

import modelctl
import peers
import seeded

L = tf_keras.layers


def model(name):
    tf_keras.backend.clear_session()
    x = L.Input((5, 6, 4), name="x")
    layer = {
        "plain": lambda: L.LayerNormalization(), "axes": lambda: L.LayerNormalization(axis=(2, 3), epsilon=0.1),
        "no weights": lambda: L.LayerNormalization(center=False, scale=False), "no beta": lambda: L.LayerNormalization(center=False),
    }[name]()
    return seeded.fill_weights(tf_keras.Model(x, L.Dense(3)(L.Flatten()(layer(x)))), name)


def exported(kind, made, path):
    if kind == "onnx":
        tf2onnx.convert.from_keras(made, input_signature=[tf.TensorSpec((None, 5, 6, 4), tf.float32, name="x")], opset=17, output_path=str(path))
    elif kind == "tflite":
        path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(made).convert())
    else:
        made.save(path, save_format="tf")
    return path


@pytest.mark.parametrize("name", ["plain", "axes", "no weights", "no beta"])
def test_is_one_layer(name, tmp_path):
    made = model(name)
    values = [seeded.batch(name, (5, 6, 4))]
    expected = peers.run_model(made, values)
    for kind in ("onnx", "tflite", "saved"):
        modelctl.convert(exported(kind, made, tmp_path / f"model.{kind}"), tmp_path / "back.keras")
        keras.backend.clear_session()
        back = keras.saving.load_model(tmp_path / "back.keras")
        peers.compare(peers.run_model(back, values), expected, what=kind)
        kinds = [type(layer).__name__ for layer in back.layers]
        assert kinds.count("LayerNormalization") == 1 and "BatchNormalization" not in kinds, f"{kind}: {kinds}"
        (layer,) = (layer for layer in back.layers if type(layer).__name__ == "LayerNormalization")
        assert len(layer.weights) == {"plain": 2, "axes": 2, "no weights": 0, "no beta": 1}[name], f"{kind}: {layer.weights}"
        np.testing.assert_allclose(layer.epsilon, 0.1 if name == "axes" else 1e-3, rtol=1e-5)

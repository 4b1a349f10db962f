"""Masks behind merging layers: Keras 2 keeps what all of them keep, Keras 3 what one of them keeps."""
import keras
import numpy as np
import pytest
import tf_keras

import modelctl
import peers
import seeded
import tfjs

TOKENS = [np.array([[1, 2, 0, 3, 0, 0], [4, 0, 5, 6, 7, 8], [1, 0, 0, 0, 0, 2]], "int32"),
          np.array([[1, 0, 2, 3, 0, 4], [4, 3, 5, 0, 0, 0], [0, 0, 3, 1, 2, 2]], "int32")]


def merged(K, name, second=True):
    """Two token sequences, embedded, merged, and read by layers that look at masks."""
    L = K.layers
    a, b = (L.Input((6,), dtype="int32", name=name) for name in ("a", "b"))
    width = 3 if name == "Concatenate" else 4
    left, right = L.Embedding(9, 4, mask_zero=True)(a), L.Embedding(9, width, mask_zero=second)(b)
    h = getattr(L, name)(name=name.lower())([left, right])
    y = L.Bidirectional(L.LSTM(3, return_sequences=True))(L.Dropout(0.1)(h))
    return seeded.fill_weights(K.Model([a, b], [L.GRU(3)(y), L.GlobalAveragePooling1D()(y), L.LSTM(2)(h), h]), name)


@pytest.mark.parametrize("name", ["Concatenate", "Add", "Multiply", "Maximum", "Average"])
def test_keras2(name, tmp_path):
    for second in (True, False):
        tf_keras.backend.clear_session()
        model = merged(tf_keras, name, second)
        expected = peers.run_model(model, TOKENS)
        model.save(tmp_path / "model.h5")
        modelctl.convert(tmp_path / "model.h5", tmp_path / "model.keras")
        keras.backend.clear_session()
        peers.compare(peers.run_keras(tmp_path / "model.keras", TOKENS), expected, what="Keras 2 → .keras")
        modelctl.convert(tmp_path / "model.h5", tmp_path / "model.onnx")
        peers.compare(peers.run_onnx(tmp_path / "model.onnx", TOKENS), expected, what="Keras 2 → ONNX")


def test_keras3(tmp_path):
    model = merged(keras, "Add")
    expected = peers.run_model(model, TOKENS)
    model.save(tmp_path / "model.keras")
    for name in ("model.onnx", "back.h5"):
        modelctl.convert(tmp_path / "model.keras", tmp_path / name)
    peers.compare(peers.run_onnx(tmp_path / "model.onnx", TOKENS), expected)
    peers.compare(peers.run_keras(tmp_path / "back.h5", TOKENS), expected)


@tfjs.needed
def test_javascript(tmp_path):
    """TensorFlow.js merges masks as Keras 2 does: what Keras 3 meant otherwise is refused."""
    L = tf_keras.layers
    tf_keras.backend.clear_session()
    a, b = (L.Input((6,), dtype="int32", name=name) for name in ("a", "b"))
    h = L.Add()([L.Embedding(9, 4, mask_zero=True)(a), L.Embedding(9, 4, mask_zero=True)(b)])
    model = seeded.fill_weights(tf_keras.Model([a, b], L.LSTM(3)(h)), "js")
    model.save(tmp_path / "model.h5")
    modelctl.convert(tmp_path / "model.h5", tmp_path / "layers", "--to", "tfjs-layers")
    peers.compare(tfjs.run_layers(tmp_path / "layers", TOKENS, tmp_path), peers.run_model(model, TOKENS))
    merged(keras, "Add").save(tmp_path / "three.keras")
    modelctl.run("convert", tmp_path / "three.keras", tmp_path / "three", "--to", "tfjs-layers", expect=69)

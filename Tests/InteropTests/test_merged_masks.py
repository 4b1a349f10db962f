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


def masked_steps():
    x = np.random.default_rng(7).normal(size=(3, 6, 4)).astype("float32")
    x[0, 4:], x[1, :2], x[2, 2:4] = 0, 0, 0
    return x


@pytest.mark.parametrize("K", [keras, tf_keras])
def test_unrolled_backwards(K, tmp_path):
    """Keras makes the masked steps of an unrolled loop zero by the mask as it came, also where the loop went backwards."""
    L, x = K.layers, K.Input((6, 4))
    masked = L.Masking()(x)
    both = [L.Bidirectional(layer(3, unroll=True, return_sequences=True), merge_mode=mode)(masked)
            for layer, mode in ((L.LSTM, "concat"), (L.GRU, "mul"))]
    backwards = [layer(2, unroll=True, return_sequences=whole, go_backwards=True)(masked)
                 for layer, whole in ((L.SimpleRNN, True), (L.LSTM, False))]
    model = seeded.fill_weights(K.Model(x, both + backwards), "unrolled")
    expected = peers.run_model(model, [masked_steps()])
    model.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "model.onnx")
    peers.compare(peers.run_onnx(tmp_path / "model.onnx", [masked_steps()]), expected)


def test_operations_look_at_no_mask(tmp_path):
    """What a graph multiplies and averages behind a masked layer counts all steps: the layers of Keras in their place get no mask."""
    x = keras.Input((6, 4))
    y = keras.layers.LSTM(3, return_sequences=True)(keras.layers.Masking()(x))
    gate = keras.ops.sigmoid(keras.ops.matmul(x, seeded.batch("w", (4, 3), 1)[0].astype("float32")))
    model = keras.Model(x, [y * gate, keras.ops.mean(y, axis=1), keras.ops.maximum(y, gate)])
    seeded.fill_weights(model, "gated")
    expected = peers.run_model(model, [masked_steps()])
    model.export(str(tmp_path / "saved"), verbose=False)
    modelctl.convert(tmp_path / "saved", tmp_path / "model.keras")
    back = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert any(isinstance(layer, keras.layers.LSTM) for layer in back.layers)
    peers.compare(peers.run_model(back, [masked_steps()]), expected)

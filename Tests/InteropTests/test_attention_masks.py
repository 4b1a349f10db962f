"""Masks that attention takes: Keras 3's multi-head attention deletes them from the tensors it is called on, Keras 2's does not."""
import keras
import numpy as np
import pytest
import tf_keras

import modelctl
import peers
import seeded

TOKENS = np.array([[1, 2, 0, 3, 0, 0], [4, 0, 5, 6, 7, 8], [1, 0, 0, 0, 0, 2]], "int32")
STATES = np.random.default_rng(5).normal(size=(3, 4, 8)).astype("float32")


def ends(K):
    L = K.layers
    tokens, states = L.Input((6,), dtype="int32", name="tokens"), L.Input((4, 8), name="states")
    return L, tokens, states, L.Embedding(9, 8, mask_zero=True)(tokens)


def decoder(K):
    """Two layers of a decoder over one masked encoder: only the first sees the mask in Keras 3."""
    L, tokens, states, e = ends(K)
    y = states
    for _ in range(2):
        y = L.LayerNormalization()(L.Add()([y, L.MultiHeadAttention(2, 4)(y, e)]))
    return K.Model([tokens, states], y)


def twice(K):
    """Made first, run second: the order is that of the walk from the outputs."""
    L, tokens, states, e = ends(K)
    first = L.MultiHeadAttention(2, 4)(e, e)
    second = L.MultiHeadAttention(2, 3)(e, e)
    return K.Model([tokens, states], [second, first, L.GlobalAveragePooling1D()(first), L.Dense(2)(states)])


def read_after(K):
    """What reads the mask when it is gone: sums hand on none, a layer called on the tensor alone noted it before."""
    L, tokens, states, e = ends(K)
    y = L.MultiHeadAttention(2, 4)(states, e)
    summed = L.Add()([L.UnitNormalization()(e), L.Dense(8)(e)])
    return K.Model([tokens, states], [y, L.LSTM(3)(e), L.GlobalAveragePooling1D()(e), L.GRU(2)(summed)])


def same_object(K):
    """Dropout gives back the very tensor in inference; so what it gives is without its mask too."""
    L, tokens, states, e = ends(K)
    d = L.Dropout(0.1)(e)
    y = L.MultiHeadAttention(2, 4)(states, d)
    return K.Model([tokens, states], [L.MultiHeadAttention(2, 3)(y, e), L.MultiHeadAttention(2, 5)(y, d)])


def inner_model(K):
    """A model inside takes masks from the tensors it is called on."""
    L, tokens, states, e = ends(K)
    a, b = L.Input((4, 8)), L.Input((6, 8))
    inner = K.Model([a, b], L.Add()([a, L.MultiHeadAttention(2, 4)(a, b)]), name="inner")
    y = inner([states, e])
    return K.Model([tokens, states], L.MultiHeadAttention(2, 4)(y, e))


def masked_model(K):
    """A model inside, called on one masked tensor."""
    L, tokens, states, e = ends(K)
    x = L.Input((6, 8))
    inner = K.Model(x, L.MultiHeadAttention(2, 4)(x, x), name="inner")
    return K.Model([tokens, states], [inner(e), L.MultiHeadAttention(2, 4)(states, e), L.LSTM(2)(inner(e))])


def reordered(K):
    """Tensors by keyword: Keras walks these by name, which tells who attends first."""
    L, tokens, states, e = ends(K)
    a = L.MultiHeadAttention(2, 4)(states, e)
    b = L.MultiHeadAttention(2, 3)(states, e)
    return K.Model([tokens, states], L.MultiHeadAttention(2, 4)(query=a, key=b, value=L.Activation("tanh")(states)))


def by_keyword(K):
    """Widths by name, not by place."""
    L, tokens, states, e = ends(K)
    narrow = L.Dense(5)(states)
    return K.Model([tokens, states], [L.MultiHeadAttention(2, 4)(query=e, key=states, value=narrow),
                                      L.MultiHeadAttention(2, 4)(value=narrow, query=states, key=L.Dense(3)(states))])


MODELS = [decoder, twice, read_after, same_object, inner_model, masked_model, reordered, by_keyword]


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_keras3(make, tmp_path):
    keras.backend.clear_session()
    model = seeded.fill_weights(make(keras), make.__name__)
    expected = peers.run_model(model, [TOKENS, STATES])
    model.save(tmp_path / "model.keras")
    for source, target in (("model.keras", "model.onnx"), ("model.keras", "back.keras"), ("model.keras", "back.h5"),
                           ("back.h5", "second.onnx"), ("model.onnx", "lifted.keras")):
        modelctl.convert(tmp_path / source, tmp_path / target)
        run = peers.run_onnx if target.endswith("onnx") else peers.run_keras
        peers.compare(run(tmp_path / target, [TOKENS, STATES]), expected, what=f"{source} → {target}")


@pytest.mark.parametrize("make", [decoder, twice, read_after, same_object, inner_model], ids=lambda make: make.__name__)
def test_keras2(make, tmp_path):
    tf_keras.backend.clear_session()
    model = seeded.fill_weights(make(tf_keras), make.__name__)
    expected = peers.run_model(model, [TOKENS, STATES])
    model.save(tmp_path / "model.h5")
    for name in ("model.onnx", "model.keras"):
        modelctl.convert(tmp_path / "model.h5", tmp_path / name)
        run = peers.run_onnx if name.endswith("onnx") else peers.run_keras
        peers.compare(run(tmp_path / name, [TOKENS, STATES]), expected, what=f"Keras 2 → {name}")


def test_copied_first(tmp_path):
    """An attention that works in another dtype casts its inputs, and takes the mask from the copy."""
    keras.backend.clear_session()
    L, tokens, states, e = ends(keras)
    half = keras.DTypePolicy("mixed_float16")
    y = L.MultiHeadAttention(2, 4, dtype=half)(states, e)
    y = L.MultiHeadAttention(2, 4)(L.Activation("linear", dtype="float32")(y), e)
    model = seeded.fill_weights(keras.Model([tokens, states], L.MultiHeadAttention(2, 4)(y, e)), "copied")
    expected = peers.run_model(model, [TOKENS, STATES])
    model.save(tmp_path / "model.keras")
    for name in ("model.onnx", "back.keras"):
        modelctl.convert(tmp_path / "model.keras", tmp_path / name)
        run = peers.run_onnx if name.endswith("onnx") else peers.run_keras
        peers.compare(run(tmp_path / name, [TOKENS, STATES]), expected, (1e-2, 1e-2), what=name)


@pytest.mark.parametrize("name", ["query_mask", "value_mask", "key_mask"])
def test_masks_as_arguments(name, tmp_path):
    """A query's mask as an argument has no effect; a key's has one, though the key is left out."""
    keras.backend.clear_session()
    L = keras.layers
    length = 4 if name == "query_mask" else 5
    query, value = L.Input((4, 8), name="query"), L.Input((5, 8), name="value")
    mask = L.Input((length,), dtype="bool", name="mask")
    y = L.MultiHeadAttention(2, 4)(query, value, **{name: mask})
    z = L.GroupQueryAttention(4, 4, 2)(query, value, **{name: mask})
    model = seeded.fill_weights(keras.Model([query, value, mask], [y, z]), name)
    values = [STATES, np.random.default_rng(2).normal(size=(3, 5, 8)).astype("float32"),
              np.random.default_rng(3).random((3, length)) > 0.5]
    expected = peers.run_model(model, values)
    model.save(tmp_path / "model.keras")
    for target in ("model.onnx", "back.keras"):
        modelctl.convert(tmp_path / "model.keras", tmp_path / target)
        run = peers.run_onnx if target.endswith("onnx") else peers.run_keras
        peers.compare(run(tmp_path / target, values), expected, what=target)


@pytest.mark.parametrize("K", [keras, tf_keras], ids=["keras", "tf_keras"])
@pytest.mark.parametrize("name", ["LSTM", "GRU", "SimpleRNN", "RNN"])
def test_zeros_for_masked_steps(name, K, tmp_path):
    K.backend.clear_session()
    L = K.layers
    x = L.Input((6, 3), name="x")
    h = L.Masking(0.0)(x)
    options = {"return_sequences": True, "zero_output_for_mask": True}
    h = L.RNN(L.GRUCell(4), **options)(h) if name == "RNN" else getattr(L, name)(4, **options)(h)
    last = getattr(L, name)(2, zero_output_for_mask=True)(h) if name != "RNN" else L.Dense(2)(h)
    model = seeded.fill_weights(K.Model(x, [h, last, L.Bidirectional(L.LSTM(2, zero_output_for_mask=True))(h)]), name)
    values = np.random.default_rng(0).normal(size=(3, 6, 3)).astype("float32")
    values[0, 3:], values[1, :2] = 0, 0
    expected = peers.run_model(model, [values])
    source = "model.keras" if K is keras else "model.h5"
    model.save(tmp_path / source)
    for target in ("model.onnx", "back.keras", "back.h5"):
        modelctl.convert(tmp_path / source, tmp_path / target)
        # What Keras 2 says in its own file (`time_major`) Keras 3 may not take.
        if K is tf_keras and target == "back.h5":
            continue
        run = peers.run_onnx if target.endswith("onnx") else peers.run_keras
        peers.compare(run(tmp_path / target, [values]), expected, what=target)
    peers.compare(peers.run_tf_keras(tmp_path / "back.h5", [values]), expected, what="Keras 2")

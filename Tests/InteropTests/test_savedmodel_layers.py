"""SavedModels with Keras metadata: tf_keras brings the layers back, TensorFlow the checkpoint."""
import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import modelctl
import peers

K = keras.layers


def functional():
    a, b = keras.Input((4,), name="z"), keras.Input((4,), name="a")
    x = K.Add()([K.Dense(5, activation="relu", name="d1")(a), K.Dense(5, name="d2")(b)])
    x = K.BatchNormalization(name="bn")(x)
    return keras.Model([a, b], [K.Dense(2, name="q")(x), K.Dense(3, name="b")(x)])


def attention():
    a, b = keras.Input((5, 4), name="a"), keras.Input((6, 4), name="b")
    x = K.MultiHeadAttention(2, 3, name="heads")(a, b)
    x = K.Attention(use_scale=True, name="scaled")([x, b])
    return keras.Model([a, b], K.Dense(3, name="d")(K.AdditiveAttention(name="added")([x, b])))


def adapted():
    layer = K.Normalization(axis=-1, name="adapted")
    layer.adapt(np.random.default_rng(4).normal([0.3, -1.0, 2.0], [0.5, 1.5, 1.0], (20, 3)).astype("float32"))
    return keras.Sequential([keras.Input((3,)), layer, K.Dense(2)])


MODELS = {
    "adapted": (adapted, [(4, 3)]),
    "functional": (functional, [(3, 4), (3, 4)]),
    "convolutions": (
        lambda: keras.Sequential(
            [keras.Input((8, 8, 3)), K.Conv2D(4, 3), K.DepthwiseConv2D(3), K.SeparableConv2D(3, 2), K.GlobalAveragePooling2D(), K.Dense(2)]
        ),
        [(2, 8, 8, 3)],
    ),
    "recurrent": (
        lambda: keras.Sequential([keras.Input((5, 3)), K.Bidirectional(K.LSTM(4, return_sequences=True)), K.GRU(3), K.Dense(2)]),
        [(2, 5, 3)],
    ),
    "attention": (attention, [(2, 5, 4), (2, 6, 4)]),
    "cells and wrappers": (
        lambda: keras.Sequential([
            keras.Input((5, 6, 3)), K.ConvLSTM1D(4, 2, return_sequences=True), K.TimeDistributed(K.DepthwiseConv1D(2)), K.Reshape((5, 16)),
            K.EinsumDense("abc,cd->abd", output_shape=(None, 6), bias_axes="d"), K.Normalization(mean=0.5, variance=2.0),
            K.RNN([K.GRUCell(5), K.LSTMCell(3)]), K.Dense(2)
        ]),
        [(2, 5, 6, 3)],
    ),
    "nested": (
        lambda: keras.Sequential(
            [keras.Input((4,)), keras.Sequential([keras.Input((4,)), K.Dense(3), K.LayerNormalization()]), K.Dropout(0.5), K.Dense(2)]
        ),
        [(2, 4)],
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_keras2_brings_layers_back(name, tmp_path):
    keras.utils.set_random_seed(3)
    make, shapes = MODELS[name]
    model, rng = make(), np.random.default_rng(1)
    inputs = [rng.normal(size=shape).astype("float32") for shape in shapes]
    expected = peers.run_model(model, inputs)
    model.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "saved", "--to", "savedmodel")
    back = tf_keras.models.load_model(str(tmp_path / "saved"))
    kinds = [type(layer).__name__ for layer in model.layers]
    assert [type(layer).__name__ for layer in back.layers] == kinds
    assert len(back.trainable_weights) == len(model.trainable_weights)
    peers.compare(peers.run_model(back, inputs), expected, what="load_model")
    checkpoint = tf.train.load_checkpoint(str(tmp_path / "saved/variables/variables"))
    assert sum(key.endswith("VARIABLE_VALUE") for key in checkpoint.get_variable_to_shape_map()) >= len(model.weights)


L = tf_keras.layers


def masked():
    return tf_keras.Sequential([
        L.Input((None, 3)), L.Masking(0.0), L.Bidirectional(L.LSTM(4, return_sequences=True)), L.GRU(3), L.Dropout(0.5), L.Dense(2)
    ])


def of_two():
    z, a = L.Input((4,), name="z"), L.Input((4,), name="a")
    inner = tf_keras.Model([z, a], L.Dense(3)(L.Add()([z, a])))
    i, j = L.Input((4,), name="i"), L.Input((4,), name="h")
    return tf_keras.Model([i, j], [inner([i, j]), L.Dense(2)(inner([j, i]))])


def compiled():
    model = tf_keras.Sequential([L.Input((4,)), L.Dense(3, activation="relu"), L.BatchNormalization()])
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.ones((4, 4)), np.ones((4, 3)), verbose=0)
    return model


def pictures():
    return tf_keras.Sequential([
        L.Input((4, 6, 6, 2)), L.ConvLSTM2D(3, 3), L.Conv2D(3, 2), L.RandomFlip(), L.Rescaling(0.5), L.Flatten()
    ])


SAVED = {
    "masked": (masked, [(2, 5, 3)]), "two inputs": (of_two, [(2, 4), (2, 4)]), "compiled": (compiled, [(3, 4)]),
    "pictures": (pictures, [(2, 4, 6, 6, 2)]),
}


@pytest.mark.parametrize("name", SAVED)
def test_saved_layers_stay_layers(name, tmp_path):
    """A SavedModel of Keras 2 has its layers as `.keras`, and as a SavedModel made of that."""
    tf_keras.utils.set_random_seed(3)
    make, shapes = SAVED[name]
    model, rng = make(), np.random.default_rng(1)
    for weight in model.weights:
        if weight.dtype.is_floating and not ("variance" in weight.name or weight.name.startswith("mean")):
            weight.assign(weight + rng.normal(0, 0.1, weight.shape))
    inputs = [rng.normal(size=shape).astype("float32") for shape in shapes]
    if name == "masked":
        inputs[0][0, 3:] = 0
    expected = peers.run_model(model, inputs)
    model.save(tmp_path / "saved")
    modelctl.convert(tmp_path / "saved", tmp_path / "model.keras")
    peers.compare(peers.run_keras(tmp_path / "model.keras", inputs), expected, what="Keras 3")
    report = modelctl.convert(tmp_path / "model.keras", tmp_path / "again", "--to", "savedmodel")
    assert not [note for note in report["notes"] if note.startswith("layers")], report["notes"]
    back = tf_keras.models.load_model(tmp_path / "again")
    assert [type(layer).__name__ for layer in back.layers] == [type(layer).__name__ for layer in model.layers]
    assert len(back.trainable_weights) == len(model.trainable_weights)
    peers.compare(peers.run_model(back, inputs), expected, what="Keras 2")
    if model.optimizer:
        assert type(back.optimizer).__name__ == "Adam" and back.loss.__name__ == "mean_squared_error"
    if name == "masked":
        modelctl.convert(tmp_path / "saved", tmp_path / "model.tflite")

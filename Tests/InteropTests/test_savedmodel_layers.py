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


MODELS = {
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

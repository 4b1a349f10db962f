"""SavedModels written from layers can be trained further: TensorFlow's tape reaches every variable that training changes."""
import keras
import numpy as np
import pytest
import tensorflow as tf

import modelctl

K = keras.layers

LAYERS = {
    "lstm": lambda: [K.LSTM(4, return_sequences=True)],
    "gru": lambda: [K.GRU(4)],
    "simple rnn backwards": lambda: [K.SimpleRNN(4, go_backwards=True)],
    "bidirectional": lambda: [K.Bidirectional(K.LSTM(3))],
    "unrolled": lambda: [K.LSTM(4, unroll=True)],
    "conv 1d": lambda: [K.Conv1D(3, 2), K.Conv1D(3, 2, padding="causal")],
    "depthwise and separable 1d": lambda: [K.DepthwiseConv1D(3), K.SeparableConv1D(3, 2)],
    "depthwise and separable": lambda: [K.Reshape((6, 2, 2)), K.DepthwiseConv2D((2, 1), depth_multiplier=2), K.SeparableConv2D(3, (2, 1))],
    "transposed": lambda: [K.Conv1DTranspose(3, 2)],
    "attention": lambda: [K.EinsumDense("abc,cd->abd", output_shape=(6, 6), bias_axes="d"), K.LayerNormalization()],
}


@pytest.mark.parametrize("name", LAYERS)
def test_every_variable_is_reached(name, tmp_path):
    keras.utils.set_random_seed(11)
    model = keras.Sequential([keras.Input((6, 4), name="x"), *LAYERS[name](), K.Flatten(), K.Dense(2)])
    for variable in model.variables:
        variable.assign(np.asarray(variable) + np.random.default_rng(3).normal(scale=0.1, size=variable.shape))
    model.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "saved", "--to", "savedmodel")
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    rng = np.random.default_rng(5)
    x = tf.constant(rng.normal(size=(3, 6, 4)).astype("float32"))

    def loss():
        return sum(tf.reduce_sum(value**2) for value in loaded.signatures["serving_default"](x=x).values())

    with tf.GradientTape() as tape:
        value = loss()
    variables = loaded.trainable_variables
    gradients = tape.gradient(value, variables)
    assert sum(int(np.prod(v.shape)) for v in variables) >= sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    for variable, gradient in zip(variables, gradients):
        assert gradient is not None, variable.name
        start, along = variable.numpy(), rng.normal(size=variable.shape).astype("float32")
        step = 1e-2 / np.linalg.norm(along)
        variable.assign(start + step * along)
        above = float(loss())
        variable.assign(start - step * along)
        below = float(loss())
        variable.assign(start)
        # Central differences of float32 losses: about three digits.
        found, expected = float(tf.reduce_sum(gradient * along)), (above - below) / (2 * step)
        assert found == pytest.approx(expected, rel=1e-2, abs=1e-2 * max(1.0, float(tf.norm(gradient)))), variable.name

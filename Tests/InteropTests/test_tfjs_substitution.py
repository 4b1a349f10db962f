"""What TensorFlow.js has no layer for, said by several that it has: the results are those of Keras, and come back."""
import keras
import numpy as np
import pytest

import modelctl
import peers
import seeded
import tfjs
import tfjs_attention_cases
import zoo

pytestmark = tfjs.needed

layers, ops = keras.layers, keras.ops
ROW = np.array([1.0, 2.0, 3.0], "float32")
ACTIVATIONS = ["hard_silu", "hard_sigmoid", "hard_tanh", "log_sigmoid", "tanh_shrink", "soft_shrink", "celu", "relu6", "leaky_relu", "mish"]

#: Name → what the model gives, and the shapes of its inputs.
CASES = {
    "activations": (lambda x: [layers.Activation(name)(x) for name in ACTIVATIONS] + [
        layers.Dense(3, activation="hard_silu")(x), layers.ReLU(max_value=4, negative_slope=0.1)(x), layers.ReLU(negative_slope=0.1)(x),
        layers.ELU(0.7)(x)], (6,)),
    "squeeze and excite": (lambda x: layers.Multiply()([x, layers.Conv2D(3, 1, activation="hard_sigmoid")(layers.Conv2D(
        2, 1, activation="relu")(layers.GlobalAveragePooling2D(keepdims=True)(x)))]), (6, 5, 3)),
    "arithmetic": (lambda a, b: [
        a + b, a - b, a * b, ops.maximum(a, b), ops.minimum(a, b), a + 1.5, 1.5 - a, a * 0.3, a / 4.0, ops.maximum(a, 0.2),
        ops.minimum(a, 0.2), -a, ops.square(a), a**2, ops.clip(a, -0.3, 0.5), ops.relu(a), ops.gelu(a, True), ops.gelu(a, False),
        ops.concatenate([a, b], -1), ops.softmax(a, -1), ops.softmax(a, 1), a * ROW, a + ROW, a / ROW, a - ROW], (4, 3), (4, 3)),
    "shapes": (lambda x: [
        ops.reshape(x, (-1, 12)), ops.transpose(x, (0, 2, 1)), ops.expand_dims(x, 1), ops.squeeze(ops.expand_dims(x, -1), -1),
        ops.mean(x, axis=1), ops.max(x, axis=1, keepdims=True), ops.matmul(x, np.ones((3, 2), "float32")),
        ops.matmul(x, ops.transpose(x, (0, 2, 1)))], (4, 3)),
    "images": (lambda x: [
        ops.mean(x, axis=(1, 2)), ops.mean(x, axis=[1, 2], keepdims=True), layers.GlobalMaxPooling2D(keepdims=True)(x),
        layers.BatchNormalization(axis=1)(x), layers.Softmax(axis=1)(x), layers.Conv2D(6, 3, groups=3, activation="hard_silu")(x),
        layers.Rescaling([1.0, 2.0, 3.0], [0.0, 1.0, 2.0])(x)], (6, 5, 3)),
    "differences": (lambda a, b: [layers.Subtract()([a, b]), layers.Dense(2)(layers.Subtract()([a, b]))], (4,), (4,)),
    "normalization": (lambda x: [
        layers.Normalization(mean=ROW, variance=[1.0, 2.0, 4.0])(x), layers.Normalization(mean=1.0, variance=4.0, axis=None)(x),
        layers.Normalization(mean=ROW, variance=[1.0, 2.0, 4.0], invert=True)(x)], (4, 3)),
    "sequences": (lambda x: [
        layers.Conv1D(4, 3, padding="causal", dilation_rate=2, activation="hard_silu")(x), layers.ZeroPadding1D((1, 2))(x),
        layers.Cropping1D((1, 1))(x), layers.UpSampling1D(2)(x),
        layers.DepthwiseConv1D(3, 2, padding="same", depth_multiplier=2, activation="relu")(x),
        layers.SeparableConv1D(4, 3, depth_multiplier=2, activation="tanh")(x),
        layers.Conv1DTranspose(4, 3, strides=2, padding="same", activation="elu")(x)], (8, 3)),
    "open sequences": (lambda x: [
        layers.Conv1D(4, 3, padding="causal")(x), layers.ZeroPadding1D((1, 2))(x), ops.expand_dims(x, 1)], (None, 3)),
    "volumes": (lambda x: [layers.GlobalAveragePooling3D()(x), layers.GlobalMaxPooling3D(keepdims=True)(x)], (4, 3, 5, 2)),
}


def shared(a, b):
    """A layer that is called twice loses its activation once, and keeps its weights."""
    inner = layers.Input((4,))
    block = keras.Model(inner, layers.Dense(4, activation="hard_tanh")(inner) * 2.0 + inner)
    dense = layers.Dense(4, activation="hard_silu", name="twice")
    return [layers.Dense(2)(dense(a) - dense(b)), dense(a + 1.0), block(a) - block(block(b))]


CASES["shared"] = (shared, (4,), (4,))
CASES |= tfjs_attention_cases.CASES


@pytest.mark.parametrize("name", CASES)
def test_substitution(name, tmp_path):
    build, *shapes = CASES[name]
    keras.backend.clear_session()
    inputs = [layers.Input(shape, name=f"in{index}") for index, shape in enumerate(shapes)]
    model = seeded.fill_weights(keras.Model(inputs, build(*inputs)), name)
    values = list(zoo.feeds(zoo.Entry(name, build), model).values())
    expected = peers.run_model(model, values)
    model.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "layers", "--to", "tfjs-layers")
    peers.compare(tfjs.run_layers(tmp_path / "layers", values, tmp_path), expected, what="keras → tfjs-layers")
    modelctl.convert(tmp_path / "layers", tmp_path / "back.keras")
    peers.compare(peers.run_keras(tmp_path / "back.keras", values), expected, what="tfjs-layers → keras")

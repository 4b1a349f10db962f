"""TensorFlow functions between Keras 2's layers, and layers only Keras 2 has, as they are written again."""
import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import litert
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


NUMBERS = np.random.default_rng(5)


def weights(*shape):
    return tf.constant(NUMBERS.normal(size=shape).astype("float32"))


#: Functions of sequences, images and integers: each group is one model.
GROUPS = {
    "shapes": (VALUES, [
        lambda x: tf.reshape(x, [tf.shape(x)[0], -1]), lambda x: tf.reshape(x, tf.concat([tf.shape(x)[:1], [2, 10]], 0)),
        lambda x: tf.tile(weights(1, 5, 4), [tf.shape(x)[0], 1, 1]) + x, lambda x: tf.broadcast_to(weights(1, 5, 4), tf.shape(x)) * x,
        lambda x: tf.zeros([tf.shape(x)[0], 2]) + x[:, 0, :2], lambda x: tf.fill([tf.shape(x)[0], 2], 3.0) + x[:, 0, :2],
        lambda x: tf.cast(tf.range(tf.shape(x)[1]), tf.float32)[:, None] + x, lambda x: tf.slice(x, [0, 1, 0], [-1, 3, 2]),
        lambda x: tf.strided_slice(x, [0, 1, 0], [3, 5, 4], [1, 2, 1]), lambda x: tf.ensure_shape(x, [None, 5, 4]) * 2,
        lambda x: tf.repeat(x, [1, 2, 1, 1, 1], axis=1), lambda x: tf.roll(x, [-1, 1], [1, 2]),
    ]),
    "arithmetic": (VALUES, [
        lambda x: tf.math.add_n([x, x * 2, x * 3]), lambda x: tf.math.xlogy(tf.nn.relu(x), x * x + 1), lambda x: tf.math.log_sigmoid(x),
        lambda x: tf.nn.crelu(x), lambda x: tf.math.atan2(x, x + 1), lambda x: tf.math.asinh(x) + tf.math.acosh(x * x + 1),
        lambda x: tf.clip_by_norm(x, 1.0, axes=[-1]), lambda x: tf.norm(x, ord=1, axis=-1), lambda x: tf.norm(x, ord=np.inf, axis=1),
        lambda x: tf.cumsum(x, 1, exclusive=True, reverse=True), lambda x: tf.math.cumprod(x, 1), lambda x: tf.math.erfc(x),
        lambda x: tf.linalg.normalize(x, axis=-1)[0], lambda x: tf.math.reduce_euclidean_norm(x, 1), lambda x: x // 0.5,
        lambda x: tf.nn.l2_normalize(x * 0.3, axis=1, epsilon=0.5), lambda x: tf.nn.silu(x, beta=1.7), lambda x: tf.nn.silu(x),
    ]),
    "order": (VALUES, [
        lambda x: tf.sort(x, axis=1, direction="DESCENDING"), lambda x: tf.cast(tf.argsort(x, axis=1), tf.float32),
        lambda x: tf.gather(x, tf.argsort(x[:, :, 0], axis=1), batch_dims=1),
        lambda x: tf.linalg.band_part(tf.matmul(x, x, transpose_b=True), 1, 2), lambda x: tf.linalg.diag(x[:, 0]),
        lambda x: tf.linalg.diag_part(tf.matmul(x, x, transpose_b=True)), lambda x: tf.linalg.matrix_transpose(x),
        lambda x: tf.tensordot(x, weights(4, 3), axes=1),
        lambda x: tf.sequence_mask(tf.cast(x[:, 0, 0] * 0 + 3, tf.int32), 5, dtype=tf.float32)[:, :, None] * x,
    ]),
    "windows": (VALUES, [
        lambda x: tf.nn.conv1d(x, weights(3, 4, 5), 2, "SAME"), lambda x: tf.nn.max_pool1d(x, 2, 2, "VALID"),
        lambda x: tf.nn.avg_pool1d(x, 3, 1, "SAME"),
    ]),
    "images": (np.random.default_rng(8).normal(size=(2, 8, 6, 4)).astype("float32"), [
        lambda x: tf.nn.depth_to_space(x, 2), lambda x: tf.nn.space_to_depth(x, 2), lambda x: tf.nn.conv2d(x, weights(3, 3, 4, 5), 2, "SAME"),
        lambda x: tf.nn.conv2d(x, weights(3, 3, 4, 5), 1, "VALID", dilations=2),
        lambda x: tf.nn.conv2d(x, weights(3, 3, 4, 5), 1, [[0, 0], [1, 0], [2, 1], [0, 0]]),
        lambda x: tf.nn.depthwise_conv2d(x, weights(3, 3, 4, 2), [1, 1, 1, 1], "SAME"),
        lambda x: tf.nn.avg_pool2d(x, 3, 2, "SAME"),
        lambda x: tf.nn.conv2d_transpose(x, weights(3, 2, 5, 4), tf.stack([tf.shape(x)[0], 16, 18, 5]), [1, 2, 3, 1]),
        lambda x: tf.nn.conv2d_transpose(x, weights(2, 4, 5, 4), [tf.shape(x)[0], 16, 14, 5], 2, "VALID"),
        lambda x: tf.image.resize(x, (tf.shape(x)[1] * 2, tf.shape(x)[2] * 2)), lambda x: tf.image.resize(x, (4, 3), method="area"),
        lambda x: tf.compat.v1.image.resize_bilinear(x, (16, 12), align_corners=True), lambda x: tf.image.rot90(x),
        lambda x: tf.image.resize_with_pad(x, 12, 16), lambda x: tf.image.resize_with_crop_or_pad(x, 5, 9),
        lambda x: tf.image.central_crop(x, 0.5), lambda x: tf.image.per_image_standardization(x), lambda x: tf.image.flip_left_right(x),
        lambda x: tf.image.adjust_contrast(x, 1.5), lambda x: tf.image.extract_patches(x, [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID"),
        lambda x: tf.nn.local_response_normalization(x, depth_radius=1, alpha=0.5),
    ]),
    "integers": (np.random.default_rng(9).integers(0, 6, size=(3, 6)).astype("int32"), [
        lambda x: tf.one_hot(x, 6, on_value=0.9, off_value=0.1, axis=1),
        lambda x: tf.cast(tf.bitwise.bitwise_and(x, 3), tf.float32), lambda x: tf.cast(x // 2 + x % 2, tf.float32),
        lambda x: tf.sequence_mask(x[:, 0], 6, dtype=tf.float32),
    ]),
}


@pytest.mark.parametrize("group", GROUPS)
def test_functions(group, tmp_path):
    """In ONNX Runtime, in Keras 3, and written again for Keras 2."""
    tf_keras.backend.clear_session()
    values, functions = GROUPS[group]
    x = tf_keras.Input(values.shape[1:], name="x", dtype=values.dtype.name)
    linear = tf_keras.layers.Activation("linear")
    model = tf_keras.Model(x, [linear(function(x)) for function in functions])
    expected = [np.asarray(y) for y in model(tf.constant(values))]
    model.save(tmp_path / "model.keras")
    runs = {
        "model.onnx": lambda path: peers.onnx_session(path).run(None, {"x": values}), "back.keras": lambda path: keras.models.load_model(path)(values),
        "back.h5": lambda path: tf_keras.models.load_model(path, compile=False)(tf.constant(values)),
    }
    for target, run in runs.items():
        modelctl.convert(tmp_path / "model.keras", tmp_path / target)
        found = run(tmp_path / target)
        assert len(found) == len(expected)
        for place, (a, b) in enumerate(zip(found, expected)):
            assert np.asarray(a).dtype == b.dtype and np.shape(a) == b.shape, (target, place)
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5, err_msg=f"{target}: function {place}")


def test_rows_of_zeros_in_tflite(tmp_path):
    """LiteRT's default for floats takes the reciprocal root of 0 for NaN, which a bound behind the root does not catch."""
    tf_keras.backend.clear_session()
    x = tf_keras.Input((5, 4), name="x")
    tf_keras.Model(x, [tf.nn.l2_normalize(x, axis=-1), tf_keras.layers.UnitNormalization()(x)]).save(tmp_path / "model.h5")
    values = VALUES * (np.arange(5) != 2)[:, None].astype("float32")
    expected = values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), 1e-6)
    modelctl.convert(tmp_path / "model.h5", tmp_path / "model.tflite")
    for found in litert.run(tmp_path / "model.tflite", [values], litert.DELEGATED):
        peers.compare([found], [expected])


def test_stays_of_keras2(tmp_path):
    """Functions beside an attention, whose shapes Keras 2 wants; a nested model called twice; a constant as a layer's input."""
    L = tf_keras.layers
    tf_keras.backend.clear_session()
    inner = L.Input((5, 4))
    h = tf.nn.relu(inner)
    block = tf_keras.Model(inner, L.MultiHeadAttention(2, 3)(h, h) + h, name="block")
    x = L.Input((5, 4), name="x")
    h = block(block(x)) + L.Embedding(5, 4)(tf.range(0, 5))
    a, b = tf.split(L.Dense(6)(h), 2, axis=-1)
    model = seeded.fill_weights(tf_keras.Model(x, tf.where(a > 0, a, b)[:, 1:]), "stays")
    expected = peers.run_model(model, [VALUES])
    model.save(tmp_path / "model.keras")
    notes = modelctl.convert(tmp_path / "model.keras", tmp_path / "back.h5")["notes"]
    assert any("stays one of Keras 2" in note for note in notes), notes
    modelctl.convert(tmp_path / "back.h5", tmp_path / "again.h5")
    again = tf_keras.models.load_model(tmp_path / "again.h5", compile=False)
    peers.compare(peers.run_model(again, [VALUES]), expected)
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    for ours, theirs in zip(again.get_weights(), model.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


def test_no_word_in_keras3(tmp_path):
    """An archive of Keras 2 stays one where Keras 3 can't say it; a list of weights becomes none."""
    tf_keras.backend.clear_session()
    x = tf_keras.Input((8, 8, 2), name="x")
    h = tf.nn.dilation2d(tf_keras.layers.Conv2D(2, 3)(x), weights(3, 3, 2), [1, 1, 1, 1], "SAME", "NHWC", [1, 1, 1, 1])
    model = seeded.fill_weights(tf_keras.Model(x, h), "dilation")
    image = np.random.default_rng(1).normal(size=(2, 8, 8, 2)).astype("float32")
    expected = peers.run_model(model, [image])
    model.save(tmp_path / "model.keras")
    model.save(tmp_path / "model.h5")
    for target in ("same.keras", "back.h5"):
        modelctl.run("convert", tmp_path / "model.keras", tmp_path / target, "--no-verify")
        peers.compare(peers.run_tf_keras(tmp_path / target, [image]), expected, what=target)
    with pytest.raises(modelctl.Failed) as failure:
        modelctl.convert(tmp_path / "model.h5", tmp_path / "no.keras")
    assert failure.value.code == 69 and "dilation2d" in failure.value.errors and not (tmp_path / "no.keras").exists()


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

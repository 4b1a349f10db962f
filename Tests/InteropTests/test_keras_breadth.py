"""Layers and precisions of Keras 3 beyond the list of `layer_cases`: one model for each group, in every direction it has."""
import keras
import numpy as np
import onnx
import pytest

import litert
import modelctl
import peers
import savedmodels
import seeded

L = keras.layers


def quantised():
    """Dense, EinsumDense and Embedding in int8, with inputs quantised in every call and without."""
    tokens = L.Input((6,), dtype="int32", name="tokens")
    x = L.EinsumDense("abc,cd->abd", output_shape=(6, 5), bias_axes="d", activation="relu")(L.Embedding(9, 8)(tokens))
    x = L.EinsumDense("abc,bcde->ade", output_shape=(2, 3))(x)
    model = keras.Model(tokens, L.Dense(4)(L.Dense(7, activation="tanh")(L.Flatten()(x))))
    seeded.fill_weights(model, "quantised")
    model.quantize("int8")
    return model


def halved(block):
    """The same in four bits, two to a byte, odd numbers of columns too: scales for each output, or for groups of inputs."""
    def build():
        tokens = L.Input((6,), dtype="int32", name="tokens")
        x = L.EinsumDense("abc,cd->abd", output_shape=(6, 5), bias_axes="d", activation="relu")(L.Embedding(9, 7)(tokens))
        x = L.EinsumDense("abc,bcde->ade", output_shape=(2, 3))(x)
        model = keras.Model(tokens, L.Dense(3, use_bias=False)(L.Dense(7, activation="tanh")(L.Flatten()(x))))
        seeded.fill_weights(model, "halved")
        model.quantize(config=keras.quantizers.Int4QuantizationConfig(block_size=block))
        return model
    return build


def spectral():
    signal = L.Input((256,), name="signal")
    mel = L.MelSpectrogram(fft_length=64, sequence_stride=16, sequence_length=48, num_mel_bins=8, sampling_rate=1600, max_freq=700)(signal)
    plain = L.MelSpectrogram(fft_length=64, sequence_stride=32, window="hamming", num_mel_bins=6, power_to_db=False, mag_exp=1.0)(signal)
    return keras.Model(signal, [mel, plain])


def images():
    image = L.Input((6, 7, 3), name="image")
    x = L.Pipeline([L.Rescaling(0.5), L.RandomFlip(), L.CenterCrop(4, 4)])(L.AutoContrast(value_range=(-4, 4))(image))
    return keras.Model(image, x)


def channels_first():
    image = L.Input((2, 5, 4), name="image")
    return keras.Model(image, L.UpSampling2D((2, 3), data_format="channels_first", interpolation="bilinear")(image))


def mixed(policy):
    def build():
        keras.config.set_dtype_policy(policy)
        try:
            image = L.Input((8, 8, 3), name="image")
            x = L.MaxPooling2D()(L.BatchNormalization()(L.Conv2D(4, 3, activation="relu")(image)))
            return seeded.fill_weights(keras.Model(image, L.Dense(3, dtype="float32")(L.Flatten()(x))), policy)
        finally:
            keras.config.set_dtype_policy("float32")
    return build


#: Rounded to eight or eleven bits after each step, whose order formats differ in.
COARSE = (2e-2, 2e-2)
CASES = [
    ("quantised", quantised, (1e-5, 1e-4)),
    ("four bits in groups", halved(4), (1e-5, 1e-4)),
    ("four bits", halved(None), (1e-5, 1e-4)),
    # Transforms and logarithms of small powers.
    ("spectral", spectral, (1e-3, 1e-3)),
    ("images", images, (1e-5, 1e-4)),
    ("channels first", channels_first, (1e-5, 1e-4)),
    ("mixed_float16", mixed("mixed_float16"), COARSE),
    ("mixed_bfloat16", mixed("mixed_bfloat16"), COARSE),
]


@pytest.mark.parametrize("name,build,tolerance", CASES, ids=[c[0] for c in CASES])
def test_all_directions(name, build, tolerance, tmp_path):
    keras.utils.set_random_seed(3)
    keras.backend.clear_session()
    model = build()
    model.save(tmp_path / "model.keras")
    feed = {}
    for tensor in model.inputs:
        rng, shape = seeded.generator(name), (3,) + tuple(tensor.shape[1:])
        key = tensor._keras_history.operation.name
        feed[key] = rng.integers(0, 9, shape).astype("int32") if tensor.dtype == "int32" else rng.normal(0.1, 1, shape).astype("float32")
    inputs = list(feed.values())
    expected = peers.run_model(model, inputs)

    def check(actual, what):
        peers.compare(actual, expected, tolerance, f"{name} → {what}")

    modelctl.convert(tmp_path / "model.keras", tmp_path / "same.keras")
    check(peers.run_keras(tmp_path / "same.keras", inputs), "keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "model.h5")
    check(peers.run_keras(tmp_path / "model.h5", inputs), "h5")
    modelctl.convert(tmp_path / "model.h5", tmp_path / "again.keras")
    check(peers.run_keras(tmp_path / "again.keras", inputs), "h5 → keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "model.onnx")
    check(peers.run_onnx_by_name(tmp_path / "model.onnx", feed), "onnx")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "model.tflite")
    check(litert.run(tmp_path / "model.tflite", inputs), "tflite")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "saved", "--to", "savedmodel")
    results = savedmodels.run_signature(tmp_path / "saved", feed)
    order = [o["name"] for o in modelctl.inspect(tmp_path / "saved")["outputs"]]
    check([results[key] for key in order], "savedmodel")


def test_spectrum_of_weights(tmp_path):
    """`STFTSpectrogram` keeps its waves as weights. Keras takes its windows from SciPy."""
    keras.backend.clear_session()
    signal = L.Input((128, 2), name="signal")
    settings = {"frame_length": 32, "frame_step": 8, "fft_length": 40}
    outputs = [L.STFTSpectrogram(mode=mode, expand_dims=mode == "psd", **settings)(signal) for mode in ("magnitude", "psd", "stft")]
    model = keras.Model(signal, outputs)
    model.save(tmp_path / "model.keras")
    x = seeded.generator("spectrum").normal(0, 1, (2, 128, 2)).astype("float32")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "model.onnx")
    peers.compare(peers.run_onnx(tmp_path / "model.onnx", [x]), peers.run_model(model, [x]), what="onnx")


def test_repeated_heads_come_back(tmp_path):
    """TensorFlow broadcasts a tensor to what its shape and another broadcast to."""
    keras.backend.clear_session()
    q, v = L.Input((6, 8), name="q"), L.Input((5, 8), name="v")
    model = keras.Model([q, v], L.GroupQueryAttention(head_dim=3, num_query_heads=6, num_key_value_heads=2)(q, v))
    seeded.fill_weights(model, "heads").save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "web", "--to", "tfjs-graph")
    modelctl.convert(tmp_path / "web", tmp_path / "back.keras")
    inputs = [seeded.batch("q", (6, 8)), seeded.batch("v", (5, 8))]
    peers.compare(peers.run_keras(tmp_path / "back.keras", inputs), peers.run_model(model, inputs), what="back")


def test_pools_to_fixed_extents(tmp_path):
    """Keras itself does not load such a model again: it finds a list where it had a tuple."""
    keras.backend.clear_session()
    x = L.Input((7, 9, 3), name="x")
    model = keras.Model(x, [keras.ops.adaptive_average_pool(x, (3, 3)), keras.ops.adaptive_max_pool(x, (2, 5))])
    model.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "model.onnx")
    x = seeded.batch("pools", (7, 9, 3))
    peers.compare(peers.run_onnx(tmp_path / "model.onnx", [x]), peers.run_model(model, [x]), what="onnx")


def test_layers_of_keras3_h5_for_tensorflow_js(tmp_path):
    """What only Keras 3 says of a layer does not reach TensorFlow.js, whichever file it came from."""
    keras.backend.clear_session()
    x = L.Input((6,), name="x")
    keras.Model(x, L.Dense(3, activation="relu")(x)).save(tmp_path / "model.h5")
    modelctl.convert(tmp_path / "model.h5", tmp_path / "web", "--to", "tfjs-layers")
    text = (tmp_path / "web" / "model.json").read_text()
    assert "quantization_config" not in text and "input_axes" not in text


def test_sixteen_bits_get_the_opset_they_need(tmp_path):
    """16-bit quantised tensors came with opset 21, which is written although 18 is what is written by default."""
    x = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [2, 3])
    y = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [2, 3])
    nodes = [onnx.helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]), onnx.helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"])]
    constants = [onnx.numpy_helper.from_array(np.array(0.01, "float32"), "s"), onnx.numpy_helper.from_array(np.array(3, "int16"), "z")]
    graph = onnx.helper.make_graph(nodes, "g", [x], [y], constants)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 21)], ir_version=10), tmp_path / "q.onnx")
    modelctl.convert(tmp_path / "q.onnx", tmp_path / "q.onnx2", "--to", "onnx", "--io-layout", "nchw")
    assert onnx.load(tmp_path / "q.onnx2").opset_import[0].version == 21


def test_running_totals_and_policies_of_parts(tmp_path):
    """Numbers that are none count as neither; layers inside a layer may be said to compute as it does."""
    keras.backend.clear_session()
    x = L.Input((5, 8), name="x")
    policies = keras.dtype_policies.DTypePolicyMap()
    policies["mha/query"] = keras.dtype_policies.DTypePolicy("float32")
    y = L.MultiHeadAttention(2, 3, name="mha", dtype=policies)(x, x)
    roots = keras.ops.sqrt(y)
    model = keras.Model(x, [keras.ops.nancumsum(roots, axis=1), keras.ops.nancumprod(roots, axis=-1)])
    seeded.fill_weights(model, "totals").save(tmp_path / "model.keras")
    x = seeded.batch("totals", (5, 8), 3)
    expected = peers.run_model(model, [x])
    assert not any(np.isnan(e).any() for e in expected) and np.isnan(np.sqrt(peers.run_model(keras.Model(model.inputs, y), [x])[0])).any()
    for target, run in [("keras", peers.run_keras), ("onnx", peers.run_onnx), ("tflite", litert.run)]:
        modelctl.convert(tmp_path / "model.keras", tmp_path / f"m.{target}")
        peers.compare(run(tmp_path / f"m.{target}", [x]), expected, what=target)

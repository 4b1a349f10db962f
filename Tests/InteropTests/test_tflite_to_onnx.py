"""TFLite files as ONNX, run by ONNX Runtime against LiteRT's kernels."""
import flatbuffers
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf

import litert
import modelctl
import test_tflite_state as states


def run_onnx(path, values, level=onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(str(path), options)
    return session.run(None, {port.name: value for port, value in zip(session.get_inputs(), values)})


@pytest.mark.parametrize("shape", [(None, 5, 6, 3), (None, None, None, 3)], ids=["known", "unknown"])
@pytest.mark.parametrize("pads", [[[0, 0], [3, 2], [0, 4], [1, 0]], [[0, 0], [5, 5], [6, 0], [0, 3]], [[0, 0], [1, 1], [0, 1], [0, 0]]])
def test_symmetric_padding(pads, shape, tmp_path):
    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32)])
    def pad(x):
        return tf.pad(x, pads, "SYMMETRIC")

    source, target = tmp_path / "pad.tflite", tmp_path / "pad.onnx"
    source.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([pad.get_concrete_function()]).convert())
    modelctl.convert(source, target)
    x = np.random.default_rng(1).standard_normal((2, 5, 6, 3)).astype("float32")
    (expected,) = litert.run(source, [x])
    (found,) = run_onnx(target, [x])
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", [name for name in states.hand_made() if name.startswith("lstm_int8")])
def test_integer_lstm(name, tmp_path):
    """States, peepholes and normalisations of 16 bits do not ask for an opset at which ONNX Runtime refuses moved int8 tensors."""
    source, target, later = tmp_path / "lstm.tflite", tmp_path / "lstm.onnx", tmp_path / "later.onnx"
    source.write_bytes(states.hand_made()[name])
    modelctl.convert(source, target)
    (detail,) = litert.open_model(source).get_input_details()
    x = np.random.default_rng(2).integers(-128, 128, detail["shape"]).astype(detail["dtype"])
    (expected,), (found,) = litert.run(source, [x]), run_onnx(target, [x])
    # The file that keeps all 16-bit numbers, which ONNX Runtime takes as it stands.
    modelctl.convert(source, later, "--opset", "21")
    (plain,) = run_onnx(later, [x], onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL)
    assert found.dtype == expected.dtype and np.abs(found.astype(int) - plain.astype(int)).max() <= 1
    # LiteRT's cell computes with integers, whose steps add up over time; ONNX has floats between them. Over 32 draws of these weights, which say nothing
    # and pass on every step, the cosine was 0.964 to 1.
    found, expected = found.astype(float).ravel(), expected.astype(float).ravel()
    assert found @ expected / np.linalg.norm(found) / np.linalg.norm(expected) > 0.95


def test_integer_lstm_of_an_open_batch(tmp_path):
    """Its first state, zeros for the batch at hand, is not quantised to 16 bits for nothing."""
    source, target = modelctl.ROOT / "fixtures/trained/lstm/model-int8.tflite", tmp_path / "lstm.onnx"
    modelctl.convert(source, target)
    (x,) = np.load(modelctl.ROOT / "fixtures/trained/lstm/inputs.npz").values()
    (expected,), (found,) = litert.run(source, [x]), run_onnx(target, [x])
    assert found.shape == expected.shape and len(set(expected.argmax(-1))) > 1
    # Classes by probability: LiteRT's cell computes with integers.
    np.testing.assert_array_equal(found.argmax(-1), expected.argmax(-1))
    np.testing.assert_allclose(found, expected, atol=0.05)


def test_weights_of_dead_channels_have_no_sign_either(tmp_path):
    # Older converters give a channel of zeros the scale 0. ONNX Runtime saturates products of signed weights without VNNI.
    rng, given = np.random.default_rng(0), tf.keras.Input((8, 8, 16))
    layer = tf.keras.layers.Conv2D(4, 3)
    model = tf.keras.Model(given, layer(given))
    kernel = rng.choice([-1.0, 1.0], (3, 3, 16, 4)) * [1, 1, 1, 0]
    layer.set_weights([kernel.astype("float32"), np.zeros(4, "float32")])
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([rng.uniform(-1, 1, (1, 8, 8, 16)).astype("float32")] for _ in range(4))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    content = litert.schema.ModelT.InitFromPackedBuf(converter.convert(), 0)
    for tensor in content.subgraphs[0].tensors:
        if tensor.quantization is not None and tensor.quantization.scale is not None and len(tensor.quantization.scale) == 4:
            tensor.quantization.scale = [*tensor.quantization.scale[:3], 0]
    builder, source, target = flatbuffers.Builder(1024), tmp_path / "dead.tflite", tmp_path / "dead.onnx"
    builder.Finish(content.Pack(builder), b"TFL3")
    source.write_bytes(builder.Output())
    modelctl.convert(source, target)
    graph = onnx.load(target).graph
    (weights,) = [x for x in graph.initializer if list(x.dims) == [4, 16, 3, 3]]
    assert weights.data_type == onnx.TensorProto.UINT8
    # Numbers at both ends of the range: two products of them do not fit 16 bits.
    x = rng.choice([-128, 127], (1, 8, 8, 16)).astype(np.int8)
    (expected,), (found,) = litert.run(source, [x]), run_onnx(target, [x])
    assert np.abs(found.astype(int) - expected.astype(int)).max() <= 1


def quantised(function, samples):
    """A function of one vector by TensorFlow's converter, int8 at both ends."""
    concrete = tf.function(function, input_signature=[tf.TensorSpec([256], tf.float32)]).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


@pytest.mark.parametrize("dequantizes", [False, True])
def test_logarithms_of_what_has_none(dequantizes, tmp_path):
    """LiteRT's table gives the least number of the result where there is no logarithm."""
    rng = np.random.default_rng(3)
    samples = [rng.uniform(-3, 4, 256).astype("float32") for _ in range(4)]
    source, target = tmp_path / "log.tflite", tmp_path / "log.onnx"
    source.write_bytes(quantised(lambda x: tf.math.log(x * 1.5 + 0.2), samples))
    modelctl.convert(source, target, *["--dequantize"] * dequantizes)
    stored = np.arange(-128, 128).astype(np.int8)
    (expected,) = litert.run(source, [stored])
    details = litert.open_model(source)
    (scale, zero), (step, offset) = (end[0]["quantization"] for end in (details.get_input_details(), details.get_output_details()))
    if not dequantizes:
        (found,) = run_onnx(target, [stored])
        assert np.abs(found.astype(int) - expected.astype(int)).max() <= 1
    else:
        (found,) = run_onnx(target, [((stored.astype("float32") - zero) * scale).astype("float32")])
        assert np.isfinite(found).all()
        # The least number of all that have none; elsewhere the sum is rounded to a step of its own, which a logarithm stretches.
        assert (expected == -128).sum() > 90
        np.testing.assert_allclose(found[expected == -128][:90], (-128 - offset) * step, atol=1e-5)


def test_operators_on_what_an_input_stands_for(tmp_path):
    """DEQUANTIZE, an operator on floats, QUANTIZE: dequantised, nothing is rounded, and the input is a float."""
    samples = [np.random.default_rng(4).uniform(-3, 4, 256).astype("float32")]
    source, target = tmp_path / "elu.tflite", tmp_path / "elu.onnx"
    source.write_bytes(quantised(tf.nn.elu, samples))
    assert litert.operators(source) == ["DEQUANTIZE", "ELU", "QUANTIZE"], litert.operators(source)
    modelctl.convert(source, target, "--dequantize")
    (found,) = run_onnx(target, samples)
    np.testing.assert_allclose(found, tf.nn.elu(samples[0]).numpy(), atol=1e-6)

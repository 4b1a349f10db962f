"""Quantised models whose sums are rounded in another order, and layers that remember: converted, and run by the peers."""
import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow
from ai_edge_litert import interpreter as litert
from onnx import TensorProto, helper, numpy_helper

import modelctl


def quantised_resize(path):
    """int8, the batch open: a convolution, then twice the size between its pixels."""
    keras.utils.set_random_seed(1)
    x = keras.Input((8, 8, 3))
    y = keras.layers.UpSampling2D(2, interpolation="bilinear")(keras.layers.Conv2D(8, 3, padding="same")(x))
    converter = tensorflow.lite.TFLiteConverter.from_keras_model(keras.Model(x, y))
    converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
    rng = np.random.default_rng(0)
    converter.representative_dataset = lambda: ([rng.normal(size=(1, 8, 8, 3)).astype(np.float32)] for _ in range(8))
    converter.target_spec.supported_ops = [tensorflow.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tensorflow.int8
    path.write_bytes(converter.convert())


def test_resize_of_integers_with_an_open_batch(tmp_path):
    source, target = tmp_path / "resize.tflite", tmp_path / "resize.onnx"
    quantised_resize(source)
    assert modelctl.convert(source, target)["verification"]["equivalent"]
    interpreter = litert.Interpreter(str(source), experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    x = np.random.default_rng(2).integers(-128, 128, (1, 8, 8, 3)).astype(np.int8)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    expected = interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).astype(int)
    # ONNX Runtime 1.32 moves transposes across Resize as if its sizes were of all axes: not with basic optimisations.
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    session = onnxruntime.InferenceSession(target, options)
    found = session.run(None, {session.get_inputs()[0].name: x})[0].astype(int)
    assert np.abs(found - expected).max() <= 1


def spelled_convolution(path, seed, gain=1.0):
    """Quantised, convolved, cut off at zero and quantised again, in ONNX's words."""
    rng = np.random.default_rng(seed)
    constants = {
        "s": np.float32(0.02), "z": np.int8(3), "wq": rng.integers(-100, 100, (4, 3, 3, 2)).astype(np.int8),
        "sw": np.float32([0.01, 0.02, 0.03, 0.015]) * np.float32(gain), "zw": np.zeros(4, np.int8), "s2": np.float32(0.03), "z2": np.int8(-128),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]), helper.make_node("DequantizeLinear", ["q", "s", "z"], ["xd"]),
        helper.make_node("DequantizeLinear", ["wq", "sw", "zw"], ["wd"], axis=0), helper.make_node("Conv", ["xd", "wd"], ["c"]),
        helper.make_node("Relu", ["c"], ["r"]), helper.make_node("QuantizeLinear", ["r", "s2", "z2"], ["q2"]),
        helper.make_node("DequantizeLinear", ["q2", "s2", "z2"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["b", 3, 17, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


@pytest.mark.parametrize("seed", range(3))
def test_a_step_beside_is_no_difference(tmp_path, seed):
    source, target = tmp_path / "spelled.onnx", tmp_path / "spelled.keras"
    spelled_convolution(source, seed)
    output = modelctl.convert(source, target)["verification"]["outputs"][0]
    assert output["mismatched"] == 0 and output.get("a_step_beside", 0) <= output["elements"] / 100


def test_another_scale_is_a_difference(tmp_path):
    """Weights that are 2 % larger move the largest numbers by more than a step."""
    sound, other = tmp_path / "sound.onnx", tmp_path / "other.onnx"
    spelled_convolution(sound, 0)
    spelled_convolution(other, 0, gain=1.02)
    assert not modelctl.verify(sound, other, "--atol", "1e-5", "--rtol", "1e-4", expect=1)["equivalent"]


@pytest.mark.parametrize("layer", [keras.layers.LSTM, keras.layers.GRU])
def test_a_stateful_layer_goes_on(tmp_path, layer):
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((6, 3), batch_size=2), layer(4, stateful=True, name="memory"), keras.layers.Dense(2)])
    source, target = tmp_path / "stateful.keras", tmp_path / "stateful.tflite"
    model.save(source)
    report = modelctl.convert(source, target)["verification"]
    assert report["equivalent"] and any("invoked twice" in note for note in report["notes"])
    interpreter = litert.Interpreter(str(target))
    interpreter.allocate_tensors()
    model.layers[0].reset_states()
    for x in np.random.default_rng(4).normal(size=(3, 2, 6, 3)).astype(np.float32):
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
        interpreter.invoke()
        found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        np.testing.assert_allclose(found, np.asarray(model(x)), atol=1e-5, rtol=1e-4)


def test_what_is_not_remembered_is_told(tmp_path):
    model = keras.Sequential([keras.Input((6, 3), batch_size=2), keras.layers.LSTM(4, stateful=True, name="memory")])
    source = tmp_path / "stateful.keras"
    model.save(source)
    notes = modelctl.convert(source, tmp_path / "stateful.onnx")["notes"]
    assert any("'memory' remembers between calls" in note for note in notes)


def test_unique_numbers_of_32_bits(tmp_path):
    function = tensorflow.function(tensorflow.unique, input_signature=[tensorflow.TensorSpec((6,), tensorflow.int32)])
    converter = tensorflow.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], function)
    source, target = tmp_path / "unique.tflite", tmp_path / "unique.onnx"
    source.write_bytes(converter.convert())
    modelctl.convert(source, target)
    session = onnxruntime.InferenceSession(target)
    found = session.run(None, {session.get_inputs()[0].name: np.array([7, 3, 7, 1, 3, 9], np.int32)})
    assert [list(row) for row in found] == [[7, 3, 1, 9], [0, 1, 0, 2, 1, 3]]

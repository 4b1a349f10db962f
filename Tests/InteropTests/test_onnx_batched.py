"""ONNX operators with batch axes or negative indices of their own, as Keras models."""
import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

import modelctl

rng = np.random.default_rng(3)


def weights(*shape):
    return (rng.standard_normal(shape) * 0.5).astype("float32")


def judge(tmp_path, nodes, inputs, outputs, constants, arrays):
    graph = h.make_graph(
        nodes, "g", [h.make_tensor_value_info(*i) for i in inputs], [h.make_empty_tensor_value_info(o) for o in outputs],
        [numpy_helper.from_array(v, k) for k, v in constants.items()])
    model = onnx.shape_inference.infer_shapes(h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=9))
    onnx.save(model, tmp_path / "m.onnx")
    modelctl.convert(tmp_path / "m.onnx", tmp_path / "m.keras")
    wanted = onnxruntime.InferenceSession(tmp_path / "m.onnx").run(None, dict(zip([i[0] for i in inputs], arrays)))
    loaded = keras.models.load_model(tmp_path / "m.keras")
    found = keras.tree.flatten(loaded(arrays[0] if len(arrays) == 1 else arrays))
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted):
        np.testing.assert_allclose(a, b, 1e-4, 1e-5)
    return loaded


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("op, gates", [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
def test_layout_1(tmp_path, op, gates, direction):
    d = 2 if direction == "bidirectional" else 1
    constants = {"W": weights(d, gates * 5, 3), "R": weights(d, gates * 5, 5), "B": weights(d, 2 * gates * 5)}
    options = {"linear_before_reset": 1} if op == "GRU" else {}
    node = h.make_node(op, ["x", "W", "R", "B"], ["y", "last"], hidden_size=5, layout=1, direction=direction, **options)
    # ONNX Runtime has no kernel for this layout: the same network with the time first is the judge.
    onnx_layout_0 = [
        h.make_node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
        h.make_node(op, ["t", "W", "R", "B"], ["a", "b"], hidden_size=5, direction=direction, **options),
        h.make_node("Transpose", ["a"], ["y"], perm=[2, 0, 1, 3]), h.make_node("Transpose", ["b"], ["last"], perm=[1, 0, 2])]
    x = weights(4, 7, 3)
    (tmp_path / "time_first").mkdir()
    judge(tmp_path / "time_first", onnx_layout_0, [("x", T.FLOAT, ["N", 7, 3])], ["y", "last"], constants, [x])
    graph = h.make_graph(
        [node], "g", [h.make_tensor_value_info("x", T.FLOAT, ["N", 7, 3])], [h.make_empty_tensor_value_info(o) for o in ("y", "last")],
        [numpy_helper.from_array(v, k) for k, v in constants.items()])
    onnx.save(
        onnx.shape_inference.infer_shapes(h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=9)), tmp_path / "m.onnx")
    modelctl.convert(tmp_path / "m.onnx", tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert any(isinstance(layer, (keras.layers.RNN, keras.layers.Bidirectional)) for layer in loaded.layers)
    wanted = onnxruntime.InferenceSession(tmp_path / "time_first/m.onnx").run(None, {"x": x})
    for a, b in zip(keras.tree.flatten(loaded(x)), wanted, strict=True):
        np.testing.assert_allclose(a, b, 1e-4, 1e-5)


def test_gathers_within_a_batch(tmp_path):
    nodes = [h.make_node("GatherND", ["x", "i"], ["y"], batch_dims=1)]
    places = rng.integers(-3, 3, (2, 5, 2))
    judge(tmp_path, nodes, [("x", T.FLOAT, [2, 4, 3, 6]), ("i", T.INT64, [2, 5, 2])], ["y"], {}, [weights(2, 4, 3, 6), places])
    nodes = [h.make_node("GatherND", ["x", "i"], ["y"], batch_dims=2)]
    places = rng.integers(-4, 4, (2, 3, 2, 1))
    judge(tmp_path, nodes, [("x", T.FLOAT, [2, 3, 4])], ["y"], {"i": places}, [weights(2, 3, 4)])


@pytest.mark.parametrize("reduction", ["none", "add"])
def test_scatters_to_computed_places_from_the_end(tmp_path, reduction):
    nodes = [h.make_node("ScatterND", ["x", "i", "u"], ["y"], reduction=reduction)]
    inputs = [("x", T.FLOAT, [5, 3, 2]), ("i", T.INT64, [4, 2]), ("u", T.FLOAT, [4, 2])]
    places = np.array([[-1, 0], [0, -2], [3, 2], [-4, -3]])
    judge(tmp_path, nodes, inputs, ["y"], {}, [weights(5, 3, 2), places, weights(4, 2)])

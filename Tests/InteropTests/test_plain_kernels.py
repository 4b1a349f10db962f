"""What TensorFlow's kernels compute without oneDNN, as on processors and builds that have none: its optimiser fuses differently there."""
import os
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import modelctl

RUN = """
import sys, numpy as np, tensorflow as tf
given = np.load(sys.argv[2])
function = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
np.savez(sys.argv[3], **{name: value.numpy() for name, value in function(**{name: tf.constant(given[name]) for name in given.files}).items()})
"""


def convolutions(path):
    """In two groups, one group a channel with strides that differ, along a line; each with a bias and an activation behind it."""
    rng = np.random.default_rng(1)
    nodes, weights, outputs = [], [], []
    for number, (name, shape, window, attributes) in enumerate([
            ("image", [6, 2, 3, 3], 4, {"group": 2, "pads": [1, 1, 1, 1]}), ("image", [8, 1, 3, 3], 4, {"group": 4, "strides": [1, 2]}),
            ("line", [6, 2, 3], 4, {"group": 2, "strides": [2]})]):
        weights += [numpy_helper.from_array(rng.standard_normal(shape).astype("float32"), f"w{number}"),
                    numpy_helper.from_array(rng.standard_normal(shape[0]).astype("float32"), f"b{number}")]
        nodes += [helper.make_node("Conv", [name, f"w{number}", f"b{number}"], [f"c{number}"], **attributes),
                  helper.make_node("Relu" if number else "LeakyRelu", [f"c{number}"], [f"y{number}"])]
        outputs.append(helper.make_tensor_value_info(f"y{number}", TensorProto.FLOAT, None))
    inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, [2, 4, 7, 8]), helper.make_tensor_value_info("line", TensorProto.FLOAT, [2, 4, 9])]
    graph = helper.make_graph(nodes, "groups", inputs, outputs, weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def test_convolutions_in_groups(tmp_path):
    convolutions(tmp_path / "m.onnx")
    rng = np.random.default_rng(2)
    given = {"image": rng.standard_normal((2, 4, 7, 8)).astype("float32"), "line": rng.standard_normal((2, 4, 9)).astype("float32")}
    np.savez(tmp_path / "in.npz", **given)
    modelctl.convert(tmp_path / "m.onnx", tmp_path / "saved", "--to", "savedmodel")
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-c", RUN, tmp_path / "saved", tmp_path / "in.npz", tmp_path / "out.npz"], check=True, env=environment)
    expected = onnxruntime.InferenceSession(tmp_path / "m.onnx").run(None, given)
    with np.load(tmp_path / "out.npz") as found:
        for number, value in enumerate(expected):
            np.testing.assert_allclose(found[f"y{number}"], value, 1e-4, 1e-5)

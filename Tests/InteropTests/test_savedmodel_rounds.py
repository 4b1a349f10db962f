"""SavedModels written and read again and again: nothing grows."""
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

import modelctl


def until(x):
    return tf.while_loop(lambda y: tf.reduce_sum(y) < 50, lambda y: (tf.abs(y) * 1.5,), [x])[0]


def counted(x):
    return tf.while_loop(lambda i, y: i < 4, lambda i, y: (i + 1, tf.sin(y) * tf.cast(i + 1, tf.float32)), [0, x])[1]


def nested(x):
    def turn(y):
        return (tf.while_loop(lambda z: tf.reduce_max(z) < 9, lambda z: (z * 2 + 0.5,), [tf.abs(y)])[0] - 7.5 + y * 0.1,)

    return tf.while_loop(lambda y: tf.reduce_sum(y) < 20, turn, [x])[0]


def loops(path):
    """How many values each loop of a SavedModel takes."""
    proto = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    graph = proto.meta_graphs[0].graph_def
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    return sorted(len([name for name in node.input if not name.startswith("^")]) for node in nodes if node.op in ("While", "StatelessWhile"))


@pytest.mark.parametrize("function", [until, counted, nested])
def test_loops(function, tmp_path):
    module = tf.Module()
    module.call = tf.function(function, input_signature=[tf.TensorSpec([3], name="x")])
    tf.saved_model.save(module, str(tmp_path / "round0"), {"serving_default": module.call})
    x = np.array([0.3, 1.1, 2.7], "float32")
    expected = module.call(tf.constant(x)).numpy()
    counts = []
    for turn in range(1, 4):
        # The file instead of its directory, which would be copied as it is.
        modelctl.run("convert", tmp_path / f"round{turn - 1}/saved_model.pb", tmp_path / f"round{turn}", "--to", "savedmodel", "--no-verify")
        found = list(tf.saved_model.load(str(tmp_path / f"round{turn}")).signatures["serving_default"](x=tf.constant(x)).values())
        np.testing.assert_allclose(found[0].numpy(), expected, rtol=1e-5)
        counts.append(loops(tmp_path / f"round{turn}"))
    assert counts[0] and counts[0] == counts[1] == counts[2], counts

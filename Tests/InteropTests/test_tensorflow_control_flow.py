"""Loops, branches, lists, variables and tables of TensorFlow graphs, run by modelctl and by TensorFlow."""
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

import litert
import modelctl
import peers
import tfjs_graphs

RANDOM = np.random.default_rng(7)
MATRIX = RANDOM.normal(size=(4, 4)).astype("f")
ROWS = tf.TensorSpec([None, 4], tf.float32, name="x")


def branch(x):
    return tf.cond(tf.reduce_sum(x) > 0, lambda: tf.matmul(x, MATRIX), lambda: x - 1.0)


def loop(x):
    return tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, tf.tanh(tf.matmul(y, MATRIX))), [0, x])[1]


def choice(x):
    number = tf.cast(tf.reduce_max(tf.round(x)), tf.int32)
    return tf.switch_case(number, [lambda: x + 1.0, lambda: x * 2.0, lambda: x - 3.0])


def nested(x):
    def turn(i, y):
        step = lambda j, z: (j + 1, tf.cond(z[0, 0] > 0, lambda: z * 0.5, lambda: z + 1.0))
        return i + 1, tf.while_loop(lambda j, z: j < i, step, [0, y])[1]

    return tf.while_loop(lambda i, y: i < 4, turn, [0, x])[1]


def filled_list(x):
    def turn(i, items, h):
        h = tf.tanh(x[i] + tf.linalg.matvec(MATRIX, h))
        return i + 1, items.write(i, h), h

    items = tf.TensorArray(tf.float32, size=tf.shape(x)[0], element_shape=[4])
    return tf.while_loop(lambda i, items, h: i < tf.shape(x)[0], turn, [0, items, tf.zeros(4)])[1].stack()


def partly_filled_list(x):
    items = tf.TensorArray(tf.float32, size=4, element_shape=[4]).write(1, x[0]).write(3, x[1])
    return items.stack()


def growing_shape(x):
    grow = lambda i, y: (i + 1, tf.concat([y, x], 0))
    return tf.while_loop(lambda i, y: i < 3, grow, [0, x], shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, 4])])[1]


FUNCTIONS = [branch, loop, choice, nested, filled_list, partly_filled_list, growing_shape]


def run(path, x):
    inputs, outputs = path.parent / "inputs.npz", path.parent / "outputs.npz"
    np.savez(inputs, x=x)
    modelctl.run("run", path, "--inputs", inputs, "--outputs", outputs)
    return list(np.load(outputs).values())


@pytest.mark.parametrize("as_nodes", [False, True], ids=["functions", "nodes"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_frozen(function, as_nodes, tmp_path):
    """As functions that `If` and `While` call, and as `Switch`, `Merge` and `Enter` between nodes."""
    concrete = tf.function(function).get_concrete_function(ROWS)
    frozen = convert_variables_to_constants_v2(concrete, lower_control_flow=as_nodes)
    path = tmp_path / "model.pb"
    path.write_bytes(frozen.graph.as_graph_def().SerializeToString())
    for x in [np.full((2, 4), 0.3, "f"), np.full((2, 4), -0.2, "f"), np.full((2, 4), 1.1, "f")]:
        peers.compare(run(path, x), [function(tf.constant(x)).numpy()], (1e-5, 1e-4), function.__name__)


class Counter(tf.Module):
    """A variable that changes during a call, in a loop and in a branch."""

    def __init__(self):
        self.state = tf.Variable([1.0, 2.0], name="state")

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])
    def __call__(self, x):
        before = self.state.read_value()
        for _ in tf.range(3):
            self.state.assign_add([1.0, 0.5])
        if tf.reduce_sum(x) > 100.0:
            self.state.assign([0.0, 0.0])
        return x * self.state + before


@pytest.mark.parametrize("scale", [1, 100])
def test_assigned_variables(scale, tmp_path):
    module, x = Counter(), np.full((3, 2), scale, "f")
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures=module.__call__)
    peers.compare(run(tmp_path / "saved", x), [module(tf.constant(x)).numpy()], (1e-5, 1e-4), "assignments")


class Lookup(tf.Module):
    def __init__(self, initializer, missing):
        self.table = tf.lookup.StaticHashTable(initializer, missing)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def __call__(self, x):
        return self.table.lookup(x)


@pytest.mark.parametrize("source", ["constants", "file"])
def test_tables(source, tmp_path):
    if source == "constants":
        initializer = tf.lookup.KeyValueTensorInitializer(["a", "b", "c"], tf.constant([5, 6, 7], tf.int64))
    else:
        (tmp_path / "words.txt").write_text("a\nb\nc\n")
        initializer = tf.lookup.TextFileInitializer(
            str(tmp_path / "words.txt"), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER)
    module, x = Lookup(initializer, -1), np.array([b"a", b"?", b"c"])
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures=module.__call__)
    np.testing.assert_array_equal(run(tmp_path / "saved", x)[0], module(tf.constant(x)).numpy())


def test_session_graph(tmp_path):
    """A graph of TensorFlow 1: reference variables, a default that decides a branch, a TensorArray, a loop."""
    tf1, path = tf.compat.v1, str(tmp_path / "saved")
    with tf1.Graph().as_default(), tf1.Session() as session:
        tf1.disable_control_flow_v2()
        try:
            x = tf1.placeholder(tf.float32, [None, 4], name="x")
            w = tf1.get_variable("w", [4, 4], use_resource=False, initializer=tf1.constant_initializer(MATRIX))
            training = tf1.placeholder_with_default(False, [], name="training")
            y = tf1.cond(tf.reduce_sum(x) > 0, lambda: tf.matmul(x, w), lambda: x * 2.0)
            y = tf1.cond(training, lambda: y * 0.0, lambda: y)
            turn = lambda i, items, h: (i + 1, items.write(i, h), tf.tanh(tf.matmul(h, w)))
            items = tf1.while_loop(lambda i, items, h: i < 3, turn, [0, tf1.TensorArray(tf.float32, 3), y])[1]
            z = tf.identity(items.stack(), name="z")
        finally:
            tf1.enable_control_flow_v2()
        session.run(tf1.global_variables_initializer())
        tf1.saved_model.simple_save(session, path, {"x": x}, {"z": z})
        for value in [np.full((2, 4), 0.3, "f"), np.full((2, 4), -0.3, "f")]:
            peers.compare(run(tmp_path / "saved", value), [session.run(z, {x: value})], (1e-5, 1e-4), "session")


def test_merge_of_values_that_are_always_there(tmp_path):
    """Without a `Switch` before it: the first input, whatever the signature's order."""
    with tf.Graph().as_default() as graph:
        a, b = (tf.compat.v1.placeholder(tf.float32, [2], name=name) for name in "ab")
        tf.identity(tf.raw_ops.Merge(inputs=[b, a]).output, name="merged")
    path = tmp_path / "model.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    np.savez(tmp_path / "inputs.npz", a=np.array([1, 2], "f"), b=np.array([3, 4], "f"))
    modelctl.run("run", path, "--inputs", tmp_path / "inputs.npz", "--outputs", tmp_path / "outputs.npz")
    with tf.compat.v1.Session(graph=graph) as session:
        expected = session.run("merged:0", {"a:0": [1, 2], "b:0": [3, 4]})
    peers.compare([np.load(tmp_path / "outputs.npz")["merged"]], [expected], what="merged")


def test_assertions_that_were_taken_out(tmp_path):
    """What a converter leaves of an assertion: a merge of two constants, each of which waits for one side of a switch, and which itself waits for more."""
    raw = tf.raw_ops
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 2], name="x")
        good = tf.reduce_all(x > -9.0)
        split = raw.Switch(data=good, pred=good)
        sides = [tf.identity(split.output_false), tf.identity(split.output_true)]
        pivots = []
        for side in sides:
            with tf.control_dependencies([side]):
                pivots.append(tf.constant(True))
        with tf.control_dependencies([pivots[0]]):
            more = tf.identity(raw.Switch(data=x, pred=good).output_false)
        with tf.control_dependencies([more]):
            merged = raw.Merge(inputs=[pivots[1], pivots[0]])
        with tf.control_dependencies([merged.output]):
            tf.identity(x * 2.0, name="y")
        tf.cast(merged.output, tf.float32, name="z")
    path = tmp_path / "model.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    x = np.array([[1, -2], [3, 4]], "f")
    np.savez(tmp_path / "inputs.npz", x=x)
    modelctl.run("run", path, "--inputs", tmp_path / "inputs.npz", "--outputs", tmp_path / "outputs.npz")
    found = np.load(tmp_path / "outputs.npz")
    peers.compare([found["y"]], [x * 2], what="y")
    assert found["z"] == 1


def recurrence(tf1, x, lengths):
    """What `dynamic_rnn` makes of a cell: steps in an array, states that stay behind the end of each sequence, and an end with the longest."""
    steps = tf.transpose(x, [1, 0, 2])
    count = tf.shape(steps)[0]
    weights = tf1.get_variable("w", [7, 4], use_resource=False, initializer=tf1.random_normal_initializer(seed=3))
    read = tf1.TensorArray(tf.float32, count).unstack(steps)
    filled = tf1.TensorArray(tf.float32, count, element_shape=[None, 4])
    start = tf.zeros([tf.shape(x)[0], 4])
    bound = count if lengths is None else tf.minimum(count, tf.maximum(1, tf.reduce_max(lengths)))

    def turn(time, items, h):
        new = tf.tanh(tf.matmul(tf.concat([read.read(time), h], 1), weights))
        if lengths is None:
            return time + 1, items.write(time, new), new
        is_over = tf.expand_dims(time >= lengths, 1)
        return time + 1, items.write(time, tf.where(is_over, tf.zeros_like(new), new)), tf.where(is_over, h, new)

    _, filled, last = tf1.while_loop(lambda time, *_: time < bound, turn, [0, filled, start])
    return tf.transpose(filled.stack(), [1, 0, 2]), last


@pytest.mark.parametrize("has_lengths", [False, True])
def test_recurrence_of_tensorflow_1(has_lengths, tmp_path):
    tf1 = tf.compat.v1
    with tf1.Graph().as_default(), tf1.Session() as session:
        tf1.disable_control_flow_v2()
        try:
            x = tf1.placeholder(tf.float32, [None, 6, 3], name="x")
            lengths = tf1.placeholder(tf.int32, [None], name="lengths") if has_lengths else None
            outputs, last = recurrence(tf1, x, lengths)
            rate = tf1.placeholder_with_default(0.0, [], name="rate")
            outputs = tf.identity(tf1.nn.dropout(outputs, rate=rate), name="outputs")
        finally:
            tf1.enable_control_flow_v2()
        session.run(tf1.global_variables_initializer())
        given = {"x": x, **({"lengths": lengths} if has_lengths else {})}
        tf1.saved_model.simple_save(session, str(tmp_path / "saved"), given, {"outputs": outputs, "last": last})
        values = {"x": np.random.default_rng(3).normal(size=(2, 6, 3)).astype("f"), "lengths": np.array([4, 2], "i4")}
        values = {key: values[key] for key in given}
        expected = session.run({"outputs": outputs, "last": last}, {given[key]: value for key, value in values.items()})
    np.savez(tmp_path / "in.npz", **values)
    found = {}
    for file, kind in [("model.onnx", "onnx"), ("model.tflite", "tflite"), ("graph", "tfjs-graph")]:
        modelctl.convert(tmp_path / "saved", tmp_path / file, "--to", kind, "--inputs", tmp_path / "in.npz")
    session = peers.onnx_session(tmp_path / "model.onnx")
    found["ONNX"] = dict(zip([port.name for port in session.get_outputs()], session.run(None, values)))
    interpreter = litert.open_model(tmp_path / "model.tflite")
    for detail in interpreter.get_input_details():
        key = "lengths" if "lengths" in detail["name"] else "x"
        interpreter.resize_tensor_input(detail["index"], values[key].shape)
    found["TFLite"] = interpreter.get_signature_runner("serving_default")(**values)
    found["TF.js"] = tfjs_graphs.run(tmp_path / "graph", values)
    for what, results in found.items():
        for key, value in expected.items():
            peers.compare([results[key]], [value], what=f"{what}: {key}")

"""Branches that exporters of traced programs leave in ONNX files, transforms, and sizes computed of an image's own extents: ONNX Runtime
on the source against the real runtimes of what they become."""
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto as T, helper

import modelctl
import peers
from test_onnx_spelled import build, numbers, run

EVERYWHERE = ("savedmodel", "tflite", "keras", "tfjs-graph")
node = helper.make_node


def branch(name, nodes, result, shape=None):
    return helper.make_graph(nodes, name, [], [helper.make_tensor_value_info(result, T.FLOAT, shape)])


def squeezed_unless_wide(x, result, axis, prefix=""):
    """`torch.squeeze` of an axis whose extent the exporter did not know."""
    p = prefix
    return [
        node("Shape", [x], [p + "s"]), node("Gather", [p + "s", "axis"], [p + "d"]), node("Equal", [p + "d", "one"], [p + "c"]),
        node(
            "If", [p + "c"], [result],
            then_branch=branch(p + "then", [node("Squeeze", [x, "axis"], [p + "t"])], p + "t"),
            else_branch=branch(p + "else", [node("Identity", [x], [p + "e"])], p + "e")),
    ]


def squeezed_before_lstm():
    """Only one rank fits the LSTM; another condition asks for that rank."""
    nodes = squeezed_unless_wide("x", "row", 2) + [
        node("Shape", ["row"], ["rs"]), node("Size", ["rs"], ["rank"]), node("Equal", ["rank", "two"], ["flat"]), node("Not", ["flat"], ["deep"]),
        node(
            "If", ["deep"], ["rows"],
            then_branch=branch("deeper", [node("Unsqueeze", ["row", "zero"], ["u"])], "u"),
            else_branch=branch("same", [node("Identity", ["row"], ["i"])], "i")),
        node("Unsqueeze", ["rows", "zero"], ["steps"]),
        node("LSTM", ["steps", "w", "r", "b"], ["", "h"], hidden_size=4), node("Squeeze", ["h", "zero"], ["y"]),
    ]
    weights = {
        "axis": np.array([2], "int64"), "one": np.array([1], "int64"), "zero": np.array([0], "int64"), "two": np.int64(2),
        "w": numbers(1, 16, 5), "r": numbers(1, 16, 4, seed=7), "b": numbers(1, 32, seed=8)}
    return build(nodes, {"x": (numbers(3, 5, 1), ["batch", 5, "steps"])}, {"y": T.FLOAT}, weights, opset=15)


def known_extents():
    nodes = squeezed_unless_wide("x", "s1", 1) + squeezed_unless_wide("s1", "y", 1, "again")
    return build(
        nodes, {"x": (numbers(3, 1, 4), ["batch", 1, 4])}, {"y": T.FLOAT}, {"axis": np.array([1], "int64"), "one": np.array([1], "int64")},
        opset=15)


def spectrum():
    nodes = [
        node("STFT", ["x", "hop", "window"], ["f"], onesided=1), node("DFT", ["z"], ["y"], axis=1),
        node("DFT", ["z"], ["half"], axis=1, onesided=1)]
    window = np.hanning(12).astype("float32")
    return build(
        nodes, {"x": numbers(2, 60), "z": numbers(2, 10, 3, 1, seed=5)}, {"f": T.FLOAT, "y": T.FLOAT, "half": T.FLOAT},
        {"hop": np.int64(5), "window": window}, opset=17)


def doubled(mode, **attributes):
    nodes = [
        node("Shape", ["x"], ["s"]), node("Slice", ["s", "zero", "two"], ["front"]), node("Slice", ["s", "two", "four"], ["extents"]),
        node("Mul", ["extents", "factor"], ["more"]), node("Concat", ["front", "more"], ["sizes"], axis=0),
        node("Resize", ["x", "", "", "sizes"], ["y"], mode=mode, **attributes)]
    weights = {n: np.array([v], "int64") for n, v in (("zero", 0), ("two", 2), ("four", 4), ("factor", 2))}
    return build(nodes, {"x": (numbers(2, 3, 5, 4), ["batch", 3, "height", "width"])}, {"y": T.FLOAT}, weights, opset=15)


def doubled_nearest():
    return doubled("nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")


def doubled_linear():
    return doubled("linear", coordinate_transformation_mode="half_pixel")


def dilated_depthwise():
    """Not every kernel of TensorFlow's knows dilations of depthwise convolutions."""
    nodes = [
        node("Conv", ["x", "w", "b"], ["a"], group=3, dilations=[2, 3], pads=[2, 3, 2, 3]),
        node("Conv", ["a", "w"], ["y"], group=3, dilations=[3, 1], pads=[1, 0, 2, 2])]
    return build(nodes, {"x": numbers(2, 3, 11, 9)}, {"y": T.FLOAT}, {"w": numbers(3, 1, 3, 3), "b": numbers(3)}, opset=15)


CASES = [
    (squeezed_before_lstm, EVERYWHERE), (known_extents, EVERYWHERE), (spectrum, EVERYWHERE),
    (doubled_nearest, ("savedmodel", "tflite", "tfjs-graph")), (doubled_linear, ("savedmodel", "tflite", "tfjs-graph")), (dilated_depthwise, EVERYWHERE),
]


@pytest.mark.parametrize("make,targets", CASES, ids=[make.__name__ for make, _ in CASES])
def test_becomes(make, targets, tmp_path):
    model, feeds = make()
    source = tmp_path / "source.onnx"
    onnx.save(model, source)
    expected = onnxruntime.InferenceSession(str(source), providers=["CPUExecutionProvider"]).run(None, feeds)
    for target in targets:
        path = tmp_path / ("model." + target if target in ("tflite", "keras") else target)
        modelctl.convert(source, path, "--to", target)
        actual = run(target, path, model, feeds)
        if actual is not None:
            peers.compare(actual, expected, what=f"{make.__name__} as {target}")


def body(name, nodes, inputs, outputs):
    """Values by name, with what their dtype and shape is."""
    def declare(ports):
        return [helper.make_tensor_value_info(n, dtype, shape) for n, (dtype, shape) in ports.items()]
    return helper.make_graph(nodes, name, declare(inputs), declare(outputs))


ROWS = (T.FLOAT, ["batch", 4])


def chosen():
    """Which side is taken depends on the data; a choice inside a choice."""
    then = body("then", [node("MatMul", ["x", "w"], ["m0"]), node("Relu", ["m0"], ["t"])], {}, {"t": ROWS})
    deep = body("deep", [node("Sub", ["x", "w0"], ["d"])], {}, {"d": ROWS})
    flat = body("flat", [node("Tanh", ["x"], ["f"])], {}, {"f": ROWS})
    other = body(
        "else", [node("ReduceMax", ["x"], ["top"], keepdims=0), node("Greater", ["top", "one"], ["high"]),
                 node("If", ["high"], ["e"], then_branch=deep, else_branch=flat)], {}, {"e": ROWS})
    nodes = [node("ReduceSum", ["x"], ["s"], keepdims=0), node("Greater", ["s", "zero"], ["c"]), node("If", ["c"], ["y"], then_branch=then, else_branch=other)]
    weights = {"w": numbers(4, 4), "w0": numbers(4), "zero": np.float32(0), "one": np.float32(1)}
    x = numbers(5, 4)
    feeds = [x - x.mean() + 0.2, x - x.mean() - 0.2, (x - x.mean()) * 0.1 - 0.2]
    return build(nodes, {"x": (x, ["batch", 4])}, {"y": T.FLOAT}, weights)[0], [{"x": f} for f in feeds]


def repeated():
    """Three turns that collect rows, one row of a table in each."""
    step = body(
        "step", [node("MatMul", ["v", "w"], ["m"]), node("Gather", ["table", "i"], ["r"], axis=0), node("Add", ["m", "r"], ["a"]),
                 node("Tanh", ["a"], ["next"]), node("Neg", ["next"], ["row"]), node("Identity", ["c"], ["goes"])],
        {"i": (T.INT64, []), "c": (T.BOOL, []), "v": ROWS}, {"goes": (T.BOOL, []), "next": ROWS, "row": ROWS})
    nodes = [node("Loop", ["n", "", "x"], ["y", "rows"], body=step), node("Transpose", ["rows"], ["z"], perm=[1, 0, 2])]
    weights = {"w": numbers(4, 4), "table": numbers(3, 4, seed=9), "n": np.int64(3)}
    x = numbers(5, 4)
    return build(nodes, {"x": (x, ["batch", 4])}, {"y": T.FLOAT, "z": T.FLOAT}, weights)[0], [{"x": x}]


def doubled_until_large():
    """At most nine turns; the data ends it sooner."""
    step = body(
        "step", [node("Mul", ["v", "two"], ["next"]), node("ReduceMax", ["next"], ["top"], keepdims=0), node("Less", ["top", "limit"], ["goes"])],
        {"i": (T.INT64, []), "c": (T.BOOL, []), "v": ROWS}, {"goes": (T.BOOL, []), "next": ROWS})
    nodes = [node("ReduceMax", ["x"], ["t0"], keepdims=0), node("Less", ["t0", "limit"], ["c0"]), node("Loop", ["n", "c0", "x"], ["y"], body=step)]
    weights = {"two": np.float32(2), "limit": np.float32(10), "n": np.int64(9)}
    x = np.abs(numbers(5, 4)) + 0.1
    return build(nodes, {"x": (x, ["batch", 4])}, {"y": T.FLOAT}, weights)[0], [{"x": x}, {"x": x * 30}, {"x": x * 1e-4}]


@pytest.mark.parametrize("make", [chosen, repeated, doubled_until_large])
def test_control_flow_as_layers(make, tmp_path):
    """Keras's files know neither loops nor branches: layers compute both sides, and each turn that may be made."""
    model, feeds = make()
    source = tmp_path / "source.onnx"
    onnx.save(model, source)
    session = onnxruntime.InferenceSession(str(source), providers=["CPUExecutionProvider"])
    modelctl.convert(source, tmp_path / "model.keras")
    for feed in feeds:
        peers.compare(run("keras", tmp_path / "model.keras", model, feed), session.run(None, feed), what=make.__name__)


def test_loops_of_unknown_length_are_refused(tmp_path):
    step = body("step", [node("Mul", ["v", "two"], ["next"]), node("Identity", ["c"], ["goes"])],
                {"i": (T.INT64, []), "c": (T.BOOL, []), "v": ROWS}, {"goes": (T.BOOL, []), "next": ROWS})
    nodes = [node("Loop", ["n", "", "x"], ["y"], body=step)]
    model, _ = build(nodes, {"x": (numbers(5, 4), ["batch", 4]), "n": np.int64(3)}, {"y": T.FLOAT}, {"two": np.float32(2)})
    onnx.save(model, tmp_path / "source.onnx")
    with pytest.raises(modelctl.Failed) as failure:
        modelctl.convert(tmp_path / "source.onnx", tmp_path / "model.keras")
    assert failure.value.code == 69 and "Loop × 1" in failure.value.errors

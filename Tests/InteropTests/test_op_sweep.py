"""TensorFlow's operators one by one: run as TensorFlow runs them, written so that TensorFlow computes the same."""
import pytest
from tensorflow.core.framework import graph_pb2

import modelctl
import op_lists
import op_sweep

ALL = op_sweep.cases()


@pytest.fixture(scope="module")
def results(request, tmp_path_factory):
    """All selected cases at once: they share SavedModels."""
    wanted = {item.callspec.params["case"] for item in request.session.items if item.fspath == request.fspath and hasattr(item, "callspec")}
    selected = [case for case in ALL if case.name in wanted]
    return {result.case.name: result for result in op_sweep.evaluate(selected, tmp_path_factory.mktemp("sweep"))}


@pytest.mark.parametrize("case", [case.name for case in ALL])
def test_operator(case, results):
    result = results[case]
    assert not result.run, f"run: {result.run}"
    assert not result.write, f"written: {result.write}"


def test_lists_of_other_converters():
    """Every operator that tf2onnx and TensorFlow.js name has a row, or a text that says why not."""
    rows = {case.op for case in ALL}
    missing = [name for name in [*op_lists.TF2ONNX, *op_lists.tensorflowjs()] if name not in rows and name not in op_lists.ELSEWHERE]
    assert not missing, missing


def test_operators_of_other_libraries(tmp_path):
    """All of them in one graph: the refusal lists each."""
    graph = graph_pb2.GraphDef()
    graph.node.add(name="x", op="Placeholder").attr["dtype"].type = 1
    for number, op in enumerate(op_lists.REFUSED):
        node = graph.node.add(name=f"n{number}", op=op, input=["x"])
        for name in ("component_types", "output_types"):  # Of what queues and data sets give.
            node.attr[name].list.type.append(1)
    final = graph.node.add(name="y", op="IdentityN", input=[f"n{number}" for number in range(len(op_lists.REFUSED))])
    final.attr["T"].list.type.extend([1] * len(op_lists.REFUSED))
    (tmp_path / "graph.pb").write_bytes(graph.SerializeToString())
    with pytest.raises(modelctl.Failed) as failure:
        modelctl.run("convert", tmp_path / "graph.pb", tmp_path / "out.onnx")
    assert failure.value.code == 69
    for op in op_lists.REFUSED:
        assert op in failure.value.errors

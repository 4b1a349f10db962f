"""TensorFlow's operators one by one: run as TensorFlow runs them, written so that TensorFlow computes the same."""
import pytest

import op_sweep

ALL = op_sweep.cases()


@pytest.fixture(scope="module")
def results(request, tmp_path_factory):
    """All selected cases at once: they share SavedModels."""
    wanted = {item.callspec.params["case"] for item in request.session.items if item.fspath == request.fspath}
    selected = [case for case in ALL if case.name in wanted]
    return {result.case.name: result for result in op_sweep.evaluate(selected, tmp_path_factory.mktemp("sweep"))}


@pytest.mark.parametrize("case", [case.name for case in ALL])
def test_operator(case, results):
    result = results[case]
    assert not result.run, f"run: {result.run}"
    assert not result.write, f"written: {result.write}"

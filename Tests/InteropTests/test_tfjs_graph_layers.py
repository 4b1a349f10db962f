"""Every case of the layer list as a TF.js graph model that TensorFlow runs. Several cases share a model, as branches beside each other: a process
for each would take many times as long."""
import keras
import pytest

import modelctl
import peers
import tfjs_graphs
from layer_cases import CASES

GROUP = 16
GROUPS = [CASES[start:start + GROUP] for start in range(0, len(CASES), GROUP)]


def joined(group):
    """One model of all the cases, its inputs, and for each case what it gives."""
    inputs, outputs, values, expected = [], [], [], []
    for case in group:
        model, given = peers.build(case, keras), peers.batches(case.name, case.inputs)
        model.name = f"case{len(expected)}"
        expected.append(peers.run_model(model, given))
        own = [keras.Input(x.shape[1:], dtype=x.dtype.name, name=f"i{len(inputs) + index}") for index, x in enumerate(given)]
        results = model(own if len(own) > 1 else own[0])
        inputs += own
        values += given
        outputs += keras.tree.flatten(results)
    return keras.Model(inputs, outputs), values, expected


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: f"{group[0].name} … {group[-1].name}")
def test_layers(group, tmp_path):
    model, values, expected = joined(group)
    model.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "js", "--to", "tfjs-graph")
    ports = modelctl.inspect(tmp_path / "js")
    names, order = [port["name"] for port in ports["inputs"]], [port["name"] for port in ports["outputs"]]
    assert names == [f"i{index}" for index in range(len(values))]
    found = tfjs_graphs.run(tmp_path / "js", dict(zip(names, values)))
    results = [found[name] for name in order]
    failures = []
    for case, wanted in zip(group, expected):
        own, results = results[:len(wanted)], results[len(wanted):]
        try:
            peers.compare(own, wanted, case.tolerance, case.name)
        except AssertionError as error:
            failures.append(f"{case.name}: {error}")
    assert not results and not failures, "\n".join(failures)

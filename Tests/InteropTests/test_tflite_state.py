"""What TFLite models remember, and hybrid operators: run by modelctl and by LiteRT's reference kernels, three times in a row."""
import numpy as np
import pytest
from ai_edge_litert import interpreter as litert

import modelctl
import tflite_state_models as models

INVOCATIONS = 3


def hand_made():
    cases = {}
    for hybrid, asymmetric in ((False, False), (True, False), (True, True)):
        tail = "_hybrid" * hybrid + "_asymmetric" * asymmetric
        cases["svdf" + tail] = models.svdf(hybrid, asymmetric)
        cases["rnn_step" + tail] = models.rnn(hybrid, asymmetric, single=True)
        cases["rnn" + tail] = models.rnn(hybrid, asymmetric)
        cases["rnn_time_major" + tail] = models.rnn(hybrid, asymmetric, time_major=True)
        cases["lstm" + tail] = models.lstm(hybrid, asymmetric=asymmetric)
        cases["lstm_peephole" + tail] = models.lstm(hybrid, peephole=True, asymmetric=asymmetric)
        cases["lstm_coupled" + tail] = models.lstm(hybrid, cifg=True, peephole=True, asymmetric=asymmetric, time_major=True)
        cases["lstm_everything" + tail] = models.lstm(
            hybrid, peephole=True, projection=True, norm=True, asymmetric=asymmetric, clip=0.7)
    for hybrid in (False, True):
        for merged in (False, True):
            cases["rnn_both_ways" + "_hybrid" * hybrid + "_merged" * merged] = models.bidirectional_rnn(hybrid, merged)
    cases["svdf_int8"] = models.svdf_int8()
    every = dict(peephole=True, projection=True, norm=True, clip=0.5)
    for flags in (
        {}, {"cifg": True}, {"peephole": True}, {"projection": True}, {"norm": True}, every, every | {"time_major": True},
        {"cifg": True, "peephole": True, "norm": True, "time_major": True},
    ):
        cases["_".join(["lstm_int8", *flags])] = models.lstm_int8(**flags)
    return cases


def converted():
    networks = models.networks()
    cases = {name + "_dynamic": models.convert(network, "dynamic") for name, network in networks.items()}
    cases["lstm"] = models.convert(networks["lstm"])
    cases["lstm_int8_converted"] = models.convert(networks["lstm"], "int8")
    cases["accumulator"] = models.accumulator()
    cases["stream"] = models.stream()
    return cases


def made_up(detail, rng):
    shape = (INVOCATIONS, *detail["shape"])
    if detail["dtype"] == np.int8:
        return rng.integers(-128, 128, shape).astype(np.int8)
    return rng.normal(size=shape).astype(detail["dtype"])


def expected(path, values, resolver=litert.OpResolverType.BUILTIN_REF):
    """The outputs of LiteRT by tensor name, or by the signature's key, one row for each invocation."""
    interpreter = litert.Interpreter(str(path), experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    rows = {}
    for step in range(INVOCATIONS):
        for detail in interpreter.get_input_details():
            interpreter.set_tensor(detail["index"], values[detail["index"]][step])
        interpreter.invoke()
        for detail in interpreter.get_output_details():
            rows.setdefault(detail["index"], []).append(interpreter.get_tensor(detail["index"]))
    return {index: np.stack(row) for index, row in rows.items()}


def names(path):
    """The names of inputs and outputs as modelctl has them: the signature's, else the tensors'."""
    interpreter = litert.Interpreter(str(path))
    inputs = {detail["index"]: detail["name"] for detail in interpreter.get_input_details()}
    outputs = {detail["index"]: detail["name"] for detail in interpreter.get_output_details()}
    for key in interpreter.get_signature_list():
        runner = interpreter.get_signature_runner(key)
        inputs = {detail["index"]: name for name, detail in runner.get_input_details().items()}
        outputs = {detail["index"]: name for name, detail in runner.get_output_details().items()}
    return inputs, outputs


def difference(path, folder):
    """What is wrong, or an empty string."""
    inputs, outputs = names(path)
    rng = np.random.default_rng(11)
    details = litert.Interpreter(str(path)).get_input_details()
    values = {detail["index"]: made_up(detail, rng) for detail in details}
    np.savez(folder / "in.npz", **{inputs[index]: value for index, value in values.items()})
    try:
        modelctl.run("run", path, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz", "--invocations", INVOCATIONS)
    except modelctl.Failed as failure:
        return f"{path.stem}: {failure.errors[-300:]}"
    found = np.load(folder / "out.npz")
    for index, target in expected(path, values).items():
        result = found[outputs[index]]
        if result.shape != target.shape:
            return f"{path.stem}: {result.shape} instead of {target.shape}"
        # Integers to the last bit; what is hybrid sums exactly, too, and only then leaves the integers.
        same = np.allclose(result, target, 1e-4, 1e-5) if target.dtype.kind == "f" else np.array_equal(result, target)
        if not same:
            return f"{path.stem}: differs by {np.abs(result.astype(float) - target.astype(float)).max()}"
    return ""


@pytest.mark.parametrize("make", [hand_made, converted])
def test_invocations(tmp_path, make):
    problems = []
    for name, content in make().items():
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(content)
        problems.append(difference(path, tmp_path))
    assert not list(filter(None, problems))


def test_table(tmp_path):
    """A table of the program, filled by an initialisation subgraph."""
    path = tmp_path / "table.tflite"
    path.write_bytes(models.table(tmp_path / "saved"))
    x = np.array(["red", "pink", "blue", "green"])
    np.savez(tmp_path / "in.npz", x=x)
    modelctl.run("run", path, "--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz")
    found = np.load(tmp_path / "out.npz")
    # LiteRT's reference resolver has no tables; there is only one kernel.
    runner = litert.Interpreter(
        str(path), experimental_op_resolver_type=litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    ).get_signature_runner("serving_default")
    target = runner(x=x.astype(np.bytes_).astype(object))
    assert target["y"].tolist() == [7, -1, 9, 8]
    assert found["y"].tolist() == target["y"].tolist()
    assert found["n"].reshape(-1).tolist() == np.asarray(target["n"]).reshape(-1).tolist()


def test_without_state(tmp_path):
    """Formats that keep nothing: the state of a layer starts anew, the past of a stream becomes an input and an output."""
    layer, stream = tmp_path / "layer.tflite", tmp_path / "stream.tflite"
    layer.write_bytes(models.convert(models.networks()["lstm"]))
    report = modelctl.convert(layer, tmp_path / "layer.onnx")
    assert report["verification"]["equivalent"] and any("state" in note for note in report["notes"])
    stream.write_bytes(models.stream())
    report = modelctl.convert(stream, tmp_path / "stream.onnx")
    assert report["verification"]["equivalent"] and any("state" in note for note in report["notes"])
    assert len(modelctl.inspect(tmp_path / "stream.onnx")["inputs"]) == 2

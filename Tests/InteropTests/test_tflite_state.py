"""What TFLite models remember, and hybrid operators: run by modelctl and by LiteRT's reference kernels, three times in a row."""
import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import interpreter as litert

import litert as files
import modelctl
import tflite_state_models as models

INVOCATIONS = 3
PLAIN = files.PLAIN


class Cases(dict):
    """Models by name. Each is made of the same numbers, whatever was made before it."""

    def __setitem__(self, name, model):
        super().__setitem__(name, model)
        models.RNG.bit_generator.state = np.random.default_rng(7).bit_generator.state


def hand_made():
    models.RNG.bit_generator.state = np.random.default_rng(7).bit_generator.state
    cases = Cases()
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
        # From -1 to 1.
        cases["svdf_clamped" + "_hybrid" * hybrid] = models.svdf(hybrid, activation=2)
        cases["rnn_step_clamped" + "_hybrid" * hybrid] = models.rnn(hybrid, single=True, activation=2)
        cases["rnn_clamped" + "_hybrid" * hybrid] = models.rnn(hybrid, activation=2)
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


def test_variables_of_a_savedmodel(tmp_path):
    """What a stream remembers is a variable in TensorFlow, which its signature assigns; and back."""
    problems = []
    for name, content in {"accumulator": models.accumulator(), "stream": models.stream(), "svdf": models.svdf(False)}.items():
        path, saved, back = tmp_path / f"{name}.tflite", tmp_path / name, tmp_path / f"{name}.back.tflite"
        path.write_bytes(content)
        assert modelctl.convert(path, saved, "--to", "savedmodel")["verification"]["equivalent"]
        assert modelctl.convert(saved, back)["verification"]["equivalent"]
        assert {"VAR_HANDLE", "ASSIGN_VARIABLE", "CALL_ONCE"} <= set(files.operators(back))
        rng = np.random.default_rng(11)
        values = {detail["index"]: made_up(detail, rng) for detail in litert.Interpreter(str(path)).get_input_details()}
        targets = list(expected(path, values).values())
        # A function loaded again starts from the checkpoint.
        signature = tf.saved_model.load(str(saved)).signatures["serving_default"]
        given = list(signature.structured_input_signature[1])
        rows = [signature(**{key: tf.constant(value[step]) for key, value in zip(given, values.values())}) for step in range(INVOCATIONS)]
        for index, target in enumerate(targets):
            matching = [key for key in rows[0] if np.allclose(np.stack([row[key] for row in rows]), target, 1e-4, 1e-5)]
            if not matching:
                problems.append(f"{name}: output {index} of the SavedModel differs")
        own = {detail["index"]: value for detail, value in zip(litert.Interpreter(str(back)).get_input_details(), values.values())}
        for index, target in enumerate(targets):
            if not any(found.shape == target.shape and np.allclose(found, target, 1e-4, 1e-5) for found in expected(back, own, PLAIN).values()):
                problems.append(f"{name}: output {index} of the file made of the SavedModel differs")
    assert not problems, "\n".join(problems)


def test_assigned_variables_of_tensorflow(tmp_path):
    """A SavedModel of TensorFlow: what it assigns is there in the next call, of LiteRT too; whole numbers count on."""

    class Steps(tf.Module):
        def __init__(self):
            self.count, self.past = tf.Variable(1), tf.Variable(tf.ones([2, 3]))

        @tf.function(input_signature=[tf.TensorSpec([2, 3], name="x")])
        def step(self, x):
            self.count.assign_add(1)
            self.past.assign(self.past * 0.5 + x)
            return {"y": self.past * 2.0, "row": tf.gather(self.past, self.count % 2)}

    module = Steps()
    tf.saved_model.save(module, str(tmp_path / "saved"), {"serving_default": module.step})
    modelctl.convert(tmp_path / "saved", tmp_path / "model.tflite")
    runner = files.open_model(tmp_path / "model.tflite").get_signature_runner("serving_default")
    x = np.random.default_rng(2).normal(size=(INVOCATIONS, 2, 3)).astype("float32")
    for step in range(INVOCATIONS):
        target, found = module.step(tf.constant(x[step])), runner(x=x[step])
        for key in target:
            np.testing.assert_allclose(found[key], target[key], 1e-5, 1e-5, err_msg=f"{key} of call {step}")


def test_layers_without_moves_around_them(tmp_path):
    """An LSTM over whole sequences is a layer again, and nothing else, from floats and from integers."""
    network = models.networks()["lstm"]
    for quantization, options in ((None, []), ("int8", ["--dequantize"])):
        path = tmp_path / "model.tflite"
        path.write_bytes(models.convert(network, quantization))
        modelctl.convert(path, tmp_path / "model.keras", *options)
        model = keras.saving.load_model(tmp_path / "model.keras")
        kinds = [type(operation).__name__ for operation in model.operations]
        assert kinds.count("LSTM") == 2 and not {"Transpose", "ExpandDims"} & set(kinds), kinds
        if not quantization:
            x = np.random.default_rng(5).normal(size=(1, 5, 7)).astype("float32")
            (target,) = files.run(path, [x])
            np.testing.assert_allclose(model.predict(x, verbose=0), target, 1e-4, 1e-5)


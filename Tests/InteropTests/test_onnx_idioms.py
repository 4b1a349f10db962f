"""What exporters write, from ONNX to Keras: ONNX Runtime on the source against the real Keras on the converted file.

    MODELCTL=.build/release/modelctl pytest Tests/InteropTests/test_onnx_idioms.py -k lstm
"""
import onnx
import onnxruntime
import pytest

import modelctl
import onnx_idioms
import peers

EXACT, LOOSE = (1e-5, 1e-4), (5e-5, 5e-4)


def run_as_written(path, feeds):
    """ONNX Runtime without its own rewriting, which quantises biases that the model keeps as floats."""
    onnx.checker.check_model(str(path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, dict(zip([i.name for i in session.get_inputs()], feeds)))


@pytest.mark.parametrize("batch", [None, 1], ids=["batch unknown", "batch 1"])
@pytest.mark.parametrize("name", onnx_idioms.CASES)
def test_idiom(name, batch, tmp_path):
    builder = onnx_idioms.Builder(name, batch)
    outputs = onnx_idioms.CASES[name](builder)
    path = tmp_path / "model.onnx"
    onnx.save(builder.model(outputs if isinstance(outputs, list) else [outputs]), path)
    expected = run_as_written(path, builder.feeds)
    modelctl.convert(path, tmp_path / "model.keras")
    actual = peers.run_keras(tmp_path / "model.keras", builder.feeds)
    # Pow and Erf differ in the last bits between the runtimes, behind a division by a small deviation.
    peers.compare(actual, expected, LOOSE if "norm" in name or "transformer" in name or name == "class_token" else EXACT, name)


def test_layers_without_a_use_stay_out_of_h5(tmp_path):
    """Keras counts the layers that have weights, in an .h5 file and in the network that it makes of it."""
    builder = onnx_idioms.Builder("filled_like_a_layer", None)
    path = tmp_path / "model.onnx"
    onnx.save(builder.model([onnx_idioms.CASES["filled_like_a_layer"](builder)]), path)
    modelctl.convert(path, tmp_path / "model.h5")
    peers.compare(peers.run_keras(tmp_path / "model.h5", builder.feeds), run_as_written(path, builder.feeds), EXACT)

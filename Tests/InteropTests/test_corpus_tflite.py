"""Published TFLite files in every format that has their operators: what the format's own runtime computes, against LiteRT on the source.

Skipped, saying so, where the corpus is absent. Floats agree as two runtimes do in float32 through deep networks. Integers that a format spells as floats
between quantisations may flip to the step beside, and through many layers that adds up (`docs/numerics.md`): as real numbers, outputs rise 20 dB above the difference.
"""
import numpy as np
import pytest

import litert
import modelctl
import peers
import test_tflite_read as reading
import tfjs_graphs

ENTRIES = [entry for entry in reading.ENTRIES if entry.get("runs")]
TARGETS = ["onnx", "keras", "h5", "savedmodel", "tfjs-graph", "tflite"]

pytestmark = pytest.mark.skipif(not ENTRIES, reason="the corpus of real models is not on this machine")


def run(target, path, inputs):
    """The outputs in the order of the file, of inputs in the order of the file; `None` where it takes more: what the source remembers."""
    ports = modelctl.inspect(path)["inputs"]
    if len(ports) != len(inputs):
        return None
    if target == "onnx":
        return peers.run_onnx(path, inputs)
    if target in ("keras", "h5"):
        return peers.run_keras(path, inputs)
    if target == "tfjs-graph":
        return list(tfjs_graphs.run(path, dict(zip([p["name"] for p in ports], inputs))).values())
    if target == "tflite":
        return reading.run_litert(path, {d["name"]: x for d, x in zip(litert.open_model(path).get_input_details(), inputs)})
    import tensorflow as tf

    names = {port["name"] for port in ports}
    function = next(f for f in tf.saved_model.load(str(path)).signatures.values() if set(f.structured_input_signature[1]) == names)
    found = function(**{p["name"]: tf.constant(x) for p, x in zip(ports, inputs)})
    return [np.asarray(found[p["name"]]) for p in modelctl.inspect(path)["outputs"]]


def steps(path):
    """Scale and zero point of each output; `None` for floats."""
    return [d["quantization"] if d["quantization"][0] else None for d in reading.interpreter(path).get_output_details()]


def is_float(path):
    """Whether nothing in the file is stored in fewer bits."""
    return all(not len(d["quantization_parameters"]["scales"]) for d in reading.interpreter(path).get_tensor_details())


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["id"])
def test_in_the_runtime_of(target, entry, tmp_path):
    path, destination = reading.CORPUS / entry["path"], tmp_path / f"model.{target}"
    options = ["--opset", "21"] if target == "onnx" and entry["id"] in reading.WIDE_INTEGERS else []
    assert modelctl.convert(path, destination, "--to", target, *options)["verification"]["equivalent"]
    feeds = reading.made_up(path)
    found = run(target, destination, list(feeds.values()))
    if found is None:
        return
    expected = reading.run_litert(path, feeds)
    assert len(found) == len(expected)
    for actual, wanted, step in zip(found, expected, steps(path)):
        wanted = np.asarray(wanted)
        actual = np.asarray(actual).reshape(wanted.shape)
        if wanted.dtype == object:  # Texts, which ONNX Runtime gives as `str`.
            actual = np.array([x.encode() if isinstance(x, str) else x for x in actual.ravel()], object).reshape(wanted.shape)
        if target == "tflite" or wanted.dtype.kind in "SUOb":
            np.testing.assert_array_equal(actual, wanted)
        elif is_float(path):
            np.testing.assert_allclose(actual, wanted, 1e-3, 1e-4)
        else:
            scale, zero = step or (1, 0)
            difference = (actual.astype("float64") - wanted) * scale
            signal = np.mean(((wanted.astype("float64") - zero) * scale) ** 2)
            # A step of the output's own grid is none of the network's.
            assert np.abs(difference).max() <= scale * bool(step) or 10 * np.log10(signal / np.mean(difference**2)) > 20

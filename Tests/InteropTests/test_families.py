"""The same network in several formats, as others published it: `verify` says so where the real runtimes do, and only there.

The corpus names its families; skipped, saying so, where it is absent. Of a float model and its quantised form the real runtimes get the same numbers, on the
grid of the quantised input, and outputs count as what the integers stand for.
"""
import json
import os
import pathlib

import numpy as np
import pytest

import litert
import modelctl
import peers
import tfjs_graphs

CORPUS = pathlib.Path(os.environ.get("MODELCTL_CORPUS", modelctl.ROOT.parent / "shared/corpus"))
ENTRIES = {e["id"]: e for e in json.loads((CORPUS / "MANIFEST.json").read_text())} if (CORPUS / "MANIFEST.json").exists() else {}
FAMILIES = [(a, b) for a, entry in ENTRIES.items() for b in entry.get("same_model_as") or [] if a < b and b in ENTRIES]

#: Files with one name that hold two trainings: the real runtimes differ by 0.7 in a softmax.
DIFFERENT = {"handgesture_point_history_classifier_point_history_classifier.hdf5"}

pytestmark = pytest.mark.skipif(not FAMILIES, reason="the corpus of real models is not on this machine")


def path(name):
    return CORPUS / ENTRIES[name]["path"]


def grid(name):
    """Scale, zero point and dtype of each input that a TFLite file stores as integers; `None` for others."""
    if ENTRIES[name]["format"] != "tflite":
        return []
    details = litert.open_model(path(name)).get_input_details()
    return [(*d["quantization"], d["dtype"]) if d["quantization"][0] else None for d in details]


def quantised(name):
    report = modelctl.inspect(path(name))
    return report["format"] == "tflite" and ("quant" in name or report["inputs"][0]["dtype"] == "int8" or "kws" in name)


def run(name, inputs):
    """What the format's own runtime computes, as real numbers."""
    file, kind = path(name), ENTRIES[name]["format"]
    if kind == "onnx":
        return peers.run_onnx(file, inputs)
    if kind == "savedmodel":
        return run_signature(file, inputs)
    if kind == "tfjs":
        names = [port["name"] for port in modelctl.inspect(file)["inputs"]]
        return list(tfjs_graphs.run(file.parent, dict(zip(names, inputs))).values())
    if kind in ("keras", "h5"):
        try:
            return peers.run_keras(file, inputs)
        except Exception:
            return peers.run_tf_keras(file, inputs)
    stored = [x if g is None else to_grid(x, g) for x, g in zip(inputs, grid(name))]
    results = litert.run(file, stored)
    scales = [d["quantization"] for d in litert.open_model(file).get_output_details()]
    return [y if y.dtype == np.float32 else (y.astype("float32") - zero) * np.float32(scale) for y, (scale, zero) in zip(results, scales)]


def run_signature(file, inputs):
    import tensorflow as tf

    function = tf.saved_model.load(str(file)).signatures["serving_default"]
    names = sorted(function.structured_input_signature[1])
    return [np.asarray(y) for _, y in sorted(function(**{n: tf.constant(x) for n, x in zip(names, inputs)}).items())]


def to_grid(x, stored):
    scale, zero, dtype = stored
    limits = np.iinfo(dtype)
    return np.clip(np.rint(x / np.float32(scale)) + zero, limits.min, limits.max).astype(dtype)


def made_up(a, b, part):
    """Seeded inputs: on the grid of a quantised one, of a part of its range around zero."""
    rng = np.random.default_rng(3)
    shapes = [[8 if d is None else d for d in port["shape"]] for port in modelctl.inspect(path(a))["inputs"]]
    grids = next((g for g in (grid(a), grid(b)) if any(g)), [None] * len(shapes))
    inputs = []
    for shape, stored in zip(shapes, grids):
        if "magika" in a:  # Bytes as floats, which pick rows of a table.
            inputs.append(rng.integers(0, 256, shape).astype("float32"))
            continue
        if stored is None:
            inputs.append(rng.normal(0.1, 1, shape).astype("float32"))
            continue
        scale, zero, dtype = stored
        numbers = rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max + 1, shape)
        inputs.append((np.rint((numbers - zero) * part) * scale).astype("float32"))
    return inputs


def decibels(a, b):
    """How far the variation of one output lies above its difference from the other."""
    return 10 * np.log10(np.var(a.astype("float64")) / np.mean((a.astype("float64") - b) ** 2))


@pytest.mark.parametrize("pair", FAMILIES, ids="-".join)
def test_verify_says_what_the_real_runtimes_say(pair):
    a, b = pair
    is_same = not DIFFERENT & set(pair)
    expected, found = [], []
    if quantised(a) or quantised(b):
        # Where the whole range saturates the outputs, a part of it tells more.
        levels = []
        for part in (1, 1 / 4, 1 / 16):
            inputs = made_up(a, b, part)
            levels.append(min(decibels(x, y) for x, y in zip(run(a, inputs), run(b, inputs))))
        assert max(levels) > 10
    else:
        inputs = made_up(a, b, 1)
        expected, found = run(a, inputs), run(b, inputs)
        assert all(np.allclose(x, y, 1e-3, 1e-4) for x, y in zip(found, expected)) == is_same
    for first, second in (pair, pair[::-1]):
        assert modelctl.verify(path(first), path(second), expect=0 if is_same else 1)["equivalent"] == is_same


@pytest.mark.parametrize("pair", [p for p in FAMILIES if p[0].startswith("tflm_")], ids="-".join)
def test_tolerances_that_are_given_decide(pair):
    a, b = map(path, pair)
    assert not modelctl.verify(a, b, "--atol", "1e-5", expect=1)["equivalent"]


def test_another_training_is_another_model():
    """The same network as its quantised form, trained at another time."""
    other, quantised_form = "mlperf-tiny_keyword_spotting_kws_ref_model", "mlperf-tiny_keyword_spotting_kws_ref_model.tflite"
    if not {other, quantised_form} <= set(ENTRIES):
        pytest.skip("the corpus lacks it")
    report = modelctl.verify(path(other), path(quantised_form), expect=1)
    assert report["outputs"][0]["snr_db"] < 5


@pytest.mark.parametrize("mode", ["float16", "dynamic", "int8", "int16x8"])
def test_what_quantising_makes_of_a_model(mode, tmp_path):
    """Floats in front: numbers are made up in the range that the model keeps of them."""
    model = modelctl.ROOT / "fixtures/keras/shapes-cnn/model.keras"
    np.savez(tmp_path / "samples.npz", image=np.random.default_rng(4).uniform(0, 1, (12, 24, 32, 3)).astype("float32"))
    needed = ["--representative", tmp_path / "samples.npz"] if mode.startswith("int") else []
    modelctl.convert(model, tmp_path / "m.tflite", "--quantize", mode, *needed)
    report = modelctl.verify(model, tmp_path / "m.tflite")
    least = 40 if mode == "float16" else 10
    assert report["min_snr_db"] == least and report["outputs"][0]["snr_db"] > least
    assert not modelctl.verify(model, tmp_path / "m.tflite", "--rtol", "1e-6", expect=1)["equivalent"]


QUANTISED = ["tflm_examples_hello_world_models_hello_world_int8.tflite", "mlperf-tiny_keyword_spotting_kws_ref_model.tflite"]


@pytest.mark.parametrize("target", ["onnx", "savedmodel", "tflite"])
@pytest.mark.parametrize("name", QUANTISED)
def test_convert_and_verify_agree_about_integers(name, target, tmp_path):
    if name not in ENTRIES:
        pytest.skip("the corpus lacks it")
    destination = tmp_path / f"model.{target}"
    assert modelctl.convert(path(name), destination, "--to", target)["verification"]["equivalent"]
    for first, second in ((path(name), destination), (destination, path(name))):
        report = modelctl.verify(first, second)
        assert report["equivalent"] and "min_snr_db" not in report

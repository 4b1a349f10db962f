"""What people save besides networks, run by modelctl and, converted, by the runtimes of each format."""
import keras
import numpy as np
import pytest
import tensorflow as tf

import litert
import modelctl
import peers
import savedmodels
import tfjs_graphs
import savedmodel_patterns_rows  # noqa: F401 (adds to the patterns)
from savedmodel_patterns import PATTERNS
from test_lookups import same


def as_array(value):
    return value if isinstance(value, np.ndarray) else np.asarray(value)


def run_onnx(path, inputs):
    session = peers.onnx_session(path)
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, inputs)))


def run_tflite(path, inputs):
    return litert.open_model(path).get_signature_runner("serving_default")(**inputs)


def run_keras(path, inputs):
    model = keras.saving.load_model(path, compile=False)
    values = [tf.constant(inputs[value.name.split(":")[0]]) for value in model.inputs]
    # Outputs are called after layers: the order of the signature decides.
    return peers.flat(model(values if len(values) > 1 else values[0]))


TARGETS = {
    "savedmodel": ("again", savedmodels.run_signature), "onnx": ("model.onnx", run_onnx), "tflite": ("model.tflite", run_tflite),
    "tfjs": ("graph", tfjs_graphs.run), "keras": ("model.keras", run_keras),
}


@pytest.mark.parametrize("name", PATTERNS)
def test_pattern(name, tmp_path):
    make, targets = PATTERNS[name]
    module, inputs = make()
    tf.saved_model.save(module, str(tmp_path / "saved"), {"serving_default": module.call})
    expected = savedmodels.run_signature(tmp_path / "saved", inputs)

    def check(found, what):
        found = dict(zip(sorted(expected), found, strict=True)) if isinstance(found, list) else found
        assert set(found) == set(expected), f"{what} gives {sorted(found)} instead of {sorted(expected)}"
        for key, value in expected.items():
            same(as_array(found[key]), as_array(value), f"{what}: {key}")

    # Texts travel as bytes.
    stored = {key: value.astype("S") if value.dtype == object else value for key, value in inputs.items()}
    np.savez(tmp_path / "in.npz", **stored)
    modelctl.run("run", tmp_path / "saved", "--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as data:
        check({key: data[key] for key in data.files}, "run")
    for target in ("savedmodel", *targets):
        file, run = TARGETS[target]
        kind = {"savedmodel": ["--to", "savedmodel"], "tfjs": ["--to", "tfjs-graph"]}.get(target, [])
        modelctl.convert(tmp_path / "saved", tmp_path / file, *kind)
        check(run(tmp_path / file, inputs), target)

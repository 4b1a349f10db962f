"""Typical models in all directions, judged by the real frameworks; what `inspect` and `run` say of them."""
import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import modelctl
import peers
import zoo

ALL = zoo.entries()


def flat(outputs):
    """In the order of `model.outputs`: dictionaries by key."""
    return [np.asarray(array) for array in tf.nest.flatten(outputs)]


def expect(model, inputs):
    return flat(model(zoo.structured(model, inputs), training=False))


def run_keras(path, inputs, package=keras):
    package.backend.clear_session()
    again = package.models.load_model(path, compile=False)
    arrays = dict(zip((zoo.input_name(t) for t in again.inputs), inputs.values()))
    return flat(again(zoo.structured(again, arrays), training=False))


def run_onnx(path, inputs):
    return peers.run_onnx_by_name(path, inputs)


def run_modelctl(path, inputs, folder):
    np.savez(folder / "in.npz", **inputs)
    modelctl.run("run", path, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz")
    with np.load(folder / "out.npz") as arrays:
        return dict(arrays)


def fits(shape, extents):
    return len(shape) == len(extents) and all(x in (None, y) for x, y in zip(shape, extents))


def check_inspect(path, model, expected):
    """Names, shapes, counts and layers as Keras has them."""
    facts = modelctl.inspect(path)
    found, known = [(i["name"], i["shape"]) for i in facts["inputs"]], [(zoo.input_name(t), list(t.shape)) for t in model.inputs]
    assert found == known, f"inputs {found} instead of {known}"
    # Keras's own inference errs now and then; the arrays do not.
    found, known = [o["shape"] for o in facts["outputs"]], [a.shape for a in expected]
    assert len(found) == len(known) and all(fits(f, k) for f, k in zip(found, known)), f"outputs {found} instead of {known}"
    weights = [w for w in model.weights if "seed_generator" not in getattr(w, "path", w.name)]
    count = sum(int(np.prod(w.shape)) for w in weights)
    assert facts["parameters"] == count, f"{facts['parameters']} parameters instead of {count}"
    found, known = [layer["name"] for layer in facts["layers"]], [layer.name for layer in model.layers]
    assert not [name for name in known if name not in found], f"layers {found} instead of {known}"


def round_trip(entry, model, inputs, folder, source, same, run_same, stages=None):
    """All directions from `source`; `stages` collects failures by stage instead of stopping at the first."""
    expected = expect(model, inputs)

    def stage(name, act):
        if stages is None:
            return act()
        try:
            act()
        except Exception as error:
            stages.append((name, error))

    def to(start, end, run):
        modelctl.convert(folder / start, folder / end)
        peers.compare(run(folder / end, inputs), expected, entry.tolerance, f"{start} → {end}")

    other = "model.h5" if source.endswith(".keras") else "model.keras"
    stage("inspect", lambda: check_inspect(folder / source, model, expected))
    def run():
        outputs = run_modelctl(folder / source, inputs, folder)
        peers.compare(list(outputs.values()), expected, entry.tolerance, "run")
    stage("run", run)
    stage("same", lambda: to(source, same, run_same))
    if entry.h5 or not other.endswith(".h5"):
        stage(other, lambda: to(source, other, run_keras))
        stage("back from other", lambda: to(other, "again.keras", run_keras))
    if entry.h5 and not entry.keras3_only and entry.h5_for_keras2 and other.endswith(".h5"):
        stage("h5 in tf_keras", lambda: peers.compare(run_keras(folder / other, inputs, tf_keras), expected, entry.tolerance, "h5 in tf_keras"))
    stage("onnx", lambda: to(source, "model.onnx", run_onnx))
    stage("onnx back", lambda: to("model.onnx", "back.keras", run_keras))


@pytest.mark.parametrize("entry", [e for e in ALL if not e.keras2_only], ids=repr)
def test_from_keras3(entry, tmp_path):
    model, inputs = zoo.make(entry, keras)
    model.save(tmp_path / "a model.keras")
    round_trip(entry, model, inputs, tmp_path, "a model.keras", "same.keras", run_keras)


@pytest.mark.parametrize("entry", [e for e in ALL if not e.keras3_only], ids=repr)
def test_from_keras2(entry, tmp_path):
    model, inputs = zoo.make(entry, tf_keras)
    model.save(tmp_path / "a model.h5")
    round_trip(entry, model, inputs, tmp_path, "a model.h5", "same.h5", lambda path, x: run_keras(path, x, tf_keras))

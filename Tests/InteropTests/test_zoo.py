"""Typical models in all directions, judged by the real frameworks; what `inspect` and `run` say of them."""
import keras
import numpy as np
import onnx
import pytest
import tensorflow as tf
import tf_keras

import modelctl
import peers
import seeded
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


def holds_attention(model):
    """Keras 2 insists on the shapes a `MultiHeadAttention` was built for in its configuration, and Keras 3 refuses them: an H5
    file with this layer is for one of the two, whichever the model came from."""
    return any(type(layer).__name__ == "MultiHeadAttention" for layer in seeded.all_layers(model))


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


def refuse(entry, source, target):
    with pytest.raises(modelctl.Failed) as failure:
        modelctl.convert(source, target)
    assert failure.value.code == 69 and entry.refused in failure.value.errors
    assert not target.exists()


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
    if entry.h5 and not entry.keras3_only and entry.h5_for_keras2 and other.endswith(".h5") and not holds_attention(model):
        stage("h5 in tf_keras", lambda: peers.compare(run_keras(folder / other, inputs, tf_keras), expected, entry.tolerance, "h5 in tf_keras"))
    if entry.refused:
        stage("refused", lambda: refuse(entry, folder / source, folder / "model.onnx"))
        return
    stage("onnx", lambda: to(source, "model.onnx", run_onnx if entry.in_onnx_runtime else peers.run_onnx_reference))
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


@pytest.mark.parametrize("entry", [e for e in ALL if not e.keras3_only], ids=repr)
def test_archive_of_keras2(entry, tmp_path):
    """tf_keras writes `.keras` files too, of its own words and names of weights."""
    model, inputs = zoo.make(entry, tf_keras)
    model.save(tmp_path / "model.keras")
    expected = expect(model, inputs)
    check_inspect(tmp_path / "model.keras", model, expected)
    modelctl.convert(tmp_path / "model.keras", tmp_path / "model.h5")
    peers.compare(run_keras(tmp_path / "model.h5", inputs, tf_keras), expected, entry.tolerance, "h5")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "again.keras")
    peers.compare(run_keras(tmp_path / "again.keras", inputs), expected, entry.tolerance, "keras")


def test_quantised(tmp_path):
    """Layers in four bits are carried from Keras to Keras."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(5)
    L = keras.layers
    inputs = L.Input((4,), name="x")
    model = keras.Model(inputs, L.Dense(3, name="y")(L.Dense(6, activation="relu")(inputs)))
    model.quantize("int4")
    model.save(tmp_path / "model.keras")
    x = np.linspace(-1, 1, 12, dtype="float32").reshape(3, 4)
    modelctl.run("convert", tmp_path / "model.keras", tmp_path / "same.keras", "--no-verify")
    peers.compare(run_keras(tmp_path / "same.keras", {"x": x}), flat(model(x)), what="same.keras")
    for target in ("model.onnx", "model.h5"):
        with pytest.raises(modelctl.Failed) as failure:
            modelctl.convert(tmp_path / "model.keras", tmp_path / target)
        assert failure.value.code == 69 and "Dense × 2" in failure.value.errors


def test_bfloat16_to_onnx(tmp_path):
    """ONNX has convolutions of bfloat16 from opset 22 on, and casts before; ONNX Runtime has none on processors."""
    keras.backend.clear_session()
    L = keras.layers
    inputs = L.Input((8, 8, 3), name="x")
    x = L.MaxPooling2D(dtype="bfloat16")(L.Conv2D(4, 3, activation="elu", dtype="bfloat16")(inputs))
    model = keras.Model(inputs, L.Dense(2, dtype="float32")(L.Flatten(dtype="float32")(x)))
    model.save(tmp_path / "model.keras")
    for opset in (18, 22):
        modelctl.convert(tmp_path / "model.keras", tmp_path / "model.onnx", "--opset", opset)
        onnx.checker.check_model(str(tmp_path / "model.onnx"), full_check=True)

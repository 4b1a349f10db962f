"""Files of weights alone, of three generations of Keras: rewritten whole, and compared tensor by tensor."""
import os

import h5py
import numpy as np
import pytest

import modelctl
import peers


def network(package, seed=1):
    package.utils.set_random_seed(seed)
    layers = package.layers
    return package.Sequential([
        layers.Input((6, 8)), layers.Bidirectional(layers.LSTM(5, return_sequences=True), name="both"), layers.BatchNormalization(name="norm"),
        layers.GlobalAveragePooling1D(), layers.Dense(3, name="last")])


def keras_3(path):
    network(peers.keras).save_weights(path)


def keras_2(path):
    network(peers.tf_keras).save_weights(path)


def keras_1(path):
    """As Keras 1.0.5 wrote them: no version, and names without slashes."""
    random = np.random.default_rng(2)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"dense_1", b"flatten_1"]
        group = file.create_group("dense_1")
        group.attrs["weight_names"] = [b"dense_1_W", b"dense_1_b"]
        group["dense_1_W"], group["dense_1_b"] = random.normal(size=(4, 3)).astype("f4"), random.normal(size=3).astype("f4")
        file.create_group("flatten_1").attrs.create("weight_names", [], dtype="f4")


MAKERS = {"keras-3": (keras_3, "m.weights.h5"), "keras-2": (keras_2, "m.h5"), "keras-1": (keras_1, "m.h5")}


def content(path):
    """Everything in the file: groups, attributes with their types, elements."""
    found = {}
    with h5py.File(path) as file:
        def visit(name, item):
            found[name] = ({k: (v.dtype.kind, np.asarray(v).tolist()) if hasattr(v, "dtype") else v for k, v in item.attrs.items()},
                           (item.dtype, item[()].tobytes()) if isinstance(item, h5py.Dataset) else None)
        visit("/", file)
        file.visititems(visit)
    return found


@pytest.fixture(params=MAKERS)
def weights(request, tmp_path):
    make, name = MAKERS[request.param]
    make(str(tmp_path / name))
    return tmp_path / name


def test_rewritten_whole(weights, tmp_path):
    report = modelctl.convert(weights, tmp_path / "again.h5")
    assert report["verification"]["equivalent"] and report["verification"]["method"] == "weights" and report["notes"] == []
    assert content(tmp_path / "again.h5") == content(weights)


def test_compared_tensor_by_tensor(weights, tmp_path):
    same = modelctl.verify(weights, weights)
    assert same["equivalent"] and len(same["outputs"]) > 1 and all(o["mismatched"] == 0 for o in same["outputs"])
    other = tmp_path / "other.h5"
    other.write_bytes(weights.read_bytes())
    with h5py.File(other, "r+") as file:
        names = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        changed = file[names[0]]
        changed[...] = changed[()] + 1
    report = modelctl.verify(weights, other, expect=1)
    wrong = [o for o in report["outputs"] if o["mismatched"]]
    assert len(wrong) == 1 and abs(wrong[0]["max_abs"] - 1) < 1e-6


def test_no_architecture_is_said_clearly(weights, tmp_path):
    for target in ("m.onnx", "m.keras", "m.tflite"):
        failure = pytest.raises(modelctl.Failed, modelctl.convert, weights, tmp_path / target).value
        assert failure.code == 69 and f"{weights} holds weights alone, without the architecture" in failure.errors
        assert ".partial" not in failure.errors and not os.path.exists(tmp_path / target)


@pytest.mark.parametrize("package", [peers.keras, peers.tf_keras], ids=["keras", "tf_keras"])
def test_weights_of_a_whole_model(package, tmp_path):
    """What is written of a model as weights alone, Keras loads; and it is the same as the model it was taken from."""
    model, whole, alone = network(package), tmp_path / "m.h5", tmp_path / "m.weights.h5"
    model.save(whole)
    report = modelctl.convert(whole, alone)
    assert report["verification"]["equivalent"] and report["verification"]["method"] == "weights"
    assert modelctl.verify(whole, alone)["equivalent"] and modelctl.verify(alone, whole)["equivalent"]
    fresh = network(peers.keras, seed=9)
    fresh.load_weights(alone)
    for a, b in zip(model.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)

"""Whole networks with seeded weights and non-trivial normalisation statistics, in all directions."""
import keras
import onnx
import pytest
import tf_keras

import modelctl
import peers
import seeded
from networks import NETWORKS


def make(name, package):
    build, specs, _ = NETWORKS[name]
    package.utils.set_random_seed(11)
    package.backend.clear_session()
    inputs = peers.batches(name, specs, size=2)
    return seeded.calibrate(seeded.fill_weights(build(package), name), name, peers.batches(name + "/calibration", specs, size=8)), inputs


@pytest.mark.parametrize("name", NETWORKS)
def test_network_from_keras3(name, tmp_path):
    model, inputs = make(name, keras)
    expected = peers.run_model(model, inputs)
    tolerance = TOLERANCES.get(name, (1e-5, 1e-4))
    model.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "model.onnx")
    peers.compare(peers.run_onnx(tmp_path / "model.onnx", inputs), expected, tolerance, "keras → onnx")
    modelctl.convert(tmp_path / "model.onnx", tmp_path / "back.keras")
    peers.compare(peers.run_keras(tmp_path / "back.keras", inputs), expected, tolerance, "onnx → keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "model.h5")
    peers.compare(peers.run_keras(tmp_path / "model.h5", inputs), expected, tolerance, "keras → h5")
    modelctl.convert(tmp_path / "model.h5", tmp_path / "again.keras")
    peers.compare(peers.run_keras(tmp_path / "again.keras", inputs), expected, tolerance, "h5 → keras")


@pytest.mark.parametrize("name", [n for n, (_, _, keras3_only) in NETWORKS.items() if not keras3_only])
def test_network_from_keras2(name, tmp_path):
    model, inputs = make(name, tf_keras)
    expected = peers.run_model(model, inputs)
    tolerance = TOLERANCES.get(name, (1e-5, 1e-4))
    model.save(tmp_path / "model.h5")
    modelctl.convert(tmp_path / "model.h5", tmp_path / "same.h5")
    peers.compare(peers.run_tf_keras(tmp_path / "same.h5", inputs), expected, tolerance, "h5 → h5")
    modelctl.convert(tmp_path / "model.h5", tmp_path / "model.keras")
    peers.compare(peers.run_keras(tmp_path / "model.keras", inputs), expected, tolerance, "h5 → keras")
    modelctl.convert(tmp_path / "model.h5", tmp_path / "model.onnx")
    peers.compare(peers.run_onnx(tmp_path / "model.onnx", inputs), expected, tolerance, "h5 → onnx")


#: float16 arithmetic: half a unit of its last place is 5e-4.
TOLERANCES = {"mixed precision": (2e-3, 2e-3)}

#: Networks of which nothing but a transpose at each end may be left in ONNX, and none in the body coming back.
CONVOLUTIONAL = ["cifar cnn", "resnet50", "mobilenet v2", "efficientnet b0", "u-net"]


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_no_needless_transposes(name, tmp_path):
    model, _ = make(name, keras)
    model.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "model.onnx", "--no-verify")
    operators = [node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node]
    assert operators.count("Transpose") <= (2 if name == "u-net" else 1), operators
    modelctl.convert(tmp_path / "model.onnx", tmp_path / "back.keras", "--no-verify")
    back = keras.saving.load_model(tmp_path / "back.keras")
    classes = [type(layer).__name__ for layer in back.layers]
    assert not {"Permute", "Transpose"} & set(classes), classes
    for kind in ["Conv2D", "DepthwiseConv2D", "BatchNormalization", "Dense"]:
        count = sum(type(layer).__name__ == kind for layer in model.layers)
        assert classes.count(kind) == count, f"{classes.count(kind)} layers {kind} instead of {count}"
    assert sum(w.shape.num_elements() for w in back.trainable_weights) == sum(w.shape.num_elements() for w in model.trainable_weights)

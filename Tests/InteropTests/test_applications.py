"""Networks of `keras.applications` at small sizes, `weights=None`, seeded weights and disturbed statistics.

The committed list has one network of each family; `ALL_APPLICATIONS=1` in the environment runs every one.
"""
import os

import keras
import numpy as np
import pytest

import modelctl
import peers
import seeded

#: Name → the extent of its square input.
SOME = {"MobileNetV3Small": 64, "DenseNet121": 64, "Xception": 96, "EfficientNetV2B0": 64, "NASNetMobile": 64, "ConvNeXtTiny": 64}
MORE = {"VGG16": 64, "VGG19": 64, "ResNet50": 64, "ResNet101": 64, "ResNet50V2": 64, "ResNet101V2": 64, "DenseNet169": 64, "InceptionV3": 96,
        "InceptionResNetV2": 96, "MobileNet": 64, "MobileNetV2": 64, "MobileNetV3Large": 64, "EfficientNetB0": 64, "EfficientNetB1": 64,
        "EfficientNetV2S": 64}
NAMES = {**SOME, **MORE} if os.environ.get("ALL_APPLICATIONS") else SOME


def make(name):
    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    size = NAMES[name]
    model = getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3), classes=7)
    seeded.fill_weights(model, name)
    # Some preprocess pixels in the network.
    pixels = lambda n: [(seeded.batch(f"{name}/{n}", (size, size, 3), n) * 40 + 120).astype("float32")]
    return seeded.calibrate(model, name, pixels(4)), pixels(2)


@pytest.mark.parametrize("name", NAMES)
def test_application(name, tmp_path):
    model, inputs = make(name)
    expected = peers.run_model(model, inputs)
    assert np.ptp(expected[0]) > 1e-3
    model.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "model.onnx")
    peers.compare(peers.run_onnx(tmp_path / "model.onnx", inputs), expected, what="keras → onnx")
    modelctl.convert(tmp_path / "model.onnx", tmp_path / "back.keras")
    peers.compare(peers.run_keras(tmp_path / "back.keras", inputs), expected, what="onnx → keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "model.h5", "--no-verify")
    modelctl.convert(tmp_path / "model.h5", tmp_path / "again.keras", "--no-verify")
    peers.compare(peers.run_keras(tmp_path / "again.keras", inputs), expected, what="h5 → keras")
    facts = modelctl.inspect(tmp_path / "model.keras")
    assert facts["parameters"] == model.count_params()

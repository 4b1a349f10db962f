"""Images and sequences of open extents made larger, and windows shorter than their strides."""
import keras
import pytest

import litert
import modelctl
import peers
import savedmodels
import seeded

L = keras.layers


def model(name, shape, build):
    keras.backend.clear_session()
    x = L.Input(shape, name="x")
    return seeded.fill_weights(keras.Model(x, build(x)), name)


CASES = {
    "images": ((None, None, 3), lambda x: [
        L.UpSampling2D(2)(x), L.UpSampling2D((3, 2), interpolation="bilinear")(x), L.UpSampling2D((1, 3))(L.Conv2D(2, 3)(x))]),
    "sequences": ((None, 4), lambda x: [L.UpSampling1D(3)(x), L.Conv1D(2, 3)(L.UpSampling1D(2)(x))]),
    "volumes": ((None, 3, None, 2), lambda x: L.UpSampling3D((2, 1, 3))(x)),
    "windows": ((9, 10, 3), lambda x: [
        L.AveragePooling2D((3, 1), strides=(1, 2), padding="same")(x), L.MaxPooling2D((1, 2), strides=3, padding="same")(x)]),
}


@pytest.mark.parametrize("name", CASES)
def test_in_every_runtime(name, tmp_path):
    shape, build = CASES[name]
    made = model(name, shape, build)
    extents = [7 if extent is None else extent for extent in shape]
    values = [seeded.batch(name, extents, 2).astype("float32")]
    expected = peers.run_model(made, values)
    made.save(tmp_path / "model.keras")
    for target in ("model.onnx", "model.tflite", "saved", "graph"):
        options = {"saved": ["--to", "savedmodel"], "graph": ["--to", "tfjs-graph"]}.get(target, [])
        modelctl.convert(tmp_path / "model.keras", tmp_path / target, *options)
    peers.compare(peers.run_onnx(tmp_path / "model.onnx", values), expected, what="ONNX")
    names = [output["name"] for output in modelctl.inspect(tmp_path / "saved")["outputs"]]
    results = savedmodels.run_signature(tmp_path / "saved", {"x": values[0]})
    peers.compare([results[name] for name in names], expected, what="SavedModel")
    peers.compare(litert.run(tmp_path / "model.tflite", values), expected, what="TFLite")

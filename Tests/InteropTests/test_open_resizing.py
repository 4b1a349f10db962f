"""Images and sequences of open extents made larger, and windows shorter than their strides."""
import keras
import onnx
import pytest
import tensorflow as tf
from onnx import TensorProto, helper

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


RESIZED = {
    "bilinear": lambda x: keras.ops.image.resize(x, (4, 6)),
    "nearest": lambda x: keras.ops.image.resize(x, (5, 3), interpolation="nearest"),
    "bicubic": lambda x: keras.ops.image.resize(x, (4, 6), interpolation="bicubic"),
    "layer": lambda x: L.Resizing(4, 5)(x),
}


@pytest.mark.parametrize("name", RESIZED)
def test_images_of_any_size_to_one(name, tmp_path):
    made = model(name, (None, None, 3), RESIZED[name])
    made.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "model.onnx")
    for source in ("model.keras", "model.onnx"):
        for target in ("again.keras", "again.h5"):
            modelctl.convert(tmp_path / source, tmp_path / target)
            for size in (7, 9):
                values = [seeded.batch(name, (size, size + 4, 3), 2).astype("float32")]
                actual = peers.run_model(keras.models.load_model(tmp_path / target), values)
                peers.compare(actual, peers.run_model(made, values), what=f"{source} as {target}, {size}")


def test_exported_from_pytorch(tmp_path):
    """Resize as `torch.onnx` writes it: half a pixel in, to sizes."""
    nodes = [
        helper.make_node("Shape", ["x"], ["kept"], start=0, end=2), helper.make_node("Concat", ["kept", "size"], ["sizes"], axis=0),
        helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], mode="linear", coordinate_transformation_mode="pytorch_half_pixel"),
    ]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3, 4, 6])], [helper.make_tensor("size", TensorProto.INT64, [2], [4, 6])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), tmp_path / "model.onnx")
    modelctl.convert(tmp_path / "model.onnx", tmp_path / "model.keras", "--io-layout", "keep")
    made = keras.models.load_model(tmp_path / "model.keras")
    for size in (7, 9):
        values = [seeded.batch("x", (3, size, size + 4), 2).astype("float32")]
        peers.compare(peers.run_model(made, values), peers.run_onnx(tmp_path / "model.onnx", values), what=f"{size}")


@pytest.mark.parametrize("target", ["again.keras", "again.h5"])
def test_layers_at_steps_of_unknown_number(target, tmp_path):
    def build(x):
        part = keras.Sequential([L.Input((9, 7, 2)), L.Conv2D(4, 3, activation="relu"), L.MaxPooling2D(), L.Flatten()])
        return [L.LSTM(4)(L.TimeDistributed(part)(x)), L.TimeDistributed(L.Conv2D(3, 3))(x)]

    made = model("steps", (None, 9, 7, 2), build)
    made.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "model.onnx")
    modelctl.convert(tmp_path / "model.onnx", tmp_path / target)
    again = keras.models.load_model(tmp_path / target)
    for steps in (1, 5):
        values = [seeded.batch("steps", (steps, 9, 7, 2), 3).astype("float32")]
        peers.compare(peers.run_model(again, values), peers.run_model(made, values), what=f"{steps} steps")


@pytest.mark.parametrize("target", ["again.keras", "again.h5"])
def test_an_input_that_is_a_result_keeps_its_name(target, tmp_path):
    x = L.Input((4,), name="i")
    keras.Model(x, [x, L.Dense(3, name="d")(x)]).save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "model.onnx")
    modelctl.convert(tmp_path / "model.onnx", tmp_path / target)
    assert [tensor.name for tensor in keras.models.load_model(tmp_path / target).inputs] == ["i"]


#: Networks of any size, and which of their layers come back as such.
FROM_TFLITE = {
    "images": ((None, None, 3), lambda x: L.Conv2DTranspose(2, 3, strides=2)(
        L.Conv2DTranspose(4, (3, 2), strides=(2, 1), padding="same")(x)), L.Conv2DTranspose, 2),
    "sequences": ((None, 3), lambda x: L.Conv1DTranspose(2, 2, strides=3)(
        L.Conv1DTranspose(4, 3, strides=2, padding="same")(x)), L.Conv2DTranspose, 2),
    "attention": ((None, 6), lambda x: L.GroupQueryAttention(3, 4, 2)(L.MultiHeadAttention(2, 3)(x, x), x), L.Dense, 8),
    "dilated": ((None, 4), lambda x: L.Conv1D(3, 2, dilation_rate=3, padding="causal", activation="relu")(
        L.Conv1D(5, 3, dilation_rate=2, padding="same")(L.UpSampling1D(2)(x))), L.Conv1D, 2),
}


@pytest.mark.parametrize("name", FROM_TFLITE)
def test_networks_of_any_size_from_tflite(name, tmp_path):
    shape, build, kind, count = FROM_TFLITE[name]
    made = model(name, shape, build)
    (tmp_path / "model.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(made).convert())
    modelctl.convert(tmp_path / "model.tflite", tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert sum(isinstance(layer, kind) for layer in again.layers) == count
    values = [seeded.batch(name, (6, 7)[:len(shape) - 1] + shape[-1:], 2).astype("float32")]
    peers.compare(peers.run_model(again, values), peers.run_model(made, values), what=name)

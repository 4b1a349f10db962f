"""Layers as Keras exports them, in TensorFlow's operators and, by tf2onnx, ONNX's: what they become elsewhere."""
import keras
import numpy as np
import onnx
import pytest
import tensorflow as tf
import tf2onnx
import tf_keras
from onnx import TensorProto, helper

import modelctl
import peers
import savedmodels
import seeded
import tfjs_graphs

L = keras.layers


def export(name, shape, build, folder, kind="tf_saved_model"):
    keras.backend.clear_session()
    x = L.Input(shape, name="x")
    model = seeded.fill_weights(keras.Model(x, build(x)), name)
    model.export(str(folder), format=kind, verbose=False, input_signature=[tf.TensorSpec((None, *shape), name="x")])
    return model


def feed(name, shape, size, extent):
    return seeded.batch(f"{name}/{extent}", [extent if n is None else n for n in shape], size).astype("float32")


#: The steps of convolutional LSTMs are a loop there, and transposed convolutions of any length are cut to bounds that are computed;
#: Keras has neither.
LAYERS = {
    "convolutional lstm": ((4, 6, 5, 2), lambda x: L.ConvLSTM2D(3, 2, strides=2, return_sequences=True)(x)),
    "convolutional lstm backwards": ((3, 9, 2), lambda x: L.ConvLSTM1D(3, 2, go_backwards=True, return_state=True)(x)),
    "transposed": ((None, 3), lambda x: L.Conv1DTranspose(5, 4, strides=3, padding="same")(L.Conv1DTranspose(2, 3, strides=2)(x))),
}


@pytest.mark.parametrize("name", LAYERS)
def test_become_keras_layers_again(name, tmp_path):
    shape, build = LAYERS[name]
    export(name, shape, build, tmp_path / "saved")
    modelctl.convert(tmp_path / "saved", tmp_path / "model.keras")
    modelctl.convert(tmp_path / "saved", tmp_path / "model.onnx")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    for size, extent in [(2, 14), (1, 17)]:
        x = feed(name, shape, size, extent)
        results = savedmodels.run_signature(tmp_path / "saved", {"x": x})
        expected = [results[key] for key in sorted(results)]
        peers.compare(peers.run_model(again, [x]), expected, what=f"{name} of {extent} as layers")
        peers.compare(peers.run_onnx(tmp_path / "model.onnx", [x]), expected, what=f"{name} of {extent} in ONNX")


#: Dilated convolutions of any extent are plain ones there, on places dealt out to the batch with padding that is computed.
DILATED = {
    "sequences": ((None, 4), lambda x: L.Conv1D(3, 2, dilation_rate=4)(L.Conv1D(4, 3, dilation_rate=2, padding="same")(
        L.Conv1D(4, 2, padding="causal", groups=4)(L.Conv1D(4, 3, padding="causal", dilation_rate=3, groups=2, activation="relu")(x)))),
        [("Conv1D", (3,), "causal"), ("ZeroPadding1D",), ("DepthwiseConv1D", (1,), "valid"), ("Conv1D", (2,), "same"),
         ("Conv1D", (4,), "valid")]),
    "images": ((None, None, 2), lambda x: L.DepthwiseConv2D(3, dilation_rate=2, padding="same")(
        L.Conv2D(2, 2, dilation_rate=(2, 3))(L.Conv2D(3, 2, padding="same", dilation_rate=(3, 1), activation="relu")(x))),
        [("Conv2D", (3, 1), "same"), ("Conv2D", (2, 3), "valid"), ("DepthwiseConv2D", (2, 2), "same")]),
}


@pytest.mark.parametrize("name", DILATED)
def test_dilated_of_any_extent(name, tmp_path):
    shape, build, layers = DILATED[name]
    export(name, shape, build, tmp_path / "saved")
    modelctl.convert(tmp_path / "saved", tmp_path / "saved.keras")
    modelctl.convert(tmp_path / "saved", tmp_path / "graph", "--to", "tfjs-graph")
    modelctl.convert(tmp_path / "graph", tmp_path / "graph.keras")
    again = [keras.saving.load_model(tmp_path / file, compile=False) for file in ("saved.keras", "graph.keras")]
    assert again[0].input_shape == (None, *shape)
    found = [(type(layer).__name__, *((layer.dilation_rate, layer.padding) if "Conv" in type(layer).__name__ else ())) for layer in again[0].layers]
    assert found == [("InputLayer",), *layers]
    for extent in range(11, 17):
        x = feed(name, shape, 2, extent)
        expected = list(savedmodels.run_signature(tmp_path / "saved", {"x": x}).values())
        for model in again:
            peers.compare(peers.run_model(model, [x]), expected, what=f"{name} of {extent}")


@pytest.mark.parametrize("kind", ["tf_saved_model", "onnx"])
def test_filled_up_to_an_aspect(kind, tmp_path):
    """Which sides get a border hangs on ratios of extents, in branches; all are known."""
    for name, shape in [("wide", (10, 15, 3)), ("tall", (16, 7, 2))]:
        source = tmp_path / (f"{name}.onnx" if kind == "onnx" else name)
        model = export(name, shape, lambda x: L.Resizing(8, 9, pad_to_aspect_ratio=True, fill_value=0.5)(x), source, kind)
        modelctl.convert(source, tmp_path / f"{name}.keras")
        x = feed(name, shape, 3, None)
        expected = peers.run_onnx(source, [x]) if kind == "onnx" else list(savedmodels.run_signature(source, {"x": x}).values())
        peers.compare(expected, peers.run_model(model, [x]), what=f"{name} exported")
        peers.compare(peers.run_keras(tmp_path / f"{name}.keras", [x]), expected, what=name)


def test_cut_to_computed_bounds(tmp_path):
    """`CenterCrop` of Keras 2 cuts or resizes: the condition is made of known extents, and so are the bounds but for the batch's."""
    tf_keras.backend.clear_session()
    x = tf_keras.Input((8, 7, 2), name="x")
    made = seeded.fill_weights(tf_keras.Model(x, tf_keras.layers.Conv2D(3, 2)(tf_keras.layers.CenterCrop(3, 4)(x))), "cut")
    (tmp_path / "model.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(made).convert())
    tf2onnx.convert.from_keras(made, input_signature=[tf.TensorSpec((None, 8, 7, 2), name="x")], opset=15, output_path=str(tmp_path / "model.onnx"))
    made.save(tmp_path / "saved", save_format="tf")
    values = [seeded.batch("cut", (8, 7, 2))]
    for source in ("model.tflite", "model.onnx", "saved"):
        modelctl.convert(tmp_path / source, tmp_path / "back.keras")
        keras.backend.clear_session()
        back = keras.saving.load_model(tmp_path / "back.keras", compile=False)
        peers.compare(peers.run_model(back, values), peers.run_model(made, values), what=source)
        assert any(type(layer).__name__ == "Conv2D" for layer in back.layers), source
    modelctl.convert(tmp_path / "model.onnx", tmp_path / "graph", "--to", "savedmodel")
    peers.compare(list(savedmodels.run_signature(tmp_path / "graph", {"x": values[0]}).values()), peers.run_model(made, values), what="SavedModel")


def test_cubic_by_table(tmp_path):
    """TensorFlow reads the weights of its cubic from a table of 1024 steps, others compute them: to each its own numbers."""
    shape = (5, 6, 3)
    export("cubic", shape, lambda x: [L.Resizing(7, 4, interpolation="bicubic")(x), L.UpSampling2D((3, 2), interpolation="bicubic")(x)],
           tmp_path / "saved")
    x = feed("cubic", shape, 2, None)
    results = savedmodels.run_signature(tmp_path / "saved", {"x": x})
    expected = [results[key] for key in sorted(results)]
    modelctl.convert(tmp_path / "saved", tmp_path / "model.onnx")
    peers.compare(peers.run_onnx(tmp_path / "model.onnx", [x]), expected, what="ONNX")
    modelctl.convert(tmp_path / "saved", tmp_path / "graph", "--to", "tfjs-graph")
    found = tfjs_graphs.run(tmp_path / "graph", {"x": x})
    peers.compare([found[key] for key in sorted(found)], expected, what="TensorFlow.js")
    # And the other way: a cubic that is computed.
    node = helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], mode="cubic", cubic_coeff_a=-0.5, exclude_outside=1)
    sizes = helper.make_tensor("sizes", TensorProto.INT64, [4], [2, 3, 7, 4])
    onnx.save(helper.make_model(helper.make_graph(
        [node], "cubic", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3, 5, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 3, 7, 4])], [sizes]),
        opset_imports=[helper.make_opsetid("", 18)], ir_version=8), tmp_path / "cubic.onnx")
    x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    expected = peers.run_onnx(tmp_path / "cubic.onnx", [x])
    modelctl.convert(tmp_path / "cubic.onnx", tmp_path / "cubic", "--to", "savedmodel")
    peers.compare(list(savedmodels.run_signature(tmp_path / "cubic", {"x": x}).values()), expected, what="SavedModel")
    modelctl.convert(tmp_path / "cubic.onnx", tmp_path / "cubic.keras")
    peers.compare(peers.run_keras(tmp_path / "cubic.keras", [x]), expected, what="Keras")


def test_scaled_in_single_precision(tmp_path):
    """5 rows times 7/5 are 7: in single precision as ONNX Runtime computes, not in double."""
    scales = helper.make_tensor("scales", TensorProto.FLOAT, [4], [1, 1, 7 / 5, 4 / 6])
    node = helper.make_node("Resize", ["x", "", "scales"], ["y"], mode="linear")
    onnx.save(helper.make_model(helper.make_graph(
        [node], "scaled", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3, 5, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 3, None, None])], [scales]),
        opset_imports=[helper.make_opsetid("", 18)], ir_version=8), tmp_path / "scaled.onnx")
    x = feed("scaled", (3, 5, 6), 2, None)
    expected = peers.run_onnx(tmp_path / "scaled.onnx", [x])
    assert expected[0].shape == (2, 3, 7, 4)
    modelctl.convert(tmp_path / "scaled.onnx", tmp_path / "scaled", "--to", "savedmodel")
    peers.compare(list(savedmodels.run_signature(tmp_path / "scaled", {"x": x}).values()), expected, what="SavedModel")


def test_any_length_in_onnx(tmp_path):
    """tf2onnx turns round what a layer reads backwards by the lengths of sequences, which TensorFlow.js can't; all have one length.
    Transposed convolutions it slices and pads to what they should be."""
    model = export("turned", (None, 3), lambda x: L.Bidirectional(L.GRU(4))(x), tmp_path / "turned.onnx", "onnx")
    assert any(node.op_type == "ReverseSequence" for node in onnx.load(tmp_path / "turned.onnx").graph.node)
    modelctl.convert(tmp_path / "turned.onnx", tmp_path / "graph", "--to", "tfjs-graph")
    for extent in (5, 8):
        x = feed("turned", (None, 3), 2, extent)
        found = tfjs_graphs.run(tmp_path / "graph", {"x": x})
        peers.compare(list(found.values()), peers.run_model(model, [x]), what=f"length {extent}")
    model = export("spread", (None, None, 2), lambda x: L.Conv2DTranspose(3, (3, 4), strides=(2, 3), padding="same")(x),
                   tmp_path / "spread.onnx", "onnx")
    modelctl.convert(tmp_path / "spread.onnx", tmp_path / "spread.keras")
    for extent in (4, 7):
        x = feed("spread", (None, None, 2), 2, extent)
        peers.compare(peers.run_keras(tmp_path / "spread.keras", [x]), peers.run_model(model, [x]), what=f"images of {extent}")


def test_bfloat16_in_h5(tmp_path):
    """Lists of weights have no word for bfloat16: Keras assigns what it can read."""
    keras.backend.clear_session()
    x = L.Input((6,), name="x")
    model = seeded.fill_weights(keras.Model(x, L.Dense(5, dtype="bfloat16", name="y")(x)), "bfloat16")
    model.save(tmp_path / "model.keras")
    value = feed("bfloat16", (6,), 3, None)
    expected = [np.asarray(model(value)).astype("float32")]
    for source, target in [("model.keras", "model.h5"), ("model.h5", "again.keras")]:
        modelctl.convert(tmp_path / source, tmp_path / target)
        found = keras.saving.load_model(tmp_path / target, compile=False)
        assert {str(w.dtype) for w in found.weights} == {"bfloat16"}
        peers.compare([np.asarray(found(value)).astype("float32")], expected, what=target)

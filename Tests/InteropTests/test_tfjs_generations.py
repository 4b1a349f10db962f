"""Files from one tool as files of another: layers models of Keras 3, masked loops, depthwise convolutions of ONNX."""
import keras
import numpy as np
import tf_keras

import modelctl
import peers
import savedmodels
import seeded
import tfjs

L = keras.layers


@tfjs.needed
def test_keras3_to_h5(tmp_path):
    """What the converter leaves out, the modules of layers inside layers and of words that are functions too, stands in the file."""
    a, b = L.Input((6, 4), name="a"), L.Input((5, 4), name="b")
    h = L.Attention()([L.Bidirectional(L.SimpleRNN(3, return_sequences=True))(a), L.TimeDistributed(L.Dense(6))(b)])
    model = seeded.fill_weights(keras.Model([a, b], [h, L.LayerNormalization(axis=[1, 2])(a)]), "generations")
    values = [seeded.batch("a", (6, 4)), seeded.batch("b", (5, 4))]
    model.save(tmp_path / "model.keras")
    tfjs.call("save_layers_keras3", source=tmp_path / "model.keras", destination=tmp_path / "layers")
    for name in ("back.h5", "back.keras"):
        modelctl.convert(tmp_path / "layers", tmp_path / name)
        peers.compare(peers.run_keras(tmp_path / name, values), peers.run_model(model, values), what=name)


def test_masked_loops_to_onnx(tmp_path):
    """Nodes that passes made of one node bear names of their own: ONNX Runtime refuses others."""
    K = tf_keras.layers
    tokens = K.Input((7,), dtype="int32", name="tokens")
    h = K.Embedding(9, 4, mask_zero=True)(tokens)
    model = seeded.fill_weights(tf_keras.Model(tokens, [K.LSTM(3)(h), K.Bidirectional(K.LSTM(3, return_sequences=True))(h)]), "loops")
    values = [np.array([[1, 2, 3, 0, 4, 0, 0], [5, 0, 0, 6, 7, 8, 1]], "int32")]
    model.save(tmp_path / "saved", save_format="tf")
    modelctl.convert(tmp_path / "saved", tmp_path / "model.onnx")
    session = peers.onnx_session(tmp_path / "model.onnx")
    results = dict(zip([output.name for output in session.get_outputs()], session.run(None, {session.get_inputs()[0].name: values[0]})))
    peers.compare([results[name] for name in model.output_names], peers.run_model(model, values))


def test_depthwise_of_onnx_to_saved_model(tmp_path):
    """TensorFlow's optimiser ends the process over a depthwise convolution whose padding is in numbers."""
    x = L.Input((8, 9, 4), name="x")
    y = L.DepthwiseConv2D(3, padding="same")(L.ZeroPadding2D(((0, 1), (2, 0)))(x))
    model = seeded.fill_weights(keras.Model(x, L.DepthwiseConv2D(3, strides=2, padding="same")(y)), "depthwise")
    values = [seeded.batch("depthwise", (8, 9, 4))]
    model.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "model.onnx")
    modelctl.convert(tmp_path / "model.onnx", tmp_path / "saved", "--to", "savedmodel")
    (result,) = savedmodels.run_signature(tmp_path / "saved", {"x": values[0]}).values()
    peers.compare([result], peers.run_model(model, values))

"""SavedModels of modelctl's making in the hands of the programs that take SavedModels: TensorFlow's converter for LiteRT and
tf2onnx; and batch normalisation, which they and Keras's exporter spell in pieces, on its way back to layers."""
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
import tf2onnx

import litert
import modelctl
import peers
import seeded
import tfjs


def activations(K):
    """Every activation for which LiteRT has an operator or TensorFlow one that it takes apart."""
    L = K.layers
    x = L.Input((6, 6, 4), name="x")
    names = ["relu", "relu6", "elu", "selu", "softplus", "softsign", "sigmoid", "tanh", "gelu", "swish", "softmax", "hard_sigmoid"]
    branches = [L.Activation(name)(x) for name in names]
    branches += [L.LeakyReLU()(x), L.PReLU(shared_axes=[1, 2])(x), L.ReLU(6.0)(x), L.ReLU(3.0)(x), L.ReLU(negative_slope=0.1, threshold=0.2)(x)]
    return K.Model(x, L.Concatenate()(branches))


def convolutions(K):
    L = K.layers
    x = inputs = L.Input((12, 12, 3), name="x")
    x = L.BatchNormalization()(x)
    for dilation in (1, 2):
        x = L.ReLU(6.0)(L.BatchNormalization()(L.Conv2D(8, 3, padding="same", dilation_rate=dilation)(x)))
    x = L.ReLU(6.0)(L.BatchNormalization()(L.DepthwiseConv2D(3, padding="same")(x)))
    y = L.UpSampling2D()(L.AveragePooling2D(2)(x))
    x = L.BatchNormalization()(L.Add()([x, y]))
    x = L.Conv2DTranspose(4, 3, strides=2, padding="same")(x)
    x = L.MaxPooling2D(3, strides=2)(x)
    x = L.BatchNormalization()(L.Dense(5)(L.GlobalAveragePooling2D()(x)))
    return K.Model(inputs, L.Softmax()(x))


def attention(K):
    L = K.layers
    x = inputs = L.Input((6, 8), name="x")
    x = L.LayerNormalization()(L.Add()([x, L.MultiHeadAttention(2, 4)(x, x)]))
    return K.Model(inputs, L.Dense(3, activation="gelu")(x))


MODELS = {"activations": activations, "convolutions": convolutions, "attention": attention}


def make(name, K):
    K.utils.set_random_seed(11)
    model = seeded.fill_weights(MODELS[name](K), name)
    return model, [seeded.batch(name, model.inputs[0].shape[1:], 2)]


@pytest.mark.parametrize("name", MODELS)
def test_converters_of_others(name, tmp_path):
    model, inputs = make(name, keras)
    expected = peers.run_model(model, inputs)
    model.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "saved", "--to", "savedmodel")
    # The builtin operators alone: none of TensorFlow's own.
    (tmp_path / "model.tflite").write_bytes(tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "saved")).convert())
    # Its converter folds and reorders.
    peers.compare(litert.run(tmp_path / "model.tflite", inputs), expected, (2e-5, 2e-4), "TFLiteConverter")
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    function = tf.function(lambda x: list(loaded.signatures["serving_default"](x=x).values()), input_signature=[tf.TensorSpec((None, *inputs[0].shape[1:]), name="x")])
    tf2onnx.convert.from_function(function, function.input_signature, opset=17, output_path=str(tmp_path / "model.onnx"))
    peers.compare(peers.run_onnx(tmp_path / "model.onnx", inputs), expected, (2e-5, 2e-4), "tf2onnx")


@pytest.mark.parametrize("package", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_batch_normalization_comes_back(package, tmp_path):
    """As layers with the statistics they had, and from a frozen TensorFlow.js graph, where they are folded."""
    model, inputs = make("convolutions", package)
    expected = peers.run_model(model, inputs)
    if package is keras:
        model.export(str(tmp_path / "saved"), verbose=False)
    else:
        model.save(tmp_path / "saved", save_format="tf")
    modelctl.convert(tmp_path / "saved", tmp_path / "back.keras")
    back = keras.saving.load_model(tmp_path / "back.keras", compile=False)
    peers.compare(peers.run_model(back, inputs), expected, what="savedmodel → keras")
    layers = lambda m: [layer for layer in m.layers if type(layer).__name__ == "BatchNormalization"]
    assert len(layers(back)) == len(layers(model)) == 6
    for ours, theirs in zip(layers(back), layers(model)):
        assert abs(ours.epsilon - theirs.epsilon) < 1e-9
        for a, b in zip(ours.get_weights(), theirs.get_weights()):
            assert np.array_equal(a, b)
    assert len(back.trainable_variables) == len(model.trainable_variables)
    modelctl.convert(tmp_path / "saved", tmp_path / "graph", "--to", "tfjs-graph")
    modelctl.convert(tmp_path / "graph", tmp_path / "graph.keras")
    peers.compare(peers.run_keras(tmp_path / "graph.keras", inputs), expected, what="tfjs-graph → keras")


def test_folded_normalization_becomes_a_layer(tmp_path):
    """What is left where statistics were constants: a factor and a summand for each channel; and single numbers."""
    rng = np.random.default_rng(5)
    kernel, scale, shift = (rng.normal(size=s).astype("float32") for s in ((3, 3, 3, 8), (8,), (8,)))

    @tf.function(input_signature=[tf.TensorSpec([None, 10, 10, 3], name="x")])
    def call(x):
        y = tf.nn.relu6(tf.nn.conv2d(x / 127.5 - 1.0, kernel, 2, "SAME") * scale + shift)
        return {"y": tf.nn.elu((y + tf.nn.max_pool2d(y, 3, 1, "SAME")) * shift + scale)}

    module = tf.Module()
    module.call = call
    tf.saved_model.save(module, str(tmp_path / "saved"), {"serving_default": call})
    x = rng.uniform(0, 255, size=(2, 10, 10, 3)).astype("float32")
    expected = [call(x)["y"].numpy()]
    modelctl.convert(tmp_path / "saved", tmp_path / "model.keras")
    names = [type(layer).__name__ for layer in keras.saving.load_model(tmp_path / "model.keras").layers]
    assert names == ["InputLayer", "Rescaling", "Conv2D", "BatchNormalization", "ReLU", "MaxPooling2D", "Add", "BatchNormalization", "Activation"]
    peers.compare(peers.run_keras(tmp_path / "model.keras", [x]), expected, what="keras")
    modelctl.convert(tmp_path / "saved", tmp_path / "js", "--to", "tfjs-layers")
    classes = [layer["class_name"] for layer in json.loads((tmp_path / "js" / "model.json").read_text())["modelTopology"]["model_config"]["config"]["layers"]]
    assert classes == names
    if tfjs.PYTHON:
        peers.compare(tfjs.run_layers(tmp_path / "js", [x], tmp_path), expected, what="tfjs-layers")

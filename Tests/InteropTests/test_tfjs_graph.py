"""Graph models of TensorFlow.js in both directions: ours run by TensorFlow (and by TensorFlow.js where `MODELCTL_TFJS_SCRIPT` names its
script), those of tensorflowjs read."""
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import modelctl
import peers
import savedmodels
import test_networks
import test_savedmodel
import tfjs
import tfjs_graphs
from networks import NETWORKS

#: Of each kind one.
WRITTEN = ["mlp functional", "cifar cnn", "transformer encoder"]


def run_ours(path, names, inputs, order):
    found = tfjs_graphs.run(path, dict(zip(names, inputs)))
    return [found[name] for name in order]


def recurrent(K):
    L = K.layers
    tokens = L.Input((9,), dtype="int32", name="tokens")
    x = L.Bidirectional(L.LSTM(5, return_sequences=True))(L.Embedding(20, 6)(tokens))
    return K.Model(tokens, L.Dense(3)(L.GRU(4)(x)))


def made(name, package):
    if name != "recurrent":
        return test_networks.make(name, package)
    package.utils.set_random_seed(3)
    package.backend.clear_session()
    return recurrent(package), [np.arange(18, dtype="int32").reshape(2, 9)]


@pytest.mark.parametrize("name", WRITTEN + ["recurrent"])
def test_written(name, tmp_path):
    model, inputs = made(name, keras)
    expected = peers.run_model(model, inputs)
    model.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "js", "--to", "tfjs-graph")
    ports = modelctl.inspect(tmp_path / "js")
    names, order = [p["name"] for p in ports["inputs"]], [p["name"] for p in ports["outputs"]]
    peers.compare(run_ours(tmp_path / "js", names, inputs, order), expected, what="keras → tfjs-graph")
    if tfjs.SCRIPT:
        peers.compare(tfjs.run_javascript("graph", tmp_path / "js" / "model.json", inputs), expected, (1e-5, 1e-3), "in TensorFlow.js")
    modelctl.convert(tmp_path / "js", tmp_path / "model.onnx")
    peers.compare(test_savedmodel.run_onnx(tmp_path / "model.onnx", names, inputs), expected, what="tfjs-graph → onnx")
    modelctl.convert(tmp_path / "js", tmp_path / "saved", "--to", "savedmodel")
    peers.compare(savedmodels.run(tmp_path / "saved", names, inputs, order), expected, what="tfjs-graph → savedmodel")
    if test_savedmodel.to_layers(tmp_path / "js", tmp_path / "back.keras"):
        peers.compare(peers.run_keras(tmp_path / "back.keras", inputs), expected, what="tfjs-graph → keras")


@pytest.mark.parametrize("quantize", ["float16", "uint8", "uint16"])
def test_quantised(quantize, tmp_path):
    """What is written is what is read: TensorFlow computes with the quantised weights what modelctl does."""
    model, inputs = made("mlp functional", keras)
    model.save(tmp_path / "model.keras")
    modelctl.run("convert", tmp_path / "model.keras", tmp_path / "js", "--to", "tfjs-graph", "--tfjs-quantize", quantize, "--no-verify")
    ports = modelctl.inspect(tmp_path / "js")
    names, order = [p["name"] for p in ports["inputs"]], [p["name"] for p in ports["outputs"]]
    expected = run_ours(tmp_path / "js", names, inputs, order)
    # Less than the original, but near it.
    assert np.abs(expected[0] - peers.run_model(model, inputs)[0]).max() < 0.05
    modelctl.convert(tmp_path / "js", tmp_path / "model.onnx")
    peers.compare(test_savedmodel.run_onnx(tmp_path / "model.onnx", names, inputs), expected, what=f"{quantize} → onnx")


@tfjs.needed
@pytest.mark.parametrize("name, quantize", [("cifar cnn", None), ("cifar cnn", "uint8"), ("recurrent", None), ("recurrent", "float16")])
def test_read(name, quantize, tmp_path):
    """What tensorflowjs's converter makes of a SavedModel of Keras 2."""
    model, inputs = made(name, tf_keras)
    model.save(tmp_path / "saved", save_format="tf")
    tfjs.call("save_graph", source=tmp_path / "saved", destination=tmp_path / "js", **({"quantize": quantize} if quantize else {}))
    ports = modelctl.inspect(tmp_path / "js")
    names, order = [p["name"] for p in ports["inputs"]], [p["name"] for p in ports["outputs"]]
    expected, tolerance = peers.run_model(model, inputs), (1e-5, 1e-4)
    if name == "recurrent":
        # The converter's `BiasAdd` of a matrix is TensorFlow.js's alone: Keras judges, as far as the weights' ten bits go.
        tolerance = (2e-3, 1e-2) if quantize else tolerance
    elif quantize:
        expected = run_ours(tmp_path / "js", names, inputs, order)
    modelctl.convert(tmp_path / "js", tmp_path / "model.onnx")
    peers.compare(test_savedmodel.run_onnx(tmp_path / "model.onnx", names, inputs), expected, tolerance, "tfjs-graph → onnx")
    assert test_savedmodel.to_layers(tmp_path / "js", tmp_path / "model.keras")
    peers.compare(peers.run_keras(tmp_path / "model.keras", inputs), expected, tolerance, "tfjs-graph → keras")


@tfjs.needed
def test_signature_of_outputs_alone(tmp_path):
    """Inputs that a signature leaves out are the graph's placeholders, and types that it leaves out those of the graph."""
    module = tf.Module()
    module.call = tf.function(
        lambda x: {"n": tf.reduce_sum(tf.cast(x > 0, tf.int32), 1), "y": tf.tanh(x) * 2.0}, input_signature=[tf.TensorSpec([None, 3], name="x")])
    tf.saved_model.save(module, str(tmp_path / "saved"), {"serving_default": module.call})
    tfjs.call("save_graph", source=tmp_path / "saved", destination=tmp_path / "js")
    document = json.loads((tmp_path / "js/model.json").read_text())
    document["signature"] = {"outputs": {key: {"name": port["name"]} for key, port in document["signature"]["outputs"].items()}}
    (tmp_path / "js/model.json").write_text(json.dumps(document))
    inspected = modelctl.inspect(tmp_path / "js")
    (port,) = inspected["inputs"]
    x = np.array([[1, -2, 3], [0, 0, 1]], "float32")
    np.savez(tmp_path / "in.npz", **{port["name"]: x})
    modelctl.run("run", tmp_path / "js", "--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz")
    expected = savedmodels.run_signature(tmp_path / "saved", {"x": x})
    with np.load(tmp_path / "out.npz") as found:
        peers.compare([found[key] for key in expected], list(expected.values()))
    modelctl.convert(tmp_path / "js", tmp_path / "model.onnx")
    peers.compare(peers.run_onnx(tmp_path / "model.onnx", [x]), [expected[p["name"]] for p in inspected["outputs"]])

"""Layers models of TensorFlow.js in both directions, judged by its own Python package, and by TensorFlow.js itself where
`MODELCTL_TFJS_SCRIPT` names its script.

Not tested here: browsers.
"""
import json
import os
import pathlib

import keras
import numpy as np
import pytest
import tf_keras

import modelctl
import peers
import seeded
import test_networks
import tfjs
from layer_cases import CASES
from networks import NETWORKS

pytestmark = tfjs.needed

#: What TensorFlow.js has no counterpart for, by the beginning of a case's name: refused, naming it.
REFUSED = {
    "einsum dense": "EinsumDense",
    "activation exponential": "exponential",
    "LSTM activations": "hard_sigmoid",
    "activation hard_shrink": "hard_shrink",
    "activation squareplus": "squareplus",
    "activation sparse_plus": "sparse_plus",
    "activation sparse_sigmoid": "sparse_sigmoid",
    "activation glu": "glu",
    "activation sparsemax": "sparsemax",
    "relu layer": "threshold",
    "softmax layer axes": "axis",
    "conv2d transpose output padding": "output_padding",
    "spectral normalization": "SpectralNormalization",
    "up sampling 2d bilinear": "bilinear",
    "resizing": "Resizing",
    "center crop": "CenterCrop",
    "GRU states": "reset_after",
    "GRU initial state": "reset_after",
    "GRU masked": "reset_after",
    "GRU bidirectional masked": "reset_after",
    "rnn of stacked cells": "reset_after",
    "conv lstm 2d both ways": "two directions",
    "masked pooling": "masks",
    "multi head attention scores": "MultiHeadAttention",
    "grouped query attention": "GroupQueryAttention",
    "ops arithmetic": "operation",
    "ops einsum": "operation",
    "ops reductions": "operation",
    "ops slicing": "operation",
    "ops where": "operation",
    "ops take": "operation",
    "ops split": "operation",
    "ops clip and cast": "operation",
    "ops top k": "operation",
    "ops math": "operation",
    "ops pad and flip": "operation",
}

REFUSED_NETWORKS = {
    "text classifier": "reset_after",
    "u-net": "bilinear",
    "mixed precision": "mixed_float16",
}


def expected_refusal(name):
    found = [prefix for prefix in REFUSED if name == prefix or name.startswith(prefix + " ") or prefix.endswith(" ") and name.startswith(prefix)]
    return REFUSED[max(found, key=len)] if found else None


def refused(source, destination, word):
    failure = pytest.raises(modelctl.Failed, modelctl.convert, source, destination, "--to", "tfjs-layers").value
    assert failure.code == 69 and word in failure.errors and "tfjs-graph" in failure.errors and not destination.exists()


def judge(model, inputs, expected, tolerance, folder, what):
    peers.compare(tfjs.run_layers(model, inputs, folder), expected, tolerance, what)
    if tfjs.SCRIPT:
        peers.compare(tfjs.run_javascript("layers", model / "model.json", inputs), expected, tolerance, what + " in JavaScript")


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_writes_layers(case, tmp_path):
    model, inputs = peers.build(case, keras), peers.batches(case.name, case.inputs)
    model.save(tmp_path / "model.keras")
    word = expected_refusal(case.name)
    if word:
        return refused(tmp_path / "model.keras", tmp_path / "a model", word)
    modelctl.convert(tmp_path / "model.keras", tmp_path / "a model", "--to", "tfjs-layers")
    judge(tmp_path / "a model", inputs, peers.run_model(model, inputs), case.tolerance, tmp_path, "keras → tfjs-layers")


@pytest.mark.parametrize("case", [c for c in CASES if not c.keras3_only], ids=repr)
def test_reads_layers(case, tmp_path):
    model, inputs = peers.build(case, tf_keras), peers.batches(case.name, case.inputs)
    model.save(tmp_path / "model.h5")
    tfjs.call("save_layers", source=tmp_path / "model.h5", destination=tmp_path / "js")
    modelctl.convert(tmp_path / "js", tmp_path / "back.h5")
    peers.compare(peers.run_tf_keras(tmp_path / "back.h5", inputs), peers.run_model(model, inputs), case.tolerance, "tfjs-layers → h5")


@pytest.mark.parametrize("name", NETWORKS)
def test_network_from_keras3(name, tmp_path):
    model, inputs = test_networks.make(name, keras)
    expected = peers.run_model(model, inputs)
    model.save(tmp_path / "model.keras")
    if name in REFUSED_NETWORKS:
        return refused(tmp_path / "model.keras", tmp_path / "js", REFUSED_NETWORKS[name])
    modelctl.convert(tmp_path / "model.keras", tmp_path / "js", "--to", "tfjs-layers")
    judge(tmp_path / "js", inputs, expected, (1e-5, 1e-4), tmp_path, "keras → tfjs-layers")
    modelctl.convert(tmp_path / "js", tmp_path / "back.keras")
    peers.compare(peers.run_keras(tmp_path / "back.keras", inputs), expected, (1e-5, 1e-4), "tfjs-layers → keras")
    modelctl.convert(tmp_path / "js", tmp_path / "model.onnx")
    peers.compare(peers.run_onnx(tmp_path / "model.onnx", inputs), expected, (1e-5, 1e-4), "tfjs-layers → onnx")


@pytest.mark.parametrize("name", [n for n, (_, _, keras3_only) in NETWORKS.items() if not keras3_only])
def test_network_from_the_converter(name, tmp_path):
    model, inputs = test_networks.make(name, tf_keras)
    expected = peers.run_model(model, inputs)
    model.save(tmp_path / "model.h5")
    tfjs.call("save_layers", source=tmp_path / "model.h5", destination=tmp_path / "js", shard_size=100_003)
    modelctl.convert(tmp_path / "js", tmp_path / "back.h5")
    peers.compare(peers.run_tf_keras(tmp_path / "back.h5", inputs), expected, (1e-5, 1e-4), "tfjs-layers → h5")


@pytest.mark.parametrize("name", NETWORKS)
def test_topologies_of_keras3(name, tmp_path):
    """The command-line converter's layers models of `.keras` archives: calls, types and weights' names as Keras 3 writes them."""
    model, inputs = test_networks.make(name, keras)
    (tmp_path / "unpacked").mkdir()
    model.save(tmp_path / "unpacked/model.keras")
    tfjs.call("save_layers_keras3", source=tmp_path / "unpacked/model.keras", destination=tmp_path / "js")
    modelctl.convert(tmp_path / "js", tmp_path / "back.keras")
    peers.compare(peers.run_keras(tmp_path / "back.keras", inputs), peers.run_model(model, inputs), test_networks.TOLERANCES.get(name, (1e-5, 1e-4)), name)


def test_slash_in_a_name(tmp_path):
    """Keras 2 normalises the axis 3 by name, which is the last one; its applications have slashes in their names."""
    L = tf_keras.layers
    x = L.Input((6, 5, 3), name="x")
    model = seeded.fill_weights(tf_keras.Model(x, L.BatchNormalization(axis=3, name="conv1/bn")(L.Conv2D(4, 3, name="conv1/conv")(x))), "slash")
    inputs = [np.random.default_rng(0).normal(size=(2, 6, 5, 3)).astype("float32")]
    expected = peers.run_model(model, inputs)
    model.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "js", "--to", "tfjs-layers")
    peers.compare(tfjs.run_layers(tmp_path / "js", inputs, tmp_path), expected)


def test_names_that_several_models_have(tmp_path):
    """TensorFlow.js tells weights apart by their layers' names: those inside other models get names of their own."""
    keras.backend.clear_session()

    def block(name, inner=None):
        i = keras.Input((4,))
        y = keras.layers.Dense(4, activation="tanh", name="d")(i)
        return keras.Model(i, keras.layers.Add()([i, inner(y) if inner else y]), name=name)

    x = keras.Input((4,))
    shared = block("b", block("a"))
    model = keras.Model(x, keras.layers.Dense(2, name="d")(shared(shared(x))))
    seeded.fill_weights(model, "names").save(tmp_path / "model.keras")
    report = modelctl.convert(tmp_path / "model.keras", tmp_path / "js", "--to", "tfjs-layers")
    assert sum("the name of the layer 'd'" in note for note in report["notes"]) == 2, report["notes"]
    inputs = [seeded.batch("names", (4,), 3)]
    peers.compare(tfjs.run_layers(tmp_path / "js", inputs, tmp_path), peers.run_model(model, inputs))


@pytest.mark.parametrize("dtype", ["float16", "uint8", "uint16"])
def test_quantised_weights(dtype, tmp_path):
    """The same numbers as the package's own quantisation gives, and read back as the package reads them."""
    model, inputs = test_networks.make("mobilenet v2", tf_keras)
    model.save(tmp_path / "model.h5")
    tfjs.call("save_layers", source=tmp_path / "model.h5", destination=tmp_path / "theirs", quantize=dtype)
    report = modelctl.convert(tmp_path / "model.h5", tmp_path / "ours", "--to", "tfjs-layers", "--tfjs-quantize", dtype)
    assert report["verification"]["equivalent"] and any(dtype in note for note in report["notes"])
    weights = {folder: manifest(tmp_path / folder) for folder in ("theirs", "ours")}
    assert weights["ours"].keys() == weights["theirs"].keys()
    for name, entry in weights["theirs"].items():
        ours = weights["ours"][name]["quantization"]
        assert ours["dtype"] == dtype
        for key in ("scale", "min"):
            assert ours.get(key) == pytest.approx(entry["quantization"].get(key), rel=1e-12)
    expected = tfjs.run_layers(tmp_path / "theirs", inputs, tmp_path)
    peers.compare(tfjs.run_layers(tmp_path / "ours", inputs, tmp_path), expected, (1e-6, 1e-6), "both quantised")
    modelctl.convert(tmp_path / "theirs", tmp_path / "back.h5")
    peers.compare(peers.run_tf_keras(tmp_path / "back.h5", inputs), expected, (1e-5, 1e-4), "dequantised")


def manifest(folder):
    document = json.loads((folder / "model.json").read_text())
    return {weight["name"]: weight for group in document["weightsManifest"] for weight in group["weights"]}


def test_shards(tmp_path):
    model, inputs = test_networks.make("mlp functional", keras)
    model.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "js", "--to", "tfjs-layers", "--shard-size", "5000")
    sizes = sorted(p.stat().st_size for p in (tmp_path / "js").glob("*.bin"))
    assert len(sizes) > 2 and sizes[-1] == sizes[1] == 5000
    peers.compare(tfjs.run_layers(tmp_path / "js", inputs, tmp_path), peers.run_model(model, inputs), (1e-5, 1e-4), "shards")
    modelctl.convert(tmp_path / "js", tmp_path / "same", "--to", "tfjs-layers")
    for path in (tmp_path / "js").iterdir():
        assert path.read_bytes() == (tmp_path / "same" / path.name).read_bytes()


CORPUS = pathlib.Path(os.environ.get("MODELCTL_CORPUS", modelctl.ROOT.parent / "shared/corpus"))
MANIFEST = json.loads((CORPUS / "MANIFEST.json").read_text()) if (CORPUS / "MANIFEST.json").exists() else []


@pytest.mark.parametrize("entry", [e for e in MANIFEST if e["format"] == "tfjs" and "layers-model" in e["features"]], ids=lambda e: e["id"])
def test_published_models(entry, tmp_path):
    path = CORPUS / entry["path"]
    report = modelctl.inspect(path)
    assert report["format"] == "tfjs-layers"
    assert {layer["class"] for layer in report["layers"]} | {"InputLayer"} == set(entry["layers"]) | {"InputLayer"}
    modelctl.convert(path, tmp_path / "model.keras")
    rng = np.random.default_rng(3)
    inputs = [rng.integers(0, 9, [2] + i["shape"][1:]).astype("float32") for i in report["inputs"]]
    if path.name == "model.json" and entry["loads"]:
        expected = tfjs.run_layers(path.parent, inputs, tmp_path)
        peers.compare(peers.run_keras(tmp_path / "model.keras", inputs), expected, (1e-5, 1e-4), "published")
    elif tfjs.SCRIPT:
        expected = tfjs.run_javascript("layers", path, inputs)
        peers.compare(peers.run_keras(tmp_path / "model.keras", inputs), expected, (1e-5, 1e-4), "published")

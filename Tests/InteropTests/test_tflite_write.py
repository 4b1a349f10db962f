"""What is written as TFLite, run by LiteRT: by its own kernels and with its default delegate, at several batch sizes.

Keras and ONNX Runtime are the judges. Not tested here: files of over 2 GB, and what is read back (modelctl's own check, which
every conversion here passes, does that).
"""
import concurrent.futures
import pathlib

import keras
import numpy as np
import onnx
import pytest

import litert
import modelctl
import onnx_idioms
import peers
import seeded
import tensorflow as tf
import test_networks
from layer_cases import CASES
from networks import NETWORKS
from test_onnx_idioms import EXACT, LOOSE, run_as_written

#: Cases are made and judged this many at a time; the conversions of a bunch run beside each other.
BUNCH = 24


def bunches(items):
    items = list(items)
    return [items[start:start + BUNCH] for start in range(0, len(items), BUNCH)]


def convert_all(pairs):
    """Conversions of a bunch, two at a time; gives the failures by source."""
    def convert(pair):
        try:
            modelctl.convert(*pair)
            return None
        except modelctl.Failed as error:
            return str(error)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return dict(zip([source for source, _ in pairs], pool.map(convert, pairs)))


def judge(path, inputs, expected, tolerance, name):
    """Both ways of running, and no operator but LiteRT's own."""
    names = litert.operators(path)
    assert "CUSTOM" not in names and not any("FLEX" in name.upper() for name in names), names
    for resolver in (litert.PLAIN, litert.DELEGATED):
        peers.compare(litert.run(path, inputs, resolver), expected, tolerance, name)


@pytest.mark.parametrize("bunch", bunches(CASES), ids=lambda bunch: f"{bunch[0].name} … {bunch[-1].name}")
def test_layers(bunch, tmp_path):
    made, problems = [], []
    for index, case in enumerate(bunch):
        model = peers.build(case, keras)
        source = tmp_path / f"{index}.keras"
        model.save(source)
        inputs = peers.batches(case.name, case.inputs)
        made.append((case, model, source, inputs, peers.run_model(model, inputs)))
    failures = convert_all([(source, source.with_suffix(".tflite")) for _, _, source, _, _ in made])
    for case, model, source, inputs, expected in made:
        path = source.with_suffix(".tflite")
        try:
            assert failures[source] is None, failures[source]
            judge(path, inputs, expected, case.tolerance, case.name)
            single = [value[:1] for value in inputs]
            peers.compare(litert.run(path, single), peers.run_model(model, single), case.tolerance, f"{case.name}, batch 1")
            key, names, results = litert.signature(path)
            assert key == "serving_default" and names == [tensor.name for tensor in model.inputs] and len(results) == len(expected)
        except Exception as error:  # Gathered, so that one failure does not hide the others of the bunch.
            problems.append(f"{case.name}: {error}")
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in ("resnet50", "efficientnet b0")])
def test_networks_run(name, tmp_path):
    model, inputs = test_networks.make(name, keras)
    model.save(tmp_path / "model.keras")
    tolerance = test_networks.TOLERANCES.get(name, EXACT)  # Half precision is computed in single.
    modelctl.convert(tmp_path / "model.keras", tmp_path / "model.tflite", "--atol", tolerance[0], "--rtol", tolerance[1])
    judge(tmp_path / "model.tflite", inputs, peers.run_model(model, inputs), tolerance, name)
    if name in test_networks.CONVOLUTIONAL:
        names = litert.operators(tmp_path / "model.tflite")
        assert not {"TRANSPOSE", "RELU", "RELU6"} & set(names), "an activation of its own, or a transpose"
        if name != "u-net":
            # Normalisations went into the weights.
            assert names.count("MUL") <= sum("Multiply" in type(layer).__name__ for layer in model.layers), names


@pytest.mark.parametrize("bunch", bunches(name for name in onnx_idioms.CASES if name != "qdq"), ids=lambda bunch: f"{bunch[0]} … {bunch[-1]}")
def test_onnx_idioms_run(bunch, tmp_path):
    made, problems = [], []
    for name in bunch:
        for batch in (None, 1):
            builder = onnx_idioms.Builder(name, batch)
            outputs = onnx_idioms.CASES[name](builder)
            source = tmp_path / f"{name}-{batch}.onnx"
            onnx.save(builder.model(outputs if isinstance(outputs, list) else [outputs]), source)
            made.append((name, batch, source, builder.feeds))
    failures = convert_all([(source, source.with_suffix(".tflite")) for _, _, source, _ in made])
    for name, batch, source, feeds in made:
        try:
            assert failures[source] is None, failures[source]
            expected = run_as_written(source, feeds)
            tolerance = LOOSE if "norm" in name or "transformer" in name or name == "class_token" else EXACT
            if name == "dynamic_quantization":
                # LiteRT rounds each row to steps of its own, ONNX Runtime all to one: half a step of each, in 8 products.
                (x,) = feeds
                steps = (max(x.max(), 0) - min(x.min(), 0)) / 255 + abs(x).max() / 127
                tolerance = (8 * 63 * 0.02 * steps / 2, 0)
            judge(source.with_suffix(".tflite"), feeds, expected, tolerance, name)
        except Exception as error:
            problems.append(f"{name}, batch {batch}: {error}")
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("batch", [None, 1])
def test_a_quantised_convolution_of_onnx(batch, tmp_path):
    """The convolution computes with integers, within a step of ONNX Runtime's floats; the product behind it is exact for what it is given.

    LiteRT rounds a sum twice (to a fraction of a step, then to a step), and holds biases as integers: sums within about 1/64 of the
    middle of two steps may go to the other one.
    """
    builder = onnx_idioms.Builder("qdq", batch)
    outputs = onnx_idioms.CASES["qdq"](builder)
    source, path = tmp_path / "qdq.onnx", tmp_path / "qdq.tflite"
    onnx.save(builder.model(outputs), source)
    modelctl.convert(source, path)
    assert "CONV_2D" in litert.operators(path)
    exact, product = run_as_written(source, builder.feeds)
    arrays = [onnx.numpy_helper.to_array(array) for array in builder.weights]
    (place,) = [i for i, array in enumerate(arrays) if array.shape == (5, 64)]
    weights = arrays[place] * arrays[place + 1][:, None]
    for resolver in (litert.PLAIN, litert.DELEGATED):
        found, result = litert.run(path, builder.feeds, resolver)
        steps = np.round((found - exact) / 0.05)
        np.testing.assert_allclose(found, exact + 0.05 * steps, atol=1e-5, rtol=1e-4)
        assert np.abs(steps).max() <= 1 and np.mean(steps != 0) <= 1 / 32, steps
        moved = (found - exact).reshape(len(found), -1) @ weights.T
        peers.compare([result], [product + moved], EXACT, "the product")


def test_states_start_anew(tmp_path):
    """A recurrent operator keeps its states in variables: a second run must give the same, whatever the batch before."""
    keras.utils.set_random_seed(5)
    inputs = keras.layers.Input((6, 4), name="sequence")
    model = keras.Model(inputs, keras.layers.Bidirectional(keras.layers.LSTM(5, return_sequences=True))(inputs))
    model.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "model.tflite")
    assert litert.operators(tmp_path / "model.tflite").count("UNIDIRECTIONAL_SEQUENCE_LSTM") == 2
    interpreter = litert.open_model(tmp_path / "model.tflite")
    place, result = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    (x,) = peers.batches("states", [(6, 4)], size=4)
    for size in (4, 1, 3):
        interpreter.resize_tensor_input(place, (size, 6, 4), strict=True)
        interpreter.allocate_tensors()
        for _ in range(2):
            interpreter.set_tensor(place, x[:size])
            interpreter.invoke()
            peers.compare([interpreter.get_tensor(result)], peers.run_model(model, [x[:size]]), EXACT, f"batch {size}")


def exported(model, path):
    """As Keras exports it: the same function as `serve` and as `serving_default`, whose graph LiteRT could run as it stands."""
    model.export(path, verbose=False)
    return path


def small_residual_network():
    """Normalisations along an axis that is named, PReLU, hard swish, rows for a dense layer, and heads of attention."""
    L = keras.layers
    x = inputs = keras.Input((8, 8, 3), name="image")
    for filters, activation in ((16, L.PReLU(shared_axes=[1, 2])), (24, L.Activation("hard_silu"))):
        x = activation(L.BatchNormalization(axis=3)(L.Conv2D(filters, 3, padding="same")(x)))
    x = L.Dense(12, activation="relu")(L.Reshape((64, 24))(x))
    return keras.Model(inputs, L.MultiHeadAttention(2, 4)(x, x))


def test_an_exported_model(tmp_path):
    """One subgraph with two names, and no more operators than TensorFlow's own converter needs."""
    keras.utils.set_random_seed(3)
    model = seeded.fill_weights(small_residual_network(), "exported")
    source, path = exported(model, tmp_path / "exported"), tmp_path / "model.tflite"
    modelctl.convert(source, path)
    content = litert.model(path)
    assert len(content.subgraphs) == 1 and {entry.signatureKey for entry in content.signatureDefs} == {b"serve", b"serving_default"}
    (tmp_path / "peer.tflite").write_bytes(tf.lite.TFLiteConverter.from_saved_model(str(source)).convert())
    names, peer = litert.operators(path), litert.operators(tmp_path / "peer.tflite")
    assert {"PRELU", "HARD_SWISH"} <= set(names) and not {"RSQRT", "RELU", "NEG"} & set(names), names
    assert len(names) <= len(peer), (names, peer)
    (x,) = peers.batches("exported", [(8, 8, 3)])
    for resolver in (litert.PLAIN, litert.DELEGATED):
        peers.compare(litert.run(path, [x], resolver), peers.run_model(model, [x]), EXACT, "exported")


def test_entry_points_share_weights(tmp_path):
    """What two entry points make of one weight is in the file once."""
    dense = tf.Variable(np.random.default_rng(1).normal(size=(64, 96)).astype("float32"))
    module = tf.Module()
    module.dense = dense
    spec = tf.TensorSpec((None, 64), tf.float32, name="x")
    embed = tf.function(lambda x: {"embedded": tf.matmul(x, dense)}, input_signature=[spec])
    score = tf.function(lambda x: {"score": tf.reduce_sum(tf.matmul(x, dense), -1)}, input_signature=[spec])
    tf.saved_model.save(module, str(tmp_path / "source"), {"embed": embed, "score": score})
    modelctl.convert(tmp_path / "source", tmp_path / "model.tflite")
    assert (tmp_path / "model.tflite").stat().st_size < 1.3 * 4 * 64 * 96
    x = np.random.default_rng(2).normal(size=(3, 64)).astype("float32")
    for key, function in (("embed", embed), ("score", score)):
        interpreter = litert.open_model(tmp_path / "model.tflite")
        interpreter.resize_tensor_input(interpreter._get_full_signature_list()[key]["inputs"]["x"], x.shape)
        found = interpreter.get_signature_runner(key)(x=x)
        peers.compare(list(found.values()), [np.asarray(value) for value in function(x).values()], EXACT, key)


def test_loops_multiply_by_constants(tmp_path):
    """The recurrent weights of each gate are constants of the loop's body: a product by what is sliced out of them in each turn takes
    seven times as long at 256 units."""
    keras.utils.set_random_seed(4)
    inputs = keras.layers.Input((6, 4), name="sequence")
    model = keras.Model(inputs, keras.layers.GRU(5)(inputs))
    model.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "model.tflite")
    names = litert.operators(tmp_path / "model.tflite")
    assert "WHILE" in names and "BATCH_MATMUL" not in names and names.count("FULLY_CONNECTED") == 3, names
    (x,) = peers.batches("loops", [(6, 4)])
    judge(tmp_path / "model.tflite", [x], peers.run_model(model, [x]), EXACT, "gru")


def test_the_same_bytes_again(tmp_path):
    model, _ = test_networks.make("cifar cnn", keras)
    model.save(tmp_path / "model.keras")
    files = [tmp_path / "one.tflite", tmp_path / "two.tflite"]
    for file in files:
        modelctl.convert(tmp_path / "model.keras", file)
    assert pathlib.Path(files[0]).read_bytes() == pathlib.Path(files[1]).read_bytes()

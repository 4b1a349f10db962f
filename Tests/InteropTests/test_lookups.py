"""Lookup, hashing and text layers, and the tables and ragged rows of TensorFlow behind them."""
import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import modelctl
import peers
import savedmodels

CORPUS = np.array(["the cat sat", "the dog ran home", "a cat a dog"])
TEXTS = np.array([["the cat sat on"], ["A dog, ran home!"], ["zebra"], [""]], object)
WORDS = np.array([["a", "zz", "dd"], ["q", "b", "c"]], object)
NUMBERS = np.array([[12, 7, 42], [1138, 8, 36]], "int64")


def text(L, **options):
    layer = L.TextVectorization(**options)
    layer.adapt(CORPUS)
    return layer


#: Name → the layer, its input, whether ONNX holds it.
LAYERS = {
    "string lookup": (lambda L: L.StringLookup(vocabulary=["a", "b", "c", "dd"]), WORDS, True),
    "string lookup, mask": (lambda L: L.StringLookup(vocabulary=["a", "b", "c"], mask_token="zz"), WORDS, True),
    "string lookup, several unknown": (lambda L: L.StringLookup(vocabulary=["a", "b"], num_oov_indices=3), WORDS, False),
    "string lookup, multi hot": (lambda L: L.StringLookup(vocabulary=["a", "b", "c"], output_mode="multi_hot"), WORDS, True),
    "integer lookup": (lambda L: L.IntegerLookup(vocabulary=[12, 36, 1138, 42], num_oov_indices=2), NUMBERS, True),
    "integer lookup, count": (lambda L: L.IntegerLookup(vocabulary=[12, 36, 42], output_mode="count"), NUMBERS, True),
    "inverse": (lambda L: L.StringLookup(vocabulary=["a", "b", "c"], invert=True), np.array([[0, 1, 3], [2, 2, 9]], "int64"), True),
    "hashing": (lambda L: L.Hashing(num_bins=11), WORDS, False),
    "hashing, salt": (lambda L: L.Hashing(num_bins=11, salt=[133, 137], mask_value=7), NUMBERS, False),
    "text": (lambda L: text(L, output_mode="int"), TEXTS, False),
    "text, length": (lambda L: text(L, output_mode="int", output_sequence_length=3), TEXTS, False),
    "text, tf-idf": (lambda L: text(L, output_mode="tf_idf"), TEXTS, False),
    "text, pairs": (lambda L: text(L, output_mode="multi_hot", ngrams=2), TEXTS, False),
    "text, characters": (lambda L: text(L, output_mode="int", split="character"), TEXTS, False),
}


def as_numbers(value):
    return value.astype("float64") if value.dtype.kind in "biuf" else np.char.decode(value.astype("S"))


def same(found, expected, what):
    assert found.shape == expected.shape, f"{what}: {found.shape} instead of {expected.shape}"
    a, e = as_numbers(found), as_numbers(expected)
    assert np.array_equal(a, e) if e.dtype.kind == "U" else np.allclose(a, e, 1e-4, 1e-5), f"{what}: {a} instead of {e}"


def run_modelctl(path, name, value, folder):
    np.savez(folder / "in.npz", **{name: value.astype("U") if value.dtype == object else value})
    modelctl.run("run", path, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz")
    with np.load(folder / "out.npz", allow_pickle=False) as data:
        return data[data.files[0]]


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name, tmp_path):
    make, value, in_onnx = LAYERS[name]
    keras.backend.clear_session()
    inputs = keras.Input(value.shape[1:], dtype="string" if value.dtype == object else value.dtype.name, name="x")
    model = keras.Model(inputs, make(keras.layers)(inputs))
    expected = np.asarray(model(tf.constant(value)))
    model.save(tmp_path / "model.keras")
    same(run_modelctl(tmp_path / "model.keras", "x", value, tmp_path), expected, "run")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "saved", "--to", "savedmodel")
    (found,) = savedmodels.run_signature(tmp_path / "saved", {"x": value}).values()
    same(found, expected, "keras → savedmodel")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "again.keras")
    same(np.asarray(keras.saving.load_model(tmp_path / "again.keras")(tf.constant(value))), expected, "keras → keras")
    model.export(str(tmp_path / "export"), verbose=False)
    same(run_modelctl(tmp_path / "export", "x", value, tmp_path), expected, "export")
    if in_onnx:
        import peers
        modelctl.convert(tmp_path / "model.keras", tmp_path / "model.onnx")
        (found,) = peers.onnx_session(tmp_path / "model.onnx").run(None, {"x": value})
        same(found, expected, "keras → onnx")


def test_tabular_of_keras2(tmp_path):
    """Strings, integers and numbers side by side, with what was learnt in the file."""
    L = tf_keras.layers
    tf_keras.backend.clear_session()
    normal, words = L.Normalization(), L.StringLookup(output_mode="multi_hot")
    normal.adapt(np.arange(12, dtype="float32").reshape(4, 3))
    words.adapt(np.array(["x", "y", "z", "x"]))
    a, b, c = L.Input((3,), name="num"), L.Input((1,), dtype="string", name="cat"), L.Input((1,), dtype="int64", name="code")
    code = L.Flatten()(L.Embedding(6, 2)(L.IntegerLookup(vocabulary=[1, 5, 9, 11])(c)))
    model = tf_keras.Model([a, b, c], L.Dense(2)(L.Concatenate()([normal(a), words(b), code])))
    inputs = {"num": np.ones((3, 3), "float32"), "cat": np.array([["x"], ["q"], ["z"]], object), "code": np.array([[5], [6], [11]], "int64")}
    expected = model([tf.constant(v) for v in inputs.values()]).numpy()
    model.save(tmp_path / "saved", save_format="tf")
    np.savez(tmp_path / "in.npz", **{k: v.astype("U") if v.dtype == object else v for k, v in inputs.items()})
    modelctl.run("run", tmp_path / "saved", "--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz")
    same(list(np.load(tmp_path / "out.npz").values())[0], expected, "run")
    import peers
    modelctl.convert(tmp_path / "saved", tmp_path / "model.onnx")
    same(peers.onnx_session(tmp_path / "model.onnx").run(None, inputs)[0], expected, "saved → onnx")


def test_for_both_generations(tmp_path):
    """Keras 2 reads the `.h5` of Keras 3's lookups; what an adapted layer of Keras 2 learnt is in no file."""
    L = keras.layers
    keras.backend.clear_session()
    bins = L.Discretization(num_bins=3)
    bins.adapt(np.random.default_rng(0).normal(size=(50, 1)).astype("float32"))
    layers = [
        (L.StringLookup(vocabulary=["a", "b", "c"]), np.array([["a", "c", "q"], ["b", "b", "a"]])),
        (L.IntegerLookup(vocabulary=[7, 9, 12], num_oov_indices=2), np.array([[7, 9, 1], [12, 4, 7]], "int64")),
        (L.TextVectorization(vocabulary=["hello", "world"], output_sequence_length=4), np.array([["Hello, world!"], ["the world"]])),
        (bins, np.float32([[-2, 0.1, 3], [0.4, -0.4, 0]])),
    ]
    inputs = [L.Input(x.shape[1:], dtype="string" if x.dtype.kind == "U" else x.dtype.name) for _, x in layers]
    model = keras.Model(inputs, [layer(x) for (layer, _), x in zip(layers, inputs)])
    values = [tf.constant(x) for _, x in layers]
    expected = [np.asarray(y) for y in model(values)]
    model.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "model.h5")
    for reader in (keras, tf_keras):
        for ours, theirs in zip(reader.models.load_model(tmp_path / "model.h5", compile=False)(values), expected, strict=True):
            assert np.array_equal(np.asarray(ours), theirs), reader.__name__

    bins = tf_keras.layers.Discretization(num_bins=3)
    bins.adapt(np.float32([[0], [1], [2], [5]]))
    x = tf_keras.Input((3,), name="x")
    tf_keras.Model(x, bins(x)).save(tmp_path / "bins.keras")
    assert modelctl.inspect(tmp_path / "bins.keras")["layers"]
    with pytest.raises(modelctl.Failed) as failure:
        modelctl.convert(tmp_path / "bins.keras", tmp_path / "bins.onnx")
    assert failure.value.code == 69 and "learnt" in failure.value.errors


def test_lists_in_loops(tmp_path):
    """Loops over lists that are no recurrent layers, in ONNX and TensorFlow.js."""
    import peers
    import tfjs_graphs

    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, None, 4], name="x")])
        def call(self, x):
            return {"y": tf.scan(lambda a, b: a * 0.5 + b, tf.transpose(x, [1, 0, 2]))}

    module = Module()
    tf.saved_model.save(module, str(tmp_path / "saved"), module.call)
    x = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")
    expected = module.call(x)["y"].numpy()
    modelctl.convert(tmp_path / "saved", tmp_path / "model.onnx")
    same(peers.run_onnx(tmp_path / "model.onnx", [x])[0], expected, "onnx")
    modelctl.convert(tmp_path / "saved", tmp_path / "js", "--to", "tfjs-graph")
    same(tfjs_graphs.run(tmp_path / "js", {"x": x})["y"], expected, "tfjs-graph")


def test_crossed_numbers(tmp_path):
    """TensorFlow hashes numbers as they are, and says so beside strings too."""
    keras.backend.clear_session()
    a, b = keras.Input((1,), dtype="int64", name="a"), keras.Input((1,), dtype="int64", name="b")
    model = keras.Model([a, b], keras.layers.HashedCrossing(num_bins=9)((a, b)))
    model.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "saved", "--to", "savedmodel")
    feed = {"a": np.arange(6).reshape(6, 1), "b": np.arange(6).reshape(6, 1) * 7 - 3}
    results = savedmodels.run_signature(tmp_path / "saved", feed)
    peers.compare(list(results.values()), peers.run_model(model, list(feed.values())), what="savedmodel")

"""`modelctl train` on models of every format: the real frameworks open what it wrote and measure the loss that it told."""
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import litert
import modelctl
import peers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(256, 12)).astype("float32")
Y = (X @ RNG.normal(size=(12, 3))).argmax(1).astype("int32")
OPTIONS = ["--loss", "sparse_categorical_crossentropy", "--optimizer", "adam", "--learning-rate", "0.01", "--batch-size", "32", "--json"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("train")
    keras.utils.set_random_seed(3)
    model = keras.Sequential([
        keras.Input((12,), name="in0"), keras.layers.Dense(16, activation="relu", name="hidden"), keras.layers.BatchNormalization(name="bn"),
        keras.layers.Dense(3, activation="softmax", name="probs")])
    model.save(folder / "m.keras")
    model.save(folder / "m.h5")
    model.export(folder / "m.savedmodel", verbose=False)
    modelctl.convert(folder / "m.keras", folder / "m.onnx")
    modelctl.convert(folder / "m.keras", folder / "m.tflite")
    modelctl.convert(folder / "m.keras", folder / "m.graph", "--to", "tfjs-graph")
    modelctl.convert(folder / "m.keras", folder / "m.layers", "--to", "tfjs-layers")
    np.savez(folder / "train.npz", x=X[:192], y=Y[:192])
    np.savez(folder / "val.npz", in0=X[192:], probs=Y[192:])
    return folder


def train(folder, name, *options):
    out = folder / f"trained-{name}"
    report = json.loads(modelctl.run(
        "train", folder / name, "--data", folder / "train.npz", "--validation", folder / "val.npz", "--output", out, "--force", *OPTIONS, *options))
    return out, report


def probabilities(path, folder):
    x = X[192:]
    if path.suffix in (".keras", ".h5"):
        return peers.run_keras(path, [x])[0]
    if path.suffix == ".savedmodel":
        return next(iter(tf.saved_model.load(path).signatures["serving_default"](in0=tf.constant(x)).values())).numpy()
    if path.suffix == ".onnx":
        return peers.onnx_session(path).run(None, {"in0": x})[0]
    if path.suffix == ".tflite":
        return litert.run(path, [x])[0]
    # TensorFlow.js: by way of what other tests hold against it.
    modelctl.convert(path, folder / "back.onnx")
    return peers.onnx_session(folder / "back.onnx").run(None, {"in0": x})[0]


@pytest.mark.parametrize("name, told", [("m.keras", False), ("m.h5", False), ("m.layers", False), ("m.savedmodel", True), ("m.onnx", True)])
def test_momentum_that_no_file_tells(folder, name, told):
    """Batch normalisation of operators trains as the layer it was; of the momentum of its statistics the file says nothing."""
    _, report = train(folder, name, "--epochs", "1")
    assert any("with a momentum of" in note for note in report["notes"]) == told


def test_normalization_that_is_folded(folder):
    """Convolutions of TensorFlow Lite hold the batch normalisation that was behind them; nothing of it is left to train as such."""
    L = keras.layers
    model = keras.Sequential([keras.Input((5, 5, 2), name="x"), L.Conv2D(3, 2), L.BatchNormalization(), L.GlobalAveragePooling2D(), L.Dense(2, name="y")])
    model.save(folder / "folded.keras")
    modelctl.convert(folder / "folded.keras", folder / "folded.tflite")
    np.savez(folder / "folded.npz", x=RNG.normal(size=(8, 5, 5, 2)).astype("float32"), y=RNG.normal(size=(8, 2)).astype("float32"))
    for name, told in [("folded.keras", False), ("folded.tflite", True)]:
        report = json.loads(modelctl.run(
            "train", folder / name, "--data", folder / "folded.npz", "--loss", "mse", "--optimizer", "sgd", "--epochs", "1", "--batch-size", "4", "--output",
            folder / f"trained-{name}", "--force", "--json"))
        assert any("folded into their weights" in note for note in report["notes"]) == told


def follows(folder, source, model, x, y, *options):
    """modelctl and Keras go on from the same weights, batch by batch: losses of training and validation."""
    np.savez(folder / "own.npz", x=x[8:], y=y[8:])
    np.savez(folder / "held.npz", x=x[:8], y=y[:8])
    out = folder / f"followed-{source.name}"
    report = json.loads(modelctl.run(
        "train", source, "--data", folder / "own.npz", "--validation", folder / "held.npz", "--epochs", "2", "--batch-size", "8", "--no-shuffle",
        "--output", out, "--force", "--json", *(options or ("--loss", "sparse_categorical_crossentropy", "--optimizer", "sgd", "--learning-rate", "0.1"))))
    history = model.fit(x[8:], y[8:], batch_size=8, epochs=2, shuffle=False, verbose=0, validation_data=(x[:8], y[:8])).history
    for name, values in history.items():
        assert np.allclose(values, report["history"][name], rtol=1e-4, atol=1e-6), name
    return out, report


def normalized(momentum, **options):
    L = keras.layers
    keras.utils.set_random_seed(5)
    return [
        keras.Sequential([keras.Input((6,), name="x"), L.Dense(8, activation="relu"), L.BatchNormalization(momentum=momentum, **options), L.Dense(5),
                          L.BatchNormalization(momentum=momentum), L.Dense(3, activation="softmax", name="y")]),
        keras.Sequential([keras.Input((7, 7, 2), name="x"), L.Conv2D(4, 3), L.BatchNormalization(momentum=momentum, **options), L.Activation("relu"),
                          L.DepthwiseConv2D(3), L.GlobalAveragePooling2D(), L.Dense(3, activation="softmax", name="y")]),
    ]


# Statistics follow with Keras's own momentum, or ONNX's. What is left out or frozen only SavedModels tell.
@pytest.mark.parametrize("kind, momentum, options", [
    ("savedmodel", 0.99, {"center": False, "scale": False}), ("savedmodel", 0.99, {"trainable": False}), ("tfjs-graph", 0.99, {}),
    ("onnx", 0.9, {}),
])
def test_batch_normalization_of_operators(tmp_path, kind, momentum, options):
    random = np.random.default_rng(9)
    for index, model in enumerate(normalized(momentum, **options)[kind == "onnx":]):
        x = random.normal(size=(32, *model.input_shape[1:])).astype("float32")
        y = random.integers(0, 3, 32).astype("int32")
        # Statistics that say something.
        model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
        model.fit(x + 1, y, verbose=0)
        source = tmp_path / f"{index}.{kind}"
        if kind == "savedmodel":
            model.export(source, verbose=False)
        else:
            model.save(tmp_path / f"{index}.keras")
            modelctl.convert(tmp_path / f"{index}.keras", source, "--to", kind)
        follows(tmp_path, source, model, x, y, "--loss", "sparse_categorical_crossentropy", "--optimizer", "sgd", "--learning-rate", "0.1", "--to", kind)


def test_exported_loops_learn(tmp_path):
    """TensorFlow's loops over lists of tensors: recurrent layers that Keras 3 exported, masks and directions included."""
    L = keras.layers
    keras.utils.set_random_seed(7)
    random = np.random.default_rng(10)
    words, steps = keras.Input((5,), dtype="int32", name="x"), keras.Input((5, 4), name="x")
    body = L.LSTM(4)(L.Embedding(9, 4, mask_zero=True)(words))
    both = L.Bidirectional(L.GRU(3))(L.LSTM(3, return_sequences=True)(steps))
    for name, inputs, h in (("masked", words, body), ("both", steps, both)):
        model = keras.Model(inputs, L.Dense(3, activation="softmax", name="y")(h))
        model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
        x = random.integers(0, 9, (32, 5)).astype("int32") if name == "masked" else random.normal(size=(32, 5, 4)).astype("float32")
        y = random.integers(0, 3, 32).astype("int32")
        model.export(tmp_path / f"{name}.savedmodel", verbose=False)
        out, _ = follows(tmp_path, tmp_path / f"{name}.savedmodel", model, x, y)
        found = next(iter(tf.saved_model.load(out).signatures["serving_default"](x=tf.constant(x)).values())).numpy()
        assert np.allclose(found, model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)


def test_layers_of_keras_2_learn(tmp_path):
    """A SavedModel of Keras 2 goes on as its layers and its `compile` say, and Keras 2 brings the result back."""
    import tf_keras

    L = tf_keras.layers
    tf_keras.utils.set_random_seed(8)
    random = np.random.default_rng(11)
    model = tf_keras.Sequential([
        L.Input((5, 4), name="x"), L.LSTM(4, return_sequences=True), L.Bidirectional(L.GRU(3)), L.BatchNormalization(momentum=0.8), L.Dropout(0.0),
        L.Dense(5, trainable=False), L.Dense(3, activation="softmax", name="y")])
    x, y = random.normal(size=(32, 5, 4)).astype("float32"), random.integers(0, 3, 32).astype("int32")
    model.compile(tf_keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "two")
    out, report = follows(tmp_path, tmp_path / "two", model, x, y, "--to", "savedmodel")
    assert not any("momentum" in note for note in report["notes"])
    again = tf_keras.models.load_model(out)
    for ours, theirs in zip(again.get_weights(), model.get_weights(), strict=True):
        assert np.allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.savedmodel", "m.onnx", "m.tflite", "m.graph", "m.layers"])
def test_every_format_learns(folder, name):
    out, report = train(folder, name, "--epochs", "6")
    assert len(report["history"]["loss"]) == 6 and report["history"]["loss"][-1] < report["history"]["loss"][0] / 2
    found = probabilities(out, folder)
    loss = -np.log(np.clip(found[np.arange(64), Y[192:]], 1e-7, 1)).mean()
    assert np.isclose(loss, report["history"]["val_loss"][-1], rtol=1e-4)
    before, after = modelctl.inspect(folder / name), modelctl.inspect(out)
    assert before["format"] == after["format"]
    assert [(p["name"], p["dtype"], p["shape"]) for p in before["inputs"] + before["outputs"]] == [
        (p["name"], p["dtype"], p["shape"]) for p in after["inputs"] + after["outputs"]]


def test_it_follows_keras(folder):
    out, report = train(folder, "m.keras", "--epochs", "4", "--no-shuffle", "--metric", "accuracy")
    model = keras.saving.load_model(folder / "m.keras", compile=False)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(X[:192], Y[:192], batch_size=32, epochs=4, shuffle=False, verbose=0, validation_data=(X[192:], Y[192:])).history
    for name, values in history.items():
        assert np.allclose(values, report["history"][name], rtol=1e-4, atol=1e-5), name
    for ours, theirs in zip(keras.saving.load_model(out, compile=False).get_weights(), model.get_weights()):
        assert np.allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["m.h5", "m.savedmodel", "m.onnx", "m.tflite", "m.graph", "m.layers"])
def test_formats_learn_alike(folder, name):
    """A model without batch normalisation, which graphs fold: every weight has its counterpart."""
    plain = folder / "plain.keras"
    if not plain.exists():
        keras.utils.set_random_seed(4)
        model = keras.Sequential([
            keras.Input((8, 8, 2), name="in0"), keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.Flatten(),
            keras.layers.Dense(5, activation="tanh"), keras.layers.Dense(3)])
        model.save(plain)
        model.export(folder / "plain.savedmodel", verbose=False)
    other = folder / name.replace("m.", "plain.")
    if not other.exists():
        modelctl.convert(plain, other, "--to", {"m.graph": "tfjs-graph", "m.layers": "tfjs-layers"}.get(name, name[2:]))
    report = modelctl.verify(plain, other, "--training", "--steps", "4", "--optimizer", "sgd", "--learning-rate", "0.1")
    assert report["equivalent"] and report["training"]["equivalent"]
    assert len(report["training"]["gradients"]) == 6 and not report["training"]["missing"]


def test_gradients_that_are_rounding_are_left_out(folder):
    """Softmax takes no notice of the bias of attention's keys; Adam makes whole steps of what rounding leaves of its gradient."""
    keras.utils.set_random_seed(6)
    x = keras.Input((5, 8), name="in0")
    model = keras.Model(x, keras.layers.Dense(3)(keras.layers.MultiHeadAttention(2, 4)(x, x)))
    model.save(folder / "attention.keras")
    modelctl.convert(folder / "attention.keras", folder / "attention.onnx")
    page = folder / "attention.html"
    report = modelctl.verify(folder / "attention.keras", folder / "attention.onnx", "--training", "--optimizer", "adam", "--html", page)
    assert report["training"]["equivalent"], report["training"]["parameters"]
    elements = sum(row["elements"] for row in report["training"]["gradients"])
    assert 8 <= report["training"]["rounded"] < elements / 2
    text = page.read_text()
    assert "Gradient max abs" in text and "not compared" in text


def test_a_frozen_weight_is_a_difference(folder):
    model = keras.saving.load_model(folder / "m.keras", compile=False)
    model.get_layer("hidden").trainable = False
    model.save(folder / "frozen.keras")
    report = modelctl.verify(folder / "m.keras", folder / "frozen.keras", "--training", expect=1)
    assert not report["equivalent"] and all(row["mismatched"] == 0 for row in report["outputs"])
    assert len(report["training"]["missing"]) == 2


def test_settings_are_no_weights(tmp_path):
    """Factors of a resizing and the two values of a one-hot stay what they are, and the extents that follow from them are known."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(7)
    weights = {
        "w": random.normal(size=(4, 2, 3, 3)) * 0.3, "factors": np.array([1, 1, 2, 2]), "v": random.normal(size=(1, 6, 1, 1)) * 0.3,
        "values": np.array([0, 1]), "m": random.normal(size=(3, 1)),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]), helper.make_node("Resize", ["a", "", "factors"], ["b"], mode="nearest"),
        helper.make_node("Resize", ["x", "", "factors"], ["c"], mode="nearest"), helper.make_node("Concat", ["b", "c"], ["d"], axis=1),
        helper.make_node("Conv", ["d", "v"], ["y"]), helper.make_node("OneHot", ["k", "depth", "values"], ["e"]),
        helper.make_node("MatMul", ["e", "m"], ["z"]),
    ]
    initializers = [numpy_helper.from_array(value.astype("f4"), name) for name, value in weights.items()]
    initializers.append(numpy_helper.from_array(np.array(3, "i8"), "depth"))
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2, 4, 4]), helper.make_tensor_value_info("k", TensorProto.INT64, ["n"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1, 8, 8]), helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 1])],
        initializers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    data = {
        "x": random.normal(size=(16, 2, 4, 4)).astype("f4"), "k": random.integers(0, 3, 16), "y": random.normal(size=(16, 1, 8, 8)).astype("f4"),
        "z": random.normal(size=(16, 1)).astype("f4"),
    }
    np.savez(tmp_path / "d.npz", **data)
    report = json.loads(modelctl.run(
        "train", tmp_path / "m.onnx", "--data", tmp_path / "d.npz", "--loss", "mse", "--optimizer", "sgd", "--learning-rate", "0.05",
        "--epochs", "3", "--batch-size", "16", "--no-shuffle", "--output", tmp_path / "out.onnx", "--json"))
    assert report["trainable_parameters"] == 72 + 6 + 3
    stored = {t.name: numpy_helper.to_array(t) for t in onnx.load(tmp_path / "out.onnx").graph.initializer}
    assert np.array_equal(stored["factors"], [1, 1, 2, 2]) and np.array_equal(stored["values"], [0, 1])

    # The same in TensorFlow.
    w, v, m = (tf.Variable(weights[name], dtype=tf.float32) for name in ("w", "v", "m"))
    for epoch in range(3):
        with tf.GradientTape() as tape:
            x = tf.transpose(data["x"], [0, 2, 3, 1])
            a = tf.nn.conv2d(x, tf.transpose(w, [2, 3, 1, 0]), 1, "SAME")
            d = tf.repeat(tf.repeat(tf.concat([a, x], 3), 2, 1), 2, 2)
            y = tf.transpose(tf.nn.conv2d(d, tf.transpose(v, [2, 3, 1, 0]), 1, "VALID"), [0, 3, 1, 2])
            loss = tf.reduce_mean((y - data["y"]) ** 2) + tf.reduce_mean((tf.one_hot(data["k"], 3) @ m - data["z"]) ** 2)
        assert np.isclose(loss, report["history"]["loss"][epoch], rtol=1e-5)
        for variable, gradient in zip((w, v, m), tape.gradient(loss, (w, v, m))):
            variable.assign_sub(0.05 * gradient)
    for name, variable in (("w", w), ("v", v), ("m", m)):
        assert np.allclose(stored[name], variable, rtol=1e-4, atol=1e-6), name


def test_what_cannot_be_learned_is_listed(tmp_path):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy_helper.from_array(np.ones((2, 2), "f4"), "w")
    ports = lambda *names: [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 2]) for name in names]
    np.savez(tmp_path / "d.npz", x=np.ones((2, 2), "f4"), y=np.ones((2, 2), "f4"), z=np.ones((2, 2), "f4"))

    def refusal(nodes, outputs):
        graph = helper.make_graph(nodes, "g", ports("x"), ports(*outputs), [weights])
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("of.nobody", 1)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "m.onnx")
        with pytest.raises(modelctl.Failed) as failed:
            modelctl.run(
                "train", tmp_path / "m.onnx", "--data", tmp_path / "d.npz", "--loss", "mse", "--optimizer", "sgd", "--epochs", "1",
                "--batch-size", "2", "--output", tmp_path / "out.onnx")
        assert failed.value.code == 69
        return failed.value.errors

    product = helper.make_node("MatMul", ["x", "w"], ["y"])
    assert "'z'" in refusal([product, helper.make_node("Exp", ["w"], ["z"])], ["y", "z"])
    foreign = [helper.make_node("One", ["x"], ["a"], domain="of.nobody"), helper.make_node("Two", ["a"], ["b"], domain="of.nobody")]
    text = refusal(foreign + [helper.make_node("MatMul", ["b", "w"], ["y"])], ["y"])
    assert "One" in text and "Two" in text


def test_integer_weights_are_told(folder):
    """What is left to learn of a model with weights of 8 bits are its biases."""
    model = keras.Sequential([keras.Input((12,), name="in0"), keras.layers.Dense(128, activation="relu"), keras.layers.Dense(3, activation="softmax")])
    model.save(folder / "wide.keras")
    modelctl.convert(folder / "wide.keras", folder / "narrow.tflite", "--quantize", "dynamic")
    for name, expected in (("wide.keras", False), ("narrow.tflite", True)):
        np.savez(folder / "data.npz", x=X[:64], y=Y[:64])
        report = json.loads(modelctl.run(
            "train", folder / name, "--data", folder / "data.npz", "--output", folder / f"told-{name}", "--force", "--epochs", "1", *OPTIONS))
        assert any("are integers" in note for note in report["notes"]) == expected

"""Loops of TFLite files come back as Keras's recurrent layers; SavedModels that Keras exported become the operators that .keras becomes."""
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as K

import litert
import modelctl
import peers
import seeded
import test_recurrent_lifting as lifting


def lifted(path, kinds):
    """The file as Keras opens it, with layers of these kinds in it."""
    back = path.with_suffix(".back.keras")
    modelctl.convert(path, back)
    found = keras.saving.load_model(back, compile=False)
    assert sorted(type(layer).__name__ for layer in found.layers if type(layer).__name__ in lifting.KINDS) == sorted(kinds)
    return found


@pytest.mark.parametrize("masked", [False, True])
def test_our_loops_come_back(masked, tmp_path):
    # A Bidirectional whose halves are fused operators comes back as two layers.
    layers = {name: make for name, make in lifting.LAYERS.items() if not name.startswith("both") and not (masked and "backwards" in name)}
    model = lifting.network(keras, layers, masked)
    x = lifting.example(masked)
    model.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "model.tflite")
    kinds = [type(layer).__name__ for layer in model.layers if type(layer).__name__ in lifting.KINDS]
    back = lifted(tmp_path / "model.tflite", kinds)
    lifting.match(peers.run_model(back, [x]), peers.run_model(model, [x]))


MADE = {
    "lstm": (lambda: K.LSTM(6), ["LSTM"]),
    "lstm_sequence": (lambda: K.LSTM(6, return_sequences=True), ["LSTM"]),
    "lstm_backwards": (lambda: K.LSTM(4, return_sequences=True, go_backwards=True), ["LSTM"]),
    "gru": (lambda: K.GRU(6), ["GRU"]),
    "gru_sequence": (lambda: K.GRU(5, return_sequences=True), ["GRU"]),
    "gru_before": (lambda: K.GRU(5, reset_after=False), ["GRU"]),
    "rnn": (lambda: K.SimpleRNN(6), ["SimpleRNN"]),
    "both": (lambda: K.Bidirectional(K.LSTM(6)), ["Bidirectional"]),
}


@pytest.mark.parametrize("name", MADE)
def test_loops_of_the_converter_come_back(name, tmp_path):
    # TensorFlow's converter writes lists of an open batch with its own flex operators only.
    make, kinds = MADE[name]
    keras.utils.set_random_seed(3)
    given = keras.Input((7, 5), batch_size=1)
    model = seeded.fill_weights(keras.Model(given, K.Dense(3)(make()(given))), name)
    (tmp_path / "made.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    x = np.random.default_rng(2).normal(size=(1, 7, 5)).astype("float32")
    back = lifted(tmp_path / "made.tflite", kinds)
    peers.compare(peers.run_model(back, [x]), peers.run_model(model, [x]))


def select(converter, path):
    """What the converter writes with TensorFlow's own operators where TFLite has none."""
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    converter._experimental_lower_tensor_list_ops = False
    path.write_bytes(converter.convert())
    return {name for name in modelctl.inspect(path)["operators"] if name.startswith("Flex")}


def test_loops_over_flex_lists_come_back(tmp_path):
    # No peer here runs such a file: what it computes is what the model that it was made of does.
    keras.utils.set_random_seed(3)
    given, path = keras.Input((7, 5)), tmp_path / "made.tflite"
    layers = [K.LSTM(6), K.LSTM(4, return_sequences=True, go_backwards=True), K.GRU(5, return_sequences=True), K.SimpleRNN(3)]
    layers.append(K.Bidirectional(K.LSTM(3, return_sequences=True)))
    model = seeded.fill_weights(keras.Model(given, [layer(given) for layer in layers]), "flex")
    lists = select(tf.lite.TFLiteConverter.from_keras_model(model), path)
    assert lists >= {"FlexTensorListReserve", "FlexTensorListSetItem", "FlexTensorListStack"}
    x = np.random.default_rng(2).normal(size=(3, 7, 5)).astype("float32")
    order = lambda arrays: sorted(arrays, key=lambda y: (y.ndim, y.shape[-1]))
    expected = order(peers.run_model(model, [x]))
    back = lifted(path, ["LSTM", "LSTM", "GRU", "SimpleRNN", "Bidirectional"])
    peers.compare(order(peers.run_model(back, [x])), expected)
    np.savez(tmp_path / "in.npz", x=x)
    modelctl.run("run", path, "--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as found:
        peers.compare(order([found[name] for name in found.files]), expected)
    # Without them, LiteRT runs it.
    modelctl.convert(path.with_suffix(".back.keras"), tmp_path / "plain.tflite")
    peers.compare(order(litert.run(tmp_path / "plain.tflite", [x])), expected)
    modelctl.convert(path, tmp_path / "model.onnx")
    peers.compare(order(peers.run_onnx(tmp_path / "model.onnx", [x])), expected)


def test_flex_operators(tmp_path):
    @tf.function(input_signature=[tf.TensorSpec([3, 3])])
    def function(x):
        order = tf.argsort(x[0])
        return tf.linalg.inv(x + 4 * tf.eye(3)) + tf.math.erf(x) + tf.math.xlogy(tf.abs(x), 2.0) + tf.cast(tf.math.invert_permutation(order), tf.float32)

    path = tmp_path / "made.tflite"
    assert len(select(tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()]), path)) >= 2
    x = np.random.default_rng(2).normal(size=(3, 3)).astype("float32")
    np.savez(tmp_path / "in.npz", x=x)
    modelctl.run("run", path, "--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as found:
        peers.compare([found[name] for name in found.files], [function(x).numpy()])
    modelctl.convert(path, tmp_path / "saved", "--to", "savedmodel")
    back = tf.saved_model.load(str(tmp_path / "saved")).signatures["serving_default"]
    peers.compare([y.numpy() for y in back(x=tf.constant(x)).values()], [function(x).numpy()])


@pytest.mark.parametrize("first", ["GRU", "SimpleRNN"])
def test_an_lstm_behind_a_loop_is_fused(first, tmp_path):
    keras.utils.set_random_seed(3)
    given = keras.Input((7, 5))
    layer = getattr(K, first)(4, return_sequences=True)
    model = seeded.fill_weights(keras.Model(given, K.LSTM(6)(layer(given))), first)
    model.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "model.tflite")
    operators = modelctl.inspect(tmp_path / "model.tflite")["operators"]
    assert operators["UNIDIRECTIONAL_SEQUENCE_LSTM"] == 1 and operators["WHILE"] == 1
    # Its states must have room for every batch, and be zero at the start of each run.
    interpreter = litert.open_model(tmp_path / "model.tflite")
    place, result = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    for batch in (1, 5, 2, 2, 9):
        x = np.random.default_rng(batch).normal(size=(batch, 7, 5)).astype("float32")
        interpreter.resize_tensor_input(place, x.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(place, x)
        interpreter.invoke()
        peers.compare([interpreter.get_tensor(result)], peers.run_model(model, [x]))


def test_an_exported_model_becomes_the_operators_of_its_layers(tmp_path):
    keras.utils.set_random_seed(3)
    given = keras.Input((16, 16, 3), name="img")
    x = given
    for layer in (K.Conv2D(8, 3, padding="same", use_bias=False), K.DepthwiseConv2D(3, padding="same", use_bias=False)):
        x = K.ReLU(6.0)(K.BatchNormalization()(layer(x)))
    x = K.GlobalAveragePooling2D()(x)
    x = K.ReLU(6.0)(K.BatchNormalization()(K.Dense(4)(x)))
    model = seeded.fill_weights(keras.Model(given, x), "exported")
    model.save(tmp_path / "model.keras")
    model.export(str(tmp_path / "saved"), verbose=False)
    lists = []
    for source in ("model.keras", "saved"):
        modelctl.convert(tmp_path / source, tmp_path / f"{source}.tflite")
        lists.append(modelctl.inspect(tmp_path / f"{source}.tflite")["operators"])
    assert lists[0] == {"CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "MEAN": 1, "FULLY_CONNECTED": 1}
    # The signatures of an exported model are one graph by two names.
    assert len(modelctl.inspect(tmp_path / "saved.tflite")["signatures"]) == 2 and lists[1] == lists[0]
    x = np.random.default_rng(1).normal(size=(2, 16, 16, 3)).astype("float32")
    peers.compare(litert.run(tmp_path / "saved.tflite", [x]), peers.run_model(model, [x]))
    for target in ("onnx", "tfjs-graph"):
        lists = []
        for source in ("model.keras", "saved"):
            modelctl.convert(tmp_path / source, tmp_path / target, "--to", target)
            operators = modelctl.inspect(tmp_path / target)["operators"]
            lists.append({name: count for name, count in operators.items() if name not in ("Const", "Identity", "NoOp")})
        assert lists[0] == lists[1]


def test_a_bias_behind_a_bias_of_zeros_is_the_layers(tmp_path):
    # Along an open axis TensorFlow's converter adds the bias behind the image's axis, and gives the operator zeros.
    keras.utils.set_random_seed(3)
    given, path = keras.Input((None, 4)), tmp_path / "made.tflite"
    model = seeded.fill_weights(keras.Model(given, K.Conv1D(6, 3, activation="relu")(K.Conv1D(5, 3, strides=2)(given))), "line")
    path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    assert modelctl.inspect(path)["operators"]["ADD"] == 2
    back = lifted(path, [])
    assert [type(layer).__name__ for layer in back.layers if type(layer).__name__ != "Activation"] == ["InputLayer", "Conv1D", "Conv1D"]
    assert all(layer.use_bias for layer in back.layers if isinstance(layer, K.Conv1D))
    x = np.random.default_rng(2).normal(size=(2, 11, 4)).astype("float32")
    peers.compare(peers.run_model(back, [x]), peers.run_model(model, [x]))


def counted(x, h):
    """As often as counters tell, of which one runs down; another loop inside."""
    def inner(y):
        return tf.while_loop(lambda i, v: i < 2, lambda i, v: (i + 1, tf.nn.relu(v) * 1.5 - 0.25), [0, y])[1]

    def turn(i, left, y, z):
        return i + 2, left - 1, tf.tanh(inner(y) + z), z * 0.75

    _, _, y, z = tf.while_loop(lambda i, left, y, z: tf.logical_and(i < 11, left > 1), turn, [1, 5, x, h])
    return {"y": y, "z": z}


def test_counted_loops(tmp_path):
    """Loops over numbers of turns that counters tell are the turns themselves where there are layers alone."""
    specs = [tf.TensorSpec((2, 3, 5), tf.float32, name) for name in ("x", "h")]
    function = tf.function(counted, input_signature=specs)
    module = tf.Module()
    module.call = function
    tf.saved_model.save(module, str(tmp_path / "loops"), signatures=function)
    source = tmp_path / "loops.tflite"
    source.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], module).convert())
    assert litert.operators(source).count("WHILE") == 2
    values = [np.random.default_rng(3).normal(0, 1, (2, 3, 5)).astype("float32") for _ in specs]
    expected = function(*values)
    for path, name in [(source, "a.keras"), (tmp_path / "loops", "b.keras"), (source, "c.h5")]:
        modelctl.convert(path, tmp_path / name)
        model = keras.saving.load_model(tmp_path / name, compile=False)
        found = model([dict(zip("xh", values))[port.name] for port in model.inputs])
        peers.compare(peers.flat(found), [expected["y"].numpy(), expected["z"].numpy()])

"""Recurrent layers that other programs have written as loops or step by step come back as Keras's layers."""
import keras
import numpy as np
import onnx
import pytest
import tf_keras
from onnx import TensorProto, helper, numpy_helper

import modelctl
import peers
import seeded

KINDS = {"LSTM", "GRU", "SimpleRNN", "Bidirectional"}

LAYERS = {
    "lstm": lambda K: K.LSTM(4, name="lstm"),
    "lstm_sequence": lambda K: K.LSTM(3, return_sequences=True, name="lstm_sequence"),
    "lstm_backwards": lambda K: K.LSTM(4, return_sequences=True, go_backwards=True, name="lstm_backwards"),
    "lstm_backwards_last": lambda K: K.LSTM(4, go_backwards=True, name="lstm_backwards_last"),
    "lstm_plain": lambda K: K.LSTM(4, use_bias=False, name="lstm_plain"),
    "lstm_relu": lambda K: K.LSTM(4, activation="relu", recurrent_activation="hard_sigmoid", name="lstm_relu"),
    "gru": lambda K: K.GRU(4, name="gru"),
    "gru_sequence": lambda K: K.GRU(4, return_sequences=True, name="gru_sequence"),
    "gru_before": lambda K: K.GRU(3, reset_after=False, name="gru_before"),
    "gru_backwards": lambda K: K.GRU(3, return_sequences=True, go_backwards=True, use_bias=False, name="gru_backwards"),
    "gru_hard": lambda K: K.GRU(4, recurrent_activation="hard_sigmoid", reset_after=False, name="gru_hard"),
    "gru_hard_after": lambda K: K.GRU(3, recurrent_activation="hard_sigmoid", return_sequences=True, name="gru_hard_after"),
    "rnn": lambda K: K.SimpleRNN(5, return_sequences=True, activation="relu", name="rnn"),
    "both": lambda K: K.Bidirectional(K.LSTM(3, return_sequences=True), name="both"),
    "both_last": lambda K: K.Bidirectional(K.GRU(3), name="both_last"),
}
UNROLLED = {
    "lstm_unrolled": lambda K: K.LSTM(4, unroll=True, name="lstm_unrolled"),
    "lstm_unrolled_sequence": lambda K: K.LSTM(4, unroll=True, return_sequences=True, name="lstm_unrolled_sequence"),
    "gru_unrolled": lambda K: K.GRU(4, unroll=True, name="gru_unrolled"),
    "gru_unrolled_backwards": lambda K: K.GRU(4, unroll=True, go_backwards=True, return_sequences=True, name="gru_unrolled_backwards"),
    "rnn_unrolled": lambda K: K.SimpleRNN(4, unroll=True, return_sequences=True, name="rnn_unrolled"),
}


def network(package, layers, masked=False):
    """All of the layers side by side, so that one conversion judges them all."""
    package.utils.set_random_seed(5)
    package.backend.clear_session()
    K = package.layers
    x = package.Input((5, 3), name="x")
    inner = K.Masking(name="masking")(x) if masked else x
    return seeded.fill_weights(package.Model(x, [make(K)(inner) for make in layers.values()]), "recurrent")


def example(masked):
    x = np.random.default_rng(4).normal(size=(3, 5, 3)).astype("float32")
    if masked:
        x[0, 3:] = 0
        x[1, 0] = 0
        x[2, 2] = 0
    return x


def match(actual, expected):
    """Signatures have no order of results: each one is found by its value."""
    assert len(actual) == len(expected)
    left = list(actual)
    for wanted in expected:
        place = next((i for i, a in enumerate(left) if a.shape == wanted.shape and np.allclose(a, wanted, rtol=1e-4, atol=1e-5)), None)
        assert place is not None, f"no result equals the {wanted.shape} wanted"
        left.pop(place)


CASES = {"loops": (LAYERS, False), "unrolled": (UNROLLED, False), "masked": ({k: v for k, v in LAYERS.items() if "backwards" not in k}, True),
         # The constants of hard gates stand elsewhere once TensorFlow's optimiser has seen them.
         "hard": ({k: v for k, v in LAYERS.items() if "hard" in k or "relu" in k}, False)}


ORIGINS = [(origin, name) for origin in ("keras", "tf_keras") for name in CASES if name != "hard"] + [
    ("modelctl", "loops"), ("modelctl", "masked"), ("tfjs-graph", "loops"), ("onnx", "loops"), ("tf2onnx", "hard")]


@pytest.mark.parametrize("origin, name", ORIGINS)
def test_layers_come_back(origin, name, tmp_path):
    layers, masked = CASES[name]
    model = network(tf_keras if origin == "tf_keras" else keras, layers, masked)
    x = example(masked)
    expected = peers.run_model(model, [x])
    if origin == "keras":
        model.export(str(tmp_path / "saved"), verbose=False)
    elif origin == "tf_keras":
        model.save(tmp_path / "saved", save_format="tf")
    elif origin == "tf2onnx":
        model.export(str(tmp_path / "saved"), format="onnx", verbose=False)
    elif origin == "onnx":
        # TensorFlow's loops become ONNX's own operators on the way.
        model.export(str(tmp_path / "export"), verbose=False)
        modelctl.convert(tmp_path / "export", tmp_path / "saved", "--to", "onnx")
        # But for those whose gates are written in pieces.
        operators = modelctl.inspect(tmp_path / "saved")["operators"]
        assert operators.get("Scan", 0) <= 3 and "Loop" not in operators
    else:
        model.save(tmp_path / "model.keras")
        modelctl.convert(tmp_path / "model.keras", tmp_path / "saved", "--to", "savedmodel" if origin == "modelctl" else origin)
    modelctl.convert(tmp_path / "saved", tmp_path / "back.keras")
    back = keras.saving.load_model(tmp_path / "back.keras", compile=False)
    found = sorted(type(layer).__name__ for layer in back.layers if type(layer).__name__ in KINDS)
    assert found == sorted(type(layer).__name__ for layer in model.layers if type(layer).__name__ in KINDS)
    assert len(back.trainable_weights) == len(model.trainable_weights)
    match(peers.run_model(back, [x]), expected)


#: What an ONNX operator may do that no layer of Keras does: name → operator, gates, attributes, whether there are peepholes and lengths.
ODD = {
    "clip": ("LSTM", 4, {"clip": 0.5}, False, False), "input_forget": ("LSTM", 4, {"input_forget": 1}, False, False),
    "peepholes": ("LSTM", 4, {"direction": "bidirectional"}, True, False),
    "all": ("LSTM", 4, {"clip": 0.6, "activations": ["HardSigmoid", "Relu", "Softsign"]}, True, True),
    "lengths": ("LSTM", 4, {"direction": "reverse"}, False, True), "gru": ("GRU", 3, {"clip": 0.3, "linear_before_reset": 1}, False, True),
    "rnn": ("RNN", 1, {"direction": "bidirectional"}, False, True),
}


@pytest.mark.parametrize("name", ODD)
def test_step_by_step(name, tmp_path):
    """Such operators become operations of Keras, one step after the other."""
    kind, gates, attributes, peeps, ends = ODD[name]
    numbers, hidden = np.random.default_rng(3), 3
    count = 2 if attributes.get("direction") == "bidirectional" else 1
    shapes = {"w": (count, gates * hidden, 4), "r": (count, gates * hidden, hidden), "b": (count, 2 * gates * hidden)}
    if peeps:
        shapes["p"] = (count, 3 * hidden)
    weights = [numpy_helper.from_array((numbers.normal(size=shape) * 0.5).astype("float32"), key) for key, shape in shapes.items()]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [5, "n", 4])]
    feeds = {"x": numbers.normal(size=(5, 2, 4)).astype("float32")}
    if ends:
        inputs.append(helper.make_tensor_value_info("lengths", TensorProto.INT32, ["n"]))
        feeds["lengths"] = np.int32([5, 3])
    names = ["x", "w", "r", "b", "lengths" if ends else ""] + (["", "", "p"] if peeps else [])
    results = ["y", "h", "c"][:3 if kind == "LSTM" else 2]
    node = helper.make_node(kind, names, results, hidden_size=hidden, **attributes)
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [5, count, "n", hidden] if name == "y" else [count, "n", hidden])
               for name in results]
    model = helper.make_model(helper.make_graph([node], "odd", inputs, outputs, weights), opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, tmp_path / "model.onnx")
    expected = peers.onnx_session(tmp_path / "model.onnx").run(None, feeds)
    for target in ("model.keras", "model.h5"):
        modelctl.convert(tmp_path / "model.onnx", tmp_path / target)
        network = keras.models.load_model(tmp_path / target, compile=False)
        peers.compare(peers.flat(network([feeds[x.name] for x in network.inputs])), expected, what=target)

"""Rare operators of TFLite files: run by modelctl and by LiteRT's reference kernels, and converted.

Random bits, windows, audio, recurrent cells that no other format has, variables that are written again, transposed convolutions
whose extents are computed, and convolutions in groups.
"""
import functools

import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

import litert
import modelctl
import test_tflite_read as reading
import test_tflite_state as states
import tflite_builder as tflite_quantized_builder
import tflite_state_models
from tflite_cases import flex, floats, ints
from tflite_models import TYPES, one

TYPES.setdefault("uint64", schema.TensorType.UINT64)


def window(function, x, shape, strides, dilations, result, start):
    lists = [np.array(values, "int64") for values in (shape, strides, dilations)]
    return one("REDUCE_WINDOW", [x, np.array(start, x.dtype), *lists], [(str(x.dtype), result)],
               ("ReduceWindowOptions", dict(reduceFunction=function)), (1, 2, 3, 4)), [x]


def bits(algorithm, state, dtype, shape):
    state = np.array(state, "uint64")
    return one("STABLEHLO_RNG_BIT_GENERATOR", [state], [("uint64", list(state.shape)), (dtype, shape)],
               ("StablehloRngBitGeneratorOptions", dict(algorithm=algorithm))), [state]


def cepstrum():
    x = np.abs(floats(1, 5, 257)) * 10
    return one("CUSTOM", [x, np.array(16000, "int32")], [("float32", [1, 5, 13])], constants=(1,), custom="Mfcc", custom_options=flex(
        upper_frequency_limit=4000, lower_frequency_limit=20, filterbank_channel_count=40, dct_coefficient_count=13)), [x]


def spectrogram(squared):
    x = floats(900, 2)
    return one("CUSTOM", [x], [("float32", [2, 6, 129])], custom="AudioSpectrogram", custom_options=flex(
        window_size=200, stride=130, magnitude_squared=squared)), [x]


CASES = {
    "window sums": lambda: window(1, floats(6, 7), [2, 3], [2, 1], [1, 2], [3, 3], 0.5),
    "window products": lambda: window(2, ints(9, low=1), [4], [2], [1], [3], 2),
    "window minima": lambda: window(3, floats(3, 40), [1, 37], [1, 1], [1, 1], [3, 4], 9.0),
    "window maxima": lambda: window(4, floats(2, 9, 5), [1, 5, 2], [1, 2, 1], [1, 1, 3], [2, 3, 2], -9.0),
    "a window of thousands": lambda: window(1, ints(3000, high=9), [2000], [1], [1], [1001], 0),
    "threefry": lambda: bits(2, [3, 5], "uint32", [7, 3]),
    "threefry wide": lambda: bits(2, [3 << 40, 5 << 33], "uint64", [5]),
    "philox": lambda: bits(1, [11, (1 << 32) - 2], "int32", [13]),
    "philox of three words": lambda: bits(0, [11, 7, 1 << 50], "int64", [3, 3]),
    "cepstrum": cepstrum, "spectrogram": lambda: spectrogram(False), "power spectrogram": lambda: spectrogram(True),
}


@pytest.mark.parametrize("name", CASES)
def test_operator(name, tmp_path):
    model, arrays = CASES[name]()
    path = tmp_path / "model.tflite"
    model.write(path)
    assert reading.compare(path, dict(zip([f"x{index}" for index in range(len(arrays))], arrays))) == ""
    if "phil" in name or "three" in name:
        return
    assert modelctl.convert(path, tmp_path / "model.onnx")["verification"]["equivalent"]
    assert modelctl.convert(path, tmp_path / "saved", "--to", "savedmodel")["verification"]["equivalent"]
    assert modelctl.convert(tmp_path / "model.onnx", tmp_path / "back.tflite")["verification"]["equivalent"]
    # Sums in another order: a logarithm of nearly nothing amplifies them.
    for result, expected in zip(litert.run(tmp_path / "back.tflite", arrays), reading.run_litert(path, dict(x0=arrays[0]))):
        np.testing.assert_allclose(result, expected, 1e-4, 1e-5)


def cells():
    every = dict(peephole=True, projection=True, norm=True, clip=0.7)
    return {
        "everything": tflite_state_models.lstm(**every), "coupled": tflite_state_models.lstm(cifg=True, peephole=True, time_major=True),
        "projection": tflite_state_models.lstm(projection=True), "clip": tflite_state_models.lstm(clip=0.3),
        "svdf": tflite_state_models.svdf(False), "svdf_int8": tflite_state_models.svdf_int8(), "rnn": tflite_state_models.rnn(False),
        "rnn_step": tflite_state_models.rnn(False, single=True), "rnn_hybrid": tflite_state_models.rnn(True, time_major=True),
        "rnn_both_ways": tflite_state_models.bidirectional_rnn(False, True), "lstm_int8": tflite_state_models.lstm_int8(projection=True, norm=True),
    }


def test_cells_of_no_other_format(tmp_path):
    """As plain operators, verified by modelctl, and for floats by ONNX Runtime on the first invocation."""
    problems = []
    for name, content in cells().items():
        path, target = tmp_path / f"{name}.tflite", tmp_path / f"{name}.onnx"
        path.write_bytes(content)
        try:
            opset = ["--opset", "21"] if "int8" in name else []
            assert modelctl.convert(path, target, *opset)["verification"]["equivalent"]
            assert modelctl.convert(path, tmp_path / name, "--to", "savedmodel")["verification"]["equivalent"]
            details = litert.open_model(path).get_input_details()
            if "int8" in name or "hybrid" in name:
                continue
            rng = np.random.default_rng(5)
            feeds = {detail["name"]: rng.normal(size=detail["shape"]).astype("float32") for detail in details}
            session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
            given = {entry.name: feeds.get(entry.name, np.zeros(entry.shape, "float32")) for entry in session.get_inputs()}
            for result, expected in zip(session.run(None, given), reading.run_litert(path, feeds)):
                np.testing.assert_allclose(result, expected, 1e-4, 1e-5)
        except Exception as error:  # Gathered, so that one failure does not hide the others.
            problems.append(f"{name}: {error}")
    assert not problems, "\n".join(problems)


def test_variables_are_written(tmp_path):
    """A model that is written anew goes on remembering: three invocations in a row, by LiteRT."""
    problems = []
    contents = {"accumulator": tflite_state_models.accumulator(), "stream": tflite_state_models.stream(),
                "svdf": tflite_state_models.svdf(False), "lstm": tflite_state_models.lstm(peephole=True), "rnn": tflite_state_models.rnn(False)}
    for name, content in contents.items():
        path, written = tmp_path / f"{name}.tflite", tmp_path / f"{name}.written.tflite"
        path.write_bytes(content)
        try:
            # On floats this changes nothing, but the file is not copied.
            assert modelctl.convert(path, written, "--dequantize")["verification"]["equivalent"]
            codes = litert.operators(written)
            assert {"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE"} <= set(codes), codes
            plain = litert.PLAIN
            values = []
            rng = np.random.default_rng(11)
            for detail in litert.open_model(path).get_input_details():
                values.append(states.made_up(detail, rng))
            results = []
            for file in (path, written):
                details = litert.open_model(file).get_input_details()
                found = states.expected(file, {detail["index"]: value for detail, value in zip(details, values)}, plain)
                results.append(list(found.values()))
            for one_result, other in zip(*results):
                np.testing.assert_allclose(other, one_result, 1e-4, 1e-5)
            found = states.difference(written, tmp_path)
            assert not found, found
        except Exception as error:
            problems.append(f"{name}: {error}")
    assert not problems, "\n".join(problems)


def test_computed_extents(tmp_path):
    """Images of any size through a network that makes them smaller and larger again."""
    keras.utils.set_random_seed(3)
    x = inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(6, 3, strides=2, padding="same", activation="relu")(x)
    x = keras.layers.Conv2DTranspose(5, 3, strides=2, padding="same", activation="relu")(x)
    x = keras.layers.Conv2DTranspose(4, 2, strides=3, padding="same", use_bias=False)(x)
    model = keras.Model(inputs, keras.layers.Conv2DTranspose(2, 4, strides=2, padding="valid")(x))
    path = tmp_path / "model.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    assert "TRANSPOSE_CONV" in litert.operators(path)
    modelctl.convert(path, tmp_path / "model.onnx")
    modelctl.convert(tmp_path / "model.onnx", tmp_path / "back.tflite")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    for size in ((8, 6), (5, 7)):
        image = floats(2, *size, 3)
        (name,) = [detail["name"] for detail in litert.open_model(path).get_input_details()]
        assert reading.compare(path, {name: image}) == ""
        (expected,) = litert.run(path, [image])
        (found,) = session.run(None, {session.get_inputs()[0].name: image})
        np.testing.assert_allclose(found, expected, 1e-4, 1e-5)
        np.testing.assert_allclose(litert.run(tmp_path / "back.tflite", [image])[0], expected, 1e-4, 1e-5)


def bidirectional_lstm(hybrid, merged):
    """Both directions over one input, without auxiliary ones."""
    b, width = tflite_state_models.Builder(), 3
    x = b.input((2, 4, 5))
    inputs, states = [x], []
    for units in (width, width):
        inputs += [b.weights(units, 5, hybrid=hybrid) for _ in range(4)] + [b.weights(units, units, hybrid=hybrid) for _ in range(4)]
        inputs += [-1, -1, -1] + [b.floats(units) for _ in range(4)] + [-1, -1]
        states += [b.tensor((2, units), variable=True), b.tensor((2, units), variable=True)]
    inputs += states + [-1] * 9
    outputs = [b.output((2, 4, 2 * width))] if merged else [b.output((2, 4, width)), b.output((2, 4, width))]
    b.op(tflite_state_models.B.BIDIRECTIONAL_SEQUENCE_LSTM, inputs, outputs, **tflite_state_models.options(
        "BidirectionalSequenceLSTMOptions", fusedActivationFunction=4, mergeOutputs=merged, timeMajor=False))
    return b.pack()


def single_lstm():
    """The operator that takes one step."""
    b, cells = tflite_state_models.Builder(), 6
    inputs = [b.input((2, 5)), *(b.weights(cells, 5) for _ in range(4)), *(b.weights(cells, cells) for _ in range(4)), -1, -1, -1]
    inputs += [*(b.floats(cells) for _ in range(4)), -1, -1, b.tensor((2, cells), variable=True), b.tensor((2, cells), variable=True), *[-1] * 4]
    b.op(tflite_state_models.B.LSTM, inputs, [b.output((2, cells))], **tflite_state_models.options("LSTMOptions", fusedActivationFunction=4))
    return b.pack()


def quantised_weights(kind):
    """Floats that meet integers: a product with weights of four bits, rows of a table of eight."""
    b, random = tflite_quantized_builder.Builder(), np.random.default_rng(4)
    options = tflite_quantized_builder.options
    if kind == "int4":
        weights = tflite_quantized_builder.constant("int4", random.integers(-7, 8, (6, 16)), scale=0.05)
        b.add("fc", "FULLY_CONNECTED", [tflite_quantized_builder.Quantized("float32", (3, 16)), weights, None],
              [tflite_quantized_builder.Quantized("float32", (3, 6))], options("FullyConnectedOptions"), version=10)
    elif kind == "table":
        table = tflite_quantized_builder.constant("int8", random.integers(-127, 128, (9, 5)), scale=0.03)
        rows = tflite_quantized_builder.Quantized("int32", (4,), low=0, high=8)
        b.add("lookup", "EMBEDDING_LOOKUP", [rows, table], [tflite_quantized_builder.Quantized("float32", (4, 5))], version=3)
    else:
        shape = tflite_quantized_builder.constant("int32", [2, 6, 8, 3])
        weights = tflite_quantized_builder.constant("int8", random.integers(-127, 128, (3, 3, 3, 4)), scale=[0.01, 0.02, 0.03])
        bias = tflite_quantized_builder.constant("float32", random.normal(size=3).astype("float32"))
        b.add("transposed", "TRANSPOSE_CONV", [shape, weights, tflite_quantized_builder.Quantized("float32", (2, 3, 4, 4)), bias],
              [tflite_quantized_builder.Quantized("float32", (2, 6, 8, 3))], options("TransposeConvOptions", strideW=2, strideH=2), version=3)
    return b


@pytest.mark.parametrize("kind", ["int4", "table", "transposed"])
def test_floats_and_integer_weights(kind, tmp_path):
    built, path = quantised_weights(kind), tmp_path / "model.tflite"
    path.write_bytes(built.bytes())
    assert reading.compare(path, built.feeds(2)) == ""
    assert modelctl.convert(path, tmp_path / "model.onnx", "--opset", "21")["verification"]["equivalent"]


def test_both_directions(tmp_path):
    problems = []
    for hybrid in (False, True):
        # LiteRT 2.3.0 gives other numbers in each process where the outputs are merged and the batch comes first.
        path = tmp_path / f"both{hybrid}.tflite"
        path.write_bytes(bidirectional_lstm(hybrid, False))
        problems.append(states.difference(path, tmp_path))
    (tmp_path / "single.tflite").write_bytes(single_lstm())
    problems.append(states.difference(tmp_path / "single.tflite", tmp_path))
    assert not list(filter(None, problems))


@pytest.mark.parametrize("cell", ["lstm", "rnn"])
def test_both_directions_are_one_layer(cell, tmp_path):
    """Merged, they are a Bidirectional; apart, two layers and one that turns the second round."""
    paths = {}
    for merged in (True, False):
        tflite_state_models.RNG = np.random.default_rng(7)  # The same weights in both.
        make = bidirectional_lstm if cell == "lstm" else functools.partial(tflite_state_models.bidirectional_rnn, units=(3, 3))
        paths[merged] = tmp_path / f"{merged}.tflite"
        paths[merged].write_bytes(make(False, merged))
    x = floats(2, 4, 5)
    # LiteRT's own merging differs from one process to the next.
    expected = litert.run(paths[False], [x])
    for merged, kinds in ((True, ["Bidirectional", "InputLayer"]), (False, ["Flip", "InputLayer", *[{"lstm": "LSTM", "rnn": "SimpleRNN"}[cell]] * 2])):
        modelctl.convert(paths[merged], tmp_path / "model.keras")
        model = keras.saving.load_model(tmp_path / "model.keras")
        assert sorted(type(operation).__name__ for operation in model.operations) == kinds
        found = model(x)
        found = np.asarray(found) if merged else np.concatenate([np.asarray(part) for part in found], -1)
        np.testing.assert_allclose(found, np.concatenate(expected, -1), 1e-4, 1e-5)


def functions():
    """What TensorFlow computes, by name: the function, and what it is given."""
    text = np.array([b"a", b"fox", b"dog"], object)

    def suppressed(boxes, scores):
        low, high = tf.minimum(boxes[:, :2], boxes[:, 2:]), tf.maximum(boxes[:, :2], boxes[:, 2:]) + 0.1
        return {"y": tf.gather(boxes, tf.image.non_max_suppression(tf.concat([low, high], 1), scores, 5, 0.5))}

    def padded(boxes, scores):
        low, high = tf.minimum(boxes[:, :2], boxes[:, 2:]), tf.maximum(boxes[:, :2], boxes[:, 2:]) + 0.1
        rows, count = tf.image.non_max_suppression_padded(tf.concat([low, high], 1), scores, 5, 0.5, pad_to_max_output_size=True)
        return {"y": rows, "count": count}

    class Words(tf.Module):
        def __init__(self):
            self.table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a", "dog"], tf.constant([5, 7], tf.int64)), -1)

        def __call__(self, x):
            return {"y": self.table.lookup(x)}

    return {
        "suppression": (suppressed, [floats(9, 4), floats(9, seed=2)]), "padded suppression": (padded, [floats(9, 4), floats(9, seed=2)]),
        "spectrum": (lambda x: {"y": tf.abs(tf.signal.rfft(x))}, [floats(3, 16)]),
        "odd spectrum": (lambda x: {"y": tf.math.real(tf.signal.rfft(x)), "z": tf.math.imag(tf.signal.rfft(x))}, [floats(3, 15)]),
        "bits": (lambda x, y: {"y": tf.bitwise.bitwise_and(x, y), "z": tf.bitwise.bitwise_or(x, y[:1])},
                 [np.array([[-9, 77, -1, -(2**31)], [2**31 - 1, -64, 5, -3]], "int32"), np.array([[7, -2, 2**31 - 1, -1], [9, -(2**31), 4, 3]], "int32")]),
        "cosines": (lambda x: {"y": tf.signal.mfccs_from_log_mel_spectrograms(x)[..., :3]}, [floats(2, 3, 9)]),
        "running products": (lambda x: {"y": tf.math.cumprod(x, 1), "z": tf.math.cumprod(x, 0, exclusive=True, reverse=True),
                                        "n": tf.math.cumprod(tf.cast(x * 3, tf.int32), -1, exclusive=True)}, [floats(3, 4, 2)]),
        "branch that passes by": (lambda x, y: {"y": tf.cond(tf.reduce_sum(x) > 0, lambda: tf.cond(x[0] > 0, lambda: y, lambda: x), lambda: y * 2)},
                                  [floats(4), floats(4, seed=2)]),
        "words": (Words(), [text]),
    }


def traced(function):
    return tf.function(lambda *x: function(*x))


def test_functions(tmp_path):
    problems = []
    for name, (function, arrays) in functions().items():
        try:
            module = function if isinstance(function, tf.Module) else tf.Module()
            given = {f"x{index}": array for index, array in enumerate(arrays)}
            specs = [tf.TensorSpec(array.shape, tf.string if array.dtype == object else array.dtype, key) for key, array in given.items()]
            module.run = traced(function)
            concrete = module.run.get_concrete_function(*specs)
            source, path = tmp_path / name, tmp_path / f"{name}.tflite"
            tf.saved_model.save(module, str(source), signatures=concrete)
            modelctl.convert(source, path)
            expected = {key: value.numpy() for key, value in module.run(*map(tf.constant, arrays)).items()}
            found = litert.open_model(path).get_signature_runner("serving_default")(**given)
            for key, value in expected.items():
                np.testing.assert_allclose(found[key], value, 1e-4, 1e-5, err_msg=name)
        except Exception as error:  # Gathered, so that one failure does not hide the others.
            problems.append(f"{name}: {error}")
    assert not problems, "\n".join(problems)


def test_numbers_drawn_anew(tmp_path):
    """No two calls give the same, and all of them together are what was asked for."""
    module = tf.Module()
    tf.random.set_seed(None)  # Another test may have set one, which functions take over.

    @tf.function(input_signature=[tf.TensorSpec([None, 4000], name="x")])
    def drawn(x):
        shape = tf.shape(x)
        chances = tf.math.log(tf.tile([[0.1, 0.6, 0.3]], [shape[0], 1]))
        return {
            "normal": x + 2 * tf.random.normal(shape) - 1, "uniform": tf.random.uniform(shape, -2, 3), "dropped": tf.nn.dropout(x + 1, 0.4),
            "integers": tf.random.uniform(shape, maxval=5, dtype=tf.int32), "classes": tf.random.categorical(chances, 4000)}

    module.drawn = drawn
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures=drawn)
    report = modelctl.convert(tmp_path / "saved", tmp_path / "model.tflite")
    assert any("draws random numbers" in note for note in report["notes"]), report["notes"]
    runner = litert.open_model(tmp_path / "model.tflite").get_signature_runner("serving_default")
    x = np.zeros((5, 4000), "float32")
    first, second = runner(x=x), runner(x=x)
    # Mean and deviation, each within five of its own deviations over 20,000 numbers.
    expected = {"normal": (-1, 2), "uniform": (0.5, 5 / 12**0.5), "dropped": (1, (0.4 / 0.6) ** 0.5), "integers": (2, 2**0.5), "classes": (1.2, 0.6)}
    for name, (mean, deviation) in expected.items():
        assert first[name].shape == (5, 4000) and (first[name] != second[name]).any(), name
        assert abs(first[name].mean() - mean) < 5 * deviation / 20000**0.5, name
        assert abs(first[name].std() - deviation) < 0.05 * deviation, name


def frames(x):
    return tf.signal.stft(x, 64, 32, fft_length=64)


def moved_spectrum(x):
    whole = tf.signal.rfft2d(x)
    turned = tf.gather(tf.transpose(whole, [1, 0, 2])[1:, :, 2:7], [3, 0, 1], axis=2)
    joined = tf.concat([turned, turned[:, :1]], 1)
    return {"real": tf.math.real(joined), "imaginary": tf.math.imag(tf.reshape(joined, [-1, 9])), "size": tf.abs(tf.expand_dims(joined, 0))}


def transfers():
    """What the converter makes of functions, on its way to ONNX and Keras: the function, and what it is given."""
    mel = tf.signal.linear_to_mel_weight_matrix(10, 33, 16000, 20.0, 8000.0)
    shifts = np.array([[0, 1, 5, 31], [2, 3, 4, 30]], "int32")
    return {
        "magnitudes": (lambda x: tf.abs(frames(x)), [floats(2, 256)]),
        "parts": (lambda x: {"a": tf.math.real(frames(x)), "b": tf.math.imag(frames(x))}, [floats(1, 256)]),
        "mel": (lambda x: tf.math.log(tf.tensordot(tf.abs(frames(x)), mel, 1) + 1e-3), [floats(1, 256)]),
        "moves": (moved_spectrum, [floats(3, 4, 16)]),
        # Keras takes the second for a bias of channels where its length is that of the second or the last axis.
        "column": (lambda x: x + tf.reshape(tf.range(4.0), [4, 1]), [floats(4, 4)]),
        "row and column": (lambda x, y: tf.nn.relu(x) + tf.nn.relu(y), [floats(1, 3, 1), floats(1, 1, 3, seed=2)]),
        "second axis": (lambda x: x + tf.reshape(tf.range(3.0), [1, 3, 1]), [floats(2, 3, 5)]),
        "batches": (lambda x, y: x + y, [floats(3, 3, 3, seed=4), floats(3, 1, 1, seed=5)]),
        "reversed": (lambda x, n: tf.reverse_sequence(x, n, seq_axis=1, batch_axis=0), [floats(3, 5, 2), np.array([2, 5, 1], "int32")]),
        "shifted": (tf.bitwise.right_shift, [np.array([[-9, 77, -1, -(2**31)], [2**31 - 1, -64, 5, -3]], "int32"), shifts]),
    }


def test_on_the_way_to_other_formats(tmp_path):
    problems = []
    for name, (function, arrays) in transfers().items():
        try:
            given = {f"x{index}": array for index, array in enumerate(arrays)}
            path, order, expected = source(tmp_path / f"{name}.tflite", function, given)
            modelctl.convert(path, tmp_path / "model.onnx")
            session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
            found = dict(zip([output.name for output in session.get_outputs()], session.run(None, given)))
            modelctl.convert(path, tmp_path / "model.keras")
            model = keras.saving.load_model(tmp_path / "model.keras")
            fed = [given[tensor.name] for tensor in model.inputs]
            fed = fed if len(fed) > 1 else fed[0]
            ways = {"call": model(fed)}
            if len({len(array) for array in arrays}) == 1:
                ways["predict"] = model.predict(fed, verbose=0)
            for key, value in expected.items():
                np.testing.assert_allclose(found[key], value, 1e-4, 1e-5, err_msg=f"{name} in ONNX")
                for way, outputs in ways.items():
                    outputs = keras.tree.flatten(outputs)
                    np.testing.assert_allclose(outputs[order.index(key)], value, 1e-4, 1e-5, err_msg=f"{name} in Keras, {way}")
        except Exception as error:  # Gathered, so that one failure does not hide the others.
            problems.append(f"{name}: {str(error)[:1000]}")
    assert not problems, "\n".join(problems)


def source(path, function, given):
    """A file of the converter, or a SavedModel where LiteRT moves no complex numbers; its outputs in order and what it computes."""
    module = tf.Module()
    module.run = tf.function(function, input_signature=[tf.TensorSpec(array.shape, array.dtype, key) for key, array in given.items()])
    if function is moved_spectrum:
        tf.saved_model.save(module, str(path), {"serving_default": module.run})
        expected = {key: value.numpy() for key, value in module.run(*given.values()).items()}
        return path, sorted(expected), expected
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.run.get_concrete_function()], module)
    path.write_bytes(converter.convert())
    interpreter = litert.open_model(path)
    expected = interpreter.get_signature_runner("serving_default")(**given)
    places = {detail["index"]: place for place, detail in enumerate(interpreter.get_output_details())}
    details = interpreter.get_signature_runner("serving_default").get_output_details()
    return path, sorted(details, key=lambda key: places[details[key]["index"]]), expected


def test_quantised_to_32_bits(tmp_path):
    b = tflite_quantized_builder.Builder()
    wide = tflite_quantized_builder.Quantized("int32", (3, 40), 1.5e-7)
    b.add("q", "QUANTIZE", [tflite_quantized_builder.Quantized("int16", (3, 40), 0.0005)], [wide], tflite_quantized_builder.options("QuantizeOptions"), 2)
    (tmp_path / "model.tflite").write_bytes(b.bytes())
    ((name, x),) = b.feeds().items()
    (expected,) = litert.run(tmp_path / "model.tflite", [x])
    modelctl.convert(tmp_path / "model.tflite", tmp_path / "model.onnx")
    modelctl.convert(tmp_path / "model.tflite", tmp_path / "model.keras")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    model = keras.saving.load_model(tmp_path / "model.keras")
    # LiteRT multiplies by a fixed point, the others divide floats: 24 bits of 32 agree.
    for found in (session.run(None, {session.get_inputs()[0].name: x})[0], np.asarray(model(x)), model.predict(x, verbose=0)):
        assert found.dtype == np.int32
        np.testing.assert_allclose(found.astype("float64"), expected.astype("float64"), 2.0**-22, 1)


def test_groups(tmp_path):
    """One operator for all groups, in the kernels and in the delegate."""
    keras.utils.set_random_seed(3)
    x = inputs = keras.Input((9, 8, 12))
    x = keras.layers.Conv2D(24, 3, groups=4, padding="same", activation="relu")(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Conv2D(16, 3, groups=2, strides=2)(x)
    model = keras.Model(inputs, keras.layers.Conv2D(8, 2, groups=8, dilation_rate=2)(x))
    model.save(tmp_path / "model.keras")
    path = tmp_path / "model.tflite"
    modelctl.convert(tmp_path / "model.keras", path)
    names = litert.operators(path)
    assert names.count("CONV_2D") == 3 and not {"SPLIT", "SLICE", "STRIDED_SLICE", "CONCATENATION"} & set(names), names
    image = floats(2, 9, 8, 12)
    for resolver in (litert.PLAIN, litert.DELEGATED):
        np.testing.assert_allclose(litert.run(path, [image], resolver)[0], model.predict(image, verbose=0), 1e-4, 1e-5)


def test_loops_become_cells(tmp_path):
    """An LSTM that TensorFlow has written as a loop is one operator again."""
    keras.utils.set_random_seed(3)
    x = inputs = keras.Input((7, 5))
    x = keras.layers.LSTM(6, return_sequences=True)(x)
    model = keras.Model(inputs, keras.layers.LSTM(4)(x))
    model.export(str(tmp_path / "saved"), verbose=False)
    path = tmp_path / "model.tflite"
    modelctl.convert(tmp_path / "saved", path)
    # Keras exports one graph by two names.
    assert litert.operators(path).count("UNIDIRECTIONAL_SEQUENCE_LSTM") == 2 and "WHILE" not in litert.operators(path)
    sequence = floats(3, 7, 5)
    np.testing.assert_allclose(litert.run(path, [sequence])[0], model.predict(sequence, verbose=0), 1e-4, 1e-5)

"""Quantised ONNX and int8 TFLite: each becomes the other without calibrating again, and the real runtimes agree."""
import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from keras import layers as L
from onnx import numpy_helper
from onnxruntime import quantization as ort

import litert
import modelctl
import quantizing

STYLES = {
    "qdq-s8s8": (ort.QuantFormat.QDQ, ort.QuantType.QInt8, ort.QuantType.QInt8, True),
    "qdq-u8s8": (ort.QuantFormat.QDQ, ort.QuantType.QUInt8, ort.QuantType.QInt8, True),
    "qop-s8s8": (ort.QuantFormat.QOperator, ort.QuantType.QInt8, ort.QuantType.QInt8, True),
    "qop-u8u8": (ort.QuantFormat.QOperator, ort.QuantType.QUInt8, ort.QuantType.QUInt8, False),
}


class Reader(ort.CalibrationDataReader):
    def __init__(self, data):
        (self.name, array), = data.items()
        self.rows = iter(array)

    def get_next(self):
        row = next(self.rows, None)
        return None if row is None else {self.name: row[None]}


@pytest.fixture(scope="module")
def float_onnx(tmp_path_factory):
    """The float network as ONNX, by name."""
    folder = tmp_path_factory.mktemp("onnx")
    made = {}

    def make(name):
        if name not in made:
            model = quantizing.seeded(quantizing.NETWORKS[name]())
            model.save(folder / f"{name}.keras")
            modelctl.convert(folder / f"{name}.keras", folder / f"{name}.onnx")
            made[name] = (folder / f"{name}.onnx", model, quantizing.samples(model))
        return made[name]

    return make


def run(path, feeds):
    return onnxruntime.InferenceSession(str(path)).run(None, feeds)[0]


def run_as_spelled(path, feeds):
    """Without its rewriting to integers: on processors without VNNI it adds products of `int8` weights in 16 bits, which saturate."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    return onnxruntime.InferenceSession(str(path), options).run(None, feeds)[0]


def near(found, expected, mean=0.0055):
    """A step of a sum in the middle shows as a few of the 256 steps at the end: LiteRT rounds sums twice, ONNX Runtime once, and some of
    it computes with floats. ONNX Runtime with and without its own rewriting differs by as much (0.032 of the largest for `cnn`)."""
    assert np.abs(found - expected).max() <= 0.035 * np.abs(expected).max()
    assert np.mean(np.abs(found - expected)) <= mean * np.abs(expected).max()


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", ["mlp", "cnn", "unet"])
def test_onnx_becomes_tflite(name, style, float_onnx, tmp_path):
    """What ONNX Runtime has quantised runs in LiteRT on the same integers: both give nearly the same, our engine LiteRT's bits."""
    source, model, data = float_onnx(name)
    form, activations, weights, per_channel = STYLES[style]
    quantised, path = tmp_path / "quantised.onnx", tmp_path / "quantised.tflite"
    ort.quantize_static(
        str(source), str(quantised), Reader(data), quant_format=form, activation_type=activations, weight_type=weights,
        per_channel=per_channel)
    notes = modelctl.convert(quantised, path)["notes"]
    assert any("operators on integers" in note for note in notes)
    products = [step for step in quantizing.steps(path) if step[0] in ("CONV_2D", "FULLY_CONNECTED", "DEPTHWISE_CONV_2D")]
    assert products and all(step[4][0] for step in products)
    feeds = {key: array[:3] for key, array in data.items()}
    (array,) = feeds.values()
    expected, found = run_as_spelled(quantised, feeds), quantizing.invoke(path, array)
    near(found, expected)
    (ours,) = quantizing.ours(path, feeds, tmp_path).values()
    # ONNX Runtime leaves transposed convolutions float: such a sum may be rounded to the step beside.
    if litert.operators(path).count("DEQUANTIZE") <= 1:
        np.testing.assert_array_equal(ours, found)
    else:
        assert np.abs(ours - found).max() <= 0.015 * np.abs(expected).max()


def bare():
    """Convolutions without a bias of their own, over one and two axes, in groups, and a product."""
    x = keras.Input((16, 12, 3), name="x")
    y = L.Activation("hard_swish")(L.BatchNormalization()(L.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x)))
    y = L.ReLU(6)(L.BatchNormalization()(L.DepthwiseConv2D(3, padding="same", use_bias=False)(y)))
    y = L.Conv1D(6, 3, activation="tanh")(L.Reshape((-1, 8))(y))
    return keras.Model(x, L.Dense(4, activation="softmax", name="y")(L.GlobalAveragePooling1D()(y)))


@pytest.fixture(scope="module")
def bare_onnx(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bare")
    model = quantizing.seeded(bare())
    model.save(folder / "model.keras")
    modelctl.convert(folder / "model.keras", folder / "model.onnx")
    return folder / "model.onnx", quantizing.samples(model)


@pytest.mark.parametrize("activations, options, products", [
    (ort.QuantType.QInt8, {}, 4),
    # Weights that are quantised while the model runs, as networks trained with quantisation in mind are exported.
    (ort.QuantType.QInt8, {"AddQDQPairToWeight": True}, 4),
    # Biases have 64 bits then.
    (ort.QuantType.QInt16, {"ActivationSymmetric": True}, 4),
    # LiteRT has no such integers: floats between roundings.
    (ort.QuantType.QUInt16, {}, 0),
])
def test_spellings_of_quantised_graphs(bare_onnx, tmp_path, activations, options, products):
    source, data = bare_onnx
    quantised, path = tmp_path / "quantised.onnx", tmp_path / "quantised.tflite"
    ort.quantize_static(
        str(source), str(quantised), Reader(data), activation_type=activations, weight_type=ort.QuantType.QInt8, per_channel=True,
        extra_options=options)
    modelctl.convert(quantised, path)
    kinds = ("CONV_2D", "FULLY_CONNECTED", "DEPTHWISE_CONV_2D")
    assert sum(step[4][0] is not None for step in quantizing.steps(path) if step[0] in kinds) == products
    feeds = {key: array[:3] for key, array in data.items()}
    near(litert.run(path, list(feeds.values()))[0], run_as_spelled(quantised, feeds))


def test_channels_first(tmp_path):
    """ONNX has channels first: LiteRT's softmax runs along the last axis, and gives one scale, its images are resized with their channels
    last. What is quantised again alike stays."""
    x = keras.Input((12, 10, 3), name="x")
    y = L.Conv2D(8, 3, activation="relu")(x)
    y = L.Concatenate()([L.Conv2D(3, 1, activation="softmax")(y), L.Conv2D(2, 1, activation="tanh")(y)])
    y = L.UpSampling2D(2, interpolation="bilinear")(L.ZeroPadding2D(((1, 0), (0, 2)))(y))
    model = quantizing.seeded(keras.Model(x, L.Conv2D(3, 3, name="y")(L.Concatenate()([y, L.Softmax(axis=1)(y)]))))
    model.save(tmp_path / "m.keras")
    modelctl.convert(tmp_path / "m.keras", tmp_path / "m.onnx")
    data = quantizing.samples(model)
    for style in ("qdq-s8s8", "qdq-u8s8", "qop-u8u8"):
        form, activations, weights, per_channel = STYLES[style]
        quantised, path, back, again = [tmp_path / f"{style}{end}" for end in (".onnx", ".tflite", "-back.onnx", "-again.tflite")]
        ort.quantize_static(
            str(tmp_path / "m.onnx"), str(quantised), Reader(data), quant_format=form, activation_type=activations, weight_type=weights,
            per_channel=per_channel)
        modelctl.convert(quantised, path)
        steps = list(quantizing.steps(path))
        assert [step[3][0] is not None for step in steps if step[0] == "SOFTMAX"] == [True, True]
        assert all(not quantizing.same(step[3][0], step[4][0]) for step in steps if step[0] == "QUANTIZE" and step[3][0] and step[4][0])
        (array,) = [value[:3] for value in data.values()]
        near(quantizing.invoke(path, array), run_as_spelled(quantised, {"x": array}))
        modelctl.convert(path, back)
        modelctl.convert(back, again)
        np.testing.assert_array_equal(quantizing.invoke(again, array), quantizing.invoke(path, array))


@pytest.mark.parametrize("weights", [ort.QuantType.QInt8, ort.QuantType.QUInt8])
def test_dynamic_products(bare_onnx, tmp_path, weights):
    """Activations that are quantised as they come: by LiteRT's own kernels where weights are symmetric, else (and over one axis) spelled
    out. Weights of seven bits, as ONNX Runtime adds products of eight in 16 bits on some processors."""
    source, data = bare_onnx
    quantised, path = tmp_path / "quantised.onnx", tmp_path / "quantised.tflite"
    ort.quantize_dynamic(str(source), str(quantised), weight_type=weights, reduce_range=True)
    modelctl.convert(quantised, path)
    products = [step for step in quantizing.steps(path) if step[0] in ("CONV_2D", "FULLY_CONNECTED", "DEPTHWISE_CONV_2D")]
    hybrid = [step for step in products if step[3][0] is None and step[3][1] is not None]
    assert len(hybrid) == (3 if weights == ort.QuantType.QInt8 else 0)
    feeds = {key: array[:1] for key, array in data.items()}
    near(litert.run(path, list(feeds.values()))[0], run(quantised, feeds))


@pytest.mark.parametrize("name", ["cnn", "unet"])
def test_circle(name, float_onnx, tmp_path):
    """QDQ ONNX → int8 TFLite → QDQ ONNX: every integer weight, scale and zero point of the operators is there again."""
    source, _, data = float_onnx(name)
    quantised, path, back = tmp_path / "quantised.onnx", tmp_path / "quantised.tflite", tmp_path / "back.onnx"
    ort.quantize_static(
        str(source), str(quantised), Reader(data), quant_format=ort.QuantFormat.QDQ, activation_type=ort.QuantType.QInt8,
        weight_type=ort.QuantType.QInt8, per_channel=True)
    modelctl.convert(quantised, path)
    modelctl.convert(path, back)

    def weights(file):
        """The sorted integers of each convolution's weights, with its scales."""
        model = onnx.load(file)
        constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        makers = {output: node for node in model.graph.node for output in node.output}
        found = []
        for node in model.graph.node:
            if node.op_type == "Conv":
                source = makers[node.input[1]]
                assert source.op_type == "DequantizeLinear"
                found.append((np.sort(constants[source.input[0]], axis=None), np.sort(constants[source.input[1]], axis=None)))
        return found

    a, b = weights(quantised), weights(back)
    assert len(a) == len(b) > 0
    for (integers, scales), (others, other_scales) in zip(a, b):
        np.testing.assert_array_equal(others, integers)
        np.testing.assert_array_equal(other_scales, scales)
    feeds = {key: array[:3] for key, array in data.items()}
    expected, found = run_as_spelled(quantised, feeds), run_as_spelled(back, feeds)
    near(found, expected)


@pytest.mark.parametrize("name", ["mlp", "cnn", "gates"])
def test_tflite_becomes_onnx(name, float_onnx, tmp_path):
    """Our int8 TFLite as QDQ ONNX in ONNX Runtime, which computes floats in between: a few steps from LiteRT's integers. Weights have no
    sign, so that processors without VNNI do not saturate; back in TFLite they are the same integers."""
    _, model, data = float_onnx(name)
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "samples.npz", **data)
    path, graph = tmp_path / "model.tflite", tmp_path / "model.onnx"
    modelctl.convert(tmp_path / "model.keras", path, "--quantize", "int8", "--representative", tmp_path / "samples.npz")
    report = modelctl.convert(path, graph)
    assert report["verification"]["equivalent"] and all(output["mismatched"] == 0 for output in report["verification"]["outputs"])
    feeds = {key: array[:3] for key, array in data.items()}
    (array,) = feeds.values()
    expected, found = quantizing.invoke(path, array), run(graph, feeds)
    # The outputs of `gates` fill half of their 256 steps; these are one step on average.
    near(found, expected, mean=0.0085 if name == "gates" else 0.0055)
    assert "DequantizeLinear" in modelctl.inspect(graph)["operators"]
    onnx_model = onnx.load(graph)
    constants = {t.name: t.data_type for t in onnx_model.graph.initializer}
    makers = {output: node for node in onnx_model.graph.node for output in node.output}
    products = [node for node in onnx_model.graph.node if node.op_type in ("Conv", "MatMul", "Gemm")]
    assert products and all(constants[makers[node.input[1]].input[0]] == onnx.TensorProto.UINT8 for node in products)
    back = tmp_path / "back.tflite"
    modelctl.convert(graph, back)
    np.testing.assert_array_equal(quantizing.invoke(back, array), expected)


def test_straight_to_onnx(float_onnx, tmp_path):
    """`--quantize int8` with an ONNX destination."""
    _, model, data = float_onnx("cnn")
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "samples.npz", **data)
    report = modelctl.convert(
        tmp_path / "model.keras", tmp_path / "model.onnx", "--quantize", "int8", "--representative", tmp_path / "samples.npz")
    assert report["quantization"]["error"] < 0.035
    exact = model(data["x"], training=False).numpy()
    found = run(tmp_path / "model.onnx", data)
    assert np.sqrt(np.mean((found - exact) ** 2) / np.mean(exact**2)) < 0.035

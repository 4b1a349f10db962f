"""Integer models: each operator and whole networks, run by us bit for bit as LiteRT's reference kernels run them; and as ONNX."""

import flatbuffers
import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
from ai_edge_litert import interpreter as litert_api

import litert
import modelctl
import tflite_quantized_cases as cases

REFERENCE = litert_api.OpResolverType.BUILTIN_REF
DTYPES = ["int8", "uint8", "int16"]


def reference(path, feeds):
    """What the reference kernels compute, by name."""
    interpreter = litert.open_model(path, REFERENCE)
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], feeds[detail["name"]])
    interpreter.invoke()
    return {detail["name"]: interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()}


def run(path, feeds, folder):
    inputs, outputs = folder / "in.npz", folder / "out.npz"
    np.savez(inputs, **feeds)
    modelctl.run("run", path, "--inputs", inputs, "--outputs", outputs)
    return dict(np.load(outputs))


def differences(expected, found):
    return [
        f"{name}: {found[name].dtype}{found[name].shape} instead of {value.dtype}{value.shape}"
        if found[name].dtype != value.dtype or found[name].shape != value.shape
        else f"{name}: {np.count_nonzero(found[name] != value)} of {value.size} differ"
        for name, value in expected.items()
        if not np.array_equal(found[name], value) or found[name].dtype != value.dtype
    ]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("family", cases.FAMILIES)
def test_operators(family, dtype, tmp_path):
    """Some operators in one file; every stored number of 8 bits occurs or most do."""
    built = cases.build(family, dtype)
    path = tmp_path / "model.tflite"
    path.write_bytes(built.bytes())
    for seed in range(2):
        feeds = built.feeds(seed)
        expected = reference(path, feeds)
        assert len(expected) >= 4
        assert differences(expected, run(path, feeds, tmp_path)) == []


def network(name, gate="hard_swish"):
    """A small network; TensorFlow's converter has no hard swish of 16 bits."""
    keras.utils.set_random_seed(11)
    layers = keras.layers
    if name == "convolutional":
        x = inputs = layers.Input((17, 19, 3))
        x = layers.Conv2D(12, 3, strides=2, padding="same")(x)
        x = layers.ReLU(6.0)(x)
        skip = x
        x = layers.DepthwiseConv2D(3, padding="same")(x)
        x = layers.Activation(gate)(x)
        x = layers.Conv2D(12, 1)(x)
        x = layers.Add()([x, skip])
        gate = layers.Dense(12, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(x))
        x = layers.Multiply()([x, gate])
        x = layers.Concatenate()([layers.MaxPooling2D(2)(x), layers.AveragePooling2D(2)(x)])
        x = layers.Conv2DTranspose(5, 3, strides=2, padding="same", activation="relu")(x)
        x = layers.Dense(7)(layers.Flatten()(x))
        return keras.Model(inputs, layers.Softmax()(x))
    x = inputs = layers.Input((9, 14))
    x = layers.Conv1D(16, 3, padding="causal", activation="tanh")(x)
    x = layers.LeakyReLU(0.2)(x)
    x = layers.Dense(16, activation="gelu")(x) + x
    x = x * layers.Dense(16, activation="sigmoid")(x) - 0.25
    x = keras.ops.mean(x, axis=1)
    return keras.Model(inputs, layers.Dense(5, activation="relu")(x))


def quantise(model, kind, folder):
    path = folder / f"{kind}.tflite"
    random = np.random.default_rng(4)
    shape = (1, *model.inputs[0].shape[1:])
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([random.standard_normal(shape).astype(np.float32)] for _ in range(16))
    if kind == "int16":
        converter.target_spec.supported_ops = [tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8]
    else:
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = {"int8": tf.int8, "uint8": tf.uint8, "io": tf.float32}[kind]
    path.write_bytes(converter.convert())
    return path


def feeds_of(path, seed=0):
    random = np.random.default_rng(seed)
    feeds = {}
    for detail in litert.open_model(path, REFERENCE).get_input_details():
        if detail["dtype"] == np.float32:
            feeds[detail["name"]] = random.standard_normal(detail["shape"]).astype(np.float32)
        else:
            info = np.iinfo(detail["dtype"])
            feeds[detail["name"]] = random.integers(info.min, info.max + 1, detail["shape"]).astype(detail["dtype"])
    return feeds


@pytest.mark.parametrize("name", ["convolutional", "sequence"])
def test_networks(name, tmp_path):
    """As TensorFlow's converter quantises them: 8 bits with integers or floats outside, and 16 by 8."""
    for kind in ["int8", "uint8", "io", "int16"]:
        path = quantise(network(name, "relu" if kind == "int16" else "hard_swish"), kind, tmp_path)
        feeds = feeds_of(path)
        expected = list(reference(path, feeds).values())
        # Signatures name outputs otherwise than tensors: the order is the same.
        found = list(run(path, {key: value for key, value in feeds.items()}, tmp_path).values())
        for index, (a, b) in enumerate(zip(expected, found, strict=True)):
            assert a.dtype == b.dtype and np.array_equal(a, b), f"{kind}: output {index}, {np.count_nonzero(a != b)} of {a.size} differ"


def test_as_onnx(tmp_path):
    """QDQ: ONNX Runtime computes floats in between, so a result may lie a step beside LiteRT's, which rounds sums that
    are exact. More would not be rounding."""
    path = quantise(network("convolutional"), "int8", tmp_path)
    target = tmp_path / "model.onnx"
    report = modelctl.convert(path, target)
    assert report["verification"]["equivalent"]
    feeds = feeds_of(path)
    expected = list(reference(path, feeds).values())
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    found = session.run(None, dict(zip(names, feeds.values(), strict=True)))
    for a, b in zip(expected, found, strict=True):
        assert a.dtype == b.dtype
        assert np.abs(a.astype(int) - b.astype(int)).max() <= 1


def test_dequantised(tmp_path):
    """Plain floats: near the float model that was quantised, with float inputs and outputs."""
    model = network("convolutional")
    path = quantise(model, "int8", tmp_path)
    target = tmp_path / "model.onnx"
    assert modelctl.convert(path, target, "--dequantize")["verification"]["equivalent"]
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    (entry,) = session.get_inputs()
    assert entry.type == "tensor(float)"
    x = np.random.default_rng(2).standard_normal(model.inputs[0].shape[1:]).astype(np.float32)[None]
    (found,) = session.run(None, {entry.name: x})
    # Only the weights are rounded, to 1/127 of each channel's largest.
    np.testing.assert_allclose(found, model.predict(x, verbose=0), atol=0.02)


def test_filters_with_a_zero_point(tmp_path):
    """TensorFlow's converter writes such filters for networks that were trained with asymmetric weights; LiteRT's kernels for int8 leave the zero
    point out of depthwise and transposed convolutions, and take it in products."""
    random, fake = np.random.default_rng(6), tf.quantization.fake_quant_with_min_max_args
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, (1, 6, 5, 4), "x")
        weights = lambda *shape: fake(tf.constant(random.uniform(-0.6, 0.9, shape).astype("float32")), -0.6, 0.9)
        y = fake(tf.nn.depthwise_conv2d(fake(x, -2, 3), weights(2, 3, 4, 1), [1, 1, 1, 1], "SAME"), -3, 5)[:, :5, :3]
        y = fake(tf.nn.conv2d_transpose(y, weights(2, 2, 2, 4), (1, 10, 6, 2), 2, "SAME"), -4, 4)
        y = fake(tf.matmul(tf.reshape(y, (1, 120)), weights(120, 7)), -9, 12)
        converter = tf.compat.v1.lite.TFLiteConverter.from_session(session, [x], [y])
        converter.inference_type, converter.quantized_input_stats = tf.int8, {"x": (-26, 51)}
        path = tmp_path / "asymmetric.tflite"
        path.write_bytes(converter.convert())
    graph = litert.model(path).subgraphs[0]
    moved = [op for op in graph.operators if any(graph.tensors[i].quantization.zeroPoint[0] for i in op.inputs[1:2] if graph.tensors[i].type == 9)]
    assert len(moved) == 3, litert.operators(path)
    for seed in range(2):
        feeds = feeds_of(path, seed)
        (expected,), (found,) = reference(path, feeds).values(), run(path, feeds, tmp_path).values()
        np.testing.assert_array_equal(found, expected)
    modelctl.convert(path, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, dict(zip([port.name for port in session.get_inputs()], feeds.values())))
    assert np.abs(found.astype(int) - expected.astype(int)).max() <= 2


@pytest.fixture(scope="module")
def peculiar(tmp_path_factory):
    """Vectors of length 1 among images, and differences of what is nearly equal, quantised by TensorFlow's converter."""
    random = np.random.default_rng(12)
    weights = tf.constant(random.normal(0, 0.4, (2, 2, 3, 5)).astype("float32"))

    @tf.function(input_signature=[tf.TensorSpec((1, 5, 6, 3), tf.float32, "x")])
    def network(x):
        rows = tf.reduce_max(x, [1, 2, 3], keepdims=True)
        y = tf.math.l2_normalize(tf.nn.relu(tf.nn.conv2d(x, weights, 1, "VALID")), -1)
        return {"y": y, "z": rows - tf.reduce_max(rows, -1, keepdims=True)}

    @tf.function(input_signature=network.input_signature)
    def differences(x):
        rows = tf.reduce_max(x, [1, 2, 3], keepdims=True)
        mean = tf.reduce_mean(rows, -1, keepdims=True)
        return {"y": tf.nn.relu6(rows - mean), "z": tf.math.squared_difference(rows, mean)}

    folder = tmp_path_factory.mktemp("peculiar")
    module = tf.Module()
    module.network, module.differences = network, differences
    tf.saved_model.save(module, str(folder / "float"), signatures=differences)
    samples = random.normal(0, 1, (8, 5, 6, 3)).astype("float32")
    np.savez(folder / "samples.npz", x=samples)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([network.get_concrete_function()], module)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([x[None]] for x in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    (folder / "int8.tflite").write_bytes(converter.convert())
    return folder


def test_steps_finer_than_those_of_operands(peculiar, tmp_path):
    """A difference of equal numbers has a range of nothing: LiteRT's kernel makes one step of it, as its shift to the right is by less than nothing."""
    path = peculiar / "int8.tflite"
    feeds = feeds_of(path)
    expected, found = list(reference(path, feeds).values()), list(run(path, feeds, tmp_path).values())
    assert {1} in [set(array.ravel()) for array in expected], expected
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_array_equal(b, a)


@pytest.mark.parametrize("mode", ["int8", "int16x8"])
def test_no_steps_that_kernels_refuse(mode, peculiar, tmp_path):
    """Quantised by us, such a range is as wide as the kernels ask for."""
    path = tmp_path / "ours.tflite"
    modelctl.convert(peculiar / "float", path, "--quantize", mode, "--representative", peculiar / "samples.npz")
    feeds = feeds_of(path)
    for a, b in zip(reference(path, feeds).values(), run(path, feeds, tmp_path).values(), strict=True):
        np.testing.assert_array_equal(b, a)


def test_lengths_along_channels(peculiar):
    """ONNX has its channels first: what it normalises along them is LiteRT's operator all the same."""
    target = peculiar / "lengths.onnx"
    report = modelctl.convert(peculiar / "int8.tflite", target)
    assert report["verification"]["equivalent"]
    feeds = feeds_of(peculiar / "int8.tflite")
    expected = list(reference(peculiar / "int8.tflite", feeds).values())
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    found = session.run(None, dict(zip([port.name for port in session.get_inputs()], feeds.values())))
    for a, b in zip(expected, found, strict=True):
        assert a.shape == b.shape and np.abs(a.astype(int) - b.astype(int)).max() <= 2


def test_activations_that_a_range_implies(tmp_path):
    """TensorFlow's first converter left out what clamping to the range of uint8 does anyway: dequantised, the network clamps nevertheless."""
    random, fake = np.random.default_rng(13), tf.quantization.fake_quant_with_min_max_args
    weights = lambda *shape: fake(tf.constant(random.uniform(-0.9, 0.9, shape).astype("float32")), -0.9, 0.9)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, (1, 6, 5, 3), "x")
        y = fake(tf.nn.relu6(tf.nn.conv2d(fake(x, -2, 3), weights(3, 2, 3, 4), 1, "SAME")), 0, 6)
        y = fake(tf.nn.relu(tf.nn.depthwise_conv2d(y, weights(2, 3, 4, 1), [1, 1, 1, 1], "VALID")), 0, 9)
        y = fake(tf.matmul(tf.reshape(y, (1, 60)), weights(60, 7)), -30, 35)
        converter = tf.compat.v1.lite.TFLiteConverter.from_session(session, [x], [y])
        converter.inference_type, converter.quantized_input_stats = tf.uint8, {"x": (102, 51)}
        content = litert.schema.ModelT.InitFromPackedBuf(converter.convert(), 0)
        given = np.round(random.uniform(-2, 3, (1, 6, 5, 3)) * 51).astype("float32") / 51
        exact = session.run(y, {x: given})
    cleared = 0
    for op in content.subgraphs[0].operators:
        if getattr(op.builtinOptions, "fusedActivationFunction", 0):
            op.builtinOptions.fusedActivationFunction, cleared = 0, cleared + 1
    assert cleared == 2
    builder, path, target = flatbuffers.Builder(1024), tmp_path / "implied.tflite", tmp_path / "float.onnx"
    builder.Finish(content.Pack(builder), b"TFL3")
    path.write_bytes(builder.Output())
    modelctl.convert(path, target, "--dequantize")
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: given})
    # Steps of 0.025 and 0.035 are not rounded to; without clamping it would be off by its own size.
    assert np.abs(found - exact).max() < 0.03 * np.abs(exact).max(), (found, exact)

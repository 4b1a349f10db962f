"""Small networks quantised by us and by TensorFlow's converter, from the same samples."""
import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert import interpreter as litert_api
from keras import layers as L
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

import litert
import modelctl

REFERENCE = litert_api.OpResolverType.BUILTIN_REF
SAMPLES = 12


def mlp():
    x = keras.Input((20,), name="x")
    y = L.Dense(32, activation="relu")(x)
    y = L.Dense(16, activation="tanh")(y)
    return keras.Model(x, L.Dense(5, activation="softmax", name="y")(y))


def cnn():
    """Folded normalisations, a residual sum of two scales, a concatenation of two branches."""
    x = keras.Input((16, 18, 3), name="x")
    y = L.ReLU()(L.BatchNormalization()(L.Conv2D(8, 3, padding="same")(x)))
    y = L.MaxPooling2D()(y)
    z = L.ReLU(max_value=6)(L.BatchNormalization()(L.DepthwiseConv2D(3, padding="same")(y)))
    y = L.Add()([y, z])
    y = L.Conv2D(12, 3, strides=2, activation="relu")(y)
    y = L.Concatenate()([y, L.Conv2D(4, 1)(y)])
    y = L.Dense(24, activation="relu")(L.Flatten()(L.AveragePooling2D(2)(y)))
    return keras.Model(x, L.Dense(10, activation="softmax", name="y")(y))


def unet():
    x = keras.Input((32, 24, 3), name="x")
    a = L.Conv2D(8, 3, padding="same", activation="relu")(x)
    b = L.Conv2D(16, 3, padding="same", activation="relu")(L.MaxPooling2D()(a))
    c = L.Concatenate()([L.Conv2DTranspose(8, 2, strides=2)(b), a])
    c = L.Conv2D(8, 3, padding="same", activation="relu")(c)
    c = L.Concatenate()([c, L.UpSampling2D(interpolation="bilinear")(b)])
    return keras.Model(x, L.Conv2D(2, 1, activation="sigmoid", name="y")(c))


def gates():
    """Products, differences and extremes of values of several scales."""
    x = keras.Input((12, 10), name="x")
    y = L.LeakyReLU()(L.Dense(16)(x))
    g = L.Dense(16, activation="sigmoid")(y)
    y = L.Subtract()([L.Multiply()([y, g]), L.Dense(16, activation="gelu")(x)])
    y = L.Average()([y, L.Maximum()([y, g])])
    return keras.Model(x, L.Dense(3, name="y")(L.GlobalAveragePooling1D()(y)))


NETWORKS = {"mlp": mlp, "cnn": cnn, "unet": unet, "gates": gates}


def seeded(model, seed=1):
    random = np.random.default_rng(seed)
    for weight in model.weights:
        shape = weight.shape
        # Of `Normalization`, whose call uses what they were when it was built.
        if weight.path.split("/")[-1] in ("mean", "variance", "count"):
            continue
        if weight.path.endswith("variance"):
            weight.assign(random.uniform(0.5, 1.5, shape))
        elif weight.path.endswith("gamma"):
            weight.assign(random.uniform(0.7, 1.3, shape))
        elif len(shape) < 2:
            weight.assign(random.normal(0, 0.2, shape))
        else:
            weight.assign(random.normal(0, (2 / np.prod(shape[:-1])) ** 0.5, shape))
    return model


def samples(model, count=SAMPLES, seed=5):
    random = np.random.default_rng(seed)
    return {port.name: (random.normal(0, 1, (count, *port.shape[1:])) + 0.3).astype("f4") for port in model.inputs}


def one_at_a_time(model):
    """The network for a batch of one, as TensorFlow's converter is given it."""
    (port,) = model.inputs
    fixed = keras.models.clone_model(model, input_tensors=keras.Input(batch_shape=(1, *port.shape[1:]), name=port.name))
    fixed.set_weights(model.get_weights())
    return fixed


def relative(expected, found):
    return float(np.sqrt(np.mean((expected - found) ** 2) / np.mean(expected**2)))


def same(one, other, rtol=1e-6):
    """Whether two quantisations are the same."""
    return len(one[0]) == len(other[0]) and np.allclose(one[0], other[0], rtol=rtol, atol=0) and one[1] == other[1]


def ordered(file):
    """The operators that compute with integers, so that those of two files stand beside each other: branches may be computed in another order.
    RESHAPE is left out: a mean that keeps its axes needs none behind it."""
    computing = (step for step in steps(file) if any(step[3] + step[4]) and step[0] not in ("SHAPE", "RESHAPE"))
    return sorted(computing, key=lambda step: (step[0], [float(f"{q[0][0]:.5g}") if q else 0 for q in step[4] + step[3]]))


def integers(theirs, ours):
    """How many stored integers of two files with the same operators differ, by how much at most, and of how many: (weights, biases)."""
    first, second = litert.model(theirs), litert.model(ours)
    found = {np.int8: [0, 0, 0], np.int32: [0, 0, 0], np.int64: [0, 0, 0]}
    kinds = {litert.schema.TensorType.INT8: np.int8, litert.schema.TensorType.INT32: np.int32, litert.schema.TensorType.INT64: np.int64}
    for (_, op, graph_a, _, _), (_, other, graph_b, _, _) in zip(ordered(theirs), ordered(ours), strict=True):
        for i, j in zip(op.inputs, other.inputs):
            a, b = graph_a.tensors[i], graph_b.tensors[j]
            x, y = first.buffers[a.buffer].data, second.buffers[b.buffer].data
            if i < 0 or j < 0 or x is None or y is None or a.type not in kinds or a.quantization is None or a.quantization.scale is None:
                continue
            x, y = [np.frombuffer(bytes(data), kinds[a.type]).astype(np.int64) for data in (x, y)]
            steps_apart, counts = np.abs(x - y), found[kinds[a.type]]
            counts[0] += int(np.count_nonzero(steps_apart))
            counts[1] = max(counts[1], int(steps_apart.max(initial=0)))
            counts[2] += len(x)
    narrow, wide = found[np.int32], found[np.int64]
    return tuple(found[np.int8]), (narrow[0] + wide[0], max(narrow[1], wide[1]), narrow[2] + wide[2])


BIASES = (litert.schema.TensorType.INT32, litert.schema.TensorType.INT64)
PRODUCTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def differences(theirs, ours, rtol=1e-6):
    """Where quantisations of two files with the same operators differ. A bias has no range: its scale is the product of two others, in each
    file."""
    a, b = ordered(theirs), ordered(ours)
    if [step[0] for step in a] != [step[0] for step in b]:
        return [f"operators {[step[0] for step in b]} instead of {[step[0] for step in a]}"], 0
    found, compared = [], 0
    for (kind, _, _, inputs, outputs), (_, op, graph, ours_in, ours_out) in zip(a, b):
        there = [i for i in op.inputs if i >= 0]
        for place, (expected, other) in enumerate(zip(inputs + outputs, ours_in + ours_out)):
            is_bias = place == len(there) - 1 >= 2 and graph.tensors[there[place]].type in BIASES and other is not None and expected is not None
            if is_bias and kind in PRODUCTS:
                for one in (inputs, ours_in):
                    if not same(one[place], ((one[-3][0] * one[-2][0]).astype("f4"), one[place][1]), 3e-7):
                        found.append(f"{kind}: the bias has scales of its own")
                compared += 1
                continue
            if expected is None or other is None:
                if expected is not other:
                    found.append(f"{kind}: tensor {place} is {other} instead of {expected}")
                continue
            compared += 1
            if not same(expected, other, rtol):
                found.append(f"{kind}: tensor {place} is {other} instead of {expected}")
    return found, compared


def tensorflow(model, data, *, mode="int8", float_model=False):
    """What TensorFlow's converter makes of a network with one input, for one sample at a time."""
    (port,) = model.inputs
    function = tf.function(lambda x: model(x, training=False)).get_concrete_function(
        tf.TensorSpec((1, *port.shape[1:]), port.dtype, name=port.name))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([convert_variables_to_constants_v2(function)])
    if not float_model:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if mode == "float16":
            converter.target_spec.supported_types = [tf.float16]
        elif mode != "dynamic":
            converter.representative_dataset = lambda: ([sample[None]] for sample in data[port.name])
        if mode == "int16x8":
            converter.target_spec.supported_ops = [
                tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8]
    return converter.convert()


def steps(path):
    """The operators of a file: name, and the quantised tensors around each as (scales, zero points)."""
    names = {value: name for name, value in vars(litert.schema.BuiltinOperator).items() if not name.startswith("_")}
    content = litert.model(path)
    (graph,) = content.subgraphs
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in content.operatorCodes]

    def quantization(index):
        quantized = graph.tensors[index].quantization
        if quantized is None or quantized.scale is None or len(quantized.scale) == 0:
            return None
        return np.array(quantized.scale), list(quantized.zeroPoint)

    for op in graph.operators:
        yield names[codes[op.opcodeIndex]], op, graph, [quantization(i) for i in op.inputs if i >= 0], [quantization(i) for i in op.outputs]


def invoke(path, value, resolver=REFERENCE):
    """LiteRT's output for the one input, whatever the batch."""
    (result,) = litert.run(path, [value], resolver)
    return result


def ours(path, feeds, folder):
    inputs, outputs = folder / "in.npz", folder / "out.npz"
    np.savez(inputs, **feeds)
    modelctl.run("run", path, "--inputs", inputs, "--outputs", outputs)
    return dict(np.load(outputs))

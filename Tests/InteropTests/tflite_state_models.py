"""TFLite files with hybrid operators, recurrent cells, state and tables, made by TensorFlow's converter or by hand."""
import numpy as np
import tensorflow as tf
import tf_keras
from ai_edge_litert import schema_py_generated as schema

B = schema.BuiltinOperator
T = schema.TensorType
RNG = np.random.default_rng(7)


def convert(network, quantization=None):
    """A network by the converter: plain, `dynamic`, or `int8` by made-up representative data."""
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    if quantization:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantization == "int8":
        shape = (1,) + tuple(network.inputs[0].shape[1:])
        generator = np.random.default_rng(3)
        converter.representative_dataset = lambda: ([generator.normal(size=shape).astype("float32")] for _ in range(20))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8
    return converter.convert()


def networks():
    L = tf_keras.layers
    sequence = tf_keras.Input((5, 7), batch_size=1)
    image = tf_keras.Input((9, 8, 3), batch_size=1)
    features = L.Conv2D(24, 3, padding="same", activation="relu")(image)
    features = L.DepthwiseConv2D(3, strides=2, depth_multiplier=2)(features)
    pooled = L.GlobalAveragePooling2D()(L.Conv2D(40, 1)(features))
    return {
        "dense": tf_keras.Sequential([tf_keras.Input((60,), batch_size=2), L.Dense(48, activation="relu"), L.Dense(33), L.Dense(40)]),
        "conv": tf_keras.Model(image, L.Dense(32)(pooled)),
        "lstm": tf_keras.Sequential([sequence, L.LSTM(40, return_sequences=True), L.LSTM(36)]),
        "bidirectional": tf_keras.Sequential([sequence, L.Bidirectional(L.LSTM(33, return_sequences=True)), L.LSTM(9, go_backwards=True)]),
        "gru": tf_keras.Sequential([sequence, L.GRU(40, return_sequences=True), L.GRU(34)]),
    }


class Builder:
    """A file of one subgraph, operator by operator."""

    def __init__(self):
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes = []
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators, self.graph.inputs, self.graph.outputs = [], [], [], []
        self.model.subgraphs = [self.graph]

    def tensor(self, shape, kind=T.FLOAT32, data=None, scale=None, zero=0, variable=False):
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.isVariable = list(shape), kind, variable
        tensor.name = f"t{len(self.graph.tensors)}"
        tensor.buffer = 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data if isinstance(data, bytes) else np.ascontiguousarray(data).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            tensor.buffer = len(self.model.buffers) - 1
        if scale is not None:
            quantization = schema.QuantizationParametersT()
            quantization.scale, quantization.zeroPoint = [scale], [zero]
            tensor.quantization = quantization
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def input(self, *args, **kwargs):
        self.graph.inputs.append(self.tensor(*args, **kwargs))
        return self.graph.inputs[-1]

    def output(self, *args, **kwargs):
        self.graph.outputs.append(self.tensor(*args, **kwargs))
        return self.graph.outputs[-1]

    def floats(self, *shape):
        return self.tensor(shape, data=(RNG.normal(size=shape) * 0.4).astype("float32"))

    def weights(self, *shape, hybrid=False):
        if not hybrid:
            return self.floats(*shape)
        return self.tensor(shape, T.INT8, RNG.integers(-127, 128, shape).astype("int8"), scale=0.004)

    def op(self, code, inputs, outputs, options=None, kind=0, intermediates=None):
        entry = schema.OperatorCodeT()
        entry.builtinCode, entry.deprecatedBuiltinCode, entry.version = code, min(code, 127), 1
        self.model.operatorCodes.append(entry)
        op = schema.OperatorT()
        op.opcodeIndex, op.inputs, op.outputs = len(self.model.operatorCodes) - 1, inputs, outputs
        op.builtinOptions, op.builtinOptionsType, op.intermediates = options, kind, intermediates
        self.graph.operators.append(op)

    def pack(self):
        import flatbuffers

        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def options(table, **fields):
    result = getattr(schema, table + "T")()
    for name, value in fields.items():
        setattr(result, name, value)
    return {"options": result, "kind": getattr(schema.BuiltinOptions, table)}


def svdf(hybrid, asymmetric=False, activation=1):
    b = Builder()
    x = b.input((2, 6))
    features, time, bias = b.weights(8, 6, hybrid=hybrid), b.weights(8, 5, hybrid=hybrid), b.floats(4)
    state = b.tensor((2, 40), variable=True)
    y = b.output((2, 4))
    b.op(B.SVDF, [x, features, time, bias, state], [y], **options(
        "SVDFOptions", rank=2, fusedActivationFunction=activation, asymmetricQuantizeInputs=asymmetric))
    return b.pack()


def svdf_int8():
    b = Builder()
    x = b.input((2, 6), T.INT8, scale=0.02, zero=3)
    features = b.tensor((8, 6), T.INT8, RNG.integers(-127, 128, (8, 6)).astype("int8"), scale=0.01)
    time = b.tensor((8, 5), T.INT16, RNG.integers(-9000, 9000, (8, 5)).astype("int16"), scale=1e-4)
    bias = b.tensor((4,), T.INT32, RNG.integers(-9000, 9000, 4).astype("int32"), scale=5e-8)
    state = b.tensor((2, 40), T.INT16, scale=5e-4, variable=True)
    y = b.output((2, 4), T.INT8, scale=0.03, zero=-7)
    b.op(B.SVDF, [x, features, time, bias, state], [y], **options("SVDFOptions", rank=2, fusedActivationFunction=1))
    return b.pack()


def rnn(hybrid, asymmetric=False, single=False, time_major=False, activation=4):
    b = Builder()
    shape = (2, 5) if single else (4, 2, 5) if time_major else (2, 4, 5)
    x = b.input(shape)
    inputs = [x, b.weights(3, 5, hybrid=hybrid), b.weights(3, 3, hybrid=hybrid), b.floats(3), b.tensor((2, 3), variable=True)]
    y = b.output(shape[:-1] + (3,))
    if single:
        b.op(B.RNN, inputs, [y], **options("RNNOptions", fusedActivationFunction=activation, asymmetricQuantizeInputs=asymmetric))
    else:
        b.op(B.UNIDIRECTIONAL_SEQUENCE_RNN, inputs, [y], **options(
            "SequenceRNNOptions", fusedActivationFunction=activation, timeMajor=time_major, asymmetricQuantizeInputs=asymmetric))
    return b.pack()


def bidirectional_rnn(hybrid, merged, units=(3, 6)):
    b = Builder()
    x = b.input((2, 4, 5))
    inputs = [x]
    for width in units:
        inputs += [b.weights(width, 5, hybrid=hybrid), b.weights(width, width, hybrid=hybrid), b.floats(width), b.tensor((2, width), variable=True)]
    inputs += [-1, -1, -1]
    outputs = [b.output((2, 4, sum(units)))] if merged else [b.output((2, 4, width)) for width in units]
    b.op(B.BIDIRECTIONAL_SEQUENCE_RNN, inputs, outputs, **options("BidirectionalSequenceRNNOptions", fusedActivationFunction=4, mergeOutputs=merged))
    return b.pack()


def lstm(hybrid=False, cifg=False, peephole=False, projection=False, norm=False, asymmetric=False, clip=0.0, time_major=False):
    b = Builder()
    cells, width = 6, 4 if projection else 6
    x = b.input((3, 2, 5) if time_major else (2, 3, 5))
    gates = [not cifg, True, True, True]
    inputs = [x]
    inputs += [b.weights(cells, 5, hybrid=hybrid) if gate else -1 for gate in gates]
    inputs += [b.weights(cells, width, hybrid=hybrid) if gate else -1 for gate in gates]
    inputs += [b.weights(cells, hybrid=hybrid) if peephole and gate else -1 for gate in [not cifg, True, True]]
    inputs += [b.floats(cells) if gate else -1 for gate in gates]
    inputs += [b.weights(width, cells, hybrid=hybrid), b.floats(width)] if projection else [-1, -1]
    inputs += [b.tensor((2, width), variable=True), b.tensor((2, cells), variable=True)]
    inputs += [b.floats(cells) if norm and gate else -1 for gate in gates]
    y = b.output((3, 2, width) if time_major else (2, 3, width))
    b.op(B.UNIDIRECTIONAL_SEQUENCE_LSTM, inputs, [y], **options(
        "UnidirectionalSequenceLSTMOptions", fusedActivationFunction=4, cellClip=clip, projClip=clip, timeMajor=time_major,
        asymmetricQuantizeInputs=asymmetric))
    return b.pack()


def lstm_int8(cifg=False, peephole=False, projection=False, norm=False, clip=0.0, time_major=False):
    b = Builder()
    cells, width = 6, 4 if projection else 6
    x = b.input((3, 2, 5) if time_major else (2, 3, 5), T.INT8, scale=0.0157, zero=5)
    gates = [not cifg, True, True, True]

    def matrix(*shape):
        return b.tensor(shape, T.INT8, RNG.integers(-127, 128, shape).astype("int8"), scale=float(RNG.uniform(0.004, 0.012)))

    def vector(limit, scale):
        return b.tensor((cells,), T.INT16, RNG.integers(-limit, limit, cells).astype("int16"), scale=scale)

    def bias(count, limit=3000, scale=6e-5):
        return b.tensor((count,), T.INT32, RNG.integers(-limit, limit, count).astype("int32"), scale=scale)

    inputs = [x]
    inputs += [matrix(cells, 5) if gate else -1 for gate in gates]
    inputs += [matrix(cells, width) if gate else -1 for gate in gates]
    inputs += [vector(30000, 2e-5) if peephole and gate else -1 for gate in [not cifg, True, True]]
    inputs += [bias(cells, *((200000, 3e-8) if norm else ())) if gate else -1 for gate in gates]
    inputs += [matrix(width, cells), bias(width)] if projection else [-1, -1]
    state = dict(scale=0.009, zero=-4)
    inputs += [b.tensor((2, width), T.INT8, variable=True, **state), b.tensor((2, cells), T.INT16, scale=2.0**-11, variable=True)]
    inputs += [vector(30000, 3e-5) if norm and gate else -1 for gate in gates]
    inner = [b.tensor((), T.INT16, scale=scale) for scale in ((0.0002, 0.0003, 0.00025, 0.0004) if norm else (2.0**-12,) * 4)]
    inner.append(b.tensor((), T.INT8, scale=0.0078 if projection else state["scale"], zero=7 if projection else state["zero"]))
    y = b.output((3, 2, width) if time_major else (2, 3, width), T.INT8, **state)
    b.op(B.UNIDIRECTIONAL_SEQUENCE_LSTM, inputs, [y], intermediates=inner, **options(
        "UnidirectionalSequenceLSTMOptions", fusedActivationFunction=4, cellClip=clip, projClip=clip, timeMajor=time_major))
    return b.pack()


def accumulator():
    """A variable of the program that starts with an assigned value and grows with every call."""

    class Counter(tf.Module):
        def __init__(self):
            self.total = tf.Variable([[1.0, 2.0, 3.0]])

        @tf.function(input_signature=[tf.TensorSpec((1, 3), tf.float32)])
        def step(self, x):
            self.total.assign(self.total * 0.5 + x)
            return {"y": self.total * 2.0, "x2": x * x}

    counter = Counter()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([counter.step.get_concrete_function()], counter)
    converter.experimental_enable_resource_variables = True
    return converter.convert()


def stream():
    """A window over the last inputs, kept in a variable, and a convolution over it."""

    class Window(tf.Module):
        def __init__(self):
            self.past = tf.Variable(tf.zeros((1, 4, 3)))
            self.kernel = tf.constant(RNG.normal(size=(5, 3, 2)).astype("float32"))

        @tf.function(input_signature=[tf.TensorSpec((1, 1, 3), tf.float32)])
        def step(self, x):
            window = tf.concat([self.past, x], axis=1)
            self.past.assign(window[:, 1:])
            return {"y": tf.nn.conv1d(window, self.kernel, 1, "VALID")}

    window = Window()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([window.step.get_concrete_function()], window)
    converter.experimental_enable_resource_variables = True
    return converter.convert()


def table(folder):
    """A table of words, which only a SavedModel's converter fills."""

    class Table(tf.Module):
        def __init__(self):
            keys, values = tf.constant(["red", "green", "blue"]), tf.constant([7, 8, 9], tf.int64)
            self.table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, values), -1)

        @tf.function(input_signature=[tf.TensorSpec((4,), tf.string)])
        def look(self, x):
            return {"y": self.table.lookup(x), "n": self.table.size()}

    module = Table()
    tf.saved_model.save(module, str(folder), signatures=module.look)
    return tf.lite.TFLiteConverter.from_saved_model(str(folder)).convert()

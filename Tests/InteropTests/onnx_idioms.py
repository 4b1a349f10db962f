"""Graphs as exporters write them, PyTorch's above all: shapes computed from an input of unknown batch, layers in pieces.

Each case is a function of a `Builder` that returns the values of the outputs.
"""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CASES = {}
DTYPES = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64, "int32": TensorProto.INT32, "bool": TensorProto.BOOL}


class Builder:
    def __init__(self, name, batch):
        self.nodes, self.weights, self.inputs, self.feeds = [], [], [], []
        self.random = np.random.default_rng(sum(map(ord, name)))
        self.batch, self.count = batch, 0

    def input(self, *shape, dtype="float32", high=None, dims=None):
        """An input `[batch, *shape]`; `dims` names extents that the graph does not know."""
        name = f"in{len(self.inputs)}"
        extents = [self.batch or "batch", *(dims or shape)]
        self.inputs.append(helper.make_tensor_value_info(name, DTYPES[dtype], extents))
        full = (self.batch or 3, *shape)
        if dtype == "float32":
            self.feeds.append(self.random.standard_normal(full).astype(dtype))
        elif dtype == "bool":
            self.feeds.append(self.random.integers(0, 2, full).astype(bool))
        else:
            self.feeds.append(self.random.integers(0, high or 7, full).astype(dtype))
        return name

    def weight(self, *shape, scale=0.4, positive=False):
        array = (self.random.standard_normal(shape) * scale).astype("float32")
        return self.initializer(np.abs(array) + 0.1 if positive else array)

    def initializer(self, array):
        self.count += 1
        self.weights.append(numpy_helper.from_array(np.asarray(array), f"w{self.count}"))
        return f"w{self.count}"

    def ints(self, *values):
        return self.constant(np.array(values, "int64"))

    def constant(self, array):
        return self("Constant", value=numpy_helper.from_array(np.asarray(array)))

    def number(self, value):
        return self.constant(np.float32(value))

    def __call__(self, op, *inputs, outputs=1, **attributes):
        self.count += 1
        names = [f"v{self.count}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=f"/{op}_{self.count}", **attributes))
        return names[0] if outputs == 1 else names

    def size(self, x, axis):
        """`x.size(axis)` as a vector of one element."""
        return self("Unsqueeze", self("Gather", self("Shape", x), self.constant(np.int64(axis)), axis=0), self.ints(0))

    def view(self, x, *shape):
        """`x.view(…)`: strings and None are extents computed from others."""
        parts = [s if isinstance(s, str) else self.ints(s) for s in shape]
        return self("Reshape", x, self("Concat", *parts, axis=0))

    def linear(self, x, inside, outside):
        return self("Add", self("MatMul", x, self.weight(inside, outside)), self.weight(outside))

    def conv(self, x, inside, outside, size=3, **attributes):
        group = attributes.get("group", 1)
        attributes.setdefault("kernel_shape", [size, size])
        return self("Conv", x, self.weight(outside, inside // group, size, size, scale=0.2), self.weight(outside), **attributes)

    def model(self, outputs, opset=17):
        names = [f"out{i}" for i in range(len(outputs))]
        for value, name in zip(outputs, names):
            self.nodes.append(helper.make_node("Identity", [value], [name], name=f"/{name}"))
        infos = [helper.make_empty_tensor_value_info(name) for name in names]
        graph = helper.make_graph(self.nodes, "graph", self.inputs, infos, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        inferred = onnx.shape_inference.infer_shapes(model)
        # Inference does not always find the shapes: types are enough.
        for info, known in zip(model.graph.output, inferred.graph.output):
            info.type.CopyFrom(known.type)
        return model


def case(build):
    CASES[build.__name__] = build
    return build


# Shapes from the batch

@case
def flatten_view(b):
    x = b("Relu", b.conv(b.input(3, 8, 8), 3, 4))
    return b.linear(b.view(x, b.size(x, 0), -1), 144, 5)


@case
def flatten_view_channels(b):
    x = b.conv(b.input(3, 8, 8), 3, 4)
    return b("ReduceMean", b.view(x, b.size(x, 0), b.size(x, 1), -1), axes=[2], keepdims=0)


def initial(b, x, layers, hidden):
    """`torch.zeros(layers, x.size(0), hidden)`."""
    shape = b("Concat", b.ints(layers), b.size(x, 0), b.ints(hidden), axis=0)
    return b("ConstantOfShape", shape, value=helper.make_tensor("value", TensorProto.FLOAT, [1], [0]))


def expanded(b, x, layers, hidden):
    """Zeros that are expanded, as newer exporters write it."""
    shape = b("Concat", b.ints(layers), b.size(x, 0), b.ints(hidden), axis=0)
    return b("Expand", b.constant(np.zeros((1, 1, 1), "float32")), shape)


@case
def lstm_batch_first(b):
    x = b.input(6, 5)
    y, h, c = b("LSTM", b("Transpose", x, perm=[1, 0, 2]), b.weight(1, 16, 5), b.weight(1, 16, 4), b.weight(1, 32), "",
                initial(b, x, 1, 4), initial(b, x, 1, 4), outputs=3, hidden_size=4)
    y = b("Transpose", b("Squeeze", y, b.ints(1)), perm=[1, 0, 2])
    return [y, b("Gather", y, b.constant(np.int64(-1)), axis=1), h]


@case
def lstm_two_layers_bidirectional(b):
    x = b.input(6, 5)
    state = initial(b, x, 4, 4)
    y, width = b("Transpose", x, perm=[1, 0, 2]), 5
    for layer in range(2):
        part = b("Slice", state, b.ints(2 * layer), b.ints(2 * layer + 2), b.ints(0))
        y, h, c = b("LSTM", y, b.weight(2, 16, width), b.weight(2, 16, 4), b.weight(2, 32), "", part, part, outputs=3,
                    hidden_size=4, direction="bidirectional")
        y = b("Transpose", y, perm=[0, 2, 1, 3])
        y, width = b("Reshape", y, b.ints(0, 0, -1)), 8
    return b("Transpose", y, perm=[1, 0, 2])


@case
def gru_expanded_zeros(b):
    x = b.input(6, 5)
    y, h = b("GRU", b("Transpose", x, perm=[1, 0, 2]), b.weight(1, 12, 5), b.weight(1, 12, 4), b.weight(1, 24), "",
             expanded(b, x, 1, 4), outputs=2, hidden_size=4, linear_before_reset=1)
    return [b("Transpose", b("Squeeze", y, b.ints(1)), perm=[1, 0, 2]), b("Squeeze", h, b.ints(0))]


@case
def lstm_given_state(b):
    x, h0, c0 = b.input(6, 5), b.input(4), b.input(4)
    y, h, c = b("LSTM", b("Transpose", x, perm=[1, 0, 2]), b.weight(1, 16, 5), b.weight(1, 16, 4), b.weight(1, 32), "",
                b("Unsqueeze", h0, b.ints(0)), b("Unsqueeze", c0, b.ints(0)), outputs=3, hidden_size=4)
    return [b("Squeeze", y, b.ints(1)), b("Squeeze", h, b.ints(0)), b("Squeeze", c, b.ints(0))]


def attention(b, x, width, heads):
    """`nn.MultiheadAttention` in batch-first form."""
    size, time = b.size(x, 0), b.size(x, 1)
    def split(y, perm):
        return b("Transpose", b.view(y, size, time, heads, width // heads), perm=perm)
    q = split(b.linear(x, width, width), [0, 2, 1, 3])
    k = split(b.linear(x, width, width), [0, 2, 3, 1])
    v = split(b.linear(x, width, width), [0, 2, 1, 3])
    scores = b("Softmax", b("Div", b("MatMul", q, k), b.number((width // heads) ** 0.5)), axis=-1)
    y = b("Transpose", b("MatMul", scores, v), perm=[0, 2, 1, 3])
    return b.linear(b.view(y, size, time, width), width, width)


def layer_norm(b, x, width):
    centred = b("Sub", x, b("ReduceMean", x, axes=[-1], keepdims=1))
    variance = b("ReduceMean", b("Pow", centred, b.number(2)), axes=[-1], keepdims=1)
    y = b("Div", centred, b("Sqrt", b("Add", variance, b.number(1e-5))))
    return b("Add", b("Mul", y, b.weight(width)), b.weight(width))


def gelu(b, x):
    y = b("Add", b("Erf", b("Div", x, b.number(2 ** 0.5))), b.number(1))
    return b("Mul", b("Mul", x, y), b.number(0.5))


@case
def transformer_encoder(b):
    x = b.input(6, 8)
    x = layer_norm(b, b("Add", x, attention(b, x, 8, 2)), 8)
    y = b.linear(gelu(b, b.linear(x, 8, 16)), 16, 8)
    return layer_norm(b, b("Add", x, y), 8)


@case
def transformer_unknown_time(b):
    x = b.input(6, 8, dims=["time", 8])
    return layer_norm(b, b("Add", x, attention(b, x, 8, 2)), 8)


@case
def attention_folded_heads(b):
    """Heads laid into the batch, time first: as older versions write `nn.MultiheadAttention`."""
    x = b("Transpose", b.input(6, 8), perm=[1, 0, 2])
    time, size = b.size(x, 0), b.size(x, 1)
    heads = b("Mul", size, b.ints(2))
    q, k, v = b("Split", b.linear(x, 8, 24), axis=2, outputs=3)
    q, k, v = [b("Transpose", b.view(t, time, heads, 4), perm=[1, 0, 2]) for t in (q, k, v)]
    scores = b("MatMul", b("Mul", q, b.number(0.5)), b("Transpose", k, perm=[0, 2, 1]))
    y = b("Transpose", b("MatMul", b("Softmax", scores, axis=-1), v), perm=[1, 0, 2])
    return b("Transpose", b.linear(b.view(y, time, size, 8), 8, 8), perm=[1, 0, 2])


@case
def class_token(b):
    """A vision transformer's token, expanded to the batch and put in front."""
    x = b.conv(b.input(3, 8, 8), 3, 8, 4, strides=[4, 4])
    x = b("Transpose", b("Reshape", x, b.ints(0, 8, -1)), perm=[0, 2, 1])
    shape = b("Concat", b.size(x, 0), b.ints(-1), b.ints(-1), axis=0)
    shape = b("Where", b("Equal", shape, b.ints(-1, -1, -1)), b.ints(1, 1, 1), shape)
    token = b("Expand", b.weight(1, 1, 8), shape)
    x = b("Add", b("Concat", token, x, axis=1), b.weight(1, 5, 8))
    return b.linear(b("Gather", layer_norm(b, x, 8), b.constant(np.int64(0)), axis=1), 8, 3)


@case
def position_embedding(b):
    """Positions counted from the length of the tokens."""
    x = b.input(6, dtype="int64", dims=["time"], high=10)
    steps = b("Range", b.constant(np.int64(0)), b("Squeeze", b.size(x, 1), b.ints(0)), b.constant(np.int64(1)))
    position = b("Gather", b.weight(12, 4), b("Unsqueeze", steps, b.ints(0)))
    return b("Add", b("Gather", b.weight(10, 4), x), position)


# Convolutional pieces

@case
def shuffle_net(b):
    x = b.input(8, 6, 6)
    left, right = b("Split", x, axis=1, outputs=2)
    right = b("Relu", b.conv(right, 4, 4, pads=[1, 1, 1, 1], group=4))
    x = b("Concat", left, right, axis=1)
    y = b.view(x, b.size(x, 0), 2, 4, b.size(x, 2), b.size(x, 3))
    y = b("Transpose", y, perm=[0, 2, 1, 3, 4])
    return b.view(y, b.size(x, 0), -1, b.size(x, 2), b.size(x, 3))


@case
def squeeze_excite(b):
    x = b.conv(b.input(3, 8, 8), 3, 8, pads=[1, 1, 1, 1])
    s = b("GlobalAveragePool", x)
    s = b("HardSigmoid", b.conv(b("Relu", b.conv(s, 8, 2, 1)), 2, 8, 1), alpha=1 / 6, beta=0.5)
    return b("Mul", x, s)


@case
def squeeze_excite_linear(b):
    x = b.conv(b.input(3, 8, 8), 3, 8, pads=[1, 1, 1, 1])
    s = b("ReduceMean", x, axes=[2, 3], keepdims=0)
    s = b("Sigmoid", b.linear(b("Relu", b.linear(s, 8, 2)), 2, 8))
    return b("Mul", x, b.view(s, b.size(x, 0), 8, 1, 1))


@case
def pixel_shuffle(b):
    x = b.conv(b.input(3, 5, 6), 3, 8, pads=[1, 1, 1, 1])
    y = b("Reshape", x, b.ints(-1, 2, 2, 2, 5, 6))
    y = b("Transpose", y, perm=[0, 1, 4, 2, 5, 3])
    return [b("Reshape", y, b.ints(-1, 2, 10, 12)), b("DepthToSpace", x, blocksize=2, mode="CRD"), b("DepthToSpace", x, blocksize=2)]


@case
def group_norm(b):
    x = b.conv(b.input(3, 6, 6), 3, 8)
    y = b("Reshape", x, b.ints(0, 2, -1))
    y = b("InstanceNormalization", y, b.initializer(np.ones(2, "float32")), b.initializer(np.zeros(2, "float32")), epsilon=1e-5)
    y = b("Reshape", y, b("Shape", x))
    return b("Add", b("Mul", y, b.weight(8, 1, 1)), b.weight(8, 1, 1))


@case
def instance_norm(b):
    x = b.conv(b.input(3, 6, 6), 3, 4)
    return b("InstanceNormalization", x, b.weight(4), b.weight(4))


@case
def channels_layer_norm(b):
    """ConvNeXt's: channels last for one layer."""
    x = b("Transpose", b.conv(b.input(3, 6, 6), 3, 4), perm=[0, 2, 3, 1])
    return b("Transpose", layer_norm(b, x, 4), perm=[0, 3, 1, 2])


def resize(b, x, **attributes):
    return b("Resize", x, "", b.constant(np.array([1, 1, 2, 2], "float32")), **attributes)


@case
def upsample(b):
    x = b.conv(b.input(3, 7, 6), 3, 4)
    return [
        resize(b, x, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
        resize(b, x, mode="linear", coordinate_transformation_mode="half_pixel"),
        resize(b, x, mode="linear", coordinate_transformation_mode="align_corners"),
        resize(b, x, mode="linear", coordinate_transformation_mode="pytorch_half_pixel"),
        resize(b, x, mode="linear", coordinate_transformation_mode="asymmetric"),
    ]


@case
def upsample_to_other(b):
    """`F.interpolate(x, size=y.shape[2:])`."""
    x = b.conv(b.input(3, 9, 9), 3, 4)
    y = b.conv(x, 4, 4, strides=[2, 2], pads=[1, 1, 1, 1])
    sizes = b("Concat", b("Slice", b("Shape", y), b.ints(0), b.ints(2), b.ints(0)), b("Slice", b("Shape", x), b.ints(2), b.ints(4), b.ints(0)), axis=0)
    y = b("Resize", y, "", "", sizes, mode="linear", coordinate_transformation_mode="align_corners")
    return b("Concat", x, y, axis=1)


@case
def pooling(b):
    x = b.conv(b.input(3, 9, 11), 3, 4)
    return [
        b("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
        b("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        b("AveragePool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1),
        b("AveragePool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        b("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
        b("MaxPool", x, kernel_shape=[2, 3], dilations=[2, 1]),
        b("GlobalMaxPool", x),
    ]


@case
def convolutions(b):
    x = b.input(4, 9, 10)
    return [
        b.conv(x, 4, 6, pads=[0, 1, 2, 1]),
        b.conv(x, 4, 6, auto_pad="SAME_LOWER", strides=[2, 2]),
        b.conv(x, 4, 4, group=4, dilations=[2, 2], pads=[2, 2, 2, 2]),
        b.conv(x, 4, 8, group=4),
        b.conv(x, 4, 8, group=2, strides=[2, 1]),
        b("Clip", b.conv(x, 4, 6, 1), b.number(0), b.number(6)),
        b("PRelu", b.conv(x, 4, 6), b.weight(6, 1, 1)),
        b("LRN", b.conv(x, 4, 6), size=3),
    ]


@case
def transposed_convolutions(b):
    x = b.input(4, 5, 6)
    return [
        b("ConvTranspose", x, b.weight(4, 3, 3, 3), b.weight(3), strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1]),
        b("ConvTranspose", x, b.weight(4, 3, 2, 2), strides=[2, 2]),
        b("ConvTranspose", x, b.weight(4, 3, 4, 4), b.weight(3), strides=[2, 2], pads=[1, 1, 1, 1]),
        b("ConvTranspose", x, b.weight(4, 2, 3, 3), b.weight(4), group=2),
    ]


@case
def pads(b):
    x = b.conv(b.input(3, 6, 7), 3, 4)
    amounts = b.ints(0, 0, 1, 2, 0, 0, 2, 1)
    return [b("Pad", x, amounts, mode="reflect"), b("Pad", x, amounts, mode="edge"), b("Pad", x, amounts, b.number(0.5))]


@case
def batch_norm_first(b):
    x = b("BatchNormalization", b.input(4, 6, 6), b.weight(4), b.weight(4), b.weight(4), b.weight(4, positive=True))
    return b("Flatten", b("MaxPool", b.conv(x, 4, 3), kernel_shape=[2, 2], strides=[2, 2]))


# Functions in pieces

@case
def activations(b):
    x = b.linear(b.input(6), 6, 5)
    tanh = b("Tanh", b("Mul", b("Add", x, b("Mul", b("Pow", x, b.number(3)), b.number(0.044715))), b.number(0.7978845834732056)))
    return [
        b("Mul", x, b("Sigmoid", x)), gelu(b, x), b("Mul", b("Mul", x, b.number(0.5)), b("Add", tanh, b.number(1))),
        b("Div", b("Mul", x, b("Clip", b("Add", x, b.number(3)), b.number(0), b.number(6))), b.number(6)),
        b("HardSwish", x), b("Mul", x, b("Tanh", b("Softplus", x))), b("LeakyRelu", x, alpha=0.1), b("Elu", x), b("Celu", x),
        b("ThresholdedRelu", x, alpha=0.3), b("LogSoftmax", x, axis=-1), b("Selu", x), b("Softsign", x),
    ]


@case
def rms_norm(b):
    x = b.linear(b.input(4, 6), 6, 8)
    mean = b("ReduceMean", b("Pow", x, b.number(2)), axes=[-1], keepdims=1)
    return b("Mul", b("Mul", x, b("Reciprocal", b("Sqrt", b("Add", mean, b.number(1e-6))))), b.weight(8))


@case
def indexing(b):
    x = b.input(8, 6)
    values, places = b("TopK", x, b.ints(2), axis=-1, outputs=2)
    return [
        b("Slice", x, b.ints(1), b.ints(8), b.ints(1), b.ints(2)), b("Slice", x, b.ints(-1), b.ints(-100), b.ints(2), b.ints(-1)),
        b("Gather", x, b.ints(3, 0, 3), axis=1), b("Gather", x, b.constant(np.int64(-1)), axis=2),
        b("ArgMax", x, axis=2, keepdims=0), values, places, b("CumSum", x, b.constant(np.int64(1))),
        b("Split", x, b.ints(1, 3, 4), axis=1, outputs=3)[1], b("OneHot", b("ArgMax", x, axis=2, keepdims=0), b.ints(6), b.constant(np.array([0, 1], "float32"))),
        b("Cast", b("Greater", x, b.number(0)), to=TensorProto.FLOAT), b("Trilu", x, upper=0), b("Einsum", x, x, equation="bij,bkj->bik"),
        b("Where", b("Less", x, b.number(0)), b.number(-1), x), b("ReduceL2", x, axes=[2], keepdims=1), b("ReduceMax", x, axes=[1, 2], keepdims=0),
    ]


@case
def causal_mask(b):
    x = b.input(5, 8)
    scores = b("MatMul", x, b("Transpose", x, perm=[0, 2, 1]))
    mask = b("Trilu", b.constant(np.ones((5, 5), "float32")), upper=0)
    scores = b("Where", b("Equal", mask, b.number(0)), b.number(-1e9), scores)
    return b("MatMul", b("Softmax", scores, axis=-1), x)


@case
def padding_mask(b):
    """BERT's: 1 for tokens and 0 for padding, spread over heads and queries."""
    x, mask = b.input(5, 8), b.input(5, dtype="int64", high=2)
    bias = b("Unsqueeze", b("Cast", mask, to=TensorProto.FLOAT), b.ints(1))
    bias = b("Mul", b("Sub", b.number(1), bias), b.number(-10000))
    scores = b("Add", b("MatMul", x, b("Transpose", x, perm=[0, 2, 1])), bias)
    return b("MatMul", b("Softmax", scores, axis=-1), x)


@case
def embedding_bag(b):
    rows = b("Gather", b.weight(10, 4), b.input(5, dtype="int64", high=10))
    return [b("ReduceMean", rows, axes=[1], keepdims=0), b("ReduceSum", rows, b.ints(1), keepdims=0)]


@case
def gemm(b):
    x = b("Flatten", b.input(2, 3))
    y = b("Gemm", x, b.weight(4, 6), b.weight(4), transB=1)
    return b("Gemm", y, b.weight(4, 3), b.weight(3), alpha=0.5, beta=2.0)


@case
def scatter_rows(b):
    x = b.input(4)
    updates = b.constant(np.array([1, 2], "float32"))
    return b("Concat", x, b("Add", x, b("ScatterND", b.constant(np.zeros(4, "float32")), b.constant(np.array([[1], [3]], "int64")), updates)), axis=1)


@case
def expand_to_batch(b):
    x = b.input(4, 6)
    ones = b("ConstantOfShape", b("Shape", x), value=helper.make_tensor("value", TensorProto.FLOAT, [1], [0.5]))
    row = b("Expand", b.weight(1, 6), b("Concat", b.size(x, 0), b.ints(6), axis=0))
    tiled = b("Tile", b.weight(1, 2, 6), b("Concat", b.size(x, 0), b.ints(1, 1), axis=0))
    return [b("Mul", x, ones), row, tiled]


# Quantised

def quantized_weight(b, *shape, axis=0):
    scale = (b.random.random(shape[axis]) * 0.02 + 0.01).astype("float32")
    array = b.random.integers(-100, 100, shape).astype("int8")
    return b("DequantizeLinear", b.initializer(array), b.initializer(scale), b.initializer(np.zeros(shape[axis], "int8")), axis=axis)


def fake_quantized(b, x, scale=0.05, zero=3):
    pair = b.constant(np.float32(scale)), b.constant(np.int8(zero))
    return b("DequantizeLinear", b("QuantizeLinear", x, *pair), *pair)


@case
def qdq(b):
    x = fake_quantized(b, b.input(3, 6, 6))
    x = b("Relu", b("Conv", x, quantized_weight(b, 4, 3, 3, 3), b.weight(4), kernel_shape=[3, 3]))
    x = fake_quantized(b, x)
    return [x, b("Gemm", b("Flatten", x), quantized_weight(b, 5, 64), b.weight(5), transB=1)]


@case
def dynamic_quantization(b):
    x = b.input(8)
    q, scale, zero = b("DynamicQuantizeLinear", x, outputs=3)
    # Seven bits: on processors without VNNI, ONNX Runtime adds two products in 16 bits, which saturate beyond that.
    y = b("MatMulInteger", q, b.initializer(b.random.integers(-63, 64, (8, 4)).astype("int8")), zero)
    return b("Mul", b("Cast", y, to=TensorProto.FLOAT), b("Mul", scale, b.number(0.02)))


# Steps of an unknown number

def positions(b, x, width):
    """Embeddings of tokens `[batch, time]` plus the first rows of a table of positions."""
    y = b("Gather", b.weight(20, width), x, axis=0)
    ids = b.initializer(np.arange(12, dtype="int64").reshape(1, 12))
    cut = b("Slice", ids, b.ints(0), b.size(y, 1), b.ints(1), b.ints(1))
    return b("Add", y, b("Gather", b.weight(12, width), cut, axis=0))


def inferred_heads(b, x, width, heads, mask):
    """Attention whose heads are what is left over: `x.view(batch, time, -1, width // heads)`."""
    size, time = b.size(x, 0), b.size(x, 1)
    split = lambda y: b("Transpose", b.view(y, size, time, -1, width // heads), perm=[0, 2, 1, 3])
    q, k, v = (split(b.linear(x, width, width)) for _ in range(3))
    scores = b("MatMul", q, b("Transpose", k, perm=[0, 1, 3, 2]))
    y = b("MatMul", b("Softmax", b("Where", mask, scores, b.number(-1e9)), axis=-1), v)
    return b.linear(b.view(b("Transpose", y, perm=[0, 2, 1, 3]), size, time, -1), width, width)


@case
def embedded_positions(b):
    x = b.input(6, dtype="int64", high=20, dims=["time"])
    mask = b("Cast", b.input(6, dtype="int64", high=2, dims=["time"]), to=TensorProto.BOOL)
    return inferred_heads(b, positions(b, x, 8), 8, 2, b("Unsqueeze", mask, b.ints(1, 2)))


def steps(b, x, axis, *places):
    count = b("Gather", b("Shape", x), b.constant(np.int64(axis)), axis=0)
    line = b("Range", b.constant(np.int64(0)), count, b.constant(np.int64(1)))
    return b("Unsqueeze", line, b.ints(*places))


@case
def mask_picked_flat(b):
    """`mask[batch, key]` on the flattened mask, as `torch.onnx` has written masks of attention since Transformers 5."""
    x, mask = b.input(6, dtype="int64", high=20, dims=["time"]), b.input(6, dtype="bool", dims=["time"])
    y = positions(b, x, 8)
    rows = b("Mul", steps(b, y, 0, 1, 2, 3), b("Gather", b("Shape", mask), b.ints(1), axis=0))
    places = b("Add", steps(b, mask, 1, 0, 1, 2), rows)
    picked = b("Reshape", b("Gather", b("Flatten", mask, axis=2), places, axis=0), b.ints(-1))
    return inferred_heads(b, y, 8, 2, b("Reshape", picked, b("Shape", places)))


@case
def mask_picked_in_tuples(b):
    """The same as `GatherND`, as the exporter by graph capture writes it."""
    x, mask = b.input(6, dtype="int64", high=20, dims=["time"]), b.input(6, dtype="bool", dims=["time"])
    y = positions(b, x, 8)
    rows, keys = steps(b, y, 0, 1, 2, 3), steps(b, mask, 1, 0, 1, 2)
    grid = b("Shape", b("Add", rows, keys))
    places = b("Concat", *(b("Unsqueeze", b("Expand", part, grid), b.ints(-1)) for part in (rows, keys)), axis=-1)
    return inferred_heads(b, y, 8, 2, b("GatherND", mask, places))


@case
def steps_of_a_convolution(b):
    """Heads over steps that a convolution has made."""
    x = b.input(4, 15, dims=[4, "time"])
    y = b("Transpose", b("Conv", x, b.weight(8, 4, 3), b.weight(8), strides=[2], kernel_shape=[3]), perm=[0, 2, 1])
    size, time = b.size(y, 0), b.size(y, 1)
    heads = b("Transpose", b.view(b.linear(y, 8, 8), size, time, -1, 4), perm=[0, 2, 1, 3])
    scores = b("Softmax", b("MatMul", heads, b("Transpose", heads, perm=[0, 1, 3, 2])), axis=-1)
    return b.view(b("Transpose", b("MatMul", scores, heads), perm=[0, 2, 1, 3]), size, time, 8)


@case
def rows_of_steps(b):
    """A recogniser of text: rows of all steps into a linear layer, and back to `[time, batch, -1]`."""
    x = b("Conv", b.input(1, 3, 12, dims=[1, 3, "width"]), b.weight(5, 1, 3, 3), b.weight(5), kernel_shape=[3, 3])
    x = b("Transpose", b("Squeeze", x, b.ints(2)), perm=[2, 0, 1])
    y, h, c = b("LSTM", x, b.weight(1, 16, 5), b.weight(1, 16, 4), b.weight(1, 32), outputs=3, hidden_size=4)
    y = b("Squeeze", y, b.ints(1))
    time, size = b.size(y, 0), b.size(y, 1)
    rows = b("Reshape", y, b("Concat", b("Mul", time, size), b.ints(4), axis=0))
    return b.view(b("Gemm", rows, b.weight(7, 4), b.weight(7), transB=1), time, size, -1)


@case
def keys_turned_as_a_batch(b):
    """Scaled dot product attention as the exporter by graph capture spells it."""
    x = b.input(6, 8, dims=["time", 8])
    size, time = b.size(x, 0), b.size(x, 1)
    q, k = (b("Transpose", b.view(b.linear(x, 8, 8), size, time, 2, 4), perm=[0, 2, 1, 3]) for _ in range(2))
    shape = b("Shape", k)
    lead, rows, columns = (b("Slice", shape, b.ints(start), b.ints(end)) for start, end in ((-2**63, -2), (-2, -1), (-1, 2**63 - 1)))
    turned = b("Transpose", b("Reshape", k, b("Concat", b.ints(-1), rows, columns, axis=0)), perm=[0, 2, 1])
    turned = b("Reshape", turned, b("Concat", lead, columns, rows, axis=0))
    return b("MatMul", b("Softmax", b("MatMul", q, turned), axis=-1), k)


@case
def filled_like_a_layer(b):
    """Of a layer only the shape counts."""
    x = b.input(4)
    shape = b("Shape", b("Tanh", b.linear(x, 4, 3)))
    return b("Sub", b("ConstantOfShape", shape, value=numpy_helper.from_array(np.array([0.5], "float32"))), b("MatMul", x, b.weight(4, 3)))

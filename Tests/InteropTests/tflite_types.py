"""Every builtin operator on every type of tensor: one small model each. Which of them LiteRT's reference kernels take, LiteRT itself
is asked; see `test_tflite_types.py`."""
import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

T = schema.TensorType
STORED = {"float32": T.FLOAT32, "float16": T.FLOAT16, "float64": T.FLOAT64, "bool": T.BOOL, "string": T.STRING, "int8": T.INT8, "uint8": T.UINT8,
          "int16": T.INT16, "uint16": T.UINT16, "int32": T.INT32, "uint32": T.UINT32, "int64": T.INT64, "uint64": T.UINT64,
          "complex64": T.COMPLEX64, "int4": T.INT4}
#: `q` marks quantised tensors.
KINDS = [*(kind for kind in STORED if kind != "int4"), "int8q", "uint8q", "int16q", "int32q"]
PLAIN_NUMBERS = ["float32", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]


class Tensor:
    """A tensor: a constant with `data`, fed with `feed` or made-up numbers without. A `scale` may be one for each place along `axis`. Of one that is
    `open` the file does not tell the shape."""

    def __init__(self, kind, shape, data=None, scale=None, zero=None, low=None, high=None, axis=0, feed=None, open=False):
        self.kind, self.shape, self.data, self.low, self.high = kind, tuple(shape), data, low, high
        self.axis, self.feed, self.open = axis, feed, open
        self.dtype = kind.removesuffix("q")
        self.scale = scale if scale is not None else 0.037 if kind.endswith("q") else None
        self.zero = zero if zero is not None else {"int8q": -7, "uint8q": 121}.get(kind, 0)


def fixed(values, dtype="int32"):
    array = np.asarray(values, dtype)
    return Tensor(dtype, array.shape, array)


def fed(values, dtype="int32"):
    """A parameter that comes in as an input."""
    array = np.asarray(values, dtype)
    return Tensor(dtype, array.shape, feed=array)


class Case:
    """One operator with inputs and outputs of its own. `byOthers`: LiteRT's reference kernel is no judge, its other one is."""

    def __init__(self, name, code, inputs, outputs, options=None, version=1, byOthers=False):
        self.name, self.code, self.inputs, self.outputs, self.options = name, code, inputs, outputs, options
        self.version, self.byOthers = version, byOthers

    def feeds(self, prefix=""):
        random, result = np.random.default_rng(len(self.name)), {}
        for place, tensor in enumerate(self.inputs):
            if tensor is not None and tensor.data is None:
                result[f"{prefix}t{place}"] = values(random, tensor)
        return result


def model(cases):
    """The bytes of a file with all these operators side by side, and its inputs by name."""
    content, graph, codes, feeds = schema.ModelT(), schema.SubGraphT(), {}, {}
    content.version, content.buffers, content.subgraphs, content.operatorCodes = 3, [schema.BufferT()], [graph], []
    graph.tensors, graph.inputs, graph.outputs, graph.operators = [], [], [], []
    for index, case in enumerate(cases):
        prefix = f"c{index}"
        key = case.code, case.version
        if key not in codes:
            code = schema.OperatorCodeT()
            code.builtinCode = getattr(schema.BuiltinOperator, case.code)
            code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), case.version
            codes[key] = len(codes)
            content.operatorCodes.append(code)
        op = schema.OperatorT()
        op.opcodeIndex, op.inputs, op.outputs = codes[key], [], []
        graph.operators.append(op)
        for place, tensor in enumerate([*case.inputs, *case.outputs]):
            number = -1 if tensor is None else append(content, graph, tensor, f"{prefix}t{place}")
            if place >= len(case.inputs):
                op.outputs.append(number)
                graph.outputs.append(number)
                continue
            op.inputs.append(number)
            if tensor is not None and tensor.data is None:
                graph.inputs.append(number)
        if case.options:
            kind, fields = case.options
            table = getattr(schema, kind + "T")()
            for field, value in fields.items():
                assert hasattr(table, field), (kind, field)
                setattr(table, field, value)
            second = not hasattr(schema.BuiltinOptions, kind)
            union = schema.BuiltinOptions2 if second else schema.BuiltinOptions
            setattr(op, "builtinOptions2Type" if second else "builtinOptionsType", getattr(union, kind))
            setattr(op, "builtinOptions2" if second else "builtinOptions", table)
        feeds.update(case.feeds(prefix))
    builder = flatbuffers.Builder(1024)
    builder.Finish(content.Pack(builder), b"TFL3")
    return bytes(builder.Output()), feeds


def append(content, graph, tensor, name):
    item = schema.TensorT()
    item.name, item.shape, item.type, item.hasRank, item.buffer = name, list(tensor.shape), STORED[tensor.dtype], True, 0
    if tensor.open:
        item.shape, item.hasRank = [], False
    if tensor.kind.endswith("q"):
        item.quantization = schema.QuantizationParametersT()
        scales = np.atleast_1d(np.asarray(tensor.scale, "float32"))
        item.quantization.scale, item.quantization.zeroPoint = scales, np.full(len(scales), tensor.zero, "int64")
        item.quantization.quantizedDimension = tensor.axis
    if tensor.data is not None:
        buffer = schema.BufferT()
        stored = tensor.data.astype("int8" if tensor.dtype == "int4" else tensor.dtype)
        if tensor.dtype == "int4":
            pairs = np.append(stored.ravel(), np.zeros(stored.size % 2, "int8")).reshape(-1, 2) & 15
            stored = pairs[:, 0] | pairs[:, 1] << 4
        buffer.data = np.frombuffer(stored.tobytes(), "uint8")
        item.buffer = len(content.buffers)
        content.buffers.append(buffer)
    graph.tensors.append(item)
    return len(graph.tensors) - 1


def values(random, tensor):
    shape, dtype = tensor.shape, tensor.dtype
    if tensor.feed is not None:
        return tensor.feed
    if dtype == "int4":
        return random.integers(-7, 8, shape).astype("int8")
    if dtype == "bool":
        return random.integers(0, 2, shape).astype(bool)
    if dtype == "string":
        return random.choice([b"a", b"bc", b"", b"dd"], shape).astype(object)
    if dtype == "complex64":
        return (random.normal(size=shape) + 1j * random.normal(size=shape)).astype(dtype)
    low, high = tensor.low, tensor.high
    if dtype.startswith("float"):
        return random.uniform(0.1 if low is None else low, 3 if high is None else high, shape).astype(dtype)
    info = np.iinfo(dtype)
    # Plain integers stay small, so that no kernel overflows; quantised ones take the whole range.
    if not tensor.kind.endswith("q"):
        low, high = low if low is not None else (0 if info.min == 0 else -5), high if high is not None else 6
    return random.integers(info.min if low is None else low, info.max if high is None else high, shape, endpoint=True).astype(dtype)


def unary(code, kind, **output):
    return Case(f"{code} {kind}", code, [Tensor(kind, (2, 3, 5))], [Tensor(kind, (2, 3, 5), **output)])


UNARY = ["ABS", "CEIL", "COS", "FLOOR", "LOGICAL_NOT", "NEG", "ROUND", "RSQRT", "SIGN", "SIN", "SQRT", "SQUARE", "ZEROS_LIKE", "EXP", "LOG",
         "RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "ELU", "GELU", "HARD_SWISH"]
BINARY = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "DIV": "DivOptions", "MAXIMUM": "MaximumMinimumOptions",
          "MINIMUM": "MaximumMinimumOptions", "POW": "PowOptions", "FLOOR_DIV": "FloorDivOptions", "FLOOR_MOD": "FloorModOptions",
          "SQUARED_DIFFERENCE": "SquaredDifferenceOptions", "ATAN2": None, "BITWISE_XOR": "BitwiseXorOptions", "RIGHT_SHIFT": "RightShiftOptions",
          "LOGICAL_AND": "LogicalAndOptions", "LOGICAL_OR": "LogicalOrOptions", "PRELU": None,
          "STABLEHLO_ADD": None, "STABLEHLO_MULTIPLY": None, "STABLEHLO_MAXIMUM": None, "STABLEHLO_MINIMUM": None}
COMPARISONS = ["EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"]
#: Of plain integers as narrow as quantised ones, LiteRT computes these with a scale of 0, or with none.
SCALED = {"RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "EXP", "ELU", "GELU", "HARD_SWISH", "TANH", "LEAKY_RELU", "MUL", "DIV", "PRELU",
          "SUM", "MEAN", "NOT_EQUAL", "BATCH_MATMUL", "FULLY_CONNECTED", "DEQUANTIZE", "QUANTIZE", "CONV_2D", "DEPTHWISE_CONV_2D",
          "TRANSPOSE_CONV"}
#: LiteRT moves diagonals of these, and of all others as if they were floats.
DIAGONAL = {"float32", "int8", "uint8", "int16", "int32", "int64", "int8q", "uint8q", "int16q", "int32q"}
REDUCTIONS = ["SUM", "MEAN", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_ANY", "REDUCE_ALL"]


def arithmetic(kind):
    x = Tensor(kind, (2, 3, 5))
    for code in UNARY:
        yield unary(code, kind)
    # Kernels that fix the result's scale.
    ends = {"int8q": (1 / 256, -128), "uint8q": (1 / 256, 0), "int16q": (1 / 32768, 0)}.get(kind, (None, None))
    middle = {"int8q": (1 / 128, 0), "uint8q": (1 / 128, 128), "int16q": (1 / 32768, 0)}.get(kind, (None, None))
    logs = {"int8q": (16 / 256, 127), "uint8q": (16 / 256, 255)}.get(kind, (None, None))
    if kind == "int16q":
        yield Case("LOGISTIC int16q of 3.12", "LOGISTIC", [Tensor(kind, (2, 3, 5), scale=8 / 32768)], [Tensor(kind, (2, 3, 5), scale=1 / 32768)], version=3)
    for code, (scale, zero), options in [
        ("LOGISTIC", ends, None), ("TANH", middle, None), ("SOFTMAX", ends, ("SoftmaxOptions", dict(beta=1.0))),
        ("LOG_SOFTMAX", logs, ("LogSoftmaxOptions", {})), ("L2_NORMALIZATION", middle, ("L2NormOptions", {})),
        ("LEAKY_RELU", (None, None), ("LeakyReluOptions", dict(alpha=0.3))),
    ]:
        yield Case(f"{code} {kind}", code, [x], [Tensor(kind, (2, 3, 5), scale=scale, zero=zero)], options, 3)
    for code, options in BINARY.items():
        # No division by zero, and small exponents and shifts.
        # Slopes for 16 bits have 8.
        right = Tensor("int8q" if code == "PRELU" and kind == "int16q" else kind, (3, 5), low=1 if code in ("DIV", "FLOOR_DIV", "FLOOR_MOD", "POW", "RIGHT_SHIFT") and not kind.endswith("q") else None,
                       high=3 if code in ("POW", "RIGHT_SHIFT") else None)
        if code.startswith("STABLEHLO") or code == "ATAN2":
            right = x
        for activation in (0, 3) if code in ("ADD", "SUB", "MUL", "DIV") else (0,):
            fields = dict(fusedActivationFunction=activation) if activation else {}
            yield Case(f"{code} {kind} {activation}", code, [x, right], [Tensor(kind, (2, 3, 5), scale=0.05)], options and (options, fields), 4)
    for code in COMPARISONS:
        yield Case(f"{code} {kind}", code, [x, Tensor(kind, (3, 5))], [Tensor("bool", (2, 3, 5))])
    yield Case(f"ADD_N {kind}", "ADD_N", [x, x, x], [x])
    for code in REDUCTIONS:
        for same in (True, False) if kind.endswith("q") else (True,):
            yield Case(f"{code} {kind} {same}", code, [x, fixed([1])], [Tensor(kind, (2, 5), scale=0.037 if same else 0.05)],
                       ("ReducerOptions", dict(keepDims=False)), 2, byOthers=code == "SUM" and kind in ("int8q", "int16q"))
    for code in ("ARG_MAX", "ARG_MIN"):
        for to in ("int32", "int64"):
            yield Case(f"{code} {kind} {to}", code, [x, fixed(2)], [Tensor(to, (2, 3))],
                       (code.title().replace("_", "") + "Options", dict(outputType=STORED[to])))
    yield Case(f"CUMSUM {kind}", "CUMSUM", [x, fixed(1)], [x], ("CumsumOptions", dict(exclusive=False, reverse=True)))
    for code in ("PROD", "SUM", "MAX", "MIN"):
        yield Case(f"UNSORTED_SEGMENT_{code} {kind}", f"UNSORTED_SEGMENT_{code}", [Tensor(kind, (4, 3)), fixed([1, 0, 1, 2]), fixed(3)],
                   [Tensor(kind, (3, 3))], (f"UnsortedSegment{code.title()}Options", {}))
    yield Case(f"SEGMENT_SUM {kind}", "SEGMENT_SUM", [Tensor(kind, (4, 3)), fixed([0, 1, 1, 2])], [Tensor(kind, (3, 3))], ("SegmentSumOptions", {}))
    # Whatever it is given, it takes for floats.
    if kind == "float32":
        yield Case(f"FAKE_QUANT {kind}", "FAKE_QUANT", [x], [x], ("FakeQuantOptions", dict(min=-1.5, max=2.0, numBits=8)))
    yield Case(f"BUCKETIZE {kind}", "BUCKETIZE", [x], [Tensor("int32", (2, 3, 5))], ("BucketizeOptions", dict(boundaries=[-1.0, 0.5, 2.0])))
    for code in ("REAL", "IMAG", "COMPLEX_ABS"):
        yield Case(f"{code} {kind}", code, [x], [Tensor("float32", (2, 3, 5))])


def moving(kind):
    x, flat = Tensor(kind, (2, 3, 4)), Tensor(kind, (6,))
    image = Tensor(kind, (1, 4, 6, 4))
    one = lambda code, shape, inputs, options=None, version=1, source=x: Case(
        f"{code} {kind}", code, [source, *inputs], [Tensor(kind, shape)], options, version)
    yield one("RESHAPE", (4, 6), [fixed([4, 6])], ("ReshapeOptions", dict(newShape=[4, 6])))
    yield one("SQUEEZE", (3, 4), [], ("SqueezeOptions", dict(squeezeDims=[0])), source=Tensor(kind, (1, 3, 4)))
    yield one("EXPAND_DIMS", (2, 1, 3, 4), [fixed(1)], ("ExpandDimsOptions", {}))
    yield one("TRANSPOSE", (4, 2, 3), [fixed([2, 0, 1])], ("TransposeOptions", {}), 4)
    yield Case(f"CONCATENATION {kind}", "CONCATENATION", [x, x], [Tensor(kind, (2, 6, 4))], ("ConcatenationOptions", dict(axis=1)), 4)
    if kind.endswith("q"):
        yield Case(f"CONCATENATION {kind} scaled", "CONCATENATION", [x, Tensor(kind, (2, 3, 4), scale=0.05)], [Tensor(kind, (2, 6, 4))],
                   ("ConcatenationOptions", dict(axis=1)), 4)
    yield Case(f"SPLIT {kind}", "SPLIT", [fixed(2), x], [Tensor(kind, (2, 3, 2))] * 2, ("SplitOptions", dict(numSplits=2)), 4)
    yield Case(f"SPLIT_V {kind}", "SPLIT_V", [x, fixed([1, 3]), fixed(2)], [Tensor(kind, (2, 3, 1)), Tensor(kind, (2, 3, 3))],
               ("SplitVOptions", dict(numSplits=2)), 2)
    yield one("SLICE", (1, 3, 2), [fixed([1, 0, 1]), fixed([1, 3, 2])], ("SliceOptions", {}), 5)
    yield one("STRIDED_SLICE", (2, 2, 4), [fixed([0, 0, 3]), fixed([2, 3, -5]), fixed([1, 2, -1])], ("StridedSliceOptions", {}), 4)
    yield one("PAD", (3, 5, 4), [fixed([[0, 1], [2, 0], [0, 0]])], ("PadOptions", {}), 4)
    if kind not in ("string", "complex64"):
        yield one("PADV2", (3, 5, 4), [fixed([[0, 1], [2, 0], [0, 0]]), Tensor(kind, ())], ("PadV2Options", {}), 4)
    yield one("MIRROR_PAD", (3, 5, 4), [fixed([[0, 1], [2, 0], [0, 0]])], ("MirrorPadOptions", dict(mode=0)), 2)
    yield one("TILE", (4, 3, 8), [fixed([2, 1, 2])], ("TileOptions", {}), 3)
    yield one("GATHER", (2, 2, 4), [fixed([2, 0])], ("GatherOptions", dict(axis=1)), 4)
    yield one("GATHER_ND", (2, 4), [fixed([[1, 2], [0, 1]])], ("GatherNdOptions", {}), 4)
    yield Case(f"PACK {kind}", "PACK", [x, x], [Tensor(kind, (2, 2, 3, 4))], ("PackOptions", dict(axis=1, valuesCount=2)), 4)
    yield Case(f"UNPACK {kind}", "UNPACK", [x], [Tensor(kind, (2, 4))] * 3, ("UnpackOptions", dict(axis=1, num=3)), 4)
    yield one("REVERSE_V2", (2, 3, 4), [fixed([1])], ("ReverseV2Options", {}), 3)
    yield one("REVERSE_SEQUENCE", (2, 3, 4), [fixed([2, 1])], ("ReverseSequenceOptions", dict(seqDim=1, batchDim=0)))
    choice = fixed([[[True, False, True, True]] * 3] * 2, "bool")
    yield Case(f"SELECT {kind}", "SELECT", [choice, x, x], [x], ("SelectOptions", {}), 4)
    yield Case(f"SELECT_V2 {kind}", "SELECT_V2", [choice, x, Tensor(kind, (3, 1))], [x], ("SelectV2Options", {}), 2)
    yield Case(f"WHERE {kind}", "WHERE", [Tensor(kind, (2, 3), high=1 if not kind.endswith("q") else None)], [Tensor("int64", (4, 2))])
    yield Case(f"SHAPE {kind}", "SHAPE", [x], [Tensor("int32", (3,))], ("ShapeOptions", dict(outType=T.INT32)))
    yield Case(f"RANK {kind}", "RANK", [x], [Tensor("int32", ())], ("RankOptions", {}))
    if kind != "string":  # LiteRT gives bytes from elsewhere.
        yield Case(f"FILL {kind}", "FILL", [fixed([2, 3]), Tensor(kind, ())], [Tensor(kind, (2, 3))], ("FillOptions", {}), 4)
    yield one("SPACE_TO_DEPTH", (1, 2, 3, 16), [], ("SpaceToDepthOptions", dict(blockSize=2)), 2, image)
    yield one("DEPTH_TO_SPACE", (1, 8, 12, 1), [], ("DepthToSpaceOptions", dict(blockSize=2)), 2, image)
    yield one("SPACE_TO_BATCH_ND", (4, 2, 3, 4), [fixed([2, 2]), fixed([[0, 0], [0, 0]])], ("SpaceToBatchNDOptions", {}), 4, image)
    yield one("BATCH_TO_SPACE_ND", (1, 4, 6, 4), [fixed([2, 2]), fixed([[0, 0], [0, 0]])], ("BatchToSpaceNDOptions", {}), 4, Tensor(kind, (4, 2, 3, 4)))
    yield one("BROADCAST_TO", (2, 2, 3, 4), [fixed([2, 2, 3, 4])], ("BroadcastToOptions", {}), 3)
    yield Case(f"SCATTER_ND {kind}", "SCATTER_ND", [fixed([[1], [4], [1]]), Tensor(kind, (3, 2)), fixed([6, 2])], [Tensor(kind, (6, 2))], ("ScatterNdOptions", {}))
    yield Case(f"SPARSE_TO_DENSE {kind}", "SPARSE_TO_DENSE", [fixed([[1], [4]]), fixed([6]), Tensor(kind, (2,)), Tensor(kind, ())],
               [Tensor(kind, (6,))], ("SparseToDenseOptions", {}), 3)
    for to in ("int32", "int64"):
        yield Case(f"UNIQUE {kind} {to}", "UNIQUE", [flat], [Tensor(kind, (6,)), Tensor(to, (6,))],
                   ("UniqueOptions", dict(idxOutType=STORED[to])))
    yield Case(f"TOPK_V2 {kind}", "TOPK_V2", [x, fixed(2)], [Tensor(kind, (2, 3, 2)), Tensor("int32", (2, 3, 2))], ("TopKV2Options", {}), 3)
    yield Case(f"DYNAMIC_UPDATE_SLICE {kind}", "DYNAMIC_UPDATE_SLICE", [x, Tensor(kind, (1, 2, 2)), fixed([1, 0, 1])], [x], ("DynamicUpdateSliceOptions", {}), 3)
    yield Case(f"ONE_HOT {kind}", "ONE_HOT", [fixed([1, 0, 3]), fixed(3), Tensor(kind, ()), Tensor(kind, ())], [Tensor(kind, (3, 3))], ("OneHotOptions", dict(axis=-1)))
    if kind in DIAGONAL:
        yield one("MATRIX_DIAG", (2, 3, 3), [], ("MatrixDiagOptions", {}), source=Tensor(kind, (2, 3)))
        yield one("MATRIX_SET_DIAG", (2, 3, 3), [Tensor(kind, (2, 3))], ("MatrixSetDiagOptions", {}), source=Tensor(kind, (2, 3, 3)))
    yield Case(f"RANGE {kind}", "RANGE", [fixed(v, x.dtype) for v in (1, 9, 3)] if kind in PLAIN_NUMBERS else [Tensor(kind, ())] * 3,
               [Tensor(kind, (3,))], ("RangeOptions", {}), 2)
    yield Case(f"EMBEDDING_LOOKUP {kind}", "EMBEDDING_LOOKUP", [fixed([2, 0]), Tensor(kind, (3, 4))], [Tensor(kind, (2, 4))])
    yield Case(f"HASHTABLE_LOOKUP {kind}", "HASHTABLE_LOOKUP", [fixed([2, 7]), fixed([1, 2, 5]), Tensor(kind, (3, 4))],
               [Tensor(kind, (2, 4)), Tensor("uint8", (2,))])
    yield Case(f"DENSIFY {kind}", "DENSIFY", [x], [x])


def spatial(kind):
    image = Tensor(kind, (1, 4, 6, 3))
    pool = ("Pool2DOptions", dict(padding=0, strideW=2, strideH=1, filterWidth=3, filterHeight=2, fusedActivationFunction=0))
    for code in ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"):
        yield Case(f"{code} {kind}", code, [image], [Tensor(kind, (1, 4, 3, 3))], pool, 3)
    for code, options in (("RESIZE_BILINEAR", "ResizeBilinearOptions"), ("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions")):
        for half in (False, True):
            yield Case(f"{code} {kind} {half}", code, [image, fixed([7, 5])], [Tensor(kind, (1, 7, 5, 3))], (options, dict(halfPixelCenters=half)), 4)
    # Which weights belong to which activations, LiteRT does not check everywhere.
    weights = {"float32": ["float32", "int8q"], "int8q": ["int8q"], "uint8q": ["uint8q"], "int16q": ["int8q", "int16q"]}.get(kind, [])
    for w in weights:
        yield from products(kind, w, image)
    yield Case(f"DILATE {kind}", "DILATE", [Tensor(kind, (2, 3)), fixed([2, 3]), Tensor(kind, ())], [Tensor(kind, (3, 7))], ("DilateOptions", {}))
    for function in range(1, 7):
        yield Case(f"REDUCE_WINDOW {kind} {function}", "REDUCE_WINDOW",
                   [Tensor(kind, (4, 5)), Tensor(kind, ()), *(fixed(v, "int64") for v in ([2, 3], [1, 1], [1, 1]))], [Tensor(kind, (3, 3))],
                   ("ReduceWindowOptions", dict(reduceFunction=function)))


def products(kind, weights, image):
    w = lambda *shape: Tensor(weights, shape, zero=0 if weights == "int8q" else None)
    random = np.random.default_rng(3)
    stored = lambda *shape: Tensor(weights, shape, values(random, w(*shape)), zero=0 if weights == "int8q" else None)
    y = lambda *shape: Tensor(kind, shape, scale=0.9 if kind.endswith("q") else None)
    name, x = f"{kind} {weights}", Tensor(kind, (2, 3, 8))
    yield Case(f"FULLY_CONNECTED {name}", "FULLY_CONNECTED", [Tensor(kind, (2, 8)), stored(4, 8), None], [y(2, 4)], ("FullyConnectedOptions", {}), 9)
    yield Case(f"FULLY_CONNECTED {name} computed", "FULLY_CONNECTED", [Tensor(kind, (2, 8)), w(4, 8), None], [y(2, 4)], ("FullyConnectedOptions", {}), 9)
    yield Case(f"BATCH_MATMUL {name}", "BATCH_MATMUL", [x, w(2, 8, 4)], [y(2, 3, 4)], ("BatchMatMulOptions", {}), 4)
    yield Case(f"BATCH_MATMUL {name} constant", "BATCH_MATMUL", [x, stored(8, 4)], [y(2, 3, 4)], ("BatchMatMulOptions", {}), 4)
    if (kind, weights) == ("int8q", "int8q"):
        yield Case(f"BATCH_MATMUL {name} wide", "BATCH_MATMUL", [x, Tensor(weights, (2, 8, 4))], [Tensor("int32", (2, 3, 4))], ("BatchMatMulOptions", {}), 4)
    window = dict(padding=0, strideW=1, strideH=1, dilationHFactor=1, dilationWFactor=1)
    yield Case(f"TRANSPOSE_CONV {name}", "TRANSPOSE_CONV", [fixed([1, 8, 12, 4]), stored(4, 2, 2, 3), image], [y(1, 8, 12, 4)],
               ("TransposeConvOptions", dict(padding=0, strideW=2, strideH=2)), 4)
    yield Case(f"CONV_3D {name}", "CONV_3D", [Tensor(kind, (1, 3, 4, 4, 2)), stored(2, 2, 2, 2, 3)], [y(1, 3, 4, 4, 3)],
               ("Conv3DOptions", dict(padding=0, strideW=1, strideH=1, strideD=1)))
    # Without a bias, weights of 16 bits are read as bytes; floats with 8-bit weights want a scale for each channel.
    if (kind, weights) not in (("int16q", "int16q"), ("float32", "int8q")):
        sums = {"float32": "float32", "int16q": "int64"}.get(kind, "int32")
        bias = Tensor(sums, (4,), random.integers(-99, 99, 4))
        yield Case(f"CONV_2D {name}", "CONV_2D", [image, stored(4, 2, 2, 3), bias], [y(1, 4, 6, 4)], ("Conv2DOptions", window), 5)
        yield Case(f"DEPTHWISE_CONV_2D {name}", "DEPTHWISE_CONV_2D", [image, stored(1, 2, 2, 6)], [y(1, 4, 6, 6)],
                   ("DepthwiseConv2DOptions", dict(window, depthMultiplier=2)), 6)


def conversions(kind):
    for to in KINDS:
        x, y = Tensor(kind, (2, 3)), Tensor(to, (2, 3), scale=0.05 if to.endswith("q") else None)
        yield Case(f"CAST {kind} {to}", "CAST", [x], [y], ("CastOptions", dict(inDataType=STORED[x.dtype], outDataType=STORED[y.dtype])), 7)
        if to.endswith("q") and kind != "int32":  # Without a scale, nothing is known of what to quantise.
            yield Case(f"QUANTIZE {kind} {to}", "QUANTIZE", [x], [y], ("QuantizeOptions", {}), 4)
        if to.startswith("float"):
            yield Case(f"DEQUANTIZE {kind} {to}", "DEQUANTIZE", [x], [y], ("DequantizeOptions", {}), 6)
        if to in STORED and to not in ("string", "bool"):
            width = lambda t: np.dtype(t.dtype).itemsize
            if "string" not in kind and width(x) == width(y):
                yield Case(f"BITCAST {kind} {to}", "BITCAST", [x], [y])


def edges():
    """Options that hardly a file has, and parameters that are computed."""
    anything = lambda kind, **more: Tensor(kind, (), open=True, **more)
    # Halves between two steps, which fixed-point arithmetic rounds otherwise.
    for kind in ("int8q", "int16q"):
        for scale, to in ((0.037, 0.05), (0.3, 1.0), (0.01, 0.4)):
            yield Case(f"SUM {kind} {scale} {to}", "SUM", [Tensor(kind, (3, 400), scale=scale), fixed([0])], [Tensor(kind, (400,), scale=to)],
                       ("ReducerOptions", dict(keepDims=False)), 2, byOthers=True)
    for kind in ("float32", "int8q", "int32"):
        for code in ("ADD", "SUB", "MUL"):
            for activation in (4, 5):
                yield Case(f"{code} {kind} passes over activation {activation}", code, [Tensor(kind, (2, 3)), Tensor(kind, (3,))],
                           [Tensor(kind, (2, 3), scale=0.05)], (f"{code.title()}Options", dict(fusedActivationFunction=activation)), 3)
    for kind in ("float32", "int8q", "uint8q", "int64"):
        x = Tensor(kind, (2, 3, 4))
        for masks in (dict(beginMask=2, shrinkAxisMask=2), dict(beginMask=5, shrinkAxisMask=5, endMask=2)):
            yield Case(f"STRIDED_SLICE {kind} {masks}", "STRIDED_SLICE", [x, fixed([0, 1, -1]), fixed([2, 3, 4]), fixed([1, 1, 1])], [anything(kind)],
                       ("StridedSliceOptions", masks), 4)
        for order in ([2, 0, 1], [-1, 1, 0]):
            yield Case(f"TRANSPOSE {kind} {order} computed", "TRANSPOSE", [x, fed(order)], [anything(kind)], ("TransposeOptions", {}), 4)
        for axis in (0, 2, -1):
            computed = f"{kind} {axis} computed"
            yield Case(f"EXPAND_DIMS {computed}", "EXPAND_DIMS", [x, fed(axis)], [anything(kind)], ("ExpandDimsOptions", {}))
            yield Case(f"REVERSE_V2 {computed}", "REVERSE_V2", [x, fed([axis])], [anything(kind)], ("ReverseV2Options", {}), 3)
            pair = Tensor(kind, (4, 3, 2))
            yield Case(f"SPLIT {computed}", "SPLIT", [fed(axis), pair], [anything(kind), anything(kind)], ("SplitOptions", dict(numSplits=2)), 4)
            for sizes in (fed([1, -1]), fixed([-1, 1])):
                yield Case(f"SPLIT_V {computed} {sizes.feed is None}", "SPLIT_V", [pair, sizes, fed(axis)], [anything(kind), anything(kind)],
                           ("SplitVOptions", dict(numSplits=2)), 2)
            yield Case(f"SPLIT_V {kind} {axis} into computed sizes", "SPLIT_V", [pair, fed([-1, 1]), fixed(axis)], [anything(kind), anything(kind)],
                       ("SplitVOptions", dict(numSplits=2)), 2)
            if kind != "int64":
                for code in ("ARG_MAX", "ARG_MIN"):
                    yield Case(f"{code} {computed}", code, [x, fed(axis)], [anything("int32")],
                               (code.title().replace("_", "") + "Options", dict(outputType=T.INT32)), 2)
    for kind in ("int8q", "uint8q", "int16q"):
        yield Case(f"SPACE_TO_BATCH_ND {kind} by computed amounts", "SPACE_TO_BATCH_ND", [Tensor(kind, (1, 3, 5, 2)), fixed([2, 3]), fed([[1, 0], [0, 1]])],
                   [anything(kind)], ("SpaceToBatchNDOptions", {}), 4)
    random = np.random.default_rng(5)
    for kind, weights in (("float32", "float32"), ("float32", "int8q"), ("int8q", "int8q"), ("uint8q", "uint8q"), ("int16q", "int8q")):
        for padding, extents in ((0, [9, 11]), (0, [10, 12]), (1, [11, 12]), (1, [12, 13])):
            w = Tensor(weights, (4, 3, 2, 3), values(random, Tensor(weights, (4, 3, 2, 3))), zero=0 if weights == "int8q" else None)
            # Some of what is asked for lies beyond everything that is spread.
            bias = Tensor({"float32": "float32", "int16q": "int64"}.get(kind, "int32"), (4,), random.integers(-99, 99, 4))
            yield Case(f"TRANSPOSE_CONV {kind} {weights} {padding} to computed {extents}", "TRANSPOSE_CONV",
                       [fed([1, *extents, 4]), w, Tensor(kind, (1, 5, 6, 3)), bias], [anything(kind, scale=0.4 if kind.endswith("q") else None)],
                       ("TransposeConvOptions", dict(padding=padding, strideH=2, strideW=2, fusedActivationFunction=1)), 4)
    for padding, extents in ((0, [8, 9, 12]), (1, [9, 11, 13])):
        w = Tensor("float32", (2, 5, 3, 3, 2), random.normal(size=(2, 5, 3, 3, 2)))
        yield Case(f"CONV_3D_TRANSPOSE to computed extents {padding}", "CONV_3D_TRANSPOSE", [fed([1, *extents, 3]), w, Tensor("float32", (1, 4, 3, 6, 2))],
                   [anything("float32")], ("Conv3DOptions", dict(padding=padding, strideD=2, strideH=3, strideW=2, fusedActivationFunction=1)))


def all_cases():
    for kind in KINDS:
        for family in (arithmetic, moving, spatial, conversions):
            yield from (case for case in family(kind) if case.code not in SCALED or kind not in ("int8", "uint8", "int16"))
    yield from edges()

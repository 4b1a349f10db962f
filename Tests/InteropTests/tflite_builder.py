"""TFLite files made table by table: many operators side by side, each with inputs and outputs of its own."""
import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

T = schema.TensorType
TYPES = {
    "int8": T.INT8, "uint8": T.UINT8, "int16": T.INT16, "int32": T.INT32, "int64": T.INT64, "float32": T.FLOAT32, "bool": T.BOOL,
    "int4": T.INT4,
}


class Quantized:
    """A tensor: dtype, shape, scale or scales, zero point, and its elements where it is a constant."""

    def __init__(self, dtype, shape, scale=None, zero=0, axis=0, data=None, low=None, high=None):
        self.dtype, self.shape, self.scale, self.zero, self.axis, self.data = dtype, tuple(shape), scale, zero, axis, data
        self.low, self.high = low, high


def constant(dtype, values, scale=None, zero=0, axis=0):
    array = np.asarray(values)
    return Quantized(dtype, array.shape, scale, zero, axis, array)


class Builder:
    def __init__(self):
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.description = "quantised operators"
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes = []
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators, self.graph.inputs, self.graph.outputs = [], [], [], []
        self.model.subgraphs = [self.graph]
        self.inputs = []
        self.codes = {}

    def tensor(self, tensor, name):
        item = schema.TensorT()
        item.name, item.shape, item.type = name, list(tensor.shape), TYPES[tensor.dtype]
        item.hasRank = True
        item.buffer = 0
        if tensor.scale is not None:
            scales = np.atleast_1d(np.asarray(tensor.scale, np.float32))
            zeros = np.atleast_1d(np.asarray(tensor.zero, np.int64))
            if len(zeros) != len(scales):
                zeros = np.repeat(zeros, len(scales))
            item.quantization = schema.QuantizationParametersT()
            item.quantization.scale, item.quantization.zeroPoint = scales, zeros
            item.quantization.quantizedDimension = tensor.axis
        if tensor.data is not None:
            buffer = schema.BufferT()
            if tensor.dtype == "int4":
                flat = tensor.data.astype(np.int8).flatten()
                flat = np.append(flat, 0) if len(flat) % 2 else flat
                buffer.data = ((flat[0::2] & 15) | ((flat[1::2] & 15) << 4)).astype(np.uint8)
            else:
                buffer.data = np.frombuffer(tensor.data.astype(tensor.dtype).tobytes(), np.uint8)
            item.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        self.graph.tensors.append(item)
        return len(self.graph.tensors) - 1

    def add(self, name, code, inputs, outputs, options=None, version=1):
        """Appends an operator: `code` is the name of a builtin, an input `None` is left out."""
        numbers = []
        for index, tensor in enumerate(inputs):
            if tensor is None:
                numbers.append(-1)
                continue
            number = self.tensor(tensor, f"{name}/x{index}")
            numbers.append(number)
            if tensor.data is None:
                self.graph.inputs.append(number)
                self.inputs.append((f"{name}/x{index}", tensor))
        results = [self.tensor(tensor, f"{name}/y{index}") for index, tensor in enumerate(outputs)]
        self.graph.outputs += results
        builtin = getattr(schema.BuiltinOperator, code)
        key = (builtin, version)
        if key not in self.codes:
            entry = schema.OperatorCodeT()
            entry.builtinCode, entry.deprecatedBuiltinCode, entry.version = builtin, min(builtin, 127), version
            self.codes[key] = len(self.model.operatorCodes)
            self.model.operatorCodes.append(entry)
        op = schema.OperatorT()
        op.opcodeIndex, op.inputs, op.outputs = self.codes[key], numbers, results
        if options is not None:
            kind = type(options).__name__[:-1]
            op.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            op.builtinOptions = options
        self.graph.operators.append(op)

    def bytes(self):
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def feeds(self, seed=0):
        """Numbers over the whole range of each input, its ends included."""
        random = np.random.default_rng(seed)
        result = {}
        for name, tensor in self.inputs:
            if tensor.dtype == "float32":
                values = (random.standard_normal(tensor.shape) * 3).astype(np.float32)
            elif tensor.dtype == "bool":
                values = random.integers(0, 2, tensor.shape).astype(bool)
            else:
                info = np.iinfo(tensor.dtype)
                low = info.min if tensor.low is None else tensor.low
                high = info.max if tensor.high is None else tensor.high
                values = random.integers(low, high + 1, tensor.shape).astype(tensor.dtype)
                if values.size > 4:
                    values.flat[0], values.flat[1] = low, high
            result[name] = values
        return result


def options(kind, **fields):
    """An options table, all other fields with their defaults."""
    table = getattr(schema, kind + "T")()
    for name, value in fields.items():
        assert hasattr(table, name), f"{kind} has no {name}"
        setattr(table, name, value)
    return table

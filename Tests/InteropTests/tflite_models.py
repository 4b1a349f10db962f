"""TensorFlow Lite files made by hand, table by table: operators that TensorFlow's converter does not write."""
import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

TYPES = {"float32": schema.TensorType.FLOAT32, "int32": schema.TensorType.INT32, "int64": schema.TensorType.INT64, "uint8": schema.TensorType.UINT8,
         "int8": schema.TensorType.INT8, "bool": schema.TensorType.BOOL, "string": schema.TensorType.STRING, "int16": schema.TensorType.INT16,
         "uint32": schema.TensorType.UINT32, "uint64": schema.TensorType.UINT64, "complex64": schema.TensorType.COMPLEX64}


def string_bytes(values):
    """A string tensor's buffer: the count, the offsets, and the bytes."""
    encoded = [value if isinstance(value, bytes) else str(value).encode() for value in np.asarray(values).ravel()]
    start = 4 * (len(encoded) + 2)
    offsets = start + np.cumsum([0] + [len(value) for value in encoded])
    return np.array([len(encoded), *offsets], "int32").tobytes() + b"".join(encoded)


class Graph:
    """A subgraph being made: tensors by number."""

    def __init__(self, model, name=""):
        self.model, self.graph = model, schema.SubGraphT()
        self.graph.name, self.graph.tensors, self.graph.operators, self.graph.inputs, self.graph.outputs = name, [], [], [], []

    def tensor(self, name, dtype, shape, value=None, signature=None):
        tensor = schema.TensorT()
        tensor.name, tensor.type, tensor.shape, tensor.buffer = name, TYPES[dtype], list(shape), 0
        if signature is not None:
            tensor.shapeSignature = signature
        if value is not None:
            buffer = schema.BufferT()
            data = string_bytes(value) if dtype == "string" else np.asarray(value, dtype).tobytes()
            buffer.data = np.frombuffer(data, "uint8")
            tensor.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def input(self, name, dtype, shape, **options):
        number = self.tensor(name, dtype, shape, **options)
        self.graph.inputs.append(number)
        return number

    def constant(self, name, value, dtype=None):
        value = np.asarray(value)
        return self.tensor(name, dtype or str(value.dtype), value.shape, value)

    def op(self, code, inputs, outputs, options=None, custom=None, custom_options=None, version=1):
        """`outputs` are pairs of a dtype and a shape; gives their numbers. `options` is a name of the union and its fields."""
        entry = schema.OperatorT()
        entry.opcodeIndex = self.model.code(code, custom, version)
        entry.inputs = list(inputs)
        entry.outputs = [self.tensor(f"t{len(self.graph.tensors)}", dtype, shape) for dtype, shape in outputs]
        if options:
            name, fields = options
            table = getattr(schema, f"{name}T")()
            for key, value in fields.items():
                setattr(table, key, value)
            if hasattr(schema.BuiltinOptions, name):
                entry.builtinOptionsType, entry.builtinOptions = getattr(schema.BuiltinOptions, name), table
            else:
                entry.builtinOptions2Type, entry.builtinOptions2 = getattr(schema.BuiltinOptions2, name), table
        if custom_options is not None:
            entry.customOptions = np.frombuffer(custom_options, "uint8")
        self.graph.operators.append(entry)
        return entry.outputs

    def output(self, *numbers):
        self.graph.outputs += numbers


class Model:
    def __init__(self):
        self.buffers, self.codes, self.keys, self.graphs, self.signatures = [schema.BufferT()], [], [], [], []

    def graph(self, name=""):
        self.graphs.append(Graph(self, name))
        return self.graphs[-1]

    def code(self, name, custom, version):
        key = (name, custom, version)
        if key not in self.keys:
            code = schema.OperatorCodeT()
            code.builtinCode = getattr(schema.BuiltinOperator, name)
            code.deprecatedBuiltinCode, code.version, code.customCode = min(code.builtinCode, 127), version, custom
            self.keys.append(key)
            self.codes.append(code)
        return self.keys.index(key)

    def signature(self, key, graph, inputs, outputs):
        definition = schema.SignatureDefT()
        definition.signatureKey, definition.subgraphIndex = key, graph

        def maps(ports):
            result = []
            for name, tensor in ports.items():
                entry = schema.TensorMapT()
                entry.name, entry.tensorIndex = name, tensor
                result.append(entry)
            return result

        definition.inputs, definition.outputs = maps(inputs), maps(outputs)
        self.signatures.append(definition)

    def write(self, path):
        model = schema.ModelT()
        model.version, model.buffers, model.operatorCodes = 3, self.buffers, self.codes
        model.subgraphs, model.signatureDefs = [graph.graph for graph in self.graphs], self.signatures
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        path.write_bytes(bytes(builder.Output()))


def one(code, inputs, outputs, options=None, constants=(), **rest):
    """A model of one operator. `inputs` are arrays, of which those numbered in `constants` are held in the file."""
    model = Model()
    graph = model.graph("main")
    numbers = []
    for index, value in enumerate(inputs):
        if value is None:
            numbers.append(-1)
            continue
        value = np.asarray(value)
        dtype = "string" if value.dtype.kind in "SUO" else str(value.dtype)
        if index in constants:
            numbers.append(graph.tensor(f"c{index}", dtype, value.shape, value))
        else:
            numbers.append(graph.input(f"x{index}", dtype, value.shape))
    graph.output(*graph.op(code, numbers, outputs, options, **rest))
    return model

"""LiteRT: runs what was written, by its own kernels and with its default delegate."""
import numpy as np
from ai_edge_litert import interpreter as litert
from ai_edge_litert import schema_py_generated as schema

PLAIN = litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
DELEGATED = litert.OpResolverType.BUILTIN


def open_model(path, resolver=PLAIN):
    return litert.Interpreter(str(path), experimental_op_resolver_type=resolver)


def run(path, inputs, resolver=PLAIN, signature=None):
    """The outputs, in the order of the file, of inputs in that order, whatever the batch."""
    interpreter = open_model(path, resolver)
    details = interpreter.get_input_details()
    assert len(details) == len(inputs), f"{len(details)} inputs instead of {len(inputs)}"
    for detail, value in zip(details, inputs):
        if list(detail["shape"]) != list(value.shape):
            interpreter.resize_tensor_input(detail["index"], value.shape, strict=True)
    interpreter.allocate_tensors()
    for detail, value in zip(details, inputs):
        assert detail["dtype"] == value.dtype, f"input {detail['name']} is {detail['dtype']}, not {value.dtype}"
        interpreter.set_tensor(detail["index"], value)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


def model(path):
    with open(path, "rb") as file:
        return schema.ModelT.InitFromPackedBuf(file.read(), 0)


def operators(path):
    """The names of the operators of all subgraphs, in order."""
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    content = model(path)
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in content.operatorCodes]
    return [names[codes[op.opcodeIndex]] for graph in content.subgraphs for op in graph.operators or []]


def signature(path):
    """The names of the inputs and outputs of the one signature as the file has them."""
    (definition,) = model(path).signatureDefs
    text = lambda maps: [entry.name.decode() for entry in maps or []]
    return definition.signatureKey.decode(), text(definition.inputs), text(definition.outputs)

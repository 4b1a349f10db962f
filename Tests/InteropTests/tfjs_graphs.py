"""A loader of TensorFlow.js graph models that runs them in TensorFlow: topology and weights become a `GraphDef` again."""
import json
import pathlib

import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.framework import graph_pb2
from tensorflow.python.framework import tensor_util

TYPES = {"float32": "float32", "int32": "int32", "bool": "bool", "complex64": "complex64"}


def weights(folder, manifest):
    """Name → array; quantised ones as TensorFlow.js restores them."""
    found = {}
    for group in manifest:
        data, at = b"".join((folder / path).read_bytes() for path in group["paths"]), 0
        for entry in group["weights"]:
            shape, quantization = entry["shape"], entry.get("quantization")
            count = int(np.prod(shape, dtype="int64"))
            if entry["dtype"] == "string":
                words = []
                for _ in range(count):
                    size = int.from_bytes(data[at:at + 4], "little")
                    words.append(data[at + 4:at + 4 + size])
                    at += 4 + size
                found[entry["name"]] = np.array(words, object).reshape(shape)
                continue
            stored = np.dtype(quantization["dtype"] if quantization else TYPES[entry["dtype"]])
            value = np.frombuffer(data, stored, count, at).reshape(shape)
            at += count * stored.itemsize
            if quantization and stored == np.float16:
                value = value.astype("float32")
            elif quantization:
                value = value.astype("float32") * np.float32(quantization["scale"]) + np.float32(quantization["min"])
                value = value.astype(entry["dtype"])
            found[entry["name"]] = value
        assert at == len(data), f"{len(data)} bytes of weights, {at} of them used"
    return found


def complete(node):
    """Fused operators of older converters lack attributes that today's TensorFlow has."""
    if node.op.startswith("_Fused") and "TArgs" not in node.attr and "num_args" in node.attr:
        node.attr["TArgs"].list.type.extend([node.attr["T"].type] * node.attr["num_args"].i)


def spell_out(graph_def):
    """TensorFlow.js's own `Prelu`, alone or fused, in TensorFlow's operators: the positive part, and the negative one times the slopes."""
    def is_fused(node):
        return node.op.startswith("_Fused") and b"Prelu" in node.attr["fused_ops"].list.s

    for node in [node for node in graph_def.node if node.op == "Prelu" or is_fused(node)]:
        kind = node.attr["T"]
        kind.type = kind.type or tf.float32.as_datatype_enum
        x, slopes = node.input[0], node.input[-1]
        if node.op != "Prelu":
            inner = graph_def.node.add()
            inner.CopyFrom(node)
            inner.name = x = node.name + "/fused"
            inner.input.pop()
            inner.attr["num_args"].i -= 1
            inner.attr["fused_ops"].list.s.remove(b"Prelu")
            complete(inner)

        def add(op, name, *inputs):
            made = graph_def.node.add(name=f"{node.name}/{name}", op=op, input=inputs)
            made.attr["T"].CopyFrom(kind)
            return made.name

        below = add("Relu", "below", add("Neg", "negated", x))
        above, scaled = add("Relu", "above", x), add("Mul", "scaled", slopes, below)
        node.op = "Sub"
        del node.input[:]
        node.input.extend([above, scaled])
        for name in [name for name in node.attr if name != "T"]:
            del node.attr[name]


def ports(document, graph_def):
    """The signature's inputs and outputs (name → tensor); without a signature what feeds the graph, and what nothing uses."""
    signature = document.get("signature") or (document.get("userDefinedMetadata") or {}).get("signature")
    if signature:
        return [{name: port["name"] for name, port in signature[side].items()} for side in ("inputs", "outputs")]
    used = {name.lstrip("^").split(":")[0] for node in graph_def.node for name in node.input}
    fed = {node.name: node.name + ":0" for node in graph_def.node if node.op == "Placeholder"}
    return fed, {node.name: node.name + ":0" for node in graph_def.node if node.name not in used and node.name not in fed}


def run(path, inputs):
    """The outputs by the signature's names, of inputs (name → array) by its names. `path` is `model.json` or its folder."""
    path = pathlib.Path(path)
    path = path / "model.json" if path.is_dir() else path
    folder, document = path.parent, json.loads(path.read_text())
    assert document.get("format", "graph-model") == "graph-model"
    graph_def = json_format.Parse(json.dumps(document["modelTopology"]), graph_pb2.GraphDef(), ignore_unknown_fields=True)
    spell_out(graph_def)
    values = weights(folder, document["weightsManifest"])
    functions = [node for function in graph_def.library.function for node in function.node_def]
    for node in [*graph_def.node, *functions]:
        complete(node)
        if node.op == "Const" and node.name in values:
            # TensorFlow.js has no int64: its files hold int32 for it.
            value = values[node.name].astype(tf.dtypes.as_dtype(node.attr["dtype"].type).as_numpy_dtype)
            node.attr["value"].tensor.CopyFrom(tensor_util.make_tensor_proto(value, shape=value.shape))
    names, results = ports(document, graph_def)
    assert set(names) == set(inputs), f"the signature takes {sorted(names)} instead of {sorted(inputs)}"
    wrapped = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph_def, name=""), [])
    element = wrapped.graph.as_graph_element
    function = wrapped.prune(
        [element(names[name]) for name in inputs], {name: element(tensor) for name, tensor in results.items()})
    # Not by keyword: the names of the pruned function's arguments are those of nodes.
    results = function._call_flat([tf.constant(value) for value in inputs.values()], [])
    return {name: value.numpy() for name, value in results.items()}

"""Writes Sources/TensorFlowGraph/Wire/OpSignature+Table.swift: the signatures of TensorFlow's ops, from TensorFlow itself.

One line an op:  name(input,…)->(output,…)[attribute,…]
  an argument is  name:type, with a type that is a dtype (float), the attribute that holds one (%T), N of one (N*%T),
  or a list of types (@Tin); & behind it for a reference to a variable.
  an attribute is name:type, with =default behind it where there is one; defaults of tensors, shapes, functions and lists
  that are not empty are left to the op.
"""
import pathlib

from tensorflow.core.framework import types_pb2
from tensorflow.python.framework import op_def_registry

LEFT_OUT = ("Dataset", "Experimental", "TPU", "Xla", "Iterator", "Collective", "Nccl", "Summary", "Bigtable", "BoostedTrees",
            "Kafka", "Audio", "Decode", "Encode", "Reader", "Record", "Barrier", "Queue", "Stage", "Debug", "Ragged", "Tensorrt",
            "TRT", "Quantized", "Conditional", "Accumulator", "Sdca", "Apply", "Cudnn", "Riscv", "UniformQuant", "UniformDequant", "UniformRequant", "Weighted", "Mutex",
            "Configure", "Enqueue", "Outfeed", "Infeed", "Rpc", "Dataservice", "Sendrecv")
KEPT = ("DecodeBase64", "EncodeBase64", "DecodeRaw", "DecodeJpeg", "DecodePng", "DecodeImage", "DecodeBmp", "DecodeGif", "DecodeWav",
        "DecodeCSV", "RaggedTensorToTensor", "RaggedTensorToVariant", "RaggedGather", "RaggedRange", "RaggedTensorFromVariant",
        "QuantizedConcat", "RaggedBincount", "UnicodeDecode", "UnicodeEncode", "DecodePaddedRaw", "DecodeJSONExample", "AudioSpectrogram", "EncodePng", "EncodeJpeg",
        "QuantizedMatMul", "QuantizedConv2D", "QuantizedRelu", "QuantizedReshape", "QuantizedBiasAdd", "QuantizedMaxPool",
        "QuantizedAvgPool", "DebugIdentity", "ConfigureDistributedTPU", "RaggedTensorToSparse", "RaggedCross", "RaggedFillEmptyRows", "UnicodeDecodeWithOffsets", "CudnnRNN", "CudnnRNNV2", "CudnnRNNV3",
        "IteratorGetNext", "IteratorV2", "Iterator", "OneShotIterator", "FIFOQueueV2", "QueueDequeueV2", "QueueDequeueManyV2", "QueueDequeueUpToV2",
        "CTCGreedyDecoder", "CTCBeamSearchDecoder", "ScalarSummary", "HistogramSummary", "MergeSummary")


def dtype(number):
    return types_pb2.DataType.Name(number).removeprefix("DT_").lower()


def argument(arg):
    if arg.type_list_attr:
        kind = "@" + arg.type_list_attr
    else:
        kind = "%" + arg.type_attr if arg.type_attr else dtype(arg.type)
        if arg.number_attr:
            kind = f"{arg.number_attr}*{kind}"
    return f"{arg.name}:{kind}{'&' if arg.is_ref else ''}"


def default(value):
    kind = value.WhichOneof("value")
    if kind == "s":
        text = value.s.decode("latin-1")
        return "'" + text if all(c.isalnum() or c in "_-./ " for c in text) else None
    if kind == "i":
        return str(value.i)
    if kind == "f":
        return repr(value.f)
    if kind == "b":
        return "true" if value.b else "false"
    if kind == "type":
        return dtype(value.type)
    if kind == "list" and not value.list.ListFields():
        return "()"
    if kind == "list" and value.list.i:
        return "(" + " ".join(map(str, value.list.i)) + ")"
    if kind == "shape" and value.shape.unknown_rank:
        return "?"
    return None


def attribute(attr):
    text = default(attr.default_value) if attr.HasField("default_value") else None
    return f"{attr.name}:{attr.type}" + (f"={text}" if text is not None else "")


lines = []
for name, op in sorted(op_def_registry.get_registered_ops().items() if hasattr(op_def_registry, "get_registered_ops") else []):
    lines.append(op)
if not lines:
    from tensorflow.python import pywrap_tensorflow  # noqa: F401 loads the ops
    from tensorflow.python.client import pywrap_tf_session as session
    from tensorflow.core.framework import op_def_pb2
    buffer = session.TF_GetAllOpList()
    ops = op_def_pb2.OpList()
    ops.ParseFromString(session.TF_GetBuffer(buffer))
    lines = sorted(ops.op, key=lambda op: op.name)

rows = []
for op in lines:
    if op.name.startswith("_") or (op.name not in KEPT and any(part in op.name for part in LEFT_OUT)):
        continue
    rows.append(f"{op.name}({','.join(map(argument, op.input_arg))})->({','.join(map(argument, op.output_arg))})"
                f"[{','.join(map(attribute, op.attr))}]{'!' if op.is_stateful else ''}")

out = pathlib.Path(__file__).parents[2] / "Sources/TensorFlowGraph/Wire/OpSignature+Table.swift"
body = "\n".join("    " + row for row in rows)
out.write_text(f'''// Made by formats/tensorflow/generate_ops.py.

// swift-format-ignore
extension OpSignature {{
  /// One line an op; the form is told in the generator.
  static let table = #"""
{body}
    """#
}}
''')
print(len(rows), out.stat().st_size)

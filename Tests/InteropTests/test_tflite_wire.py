"""TensorFlow Lite files inspected, and written again, held against LiteRT and the schema's own Python classes."""
import json
import os
import pathlib
import subprocess
import sys

import modelctl
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

CORPUS = pathlib.Path(os.environ.get("MODELCTL_CORPUS", modelctl.ROOT.parent / "shared/corpus"))
MANIFEST = json.loads((CORPUS / "MANIFEST.json").read_text()) if (CORPUS / "MANIFEST.json").exists() else []
SMALL = sorted((modelctl.ROOT / "fixtures/tflite/small").glob("*.tflite"))
FILES = SMALL + [CORPUS / entry["path"] for entry in MANIFEST if entry["format"] == "tflite"]
NAMES = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}


def unpacked(path):
    return schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)


def plain(thing):
    """The classes' objects as tuples that can be compared: defaults and all. Numbers by their bits, as NaN equals nothing."""
    if isinstance(thing, np.ndarray):
        return thing.dtype.str, thing.tobytes()
    if isinstance(thing, list):
        return [plain(item) for item in thing]
    if isinstance(thing, float):
        return np.float64(thing).tobytes()
    if hasattr(thing, "__dict__"):
        return type(thing).__name__, {key: plain(value) for key, value in vars(thing).items()}
    return thing


def name_of(model, op):
    code = model.operatorCodes[op.opcodeIndex]
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    return code.customCode.decode() if builtin == schema.BuiltinOperator.CUSTOM else NAMES[builtin]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_inspect_counts_what_the_schema_reads(path):
    report, model = modelctl.inspect(path), unpacked(path)
    counts = {}
    for op in (op for graph in model.subgraphs for op in graph.operators or []):
        counts[name_of(model, op)] = counts.get(name_of(model, op), 0) + 1
    assert report["format"] == "tflite" and report["operators"] == counts
    assert not report["warnings"]
    assert [entry["name"] for entry in report["signatures"]] == [entry.signatureKey.decode() for entry in model.signatureDefs or []]
    for ports, indices in ((report["inputs"], model.subgraphs[0].inputs), (report["outputs"], model.subgraphs[0].outputs)):
        tensors = [model.subgraphs[0].tensors[index] for index in indices]
        shapes = [tensor.shapeSignature if tensor.shapeSignature is not None else tensor.shape for tensor in tensors]
        shapes = [[] if shape is None else [None if extent == -1 else int(extent) for extent in shape] for shape in shapes]
        assert [port["shape"] for port in ports] == shapes


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_rewrite_keeps_everything(path, tmp_path):
    target = tmp_path / "again.tflite"
    modelctl.run("convert", path, target, "--no-verify")
    assert plain(unpacked(target)) == plain(unpacked(path))
    modelctl.run("convert", path, tmp_path / "once more.tflite", "--no-verify")
    assert (tmp_path / "once more.tflite").read_bytes() == target.read_bytes()
    result = subprocess.run([sys.executable, __file__, path, target], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]


def outputs(path):
    """What LiteRT's reference kernels make of seeded inputs; the error's first line when they refuse."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    signatures, numbers = interpreter.get_signature_list(), np.random.default_rng(7)
    try:
        interpreter.allocate_tensors()
        for detail in interpreter.get_input_details():
            shape, dtype = detail["shape"], np.dtype(detail["dtype"])
            if dtype.kind in "SOU":
                value = np.full(shape, b"a b c", object)
            elif dtype.kind == "f":
                value = numbers.random(shape).astype(dtype)
            else:
                value = numbers.integers(0, 3, shape).astype(dtype)
            interpreter.set_tensor(detail["index"], value)
        interpreter.invoke()
    except (RuntimeError, ValueError) as error:
        return signatures, str(error).splitlines()[0]
    values = [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]
    return signatures, [value.tolist() if value.dtype.kind == "O" else (value.dtype.str, value.shape, value.tobytes()) for value in values]


if __name__ == "__main__":
    first, second = (outputs(path) for path in sys.argv[1:3])
    assert first == second, f"{str(first)[:800]}\n{str(second)[:800]}"

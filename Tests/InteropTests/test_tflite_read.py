"""TensorFlow Lite files read and run by modelctl, held against LiteRT's reference kernels: the operator sweep and the layers and
networks as TensorFlow's converter writes them, and operators in models made by hand.
"""
import os

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter, OpResolverType

import layer_cases
import modelctl
import op_sweep
import peers
import seeded
import tflite_cases
import tflite_models

#: Dtypes that LiteRT's builtin operators take.
DTYPES = {"float32", "int32", "int64", "bool", "string", "int8", "uint8", "int16"}
#: Cases in one file.
GROUP = 24


#: The reference kernel sums over one channel too few; TensorFlow and LiteRT's other kernel agree.
NOT_BY_REFERENCE = {"LRN", "local response normalization"}


def interpreter(path, reference=True):
    """By the reference kernels, where all operators have one."""
    if reference:
        try:
            return Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
        except ValueError as error:
            if "Didn't find op" not in str(error):
                raise
    return Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)


def run_litert(path, feeds, reference=True):
    """The outputs in order, of inputs by name."""
    runner = interpreter(path, reference)
    details = {detail["name"]: detail for detail in runner.get_input_details()}
    for name, value in feeds.items():
        if tuple(details[name]["shape"]) != value.shape:
            runner.resize_tensor_input(details[name]["index"], value.shape)
    runner.allocate_tensors()
    for name, value in feeds.items():
        if value.dtype.kind in "SUO":
            value = np.array([op_sweep.to_bytes(x) for x in value.ravel()], object).reshape(value.shape)
        runner.set_tensor(details[name]["index"], value)
    runner.invoke()
    return [runner.get_tensor(detail["index"]) for detail in runner.get_output_details()]


def run_modelctl(path, feeds):
    inputs, outputs = path.with_suffix(".in.npz"), path.with_suffix(".out.npz")
    np.savez(inputs, **{name: op_sweep.stored(value) for name, value in feeds.items()})
    modelctl.run("run", path, "--inputs", inputs, "--outputs", outputs)
    with np.load(outputs, allow_pickle=False) as arrays:
        return [arrays[name] for name in arrays.files]


def compare(path, feeds, tolerance=(1e-5, 1e-4), reference=True):
    """Why the two differ; empty when they do not."""
    expected = run_litert(path, feeds, reference)
    try:
        actual = run_modelctl(path, feeds)
    except modelctl.Failed as error:
        return op_sweep.first_line(error)
    numbered = lambda arrays: {f"y{index}": array for index, array in enumerate(arrays)}
    return op_sweep.difference(numbered(actual), numbered(expected), tolerance)


@pytest.mark.parametrize("name", tflite_cases.CASES)
def test_operator_made_by_hand(name, tmp_path):
    model, arrays = tflite_cases.CASES[name]()
    path = tmp_path / "model.tflite"
    model.write(path)
    names = [f"x{index}" for index in range(len(arrays) + 8)]
    inputs = [tensor.name for graph in [model.graphs[0].graph] for tensor in (graph.tensors[number] for number in graph.inputs)]
    assert set(inputs) <= set(names)
    assert compare(path, dict(zip(inputs, arrays)), reference=name not in NOT_BY_REFERENCE) == ""

"""A zoo of typical models: each a function of a Keras package (`keras` or `tf_keras`) that returns a model.

Inputs are made from the model itself: their names, shapes and dtypes.
"""
import importlib
from dataclasses import dataclass
from typing import Callable

import numpy as np

import seeded

ROOMS = ["zoo_vision", "zoo_sequences", "zoo_attention", "zoo_tabular", "zoo_structure", "zoo_ops", "zoo_precision"]


@dataclass
class Entry:
    name: str
    build: Callable
    #: Integer inputs are below this.
    high: int = 8
    #: The extent of dimensions the model leaves open.
    any: int = 7
    #: Layers, options or operations that Keras 2 does not know; or those only Keras 2 knows.
    keras3_only: bool = False
    keras2_only: bool = False
    #: Whether Keras itself reads such a model from an H5 file.
    h5: bool = True
    #: Whether Keras 2 can read the H5 file made of the Keras 3 model and computes the same in the same dtypes.
    h5_for_keras2: bool = True
    #: Whether ONNX Runtime has what ONNX says; else ONNX's own reference implementation judges.
    in_onnx_runtime: bool = True
    #: A looser one only with its reason beside it.
    tolerance: tuple = (1e-5, 1e-4)
    #: What modelctl says when it refuses to convert the model to ONNX.
    refused: str = ""

    def __repr__(self):
        return self.name


ENTRIES = {}


def zoo(name, **options):
    def add(build):
        assert name not in ENTRIES, name
        ENTRIES[name] = Entry(name, build, **options)
        return build
    return add


def entries():
    for room in ROOMS:
        importlib.import_module(room)
    return list(ENTRIES.values())


def input_name(tensor):
    """The name of its input layer."""
    history = getattr(tensor, "_keras_history", None)
    return (getattr(history, "operation", None) or history.layer).name


def feeds(entry, model, size=3):
    """Name → array for every input of the model."""
    found = {}
    for index, tensor in enumerate(model.inputs):
        rng = seeded.generator(f"{entry.name}/{index}/inputs")
        shape = [entry.any if d is None else d for d in tuple(tensor.shape)]
        if tensor.shape[0] is None:
            shape[0] = size
        dtype = tensor.dtype if isinstance(tensor.dtype, str) else tensor.dtype.name
        if dtype == "bool":
            value = rng.random(shape) < 0.6
        elif "int" in dtype:
            value = rng.integers(0, entry.high, shape).astype(dtype)
        elif dtype == "bfloat16":
            raise ValueError("NumPy has no bfloat16")
        else:
            value = (rng.normal(0.1, 1.0, shape) * np.linspace(0.5, 1.5, shape[0]).reshape([-1] + [1] * (len(shape) - 1))).astype(dtype)
        found[input_name(tensor)] = value
    return found


def make(entry, package):
    """The model with seeded weights and disturbed normalisation statistics, and its inputs by name."""
    package.utils.set_random_seed(13)
    package.backend.clear_session()
    model = seeded.fill_weights(entry.build(package), entry.name)
    for layer in seeded.all_layers(model):
        if type(layer).__name__ == "Normalization" and getattr(layer, "input_mean", None) is None:
            layer.finalize_state()
    inputs = feeds(entry, model)
    seeded.calibrate_by(model, entry.name, lambda: model(structured(model, feeds(entry, model, size=8)), training=True))
    return model, inputs


def structured(model, inputs):
    """The arrays as the model's call takes them."""
    arrays = list(inputs.values())
    struct = getattr(model, "_inputs_struct", getattr(model, "_nested_inputs", None))
    if isinstance(struct, dict):
        return {key: inputs[input_name(tensor)] for key, tensor in struct.items()}
    return arrays[0] if len(arrays) == 1 else arrays

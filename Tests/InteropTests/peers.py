"""The real frameworks: build, load and run models with them."""
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
import keras
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
import tf_keras
from onnx.reference import ReferenceEvaluator

import seeded

onnxruntime.set_default_logger_severity(3)


def build(case, package):
    """The model of a layer case, with seeded weights."""
    package.utils.set_random_seed(7)
    package.backend.clear_session()
    inputs = []
    for index, spec in enumerate(case.inputs):
        is_ints = isinstance(spec, seeded.Ints)
        inputs.append(package.layers.Input(tuple(spec.shape if is_ints else spec), name=f"in{index}", dtype=spec.dtype if is_ints else "float32"))
    outputs = case.build(package, *inputs)
    model = package.Model(inputs if len(inputs) > 1 else inputs[0], outputs)
    return seeded.fill_weights(model, case.name)


def batches(name, specs, size=3):
    return [seeded.batch(f"{name}/{index}", spec, size) for index, spec in enumerate(specs)]


def flat(outputs):
    if isinstance(outputs, dict):
        return [np.asarray(v) for v in outputs.values()]
    if isinstance(outputs, (list, tuple)):
        return [array for item in outputs for array in flat(item)]
    return [np.asarray(outputs)]


def run_model(model, inputs):
    """The outputs in inference mode, flat and in order."""
    return flat(model([tf.constant(x) for x in inputs] if len(inputs) > 1 else tf.constant(inputs[0]), training=False))


def run_keras(path, inputs):
    return run_model(keras.saving.load_model(path, compile=False), inputs)


def run_tf_keras(path, inputs):
    return run_model(tf_keras.models.load_model(path, compile=False), inputs)


def onnx_session(path):
    onnx.checker.check_model(str(path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run_onnx(path, inputs):
    session = onnx_session(path)
    names = [i.name for i in session.get_inputs()]
    assert len(names) == len(inputs), f"expected {len(inputs)} inputs, found {names}"
    return session.run(None, dict(zip(names, inputs)))


def run_onnx_by_name(path, inputs):
    """`inputs` are named as the source model names them, in its order: ONNX must keep both."""
    session = onnx_session(path)
    names = [i.name for i in session.get_inputs()]
    assert names == list(inputs), f"inputs {names} instead of {list(inputs)}"
    return session.run(None, dict(inputs))


def run_onnx_reference(path, inputs):
    """The same by ONNX's own reference implementation."""
    onnx.checker.check_model(str(path), full_check=True)
    model = ReferenceEvaluator(str(path))
    assert model.input_names == list(inputs), f"inputs {model.input_names} instead of {list(inputs)}"
    return model.run(None, dict(inputs))


def compare(actual, expected, tolerance=(1e-5, 1e-4), what=""):
    """Whole tensors, never means: |a − e| ≤ absolute + relative · |e| everywhere, the same shapes, dtypes and count."""
    assert len(actual) == len(expected), f"{what}: {len(actual)} outputs instead of {len(expected)}"
    for index, (a, e) in enumerate(zip(actual, expected)):
        assert a.shape == e.shape, f"{what} output {index}: shape {a.shape} instead of {e.shape}"
        assert a.dtype == e.dtype, f"{what} output {index}: dtype {a.dtype} instead of {e.dtype}"
        if e.dtype.kind in "biuSUO":
            assert np.array_equal(a, e), f"{what} output {index} differs"
            continue
        a, e = a.astype("float64"), e.astype("float64")
        assert np.array_equal(np.isnan(a), np.isnan(e)), f"{what} output {index}: NaN in other places"
        excess = np.abs(a - e) - (tolerance[0] + tolerance[1] * np.abs(e))
        worst = np.nanmax(excess) if excess.size else -1
        assert worst <= 0, f"{what} output {index} is off by {np.nanmax(np.abs(a - e)):.3g} ({np.mean(excess > 0):.1%} of the elements)"

"""TensorFlow.js's Python package behind a pipe: one JSON request a line, one JSON answer a line.

Runs in the environment of `requirements-tfjs.txt`. Tensors travel as `.npz` files whose keys are `0`, `1`, … in order.
"""
import json
import os
import sys
import traceback

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # Whatever the packages print is no answer.

import numpy as np
import tensorflow as tf
import tf_keras
import tensorflowjs as tfjs
from tensorflowjs.converters import converter as tfjs_converter


def arrays(path):
    with np.load(path, allow_pickle=False) as data:
        return [data[key] for key in sorted(data.files, key=int)]


def flat(outputs):
    if isinstance(outputs, dict):
        return [np.asarray(v) for v in outputs.values()]
    if isinstance(outputs, (list, tuple)):
        return [array for item in outputs for array in flat(item)]
    return [np.asarray(outputs)]


def run_layers(model, inputs, outputs):
    """Loads a layers model and runs it."""
    tf_keras.backend.clear_session()
    loaded = tfjs.converters.load_keras_model(os.path.join(model, "model.json"))
    values = [tf.constant(x) for x in arrays(inputs)]
    results = flat(loaded(values if len(values) > 1 else values[0], training=False))
    np.savez(outputs, **{str(i): r for i, r in enumerate(results)})
    return {"layers": [type(layer).__name__ for layer in loaded.layers]}


class InputLayer(tf_keras.layers.InputLayer):
    def __init__(self, optional=False, **arguments):
        super().__init__(**arguments)


class MultiHeadAttention(tf_keras.layers.MultiHeadAttention):
    def __init__(self, *arguments, softmax_robust_masking=False, **keywords):
        super().__init__(*arguments, **keywords)


class Softmax(tf_keras.layers.Softmax):
    def __init__(self, *arguments, robust_masking=False, **keywords):
        super().__init__(*arguments, **keywords)


#: The newer tf_keras that made the files writes keys which this older one does not take.
OLDER = {c.__name__: c for c in (InputLayer, MultiHeadAttention, Softmax)}


def save_layers(source, destination, quantize=None, shard_size=4 << 20):
    """A Keras 2 `.h5` file as a layers model, by `save_keras_model`."""
    tf_keras.backend.clear_session()
    model = tf_keras.models.load_model(source, compile=False, custom_objects=OLDER)
    tfjs.converters.save_keras_model(
        model, destination, quantization_dtype_map={quantize: True} if quantize else None, weight_shard_size_bytes=shard_size)


def save_layers_keras3(source, destination):
    """A `.keras` archive as a layers model with a Keras 3 topology, as the command-line converter makes it."""
    tfjs_converter.dispatch_keras_keras_to_tfjs_layers_model_conversion(source, destination)


def save_graph(source, destination, quantize=None, signature=None):
    """A SavedModel as a graph model."""
    from tensorflowjs.converters import tf_saved_model_conversion_v2 as conversion
    conversion.convert_tf_saved_model(
        source, destination, quantization_dtype_map={quantize: True} if quantize else None,
        **({"signature_def": signature} if signature else {}))


def main():
    for line in sys.stdin:
        request = json.loads(line)
        try:
            result = globals()[request.pop("call")](**request) or {}
            answer = {"result": result}
        except BaseException:
            answer = {"error": traceback.format_exc()}
        ANSWERS.write(json.dumps(answer) + "\n")
        ANSWERS.flush()


main()

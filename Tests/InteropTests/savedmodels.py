"""TensorFlow as the judge of SavedModels: loads them the ways its users do."""
import numpy as np
import tensorflow as tf

import peers


def run_signature(path, inputs, signature="serving_default"):
    """The outputs of a signature on `inputs` (name to array), by name."""
    loaded = tf.saved_model.load(str(path))
    function = loaded.signatures[signature]
    names = list(function.structured_input_signature[1])
    assert set(names) == set(inputs), f"the signature takes {sorted(names)} instead of {sorted(inputs)}"
    return {name: value.numpy() for name, value in function(**{name: tf.constant(value) for name, value in inputs.items()}).items()}


def run(path, names, inputs, outputs=None):
    """The outputs in order, as `peers.run_model` gives them."""
    results = run_signature(path, dict(zip(names, inputs)))
    order = outputs or sorted(results)
    assert set(order) == set(results), f"the signature gives {sorted(results)} instead of {sorted(order)}"
    return [results[name] for name in order]


def run_layer(path, package, inputs, endpoint):
    """Through the layer that Keras has for SavedModels."""
    layer = package.layers.TFSMLayer(str(path), call_endpoint=endpoint)
    return peers.flat(layer(*[tf.constant(x) for x in inputs]) if len(inputs) == 1 else layer([tf.constant(x) for x in inputs]))


def variables(path):
    """The values of all variables that a loader sees, and how many can be trained."""
    loaded = tf.saved_model.load(str(path))
    found = {}
    for name in ("variables", "trainable_variables"):
        found[name] = [np.asarray(v) for v in getattr(loaded, name, [])]
    return found

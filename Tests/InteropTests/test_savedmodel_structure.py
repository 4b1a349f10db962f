"""Inputs and outputs of Keras models in SavedModels: in the structure and under the names of Keras's own `Model.export()`."""
import keras
import numpy as np
import pytest
import tensorflow as tf

import modelctl

K = keras.layers


def network(kind):
    keras.utils.set_random_seed(3)
    x, y = keras.Input((3,), name="zed"), keras.Input((2,), name="ay")
    joined = K.Concatenate()([K.Dense(4)(x), y])
    results = joined * 0.5, K.Dense(2)(joined)
    if kind == "dictionaries":
        return keras.Model({"zed": x, "ay": y}, {"out_b": results[0], "out_a": results[1]})
    if kind == "a dictionary of one":
        return keras.Model({"zed": x}, {"out": K.Dense(2)(x)})
    if kind == "a dictionary in":
        return keras.Model({"zed": x, "ay": y}, list(results))
    return keras.Model([x, y], list(results))


def endpoint(path):
    loaded = tf.saved_model.load(str(path))
    return loaded, loaded.serve.concrete_functions[0]


def shape(structure):
    """The structure alone: what is named where."""
    return tf.nest.map_structure(lambda spec: (spec.shape.as_list(), spec.dtype.name), structure)


@pytest.mark.parametrize("kind", ["dictionaries", "a dictionary of one", "a dictionary in", "lists"])
def test_serve(kind, tmp_path):
    model = network(kind)
    model.save(tmp_path / "model.keras")
    model.export(tmp_path / "exported", verbose=0)
    modelctl.run("convert", tmp_path / "model.keras", tmp_path / "written", "--to", "savedmodel")
    (theirs, expected), (ours, found) = endpoint(tmp_path / "exported"), endpoint(tmp_path / "written")
    assert shape(found.structured_input_signature) == shape(expected.structured_input_signature)
    assert shape(found.structured_outputs) == shape(expected.structured_outputs)
    random = np.random.default_rng(4)
    values = tf.nest.map_structure(lambda spec: tf.constant(random.normal(size=[5, spec.shape[1]]).astype("float32")), expected.structured_input_signature[0][0])
    a, b = theirs.serve(values), ours.serve(values)
    tf.nest.map_structure(lambda x, y: np.testing.assert_allclose(x, y, 1e-5, 1e-5), a, b)
    signatures = [loaded.signatures["serving_default"] for loaded in (theirs, ours)]
    assert set(signatures[0].structured_input_signature[1]) == set(signatures[1].structured_input_signature[1])
    if isinstance(a, dict):
        by_name = dict(zip(sorted(signatures[0].structured_input_signature[1]), tf.nest.flatten(values)))
        first, second = (signature(**by_name) for signature in signatures)
        assert set(first) == set(second)
        for name, value in first.items():
            np.testing.assert_allclose(value, second[name], 1e-5, 1e-5)

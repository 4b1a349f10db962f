"""Weights and inputs with nothing constant and nothing symmetric in them, from a seed."""
import zlib

import numpy as np


def generator(name):
    """A generator of its own for each name, the same on every run."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def fill_weights(model, name):
    """Gives every weight seeded values: normalisation statistics away from 0 and 1, variances positive."""
    rng = generator(name)
    for variable in model.weights:
        path = getattr(variable, "path", variable.name)
        shape, dtype = tuple(variable.shape), str(variable.dtype).replace("<dtype: '", "").replace("'>", "")
        if "seed_generator" in path or "int" in dtype or path.startswith("normalization/") or path in ("mean:0", "variance:0", "count:0"):
            continue  # What is no weight, and statistics that only `adapt` puts to use.
        if "variance" in path:
            value = rng.uniform(0.5, 1.8, shape)
        elif "gamma" in path:
            value = rng.uniform(0.6, 1.4, shape)
        else:
            fan_in = max(1, int(np.prod(shape[:-1]))) if len(shape) > 1 else 4
            value = rng.normal(0, 1 / np.sqrt(fan_in), shape)
        variable.assign(value.astype("float32"))
    return model


def calibrate(model, name, inputs):
    """Sets moving statistics to those of a batch, disturbed: deep networks stay in a range where errors show."""
    return calibrate_by(model, name, lambda: model([np.asarray(x) for x in inputs] if len(inputs) > 1 else np.asarray(inputs[0]), training=True))


def calibrate_by(model, name, step):
    """As `calibrate`, by a function that runs the model once in training mode."""
    layers = [layer for layer in all_layers(model) if "BatchNormalization" in type(layer).__name__]
    if not layers:
        return model
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    step()
    rng = generator(name + "/statistics")
    for layer, momentum in zip(layers, momenta):
        layer.momentum = momentum
        mean, variance = np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)
        layer.moving_mean.assign((mean + 0.2 * np.sqrt(variance) * rng.normal(size=mean.shape)).astype("float32"))
        layer.moving_variance.assign((variance * rng.uniform(0.7, 1.4, variance.shape) + 0.01).astype("float32"))
    return model


def all_layers(model):
    for layer in getattr(model, "layers", []):
        yield layer
        yield from all_layers(layer)


class Ints:
    """An input of integers below `high`."""

    def __init__(self, *shape, high, dtype="int32"):
        self.shape, self.high, self.dtype = shape, high, dtype


def batch(name, spec, size=3):
    """A batch for one input: `spec` is a shape without the batch, or `Ints`."""
    rng = generator(name + "/inputs")
    if isinstance(spec, Ints):
        return rng.integers(0, spec.high, (size,) + tuple(spec.shape)).astype(spec.dtype)
    return (rng.normal(0.1, 1.0, (size,) + tuple(spec)) * np.linspace(0.5, 1.5, size).reshape((size,) + (1,) * len(spec))).astype("float32")

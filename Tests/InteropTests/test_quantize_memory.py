"""Samples are read one by one: what calibrating takes does not grow with how many there are."""
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers as L

import modelctl
import quantizing


#: Started from a small process: a child's largest resident set counts that of what it was forked from.
LAUNCH = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


def peak(*arguments):
    """The largest resident set of a run, mapped files among it, in bytes."""
    command = [sys.executable, "-c", LAUNCH, modelctl.BINARY, *map(str, arguments)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_peak(dtype, tmp_path):
    x = keras.Input((64, 64, 3), name="x")
    y = L.GlobalAveragePooling2D()(L.Conv2D(4, 3, strides=4, activation="relu")(x))
    model = quantizing.seeded(keras.Model(x, L.Dense(3, name="y")(y)))
    model.save(tmp_path / "model.keras")
    random, peaks = np.random.default_rng(1), []
    for count in (16, 1200):
        data = random.integers(0, 255, (count, 64, 64, 3)).astype(dtype)
        np.savez(tmp_path / f"{count}.npz", x=data)
        peaks.append(
            peak("convert", tmp_path / "model.keras", tmp_path / f"{count}.tflite", "--quantize", "int8", "--representative",
                 tmp_path / f"{count}.npz", "--quiet"))
    # The floats of the larger set are 59 MB.
    assert peaks[1] - peaks[0] < 8 << 20, peaks

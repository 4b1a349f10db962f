"""Recurrent layers in TFLite at batches of any size, one after the other in one interpreter.

LiteRT gives variables their place before it runs: behind an operator of unknown extents they would lie over one another. A loop whose
states keep their sizes is no such operator.
"""
import keras
import numpy as np
import pytest

import litert
import modelctl
import seeded

L = keras.layers


def open_length():
    x = L.Input((None, 3), name="x")
    y = L.LSTM(5, return_sequences=True)(L.Reshape((-1, 6))(x))
    return keras.Model(x, L.LSTM(4)(y)), (6, 3)


def behind_a_loop():
    x = L.Input((6, 3), name="x")
    return keras.Model(x, L.LSTM(4)(L.GRU(5, return_sequences=True)(x))), (6, 3)


def plain():
    x = L.Input((6, 3), name="x")
    return keras.Model(x, L.LSTM(4)(L.Bidirectional(L.LSTM(5, return_sequences=True))(x))), (6, 3)


@pytest.mark.parametrize("build", [open_length, behind_a_loop, plain], ids=lambda f: f.__name__)
def test_batches(tmp_path, build):
    model, shape = build()
    seeded.fill_weights(model, build.__name__).save(tmp_path / "m.keras")
    modelctl.convert(tmp_path / "m.keras", tmp_path / "m.tflite")
    # Where nothing stands in its way, the fused operator.
    assert ("UNIDIRECTIONAL_SEQUENCE_LSTM" in litert.operators(tmp_path / "m.tflite")) == (build is not open_length)
    interpreter = litert.open_model(tmp_path / "m.tflite")
    (x,), (y,) = interpreter.get_input_details(), interpreter.get_output_details()
    for batch in (3, 1, 5, 2):
        value = seeded.generator(f"{build.__name__}/{batch}").normal(size=(batch, *shape)).astype("float32")
        interpreter.resize_tensor_input(x["index"], value.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(x["index"], value)
        interpreter.invoke()
        np.testing.assert_allclose(interpreter.get_tensor(y["index"]), model(value), rtol=1e-4, atol=1e-5)

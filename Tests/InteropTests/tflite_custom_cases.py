"""Custom operators that LiteRT for Python has no kernels of, each held against the TensorFlow operator that it stands for."""
import numpy as np
import tensorflow as tf
from flatbuffers import flexbuffers

import modelctl
import test_tflite_read as reading
from tflite_cases import floats
from tflite_models import one

SAME, VALID = 1, 2


def pool_options(padding, width, height, across, down):
    """`TfLitePoolParams`: padding, strides across and down, the window across and down, and room for what is computed."""
    return np.array([padding, across, down, width, height, 0, 0, 0, 0, 0], "int32").tobytes()


def transposed():
    x, w, bias = floats(2, 3, 4, 3), floats(5, 2, 3, 3, seed=2), floats(5, seed=3)
    model = one("CUSTOM", [x, w, bias], [("float32", [2, 6, 8, 5])], constants=(1, 2), custom="Convolution2DTransposeBias",
                custom_options=np.array([SAME, 2, 2], "int32").tobytes())
    return model, [x], [tf.nn.conv2d_transpose(x, np.transpose(w, (1, 2, 0, 3)), [2, 6, 8, 5], 2, "SAME").numpy() + bias]


def pooled(name, options):
    # No two alike, so that there is one greatest.
    x = np.random.default_rng(1).permutation(2 * 4 * 6 * 3).reshape(2, 4, 6, 3).astype("float32")
    model = one("CUSTOM", [x], [("float32", [2, 2, 3, 3]), ("int64" if name == "MaxPoolWithArgmax" else "float32", [2, 2, 3, 3])],
                custom=name, custom_options=options)
    values, places = tf.nn.max_pool_with_argmax(x, 2, 2, "SAME")
    return model, [x], [values.numpy(), places.numpy().astype("int64" if name == "MaxPoolWithArgmax" else "float32")]


def unpooled():
    x = np.random.default_rng(1).permutation(4 * 6 * 3).reshape(1, 4, 6, 3).astype("float32")
    values, places = (array.numpy() for array in tf.nn.max_pool_with_argmax(x, 2, 2, "SAME"))
    model = one("CUSTOM", [values, places.astype("float32")], [("float32", [1, 4, 6, 3])], custom="MaxUnpooling2D",
                custom_options=pool_options(SAME, 2, 2, 2, 2))
    expected = np.zeros(x.size, "float32")
    expected[places.ravel()] = values.ravel()
    return model, [values, places.astype("float32")], [expected.reshape(x.shape)]


def flex_lists(**entries):
    fbb = flexbuffers.Builder()
    with fbb.Map():
        for key, value in entries.items():
            if isinstance(value, str):
                fbb.String(key, value)
            else:
                fbb.VectorFromElements(key, value)
    return bytes(fbb.Finish())


CASES = {
    "Convolution2DTransposeBias": transposed,
    "MaxPoolingWithArgmax2D": lambda: pooled("MaxPoolingWithArgmax2D", pool_options(SAME, 2, 2, 2, 2)),
    "MaxPoolWithArgmax": lambda: pooled("MaxPoolWithArgmax", flex_lists(ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")),
    "MaxUnpooling2D": unpooled,
}


def problem(name, folder):
    """How modelctl differs from TensorFlow; empty when it does not."""
    model, arrays, expected = CASES[name]()
    path = folder / f"{name}.tflite"
    model.write(path)
    try:
        found = reading.run_modelctl(path, {f"x{index}": array for index, array in enumerate(arrays)})
    except modelctl.Failed as error:
        return str(error)[:300]
    if [array.dtype for array in found] != [array.dtype for array in expected]:
        return f"dtypes {[array.dtype for array in found]}"
    return "" if all(np.allclose(a, b, 1e-4, 1e-5) for a, b in zip(found, expected, strict=True)) else "differs"

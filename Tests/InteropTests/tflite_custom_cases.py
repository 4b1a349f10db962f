"""Custom operators that LiteRT for Python has no kernels of, each held against the TensorFlow operator that it stands for, or against
what MediaPipe's kernels compute, said in NumPy."""
import re

import numpy as np
import tensorflow as tf
from flatbuffers import flexbuffers

import litert
import modelctl
import peers
import test_tflite_read as reading
import tflite_landmark_cases as landmarks
from tflite_cases import floats
from tflite_models import one

SAME, VALID = 1, 2
# What TensorFlow Lite has no operators for.
NOT_BY_LITERT = set()


def pool_options(padding, width, height, across, down, activation=0):
    """`TfLitePoolParams`: padding, strides across and down, the window across and down, and room for what is computed."""
    return np.array([padding, across, down, width, height, activation, 0, 0, 0, 0], "int32").tobytes()


def transposed(height):
    """Of an odd height SAME makes one row less than twice as many."""
    x, w, bias = floats(2, height, 4, 3), floats(5, 3, 3, 3, seed=2), floats(5, seed=3)
    rows = 2 * height - height % 2
    model = one("CUSTOM", [x, w, bias], [("float32", [2, rows, 8, 5])], constants=(1, 2), custom="Convolution2DTransposeBias",
                custom_options=np.array([SAME, 2, 2], "int32").tobytes())
    total = [max(0, 3 - (size - 1) % 2 - 1) for size in (height, 4)]
    whole = tf.nn.conv2d_transpose(x, np.transpose(w, (1, 2, 0, 3)), [2, 2 * height + 1, 9, 5], 2, "VALID").numpy()
    return model, [x], [whole[:, total[0] // 2:, total[1] // 2:][:, :rows, :8] + bias]


def image():
    """No two alike, so that there is one greatest."""
    return np.random.default_rng(1).permutation(2 * 4 * 6 * 3).reshape(2, 4, 6, 3).astype("float32")


def pooled_flat():
    x = image()
    model = one("CUSTOM", [x], [("float32", [2, 2, 3, 3]), ("int64", [2, 2, 3, 3])], custom="MaxPoolWithArgmax",
                custom_options=flex_lists(ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME"))
    values, places = tf.nn.max_pool_with_argmax(x, 2, 2, "SAME")
    return model, [x], [values.numpy(), places.numpy()]


def pooled_within(padding, height, width, down, across, activation=0):
    """Places within each window, a tenth added, as MediaPipe counts them."""
    x = image() - 100
    rows, columns = ((4 + down - 1) // down, (6 + across - 1) // across) if padding == SAME else ((4 - height) // down + 1, (6 - width) // across + 1)
    top, left = max(0, ((rows - 1) * down + height - 4) // 2), max(0, ((columns - 1) * across + width - 6) // 2)
    values, places = np.zeros((2, rows, columns, 3), "float32"), np.zeros((2, rows, columns, 3), "float32")
    for batch, row, column, channel in np.ndindex(values.shape):
        window = {(i, j): x[batch, row * down - top + i, column * across - left + j, channel] for i in range(height) for j in range(width)
                  if 0 <= row * down - top + i < 4 and 0 <= column * across - left + j < 6}
        i, j = max(window, key=window.get)
        values[batch, row, column, channel] = max(window[i, j], 0) if activation else window[i, j]
        places[batch, row, column, channel] = i * width + j + np.float32(0.1)
    model = one("CUSTOM", [x], [("float32", list(values.shape))] * 2, custom="MaxPoolingWithArgmax2D",
                custom_options=pool_options(padding, width, height, across, down, activation))
    return model, [x], [values, places]


def unpooled():
    x, rng = image()[:, :2, :3], np.random.default_rng(2)
    places = rng.integers(0, 6, x.shape)
    model = one("CUSTOM", [x, places.astype("float32") + 0.1], [("float32", [2, 4, 9, 3])], custom="MaxUnpooling2D",
                custom_options=pool_options(SAME, 3, 2, 3, 2))
    expected = np.zeros((2, 4, 9, 3), "float32")
    for batch, row, column, channel in np.ndindex(x.shape):
        down, across = divmod(places[batch, row, column, channel], 3)
        expected[batch, 2 * row + down, 3 * column + across, channel] = x[batch, row, column, channel]
    return model, [x, places.astype("float32") + np.float32(0.1)], [expected]


def normalized():
    x, scale, offset, mean, variance = floats(2, 3, 4, 5), floats(5, seed=2), floats(5, seed=3), floats(5, seed=4), floats(5, seed=5) + 3
    model = one("CUSTOM", [x, scale, offset, mean, variance], [("float32", [2, 3, 4, 5])] + [("float32", [5])] * 4 + [("float32", [1])],
                custom="FusedBatchNormV3")
    own, spread = x.mean((0, 1, 2)), x.var((0, 1, 2))
    y = (x - own) / np.sqrt(spread + 0.001) * scale + offset
    moved = [mean * 0.999 + own * 0.001, variance * 0.999 + spread * 0.001 * 24 / 23]
    return model, [x, scale, offset, mean, variance], [y, *moved, own, spread, np.zeros(1, "float32")]


def words():
    """The mean over the words before the first 0."""
    numbers, table = np.array([[3, 1, 4, 0, 2, 1]], "int32"), np.random.default_rng(1).integers(0, 7, (5, 3)).astype("uint8")
    book = floats(7, 4)
    model = one("CUSTOM", [numbers, table, book], [("float32", [1, 12])], constants=(1, 2), custom="KmeansEmbeddingLookup")
    return model, [numbers], [np.mean([book[table[word]].ravel() for word in numbers[0, :3]], 0, keepdims=True)]


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
    "Convolution2DTransposeBias": lambda: transposed(4),
    "Convolution2DTransposeBias of an odd height": lambda: transposed(3),
    "MaxPoolingWithArgmax2D": lambda: pooled_within(SAME, 2, 2, 2, 2),
    "MaxPoolingWithArgmax2D, windows overlap": lambda: pooled_within(SAME, 3, 2, 2, 1),
    "MaxPoolingWithArgmax2D, VALID and RELU": lambda: pooled_within(VALID, 2, 3, 2, 3, activation=1),
    "MaxPoolWithArgmax": pooled_flat,
    "MaxUnpooling2D": unpooled,
    "FusedBatchNormV3": normalized,
    "KmeansEmbeddingLookup": words,
    **landmarks.CASES,
}


def file_name(case):
    return re.sub(r"\W+", "_", case) + ".tflite"


def differs(found, expected):
    return not all(a.dtype == b.dtype and np.allclose(a, b, 1e-4, 1e-5) for a, b in zip(found, expected, strict=True))


def problem(name, folder):
    """How modelctl differs from the reference, and what other runtimes make of the model where modelctl writes it for them; empty
    when nothing differs."""
    model, arrays, expected = CASES[name]()
    path, feeds = folder / file_name(name), {f"x{index}": array for index, array in enumerate(arrays)}
    model.write(path)
    try:
        if differs(reading.run_modelctl(path, feeds), expected):
            return "differs"
        modelctl.convert(path, folder / "as.onnx")
        if differs(peers.run_onnx(folder / "as.onnx", arrays), expected):
            return "differs in ONNX Runtime"
        if name not in NOT_BY_LITERT:
            # Through ONNX, so that nothing is kept as it was.
            modelctl.convert(folder / "as.onnx", folder / "as.tflite")
            if differs(list(litert.run(folder / "as.tflite", arrays)), expected):
                return "differs in LiteRT"
    except modelctl.Failed as error:
        return str(error)[:300]
    return ""

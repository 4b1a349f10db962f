"""TensorFlow's lists of tensors written again: as SavedModels that TensorFlow runs, as TF.js graphs, as ONNX sequences and as TFLite's tensors; and an entry
point that is not the first as a TF.js graph."""
import numpy as np
import pytest
import tensorflow as tf

import litert
import modelctl
import peers
import tfjs_graphs

raw = tf.raw_ops


def listed(x):
    return raw.TensorListFromTensor(tensor=x, element_shape=tf.constant([3]))


def appended_in_a_loop(x):
    empty = raw.EmptyTensorList(element_shape=[3], max_num_elements=-1, element_dtype=tf.float32)

    def step(i, items):
        return i + 1, raw.TensorListPushBack(input_handle=items, tensor=x[i] * tf.cast(i + 2, tf.float32))

    _, items = tf.while_loop(lambda i, items: i < 4, step, [0, empty])
    return raw.TensorListStack(input_handle=items, element_shape=[3], element_dtype=tf.float32), raw.TensorListLength(input_handle=items)


def popped(x):
    rest, last = raw.TensorListPopBack(input_handle=listed(x), element_shape=[3], element_dtype=tf.float32)
    return last, raw.TensorListStack(input_handle=rest, element_shape=[3], element_dtype=tf.float32)


def split_and_joined(x):
    parts = raw.TensorListSplit(tensor=x, element_shape=[-1, 3], lengths=tf.constant([1, 3], tf.int64))
    joined, lengths = raw.TensorListConcatV2(
        input_handle=parts, element_shape=[-1, 3], leading_dims=tf.constant([], tf.int64), element_dtype=tf.float32)
    return joined * 2, lengths


def scattered(x):
    places = raw.TensorListScatterIntoExistingList(input_handle=listed(x), tensor=x[:2] * 3, indices=[3, 0])
    return raw.TensorListStack(input_handle=places, element_shape=[3], element_dtype=tf.float32)


def grown(x):
    """A list of no told length, read before it is put away."""
    items = tf.TensorArray(tf.float32, size=0, dynamic_size=True, clear_after_read=False)
    items = items.write(0, x[0]).write(1, x[1])

    def step(i, items):
        return i + 1, items.write(i, items.read(i - 1) + items.read(i - 2) * x[i - 2])

    _, items = tf.while_loop(lambda i, items: i < 6, step, [2, items])
    return items.stack(), items.size(), items.read(5)


def walked(x):
    """Loops that begin with the first row, and two lists in one loop."""
    sums, products = tf.scan(lambda a, row: (a[0] + row, a[1] * row), x, initializer=(tf.zeros([3]), tf.ones([3])))
    return tf.scan(lambda a, row: a * 0.5 + row, x), tf.foldr(lambda a, row: a * 0.5 + row, x), sums, products


def fused(x):
    """TensorFlow's LSTM over the time as one operator: a loop everywhere else."""
    rng = np.random.default_rng(6)
    weights, bias = rng.normal(size=(8, 20)).astype("float32"), rng.normal(size=20).astype("float32")
    result = raw.BlockLSTM(seq_len_max=tf.cast(tf.shape(x)[0], tf.int64), x=x[:, None], cs_prev=tf.zeros([1, 5]), h_prev=tf.zeros([1, 5]), w=weights,
                           wci=bias[:5], wcf=bias[5:10], wco=bias[10:15], b=bias, use_peephole=True)
    return result.h, result.cs


CASES = {
    "fused": (fused, ("savedmodel", "tfjs-graph", "onnx", "tflite")),
    "grown": (grown, ("savedmodel", "onnx", "tflite")),
    "walked": (walked, ("savedmodel", "tfjs-graph", "onnx", "tflite")),
    "appended in a loop": (appended_in_a_loop, ("savedmodel", "tfjs-graph", "onnx", "tflite")),
    "popped": (popped, ("savedmodel", "tfjs-graph", "onnx", "tflite")),
    "split and joined": (split_and_joined, ("savedmodel", "tfjs-graph")),
    "scattered": (scattered, ("savedmodel",)),  # TensorFlow.js has no such op.
}


@pytest.mark.parametrize("name", CASES)
def test_lists(name, tmp_path):
    function, targets = CASES[name]
    module = tf.Module()
    module.call = tf.function(function, input_signature=[tf.TensorSpec([4, 3], name="x")])
    tf.saved_model.save(module, str(tmp_path / "source"), {"serving_default": module.call})
    x = np.random.default_rng(2).normal(size=(4, 3)).astype("float32")
    original = tf.saved_model.load(str(tmp_path / "source")).signatures["serving_default"](x=tf.constant(x))
    expected = {key: value.numpy() for key, value in original.items()}
    for target in targets:
        path = tmp_path / f"out.{target}"
        modelctl.convert(tmp_path / "source", path, "--to", target)
        if target == "savedmodel":
            found = {key: value.numpy() for key, value in tf.saved_model.load(str(path)).signatures["serving_default"](x=tf.constant(x)).items()}
        elif target == "tfjs-graph":
            found = tfjs_graphs.run(path, {"x": x})
        elif target == "tflite":
            found = litert.open_model(path).get_signature_runner()(x=x)
        else:
            session = peers.onnxruntime.InferenceSession(str(path))
            found = dict(zip([port.name for port in session.get_outputs()], session.run(None, {"x": x})))
        assert set(found) == set(expected)
        for key, value in expected.items():
            # What the runtimes' gates are off by is one step of single precision below 1, of numbers that may be much smaller.
            np.testing.assert_allclose(found[key], value, rtol=1e-6, atol=1e-7 if name == "fused" else 0, err_msg=f"{target} {key}")


def test_another_entry_point_as_a_tfjs_graph(tmp_path):
    module = tf.Module()
    module.first = tf.function(lambda x: {"sum": x + 1}, input_signature=[tf.TensorSpec([None, 2], name="x")])
    module.second = tf.function(lambda y: {"product": y * 3}, input_signature=[tf.TensorSpec([None, 2], name="y")])
    tf.saved_model.save(module, str(tmp_path / "source"), {"serving_default": module.first, "scaled": module.second})
    modelctl.convert(tmp_path / "source", tmp_path / "graph", "--to", "tfjs-graph", "--signature", "scaled")
    y = np.array([[1, 2], [3, 5]], "float32")
    np.testing.assert_allclose(tfjs_graphs.run(tmp_path / "graph", {"y": y})["product"], y * 3)


def test_bits_as_tflite(tmp_path):
    """Operations that LiteRT lacks, of the integers that it has, spelled with those it has; 64 bits as two halves."""
    rng, module, feeds, expected = np.random.default_rng(4), tf.Module(), {}, {}
    for dtype in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64"):
        bounds = np.iinfo(dtype)
        for name, shape in (("a", [4, 3]), ("b", [3])):
            feeds[f"{dtype}_{name}"] = rng.integers(bounds.min, bounds.max, shape, dtype, endpoint=True)
        feeds[f"{dtype}_n"] = rng.integers(0, bounds.bits - 1, [4, 3]).astype(dtype)

    def call(**x):
        outputs = {}
        for dtype in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64"):
            a, b, n = (x[f"{dtype}_{name}"] for name in "abn")
            for name in ("and", "or", "xor"):
                outputs[f"{dtype}_{name}"] = getattr(tf.bitwise, f"bitwise_{name}")(a, b)
            outputs[f"{dtype}_invert"] = tf.bitwise.invert(a)
            if dtype not in ("uint32", "int64"):
                outputs[f"{dtype}_left"] = tf.bitwise.left_shift(a, n)
                outputs[f"{dtype}_right"] = tf.bitwise.right_shift(a, n)
        return outputs

    module.call = tf.function(call, autograph=False)
    concrete = module.call.get_concrete_function(**{name: tf.TensorSpec(value.shape, value.dtype, name=name) for name, value in feeds.items()})
    tf.saved_model.save(module, str(tmp_path / "source"), {"serving_default": concrete})
    modelctl.convert(tmp_path / "source", tmp_path / "model.tflite")
    found = litert.open_model(tmp_path / "model.tflite").get_signature_runner()(**feeds)
    for name, value in module.call(**{name: tf.constant(value) for name, value in feeds.items()}).items():
        np.testing.assert_array_equal(found[name], value.numpy(), name)


def test_halves_put_together(tmp_path):
    """ONNX Runtime adds no halves in their places: they are added in single precision."""
    module, x = tf.Module(), np.random.default_rng(5).normal(size=(4, 3)).astype("float16")
    module.call = tf.function(
        lambda x: {"sum": tf.math.unsorted_segment_sum(x, [1, 0, 1, 1], 3), "added": tf.tensor_scatter_nd_add(x, [[2], [0], [2]], x[:3])},
        input_signature=[tf.TensorSpec([4, 3], tf.float16, name="x")])
    tf.saved_model.save(module, str(tmp_path / "source"), {"serving_default": module.call})
    modelctl.convert(tmp_path / "source", tmp_path / "model.onnx")
    session = peers.onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    found = dict(zip([port.name for port in session.get_outputs()], session.run(None, {"x": x})))
    for name, value in module.call(tf.constant(x)).items():
        np.testing.assert_allclose(found[name], value.numpy(), rtol=2e-3, atol=2e-3, err_msg=name)  # Steps of half precision.

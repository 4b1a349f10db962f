"""Networks quantised by `convert --quantize`: against TensorFlow's converter, and run by LiteRT's reference kernels bit for bit."""
import functools

import numpy as np
import pytest

import litert
import modelctl
import quantizing
from quantizing import relative

NAMES = list(quantizing.NETWORKS)


@functools.cache
def network(name):
    model = quantizing.seeded(quantizing.NETWORKS[name]())
    return model, quantizing.samples(model)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("quantized")


@pytest.fixture(scope="module")
def quantized(folder):
    """Our file and report of a network in a mode, made once."""
    @functools.cache
    def make(name, mode, *options):
        model, data = network(name)
        source, samples = folder / f"{name}.keras", folder / f"{name}.npz"
        if not source.exists():
            model.save(source)
            np.savez(samples, **data)
        path = folder / f"{name}-{mode}-{len(options)}-{abs(hash(options))}.tflite"
        return path, modelctl.convert(source, path, "--quantize", mode, "--representative", samples, *options)["quantization"]

    return make


def first(data, count=3):
    return {name: array[:count] for name, array in data.items()}


@pytest.mark.parametrize("mode", ["int8", "int16x8", "dynamic", "float16"])
@pytest.mark.parametrize("name", NAMES)
def test_no_worse_than_tensorflow(name, mode, folder):
    """A file for one sample at a time: the same operators, scales and zero points; no larger; no further from the float model."""
    model, data = network(name)
    source, samples, path, theirs = [folder / f"{name}-one{end}" for end in (".keras", ".npz", f"-{mode}.tflite", f"-{mode}-tf.tflite")]
    if not source.exists():
        quantizing.one_at_a_time(model).save(source)
        np.savez(samples, **data)
    report = modelctl.convert(source, path, "--quantize", mode, "--representative", samples)["quantization"]
    theirs.write_bytes(quantizing.tensorflow(model, data, mode=mode))
    assert report["float"] == []
    assert path.stat().st_size <= theirs.stat().st_size * 1.02
    if mode in ("int8", "int16x8") and name != "gates":
        different, compared = quantizing.differences(theirs, path)
        assert different == [] and compared > 10
        # A bias of 64 bits has more steps than a float has digits: one in thousands is the step beside.
        weights, (count, apart, _) = quantizing.integers(theirs, path)
        assert weights[:2] == (0, 0) and count <= (0 if mode == "int8" else 2) and apart <= 1
    # Samples that nobody calibrated with. With the same integers and scales (within 1e-6) single sums are rounded differently; weights of
    # half precision and hybrid ones are the same floats, and their sums are added up in another order.
    fresh = quantizing.samples(model, count=40, seed=9)["x"]
    exact = model(fresh, training=False).numpy()
    ours, tf = [np.concatenate([quantizing.invoke(file, sample[None]) for sample in fresh]) for file in (path, theirs)]
    assert relative(exact, ours) <= 1.002 * relative(exact, tf) + 1e-6


@pytest.mark.parametrize("mode", ["int8", "int16x8", "dynamic", "float16"])
@pytest.mark.parametrize("name", NAMES)
def test_runs_like_litert(name, mode, quantized, folder):
    """Our engine and LiteRT's reference kernels: integers to the last bit; and both near the float model."""
    model, data = network(name)
    path, report = quantized(name, mode)
    feeds = first(data)
    expected = quantizing.invoke(path, list(feeds.values())[0])
    (found,) = quantizing.ours(path, feeds, folder).values()
    if mode in ("int8", "int16x8"):
        np.testing.assert_array_equal(found, expected)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    exact = model(list(feeds.values())[0], training=False).numpy()
    # What TensorFlow's files cost, rounded up: weights of 8 bits about 1 % where they are many.
    limit = {"int8": 0.04, "int16x8": 0.025, "dynamic": 0.01, "float16": 0.0006}[mode]
    assert relative(exact, expected) < limit
    assert report["error"] < limit


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_integers_at_the_border(dtype, quantized, folder):
    """A model that takes and gives integers, with no floats inside."""
    model, data = network("cnn")
    path, _ = quantized("cnn", "int8", "--input-type", dtype, "--output-type", dtype, "--full-integer")
    interpreter = litert.open_model(path)
    (take,), (give,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert take["dtype"] == give["dtype"] == np.dtype(dtype)
    assert "DEQUANTIZE" not in litert.operators(path)
    scale, zero = take["quantization"]
    limits = np.iinfo(dtype)
    x = np.clip(np.round(data["x"][:2] / scale) + zero, limits.min, limits.max).astype(dtype)
    expected = quantizing.invoke(path, x)
    (found,) = quantizing.ours(path, {"x": x}, folder).values()
    np.testing.assert_array_equal(found, expected)
    scale, zero = give["quantization"]
    exact = model(data["x"][:2], training=False).numpy()
    assert relative(exact, (expected.astype("f4") - zero) * scale) < 0.035


def test_there_and_back(quantized, folder):
    """int8 TFLite becomes QDQ ONNX becomes int8 TFLite: every scale, zero point and integer is the same."""
    path, _ = quantized("cnn", "int8")
    graph, back = folder / "cnn.onnx", folder / "back.tflite"
    modelctl.convert(path, graph)
    modelctl.convert(graph, back)
    a, b = list(quantizing.steps(path)), list(quantizing.steps(back))
    assert [step[0] for step in b] == [step[0] for step in a]
    first_model, second = litert.model(path), litert.model(back)
    constants = 0
    for (kind, op, graph_a, inputs, outputs), (_, other, graph_b, found_in, found_out) in zip(a, b):
        for expected, found in zip(inputs + outputs, found_in + found_out):
            assert (expected is None) == (found is None)
            if expected is not None:
                np.testing.assert_array_equal(found[0], expected[0], err_msg=kind)
                assert found[1] == expected[1]
        for i, j in zip(op.inputs, other.inputs):
            data = first_model.buffers[graph_a.tensors[i].buffer].data
            if data is not None and len(data):
                np.testing.assert_array_equal(second.buffers[graph_b.tensors[j].buffer].data, data, err_msg=kind)
                constants += 1
    assert constants > 10
    _, data = network("cnn")
    (array,) = first(data).values()
    np.testing.assert_array_equal(quantizing.invoke(back, array), quantizing.invoke(path, array))

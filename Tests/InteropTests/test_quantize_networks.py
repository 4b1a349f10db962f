"""Networks quantised by `convert --quantize`: against TensorFlow's converter, and run by LiteRT's reference kernels bit for bit."""
import functools

import numpy as np
import pytest

import litert
import modelctl
import quantizing

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


def relative(expected, found):
    return float(np.sqrt(np.mean((expected - found) ** 2) / np.mean(expected**2)))


@pytest.mark.parametrize("name", ["mlp", "cnn", "unet"])
def test_int8_against_tensorflow(name, quantized, folder):
    """The same operators in the same order; scales and zero points equal; no larger; no further from the float model."""
    model, data = network(name)
    path, report = quantized(name, "int8")
    theirs = folder / f"{name}-tf.tflite"
    theirs.write_bytes(quantizing.tensorflow(model, data))
    # What computes extents aside, for our batch is open; and branches may be computed in another order.
    a, b = [
        sorted(
            (step for step in quantizing.steps(file) if any(step[3] + step[4]) and step[0] != "SHAPE"),
            key=lambda step: (step[0], [float(f"{q[0][0]:.5g}") if q else 0 for q in step[4] + step[3]]))
        for file in (theirs, path)]
    assert [step[0] for step in b] == [step[0] for step in a]
    # TensorFlow looks at the operands of a sum when the sum has been stored in the place of one of them.
    overwritten = {i for step in a if step[0] in ("ADD", "SUB", "MUL") for i in step[1].inputs}
    compared = 0
    for (kind, op, _, inputs, outputs), (_, _, _, ours_in, ours_out) in zip(a, b):
        for place, (expected, found) in enumerate(zip(inputs + outputs, ours_in + ours_out)):
            if expected is None:
                assert found is None, f"{kind}: tensor {place} is quantised"
                continue
            tensors = [i for i in list(op.inputs) + list(op.outputs) if i >= 0]
            if tensors[place] in overwritten:
                continue
            assert found is not None and len(found[0]) == len(expected[0]), f"{kind}: tensor {place}"
            np.testing.assert_allclose(found[0], expected[0], rtol=1e-6, err_msg=f"{kind}: tensor {place}")
            assert found[1] == expected[1], f"{kind}: zero points of tensor {place}"
            compared += 1
    assert compared > len(a)
    # An open batch takes a few operators, which show in files as small as these.
    assert path.stat().st_size <= theirs.stat().st_size * 1.02 + 1024
    (array,) = data.values()
    exact = model(array, training=False).numpy()
    # TensorFlow's file takes one sample at a time.
    ours, tf = [np.concatenate([quantizing.invoke(file, sample[None]) for sample in array]) for file in (path, theirs)]
    assert relative(exact, ours) <= max(1.5 * relative(exact, tf), 0.01)
    assert report["float"] == []


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
    # Weights of 8 bits cost about as much in each mode that has them.
    limit = {"int8": 0.1, "int16x8": 0.03, "dynamic": 0.05, "float16": 0.002}[mode]
    assert relative(exact, expected) < limit
    assert report["error"] < limit


@pytest.mark.parametrize("mode", ["int16x8", "dynamic", "float16"])
def test_other_modes_against_tensorflow(mode, quantized, folder):
    """The convolutional network in the other modes: the same operators, scales and size."""
    model, data = network("cnn")
    path, _ = quantized("cnn", mode)
    theirs = folder / f"cnn-{mode}-tf.tflite"
    theirs.write_bytes(quantizing.tensorflow(model, data, mode=mode))
    a, b = list(quantizing.steps(theirs)), list(quantizing.steps(path))
    drop = lambda list_: [step for step in list_ if step[0] != "DEQUANTIZE" or mode == "int16x8"]
    assert [step[0] for step in drop(b)] == [step[0] for step in drop(a)]
    assert path.stat().st_size <= theirs.stat().st_size * 1.02
    if mode == "int16x8":
        overwritten = {i for step in a if step[0] in ("ADD", "SUB", "MUL") for i in step[1].inputs}
        for (kind, op, _, _, outputs), (_, _, _, _, found) in zip(a, b):
            if outputs[0] is not None and op.outputs[0] not in overwritten:
                np.testing.assert_allclose(found[0][0], outputs[0][0], rtol=1e-6, err_msg=kind)


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
    assert relative(exact, (expected.astype("f4") - zero) * scale) < 0.1


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

"""What published TFLite files hold beside what converters write today: run by modelctl and by LiteRT."""
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import litert
import modelctl
import test_tflite_read as reading
from tflite_builder import Builder, Quantized, constant, options
from tflite_cases import flex


def write(builder, path):
    path.write_bytes(builder.bytes())
    return path


def same_as_litert(path, feeds, reference=True):
    expected, found = reading.run_litert(path, feeds, reference), reading.run_modelctl(path, feeds)
    for wanted, result in zip(expected, found, strict=True):
        assert np.any(wanted != wanted.flat[0]) or wanted.size == 1, "nothing but one number tells nothing"
        np.testing.assert_array_equal(result, wanted)


def test_detections_of_quantised_boxes(tmp_path):
    """The 8-bit detectors of 2018 hand quantised boxes, scores and anchors to the custom operator."""
    b, random = Builder(), np.random.default_rng(5)
    boxes, scores = Quantized("uint8", (1, 12, 4), 0.031, 120), Quantized("uint8", (1, 12, 4), 1 / 256, 0)
    anchors = constant("uint8", random.integers(60, 240, (12, 4)), 0.0041, 3)
    results = [Quantized("float32", (1, 5, 4)), Quantized("float32", (1, 5)), Quantized("float32", (1, 5)), Quantized("float32", (1,))]
    b.add("detect", "CUSTOM", [boxes, scores, anchors], results)
    b.model.operatorCodes[0].customCode = "TFLite_Detection_PostProcess"
    b.graph.operators[0].customOptions = np.frombuffer(flex(
        max_detections=5, max_classes_per_detection=1, detections_per_class=4, use_regular_nms=False, nms_score_threshold=0.1,
        nms_iou_threshold=0.5, num_classes=3, y_scale=10.0, x_scale=10.0, h_scale=5.0, w_scale=5.0), "uint8")
    same_as_litert(write(b, tmp_path / "model.tflite"), b.feeds())


def test_a_result_declared_as_floats(tmp_path):
    """Arithmetic on quantised integers gives integers, though the file calls the tensor between two operators floats."""
    for dtype in ("int8", "uint8"):
        b = Builder()
        x = Quantized(dtype, (2, 3, 4), 0.0039, 0)
        between, y = Quantized("float32", (2, 3, 4), 0.0052, 0), Quantized(dtype, (2, 3, 4), 0.0045, 0)
        b.add("first", "ADD", [x, Quantized(dtype, (2, 3, 4), 0.0039, 0)], [between], options("AddOptions"))
        b.add("second", "ADD", [between, x], [y], options("AddOptions"))
        # The second takes what the first gives.
        first, second = b.graph.operators
        second.inputs[0] = first.outputs[0]
        spare = len(b.inputs) - 2
        del b.inputs[spare], b.graph.inputs[spare]
        b.graph.outputs = [second.outputs[0]]
        same_as_litert(write(b, tmp_path / f"{dtype}.tflite"), b.feeds())


def test_fully_connected_of_blocks(tmp_path):
    """4-bit weights with a scale for each 32 of their depth."""
    random, units, depth, block = np.random.default_rng(3), 6, 64, 32
    for keep in (True, False):
        b = Builder()
        weights = constant("int4", random.integers(-8, 8, (units, depth)))
        x, y = Quantized("float32", (2, 3, depth)), Quantized("float32", (2, 3, units) if keep else (6, units))
        bias = constant("float32", random.normal(size=units))
        b.add("dense", "FULLY_CONNECTED", [x, weights, bias], [y],
              options("FullyConnectedOptions", keepNumDims=keep, asymmetricQuantizeInputs=True), version=13)
        scales = b.tensor(Quantized("float32", (units, depth // block), data=random.uniform(0.01, 0.2, (units, depth // block))), "scales")
        tensor = b.graph.tensors[scales]
        tensor.type = schema.TensorType.FLOAT16
        halves = b.model.buffers[tensor.buffer].data.view("float32").astype("float16")
        b.model.buffers[tensor.buffer].data = halves.view("uint8")
        details = schema.BlockwiseQuantizationT()
        details.scales, details.zeroPoints, details.blockSize = scales, -1, block
        quantization = schema.QuantizationParametersT()
        quantization.detailsType, quantization.details = schema.QuantizationDetails.BlockwiseQuantization, details
        b.graph.tensors[b.graph.operators[0].inputs[1]].quantization = quantization
        path = write(b, tmp_path / f"{keep}.tflite")
        # LiteRT's resolver of reference kernels gives nothing but zeros here.
        (expected,), (found,) = litert.run(path, list(b.feeds().values())), reading.run_modelctl(path, b.feeds())
        assert np.std(expected) > 0.1
        np.testing.assert_allclose(found, expected, 1e-5, 1e-5)


def test_what_is_compiled_for_an_accelerator(tmp_path):
    """Vela's networks are one operator, which is given room to work in as tensors that nothing makes."""
    b = Builder()
    x, commands, y = Quantized("int8", (1, 8), 0.1, 3), constant("uint8", np.arange(64)), Quantized("int8", (1, 4), 0.2, 1)
    b.add("all", "CUSTOM", [commands, Quantized("uint8", (256,)), x], [y])
    b.model.operatorCodes[0].customCode = "ethos-u"
    b.graph.inputs = b.graph.inputs[1:]
    path = write(b, tmp_path / "model.tflite")
    failure = pytest.raises(modelctl.Failed, modelctl.convert, path, tmp_path / "model.onnx").value
    assert failure.code == 69 and "ethos-u × 1: it is compiled for" in failure.errors
    assert modelctl.convert(path, tmp_path / "again.tflite")["verification"]["equivalent"]
    again = litert.model(tmp_path / "again.tflite")
    assert [list(again.subgraphs[0].operators[0].inputs), again.operatorCodes[0].customCode] == [[0, 1, 2], b"ethos-u"]

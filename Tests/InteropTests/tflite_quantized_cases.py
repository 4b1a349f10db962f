"""Quantised operators as LiteRT takes them, by dtype."""
import numpy as np
from tflite_builder import Builder, Quantized, constant, options

ACTIVATIONS = {"none": 0, "relu": 1, "reluN1To1": 2, "relu6": 3}
SAME, VALID = 0, 1


def zero_of(dtype, offset):
    """A zero point `offset` steps from the middle; 16 bits have none."""
    return {"int8": offset, "uint8": 128 + offset, "int16": 0}[dtype]


def weights(random, dtype, shape, axis, per_axis=True):
    """Symmetric weights, per output channel where the dtype of the activations allows it."""
    if dtype == "uint8":
        return constant("uint8", random.integers(0, 256, shape), 0.011, 117)
    low = -7 if dtype == "int4" else -127
    scales = 0.002 + 0.013 * random.random(shape[axis]) if per_axis else 0.0093
    return constant("int4" if dtype == "int4" else "int8", random.integers(low, -low + 1, shape), scales, 0, axis)


def bias(random, dtype, count, input_scale, w, wide=True):
    scale = np.atleast_1d(np.float32(input_scale) * np.asarray(w.scale, np.float32))
    return constant("int64" if dtype == "int16" and wide else "int32", random.integers(-4000, 4000, (count,)), scale, 0, 0)


def window_cases(b, random, dtype, s):
    x = lambda shape, zero=5: Quantized(dtype, shape, s(0.031), zero_of(dtype, zero))
    y = lambda shape, scale=0.4: Quantized(dtype, shape, s(scale), zero_of(dtype, -9))
    for name, activation, stride, dilation, padding, out in [
        ("plain", "none", (1, 1), (1, 1), SAME, (7, 9)), ("relu6", "relu6", (2, 1), (1, 1), VALID, (3, 7)),
        ("dilated", "relu", (1, 1), (2, 3), VALID, (3, 3)), ("n1to1", "reluN1To1", (3, 2), (1, 1), SAME, (3, 5)),
    ]:
        o = lambda kind, **more: options(
            kind, padding=padding, strideH=stride[0], strideW=stride[1], dilationHFactor=dilation[0], dilationWFactor=dilation[1],
            fusedActivationFunction=ACTIVATIONS[activation], **more)
        per_axis = name != "n1to1"
        w = weights(random, dtype, (6, 3, 3, 5), 0, per_axis)
        scale = 0.04 if activation != "none" else 0.4
        b.add(f"conv/{name}", "CONV_2D", [x((2, 7, 9, 5)), w, bias(random, dtype, 6, s(0.031), w)], [y((2, *out, 6), scale)],
              o("Conv2DOptions"), 3)
        w = weights(random, dtype, (1, 3, 3, 8), 3, per_axis)
        b.add(f"depthwise/{name}", "DEPTHWISE_CONV_2D", [x((2, 7, 9, 4)), w, bias(random, dtype, 8, s(0.031), w)],
              [y((2, *out, 8), scale)], o("DepthwiseConv2DOptions", depthMultiplier=2), 3)
    w = weights(random, dtype, (6, 2, 3, 2), 0)
    b.add("conv/groups", "CONV_2D", [x((1, 5, 6, 6)), w, bias(random, dtype, 6, s(0.031), w)], [y((1, 5, 6, 6), 0.2)],
          options("Conv2DOptions", padding=SAME, strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1), 3)
    if dtype == "int16":
        w = weights(random, dtype, (6, 1, 2, 3), 0)
        b.add("conv/bias32", "CONV_2D", [x((1, 5, 6, 3)), w, bias(random, dtype, 6, s(0.031), w, False)], [y((1, 5, 6, 6), 0.2)],
              options("Conv2DOptions", padding=SAME, strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1, quantizedBiasType=2), 3)
    if dtype != "uint8":
        w = weights(random, dtype, (4, 3, 2, 5), 0)
        for name, padding, out in [("same", SAME, (6, 8)), ("valid", VALID, (7, 8))]:
            b.add(f"transposed/{name}", "TRANSPOSE_CONV",
                  [constant("int32", [1, *out, 4]), w, x((1, 3, 4, 5)), bias(random, dtype, 4, s(0.031), w)], [y((1, *out, 4), 0.2)],
                  options("TransposeConvOptions", padding=padding, strideH=2, strideW=2), 3)
    for name, activation, padding, out in [("same", "none", SAME, (3, 4)), ("valid", "relu6", VALID, (2, 4))]:
        o = options("Pool2DOptions", padding=padding, strideH=3, strideW=2, filterHeight=3, filterWidth=2,
                    fusedActivationFunction=ACTIVATIONS[activation])
        image = Quantized(dtype, (2, 7, 8, 3), s(0.05), zero_of(dtype, 3))
        result = Quantized(dtype, (2, *out, 3), s(0.05), zero_of(dtype, 3))
        b.add(f"average/{name}", "AVERAGE_POOL_2D", [image], [result], o, 2)
        b.add(f"maximum/{name}", "MAX_POOL_2D", [image], [result], o, 2)


def linear_cases(b, random, dtype, s):
    for name, shape, keep, per_axis, activation in [
        ("plain", (3, 37), False, False, "none"), ("per_axis", (3, 37), False, True, "relu"), ("keep", (2, 3, 37), True, False, "relu6"),
        ("flat", (2, 3, 37), False, False, "none"), ("long", (2, 611), False, False, "none"),
    ]:
        if per_axis and dtype == "uint8":
            continue
        w = weights(random, dtype, (5, shape[-1]), 0, per_axis)
        rows = shape[:-1] if keep else (int(np.prod(shape)) // shape[-1],)
        x = Quantized(dtype, shape, s(0.021), zero_of(dtype, 4))
        out = Quantized(dtype, (*rows, 5), s(0.09), zero_of(dtype, -20))
        o = options("FullyConnectedOptions", keepNumDims=keep, fusedActivationFunction=ACTIVATIONS[activation])
        b.add(f"dense/{name}", "FULLY_CONNECTED", [x, w, bias(random, dtype, 5, s(0.021), w)], [out], o, 4)
    w = weights(random, dtype, (5, 37), 0, False)
    b.add("dense/no_bias", "FULLY_CONNECTED", [Quantized(dtype, (3, 37), s(0.021), zero_of(dtype, 4)), w, None],
          [Quantized(dtype, (3, 5), s(0.09), zero_of(dtype, 2))], options("FullyConnectedOptions"), 4)
    if dtype == "int8":
        w = weights(random, "int4", (5, 37), 0)
        b.add("dense/int4", "FULLY_CONNECTED", [Quantized(dtype, (3, 37), 0.021, 4), w, bias(random, dtype, 5, 0.021, w)],
              [Quantized(dtype, (3, 5), 0.05, 2)], options("FullyConnectedOptions"), 7)
        w = weights(random, "int4", (6, 3, 3, 5), 0)
        b.add("conv/int4", "CONV_2D", [Quantized(dtype, (1, 5, 6, 5), 0.021, 4), w, bias(random, dtype, 6, 0.021, w)],
              [Quantized(dtype, (1, 5, 6, 6), 0.05, 2)],
              options("Conv2DOptions", padding=SAME, strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1), 7)
    if dtype == "int16":
        w = weights(random, dtype, (5, 37), 0, False)
        b.add("dense/bias32", "FULLY_CONNECTED", [Quantized(dtype, (3, 37), s(0.021)), w, bias(random, dtype, 5, s(0.021), w, False)],
              [Quantized(dtype, (3, 5), s(0.09))], options("FullyConnectedOptions", quantizedBiasType=2), 4)
    if dtype != "uint8":
        x, y = Quantized(dtype, (2, 1, 4, 7), s(0.02), zero_of(dtype, 3)), Quantized(dtype, (3, 7, 5), s(0.05), zero_of(dtype, -8))
        out = Quantized(dtype, (2, 3, 4, 5), s(0.3), zero_of(dtype, 6))
        b.add("batch/plain", "BATCH_MATMUL", [x, y], [out], options("BatchMatMulOptions"), 4)
        b.add("batch/adjoint", "BATCH_MATMUL", [Quantized(dtype, (2, 7, 4), s(0.02), zero_of(dtype, 3)),
                                                Quantized(dtype, (2, 5, 7), s(0.05), zero_of(dtype, -8))],
              [Quantized(dtype, (2, 4, 5), s(0.3), zero_of(dtype, 6))], options("BatchMatMulOptions", adjX=True, adjY=True), 4)


def arithmetic_cases(b, random, dtype, s):
    a = lambda shape=(2, 5, 7): Quantized(dtype, shape, s(0.037), zero_of(dtype, 11))
    c = lambda shape=(2, 5, 7): Quantized(dtype, shape, s(0.021), zero_of(dtype, -30))
    y = lambda scale, shape=(2, 5, 7): Quantized(dtype, shape, s(scale), zero_of(dtype, -5))
    general = {} if dtype != "int16" else {"potScaleInt16": False}
    for name, activation in [("plain", "none"), ("relu", "relu"), ("relu6", "relu6")]:
        f = ACTIVATIONS[activation]
        b.add(f"add/{name}", "ADD", [a(), c()], [y(0.05)], options("AddOptions", fusedActivationFunction=f, **general), 2)
        b.add(f"sub/{name}", "SUB", [a(), c()], [y(0.05)], options("SubOptions", fusedActivationFunction=f, **general), 3)
        b.add(f"mul/{name}", "MUL", [a(), c()], [y(0.09)], options("MulOptions", fusedActivationFunction=f), 2)
    b.add("add/broadcast", "ADD", [a(), c((5, 1))], [y(0.05)], options("AddOptions", **general), 2)
    b.add("sub/broadcast", "SUB", [a((7,)), c()], [y(0.05)], options("SubOptions", **general), 3)
    b.add("mul/broadcast", "MUL", [a((2, 1, 7)), c((5, 1))], [y(0.09)], options("MulOptions"), 2)
    same = Quantized(dtype, (2, 5, 7), s(0.037), zero_of(dtype, 11))
    b.add("maximum", "MAXIMUM", [same, same], [same], None, 2)
    b.add("minimum", "MINIMUM", [same, Quantized(dtype, (5, 1), s(0.037), zero_of(dtype, 11))], [same], None, 2)
    # No divisor is zero.
    positive = Quantized(dtype, (2, 5, 7), s(0.021), zero_of(dtype, -120), low=zero_of(dtype, -119), high=None)
    if dtype == "int16":
        positive = Quantized(dtype, (2, 5, 7), s(0.021), 0, low=1)
    b.add("div", "DIV", [a(), positive], [y(0.3)], options("DivOptions"), 2)
    if dtype == "int8":
        b.add("squared", "SQUARED_DIFFERENCE", [a(), c()], [y(0.9)], None, 2)
    if dtype != "int16":
        for code in ["EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"]:
            b.add(code.lower(), code, [a(), c()], [Quantized("bool", (2, 5, 7))], None, 2)


def activation_cases(b, random, dtype, s):
    x = lambda scale=0.047: Quantized(dtype, (3, 11, 13), s(scale), zero_of(dtype, 13))
    y = lambda scale, zero=-7: Quantized(dtype, (3, 11, 13), s(scale), zero_of(dtype, zero))
    for code in ["RELU", "RELU6"] + (["RELU_N1_TO_1"] if dtype != "int16" else []):
        b.add(code.lower(), code, [x()], [y(0.03)], None, 1 if code == "RELU_N1_TO_1" else 2)
    b.add("leaky", "LEAKY_RELU", [x()], [y(0.04)], options("LeakyReluOptions", alpha=0.3), 2)
    slopes = random.integers(-100, 100, (11, 13)) + (128 if dtype == "uint8" else 0)
    alpha = constant("int8" if dtype == "int16" else dtype, slopes, 0.011, 9 if dtype == "int16" else zero_of(dtype, 9))
    b.add("prelu", "PRELU", [x(), alpha], [y(0.05)], None, 1)
    fine = {"int8": (1 / 256, -128), "uint8": (1 / 256, 0), "int16": (1 / 32768, 0)}[dtype]
    b.add("logistic", "LOGISTIC", [x()], [Quantized(dtype, (3, 11, 13), *fine)], None, 3)
    tanh = {"int8": (1 / 128, 0), "uint8": (1 / 128, 128), "int16": (1 / 32768, 0)}[dtype]
    b.add("tanh", "TANH", [x()], [Quantized(dtype, (3, 11, 13), *tanh)], None, 3)
    if dtype == "int16":
        b.add("logistic/pot", "LOGISTIC", [Quantized(dtype, (3, 11, 13), 1 / 4096)], [Quantized(dtype, (3, 11, 13), *fine)], None, 3)
        b.add("tanh/pot", "TANH", [Quantized(dtype, (3, 11, 13), 1 / 2048)], [Quantized(dtype, (3, 11, 13), *tanh)], None, 3)
    b.add("softmax", "SOFTMAX", [x()], [Quantized(dtype, (3, 11, 13), *fine)], options("SoftmaxOptions", beta=1.0), 3)
    b.add("softmax/beta", "SOFTMAX", [x()], [Quantized(dtype, (3, 11, 13), *fine)], options("SoftmaxOptions", beta=1.7), 3)
    b.add("softmax/steep", "SOFTMAX", [x(0.9)], [Quantized(dtype, (3, 11, 13), *fine)], options("SoftmaxOptions", beta=1.0), 3)
    if dtype != "int16":
        log = {"int8": (16 / 256, 127), "uint8": (16 / 256, 255)}[dtype]
        b.add("log_softmax", "LOG_SOFTMAX", [x()], [Quantized(dtype, (3, 11, 13), *log)], options("LogSoftmaxOptions"), 2)
        b.add("hard_swish", "HARD_SWISH", [x()], [y(0.05)], options("HardSwishOptions"), 1)
        b.add("hard_swish/small", "HARD_SWISH", [x(0.012)], [y(0.011)], options("HardSwishOptions"), 1)
        b.add("l2", "L2_NORMALIZATION", [x()], [Quantized(dtype, (3, 11, 13), *tanh)], options("L2NormOptions"), 2)
    b.add("gelu", "GELU", [x()], [y(0.04)], options("GeluOptions"), 2)
    b.add("gelu/approximate", "GELU", [x()], [y(0.04)], options("GeluOptions", approximate=True), 2)
    if dtype != "uint8":
        b.add("exp", "EXP", [x(0.02)], [y(0.08, -128 if dtype == "int8" else 0)], options("ExpOptions"), 2)
        b.add("abs", "ABS", [x()], [y(0.04)], options("AbsOptions"), 3)
        b.add("abs/same", "ABS", [x()], [Quantized(dtype, (3, 11, 13), s(0.047), zero_of(dtype, -7))], options("AbsOptions"), 3)
        positive = Quantized(dtype, (3, 11, 13), s(0.02), -128 if dtype == "int8" else 0, low=-120 if dtype == "int8" else 3)
        b.add("log", "LOG", [Quantized(dtype, (3, 11, 13), s(0.02), -128 if dtype == "int8" else 0)], [y(0.04)], None, 2)
        b.add("rsqrt", "RSQRT", [positive], [y(0.02, -100)], None, 3)
        b.add("sqrt", "SQRT", [positive], [y(0.02, -100)], None, 2)


def reduction_cases(b, random, dtype, s):
    x = Quantized(dtype, (3, 5, 7, 4), s(0.031), zero_of(dtype, 9))
    for name, axes, keep, shape in [("inner", [3], False, (3, 5, 7)), ("space", [1, 2], True, (3, 1, 1, 4)), ("all", [0, 1, 2, 3], False, ())]:
        o = options("ReducerOptions", keepDims=keep)
        out = lambda scale, zero=-3: Quantized(dtype, shape, s(scale), zero_of(dtype, zero))
        b.add(f"mean/{name}", "MEAN", [x, constant("int32", axes)], [out(0.02)], o, 2)
        same = Quantized(dtype, shape, s(0.031), zero_of(dtype, 9))
        b.add(f"max/{name}", "REDUCE_MAX", [x, constant("int32", axes)], [same], o, 2)
        b.add(f"min/{name}", "REDUCE_MIN", [x, constant("int32", axes)], [same], o, 2)
    small = Quantized(dtype, (4, 3), s(0.05), zero_of(dtype, 9))
    if dtype == "uint8":
        b.add("sum", "SUM", [small, constant("int32", [1])], [Quantized(dtype, (4,), s(0.1), zero_of(dtype, 3))], options("ReducerOptions"), 2)
    else:
        b.add("prod", "REDUCE_PROD", [small, constant("int32", [1])], [Quantized(dtype, (4,), s(2.0), zero_of(dtype, 3))],
              options("ReducerOptions"), 2)
    if dtype != "int16":
        b.add("argmax", "ARG_MAX", [x, constant("int32", 3)], [Quantized("int32", (3, 5, 7))], options("ArgMaxOptions", outputType=2), 2)


def conversion_cases(b, random, dtype, s):
    x = Quantized(dtype, (4, 67), s(0.05), zero_of(dtype, 11))
    b.add("dequantize", "DEQUANTIZE", [x], [Quantized("float32", (4, 67))], options("DequantizeOptions"), 2)
    b.add("quantize", "QUANTIZE", [Quantized("float32", (4, 67))], [x], options("QuantizeOptions"), 2)
    for other in ["int8", "uint8", "int16"]:
        if (dtype, other) not in [("int8", "int8"), ("int8", "uint8"), ("uint8", "int8"), ("uint8", "uint8"), ("int16", "int8"),
                                  ("int16", "int16"), ("int8", "int16")]:
            continue
        y = Quantized(other, (4, 67), 0.03 if other != "int16" else 0.0002, zero_of(other, -21))
        b.add(f"requantize/{other}", "QUANTIZE", [x], [y], options("QuantizeOptions"), 2)


def moving_cases(b, random, dtype, s):
    q = lambda shape: Quantized(dtype, shape, s(0.037), zero_of(dtype, 11))
    b.add("concat", "CONCATENATION", [q((2, 3, 4)), q((2, 5, 4))], [q((2, 8, 4))], options("ConcatenationOptions", axis=1), 2)
    if dtype == "uint8":
        b.add("concat/scaled", "CONCATENATION", [q((2, 3)), Quantized(dtype, (2, 3), 0.021, 99)], [Quantized(dtype, (2, 6), 0.04, 120)],
              options("ConcatenationOptions", axis=1), 2)
    b.add("pad", "PAD", [q((2, 3, 4)), constant("int32", [[0, 1], [2, 0], [1, 1]])], [q((3, 5, 6))], options("PadOptions"), 2)
    b.add("padv2", "PADV2", [q((2, 3)), constant("int32", [[0, 1], [2, 0]]), constant(dtype, 7, s(0.037), zero_of(dtype, 11))],
          [q((3, 5))], options("PadV2Options"), 2)
    b.add("reshape", "RESHAPE", [q((2, 3, 4)), constant("int32", [4, 6])], [q((4, 6))], options("ReshapeOptions", newShape=[4, 6]), 1)
    b.add("transpose", "TRANSPOSE", [q((2, 3, 4)), constant("int32", [2, 0, 1])], [q((4, 2, 3))], options("TransposeOptions"), 2)
    b.add("slice", "STRIDED_SLICE", [q((4, 6)), constant("int32", [1, 0]), constant("int32", [4, 6]), constant("int32", [2, 3])],
          [q((2, 2))], options("StridedSliceOptions"), 2)
    b.add("split", "SPLIT", [constant("int32", 1), q((2, 6))], [q((2, 3)), q((2, 3))], options("SplitOptions", numSplits=2), 2)
    b.add("gather", "GATHER", [q((5, 3)), constant("int32", [4, 0, 2])], [q((3, 3))], options("GatherOptions", axis=0), 2)
    b.add("tile", "TILE", [q((2, 3)), constant("int32", [2, 1])], [q((4, 3))], None, 2)
    b.add("pack", "PACK", [q((2, 3)), q((2, 3))], [q((2, 2, 3))], options("PackOptions", valuesCount=2, axis=1), 2)
    if dtype != "int16":
        b.add("space_to_depth", "SPACE_TO_DEPTH", [q((1, 4, 6, 2))], [q((1, 2, 3, 8))], options("SpaceToDepthOptions", blockSize=2), 1)
        b.add("batch_to_space", "BATCH_TO_SPACE_ND", [q((4, 2, 3, 2)), constant("int32", [2, 2]), constant("int32", [[0, 1], [0, 0]])],
              [q((1, 3, 6, 2))], options("BatchToSpaceNDOptions"), 2)
        b.add("space_to_batch", "SPACE_TO_BATCH_ND", [q((1, 3, 6, 2)), constant("int32", [2, 2]), constant("int32", [[0, 1], [0, 0]])],
              [q((4, 2, 3, 2))], options("SpaceToBatchNDOptions"), 2)
    for name, more in [("plain", {}), ("corners", {"alignCorners": True}), ("half", {"halfPixelCenters": True})]:
        b.add(f"bilinear/{name}", "RESIZE_BILINEAR", [q((1, 4, 5, 3)), constant("int32", [7, 11])], [q((1, 7, 11, 3))],
              options("ResizeBilinearOptions", **more), 3)
        b.add(f"nearest/{name}", "RESIZE_NEAREST_NEIGHBOR", [q((1, 4, 5, 3)), constant("int32", [7, 11])], [q((1, 7, 11, 3))],
              options("ResizeNearestNeighborOptions", **more), 3)


FAMILIES = {
    "window": window_cases, "linear": linear_cases, "arithmetic": arithmetic_cases, "activation": activation_cases,
    "reduction": reduction_cases, "conversion": conversion_cases, "moving": moving_cases,
}


def build(family, dtype, seed=3):
    """A file with the operators of a family in one dtype. 16 bits have steps 1/256 as wide."""
    builder, random = Builder(), np.random.default_rng(seed)
    FAMILIES[family](builder, random, dtype, lambda scale: scale / 256 if dtype == "int16" else scale)
    return builder

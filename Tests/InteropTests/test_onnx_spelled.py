"""ONNX operators that other formats lack, and files as people leave them: ONNX Runtime on the source against the real runtimes of
what they become."""
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto as T, helper, numpy_helper

import litert
import modelctl
import peers
import savedmodels

CASES = {}
EVERYWHERE = ("savedmodel", "tflite", "keras", "tfjs-graph", "onnx")


def case(*targets):
    def register(build):
        CASES[build.__name__] = (build, targets or EVERYWHERE)
        return build
    return register


def numbers(*shape, seed=3):
    return np.random.default_rng(seed).normal(0.1, 1, shape).astype("float32")


def build(nodes, inputs, outputs, weights=(), opset=20, domains=()):
    """`inputs` are arrays by name, or pairs of an array and the shape that is declared; `outputs` dtypes by name."""
    def declare(name, given):
        array, shape = given if isinstance(given, tuple) else (given, given.shape)
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), shape)
    graph = helper.make_graph(
        nodes, "g", [declare(n, a) for n, a in inputs.items()], [helper.make_tensor_value_info(n, d, None) for n, d in outputs.items()],
        [numpy_helper.from_array(a, n) for n, a in dict(weights).items()])
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, v) for d, v in domains)]
    return helper.make_model(graph, opset_imports=imports, ir_version=9), {n: a[0] if isinstance(a, tuple) else a for n, a in inputs.items()}


@case()
def flattened():
    x = numbers(3, 2, 4, 5)
    nodes = [helper.make_node("Flatten", ["x"], [f"y{axis}"], axis=axis) for axis in (0, 1, 2, 3)]
    return build(nodes, {"x": x}, {f"y{axis}": T.FLOAT for axis in (0, 1, 2, 3)})


@case("savedmodel", "tflite", "keras")
def flattened_batch():
    return build([helper.make_node("Flatten", ["x"], ["y"])], {"x": (numbers(3, 4, 5), ["batch", 4, 5])}, {"y": T.FLOAT})


@case()
def resized_by_factors():
    """The factor places elements, not the extents it comes to; all axes may share one."""
    x, weights, nodes = numbers(2, 2, 5, 7), {}, []
    for factor in (1.5, 1.7, 0.6, 2.1, 1.6):
        weights[f"by{factor}"] = np.float32([1, 1, factor, factor])
        for mode in ("linear", "cubic", "nearest"):
            nodes.append(helper.make_node(
                "Resize", ["x", "", f"by{factor}"], [f"{mode}{factor}"], mode=mode, coordinate_transformation_mode="half_pixel"))
    weights["to"] = np.int64([9, 15])
    for policy in ("not_larger", "not_smaller"):
        nodes.append(helper.make_node(
            "Resize", ["x", "", "", "to"], [policy], mode="linear", axes=[2, 3], keep_aspect_ratio_policy=policy))
    return build(nodes, {"x": x}, {node.output[0]: T.FLOAT for node in nodes}, weights)


@case()
def transposed_with_strides_and_dilations():
    weights = {"w": numbers(4, 3, 3, 2, seed=4), "b": numbers(3, seed=5), "g": numbers(4, 2, 2, 3, seed=6)}
    nodes = [
        helper.make_node("ConvTranspose", ["x", "w", "b"], ["plain"], strides=[2, 1], dilations=[1, 2]),
        helper.make_node("ConvTranspose", ["x", "w"], ["cut"], strides=[3, 2], dilations=[2, 3], pads=[1, 2, 0, 1]),
        helper.make_node("ConvTranspose", ["x", "g"], ["groups"], strides=[2, 2], dilations=[2, 1], group=2)]
    return build(nodes, {"x": (numbers(2, 4, 5, 7), ["batch", 4, 5, 7])}, {n.output[0]: T.FLOAT for n in nodes}, weights)


@case()
def scattered_from_the_end():
    weights = {"i": np.int64([[1, -1], [-2, 0], [0, 2]]), "rows": np.int64([[-1], [0]]), "u": numbers(3), "v": numbers(2, 4)}
    nodes = [
        helper.make_node("ScatterND", ["x", "i", "u"], ["elements"]), helper.make_node("ScatterND", ["x", "rows", "v"], ["whole"]),
        helper.make_node("ScatterND", ["x", "i", "u"], ["sums"], reduction="add")]
    return build(nodes, {"x": numbers(3, 4)}, {n.output[0]: T.FLOAT for n in nodes}, weights)


def sampled(mode, padding, corners, *shape):
    grid = numbers(shape[0], *[s + 2 for s in shape[2:]], len(shape) - 2, seed=5)
    node = helper.make_node("GridSample", ["x", "grid"], ["y"], mode=mode, padding_mode=padding, align_corners=corners)
    return build([node], {"x": numbers(*shape), "grid": grid}, {"y": T.FLOAT})


@case()
def bilinear_zeros():
    return sampled("linear", "zeros", 0, 2, 3, 5, 4)


@case()
def cubic_border():
    return sampled("cubic", "border", 1, 1, 2, 6, 5)


@case()
def nearest_reflection():
    return sampled("nearest", "reflection", 0, 2, 1, 4, 5)


@case("savedmodel", "tflite", "keras")
def trilinear_reflection():
    return sampled("linear", "reflection", 1, 1, 2, 3, 4, 5)


@case()
def grid_of_an_affine_map():
    nodes = [helper.make_node("AffineGrid", ["theta", "size"], ["grid"]), helper.make_node("GridSample", ["x", "grid"], ["y"], mode="linear")]
    theta = np.array([[[0.8, 0.3, -0.1], [-0.2, 0.9, 0.15]]], "float32")
    return build(nodes, {"x": numbers(1, 2, 4, 6), "theta": theta}, {"y": T.FLOAT}, {"size": np.array([1, 2, 5, 3], "int64")})


@case("savedmodel", "tflite", "keras")
def trees():
    node = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", n_targets=2, nodes_treeids=[0] * 5 + [1] * 3,
        nodes_nodeids=[0, 1, 2, 3, 4, 0, 1, 2], nodes_featureids=[0, 2, 0, 0, 0, 1, 0, 0], nodes_values=[0.25, -0.5, 0, 0, 0, 0.125, 0, 0],
        nodes_modes=["BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"],
        nodes_truenodeids=[1, 3, 0, 0, 0, 1, 0, 0], nodes_falsenodeids=[2, 4, 0, 0, 0, 2, 0, 0],
        target_treeids=[0, 0, 0, 1, 1], target_nodeids=[2, 3, 4, 1, 2], target_ids=[0, 1, 0, 1, 0], target_weights=[0.5, -1.25, 2, 0.75, -3])
    return build([node], {"x": numbers(9, 3)}, {"y": T.FLOAT}, domains=[("ai.onnx.ml", 3)])


@case("savedmodel", "tflite", "keras")
def trees_that_decide_in_several_ways():
    """As XGBoost and LightGBM write them: other comparisons than the first, in one tree several; leaves stand among the nodes."""
    node = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", n_targets=1, nodes_treeids=[0] * 5 + [1] * 3 + [2],
        nodes_nodeids=[0, 1, 2, 3, 4, 0, 1, 2, 0], nodes_featureids=[0, 2, 0, 0, 0, 1, 0, 0, 0],
        nodes_values=[0.25, -0.5, 0, 0, 0, 0.125, 0, 0, 0],
        nodes_modes=["BRANCH_LT", "BRANCH_GTE", "LEAF", "LEAF", "LEAF", "BRANCH_LT", "LEAF", "LEAF", "LEAF"],
        nodes_truenodeids=[1, 3, 0, 0, 0, 1, 0, 0, 0], nodes_falsenodeids=[2, 4, 0, 0, 0, 2, 0, 0, 0],
        target_treeids=[0, 0, 0, 1, 1, 2], target_nodeids=[2, 3, 4, 1, 2, 0], target_ids=[0] * 6, target_weights=[0.5, -1.25, 2, 0.75, -3, 0.125])
    x = numbers(9, 3)
    x[0], x[1] = [0.25, 0.125, -0.5], [0.2, 0.1, -0.5]
    return build([node], {"x": x}, {"y": T.FLOAT}, domains=[("ai.onnx.ml", 3)])


@case("savedmodel", "tflite", "keras")
def blocks_added_up():
    """Blocks that overlap, reach beyond the image, and leave a part of it out."""
    nodes = [
        helper.make_node("Col2Im", ["x", "image", "block"], ["y"], strides=[2, 1], pads=[1, 0, 1, 1]),
        helper.make_node("Col2Im", ["x", "large", "block"], ["z"], strides=[2, 2], dilations=[1, 2])]
    weights = {"image": np.array([5, 5], "int64"), "large": np.array([6, 8], "int64"), "block": np.array([3, 2], "int64")}
    nodes[1].input[0] = "v"
    return build(nodes, {"x": numbers(2, 12, 15), "v": numbers(2, 12, 6, seed=5)}, {"y": T.FLOAT, "z": T.FLOAT}, weights)


def regions(images, **attributes):
    boxes = np.array([[0.5, 1, 6.2, 7.7], [-3, -2, 4, 3.5], [3, 2.5, 12, 11], [2, 2, 2.4, 2.3]], "float32")
    node = helper.make_node("RoiAlign", ["x", "boxes", "which"], ["y"], output_height=3, output_width=2, **attributes)
    return build([node], {"x": numbers(images, 2, 8, 9), "boxes": boxes, "which": np.array([0, images - 1, 0, images - 1], "int64")}, {"y": T.FLOAT}, opset=16)


@case("savedmodel", "tflite", "keras")
def regions_of_images():
    return regions(2, sampling_ratio=2, spatial_scale=0.75)


@case("savedmodel", "tflite", "keras")
def regions_of_an_image():
    return regions(1, sampling_ratio=3, coordinate_transformation_mode="output_half_pixel")


@case("savedmodel", "tflite", "keras")
def grouped_attention():
    """One step of ONNX Runtime's attention over a cache that grows."""
    node = helper.make_node(
        "GroupQueryAttention", ["q", "k", "v", "old_k", "old_v", "lengths", "total", "cos", "sin"], ["y", "new_k", "new_v"], domain="com.microsoft",
        num_heads=4, kv_num_heads=2, do_rotary=1)
    inputs = {"q": numbers(1, 1, 64), "k": numbers(1, 1, 32, seed=4), "v": numbers(1, 1, 32, seed=5), "old_k": numbers(1, 2, 5, 16, seed=6),
              "old_v": numbers(1, 2, 5, 16, seed=7), "lengths": np.array([5], "int32"), "total": np.array(6, "int32")}
    model, feeds = build([node], inputs, {"y": T.FLOAT, "new_k": T.FLOAT, "new_v": T.FLOAT}, {"cos": numbers(16, 8, seed=8), "sin": numbers(16, 8, seed=9)},
                         opset=17, domains=[("com.microsoft", 1)])
    for output, shape in zip(model.graph.output, [(1, 1, 64), (1, 2, 6, 16), (1, 2, 6, 16)]):
        output.CopyFrom(helper.make_tensor_value_info(output.name, T.FLOAT, shape))
    return model, feeds


@case("savedmodel", "tflite", "keras")
def queries_that_look_at_nothing():
    mask = np.array([[False, True, True], [False, False, False], [True, False, True], [True, True, True]])
    node = helper.make_node("Attention", ["q", "k", "v", "mask"], ["y"])
    return build([node], {"q": numbers(1, 2, 4, 3), "k": numbers(1, 2, 3, 3, seed=4), "v": numbers(1, 2, 3, 5, seed=5), "mask": mask}, {"y": T.FLOAT}, opset=23)


@case("onnx")
def a_batch_that_is_none():
    """An exporter was told that the channels are the batch: one extent suits alone."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["p"]), helper.make_node("Relu", ["p"], ["y"])]
    return build(nodes, {"x": (numbers(3), ["batch"])}, {"y": T.FLOAT}, {"w": numbers(3, 1, seed=5)})


@case("savedmodel", "tflite")
def wide_integers_cast():
    """LiteRT casts none without a sign of 64 bits; numbers above 2⁶³ too."""
    nodes = [helper.make_node("Cast", ["n"], ["real"], to=T.FLOAT), helper.make_node("Cast", ["i"], ["whole"], to=T.UINT64)]
    inputs = {"n": np.array([0, 7, 2**31 - 1, 2**63 + 2**40, 2**64 - 2**41], "uint64"), "i": np.array([0, 9, 2**31 - 1], "int32")}
    return build(nodes, inputs, {"real": T.FLOAT, "whole": T.UINT64})


@case("tflite", "savedmodel", "keras")
def places_written_once():
    """What is written twice in a place has no defined value: inputs that are made up for a comparison are places that differ."""
    node = helper.make_node("ScatterND", ["zeros", "places", "x"], ["y"])
    return build([node], {"places": np.array([[5], [1], [7], [2]], "int64"), "x": numbers(4)}, {"y": T.FLOAT}, {"zeros": np.zeros(8, "float32")})


@case("savedmodel", "tflite", "tfjs-graph", "onnx")
def lstm_from_a_constant_state():
    """LiteRT computes what depends on constants alone before a run: the last state must not be among it."""
    node = helper.make_node("LSTM", ["x", "w", "r", "b", "", "", "c"], ["y", "h_last", "c_last"], hidden_size=5)
    weights = {"w": numbers(1, 20, 6), "r": numbers(1, 20, 5, seed=7), "b": numbers(1, 40, seed=8), "c": numbers(1, 3, 5, seed=9)}
    return build([node], {"x": numbers(4, 3, 6)}, {"y": T.FLOAT, "h_last": T.FLOAT, "c_last": T.FLOAT}, weights, opset=14)


@case("savedmodel", "tflite", "tfjs-graph", "onnx")
def integers_carried_round_a_loop():
    """Inside a loop, what is carried has no scale of its own; each use says how it is meant."""
    def port(name, dtype):
        return helper.make_tensor_value_info(name, dtype, [2, 3])
    body = helper.make_graph([
        helper.make_node("DequantizeLinear", ["h", "s1", "z"], ["real"]), helper.make_node("QuantizeLinear", ["x_t", "s2", "z"], ["coarse"]),
        helper.make_node("DequantizeLinear", ["coarse", "s2", "z"], ["given"]), helper.make_node("Mul", ["real", "given"], ["product"]),
        helper.make_node("Add", ["product", "given"], ["sum"]), helper.make_node("QuantizeLinear", ["sum", "s1", "z"], ["next"]),
        helper.make_node("DequantizeLinear", ["next", "s2", "z"], ["out"]), helper.make_node("Concat", ["h", "coarse"], ["both"], axis=1),
    ], "step", [port("h", T.INT8), port("x_t", T.FLOAT)], [
        port("next", T.INT8), port("out", T.FLOAT), helper.make_tensor_value_info("both", T.INT8, [2, 6])])
    nodes = [
        helper.make_node("Scan", ["start", "x"], ["last", "y", "pairs"], body=body, num_scan_inputs=1),
        helper.make_node("Transpose", ["pairs"], ["turned"], perm=[1, 0, 2]), helper.make_node("DequantizeLinear", ["turned", "s1", "z"], ["real_pairs"]),
    ]
    weights = {
        "s1": np.float32(0.03125), "s2": np.float32(0.0625), "z": np.int8(0), "start": np.arange(-3, 3, dtype="int8").reshape(2, 3)}
    return build(nodes, {"x": numbers(4, 2, 3)}, {"last": T.INT8, "y": T.FLOAT, "real_pairs": T.FLOAT}, weights)


@case()
def bits():
    random = np.random.default_rng(4)
    inputs = {n: random.integers(-2**31, 2**31, (3, 4)).astype("int32") for n in ("a", "b")}
    return build([helper.make_node("BitwiseXor", ["a", "b"], ["y"])], inputs, {"y": T.INT32})


@case("savedmodel", "keras", "tfjs-graph", "onnx")
def either_bit():
    random = np.random.default_rng(6)
    inputs = {n: random.integers(-2**31, 2**31, (3, 4)).astype("int32") for n in ("a", "b")}
    return build([helper.make_node("BitwiseOr", ["a", "b"], ["y"])], inputs, {"y": T.INT32})


@case()
def extents_alone():
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]), helper.make_node("Cast", ["s"], ["y"], to=T.BOOL),
        helper.make_node("EyeLike", ["x"], ["z"], k=1, dtype=T.FLOAT),
    ]
    return build(nodes, {"x": numbers(3, 4)}, {"y": T.BOOL, "z": T.FLOAT})


@case()
def cropped_and_padded():
    node = helper.make_node("CenterCropPad", ["x", "shape"], ["y"], axes=[1, 2])
    return build([node], {"x": numbers(2, 7, 4)}, {"y": T.FLOAT}, {"shape": np.array([4, 9], "int64")})


@case()
def nodes_in_no_order():
    """What ONNX asks of files and ONNX Runtime does not."""
    constant = helper.make_node("Constant", [], ["half"], value=numpy_helper.from_array(np.float32(0.5)))
    nodes = [
        helper.make_node("Add", ["a", "b"], ["y"]), helper.make_node("Mul", ["x", "half"], ["b"]), constant,
        helper.make_node("Relu", ["x"], ["a"]),
    ]
    return build(nodes, {"x": numbers(2, 3)}, {"y": T.FLOAT})


@case("tflite", "savedmodel", "keras")
def images_from_channels():
    """PixelShuffle on images of any size."""
    modes = {"crd": "CRD", "dcr": "DCR"}
    nodes = [helper.make_node("DepthToSpace", ["x"], [name], blocksize=2, mode=mode) for name, mode in modes.items()]
    return build(nodes, {"x": (numbers(2, 12, 3, 5), ["n", 12, "h", "w"])}, {name: T.FLOAT for name in modes})


@case("tflite")
def integer_convolutions():
    """As ONNX Runtime quantises dynamically: one zero point for the input, none or one for the weights."""
    random = np.random.default_rng(8)
    weights = {
        "w": random.integers(-60, 60, (4, 3, 3, 3)).astype("int8"), "none": np.int8(0), "b": random.normal(size=(4, 1, 1)).astype("float32")}
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]),
        helper.make_node("ConvInteger", ["q", "w", "zero", "none"], ["sums"], pads=[1, 1, 0, 1], strides=[1, 2], kernel_shape=[3, 3]),
        helper.make_node("Cast", ["sums"], ["real"], to=T.FLOAT), helper.make_node("Mul", ["real", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "b"], ["y"]),
    ]
    return build(nodes, {"x": (numbers(2, 3, 5, 6), ["n", 3, 5, 6])}, {"y": T.FLOAT}, weights)


@case()
def one_scale_for_a_vector():
    """A bias as ONNX Runtime's static quantisation leaves it: one scale, and an axis that a vector does not have."""
    weights = {"q": np.array([3, -7, 50, 11], "int32"), "scale": np.float32([0.0123]), "zero": np.array([0], "int32")}
    nodes = [helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["bias"]), helper.make_node("Add", ["x", "bias"], ["y"])]
    return build(nodes, {"x": numbers(3, 4)}, {"y": T.FLOAT}, weights)


@case("savedmodel", "tflite", "keras", "onnx")
def slices_from_the_beginning():
    """Bounds as far away as int64 goes."""
    weights = {"first": np.array([-2**63], "int64"), "two": np.array([2], "int64"), "rest": np.array([-1], "int64"), "axis": np.array([0], "int64")}
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]), helper.make_node("Slice", ["shape", "first", "two", "axis"], ["lead"]),
        helper.make_node("Concat", ["lead", "rest"], ["wanted"], axis=0), helper.make_node("Reshape", ["x", "wanted"], ["y"]),
    ]
    return build(nodes, {"x": (numbers(2, 3, 4, 5), ["n", 3, 4, 5])}, {"y": T.FLOAT}, weights)


@case("tflite")
def quantised_softmax_across():
    """LiteRT has integer kernels of softmax for the last axis alone."""
    weights = {"s": np.float32(0.03), "z": np.int8(4), "p": np.float32(1 / 256), "low": np.int8(-128)}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]), helper.make_node("DequantizeLinear", ["q", "s", "z"], ["real"]),
        helper.make_node("Softmax", ["real"], ["soft"], axis=1), helper.make_node("QuantizeLinear", ["soft", "p", "low"], ["stored"]),
        helper.make_node("DequantizeLinear", ["stored", "p", "low"], ["y"]),
    ]
    return build(nodes, {"x": numbers(2, 5, 3, 4)}, {"y": T.FLOAT}, weights)


@case("savedmodel")
def dilated_depthwise_of_any_size():
    """On images whose extents are unknown; TensorFlow's kernel for CPUs knows no dilations."""
    weights = {"w": numbers(3, 1, 3, 3, seed=9), "v": numbers(3, 1, 5, seed=10)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["y"], group=3, dilations=[2, 3], pads=[2, 3, 1, 3], kernel_shape=[3, 3]),
        helper.make_node("Conv", ["t", "v"], ["z"], group=3, dilations=[4], pads=[8, 8], kernel_shape=[5]),
    ]
    return build(nodes, {"x": (numbers(2, 3, 8, 7), ["n", 3, "h", "w_"]), "t": (numbers(2, 3, 11), ["n", 3, "t_"])}, {"y": T.FLOAT, "z": T.FLOAT}, weights)


@case("savedmodel")
def all_that_are_left():
    """Non-maximum suppression without a limit, as torchvision is exported."""
    corner = np.random.default_rng(2).uniform(0, 1, (1, 9, 2)).astype("float32")
    boxes = np.concatenate([corner, corner + 0.4], axis=2)
    weights = {"most": np.array([2**63 - 1], "int64"), "overlap": np.float32([0.3])}
    node = helper.make_node("NonMaxSuppression", ["boxes", "scores", "most", "overlap"], ["y"])
    return build([node], {"boxes": (boxes, [1, "n", 4]), "scores": (numbers(1, 1, 9), [1, 1, "n"])}, {"y": T.INT64}, weights)


@case("h5", "keras")
def borders_that_never_win():
    """A maximum over a border of the lowest number, as LiteRT's converter writes padded pooling of PyTorch: a layer that Keras 2 has."""
    weights = {
        "w": numbers(4, 3, 3, 3, seed=11), "pads": np.array([0, 0, 1, 0, 0, 0, 1, 1], "int64"), "lowest": np.float32(np.finfo("float32").min)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], kernel_shape=[3, 3]), helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Pad", ["r", "pads", "lowest"], ["p"]), helper.make_node("MaxPool", ["p"], ["y"], kernel_shape=[3, 2], strides=[2, 2]),
    ]
    return build(nodes, {"x": (numbers(2, 3, 9, 8), ["n", 3, 9, 8])}, {"y": T.FLOAT}, weights)


@case("keras")
def sums_along_other_axes():
    """What Keras takes for a bias of the last axis or the second: tensors with one extent, as long as that axis."""
    x, y = numbers(3, 3, 3, 5), numbers(3, 3, seed=5)
    weights = {"columns": numbers(1, 1, 3, 1, seed=6), "rows": numbers(1, 3, 1, seed=7), "last": np.array([-1], "int64")}
    nodes = [
        helper.make_node("Add", ["x", "columns"], ["a"]), helper.make_node("ReduceMax", ["y", "last"], ["largest"]),
        helper.make_node("Add", ["y", "largest"], ["b"]), helper.make_node("Unsqueeze", ["y", "axis"], ["flat"]),
        helper.make_node("Add", ["flat", "rows"], ["c"]),
    ]
    return build(nodes, {"x": (x, ["n", 3, 3, 5]), "y": (y, ["n", 3])}, {"a": T.FLOAT, "b": T.FLOAT, "c": T.FLOAT}, weights | {"axis": np.array([1], "int64")})


def run(target, path, model, feeds):
    outputs = [output.name for output in model.graph.output]
    if target == "savedmodel":
        return savedmodels.run(path, list(feeds), list(feeds.values()), outputs)
    if target == "tflite":
        runner = litert.open_model(path).get_signature_runner()
        results = runner(**feeds)
        return [results[name] for name in outputs]
    if target == "keras":
        return peers.run_keras(path, list(feeds.values()))
    if target == "h5":
        return peers.run_tf_keras(path, list(feeds.values()))
    return peers.run_onnx_by_name(path, feeds) if target == "onnx" else None


@pytest.mark.parametrize("name", CASES)
def test_becomes(name, tmp_path):
    make, targets = CASES[name]
    model, feeds = make()
    source = tmp_path / "source.onnx"
    onnx.save(model, source)
    expected = onnxruntime.InferenceSession(str(source), providers=["CPUExecutionProvider"]).run(None, feeds)
    if "onnx" in targets:  # The checker wants to know the shapes.
        for output, array in zip(model.graph.output, expected):
            output.CopyFrom(helper.make_tensor_value_info(output.name, output.type.tensor_type.elem_type, array.shape))
        onnx.save(model, source)
    for target in targets:
        path = tmp_path / ("model." + target if target in ("tflite", "keras", "h5", "onnx") else target)
        modelctl.convert(source, path, "--to", target)
        actual = run(target, path, model, feeds)
        if actual is not None:
            peers.compare(actual, expected, what=f"{name} as {target}")


def test_standardised_weights_are_weights(tmp_path):
    """Convolutions whose weights PyTorch standardises by `batch_norm`: that is done once, not in each call."""
    channels = np.ones(64, "float32")
    weights = {
        "w": numbers(1, 64, 288, seed=12), "gain": numbers(64, seed=13), "shift": channels * 0, "mean": channels * 0, "variance": channels,
        "shape": np.array([64, 32, 3, 3], "int64")}
    nodes = [
        helper.make_node("BatchNormalization", ["w", "gain", "shift", "mean", "variance"], ["standard", "m", "v"], training_mode=1, epsilon=1e-6),
        helper.make_node("Reshape", ["standard", "shape"], ["kernel"]), helper.make_node("Conv", ["x", "kernel"], ["y"], kernel_shape=[3, 3]),
    ]
    model, feeds = build(nodes, {"x": numbers(1, 32, 6, 7)}, {"y": T.FLOAT}, weights)
    onnx.save(model, tmp_path / "source.onnx")
    modelctl.convert(tmp_path / "source.onnx", tmp_path / "model.tflite")
    assert litert.operators(tmp_path / "model.tflite") == ["TRANSPOSE", "CONV_2D", "TRANSPOSE"]
    expected = onnxruntime.InferenceSession(str(tmp_path / "source.onnx"), providers=["CPUExecutionProvider"]).run(None, feeds)
    peers.compare(litert.run(tmp_path / "model.tflite", list(feeds.values())), expected)

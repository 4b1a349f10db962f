"""One operator a model, made by hand: those that TensorFlow's converter does not write, or not in this form."""
import numpy as np
from flatbuffers import flexbuffers

from tflite_models import Model, one

CASES = {}


def case(name):
    def add(build):
        CASES[name] = build
        return build
    return add


def rng(seed=1):
    return np.random.default_rng(seed)


def floats(*shape, seed=1):
    return rng(seed).uniform(-2, 2, shape).astype("float32")


def ints(*shape, high=5, low=0, seed=1, dtype="int32"):
    return rng(seed).integers(low, high, shape).astype(dtype)


def flex(**entries):
    """Options as custom operators have them."""
    fbb = flexbuffers.Builder()
    with fbb.Map():
        for key, value in entries.items():
            if isinstance(value, bool):
                fbb.Bool(key, value)
            elif isinstance(value, int):
                fbb.Int(key, value)
            else:
                fbb.Float(key, value)
    return bytes(fbb.Finish())


def simple(name, code, inputs, outputs, options=None, constants=(), **rest):
    """A case whose inputs are arrays; gives the model and what it is fed."""
    CASES[name] = lambda: (one(code, inputs, outputs, options, constants, **rest),
                           [value for index, value in enumerate(inputs) if value is not None and index not in constants])


simple("relu 0 to 1", "RELU_0_TO_1", [floats(3, 4)], [("float32", [3, 4])])
simple("l2 pool same", "L2_POOL_2D", [floats(2, 5, 6, 3)], [("float32", [2, 3, 3, 3])],
       ("Pool2DOptions", dict(padding=0, strideW=2, strideH=2, filterWidth=3, filterHeight=2, fusedActivationFunction=1)))
simple("l2 pool valid", "L2_POOL_2D", [floats(2, 5, 6, 3)], [("float32", [2, 4, 4, 3])],
       ("Pool2DOptions", dict(padding=1, strideW=1, strideH=1, filterWidth=3, filterHeight=2)))
simple("average pool valid relu6", "AVERAGE_POOL_2D", [floats(2, 5, 6, 3) * 5], [("float32", [2, 2, 3, 3])],
       ("Pool2DOptions", dict(padding=1, strideW=2, strideH=2, filterWidth=2, filterHeight=3, fusedActivationFunction=3)))
simple("add relu n1 to 1", "ADD", [floats(3, 4), floats(4, seed=2)], [("float32", [3, 4])], ("AddOptions", dict(fusedActivationFunction=2)))
simple("bitcast narrower", "BITCAST", [floats(3, 4)], [("uint8", [3, 4, 4])])
simple("bitcast wider", "BITCAST", [ints(3, 2, low=-99, high=99)], [("int64", [3])])
simple("softmax beta", "SOFTMAX", [floats(3, 4)], [("float32", [3, 4])], ("SoftmaxOptions", dict(beta=1.7)))
simple("conv groups", "CONV_2D", [floats(2, 5, 6, 4), floats(6, 3, 2, 2, seed=2), floats(6, seed=3)], [("float32", [2, 3, 3, 6])],
       ("Conv2DOptions", dict(padding=0, strideW=2, strideH=2, fusedActivationFunction=1)), (1, 2))
simple("conv dilated", "CONV_2D", [floats(2, 9, 8, 3), floats(6, 3, 2, 3, seed=2), floats(6, seed=3)], [("float32", [2, 5, 7, 6])],
       ("Conv2DOptions", dict(padding=1, strideW=1, strideH=1, dilationHFactor=2, dilationWFactor=1)), (1, 2))
simple("depthwise multiplier", "DEPTHWISE_CONV_2D", [floats(2, 5, 6, 3), floats(1, 3, 2, 6, seed=2), floats(6, seed=3)],
       [("float32", [2, 3, 3, 6])],
       ("DepthwiseConv2DOptions", dict(padding=0, strideW=2, strideH=2, depthMultiplier=2, fusedActivationFunction=3)), (1, 2))
simple("transpose conv bias", "TRANSPOSE_CONV", [np.array([2, 7, 10, 4], "int32"), floats(4, 3, 2, 3, seed=2), floats(2, 3, 5, 3), floats(4, seed=3)],
       [("float32", [2, 7, 10, 4])], ("TransposeConvOptions", dict(padding=1, strideW=2, strideH=2)), (0, 1, 3))
simple("transpose conv same", "TRANSPOSE_CONV", [np.array([2, 5, 9, 4], "int32"), floats(4, 3, 3, 3, seed=2), floats(2, 3, 5, 3)],
       [("float32", [2, 5, 9, 4])], ("TransposeConvOptions", dict(padding=0, strideW=2, strideH=2)), (0, 1))
simple("fully connected rank 3", "FULLY_CONNECTED", [floats(2, 3, 4), floats(5, 4, seed=2), floats(5, seed=3)], [("float32", [6, 5])],
       ("FullyConnectedOptions", dict(fusedActivationFunction=1)), (1, 2))
simple("fully connected keeps dims", "FULLY_CONNECTED", [floats(2, 3, 4), floats(5, 4, seed=2), None], [("float32", [2, 3, 5])],
       ("FullyConnectedOptions", dict(keepNumDims=True)), (1,))
simple("fully connected flattens", "FULLY_CONNECTED", [floats(3, 2, 4), floats(5, 8, seed=2)], [("float32", [3, 5])],
       ("FullyConnectedOptions", dict()), (1,))
simple("reshape by option", "RESHAPE", [floats(3, 4)], [("float32", [2, 6])], ("ReshapeOptions", dict(newShape=[2, -1])))
simple("select rows", "SELECT", [np.array([True, False, True]), floats(3, 4), floats(3, 4, seed=2)], [("float32", [3, 4])])
simple("strided slice offset", "STRIDED_SLICE", [floats(6, 7), np.array([1, 2], "int32"), np.array([3, 4], "int32"), np.array([1, 2], "int32")],
       [("float32", [3, 2])], ("StridedSliceOptions", dict(offset=True)), (1, 2, 3))
simple("pack axis", "PACK", [floats(3, 4), floats(3, 4, seed=2)], [("float32", [3, 2, 4])], ("PackOptions", dict(axis=1, valuesCount=2)))
simple("rfft 2d", "RFFT2D", [floats(2, 4, 8), np.array([4, 8], "int32")], [("complex64", [2, 4, 5])], ("Rfft2dOptions", {}), constants=(1,))
simple("addn", "ADD_N", [floats(3, 4), floats(3, 4, seed=2), floats(3, 4, seed=3)], [("float32", [3, 4])])
simple("hashtable lookup", "HASHTABLE_LOOKUP", [np.array([7, 2, 5], "int32"), np.array([1, 2, 7, 9], "int32"), floats(4, 3)],
       [("float32", [3, 3]), ("uint8", [3])], None, (1, 2))
simple("embedding lookup", "EMBEDDING_LOOKUP", [np.array([2, 0, 3], "int32"), floats(4, 3, 2)], [("float32", [3, 3, 2])], None, (1,))
for index, combiner in enumerate(["sum", "mean", "sqrtn"]):
    simple(f"embedding lookup sparse {combiner}", "EMBEDDING_LOOKUP_SPARSE",
           [np.array([1, 3, 0], "int32"), np.array([[0, 0], [2, 0], [2, 1]], "int32"), np.array([3, 2], "int32"),
            np.array([1.0, 2.0, 4.0], "float32"), floats(4, 3, 2)], [("float32", [3, 3, 2])],
           ("EmbeddingLookupSparseOptions", dict(combiner=index)), (4,))
simple("lsh dense", "LSH_PROJECTION", [floats(3, 2), ints(5, high=99), floats(5, seed=2)], [("int32", [6])],
       ("LSHProjectionOptions", dict(type=2)), (0,))
simple("lsh sparse", "LSH_PROJECTION", [floats(3, 2), ints(5, 2, high=99)], [("int32", [3])], ("LSHProjectionOptions", dict(type=1)), (0,))
SENTENCE = np.array(["The quick brown fox  jumps"])
simple("skip gram", "SKIP_GRAM", [SENTENCE], [("string", [0])], ("SkipGramOptions", dict(ngramSize=3, maxSkipSize=1)))
simple("skip gram all", "SKIP_GRAM", [SENTENCE], [("string", [0])], ("SkipGramOptions", dict(ngramSize=2, maxSkipSize=2, includeAllNgrams=True)))
simple("dilate", "DILATE", [floats(2, 3), np.array([2, 3], "int32"), np.array(1.5, "float32")], [("float32", [3, 7])], None, (1, 2))
simple("dynamic update slice", "DYNAMIC_UPDATE_SLICE", [floats(4, 5), floats(2, 3, seed=2), np.array([3, 1], "int32")], [("float32", [4, 5])])
simple("sparse to dense matrix", "SPARSE_TO_DENSE",
       [np.array([[0, 1], [2, 3]], "int32"), np.array([3, 4], "int32"), floats(2), np.array(0.5, "float32")], [("float32", [3, 4])],
       ("SparseToDenseOptions", dict()), (1,))
simple("sparse to dense vector", "SPARSE_TO_DENSE",
       [np.array([1, 4], "int32"), np.array([6], "int32"), np.array(7, "int32"), np.array(-1, "int32")], [("int32", [6])],
       ("SparseToDenseOptions", dict()), (1,))
simple("scatter nd", "SCATTER_ND", [np.array([[1], [3], [1]], "int32"), floats(3, 2), np.array([5, 2], "int32")], [("float32", [5, 2])], None, (2,))
simple("matrix diag", "MATRIX_DIAG", [floats(2, 3)], [("float32", [2, 3, 3])])
simple("matrix set diag wide", "MATRIX_SET_DIAG", [floats(2, 3, 4), floats(2, 3, seed=2)], [("float32", [2, 3, 4])])
simple("matrix set diag tall", "MATRIX_SET_DIAG", [floats(2, 4, 3), floats(2, 3, seed=2)], [("float32", [2, 4, 3])])
simple("reverse sequence", "REVERSE_SEQUENCE", [floats(4, 3, 2), np.array([1, 4, 2], "int32")], [("float32", [4, 3, 2])],
       ("ReverseSequenceOptions", dict(seqDim=0, batchDim=1)))
simple("bucketize", "BUCKETIZE", [floats(3, 4)], [("int32", [3, 4])], ("BucketizeOptions", dict(boundaries=[-1.0, 0.0, 1.5])))
simple("right shift", "RIGHT_SHIFT", [ints(6, low=-900, high=900), np.array([0, 1, 5, 31, 2, 3], "int32")], [("int32", [6])])
simple("unsorted segment prod", "UNSORTED_SEGMENT_PROD", [floats(4, 2), np.array([1, 0, 1, -1], "int32"), np.array(3, "int32")],
       [("float32", [3, 2])], None, (2,))
simple("unsorted segment max", "UNSORTED_SEGMENT_MAX", [floats(4, 2), np.array([1, 0, 1, 1], "int32"), np.array(3, "int32")],
       [("float32", [3, 2])], None, (2,))
simple("broadcast args", "BROADCAST_ARGS", [np.array([3, 1, 4], "int32"), np.array([5, 1], "int32")], [("int32", [3])])
simple("sparse batch gather", "GATHER", [floats(2, 5, 3), ints(2, 4)], [("float32", [2, 4, 3])], ("GatherOptions", dict(axis=1, batchDims=1)))
simple("local response normalization", "LOCAL_RESPONSE_NORMALIZATION", [floats(2, 3, 3, 7)], [("float32", [2, 3, 3, 7])],
       ("LocalResponseNormalizationOptions", dict(radius=2, bias=1.5, alpha=0.3, beta=0.6)))
simple("l2 normalization", "L2_NORMALIZATION", [floats(3, 5)], [("float32", [3, 5])], ("L2NormOptions", dict()))
simple("space to batch", "SPACE_TO_BATCH_ND", [floats(2, 5, 6, 3), np.array([2, 3], "int32"), np.array([[1, 0], [0, 0]], "int32")],
       [("float32", [12, 3, 2, 3])], None, (1, 2))
simple("nearest aligned", "RESIZE_NEAREST_NEIGHBOR", [floats(2, 5, 6, 3), np.array([7, 4], "int32")], [("float32", [2, 7, 4, 3])],
       ("ResizeNearestNeighborOptions", dict(alignCorners=True)), (1,))
simple("nearest half pixel", "RESIZE_NEAREST_NEIGHBOR", [floats(2, 5, 6, 3), np.array([7, 4], "int32")], [("float32", [2, 7, 4, 3])],
       ("ResizeNearestNeighborOptions", dict(halfPixelCenters=True)), (1,))
simple("bilinear aligned", "RESIZE_BILINEAR", [floats(2, 5, 6, 3), np.array([7, 4], "int32")], [("float32", [2, 7, 4, 3])],
       ("ResizeBilinearOptions", dict(alignCorners=True)), (1,))
simple("bilinear legacy", "RESIZE_BILINEAR", [floats(2, 5, 6, 3), np.array([7, 4], "int32")], [("float32", [2, 7, 4, 3])],
       ("ResizeBilinearOptions", dict()), (1,))
simple("stablehlo add", "STABLEHLO_ADD", [floats(3, 4), floats(3, 4, seed=2)], [("float32", [3, 4])])
simple("stablehlo multiply", "STABLEHLO_MULTIPLY", [floats(3, 4), floats(3, 4, seed=2)], [("float32", [3, 4])])
simple("stablehlo maximum", "STABLEHLO_MAXIMUM", [floats(3, 4), floats(3, 4, seed=2)], [("float32", [3, 4])])
simple("stablehlo minimum", "STABLEHLO_MINIMUM", [ints(3, 4), ints(3, 4, seed=2)], [("int32", [3, 4])])
simple("stablehlo and", "STABLEHLO_AND", [ints(3, 4, high=99), ints(3, 4, high=99, seed=2)], [("int32", [3, 4])])
simple("stablehlo shift left", "STABLEHLO_SHIFT_LEFT", [ints(3, 4, low=-99, high=99), ints(3, 4, seed=2)], [("int32", [3, 4])])
simple("stablehlo pad", "STABLEHLO_PAD", [floats(3, 4), np.array(1.5, "float32")], [("float32", [6, 8])],
       ("StablehloPadOptions", dict(edgePaddingLow=[1, -1], edgePaddingHigh=[0, 2], interiorPadding=[1, 1])), (1,))
simple("stablehlo gather", "STABLEHLO_GATHER", [floats(3, 4, 2), np.array([[[0, 0], [1, 0], [2, 1]], [[0, 1], [1, 1], [0, 9]]], "int32")],
       [("float32", [2, 3, 2, 2])],
       ("StablehloGatherOptions", dict(offsetDims=[2, 3], collapsedSliceDims=[0], startIndexMap=[1, 0], indexVectorDim=2, sliceSizes=[1, 2, 2])))


def reducer(code):
    """A second subgraph that combines two scalars."""
    def build(model):
        graph = model.graph("reducer")
        graph.output(*graph.op(code, [graph.input("a", "float32", []), graph.input("b", "float32", [])], [("float32", [])]))
    return build


for code in ["STABLEHLO_ADD", "STABLEHLO_MAXIMUM"]:
    @case(f"stablehlo reduce window {code}")
    def _(code=code):
        x = floats(1, 4, 5)
        model = one("STABLEHLO_REDUCE_WINDOW", [x, np.array(0.25, "float32")], [("float32", [1, 3, 3])], (
            "StablehloReduceWindowOptions", dict(windowDimensions=[1, 2, 3], windowStrides=[1, 2, 2], baseDilations=[1, 1, 1],
                                                 windowDilations=[1, 1, 1], padding=[0, 0, 1, 1, 1, 1], bodySubgraphIndex=1)), (1,))
        reducer(code)(model)
        return model, [x]


@case("stablehlo scatter")
def _():
    x, indices, updates = floats(4, 3), np.array([[1], [3], [1]], "int32"), floats(3, 3, seed=2)
    model = one("STABLEHLO_SCATTER", [x, indices, updates], [("float32", [4, 3])], (
        "StablehloScatterOptions", dict(updateWindowDims=[1], insertedWindowDims=[0], scatterDimsToOperandDims=[0], indexVectorDim=1,
                                        updateComputationSubgraphIndex=1)))
    reducer("STABLEHLO_ADD")(model)
    return model, [x, indices, updates]


@case("composite")
def _():
    x = floats(3, 4)
    model = one("STABLEHLO_COMPOSITE", [x], [("float32", [3, 4])], ("StableHLOCompositeOptions", dict(name="odml.test", decompositionSubgraphIndex=1, compositeAttributes=np.frombuffer(flex(), "uint8"))))
    graph = model.graph("decomposition")
    graph.output(*graph.op("EXP", [graph.input("a", "float32", [3, 4])], [("float32", [3, 4])]))
    return model, [x]


@case("case")
def _():
    x, index = floats(3, 4), np.array(1, "int32")
    model = one("STABLEHLO_CASE", [index, x], [("float32", [3, 4])], ("StablehloCaseOptions", dict(branchSubgraphIndices=[1, 2, 3])))
    for code in ["EXP", "ABS", "NEG"]:
        graph = model.graph(code)
        graph.output(*graph.op(code, [graph.input("a", "float32", [3, 4])], [("float32", [3, 4])]))
    return model, [index, x]


for regular in (False, True):
    @case("detection by class" if regular else "detection")
    def _(regular=regular):
        boxes = (rng(5).normal(size=(1, 12, 4)) * 0.4).astype("float32")
        scores = rng(6).uniform(size=(1, 12, 4)).astype("float32")
        anchors = np.abs(rng(7).uniform(0.1, 0.9, (12, 4))).astype("float32")
        options = flex(max_detections=5, max_classes_per_detection=1 if regular else 2, detections_per_class=4, use_regular_nms=regular,
                       nms_score_threshold=0.3, nms_iou_threshold=0.4, num_classes=3, y_scale=10.0, x_scale=9.0, h_scale=5.0, w_scale=4.0)
        count = 5 if regular else 10
        return one("CUSTOM", [boxes, scores, anchors], [("float32", [1, count, 4]), ("float32", [1, count]), ("float32", [1, count]), ("float32", [1])],
                   constants=(2,), custom="TFLite_Detection_PostProcess", custom_options=options), [boxes, scores]

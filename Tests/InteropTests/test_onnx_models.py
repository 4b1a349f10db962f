"""ONNX models in the styles that exporters, tools and people write: rewritten by us at several operator sets, and run by us, they
give what ONNX Runtime gives for the original.

Each builder returns a model and, where random inputs would not do, its inputs. Everything is seeded.
"""
import numpy as np
import onnx
import pytest
from onnx import TensorProto as T, helper, numpy_helper

import modelctl
import peers

BUILDERS = {}


def case(build):
    BUILDERS[build.__name__] = build
    return build


def rng(seed=0):
    return np.random.default_rng(seed)


def weight(name, *shape, seed=1, scale=0.5):
    return numpy_helper.from_array((rng(seed).standard_normal(shape) * scale).astype("float32"), name)


def constant(name, value, dtype=None):
    return numpy_helper.from_array(np.asarray(value, dtype), name)


def model(text, *initializers, ir=8, opset=None, **more):
    """A model in ONNX's text form; `initializers` are added to it."""
    opset = opset or '"" : 17'
    result = onnx.parser.parse_model(f"<ir_version: {ir}, opset_import: [{opset}]>\n{text}")
    result.graph.initializer.extend(initializers)
    for key, value in more.items():
        setattr(result, key, value)
    return result


# Shapes and names


@case
def several_symbols():
    return model("""g (float[batch, time, 6] x, float[batch, 4] y) => (float[batch, time, 10] z) {
        s = Shape (x)
        one = Constant <value = int64[1] {1}> ()
        two = Constant <value = int64[1] {2}> ()
        t = Slice (s, one, two)
        four = Constant <value = int64[1] {-1}> ()
        u = Unsqueeze (y, one)
        b = Constant <value = int64[1] {1}> ()
        target = Concat <axis = 0> (b, t, b)
        e = Expand (u, target)
        z = Concat <axis = -1> (x, e) }"""), [rng().standard_normal((2, 5, 6)).astype("float32"), rng(1).standard_normal((2, 4)).astype("float32")]


@case
def everything_dynamic():
    return model("""g (float[a, b] x, float[b, c] y) => (float[a, c] z, int64[n] s) {
        m = MatMul (x, y)
        z = Softmax <axis = -1> (m)
        s = Shape (m) }"""), [rng().standard_normal((3, 4)).astype("float32"), rng(1).standard_normal((4, 5)).astype("float32")]


@case
def zero_sized():
    return model("""g (float[n, 4] x) => (float[m, 4] y, float[k] total) {
        y = Concat <axis = 0> (x, nothing)
        total = ReduceSum <keepdims = 0> (nothing, axes) }""", constant("nothing", np.zeros((0, 4)), "float32"), constant("axes", [0], "int64")), \
        [rng().standard_normal((3, 4)).astype("float32")]


@case
def scalars():
    return model("""g (float x, float[3] y) => (float[3] z, float s) {
        z = Mul (x, y)
        m = ReduceMax <keepdims = 0> (z)
        s = Add (m, half) }""", constant("half", 0.5, "float32")), [np.array(1.5, "float32"), np.arange(3, dtype="float32")]


@case
def odd_names():
    m = model("""g (float[2, 3] x) => (float[2, 3] y) {
        a = Relu (x)
        b = Neg (a)
        y = Add (b, x) }""")
    names = {"x": "input:0", "a": "größe/层 1", "b": "scope/b c#", "y": "StatefulPartitionedCall/out put:0"}
    for node, name in zip(m.graph.node, ["", "node one/äöü", ""]):
        node.name = name
        node.input[:] = [names.get(i, i) for i in node.input]
        node.output[:] = [names.get(o, o) for o in node.output]
    m.graph.input[0].name, m.graph.output[0].name = names["x"], names["y"]
    m.doc_string, m.graph.doc_string, m.domain, m.model_version = "What it is", "The graph", "org.example", 7
    helper.set_model_props(m, {"labels": "a,b,c", "größe": "{}"})
    m.graph.node[0].doc_string = "stack trace"
    return m, None


@case
def outputs_that_are_inputs_or_weights():
    return model("""g (float[2] x) => (float[2] x, float[2] w, float[2] y) {
        y = Add (x, w) }""", constant("w", [1, 2], "float32")), None


@case
def unused_things():
    return model("""g (float[2] x, float[3] ignored) => (float[2] y) {
        dead = Exp (x)
        y = Abs (x) }""", constant("spare", [1, 2], "float32")), None


@case
def initializers_that_callers_replace():
    m = model("g (float[2, 3] x, float[3] w) => (float[2, 3] y) { y = Mul (x, w) }", constant("w", [1, 2, 3], "float32"), ir=3, opset='"" : 8')
    return m, [rng().standard_normal((2, 3)).astype("float32")]


@case
def constants_of_every_kind():
    return model("""g (float[2] x) => (float[2] y, string[2] s, int64 i, float f, int64[3] many) {
        f = Constant <value_float = 1.5> ()
        fs = Constant <value_floats = [1.0, 2.0]> ()
        i = Constant <value_int = 3> ()
        many = Constant <value_ints = [1, 2, 3]> ()
        word = Constant <value_string = "größe"> ()
        s = Constant <value_strings = ["a", "b c"]> ()
        t = Constant <value = float[2] {0.5, 0.25}> ()
        a = Add (x, fs)
        b = Mul (a, f)
        y = Sub (b, t) }"""), None


DTYPES = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float64"]


@case
def every_dtype():
    graph = helper.make_graph(
        [helper.make_node("Cast", [f"x_{d}"], [f"f_{d}"], to=T.FLOAT) for d in DTYPES]
        + [helper.make_node("Concat", [f"x_{d}", f"x_{d}"], [f"y_{d}"], axis=0) for d in DTYPES]
        + [helper.make_node("Sum", [f"f_{d}" for d in DTYPES], ["y"])], "g",
        [helper.make_tensor_value_info(f"x_{d}", helper.np_dtype_to_tensor_dtype(np.dtype(d)), [4]) for d in DTYPES],
        [helper.make_tensor_value_info("y", T.FLOAT, [4])]
        + [helper.make_tensor_value_info(f"y_{d}", helper.np_dtype_to_tensor_dtype(np.dtype(d)), [8]) for d in DTYPES])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), [rng(i).integers(0, 2 if d == "bool" else 100, 4).astype(d) for i, d in enumerate(DTYPES)]


@case
def bfloat16_inside():
    return model("g (float[4] x) => (float[4] y) { b = Cast <to = 16> (x)\n y = Cast <to = 1> (b) }"), None


@case
def strings():
    return model("""g (string[n] x) => (string[m] y, bool[n] same) {
        y = Concat <axis = 0> (x, word)
        same = Equal (x, word) }""", helper.make_tensor("word", T.STRING, [1], [b"b"]), opset='"" : 19', ir=9), [np.array(["a", "b", "c d"], object)]


# Bodies


@case
def branches_with_captures():
    return model("""g (float[3] x, bool c) => (float[3] y) {
        h = Mul (x, w)
        y = If (c) <
            then_branch = t () => (float[3] a) { a = Add (h, x) },
            else_branch = e () => (float[3] b) { n = Neg (h)
                b = If (c) < then_branch = t2 () => (float[3] p) { p = Identity (n) }, else_branch = e2 () => (float[3] q) { q = Sub (n, w) } > } > }""",
        constant("w", [1, 2, 3], "float32")), [np.float32([1, -2, 3]), np.array(False)]


@case
def loop_with_scan_outputs():
    return model("""g (float[3] x, int64 count) => (float[3] last, float[n, 3] all) {
        yes = Constant <value = bool {1}> ()
        last, all = Loop (count, yes, x) < body = b (int64 i, bool go, float[3] s) => (bool next, float[3] t, float[3] out) {
            f = Cast <to = 1> (i)
            p = Add (s, f)
            t = Mul (p, w)
            out = Identity (t)
            next = Identity (go) } > }""", constant("w", [1, 0.5, 2], "float32")), [np.float32([1, -2, 3]), np.array(4, "int64")]


@case
def nested_loops():
    return model("""g (float[2] x) => (float[2] y) {
        n = Constant <value = int64 {3}> ()
        yes = Constant <value = bool {1}> ()
        y = Loop (n, yes, x) < body = outer (int64 i, bool go, float[2] s) => (bool next, float[2] t) {
            next = Identity (go)
            k = Add (i, i)
            t = Loop (k, yes, s) < body = inner (int64 j, bool go2, float[2] u) => (bool next2, float[2] v) {
                next2 = Identity (go2)
                c = Cast <to = 1> (i)
                d = Add (u, c)
                v = Mul (d, x) } > } > }"""), [np.float32([0.9, -0.4])]


@case
def while_loop():
    m = model("""g (float[1] x) => (float[1] y) {
        yes = Constant <value = bool {1}> ()
        y = Loop (absent, yes, x) < body = b (int64 i, bool go, float[1] s) => (bool next, float[1] t) {
            t = Mul (s, two)
            less = Less (t, hundred)
            next = Squeeze (less) } > }""", constant("two", [2], "float32"), constant("hundred", [100], "float32"))
    m.graph.node[1].input[0] = ""
    return m, [np.float32([1.5])]


@case
def scan():
    return model("""g (float[2] s, float[5, 2] x) => (float[2] last, float[5, 2] y) {
        last, y = Scan <num_scan_inputs = 1, body = b (float[2] a, float[2] e) => (float[2] n, float[2] o) {
            p = Mul (a, w)
            n = Add (p, e)
            o = Tanh (n) } > (s, x) }""", constant("w", [0.5, 0.25], "float32")), None


@case
def sequences():
    return model("""g (float[2, 3] x, float[1, 3] y) => (float[m, 3] z, float[2, 3] first, int64 n) {
        q = SequenceConstruct (x, y)
        q2 = SequenceInsert (q, x)
        n = SequenceLength (q2)
        zero = Constant <value = int64 {0}> ()
        first = SequenceAt (q2, zero)
        z = ConcatFromSequence <axis = 0> (q2) }"""), None


@case
def functions():
    m = onnx.parser.parse_model("""<ir_version: 9, opset_import: ["" : 18, "local" : 1]>
        g (float[3] x) => (float[3] y, float[3] z) {
            y = local.outer <alpha = 0.3> (x)
            z = local.inner <alpha = 2.0> (y) }
        <domain: "local", opset_import: ["" : 18]> inner <alpha> (a) => (b) { b = LeakyRelu <alpha: float = @alpha> (a) }
        <domain: "local", opset_import: ["" : 18, "local" : 1]> outer <alpha> (a) => (c) {
            b = local.inner <alpha: float = @alpha> (a)
            c = Neg (b) }""")
    return m, None


# Quantisation


@case
def per_channel_qdq():
    return model("""g (float[1, 3, 6, 6] x) => (float[1, 4, 6, 6] y) {
        q = QuantizeLinear (x, sx, zx)
        d = DequantizeLinear (q, sx, zx)
        k = DequantizeLinear <axis = 0> (w, sw, zw)
        c = Conv <pads = [1, 1, 1, 1]> (d, k)
        r = Relu (c)
        qo = QuantizeLinear (r, so, zx)
        y = DequantizeLinear (qo, so, zx) }""", constant("sx", 0.02, "float32"), constant("zx", 128, "uint8"), constant("so", 0.05, "float32"),
        constant("w", rng().integers(-127, 127, (4, 3, 3, 3)), "int8"), constant("sw", [0.01, 0.02, 0.015, 0.005], "float32"), constant("zw", [0] * 4, "int8")), None


@case
def four_bit_weights():
    q = helper.make_tensor("w", T.INT4, [8, 4], rng().integers(-8, 8, 32).tolist())
    return model("""g (float[2, 8] x) => (float[2, 4] y) {
        d = DequantizeLinear <axis = 0, block_size = 4> (w, s)
        y = MatMul (x, d) }""", q, constant("s", rng(1).random((2, 4)) + 0.1, "float32"), opset='"" : 21', ir=10), None


@case
def dynamic_quantisation():
    # Weights of seven bits: without VNNI, ONNX Runtime adds two products in 16 bits, which saturate beyond that.
    return model("""g (float[2, 8] x) => (float[2, 4] y) {
        q, s, z = DynamicQuantizeLinear (x)
        i = MatMulInteger (q, w, z, zw)
        f = Cast <to = 1> (i)
        t = Mul (s, sw)
        y = Mul (f, t) }""", constant("w", rng().integers(-63, 64, (8, 4)), "int8"), constant("zw", 0, "int8"), constant("sw", 0.01, "float32")), None


# Classical models


def ml(nodes, inputs, outputs, *initializers, version=3):
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializers))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", version)], ir_version=8)


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, domain="ai.onnx.ml", **attributes)


def floats(name, *shape):
    return helper.make_tensor_value_info(name, T.FLOAT, list(shape))


def ints(name, *shape):
    return helper.make_tensor_value_info(name, T.INT64, list(shape))


@case
def scaled_linear_classifier():
    return ml([node("Scaler", ["x"], ["a"], offset=[0.1, 0.2, 0.3], scale=[1.0, 2.0, 0.5]), node("Normalizer", ["a"], ["b"], norm="L2"),
               node("LinearClassifier", ["b"], ["label", "p"], coefficients=rng().standard_normal(9).tolist(), intercepts=[0.1, 0.2, -0.3],
                    classlabels_ints=[3, 5, 9], multi_class=1, post_transform="SOFTMAX")],
              [floats("x", "n", 3)], [ints("label", "n"), floats("p", "n", 3)]), [rng().standard_normal((4, 3)).astype("float32")]


@case
def linear_regressor():
    return ml([node("Imputer", ["x"], ["a"], imputed_value_floats=[0.5], replaced_value_float=float("nan")), node("Binarizer", ["a"], ["b"], threshold=0.2),
               node("FeatureVectorizer", ["a", "b"], ["c"], inputdimensions=[3, 3]),
               node("LinearRegressor", ["c"], ["y"], coefficients=rng().standard_normal(12).tolist(), intercepts=[0.1, 0.2], targets=2)],
              [floats("x", "n", 3)], [floats("y", "n", 2)]), [np.float32([[1, np.nan, -1], [0.3, 0.1, 2]])]


@case
def one_hot_and_labels():
    return ml([node("OneHotEncoder", ["x"], ["h"], cats_int64s=[1, 3, 5], zeros=1), node("LabelEncoder", ["x"], ["s"], keys_int64s=[1, 3, 5], values_strings=["a", "b", "c"], default_string="?"),
               node("CategoryMapper", ["s"], ["back"], cats_int64s=[7, 8], cats_strings=["a", "c"], default_int64=-1)],
              [ints("x", 4)], [floats("h", 4, 3), helper.make_tensor_value_info("s", T.STRING, [4]), ints("back", 4)]), [np.int64([1, 3, 4, 5])]


@case
def feature_extractor():
    return ml([node("ArrayFeatureExtractor", ["x", "which"], ["y"])], [floats("x", 3, 4)], [floats("y", 3, 2)], constant("which", [2, 0], "int64")), None


def trees(prefix):
    ids = dict(nodes_treeids=[0] * 5 + [1] * 3, nodes_nodeids=[0, 1, 2, 3, 4, 0, 1, 2], nodes_featureids=[0, 1, 0, 0, 0, 2, 0, 0],
               nodes_modes=["BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"], nodes_values=[0.1, -0.2, 0, 0, 0, 0.4, 0, 0],
               nodes_truenodeids=[1, 3, 0, 0, 0, 1, 0, 0], nodes_falsenodeids=[2, 4, 0, 0, 0, 2, 0, 0], nodes_hitrates=[1.0] * 8,
               nodes_missing_value_tracks_true=[0] * 8)
    leaves = [(0, 2), (0, 3), (0, 4), (1, 1), (1, 2)]
    return ids | {f"{prefix}_treeids": [t for t, _ in leaves], f"{prefix}_nodeids": [n for _, n in leaves]}


@case
def tree_classifier():
    return ml([node("TreeEnsembleClassifier", ["x"], ["label", "p"], **trees("class"), class_ids=[0, 1, 2, 1, 0], class_weights=[0.5, 0.25, 0.75, 0.5, 0.5],
                    classlabels_strings=["a", "b", "c"], post_transform="NONE")],
              [floats("x", "n", 3)], [helper.make_tensor_value_info("label", T.STRING, ["n"]), floats("p", "n", 3)]), [rng().standard_normal((6, 3)).astype("float32")]


@case
def tree_regressor():
    return ml([node("TreeEnsembleRegressor", ["x"], ["y"], **trees("target"), target_ids=[0] * 5, target_weights=[1.0, 2.0, 3.0, -1.0, 0.5], n_targets=1,
                    base_values=[0.5], aggregate_function="SUM")], [floats("x", "n", 3)], [floats("y", "n", 1)]), [rng().standard_normal((6, 3)).astype("float32")]


@case
def vectors_as_rows():
    """Features one by one, as CoreML's converter has them: vectors of one element, further axes."""
    return ml([node("FeatureVectorizer", ["a", "b"], ["x"], inputdimensions=[1, 1]), node("ArrayFeatureExtractor", ["x", "second"], ["s"]),
               node("OneHotEncoder", ["s"], ["h"], cats_int64s=[1, 2, 3]), node("FeatureVectorizer", ["h", "x"], ["y"], inputdimensions=[3, 2])],
              [ints("a", 1), ints("b", 1)], [floats("y", 1, 5)], constant("second", [1], "int64")), [np.int64([4]), np.int64([2])]


@pytest.mark.parametrize("kernel", ["LINEAR", "RBF", "POLY", "SIGMOID"])
def test_support_vectors(kernel, tmp_path):
    r = rng()
    regressor = ml([node("SVMRegressor", ["x"], ["y"], kernel_type=kernel, kernel_params=[0.5, 0.1, 2.0], support_vectors=r.standard_normal(12).tolist(),
                         coefficients=r.standard_normal(4).tolist(), rho=[0.3], n_supports=4)], [floats("x", 5, 3)], [floats("y", 5, 1)])
    check(regressor, [r.standard_normal((5, 3)).astype("float32")], tmp_path)
    classifier = ml([node("SVMClassifier", ["x"], ["label", "p"], kernel_type=kernel, kernel_params=[0.5, 0.1, 2.0], support_vectors=r.standard_normal(18).tolist(),
                          coefficients=r.standard_normal(12).tolist(), rho=[0.3, -0.2, 0.1], vectors_per_class=[2, 3, 1], classlabels_ints=[0, 1, 2])],
                    [floats("x", 5, 3)], [ints("label", 5), floats("p", 5, 3)])
    check(classifier, [r.standard_normal((5, 3)).astype("float32")], tmp_path)


def test_a_map_is_carried(tmp_path):
    """What no tensor holds is inspected and carried; running says clearly why not."""
    m = ml([node("ZipMap", ["x"], ["y"], classlabels_int64s=[1, 2, 3])], [floats("x", 2, 3)],
           [helper.make_value_info("y", helper.make_sequence_type_proto(helper.make_map_type_proto(T.INT64, helper.make_tensor_type_proto(T.FLOAT, []))))])
    onnx.save(m, tmp_path / "a.onnx")
    assert modelctl.inspect(tmp_path / "a.onnx")["format"] == "onnx"
    modelctl.convert(tmp_path / "a.onnx", tmp_path / "b.onnx")
    assert onnx.load(tmp_path / "b.onnx").graph == m.graph
    np.savez(tmp_path / "in.npz", x=np.zeros((2, 3), "float32"))
    modelctl.run("run", tmp_path / "a.onnx", "--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz", expect=69)


# ONNX Runtime's own operators


def few_bits_of(bits):
    """A product with weights of so few bits, some to a byte, zero points among them."""
    m = model(f"""g (float[3, 64] x) => (float[3, 8] y) {{
        y = com.microsoft.MatMulNBits <K = 64, N = 8, bits = {bits}, block_size = 32> (x, w, s, z) }}""",
              constant("w", rng().integers(0, 256, (8, 2, 4 * bits)), "uint8"), constant("s", rng(1).random(16) * 0.1 + 0.01, "float32"),
              constant("z", rng(2).integers(0, 256, 8), "uint8"), opset='"" : 17, "com.microsoft" : 1')
    return m, None


@case
def few_bits():
    return few_bits_of(4)


@case
def weights_of_two_bits():
    return few_bits_of(2)


@case
def packed_attention():
    return model("""g (float[2, 5, 8] x, int32[2, 5] mask) => (float[2, 5, 8] y) { y = com.microsoft.Attention <num_heads = 2> (x, w, b, mask) }""",
                 weight("w", 8, 24), weight("b", 24, seed=2), opset='"" : 17, "com.microsoft" : 1'), \
        [rng().standard_normal((2, 5, 8)).astype("float32"), np.int32([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])]


@case
def packed_attention_with_a_past():
    """Of values of a size of their own beside, masks by counts and squares; what is added to the scores."""
    text = """g (float[2, 3, 8] x, float[2, 2, 2, 4, 4] past, int32[2, 7] mask, float[1, 2, 3, 3] bias, int32[2] ends, int32[2, 3, 3] pairs) =>
        (float[2, 3, 8] y, float[2, 2, 2, 7, 4] present, float[2, 3, 8] z, float[2, 3, 12] a, float[2, 3, 8] b) {
        y, present = com.microsoft.Attention <num_heads = 2, unidirectional = 1> (x, w, b1, mask, past)
        z = com.microsoft.Attention <num_heads = 2, scale = 0.3> (x, w, b1, ends, , bias)
        a = com.microsoft.Attention <num_heads = 2, qkv_hidden_sizes = [8, 8, 12]> (x, w2, b2)
        b = com.microsoft.Attention <num_heads = 2, mask_filter_value = -3.0> (x, w, b1, pairs) }"""
    return model(text, weight("w", 8, 24), weight("b1", 24, seed=2), weight("w2", 8, 28, seed=3), weight("b2", 28, seed=4), opset='"" : 17, "com.microsoft" : 1'), [
        rng().standard_normal((2, 3, 8)).astype("float32"), rng(1).standard_normal((2, 2, 2, 4, 4)).astype("float32"),
        np.int32([[1, 0, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 1, 1]]), rng(2).standard_normal((1, 2, 3, 3)).astype("float32"), np.int32([2, 3]),
        np.int32([[[1, 0, 1], [1, 1, 0], [0, 1, 1]], [[1, 1, 1], [1, 0, 0], [0, 0, 1]]])]


@case
def packed_attention_of_bytes():
    """The weights are small: ONNX Runtime's products of two bytes saturate on processors without VNNI."""
    text = """g (uint8[2, 3, 8] x, float scale, uint8 zero, int32[2, 3] mask, float[2, 2, 2, 4, 4] past) => (float[2, 3, 8] y, float[2, 3, 8] z, float[2, 2, 2, 7, 4] present) {
        y = com.microsoft.QAttention <num_heads = 2> (x, w, b, scale, ws, mask, zero, wz)
        z, present = com.microsoft.QAttention <num_heads = 2, unidirectional = 1> (x, w, b, scale, ws, , zero, wz, past) }"""
    return model(text, constant("w", rng(3).integers(-60, 60, (8, 24)), "int8"), weight("b", 24, seed=2), constant("ws", 0.01, "float32"), constant("wz", 3, "int8"),
                 opset='"" : 17, "com.microsoft" : 1'), [
        rng().integers(0, 255, (2, 3, 8)).astype("uint8"), np.array(0.02, "float32"), np.array(120, "uint8"), np.int32([[1, 1, 0], [1, 1, 1]]),
        rng(1).standard_normal((2, 2, 2, 4, 4)).astype("float32")]


@case
def counted_masks():
    """How many tokens of each sample are kept says how many keys there are."""
    tables = [weight(n, k, 8, seed=i) for i, (n, k) in enumerate([("words", 9), ("places", 6), ("kinds", 2)])]
    return model("""g (int32[2, 5] ids, int32[2, 5] segments, int32[2, 5] mask) => (float[2, 5, 8] y) {
        e, count = com.microsoft.EmbedLayerNormalization (ids, segments, words, places, kinds, gamma, beta, mask)
        y = com.microsoft.Attention <num_heads = 2> (e, w, b, count) }""", *tables, weight("gamma", 8, seed=5), weight("beta", 8, seed=6), weight("w", 8, 24, seed=7),
                 weight("b", 24, seed=8), opset='"" : 17, "com.microsoft" : 1'), [
        rng().integers(0, 9, (2, 5)).astype("int32"), rng(1).integers(0, 2, (2, 5)).astype("int32"), np.int32([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])]


@case
def embeddings():
    return model("""g (int32[2, 5] ids, int32[2, 5] segments) => (float[2, 5, 8] y) {
        y, unused = com.microsoft.EmbedLayerNormalization (ids, segments, words, places, kinds, gamma, beta) }""",
        weight("words", 20, 8), weight("places", 16, 8, seed=2), weight("kinds", 2, 8, seed=3), weight("gamma", 8, seed=4), weight("beta", 8, seed=5),
        opset='"" : 17, "com.microsoft" : 1'), [rng().integers(0, 20, (2, 5)).astype("int32"), rng(1).integers(0, 2, (2, 5)).astype("int32")]


@case
def a_table_of_few_bits():
    m = model("""g (int64[2, 3] which) => (float[2, 3, 64] y, float[2, 3, 64] z) {
        y = com.microsoft.GatherBlockQuantized <bits = 4, block_size = 32> (w, which, s, p)
        z = com.microsoft.GatherBlockQuantized <bits = 4, block_size = 16> (w, which, t) }""",
              constant("w", rng().integers(0, 256, (10, 32)), "uint8"), constant("s", rng(1).random((10, 2)) * 0.1 + 0.01, "float32"),
              constant("p", rng(2).integers(0, 256, (10, 1)), "uint8"), constant("t", rng(3).random((10, 4)) * 0.1 + 0.01, "float32"),
              opset='"" : 21, "com.microsoft" : 1')
    return m, [np.int64([[3, 9, 0], [1, 4, 7]])]


@case
def quantised_product_with_a_computed_scale():
    """Its bias has the scale of the products, which are inputs here."""
    m = model("""g (uint8[2, 3] a, float sa, uint8 za, uint8[3, 2] b, float sb, uint8 zb, int32[2] c, float sy, uint8 zy) => (uint8[2, 2] y) {
        y = com.microsoft.QGemm <alpha = 0.5> (a, sa, za, b, sb, zb, c, sy, zy) }""", opset='"" : 17, "com.microsoft" : 1')
    return m, [np.uint8([[1, 200, 30], [90, 5, 60]]), np.array(0.05, "float32"), np.array(12, "uint8"), np.uint8([[40, 5], [160, 70], [8, 99]]), np.array(0.02, "float32"), np.array(100, "uint8"),
               np.int32([400, -900]), np.array(0.03, "float32"), np.array(128, "uint8")]


def grouped(batch, steps, past, attributes="", extra=""):
    return model(f"""g (float[{batch}, {steps}, 64] q, float[{batch}, {steps}, 32] k, float[{batch}, {steps}, 32] v, float[{batch}, 2, {past}, 16] pk,
        float[{batch}, 2, {past}, 16] pv, int32[{batch}] lengths, int32 total) => (float[{batch}, {steps}, 64] y, float[{batch}, 2, t, 16] nk, float[{batch}, 2, t, 16] nv) {{
        y, nk, nv = com.microsoft.GroupQueryAttention <num_heads = 4, kv_num_heads = 2{attributes}> (q, k, v, pk, pv, lengths, total{extra}) }}""",
                 weight("cos", 32, 8), weight("sin", 32, 8, seed=2), opset='"" : 17, "com.microsoft" : 1')


def grouped_inputs(batch, steps, past, lengths, total):
    shapes = [(batch, steps, 64), (batch, steps, 32), (batch, steps, 32), (batch, 2, past, 16), (batch, 2, past, 16)]
    return [rng(i).standard_normal(s).astype("float32") for i, s in enumerate(shapes)] + [np.int32(lengths), np.array(total, "int32")]


@case
def grouped_attention_decodes():
    return grouped(1, 1, 5, ", do_rotary = 1", ", cos, sin"), grouped_inputs(1, 1, 5, [5], 6)


@case
def grouped_attention_of_a_prompt():
    return grouped(1, 4, 0, ", do_rotary = 1, rotary_interleaved = 1, softcap = 2.0", ", cos, sin"), grouped_inputs(1, 4, 0, [3], 4)


@case
def grouped_attention_with_a_window():
    return grouped(1, 3, 6, ", local_window_size = 4, scale = 0.3"), grouped_inputs(1, 3, 6, [8], 9)


@case
def grouped_attention_packed():
    return model("""g (float[1, 1, 128] q, float[1, 2, 5, 16] pk, float[1, 2, 5, 16] pv, int32[1] lengths, int32 total) => (float[1, 1, 64] y,
        float[1, 2, 6, 16] nk, float[1, 2, 6, 16] nv) {
        y, nk, nv = com.microsoft.GroupQueryAttention <num_heads = 4, kv_num_heads = 2> (q, , , pk, pv, lengths, total) }""",
                 opset='"" : 17, "com.microsoft" : 1'), [rng().standard_normal((1, 1, 128)).astype("float32"), *grouped_inputs(1, 1, 5, [5], 6)[3:]]


@case
def attention_of_several_heads():
    return model("""g (float[2, 3, 8] q, float[2, 5, 8] k, float[2, 5, 12] v, int32[2, 5] mask, float[1, 2, 3, 5] bias) => (float[2, 3, 12] y) {
        y = com.microsoft.MultiHeadAttention <num_heads = 2> (q, k, v, b, mask, bias) }""", weight("b", 28), opset='"" : 17, "com.microsoft" : 1'), \
        [rng(i).standard_normal(s).astype("float32") for i, s in enumerate([(2, 3, 8), (2, 5, 8), (2, 5, 12)])] + [
            np.int32([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]), rng(5).standard_normal((1, 2, 3, 5)).astype("float32")]


@case
def attention_with_a_past():
    shapes = [(2, 3, 8), (2, 3, 8), (2, 3, 8), (2, 2, 4, 4), (2, 2, 4, 4)]
    return model("""g (float[2, 3, 8] q, float[2, 3, 8] k, float[2, 3, 8] v, float[2, 2, 4, 4] pk, float[2, 2, 4, 4] pv) => (float[2, 3, 8] y,
        float[2, 2, 7, 4] nk, float[2, 2, 7, 4] nv) {
        y, nk, nv = com.microsoft.MultiHeadAttention <num_heads = 2, unidirectional = 1> (q, k, v, , , , pk, pv) }""",
                 opset='"" : 17, "com.microsoft" : 1'), [rng(i).standard_normal(s).astype("float32") for i, s in enumerate(shapes)]


@case
def rotary_positions():
    return model("""g (float[2, 3, 16] x, int64[2, 3] at, float[2, 4, 3, 8] h, int64[1] from) => (float[2, 3, 16] y, float[2, 4, 3, 8] z) {
        y = com.microsoft.RotaryEmbedding (x, at, cos, sin)
        z = com.microsoft.RotaryEmbedding <interleaved = 1> (h, from, cos, sin) }""", weight("cos", 16, 4), weight("sin", 16, 4, seed=2),
                 opset='"" : 17, "com.microsoft" : 1'), [rng().standard_normal((2, 3, 16)).astype("float32"), np.int64([[0, 1, 2], [5, 6, 7]]),
                                                         rng(1).standard_normal((2, 4, 3, 8)).astype("float32"), np.int64([4])]


# Inputs that steer


STEERED = {
    "reshape": """g (float[2, 6] x, int64[2] shape) => (float[a, b] y) { y = Reshape (x, shape) }""",
    "expand": """g (float[n, 3, 1] x, int64[4] shape) => (float[a, b, c, d] y) { y = Expand (x, shape) }""",
    "resize": """g (float[n, 3, 4, 4] x, int64[4] sizes) => (float[a, b, c, d] y) { y = Resize <mode = "linear"> (x, nothing, nothing, sizes) }""",
    "scales": """g (float[n, 3, 4, 4] x, float[4] scales) => (float[a, b, c, d] y) { y = Resize <mode = "nearest"> (x, nothing, scales) }""",
    "top k": """g (float[n, 6] x, int64[1] k) => (float[a, b] y, int64[a, b] i) { y, i = TopK (x, k) }""",
    "slice": """g (float[n, 6] x, int64[2] from, int64[2] to) => (float[a, b] y) { y = Slice (x, from, to) }""",
    "split": """g (float[6, 2] x, int64[3] parts) => (float[a, 2] y, float[b, 2] z, float[c, 2] v) { y, z, v = Split <axis = 0> (x, parts) }""",
    "boxes": """g (float[1, 20, 4] boxes, float[1, 2, 20] scores, int64[1] most, float[1] overlap, float[1] least) => (int64[n, 3] y) {
        y = NonMaxSuppression (boxes, scores, most, overlap, least) }""",
    "turns": """g (float[3] x, int64 n, bool go) => (float[3] y) {
        y = Loop (n, go, x) < body = b (int64 i, bool c, float[3] s) => (bool d, float[3] t) { d = Identity (c)
            t = Add (s, x) } > }""",
    "indices": """g (int64[n, t] ids, int64[n] which) => (float[n, t, 4] y, float[n, 4] z) {
        y = Gather (table, ids)
        z = Gather (table, which) }""",
}


@pytest.mark.parametrize("name", STEERED)
def test_inputs_that_steer(name, tmp_path):
    """`convert` makes up inputs that mean something to the model, and so proves the result."""
    m = model(STEERED[name], *([weight("table", 7, 4)] if name == "indices" else []))
    for n in m.graph.node:
        n.input[:] = ["" if i == "nothing" else i for i in n.input]
    onnx.save(m, tmp_path / "a.onnx")
    report = modelctl.convert(tmp_path / "a.onnx", tmp_path / "b.onnx", "--opset", 21)
    assert report["verification"] and report["verification"]["method"] == "execution", report["notes"]


def test_random_numbers_are_noted(tmp_path):
    m = model("g (float[2, 3] x) => (float[2, 3] y) {\n r = RandomNormalLike (x)\n y = Add (x, r) }")
    onnx.save(m, tmp_path / "a.onnx")
    report = modelctl.convert(tmp_path / "a.onnx", tmp_path / "b.onnx", "--opset", 21)
    assert any("random" in note for note in report["notes"]), report


@case
def large_windows():
    """Windows that overlap by so much that they are not looked at one by one."""
    line, plane = rng(4).standard_normal((2, 3, 900)).astype("float32"), rng(5).standard_normal((1, 2, 47, 38)).astype("float32")
    return model("""g (float[2, 3, 900] x, float[1, 2, 47, 38] z) => (float[2, 3, a] p, float[2, 3, b] q, float[2, 3, c] r, float[1, 2, d, e] s, float[1, 2, f, g] t, float[1, 2, 1, 1] u, float[1, 2, 1, 1] v) {
        p = MaxPool <kernel_shape = [333], pads = [100, 232]> (x)
        q = MaxPool <kernel_shape = [65], strides = [3], dilations = [2], ceil_mode = 1> (x)
        r = AveragePool <kernel_shape = [101], pads = [50, 40], count_include_pad = 1> (x)
        s = MaxPool <kernel_shape = [31, 17], pads = [15, 8, 14, 8]> (z)
        t = AveragePool <kernel_shape = [20, 9], strides = [1, 2], pads = [3, 2, 4, 1]> (z)
        u = AveragePool <kernel_shape = [48, 40], strides = [2, 3], ceil_mode = 1, count_include_pad = 1> (z)
        v = MaxPool <kernel_shape = [49, 38], strides = [3, 1], ceil_mode = 1> (z) }"""), [line, plane]


# The check


def made_up(m):
    initial = {i.name for i in m.graph.initializer}
    dtypes = [(i.name, helper.tensor_dtype_to_np_dtype(i.type.tensor_type.elem_type), [d.dim_value or 2 for d in i.type.tensor_type.shape.dim])
              for i in m.graph.input if i.name not in initial or m.ir_version > 3]
    return [rng(k).standard_normal(shape).astype(dtype) for k, (_, dtype, shape) in enumerate(dtypes)]


def ort(path, inputs, optimise=True):
    options = peers.onnxruntime.SessionOptions()
    if not optimise:
        options.graph_optimization_level = peers.onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = peers.onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {i.name: x for i, x in zip(session.get_inputs(), inputs)}), [o.name for o in session.get_outputs()]


def ours(path, inputs, names, folder):
    taken = [i["name"] for i in modelctl.inspect(path)["inputs"]]
    np.savez(folder / "in.npz", **{name: x.astype("U") if x.dtype == object else x for name, x in zip(taken, inputs)})
    modelctl.run("run", path, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz")
    with np.load(folder / "out.npz") as found:
        return [found[name] for name in names]


def check(m, inputs, folder, opsets=(13, 18, 21), tolerance=(1e-5, 1e-4), source=None):
    source = source or folder / "source.onnx"
    if m is not None:
        onnx.save(m, source)
        inputs = made_up(m) if inputs is None else inputs
    expected, names = ort(source, inputs)
    plain = [np.asarray(e) for e in expected]
    found = ours(source, inputs, names, folder)
    peers.compare([f.astype(object) if e.dtype == object else f for f, e in zip(found, plain)], plain, tolerance, "run")
    modelctl.convert(source, folder / "same.onnx")
    for opset in opsets:
        target = folder / f"opset{opset}.onnx"
        modelctl.convert(source, target, "--opset", opset)
        assert [e.version for e in onnx.load(target, load_external_data=False).opset_import if e.domain == ""] in ([opset], []), "another operator set"
        peers.compare([np.asarray(o) for o in ort(target, inputs)[0]], plain, tolerance, f"opset {opset}")


#: Operator sets that can't say what a model does: refused.
NEEDS = {"strings": 19, "four_bit_weights": 21}


@pytest.mark.parametrize("name", BUILDERS)
def test_style(name, tmp_path):
    m, inputs = BUILDERS[name]()
    check(m, inputs, tmp_path, [o for o in (13, 18, 21) if o >= NEEDS.get(name, 13)])


def test_metadata_stays(tmp_path):
    m, _ = odd_names()
    onnx.save(m, tmp_path / "a.onnx")
    modelctl.convert(tmp_path / "a.onnx", tmp_path / "same.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "same.onnx").read_bytes()
    modelctl.convert(tmp_path / "a.onnx", tmp_path / "b.onnx", "--opset", 21)
    b = onnx.load(tmp_path / "b.onnx")
    for field in ("doc_string", "domain", "model_version", "metadata_props", "producer_name"):
        assert getattr(m, field) == getattr(b, field), field
    assert [y.name for x, y in zip(m.graph.node, b.graph.node) if x.name] == [x.name for x in m.graph.node if x.name] and b.graph.doc_string == m.graph.doc_string


def test_external_data_in_several_files(tmp_path):
    m = model("""g (float[2, 64] x) => (float[2, 64] y) {
        a = MatMul (x, w1)
        b = MatMul (a, w2)
        y = Add (b, w3) }""", weight("w1", 64, 64), weight("w2", 64, 64, seed=2), weight("w3", 64, seed=3))
    for index, tensor in enumerate(m.graph.initializer):
        onnx.external_data_helper.set_external_data(tensor, location="one.bin" if index < 2 else "two.bin")
    (tmp_path / "source").mkdir()
    onnx.save(m, tmp_path / "source" / "m.onnx")
    check(None, [rng().standard_normal((2, 64)).astype("float32")], tmp_path, source=tmp_path / "source" / "m.onnx", tolerance=(1e-4, 1e-4))


def test_sparse_initializer(tmp_path):
    m = model("g (float[2, 4] x) => (float[2, 3] y) { y = MatMul (x, w) }")
    values, places = constant("w", [1.5, -2, 3], "float32"), constant("", [1, 5, 11], "int64")
    m.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [4, 3]))
    check(m, None, tmp_path)


# What ONNX Runtime's own tools make


def exported(name, folder):
    """A network of Keras, exported by Keras's own exporter."""
    import keras
    import seeded
    from networks import NETWORKS
    build, specs, _ = NETWORKS[name]
    keras.utils.set_random_seed(3)
    keras.backend.clear_session()
    inputs = peers.batches(name, specs, size=2)
    net = seeded.fill_weights(build(keras), name)
    peers.run_model(net, inputs)
    net.save(folder / "net.keras")
    modelctl.convert(folder / "net.keras", folder / "net.onnx", "--no-verify")
    return folder / "net.onnx", inputs


TOOLED = ["mlp functional", "cifar cnn", "transformer encoder", "lstm stack"]


@pytest.mark.parametrize("name", TOOLED)
def test_optimised_by_onnx_runtime(name, tmp_path):
    source, inputs = exported(name, tmp_path)
    levels = peers.onnxruntime.GraphOptimizationLevel
    for level in (levels.ORT_ENABLE_BASIC, levels.ORT_ENABLE_EXTENDED):
        options = peers.onnxruntime.SessionOptions()
        options.graph_optimization_level, options.optimized_model_filepath = level, str(tmp_path / "optimised.onnx")
        peers.onnxruntime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
        check(None, inputs, tmp_path, source=tmp_path / "optimised.onnx", tolerance=(1e-5, 1e-3))


#: Roundings of quantised values may fall to the other side: a step or two.
QUANTISED = (0.05, 0.05)


@pytest.mark.parametrize("name", TOOLED)
def test_quantised_dynamically(name, tmp_path):
    from onnxruntime.quantization import quantize_dynamic
    source, inputs = exported(name, tmp_path)
    quantize_dynamic(str(source), str(tmp_path / "quantised.onnx"))
    check(None, inputs, tmp_path, source=tmp_path / "quantised.onnx", tolerance=QUANTISED)


@pytest.mark.parametrize("form", ["QDQ", "QOperator"])
@pytest.mark.parametrize("name", ["mlp functional", "cifar cnn"])
def test_quantised_statically(name, form, tmp_path):
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static
    source, inputs = exported(name, tmp_path)

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.rest = iter([{i.name: x for i, x in zip(onnx.load(source).graph.input, inputs)}])

        def get_next(self):
            return next(self.rest, None)

    quantize_static(str(source), str(tmp_path / "quantised.onnx"), Reader(), quant_format=getattr(QuantFormat, form), per_channel=form == "QDQ")
    check(None, inputs, tmp_path, source=tmp_path / "quantised.onnx", tolerance=QUANTISED)

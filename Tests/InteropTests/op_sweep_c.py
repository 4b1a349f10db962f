"""Cases of the operator sweep: matrices taken apart, boxes of several classes, serialised examples, labels read off logits, and
sparse tensors once more."""
import numpy as np
import tensorflow as tf

from op_sweep_making import floats, part

raw = tf.raw_ops
CASES, case = part()

# MARK: Matrices

for dtype in ["float32", "float64"]:
    case("Qr", lambda x: list(tf.linalg.qr(x)), floats(2, 4, 3, dtype=dtype))
    case("Qr", lambda x: list(tf.linalg.qr(x, full_matrices=True)), floats(2, 4, 3, dtype=dtype), name="whole")
    # Vectors have free signs: what they make together does not.
    case("SelfAdjointEigV2", lambda x: (lambda s: [s[0], tf.matmul(s[1] * s[0][:, None], s[1], transpose_b=True), tf.abs(s[1])])(tf.linalg.eigh(x)),
         (lambda a: a + a.transpose(0, 2, 1))(floats(2, 4, 4, dtype=dtype)))
    case("Svd", lambda x: (lambda s, u, v: [s, tf.matmul(u * s[:, None], v, transpose_b=True), tf.abs(u)])(*tf.linalg.svd(x)), floats(2, 4, 3, dtype=dtype))
    case("Lu", lambda x: list(raw.Lu(input=x)), floats(2, 4, 4, dtype=dtype))
    case("LogMatrixDeterminant", lambda x: list(raw.LogMatrixDeterminant(input=x)), floats(3, 4, 4, dtype=dtype))
case("Qr", lambda x: list(tf.linalg.qr(x)), floats(3, 5), name="wide")
case("SelfAdjointEigV2", lambda x: tf.linalg.eigvalsh(x), (lambda a: a + a.T)(floats(5, 5)), name="values")
case("Svd", lambda x: tf.linalg.svd(x, compute_uv=False), floats(3, 5), name="values")
case("Svd", lambda x: (lambda s, u, v: [s, tf.matmul(u, u, transpose_a=True), tf.abs(v[:, :3])])(*tf.linalg.svd(x, full_matrices=True)), floats(3, 5), name="whole")
case("Svd", lambda x: tf.linalg.pinv(x), floats(2, 5, 3), name="inverse")
case("Lu", lambda x: raw.Lu(input=x, output_idx_type=tf.int64).p, floats(4, 4), name="rows")

# MARK: Boxes

corners = np.sort(np.random.default_rng(5).uniform(-0.1, 1.1, (2, 9, 2, 2)).astype("float32"), axis=2).reshape(2, 9, 1, 4)
rated = floats(2, 9, 3, low=0.0, high=1.0)


def suppress(boxes, scores, **options):
    return list(tf.image.combined_non_max_suppression(boxes, scores, 3, 6, 0.2, 0.3, **options))


case("CombinedNonMaxSuppression", suppress, corners, rated)
case("CombinedNonMaxSuppression", lambda b, s: suppress(b, s, clip_boxes=False, pad_per_class=True), corners, rated, name="unclipped")
case("CombinedNonMaxSuppression", lambda b, s: suppress(tf.concat([b, b * 0.9, b * 0.7], 2), s), corners, rated, name="classes", dynamic=True)
case("CombinedNonMaxSuppression", lambda b, s: list(tf.image.combined_non_max_suppression(b, s, 2, 40, 0.5, 0.1)), corners, rated, name="more")

# MARK: Examples


def example(**features):
    lists = {"f": lambda v: tf.train.Feature(float_list=tf.train.FloatList(value=v)), "i": lambda v: tf.train.Feature(int64_list=tf.train.Int64List(value=v)),
             "s": lambda v: tf.train.Feature(bytes_list=tf.train.BytesList(value=v))}
    return tf.train.Example(features=tf.train.Features(feature={k: lists[k[0]](v) for k, v in features.items()})).SerializeToString()


# As text: bytes do not pass through the arrays of all tools.
EXAMPLES = tf.io.encode_base64([example(f=[1, 2.5, -3, 4], i=[-7], s=[b"a", b"bc"]), example(f=[0, 1, 2, 3], s=[]), example(f=[9, 8, 7, 6], i=[1 << 40], s=[b"d"])]).numpy()
FEATURES = {"f": tf.io.FixedLenFeature([2, 2], tf.float32), "i": tf.io.FixedLenFeature([], tf.int64, default_value=3), "s": tf.io.VarLenFeature(tf.string)}


def parse(text):
    found = tf.io.parse_example(tf.io.decode_base64(text), FEATURES)
    return [found["f"], found["i"], found["s"].indices, found["s"].values, found["s"].dense_shape]


case("ParseExampleV2", parse, EXAMPLES, dynamic=True)
case("ParseExampleV2", parse, EXAMPLES[0], name="one")
case("ParseSingleExample", lambda t: tf.io.parse_single_example(tf.io.decode_base64(t), FEATURES)["f"], EXAMPLES[2])
case("ParseExample", lambda t: [y for part in raw.ParseExample(
    serialized=tf.io.decode_base64(t), names=np.array([], "S"), sparse_keys=["s"], dense_keys=["i", "f"], dense_defaults=[tf.constant([5], tf.int64), tf.constant([], tf.float32)],
    sparse_types=[tf.string], dense_shapes=[[1], [4]]) for y in part], EXAMPLES)
case("ParseExample", lambda t: [y for part in raw.ParseExample(
    serialized=tf.io.decode_base64(t), names=np.array([], "S"), sparse_keys=[], dense_keys=["f"], dense_defaults=[tf.constant([], tf.float32)],
    sparse_types=[], dense_shapes=[[4]]) for y in part], EXAMPLES, name="dense")

# MARK: Complex numbers

case("Complex", lambda x: tf.cast(x, tf.complex64) * tf.exp(1j * tf.cast(x[::-1], tf.complex64)), floats(3, 4), name="to complex")
case("Complex", lambda x: tf.cast(tf.complex(x, x + 1), tf.float64), floats(3, 4), name="from complex")
case("Complex", lambda x: tf.cast(tf.complex(x, x * x), tf.complex128), floats(3, 4), name="complex")

# MARK: Labels

case("CTCGreedyDecoder", lambda x: list(raw.CTCGreedyDecoder(inputs=x, sequence_length=[7, 4, 0])), floats(7, 3, 4))
case("CTCGreedyDecoder", lambda x: list(raw.CTCGreedyDecoder(inputs=x, sequence_length=[7, 5], merge_repeated=True, blank_index=0)), floats(7, 2, 3), name="merged")
WORDS = np.array(["a bc  d", "", " e,f,", ",g h"], object)
case("StringSplit", lambda x: list(raw.StringSplit(input=x, delimiter=" ")), WORDS)
case("StringSplit", lambda x: list(raw.StringSplit(input=x, delimiter=", ", skip_empty=False)), WORDS, name="any")
case("StringSplit", lambda x: list(raw.StringSplit(input=x, delimiter="")), WORDS, name="bytes")

# MARK: Sparse tensors, rows of different lengths, computed strides

PLACES, SHAPE = np.array([[0, 1], [0, 3], [2, 0], [2, 2]], "int64"), np.array([3, 4], "int64")
case("SparseReduceSum", lambda v: raw.SparseReduceSum(input_indices=PLACES, input_values=v, input_shape=SHAPE, reduction_axes=[1]), floats(4))
case("SparseReduceSum", lambda v: raw.SparseReduceSum(input_indices=PLACES, input_values=v, input_shape=SHAPE, reduction_axes=[0], keep_dims=True), floats(4), name="kept")
case("SparseTensorDenseAdd", lambda v, d: raw.SparseTensorDenseAdd(a_indices=PLACES, a_values=v, a_shape=SHAPE, b=d), floats(4), floats(3, 4))
case("SparseReorder", lambda v: list(raw.SparseReorder(input_indices=PLACES[::-1].copy(), input_values=v, input_shape=SHAPE)), floats(4))
for axis in [0, 1]:
    case("SparseConcat", lambda v, w, axis=axis: list(raw.SparseConcat(
        indices=[PLACES, PLACES], values=[v, w], shapes=[SHAPE, SHAPE], concat_dim=axis)), floats(4), floats(4, seed=3), name=f"axis{axis}")
for op in ["Mul", "Add", "Div"]:
    if op != "Add":
        case(f"SparseDenseCwise{op}", lambda v, d, op=op: getattr(raw, f"SparseDenseCwise{op}")(
            sp_indices=PLACES, sp_values=v, sp_shape=SHAPE, dense=d), floats(4), floats(3, 1, low=1.0))
case("RaggedTensorToSparse", lambda v: list(raw.RaggedTensorToSparse(rt_nested_splits=[np.array([0, 2, 2, 5], "int64")], rt_dense_values=v)), floats(5))
case("RaggedTensorToSparse", lambda v: list(raw.RaggedTensorToSparse(
    rt_nested_splits=[np.array([0, 2, 3], "int64"), np.array([0, 1, 1, 5], "int64")], rt_dense_values=v)), floats(5), name="deep")
case("StridedSlice", lambda x, s: x[::s, 1:], floats(5, 4), np.int32(2), name="step")
case("StridedSlice", lambda x, s: x[::s], floats(5, 4), np.int32(-2), name="stepback")
case("StridedSlice", lambda x, s: x[:, 3:0:s], floats(5, 4), np.int32(-1), name="stepbounds")
case("StridedSlice", lambda x: tf.signal.frame(x, 4, 2), floats(2, 11), name="frames", dynamic=True)

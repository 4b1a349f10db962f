"""Cases of the operator sweep: arrays, reductions, segments, sparse tensors, sorting, random numbers, text, recurrent cells."""
import numpy as np
import tensorflow as tf

from op_sweep_making import bools, floats, ints, part

raw = tf.raw_ops
CASES, case = part()


def values(dtype, *shape):
    if dtype == "bool":
        return bools(*shape)
    if dtype.startswith("float"):
        return floats(*shape, dtype=dtype)
    return ints(*shape, dtype=dtype, low=0 if dtype.startswith("u") else -9)


def i32(*items):
    return np.array(items, "int32")


NUMBERS = ["float32", "float64", "int32", "int64"]
# Half floats are rounded once here, after each step there.
HALF = (2e-3, 2e-3)

# MARK: Shapes

for dtype in NUMBERS + ["bool", "uint8", "float16"]:
    case("Reshape", lambda x: raw.Reshape(tensor=x, shape=[4, -1]), values(dtype, 2, 3, 4))
    case("Transpose", lambda x: raw.Transpose(x=x, perm=[2, 0, 1]), values(dtype, 2, 3, 4))
    case("ConcatV2", lambda x, y: tf.concat([x, y], -1), values(dtype, 2, 3), values(dtype, 2, 4))
    case("Pack", lambda x, y: raw.Pack(values=[x, y], axis=1), values(dtype, 2, 3), values(dtype, 2, 3))
    case("Unpack", lambda x: list(raw.Unpack(value=x, num=3, axis=1)), values(dtype, 2, 3))
    case("Tile", lambda x: raw.Tile(input=x, multiples=[2, 3]), values(dtype, 2, 3))
    case("ZerosLike", lambda x: raw.ZerosLike(x=x), values(dtype, 2, 3))
    case("OnesLike", lambda x: raw.OnesLike(x=x), values(dtype, 2, 3))
case("Reshape", lambda x: tf.reshape(x, [tf.shape(x)[0], -1]), floats(2, 3, 4), name="computed", dynamic=True)
case("Reshape", lambda x, s: raw.Reshape(tensor=x, shape=s), floats(2, 3, 4), i32(6, 4), name="fed")
case("Transpose", lambda x: tf.transpose(x), floats(2, 3, 4), name="reversed")
case("Concat", lambda x, y: raw.Concat(concat_dim=1, values=[x, y]), floats(2, 3), floats(2, 1))
case("ConcatOffset", lambda x, y: list(raw.ConcatOffset(concat_dim=1, shape=[x, y])), i32(2, 3, 4), i32(2, 5, 4))
case("Split", lambda x: list(raw.Split(axis=1, value=x, num_split=3)), floats(2, 6))
case("Split", lambda x: list(raw.Split(axis=-1, value=x, num_split=2)), ints(2, 6), name="last")
case("SplitV", lambda x: list(raw.SplitV(value=x, size_splits=[1, 3, 2], axis=1, num_split=3)), floats(2, 6))
case("SplitV", lambda x: list(tf.split(x, [2, -1, 1], axis=1)), floats(2, 6), name="open")
case("ExpandDims", lambda x: raw.ExpandDims(input=x, axis=-1), floats(2, 3), name="last")
case("ExpandDims", lambda x: raw.ExpandDims(input=x, axis=1), ints(2, 3))
case("Squeeze", lambda x: raw.Squeeze(input=x, axis=[1]), floats(2, 1, 3, 1))
case("Squeeze", lambda x: raw.Squeeze(input=x), floats(2, 1, 3, 1), name="all")
for out in ["int32", "int64"]:
    case("Shape", lambda x, out=out: raw.Shape(input=x, out_type=out), floats(2, 3, 4), name=out)
    case("Size", lambda x, out=out: raw.Size(input=x, out_type=out), floats(2, 3, 4), name=out)
    case("ShapeN", lambda x, y, out=out: list(raw.ShapeN(input=[x, y], out_type=out)), floats(2, 3), floats(4), name=out)
case("Shape", lambda x: raw.Shape(input=x), floats(2, 3, 4), name="dynamic", dynamic=True)
case("Rank", lambda x: raw.Rank(input=x) + 1, floats(2, 3, 4))
case("Fill", lambda x: raw.Fill(dims=[2, 3], value=x), np.float32(1.5))
case("Fill", lambda x: tf.fill([tf.shape(x)[0], 2], 3), floats(4, 2), name="computed", dynamic=True)
case("BroadcastTo", lambda x: raw.BroadcastTo(input=x, shape=[2, 3, 4]), floats(3, 1))
case("BroadcastTo", lambda x, y: tf.broadcast_to(x, tf.shape(y)), floats(3, 1), floats(3, 4), name="computed", dynamic=True)
case("BroadcastArgs", lambda x, y: raw.BroadcastArgs(s0=x, s1=y), i32(2, 1, 3), i32(4, 1))
for dtype in ["int32", "int64", "float32", "float64"]:
    case("Range", lambda x: tf.range(x, x + 7, 2), np.array(3, dtype))
case("Range", lambda x: tf.range(x, x - 7, -2), np.array(3, "int32"), name="down")
case("LinSpace", lambda x: raw.LinSpace(start=x, stop=5.0, num=6), np.float32(1))
case("LinSpace", lambda x: raw.LinSpace(start=x, stop=5.0, num=1), np.float32(1), name="one")
case("LinSpace", lambda x, n: tf.linspace(x, 5.0, n), np.float32(1), np.int32(4), name="computed")

# MARK: Slices

case("Slice", lambda x: raw.Slice(input=x, begin=[1, 0, 2], size=[2, -1, 1]), floats(4, 3, 5))
case("Slice", lambda x, b: raw.Slice(input=x, begin=b, size=[2, 2]), floats(4, 3), i32(1, 0), name="begin")
case("Slice", lambda x, b, s: raw.Slice(input=x, begin=b, size=s), floats(4, 3), i32(1, 0), i32(-1, 2), name="computed")
STRIDED = {
    "plain": lambda x: x[1:3, :2], "steps": lambda x: x[::2, 1::2], "negative": lambda x: x[::-1, 3:0:-2], "shrink": lambda x: x[1, :, 2],
    "last": lambda x: x[-1], "newaxis": lambda x: x[:, tf.newaxis, 1:], "ellipsis": lambda x: x[..., 1],
    "all": lambda x: x[1:, ..., tf.newaxis, ::-2], "ends": lambda x: x[-3:-1, -2:], "beyond": lambda x: x[:99, 2:99],
    "empty": lambda x: x[2:2], "ellipsis2": lambda x: x[..., tf.newaxis, 0, :], "shrink2": lambda x: x[0, tf.newaxis, ..., -1],
}
for name, function in STRIDED.items():
    case("StridedSlice", function, floats(4, 5, 3), name=name)
    case("StridedSlice", function, ints(4, 5, 3), name=name)
case("StridedSlice", lambda x, i: x[i], floats(4, 5), np.int32(2), name="fed")
case("StridedSlice", lambda x, i: x[i], floats(4, 5), np.int32(-1), name="fedlast")
case("StridedSlice", lambda x, i: x[:, i:i + 2], floats(4, 5), np.int32(1), name="fedrange")
case("StridedSlice", lambda x: x[:tf.shape(x)[0] - 1], floats(4, 5), name="computed", dynamic=True)
case("StridedSlice", lambda x: x[1:], bools(4, 5), name="flags")
for dtype in NUMBERS + ["bool"]:
    case("GatherV2", lambda x, i: tf.gather(x, i), values(dtype, 4, 3), i32(3, 0, 0))
    case("GatherNd", lambda x, i: raw.GatherNd(params=x, indices=i), values(dtype, 4, 3), np.array([[3, 1], [0, 2]], "int32"))
    case("ReverseV2", lambda x: raw.ReverseV2(tensor=x, axis=[1, -1]), values(dtype, 2, 3, 4))
case("Gather", lambda x, i: raw.Gather(params=x, indices=i), floats(4, 3), np.array([[3, 0]], "int64"))
case("GatherV2", lambda x, i: tf.gather(x, i, axis=1), floats(2, 4, 3), np.array([[3, 0], [1, 1]], "int64"), name="axis1")
case("GatherV2", lambda x, i: tf.gather(x, i, axis=-1), floats(2, 4, 3), np.int32(1), name="scalar")
case("GatherV2", lambda x, i: tf.gather(x, i, batch_dims=1), floats(2, 4, 3), np.array([[3, 0, 1], [1, 1, 2]], "int32"), name="batch")
case("GatherV2", lambda x, i: tf.gather(x, i, axis=2, batch_dims=1), floats(2, 4, 3), np.array([[2, 0], [1, 1]], "int32"), name="batchaxis")
case("GatherV2", lambda x, i: tf.gather(x, i, axis=-1, batch_dims=-1), floats(2, 2, 3), np.array([[2, 0], [1, 1]], "int32"), name="batchlast")
case("GatherNd", lambda x, i: raw.GatherNd(params=x, indices=i), floats(4, 3, 2), np.array([[[3], [1]]], "int64"), name="slices")
case("GatherNd", lambda x, i: tf.gather_nd(x, i, batch_dims=1), floats(2, 3, 4), np.array([[[2, 3]], [[0, 1]]], "int32"), name="batch")
case("Reverse", lambda x: raw.Reverse(tensor=x, dims=[True, False]), floats(2, 3))
case("ReverseSequence", lambda x, n: raw.ReverseSequence(input=x, seq_lengths=n, seq_dim=1, batch_dim=0), floats(3, 4, 2), i32(2, 4, 1))
case("ReverseSequence", lambda x, n: raw.ReverseSequence(input=x, seq_lengths=n, seq_dim=0, batch_dim=1), floats(4, 3), np.array([2, 4, 1]), name="time")
case("Roll", lambda x: tf.roll(x, [1, -2], [0, 1]), floats(3, 5))
case("Roll", lambda x, s: tf.roll(x, s, 1), ints(3, 5), np.int32(-8), name="computed")
case("Pad", lambda x: raw.Pad(input=x, paddings=[[1, 2], [0, 3]]), floats(2, 3))
case("Pad", lambda x, p: raw.Pad(input=x, paddings=p), floats(2, 3), np.array([[1, 0], [2, 1]], "int32"), name="computed")
case("PadV2", lambda x: raw.PadV2(input=x, paddings=[[1, 2], [0, 3]], constant_values=7), ints(2, 3))
case("MirrorPad", lambda x: raw.MirrorPad(input=x, paddings=[[1, 1], [0, 2]], mode="REFLECT"), floats(2, 3))
case("MirrorPad", lambda x: raw.MirrorPad(input=x, paddings=[[2, 1], [0, 3]], mode="SYMMETRIC"), floats(2, 3), name="symmetric")

# MARK: Scatters

places = np.array([[2, 1], [0, 0], [3, 2]], "int32")
for dtype in NUMBERS:
    case("ScatterNd", lambda i, u: raw.ScatterNd(indices=i, updates=u, shape=[4, 3]), places, values(dtype, 3), name=dtype)
    for kind in ["Update", "Add", "Sub", "Max", "Min"]:
        case("TensorScatter" + kind, lambda x, i, u, kind=kind: getattr(raw, "TensorScatter" + kind)(tensor=x, indices=i, updates=u),
             values(dtype, 4, 3), places, values(dtype, 3))
case("ScatterNd", lambda i, u, s: raw.ScatterNd(indices=i, updates=u, shape=s), np.array([[1], [3], [1]]), floats(3, 2), np.array([5, 2]), name="rows")
case("TensorScatterAdd", lambda x, i, u: raw.TensorScatterAdd(tensor=x, indices=i, updates=u), floats(4, 3), np.array([[1], [1]]), floats(2, 3), name="rows")
case("TensorScatterUpdate", lambda x, i, u: raw.TensorScatterUpdate(tensor=x, indices=i, updates=u), bools(4), np.array([[1], [2]]), bools(2), name="flags")
case("DynamicStitch", lambda x, y: raw.DynamicStitch(indices=[[0, 3], [[2, 1]]], data=[x, y]), floats(2, 3), floats(1, 2, 3))
case("ParallelDynamicStitch", lambda x, y: raw.ParallelDynamicStitch(indices=[[0, 3], [2, 1]], data=[x, y]), floats(2, 3), floats(2, 3, seed=2))
case("DynamicPartition", lambda x, p: list(raw.DynamicPartition(data=x, partitions=p, num_partitions=3)), floats(5, 2), i32(2, 0, 1, 0, 2))
case("DynamicPartition", lambda x, p: list(raw.DynamicPartition(data=x, partitions=p, num_partitions=2)), floats(2, 3), np.array([[1, 0, 1], [0, 0, 1]], "int32"), name="matrix")
for dtype in ["bool", "float32", "int32"]:
    case("Where", lambda x: raw.Where(condition=x), np.where(bools(3, 4), values(dtype, 3, 4), 0).astype(dtype))
case("BooleanMask", lambda x, m: tf.boolean_mask(x, m), floats(3, 4), np.array([True, False, True]))
case("InvertPermutation", lambda x: raw.InvertPermutation(x=x), i32(2, 0, 3, 1))
case("OneHot", lambda x: tf.one_hot(x, 4), i32(1, 3, -1, 5, 0))
case("OneHot", lambda x: tf.one_hot(x, 4, on_value=7, off_value=-2, axis=0), np.array([[1, 3], [0, 2]]), name="axis0")
case("OneHot", lambda x: tf.one_hot(x, 3, dtype="bool", on_value=True, off_value=False), np.array([1, 2], "uint8"), name="flags")

# MARK: Types and checks

for source in ["float32", "float64", "float16", "int32", "int64", "uint8", "int8", "bool"]:
    for target in ["float32", "float64", "float16", "bfloat16", "int32", "int64", "uint8", "bool"]:
        if source != target:
            back = "float32" if target == "bfloat16" else target
            case("Cast", lambda x, t=target, b=back: tf.cast(tf.cast(x, t), b), abs(values(source, 3, 4).astype("float32") * 3).astype(source) if source != "bool" else bools(3, 4), name="to-" + target)
case("Bitcast", lambda x: raw.Bitcast(input=x, type=tf.int32), floats(2, 3))
case("Bitcast", lambda x: raw.Bitcast(input=x, type=tf.int16), floats(2, 3), name="narrower")
case("Bitcast", lambda x: raw.Bitcast(input=x, type=tf.int64), ints(2, 3, 2, dtype="int32", low=-99, high=99), name="wider")
case("Bitcast", lambda x: raw.Bitcast(input=x, type=tf.float64), ints(2, 3, dtype="int64", low=1 << 60, high=1 << 61))
for name, function in {
    "StopGradient": lambda x: raw.StopGradient(input=x), "PreventGradient": lambda x: raw.PreventGradient(input=x),
    "Snapshot": lambda x: raw.Snapshot(input=x), "CheckNumerics": lambda x: raw.CheckNumerics(tensor=x, message="no"),
    "EnsureShape": lambda x: raw.EnsureShape(input=x, shape=[None, 3]), "Identity": lambda x: raw.Identity(input=x),
    "IdentityN": lambda x: list(raw.IdentityN(input=[x, x + 1])), "PlaceholderWithDefault": lambda x: raw.PlaceholderWithDefault(input=x, shape=[2, 3]),
}.items():
    case(name, function, floats(2, 3))


def checked(x):
    with tf.control_dependencies([tf.debugging.assert_greater(x, -5.0)]):
        return x + 1


case("Assert", checked, floats(2, 3))

# MARK: Reductions

for name in ["Sum", "Mean", "Prod", "Max", "Min"]:
    for dtype in NUMBERS:
        case(name, lambda x, name=name: getattr(raw, name)(input=x, axis=[1], keep_dims=False), values(dtype, 3, 4, 2))
    case(name, lambda x, name=name: getattr(raw, name)(input=x, axis=[0, -1], keep_dims=True), floats(3, 4, 2), name="keep")
    case(name, lambda x, name=name: getattr(raw, name)(input=x, axis=[], keep_dims=False), floats(3, 4), name="none")
    case(name, lambda x, a, name=name: getattr(raw, name)(input=x, axis=a, keep_dims=False), floats(3, 4, 2), i32(2, 0), name="computed")
    case(name, lambda x, name=name: getattr(raw, name)(input=x, axis=tf.range(tf.rank(x)), keep_dims=False), floats(3, 4), name="all", dynamic=True)
    case(name, lambda x, name=name: getattr(raw, name)(input=x, axis=[1], keep_dims=False), floats(3, 4, dtype="float16"), tolerance=HALF)
for name in ["Any", "All"]:
    case(name, lambda x, name=name: getattr(raw, name)(input=x, axis=[1], keep_dims=False), bools(5, 2))
    case(name, lambda x, name=name: getattr(raw, name)(input=x, axis=[0, 1], keep_dims=True), bools(5, 2), name="keep")
for dtype in ["float32", "float64"]:
    case("EuclideanNorm", lambda x: raw.EuclideanNorm(input=x, axis=[1]), floats(3, 4, dtype=dtype))
    case("LogSumExp", lambda x: tf.reduce_logsumexp(x, axis=1), floats(3, 4, dtype=dtype, high=50))
    case("CumulativeLogsumexp", lambda x: raw.CumulativeLogsumexp(x=x, axis=1), floats(3, 4, dtype=dtype))
    for exclusive in [False]:
        case("CumulativeLogsumexp", lambda x, e=exclusive: raw.CumulativeLogsumexp(x=x, axis=0, exclusive=e, reverse=True), floats(4, 3, dtype=dtype), name=f"reverse{exclusive}")
case("ReduceStd", lambda x: tf.math.reduce_std(x, axis=-1), floats(3, 4))
for name in ["ArgMax", "ArgMin"]:
    for dtype in NUMBERS:
        case(name, lambda x, name=name: getattr(raw, name)(input=x, dimension=1), values(dtype, 3, 4))
    case(name, lambda x, name=name: getattr(raw, name)(input=x, dimension=-1, output_type=tf.int32), floats(3, 4), name="int32")
    case(name, lambda x, name=name: getattr(raw, name)(input=x, dimension=0), floats(3, 4, 2), name="first", dynamic=True)
for name in ["Cumsum", "Cumprod"]:
    for dtype in NUMBERS:
        case(name, lambda x, name=name: getattr(raw, name)(x=x, axis=1), values(dtype, 3, 4))
    for exclusive, reverse in [(True, False), (False, True), (True, True)]:
        case(name, lambda x, name=name, e=exclusive, r=reverse: getattr(raw, name)(x=x, axis=-2, exclusive=e, reverse=r), floats(3, 4, 2), name=f"{exclusive}{reverse}")
for name in ["SegmentSum", "SegmentMean", "SegmentMax", "SegmentMin", "SegmentProd"]:
    for dtype in NUMBERS:
        case(name, lambda x, i, name=name: getattr(raw, name)(data=x, segment_ids=i), values(dtype, 5, 3), i32(0, 0, 2, 2, 3))
for name in ["UnsortedSegmentSum", "UnsortedSegmentMax", "UnsortedSegmentMin", "UnsortedSegmentProd"]:
    for dtype in NUMBERS:
        case(name, lambda x, i, name=name: getattr(raw, name)(data=x, segment_ids=i, num_segments=5), values(dtype, 5, 3), i32(3, 0, 2, 0, -1))
    case(name, lambda x, i, name=name: getattr(raw, name)(data=x, segment_ids=i, num_segments=4), floats(2, 3, 2), np.array([[1, 0, 1], [3, 3, 0]]), name="matrix")
for name in ["Sum", "Mean", "SqrtN"]:
    case("SparseSegment" + name, lambda x, p, i, name=name: getattr(raw, "SparseSegment" + name)(data=x, indices=p, segment_ids=i), floats(4, 3), i32(3, 0, 0, 1), i32(0, 0, 1, 2))
    case(f"SparseSegment{name}WithNumSegments",
         lambda x, p, i, name=name: getattr(raw, f"SparseSegment{name}WithNumSegments")(data=x, indices=p, segment_ids=i, num_segments=5),
         floats(4, 3), i32(3, 0, 0, 1), i32(0, 0, 1, 2))
case("Bincount", lambda x: raw.Bincount(arr=x, size=5, weights=tf.constant([], tf.int32)), i32(1, 4, 1, 0, 6, 1))
case("Bincount", lambda x, w: raw.Bincount(arr=x, size=5, weights=w), i32(1, 4, 1, 0, 6, 1), floats(6), name="weights")
for binary in [False, True]:
    case("DenseBincount", lambda x, b=binary: raw.DenseBincount(input=x, size=5, weights=tf.constant([], tf.float32), binary_output=b), i32(1, 4, 1, 0, 6, 1), name=f"vector{binary}")
    case("DenseBincount", lambda x, b=binary: raw.DenseBincount(input=x, size=np.int64(5), weights=tf.constant([], tf.float32), binary_output=b), np.array([[1, 4, 1], [0, 6, 0]]), name=f"matrix{binary}")
case("DenseBincount", lambda x, w: raw.DenseBincount(input=x, size=5, weights=w), np.array([[1, 4, 1], [0, 6, 0]], "int32"), floats(2, 3), name="weights")
case("InTopKV2", lambda x, t: raw.InTopKV2(predictions=x, targets=t, k=2), floats(4, 5), i32(1, 4, 0, 2))
case("InTopK", lambda x, t: raw.InTopK(predictions=x, targets=t, k=3), floats(4, 5), np.array([1, 4, 0, 2]))
case("ConfusionMatrix", lambda x, y: tf.math.confusion_matrix(x, y, num_classes=4), i32(1, 3, 1, 0), i32(1, 2, 1, 3))

# MARK: Order

for dtype in NUMBERS:
    case("TopKV2", lambda x: list(tf.math.top_k(x, 3)), values(dtype, 2, 6))
    case("Unique", lambda x: list(raw.Unique(x=x)), (values(dtype, 9) / 4).astype("int32").astype(dtype))
    case("UniqueWithCounts", lambda x: list(raw.UniqueWithCounts(x=x, out_idx=tf.int64)), (values(dtype, 9) / 4).astype("int32").astype(dtype))
case("TopKV2", lambda x, k: list(tf.math.top_k(x, k)), floats(2, 6), np.int32(2), name="computed")
case("Sort", lambda x: tf.sort(x, axis=0), floats(5, 3))
case("Sort", lambda x: tf.argsort(x, axis=-1, direction="DESCENDING"), floats(2, 5), name="descending")
case("NthElement", lambda x: raw.NthElement(input=x, n=2), floats(3, 6))
case("NthElement", lambda x: raw.NthElement(input=x, n=1, reverse=True), floats(3, 6), name="reverse")
case("UniqueV2", lambda x: list(raw.UniqueV2(x=x, axis=[0])), np.array([[1, 2], [3, 1], [1, 2]], "int32"))
case("UniqueWithCountsV2", lambda x: list(raw.UniqueWithCountsV2(x=x, axis=[1])), np.array([[1, 2, 1], [3, 1, 3]], "int32"))
case("ListDiff", lambda x, y: list(raw.ListDiff(x=x, y=y)), i32(1, 2, 3, 4, 2), i32(2, 5))
case("Bucketize", lambda x: raw.Bucketize(input=x, boundaries=[-1.0, 0.5, 1.0]), floats(3, 5))
case("Bucketize", lambda x: raw.Bucketize(input=x, boundaries=[-1.0, 0.5, 3.0]), ints(3, 5))
for name in ["LowerBound", "UpperBound"]:
    case(name, lambda x, y, name=name: getattr(raw, name)(sorted_inputs=x, values=y), np.sort(ints(2, 6)), ints(2, 4, seed=5))
    case(name, lambda x, y, name=name: getattr(raw, name)(sorted_inputs=x, values=y, out_type=tf.int64), np.sort(floats(2, 6)), floats(2, 4, seed=5))

# MARK: Sparse tensors

sparse_places = np.array([[0, 1], [2, 0], [2, 3]])
case("SparseToDense", lambda i, v: raw.SparseToDense(sparse_indices=i, output_shape=np.array([4, 5]), sparse_values=v, default_value=-1.0), sparse_places, floats(3))
case("SparseToDense", lambda i: raw.SparseToDense(sparse_indices=i, output_shape=[6], sparse_values=1, default_value=0), i32(1, 4), name="vector")
case("SparseReshape", lambda i, n: list(raw.SparseReshape(input_indices=i, input_shape=np.array([4, 6]), new_shape=n)), sparse_places, np.array([3, -1, 2]))
case("SparseFillEmptyRows", lambda i, v: list(raw.SparseFillEmptyRows(indices=i, values=v, dense_shape=np.array([4, 5]), default_value=9.0)), sparse_places, floats(3))
case("SparseTensorDenseMatMul", lambda i, v, b: raw.SparseTensorDenseMatMul(a_indices=i, a_values=v, a_shape=np.array([4, 5]), b=b), sparse_places, floats(3), floats(5, 2))

# MARK: Text

texts = np.array([["Hello, World", "a  b c"], ["", "ÄÖ straße x.y.z"]])
case("StringLower", lambda x: raw.StringLower(input=x), texts)
case("StringLower", lambda x: raw.StringLower(input=x, encoding="utf-8"), texts, name="utf8")
case("StringUpper", lambda x: raw.StringUpper(input=x), texts)
case("StringUpper", lambda x: raw.StringUpper(input=x, encoding="utf-8"), np.array(["hello Äö x"]), name="utf8")
case("StringStrip", lambda x: raw.StringStrip(input=x), np.array(["  a b\t", "c", "\n "]))
for unit in ["BYTE", "UTF8_CHAR"]:
    case("StringLength", lambda x, u=unit: raw.StringLength(input=x, unit=u), texts, name=unit)
    case("Substr", lambda x, u=unit: raw.Substr(input=x, pos=1, len=2, unit=u), np.array(["Hello", "äöüß"]), name=unit)
case("Substr", lambda x, p: raw.Substr(input=x, pos=p, len=[3, 1], unit="BYTE"), np.array(["Hello", "World"]), i32(-4, 2), name="computed")
for size in ([5, 7], [2, 3], [8, 2]):
    case("ResizeArea", lambda x, size=size: raw.ResizeArea(images=x, size=size), floats(2, 4, 6, 3), name=f"to{size[0]}x{size[1]}")
for order in ([0, 1], [1, 0], [-1], []):
    case("ReduceJoin", lambda x, order=order: raw.ReduceJoin(inputs=x, reduction_indices=tf.constant(order, tf.int32), separator="-", keep_dims=not order),
         np.array([["a", "bc", "d"], ["e", "", "f"]]), name=f"axes{order}")
case("ReduceJoin", lambda x: [tf.strings.reduce_join(x, axis=[1, 0], separator="+"), tf.strings.reduce_join(x, axis=0, keepdims=True), tf.strings.reduce_join(x)],
     np.array([["a", "bc", "d"], ["e", "", "f"]]), name="open", dynamic=True)
case("StringJoin", lambda x, y: raw.StringJoin(inputs=[x, y, x], separator="--"), np.array(["a", "bc"]), np.array(["x", ""]))
case("StringJoin", lambda x: tf.strings.join([x, "!"]), np.array(["a", "bc"]), name="scalar")
case("StringSplitV2", lambda x: list(raw.StringSplitV2(input=x, sep="")), np.array(["a b  c", "", " d"]))
case("StringSplitV2", lambda x: list(raw.StringSplitV2(input=x, sep=", ", maxsplit=1)), np.array(["a, b, c", "", ", d"]), name="sep")
REGEX = {
    "class": (r"[!\"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~']", ""), "group": (r"(\w+)\s+(\w+)", r"\2 \1"), "empty": (r"x*", "-"), "lazy": (r"a.*?b", "<\\0>"),
    "alternatives": (r"foo|foobar|b", "#"), "anchor": (r"^\s+|\s+$", ""), "counted": (r"[0-9]{2,3}", "N"),
}
lines = np.array(["foobar baz, a1b22b 12345!", "  äxx hello world  ", "", "aab ab xx"])
for name, (pattern, rewrite) in REGEX.items():
    case("StaticRegexReplace", lambda x, p=pattern, r=rewrite: raw.StaticRegexReplace(input=x, pattern=p, rewrite=r), lines, name=name)
case("RegexReplace", lambda x: raw.RegexReplace(input=x, pattern="[ab]+", rewrite="<\\0>", replace_global=False), lines)
case("StaticRegexFullMatch", lambda x: raw.StaticRegexFullMatch(input=x, pattern=r"[a-z]+\d*"), np.array(["abc12", "12", "x", ""]))
case("RegexFullMatch", lambda x: raw.RegexFullMatch(input=x, pattern=r"a.c"), np.array(["abc", "ac"]))
for dtype in [tf.float32, tf.float64, tf.int32, tf.int64]:
    numbers = ["1", "-27", "300"] if dtype.is_integer else ["1.5", "-2e3", "3"]
    case("StringToNumber", lambda x, t=dtype: raw.StringToNumber(string_tensor=x, out_type=t), np.array(numbers), name=dtype.name)
for dtype in ["int32", "int64", "uint8", "bool", "float32", "float64"]:
    case("AsString", lambda x: raw.AsString(input=x), values(dtype, 2, 3))
case("AsString", lambda x: raw.AsString(input=x, precision=3, scientific=True), floats(2, 3), name="scientific")
case("AsString", lambda x: raw.AsString(input=x, shortest=True), floats(2, 3), name="shortest")
case("AsString", lambda x: raw.AsString(input=x, width=6, fill="0"), ints(2, 3), name="zeros")
case("AsString", lambda x: raw.AsString(input=x, width=6, fill="-"), ints(2, 3), name="left")
case("AsString", lambda x: raw.AsString(input=x, width=12, precision=2), floats(2, 3), name="width")
hashed = np.array(["", "a", "abc", "abcdefg", "hello world", "twenty characters  x", "x" * 33, "yz" * 32, "long text " * 15, "ü"])
case("StringToHashBucketFast", lambda x: raw.StringToHashBucketFast(input=x, num_buckets=1 << 40), hashed)
case("StringToHashBucketStrong", lambda x: raw.StringToHashBucketStrong(input=x, num_buckets=1 << 40, key=[12345, -7]), hashed)
case("EncodeBase64", lambda x: raw.EncodeBase64(input=x), hashed)
case("EncodeBase64", lambda x: raw.EncodeBase64(input=x, pad=True), hashed, name="pad")
case("DecodeBase64", lambda x: raw.DecodeBase64(input=raw.EncodeBase64(input=x)), hashed)
case("DecodeRaw", lambda x: raw.DecodeRaw(bytes=x, out_type=tf.int16), np.array(["abcd", "efgh"]))
case("DecodeRaw", lambda x: raw.DecodeRaw(bytes=x, out_type=tf.uint8), np.array(["abcd", "efgh"]), name="bytes")
case("DecodeRaw", lambda x: raw.DecodeRaw(bytes=x, out_type=tf.int32, little_endian=False), np.array(["abcd", "efgh"]), name="big")

# MARK: Random numbers

STATELESS = {
    "StatelessRandomUniform": ["float32", "float64", "float16"], "StatelessRandomNormal": ["float32", "float64"],
    "StatelessTruncatedNormal": ["float32", "float64"],
}
for name, kinds in STATELESS.items():
    for dtype in kinds:
        case(name, lambda s, name=name, t=dtype: getattr(raw, name)(shape=[3, 7], seed=s, dtype=t), np.array([17, -4]), name=dtype, tolerance=HALF if dtype == "float16" else (1e-5, 1e-4))
case("StatelessRandomUniformV2", lambda s: tf.random.stateless_uniform([4, 3], s, minval=-2, maxval=5), i32(1, 2))
case("StatelessRandomNormalV2", lambda s: tf.random.stateless_normal([4, 3], s, mean=1, stddev=2), i32(1, 2))
case("StatelessTruncatedNormalV2", lambda s: tf.random.stateless_truncated_normal([4, 3], s), i32(1, 2))
for dtype in ["int32", "int64"]:
    case("StatelessRandomUniformIntV2", lambda s, t=dtype: tf.random.stateless_uniform([4, 3], s, minval=-2, maxval=1000, dtype=t), i32(1, 2), name=dtype)
    case("StatelessRandomUniformFullIntV2", lambda s, t=dtype: tf.random.stateless_uniform([4, 3], s, minval=None, maxval=None, dtype=t), i32(1, 2), name=dtype)

# MARK: Recurrent cells

for peephole in [False, True]:
    case("LSTMBlockCell",
         lambda x, c, h, w, b, p=peephole: list(raw.LSTMBlockCell(
             x=x, cs_prev=c, h_prev=h, w=w, wci=b[:3], wcf=b[3:6], wco=b[6:9], b=b, forget_bias=0.7, cell_clip=0.9, use_peephole=p)),
         floats(2, 5), floats(2, 3), floats(2, 3, seed=2), floats(8, 12), floats(12), name=f"peephole{peephole}")
    for version in ["BlockLSTM", "BlockLSTMV2"]:
        bias = {"forget_bias": 0.7} if version == "BlockLSTM" else {}
        # Behind the length, TensorFlow sets the cell and the output alone.
        case(version, lambda x, c, h, w, b, p=peephole, v=version, o=bias: getattr(raw, v)(
                 seq_len_max=4, x=x, cs_prev=c, h_prev=h, w=w, wci=b[:3], wcf=b[3:6], wco=b[6:9], b=b, cell_clip=0.9, use_peephole=p, **o),
             floats(4, 2, 5), floats(2, 3), floats(2, 3, seed=2), floats(8, 12), floats(12), name=f"peephole{peephole}")
        case(version, lambda n, x, c, h, w, b, p=peephole, v=version, o=bias: [getattr(raw, v)(
                 seq_len_max=n, x=x, cs_prev=c, h_prev=h, w=w, wci=b[:3], wcf=b[3:6], wco=b[6:9], b=b, cell_clip=0.0, use_peephole=p, **o)[k] for k in (1, 6)],
             np.int64(3), floats(5, 2, 5), floats(2, 3), floats(2, 3, seed=2), floats(8, 12), floats(12), name=f"shorter, peephole{peephole}", dynamic=[1])
case("GRUBlockCell", lambda x, h, w, c, b: list(raw.GRUBlockCell(x=x, h_prev=h, w_ru=w, w_c=c, b_ru=b, b_c=b[:3])),
     floats(2, 5), floats(2, 3), floats(8, 6), floats(8, 3), floats(6))
case("Pad", lambda x: tf.pad(x, [[1, 1], [0, 2]], constant_values=-1.5), floats(2, 3), name="value")

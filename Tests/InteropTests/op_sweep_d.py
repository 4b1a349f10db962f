"""Cases of the operator sweep: spectra, branches and loops, lists and arrays of tensors, tables, rows of different lengths, random
numbers, fused operators."""
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import op_def_library, op_def_registry

from op_sweep_making import floats, part

raw = tf.raw_ops
CASES, case = part()


def internal(op, **arguments):
    """An operator that the optimisers of TensorFlow make and its Python interface leaves out."""
    kinds = {"int": lambda v: v.i, "float": lambda v: v.f, "bool": lambda v: v.b, "string": lambda v: v.s, "type": lambda v: v.type, "list(int)": lambda v: list(v.list.i)}
    definition = op_def_registry.get(op)
    inferred = {name for argument in definition.input_arg for name in (argument.number_attr, argument.type_attr)}
    defaults = {attribute.name: kinds[attribute.type](attribute.default_value) for attribute in definition.attr
                if attribute.HasField("default_value") and attribute.type in kinds and attribute.name not in inferred}
    return op_def_library.apply_op(op, name="internal", **{**defaults, **arguments})


# MARK: Spectra and complex numbers


def parts(z):
    return [tf.math.real(z), tf.math.imag(z)]


for axes, suffix in [(1, ""), (2, "2D"), (3, "3D")]:
    shape = (2, 3, 4, 6)[-axes - 1:]
    for inverse in ["", "I"]:
        case(f"{inverse}FFT{suffix}", lambda x, y, op=f"{inverse}FFT{suffix}": parts(getattr(raw, op)(input=tf.complex(x, y))), floats(*shape), floats(*shape, seed=2))
    length = np.array([2, 4, 6][-axes:], "int32")
    case(f"RFFT{suffix}", lambda x, op=f"RFFT{suffix}", length=length: parts(getattr(raw, op)(input=x, fft_length=length)), floats(*shape))
    case(f"IRFFT{suffix}", lambda x, y, op=f"IRFFT{suffix}", length=length: getattr(raw, op)(input=tf.complex(x, y), fft_length=length), floats(*shape), floats(*shape, seed=2))
case("FFT", lambda x, y: parts(raw.FFT(input=tf.complex(x, y))), floats(3, 5, dtype="float64"), floats(3, 5, dtype="float64", seed=2))
case("RFFT", lambda x: parts(tf.signal.rfft(x)), floats(3, 7), name="own length", dynamic=True)
case("RFFT", lambda x: tf.abs(tf.signal.stft(x, 8, 4)), floats(2, 24), name="windows")
for dtype in ["float32", "float64"]:
    case("Complex", lambda x, y: raw.Complex(real=x, imag=y, Tout=tf.complex64 if x.dtype == tf.float32 else tf.complex128),
         floats(3, 4, dtype=dtype), floats(4, dtype=dtype, seed=2), name="made")
    for op in ["Real", "Imag", "Angle", "ComplexAbs"]:
        case(op, lambda x, y, op=op: getattr(raw, op)(**{"x" if op == "ComplexAbs" else "input": tf.complex(x, y)}, Tout=x.dtype),
             floats(3, 4, dtype=dtype), floats(3, 4, dtype=dtype, seed=2))
case("Conj", lambda x, y: raw.Conj(input=tf.complex(x, y)), floats(3, 4), floats(3, 4, seed=2))

# MARK: Space, regions

case("BatchToSpaceND", lambda x: raw.BatchToSpaceND(input=x, block_shape=[2, 3], crops=[[0, 1], [1, 0]]), floats(12, 3, 2, 4))
case("BatchToSpaceND", lambda x: raw.BatchToSpaceND(input=x, block_shape=[2], crops=[[1, 0]]), floats(4, 3, 5), name="line", dynamic=True)
case("BatchToSpace", lambda x: raw.BatchToSpace(input=x, crops=[[0, 1], [1, 0]], block_size=2), floats(8, 3, 2, 4))
case("SpaceToBatch", lambda x: raw.SpaceToBatch(input=x, paddings=[[0, 1], [1, 0]], block_size=2), floats(2, 3, 5, 4))
REGIONS = np.array([[0.1, 0.2, 0.9, 0.7], [-0.2, 0.4, 0.5, 1.3], [0.8, 0.9, 0.2, 0.1]], "float32")
for method in ["bilinear", "nearest"]:
    case("CropAndResize", lambda x, b, method=method: raw.CropAndResize(
        image=x, boxes=b, box_ind=[1, 0, 1], crop_size=[3, 4], method=method, extrapolation_value=0.5), floats(2, 7, 5, 3), REGIONS, name=method)
TURNS = np.array([[0.9, -0.2, 1.0, 0.1, 1.1, -0.5, 0.01, -0.02], [1, 0.3, -1, -0.1, 0.8, 0.7, 0, 0]], "float32")
for interpolation, fill in [("BILINEAR", "CONSTANT"), ("NEAREST", "CONSTANT"), ("BILINEAR", "REFLECT"), ("BILINEAR", "WRAP"), ("NEAREST", "NEAREST")]:
    case("ImageProjectiveTransformV3", lambda x, t, i=interpolation, f=fill: raw.ImageProjectiveTransformV3(
        images=x, transforms=t, output_shape=[6, 7], fill_value=0.25, interpolation=i, fill_mode=f), floats(2, 5, 8, 3), TURNS, name=f"{interpolation} {fill}")
case("ImageProjectiveTransformV2", lambda x, t: raw.ImageProjectiveTransformV2(
    images=x, transforms=t, output_shape=[6, 7], interpolation="BILINEAR"), floats(2, 5, 8, 3), TURNS)

# MARK: Branches and loops


def traced(function, *specs):
    return tf.function(function, autograph=False).get_concrete_function(*specs)


VECTOR, COUNT = tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.int32)
for op in ["If", "StatelessIf"]:
    for value in [True, False]:
        case(op, lambda c, x, op=op: getattr(raw, op)(
            cond=c, input=[x], Tout=[tf.float32], then_branch=traced(lambda x: x * 2, VECTOR), else_branch=traced(lambda x: x[1:] - 1, VECTOR)),
            np.bool_(value), floats(5), name=str(value).lower())
    case(op, lambda x, op=op: getattr(raw, op)(
        cond=tf.reduce_sum(x), input=[x], Tout=[tf.float32], then_branch=traced(lambda x: x * 2, VECTOR), else_branch=traced(lambda x: -x, VECTOR)),
        floats(5), name="number")
for op in ["Case", "StatelessCase"]:
    for index in [0, 2, 7]:
        case(op, lambda i, x, op=op: getattr(raw, op)(branch_index=i, input=[x], Tout=[tf.float32], branches=[
            traced(lambda x: x + 1, VECTOR), traced(lambda x: x * 2, VECTOR), traced(lambda x: -x, VECTOR)]), np.int32(index), floats(5), name=str(index))
for op in ["While", "StatelessWhile"]:
    case(op, lambda n, x, op=op: getattr(raw, op)(
        input=[n, x], cond=traced(lambda n, x: n > 0, COUNT, VECTOR), body=traced(lambda n, x: (n - 1, tf.sin(x) * tf.cast(n, tf.float32)), COUNT, VECTOR)),
        np.int32(4), floats(5))
    case(op, lambda n, x, op=op: getattr(raw, op)(
        input=[n, x], cond=traced(lambda n, x: tf.reduce_sum(x) < 50, COUNT, VECTOR), body=traced(lambda n, x: (n + 2, tf.abs(x) * 1.5), COUNT, VECTOR)),
        np.int32(4), floats(5), name="until")
for op in ["PartitionedCall", "StatefulPartitionedCall"]:
    case(op, lambda x, op=op: getattr(raw, op)(args=[x], Tout=[tf.float32], f=traced(lambda x: tf.sin(x) + 1, VECTOR)), floats(5))

# Those of TensorFlow 1, in graphs that sessions run.


def session_loop(x):
    """Five times, unless a sum is reached before."""
    frame = f"turns_{x.op.name}"

    def constant(value):
        return raw.Enter(data=tf.constant(value), frame_name=frame, is_constant=True)

    enter = [raw.Enter(data=value, frame_name=frame) for value in (tf.constant(0), x)]
    merge = [raw.Merge(inputs=[value, value]).output for value in enter]
    go = raw.LoopCond(input=(merge[0] < constant(5)) & (raw.Sum(input=merge[1], axis=constant(0)) < constant(30.0)))
    split = [raw.Switch(data=value, pred=go) for value in merge]
    back = [raw.NextIteration(data=split[0].output_true + constant(1)), raw.NextIteration(data=split[1].output_true * constant(1.5) + constant(0.25))]
    for value, following in zip(merge, back):
        value.op._update_input(1, following)
    return [raw.Exit(data=value.output_false) for value in split]


def session_branch(c, x):
    split = raw.Switch(data=x, pred=c)
    return raw.Merge(inputs=[split.output_false * 3, tf.sin(split.output_true)]).output


for op in ["Enter", "Exit", "NextIteration", "LoopCond"]:
    case(op, session_loop, floats(5), session=True)
for value in [True, False]:
    for op in ["Switch", "Merge"]:
        case(op, session_branch, np.bool_(value), floats(5), name=str(value).lower(), session=True)
case("Placeholder", lambda x: x + 1, floats(3, 2), session=True)
case("PlaceholderWithDefault", lambda x: x + raw.PlaceholderWithDefault(input=np.float32(4), shape=[]), floats(3, 2), session=True, name="unfed")
case("Const", lambda x: x + tf.constant([[1.5, 2.5]]), floats(3, 2))
case("NoOp", lambda x: (raw.NoOp(), x * 2)[1], floats(3, 2))


def ordered(x, *ops):
    with tf.control_dependencies(ops):
        return tf.identity(x) * 2


case("Print", lambda x: raw.Print(input=x, data=[x], message="x") * 2, floats(3, 2), session=True)
case("PrintV2", lambda x: ordered(x, raw.PrintV2(input="text", output_stream="log(info)")), floats(3, 2))

# MARK: Lists and arrays of tensors


def listed(x):
    return raw.TensorListFromTensor(tensor=x, element_shape=x.shape[1:])


def stacked(items, shape=(3,)):
    return raw.TensorListStack(input_handle=items, element_shape=list(shape), element_dtype=tf.float32)


def reserved(count):
    return raw.TensorListReserve(element_shape=[3], num_elements=count, element_dtype=tf.float32)


def written(items, index, x):
    return raw.TensorListSetItem(input_handle=items, index=index, item=x)


ROWS = floats(4, 3)
SHAPE3 = dict(element_shape=[3], element_dtype=tf.float32)
case("TensorListFromTensor", lambda x: stacked(listed(x)), ROWS)
case("TensorListStack", lambda x: stacked(listed(x)) + 1, ROWS, dynamic=True)
case("TensorListGetItem", lambda x, i: raw.TensorListGetItem(input_handle=listed(x), index=i, **SHAPE3), ROWS, np.int32(2))
case("TensorListSetItem", lambda x, i: stacked(written(listed(x), i, x[0] * 2)), ROWS, np.int32(2))
case("TensorListReserve", lambda x: stacked(written(written(reserved(2), 1, x[0]), 0, x[3])), ROWS)
case("TensorListLength", lambda x: raw.TensorListLength(input_handle=listed(x)), ROWS, dynamic=True)
case("TensorListResize", lambda x: stacked(raw.TensorListResize(input_handle=listed(x), size=2)), ROWS, name="less")
case("TensorListResize", lambda x: (lambda l: [stacked(written(l, 4, x[0])), raw.TensorListLength(input_handle=l)])(
    raw.TensorListResize(input_handle=listed(x), size=5)), ROWS, name="more")
case("TensorListGather", lambda x, i: raw.TensorListGather(input_handle=listed(x), indices=i, **SHAPE3), ROWS, np.array([3, 0, 3], "int32"))
case("TensorListScatter", lambda x, i: stacked(raw.TensorListScatter(tensor=x, indices=i, element_shape=[3])), ROWS, np.array([3, 0, 2, 1], "int32"))
case("TensorListScatterV2", lambda x, i: stacked(raw.TensorListScatterV2(tensor=x, indices=i, element_shape=[3], num_elements=4)),
     ROWS, np.array([3, 0, 2, 1], "int32"))
case("TensorListScatterIntoExistingList", lambda x, i: stacked(raw.TensorListScatterIntoExistingList(input_handle=listed(x), tensor=x[:2] * 3, indices=i)),
     ROWS, np.array([3, 0], "int32"))
case("TensorListPushBack", lambda x: stacked(raw.TensorListPushBack(input_handle=listed(x), tensor=x[0] * 2)), ROWS)
case("TensorListPopBack", lambda x: (lambda p: [p.tensor, stacked(p.output_handle)])(raw.TensorListPopBack(input_handle=listed(x), **SHAPE3)), ROWS)
case("EmptyTensorList", lambda x: stacked(raw.TensorListPushBack(
    input_handle=raw.EmptyTensorList(element_shape=[3], max_num_elements=-1, element_dtype=tf.float32), tensor=x[1])), ROWS)
case("TensorListElementShape", lambda x: raw.TensorListElementShape(input_handle=listed(x), shape_type=tf.int32), ROWS)
case("TensorListConcatLists", lambda x: stacked(raw.TensorListConcatLists(input_a=listed(x), input_b=listed(x * 2), element_dtype=tf.float32)), ROWS, refusal="no kernel")


def split(x):
    return raw.TensorListSplit(tensor=x, element_shape=[-1, 3], lengths=tf.constant([1, 3], tf.int64))


case("TensorListSplit", lambda x: raw.TensorListGetItem(input_handle=split(x), index=1, element_shape=[3, 3], element_dtype=tf.float32), ROWS)
case("TensorListConcat", lambda x: list(raw.TensorListConcat(input_handle=split(x), element_dtype=tf.float32, element_shape=[None, 3])), ROWS)
case("TensorListConcatV2", lambda x: list(raw.TensorListConcatV2(
    input_handle=split(x), element_shape=[-1, 3], leading_dims=tf.constant([], tf.int64), element_dtype=tf.float32)), ROWS)


def array(size, x, places=None):
    made = raw.TensorArrayV3(size=size, dtype=tf.float32, element_shape=[3])
    places = tf.range(4) if places is None else places
    return made.handle, raw.TensorArrayScatterV3(handle=made.handle, indices=places, value=x, flow_in=made.flow)


def gathered(handle, flow, places):
    return raw.TensorArrayGatherV3(handle=handle, indices=places, flow_in=flow, dtype=tf.float32, element_shape=[3])


def array_written(x, i):
    made = raw.TensorArrayV3(size=2, dtype=tf.float32, element_shape=[3])
    flow = raw.TensorArrayWriteV3(handle=made.handle, index=i, value=x[2], flow_in=made.flow)
    flow = raw.TensorArrayWriteV3(handle=made.handle, index=1 - i, value=x[3], flow_in=flow)
    return gathered(made.handle, flow, [0, 1])


def array_split(x):
    made = raw.TensorArrayV3(size=2, dtype=tf.float32, clear_after_read=False)
    flow = raw.TensorArraySplitV3(handle=made.handle, value=x, lengths=tf.constant([1, 3], tf.int64), flow_in=made.flow)
    whole = raw.TensorArrayConcatV3(handle=made.handle, flow_in=flow, dtype=tf.float32)
    return [raw.TensorArrayReadV3(handle=made.handle, index=1, flow_in=flow, dtype=tf.float32), whole.value, whole.lengths]


def array_closed(x):
    handle, flow = array(4, x)
    read = raw.TensorArrayReadV3(handle=handle, index=2, flow_in=flow, dtype=tf.float32)
    with tf.control_dependencies([read]):
        return ordered(read, raw.TensorArrayCloseV3(handle=handle))


for op in ["TensorArrayV3", "TensorArrayWriteV3"]:
    case(op, array_written, ROWS, np.int32(1))
for op in ["TensorArrayScatterV3", "TensorArrayGatherV3"]:
    case(op, lambda x, i: gathered(*array(4, x, i), [0, 2]), ROWS, np.array([3, 0, 2, 1], "int32"))
case("TensorArrayReadV3", lambda x, i: raw.TensorArrayReadV3(handle=(a := array(4, x))[0], index=i, flow_in=a[1], dtype=tf.float32), ROWS, np.int32(3))
case("TensorArraySizeV3", lambda x: raw.TensorArraySizeV3(handle=(a := array(4, x))[0], flow_in=a[1]), ROWS)
for op in ["TensorArraySplitV3", "TensorArrayConcatV3"]:
    case(op, array_split, ROWS)
case("TensorArrayCloseV3", array_closed, ROWS)

# MARK: Tables

WORDS = np.array(["b", "?", "a", "c", "b"], object)
NUMBERS = np.array([12, 7, -3, 12], "int64")


def table(keys, values, missing, **options):
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(tf.constant(keys), tf.constant(values)), missing, **options)


def lookup(op, keys, values, missing, given, function=None, **options):
    made = table(keys, values, missing)
    case(op, lambda x: function(made) if function else made.lookup(x), given, kept=[made], **options)


LETTERS = ["a", "b", "c"]
for op in ["HashTableV2", "LookupTableFindV2", "LookupTableImportV2"]:
    lookup(op, LETTERS, np.array([5, 6, 7], "int64"), np.int64(-1), WORDS)
lookup("LookupTableFindV2", np.array([-3, 12], "int64"), np.array([0.5, 1.5], "float32"), np.float32(9), NUMBERS, name="numbers")
lookup("LookupTableFindV2", np.array([-3, 12], "int64"), ["x", "yz"], "none", NUMBERS, name="words")
lookup("LookupTableFindV2", LETTERS, ["x", "yz", ""], "none", WORDS, name="renamed")
lookup("LookupTableSizeV2", LETTERS, np.array([5, 6, 7], "int64"), np.int64(-1), WORDS, function=lambda made: made.size())
dense = tf.lookup.experimental.DenseHashTable(tf.string, tf.int64, -1, "", "gone")
dense.insert(tf.constant(LETTERS), tf.constant([5, 6, 7], tf.int64))
case("MutableDenseHashTableV2", dense.lookup, WORDS, kept=[dense])
mutable = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
mutable.insert(tf.constant(LETTERS), tf.constant([5, 6, 7], tf.int64))
case("MutableHashTableV2", mutable.lookup, WORDS, kept=[mutable])


def session_table(version, x):
    """A table of a graph, filled by what initialises it."""
    suffix = "V2" if version == 2 else ""
    made = getattr(raw, f"HashTable{suffix}")(key_dtype=tf.string, value_dtype=tf.int64, shared_name=f"table{version}{x.op.name}")
    fill = getattr(raw, f"InitializeTable{suffix}")(table_handle=made, keys=LETTERS, values=tf.constant([5, 6, 7], tf.int64))
    tf.compat.v1.add_to_collection(tf.compat.v1.GraphKeys.TABLE_INITIALIZERS, fill)
    found = getattr(raw, f"LookupTableFind{suffix}")(table_handle=made, keys=x, default_value=tf.constant(-1, tf.int64))
    return [found, getattr(raw, f"LookupTableSize{suffix}")(table_handle=made)]


for op in ["HashTable", "InitializeTable", "LookupTableFind", "LookupTableSize", "LookupTableImport"]:
    case(op, lambda x: session_table(1, x), WORDS, session=True)
for op in ["InitializeTableV2", "HashTableV2"]:
    case(op, lambda x: session_table(2, x), WORDS, session=True, name="session")

# MARK: Rows of different lengths

STARTS = np.array([0, 2, 2, 5], "int64")
VARIANT = "rows of different lengths as one value have no canonical form"
case("RaggedGather", lambda s, v, i: [y for part in raw.RaggedGather(
    params_nested_splits=[s], params_dense_values=v, indices=i, OUTPUT_RAGGED_RANK=1) for y in (part if isinstance(part, list) else [part])],
    STARTS, floats(5, 2), np.array([2, 0, 1, 2], "int64"))
case("RaggedGather", lambda s, t, v, i: [y for part in raw.RaggedGather(
    params_nested_splits=[s, t], params_dense_values=v, indices=i, OUTPUT_RAGGED_RANK=2) for y in (part if isinstance(part, list) else [part])],
    np.array([0, 2, 2, 3], "int64"), STARTS, floats(5), np.array([2, 0, 1], "int64"), name="deep")
case("RaggedGather", lambda s, v, i: tf.gather(tf.RaggedTensor.from_row_splits(v, s), i).flat_values, STARTS, floats(5), np.array([[2, 0], [1, 2]], "int64"), name="matrix")
for dtype in ["int32", "int64", "float32"]:
    case("RaggedRange", lambda a, b, c: list(raw.RaggedRange(starts=a, limits=b, deltas=c)),
         np.array([2, 0, 8, 1], dtype), np.array([5, 0, 3, 4], dtype), np.array([1, 1, -2, 2], dtype))
case("RaggedRange", lambda a: list(raw.RaggedRange(starts=a, limits=np.int32(5), deltas=np.int32(1))), np.array([2, 0], "int32"), name="scalars")
case("RaggedTensorToTensor", lambda s, v: raw.RaggedTensorToTensor(
    shape=np.array([-1, -1], "int64"), values=v, default_value=np.float32(9), row_partition_tensors=[s], row_partition_types=["ROW_SPLITS"]), STARTS, floats(5))
case("RaggedTensorToTensor", lambda s, v: raw.RaggedTensorToTensor(
    shape=np.array([4, 2], "int64"), values=v, default_value=np.float32(9), row_partition_tensors=[s], row_partition_types=["ROW_SPLITS"]), STARTS, floats(5), name="shape")
case("RaggedTensorToTensor", lambda r, v: raw.RaggedTensorToTensor(
    shape=np.array([-1, -1], "int64"), values=v, default_value=np.float32(9), row_partition_tensors=[np.int64(4), r],
    row_partition_types=["FIRST_DIM_SIZE", "VALUE_ROWIDS"]), np.array([0, 0, 2, 2, 2], "int64"), floats(5), name="rows")
case("RaggedTensorToTensor", lambda s, t, v: tf.RaggedTensor.from_nested_row_splits(v, [s, t]).to_tensor(), np.array([0, 2, 2, 3], "int64"), STARTS, floats(5, 2), name="deep")
case("RaggedBincount", lambda s, v: raw.RaggedBincount(splits=s, values=v, size=np.int32(5), weights=np.array([], "float32")), STARTS, np.array([1, 4, 0, 1, 1], "int32"))
case("RaggedFillEmptyRows", lambda r, v: list(raw.RaggedFillEmptyRows(value_rowids=r, values=v, nrows=np.int64(4), default_value=np.float32(7))),
     np.array([0, 0, 2, 2, 2], "int64"), floats(5))
case("RaggedTensorToVariant", lambda s, v: raw.RaggedTensorFromVariant(
    encoded_ragged=raw.RaggedTensorToVariant(rt_nested_splits=[s], rt_dense_values=v, batched_input=False), input_ragged_rank=1, output_ragged_rank=1,
    Tvalues=tf.float32).output_dense_values, STARTS, floats(5), name="whole", refusal=VARIANT)
for op in ["RaggedTensorToVariant", "RaggedTensorFromVariant"]:
    case(op, lambda s, v: (lambda back: [*back.output_nested_splits, back.output_dense_values])(raw.RaggedTensorFromVariant(
        encoded_ragged=raw.RaggedTensorToVariant(rt_nested_splits=[s], rt_dense_values=v, batched_input=True), input_ragged_rank=-1, output_ragged_rank=1,
        Tvalues=tf.float32)), STARTS, floats(5, 2), refusal=VARIANT)
case("RaggedTensorFromVariant", lambda s, v: tf.map_fn(lambda row: tf.reduce_sum(row, 0), tf.RaggedTensor.from_row_splits(v, s), fn_output_signature=tf.TensorSpec([2], tf.float32)),
     STARTS, floats(5, 2), name="map", refusal=VARIANT)
case("RaggedTensorFromVariant", lambda s, v: tf.map_fn(lambda row: row * 2 + tf.cast(tf.shape(row)[0], tf.float32), tf.RaggedTensor.from_row_splits(v, s)).flat_values,
     STARTS, floats(5), name="map rows", refusal=VARIANT)
case("RaggedCross", lambda a, b: (lambda c: [c.output_values, c.output_row_splits])(raw.RaggedCross(
    ragged_values=[a], ragged_row_splits=[STARTS], sparse_indices=[], sparse_values=[], sparse_shape=[], dense_inputs=[b], input_order="RD",
    hashed_output=True, num_buckets=50, hash_key=956888297470, out_values_type=tf.int64, out_row_splits_type=tf.int64)),
    np.array(["x", "y", "z", "x", "w"], object), np.array([["k"], ["l"], ["m"]], object), refusal="no kernel")
case("StringNGrams", lambda x: list(raw.StringNGrams(
    data=x, data_splits=np.array([0, 3, 5], "int64"), separator=" ", ngram_widths=[1, 2], left_pad="<", right_pad=">", pad_width=1, preserve_short_sequences=False)),
    np.array(["a", "b", "cc", "d", "e"], object))

# MARK: Random numbers, by what can be said of them: shape, bounds, moments


def about(x, low, high, mean, deviation):
    wide = tf.cast(x, tf.float64)
    return [tf.shape(x), tf.reduce_all((x >= tf.cast(low, x.dtype)) & (x <= tf.cast(high, x.dtype))), tf.abs(tf.reduce_mean(wide) - mean) < 0.06 * deviation,
            tf.abs(tf.math.reduce_std(wide) - deviation) < 0.06 * deviation, tf.reduce_mean(tf.abs(wide[1:] - wide[:-1])) > deviation / 2]


EXTENTS = np.array([60, 80], "int32")
for dtype in [tf.float32, tf.float64, tf.float16]:
    case("RandomUniform", lambda s, d=dtype: about(raw.RandomUniform(shape=s, dtype=d), 0, 1, 0.5, 0.2887), EXTENTS, dtype=dtype.name)
    case("RandomStandardNormal", lambda s, d=dtype: about(raw.RandomStandardNormal(shape=s, dtype=d), -7, 7, 0, 1), EXTENTS, dtype=dtype.name)
    case("TruncatedNormal", lambda s, d=dtype: about(raw.TruncatedNormal(shape=s, dtype=d), -2, 2, 0, 0.8796), EXTENTS, dtype=dtype.name)
for dtype in ["int32", "int64"]:
    case("RandomUniformInt", lambda s, d=dtype: about(raw.RandomUniformInt(shape=s, minval=tf.constant(-3, d), maxval=tf.constant(8, d)), -3, 7, 2, 3.162), EXTENTS, dtype=dtype)
    case("Multinomial", lambda x, d=dtype: about(raw.Multinomial(logits=x, num_samples=4000, output_dtype=d), 0, 2, 1, 0.8165), np.zeros([2, 3], "float32"), dtype=dtype)
case("RandomPoissonV2", lambda s: raw.RandomPoissonV2(shape=s, rate=tf.constant(4.0), dtype=tf.float32), EXTENTS, refusal="no kernel for this distribution")
case("RandomGamma", lambda s: raw.RandomGamma(shape=s, alpha=tf.constant(4.0)), EXTENTS, refusal="no kernel for this distribution")
for dtype in ["float32", "int64", "string"]:
    case("RandomShuffle", lambda x: [tf.shape(y := raw.RandomShuffle(value=x)), tf.sort(y) if x.dtype != tf.string else tf.gather(y, tf.argsort(tf.strings.to_number(y)))],
         np.arange(40).astype(object if dtype == "string" else dtype).astype("U").astype(object) if dtype == "string" else np.arange(40).astype(dtype), dtype=dtype)
case("RandomShuffle", lambda x: [tf.reduce_any((y := raw.RandomShuffle(value=x)) != x), tf.reduce_all(y[:, 0] + 1 == y[:, 1])], np.arange(60).reshape(30, 2), name="rows", dynamic=True)
for op, arguments in {"StatelessRandomUniform": {}, "StatelessRandomNormal": {}, "StatelessTruncatedNormal": {}}.items():
    case(op, lambda s, op=op: getattr(raw, op)(shape=[3, 5], seed=s, dtype=tf.float32), np.array([3, 99], "int32"))
for dtype in ["int32", "int64"]:
    case("StatelessRandomUniformInt", lambda s, d=dtype: raw.StatelessRandomUniformInt(shape=[3, 5], seed=s, minval=tf.constant(-3, d), maxval=tf.constant(800, d)), np.array([3, 99], dtype))
case("StatelessMultinomial", lambda x, s: raw.StatelessMultinomial(logits=x, num_samples=9, seed=s), floats(2, 4), np.array([3, 99], "int32"),
     refusal="no kernel draws the numbers that TensorFlow draws from the seed")
case("StatelessShuffle", lambda x, s: tf.random.experimental.stateless_shuffle(x, s), np.arange(9), np.array([3, 99], "int32"),
     refusal="no kernel draws the numbers that TensorFlow draws from the seed")
case("RandomShuffle", lambda x: raw.RandomShuffle(value=x, seed=3, seed2=5), np.arange(9), name="seed",
     refusal="with a seed: TensorFlow's order is not followed")
UNIT = np.zeros([1, 0, 4], "float32")


def box_is_fit(version, sizes, boxes=None, **options):
    boxes = UNIT if boxes is None else boxes
    extra = dict(min_object_covered=np.float32(0.3)) if version == 2 else dict(min_object_covered=0.3)
    op = raw.SampleDistortedBoundingBoxV2 if version == 2 else raw.SampleDistortedBoundingBox
    begin, size, box = op(image_size=sizes, bounding_boxes=boxes, area_range=[0.1, 0.9], aspect_ratio_range=[0.7, 1.4], **extra, **options)
    area = tf.cast(size[0] * size[1], tf.float32) / tf.cast(sizes[0] * sizes[1], tf.float32)
    ratio = tf.cast(size[1], tf.float32) / tf.cast(size[0], tf.float32)
    place = tf.cast(begin, tf.float32)[:2] / tf.cast(sizes, tf.float32)[:2]
    return [tf.shape(begin), tf.shape(size), tf.shape(box), begin[2], size[2], tf.reduce_all(begin >= 0), tf.reduce_all(begin[:2] + size[:2] <= sizes[:2]),
            (area > 0.09) & (area < 0.91), (ratio > 0.68) & (ratio < 1.42), tf.reduce_all(tf.abs(box[0, 0, :2] - place) < 1e-5)]


for version, op in [(1, "SampleDistortedBoundingBox"), (2, "SampleDistortedBoundingBoxV2")]:
    case(op, lambda s, v=version: box_is_fit(v, s, use_image_if_no_bounding_boxes=True), np.array([120, 90, 3], "int32"))
    case(op, lambda s, b, v=version: box_is_fit(v, s, b), np.array([120, 90, 3], "int32"), np.array([[[0.2, 0.3, 0.7, 0.8]]], "float32"), name="box")

# MARK: Fused operators

IMAGE, FILTER, BIAS = floats(2, 6, 5, 3), floats(3, 2, 3, 4), floats(4)
for fused in [["BiasAdd"], ["BiasAdd", "Relu"], ["BiasAdd", "Relu6"], ["BiasAdd", "Elu"], ["BiasAdd", "LeakyRelu"]]:
    case("_FusedConv2D", lambda x, f, b, fused=fused: internal(
        "_FusedConv2D", input=x, filter=f, args=[b], host_args=[], num_args=1, strides=[1, 2, 1, 1], padding="SAME", fused_ops=fused, leakyrelu_alpha=0.3), IMAGE, FILTER, BIAS, name=" ".join(fused))
case("_FusedConv2D", lambda x, f, s, o, m, v: internal(
    "_FusedConv2D", input=x, filter=f, args=[s, o, m, v], host_args=[], num_args=4, strides=[1, 1, 1, 1], padding="VALID", fused_ops=["FusedBatchNorm", "Relu"], epsilon=0.01),
    IMAGE, FILTER, floats(4), floats(4, seed=2), floats(4, seed=3), floats(4, low=0.2, high=2), name="FusedBatchNorm")
for fused in [["BiasAdd"], ["BiasAdd", "Relu"], ["BiasAdd", "Relu6"], ["BiasAdd", "Elu"], ["BiasAdd", "LeakyRelu"], ["BiasAdd", "Tanh"], ["BiasAdd", "GeluApproximate"]]:
    case("_FusedMatMul", lambda a, b, c, fused=fused: internal(
        "_FusedMatMul", a=a, b=b, args=[c], transpose_b=True, fused_ops=fused, leakyrelu_alpha=0.3), floats(3, 5), floats(4, 5), BIAS, name=" ".join(fused))
case("BiasAddV1", lambda x, b: raw.BiasAddV1(value=x, bias=b), IMAGE, floats(3))
case("_FusedBatchNormEx", lambda x, s, o, m, v: internal(
    "_FusedBatchNormEx", x=x, scale=s, offset=o, mean=m, variance=v, side_input=[], is_training=False, activation_mode="Relu", epsilon=0.01)[0],
    floats(2, 6, 5, 4), floats(4), floats(4, seed=2), floats(4, seed=3), floats(4, low=0.2, high=2))
